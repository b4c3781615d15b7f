//! Sealed objects and rows, the ladder of keys, wraps, tokens, signing.
//!
//! Invariant: knows nothing of DICOM, networks, clocks or files; randomness is an argument; a secret has no `Debug`, no
//! `Clone` and is wiped when dropped.

pub mod aead;
pub mod key;
pub mod ladder;
pub mod row;
pub mod seal;
pub mod sign;
pub mod token;
pub mod totp;

pub use key::{Digest, Key, Random, same, sha256};
pub use ladder::{Ladder, PatientKey};
pub use sign::{SigningKey, verify};
pub use token::{Handle, TokenKind};

/// Why something could not be sealed or opened. None of them says more than the caller may tell a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes were not sealed under this key for this place, or were changed.
    #[error("seal is broken")]
    Broken,
    /// A format version or suite that this program does not know.
    #[error("sealed by a newer format")]
    Newer,
    /// Above a named limit.
    #[error("too large to seal")]
    TooLarge,
    /// The machine gave no randomness.
    #[error("no randomness")]
    Random,
    /// A primitive refused its input; cannot happen with keys made here.
    #[error("cryptographic failure")]
    Primitive,
}
