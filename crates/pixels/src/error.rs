//! Why a lease was not carried out. Whatever the cause, no bytes of the object come back.

use port::{Code, Fault};
use thiserror::Error as ThisError;

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;

/// Causes.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Error {
    /// A frame was not decoded, or a picture not encoded.
    #[error("frame: {0}")]
    Codec(#[from] codec::Error),
    /// The header cannot be turned into what the lease asks for.
    #[error("header: {0}")]
    Head(#[from] dicom::Error),
    /// Not possible for this object, or not built yet.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The lease itself asks for what cannot be.
    #[error("lease: {0}")]
    Lease(&'static str),
    /// There is no such value.
    #[error("no such value")]
    Absent,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        use codec::Error as Codec;
        let code = match error {
            Error::Codec(Codec::Unsupported(_)) | Error::Unsupported(_) => Code::Unsupported,
            Error::Codec(Codec::TooLarge(_) | Codec::OutOfTime) | Error::Head(dicom::Error::TooLarge(_)) => {
                Code::TooLarge
            }
            Error::Codec(Codec::Disagree(_) | Codec::Malformed(_)) | Error::Head(_) => Code::BadObject,
            Error::Lease(_) => Code::BadRequest,
            Error::Absent => Code::NotFound,
        };
        code.into()
    }
}
