//! What can go wrong, and what each side is told: the only table of codes.

use thiserror::Error as ThisError;

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;

/// Why bytes were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
pub enum Error {
    /// No preamble and prefix (PS3.10 §7.1).
    #[error("not a part 10 file")]
    NotPart10,
    /// The bytes end inside an element.
    #[error("the bytes end inside {0}")]
    Truncated(&'static str),
    /// A named bound is exceeded.
    #[error("{0} above the limit")]
    TooLarge(&'static str),
    /// The byte structure is not DICOM's.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A required attribute is missing or invalid.
    #[error("missing or invalid {0}")]
    Missing(&'static str),
    /// A transfer syntax that is not known.
    #[error("transfer syntax not known")]
    TransferSyntax,
    /// The data set reader refused it.
    #[error("data set cannot be read")]
    Unreadable,
    /// A query key or value that is not understood.
    #[error("query: {0}")]
    Query(&'static str),
    /// The peer broke the upper layer protocol (PS3.8).
    #[error("protocol: {0}")]
    Protocol(&'static str),
}

/// What the other side may know about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Stable word for logs, tests and clients.
    pub code: &'static str,
    /// DIMSE status (PS3.4 B.2.3, PS3.7 C).
    pub dimse: u16,
    /// HTTP status (PS3.18 §8.5).
    pub http: u16,
    /// Text that names no value of the object.
    pub text: &'static str,
}

impl Error {
    /// The row of the table.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        let (code, dimse, http, text) = match self {
            Self::NotPart10 => ("dicom.not-part10", 0xC001, 400, "not a DICOM Part 10 file"),
            Self::Truncated(_) => ("dicom.truncated", 0xC002, 400, "the object is cut off"),
            Self::TooLarge(_) => ("dicom.too-large", 0xA700, 413, "the object is above a limit"),
            Self::Malformed(_) => ("dicom.malformed", 0xC003, 400, "the object is malformed"),
            Self::Missing(_) => ("dicom.missing", 0xA900, 400, "a required attribute is missing or invalid"),
            Self::TransferSyntax => {
                ("dicom.transfer-syntax", 0x0122, 415, "the transfer syntax is not known")
            }
            Self::Unreadable => ("dicom.unreadable", 0xC004, 400, "the data set cannot be read"),
            Self::Query(_) => ("dicom.query", 0xA900, 400, "the query is not understood"),
            Self::Protocol(_) => ("dicom.protocol", 0x0110, 400, "the peer broke the protocol"),
        };
        Refusal { code, dimse, http, text }
    }
}
