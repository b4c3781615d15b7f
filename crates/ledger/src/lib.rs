//! Every act and every refusal, in a Merkle log that others can read and anybody can check without a key.
//!
//! Invariant: needs nothing of Gauze but `model`; a [`Receipt`] comes only from a [`model::Durable`].

pub mod body;
pub mod event;
pub mod inspect;
pub mod leaf;
pub mod mend;
pub mod note;
pub mod tiles;
pub mod tree;
pub mod verify;

pub use body::{Entry, Envelope, Value};
pub use event::{Event, KINDS};
pub use leaf::Leaf;
pub use note::Checkpoint;
pub use tiles::{Reader, Writer};
pub use tree::Tree;

use model::Durable;

/// Why a log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not what this program writes.
    #[error("the ledger is damaged: {0}")]
    Damaged(&'static str),
    /// A checkpoint that is not one, or not signed by the key it should be.
    #[error("not a valid checkpoint")]
    Checkpoint,
    /// The system refused.
    #[error("ledger: {0}")]
    Io(#[from] std::io::Error),
}

/// Proof that an entry is durably in the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    index: u64,
}

impl Receipt {
    /// Of a durable commit that carried the entry.
    #[must_use]
    pub const fn of(durable: &Durable) -> Self {
        Self { index: durable.leaf() }
    }

    /// Index of the entry.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }
}
