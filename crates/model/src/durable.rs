//! The proof that something is on the disk. Only `store` may assert it; `ledger` turns it into a receipt.

/// A commit that survived its `fdatasync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Durable {
    seq: u64,
    leaf: u64,
}

impl Durable {
    /// Claims that commit `seq`, whose ledger leaf has index `leaf`, is durable.
    /// `assertion`: only `store`, after the sync returned; `xtask tidy` lists who calls it.
    pub const fn assertion(seq: u64, leaf: u64) -> Self {
        Self { seq, leaf }
    }

    /// Number of the commit, counted from 0 without gaps.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Index of its leaf in the ledger.
    #[must_use]
    pub const fn leaf(&self) -> u64 {
        self.leaf
    }
}
