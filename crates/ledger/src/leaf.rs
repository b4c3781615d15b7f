//! The leaf: what everybody may see of an entry. `version(1) ‖ kind(2) ‖ time(8) ‖ SHA-256(salt ‖ body)(32) ‖ second
//! commitment (32, zero today) ‖ SHA-256(sealed body)(32)`, big endian; since version 2 also `state(32)`: what the tables
//! hold behind the entry's commit, readable for the archive's key only.

use aws_lc_rs::digest::{SHA256, digest};

/// Bytes of a leaf.
pub const LEAF_BYTES: usize = 139;
/// Bytes of a leaf of version 1, without a state.
pub const LEAF_BYTES_1: usize = 107;

/// A leaf's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf(pub Vec<u8>);

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let hash = digest(&SHA256, &parts.concat());
    let mut out = [0; 32];
    out.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    out
}

impl Leaf {
    /// Of an entry: its kind's number, its time, its salted body and the body as it is sealed.
    #[must_use]
    pub fn new(kind: u16, time: i64, (salt, body): (&[u8; 16], &[u8]), sealed: &[u8]) -> Self {
        Self(Self::front(1, kind, time, (salt, body), sealed))
    }

    /// The same with what the tables hold behind it.
    #[must_use]
    pub fn with_state(
        kind: u16,
        time: i64,
        salted: (&[u8; 16], &[u8]),
        sealed: &[u8],
        state: &[u8; 32],
    ) -> Self {
        let mut out = Self::front(2, kind, time, salted, sealed);
        out.extend_from_slice(state);
        Self(out)
    }

    fn front(version: u8, kind: u16, time: i64, (salt, body): (&[u8; 16], &[u8]), sealed: &[u8]) -> Vec<u8> {
        let parts: [&[u8]; 6] = [
            &[version],
            &kind.to_be_bytes(),
            &time.to_be_bytes(),
            &sha256(&[salt, body]),
            &[0; 32],
            &sha256(&[sealed]),
        ];
        parts.concat()
    }

    /// Of stored bytes.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let known = matches!((bytes.first(), bytes.len()), (Some(1), LEAF_BYTES_1) | (Some(2), LEAF_BYTES));
        known.then(|| Self(bytes.to_vec()))
    }

    /// What the tables held behind the entry's commit; nothing in version 1.
    #[must_use]
    pub fn state(&self) -> Option<[u8; 32]> {
        self.0.get(LEAF_BYTES_1..).and_then(|state| state.try_into().ok())
    }

    /// Time, UTC nanoseconds.
    #[must_use]
    pub fn time(&self) -> i64 {
        let bytes = self.0.get(3..11).and_then(|b| b.try_into().ok());
        bytes.map_or(0, i64::from_be_bytes)
    }

    /// Number of the kind.
    #[must_use]
    pub fn kind(&self) -> u16 {
        u16::from_be_bytes([self.0.get(1).copied().unwrap_or(0), self.0.get(2).copied().unwrap_or(0)])
    }

    /// The sealed body is this leaf's.
    #[must_use]
    pub fn seals(&self, sealed: &[u8]) -> bool {
        self.0.get(75..LEAF_BYTES_1) == Some(&sha256(&[sealed])[..])
    }

    /// Salt and body are this leaf's.
    #[must_use]
    pub fn commits(&self, salt: &[u8], body: &[u8]) -> bool {
        self.0.get(11..43) == Some(&sha256(&[salt, body])[..])
    }
}

/// Hash of a leaf (RFC 6962 §2.1).
#[must_use]
pub fn hash(leaf: &[u8]) -> [u8; 32] {
    sha256(&[&[0], leaf])
}

/// Hash of two subtrees.
#[must_use]
pub fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[1], left, right])
}

/// What is signed beside each entry: its place and its leaf. So a verifier names the first entry that was changed,
/// removed or swapped, even when somebody recomputed every hash above it.
#[must_use]
pub fn signed(origin: &str, index: u64, leaf: &[u8]) -> Vec<u8> {
    [b"gauze ledger entry 1\0", origin.as_bytes(), &[0], &index.to_be_bytes(), &hash(leaf)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read_and_nothing_else() {
        let one = Leaf::new(30, 5, (&[1; 16], b"body"), b"sealed");
        let two = Leaf::with_state(30, 5, (&[1; 16], b"body"), b"sealed", &[9; 32]);
        assert_eq!((one.0.len(), two.0.len()), (107, 139));
        assert_eq!(one.0[1..], two.0[1..107], "the second one only adds to the first");
        assert_eq!((one.state(), two.state()), (None, Some([9; 32])));
        for leaf in [&one, &two] {
            assert_eq!(Leaf::read(&leaf.0).as_ref(), Some(leaf));
            assert_eq!((leaf.kind(), leaf.time()), (30, 5));
            assert!(leaf.seals(b"sealed") && leaf.commits(&[1; 16], b"body") && !leaf.seals(b"other"));
        }
        let mut mixed = two.0.clone();
        mixed[0] = 1;
        assert!(Leaf::read(&mixed).is_none() && Leaf::read(&two.0[..138]).is_none());
        mixed[0] = 3;
        assert!(Leaf::read(&mixed).is_none());
    }
}
