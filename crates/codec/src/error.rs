//! Why a frame was not decoded, or a picture not made.

use thiserror::Error as ThisError;

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;

/// Causes. None of them names a value of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
pub enum Error {
    /// The transfer syntax, or this form of it, is not decoded here.
    #[error("{0} is not decoded")]
    Unsupported(&'static str),
    /// A named limit is exceeded; nothing was unpacked.
    #[error("{0} above the limit")]
    TooLarge(&'static str),
    /// The encoded bytes say another size, depth or number of components than the header does.
    #[error("header and encoded bytes disagree on {0}")]
    Disagree(&'static str),
    /// The caller's deadline passed before the frame was decoded.
    #[error("decoding took too long")]
    OutOfTime,
    /// The encoded bytes are broken.
    #[error("malformed {0}")]
    Malformed(&'static str),
}
