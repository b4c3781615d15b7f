//! The leaf: what everybody may see of an entry. `version(1) ‖ kind(2) ‖ time(8) ‖ SHA-256(salt ‖ body)(32) ‖ second
//! commitment (32, zero today) ‖ SHA-256(sealed body)(32)`, big endian.

use aws_lc_rs::digest::{SHA256, digest};

/// Bytes of a leaf.
pub const LEAF_BYTES: usize = 107;
const VERSION: u8 = 1;

/// A leaf's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf(pub [u8; LEAF_BYTES]);

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
        let parts: [&[u8]; 6] = [
            &[VERSION],
            &kind.to_be_bytes(),
            &time.to_be_bytes(),
            &sha256(&[salt, body]),
            &[0; 32],
            &sha256(&[sealed]),
        ];
        let mut out = [0; LEAF_BYTES];
        out.iter_mut().zip(parts.concat()).for_each(|(to, from)| *to = from);
        Self(out)
    }

    /// Of stored bytes.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        <[u8; LEAF_BYTES]>::try_from(bytes).ok().map(Self).filter(|leaf| leaf.0.first() == Some(&VERSION))
    }

    /// Number of the kind.
    #[must_use]
    pub fn kind(&self) -> u16 {
        u16::from_be_bytes([self.0.get(1).copied().unwrap_or(0), self.0.get(2).copied().unwrap_or(0)])
    }

    /// The sealed body is this leaf's.
    #[must_use]
    pub fn seals(&self, sealed: &[u8]) -> bool {
        self.0.get(75..) == Some(&sha256(&[sealed])[..])
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
