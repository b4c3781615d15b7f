//! Files that carry films between houses: ZIP, read within limits and written.
//!
//! Invariant: opens no file and no socket; names found inside a file are words to show, never paths to open; nothing is
//! allocated before a bound allowed it.

pub mod zip;

/// Entries of one ZIP.
pub const ENTRIES: u64 = 1_000_000;
/// Bytes of one name.
pub const NAME_BYTES: usize = 1024;
/// Bytes of a central directory.
pub const DIRECTORY_BYTES: u64 = 256 << 20;
/// Bytes of one entry, unpacked: the largest object.
pub const ENTRY_BYTES: u64 = model::limits::OBJECT_BYTES;
/// An entry that unpacks to more than this many times its size is a bomb: DEFLATE itself ends at 1032 (RFC 1951 has no
/// shorter code), films stay below 100.
pub const RATIO: u64 = 1_100;
/// Small entries may be anything.
pub const RATIO_FROM: u64 = 1 << 20;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not what it says it is.
    #[error("not a whole ZIP file: {0}")]
    Zip(&'static str),
    /// Above a named limit.
    #[error("above a limit: {0}")]
    TooLarge(&'static str),
    /// Encrypted, or a method that is not read.
    #[error("not read: {0}")]
    Unsupported(&'static str),
    /// The system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
