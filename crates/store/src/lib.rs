//! The intake log: one sync for many callers; behind it blobs, sealed rows, wraps and leaves find their places.
//!
//! Invariant: never sees plaintext or a key; nothing is acknowledged before its `fdatasync` returned.

pub mod backup;
mod blob;
mod commit;
mod disk;
mod keepsake;
mod look;
mod mover;
mod objects;
mod open;
mod overlay;
mod pack;
mod place;
mod raw;
mod reserve;
mod rows;
mod segment;
mod snapshot;
mod tally;
mod writer;

pub use blob::{BlobReader, Spool};
pub use commit::{Commit, LeafFn, LeafSink, NewObject, ObjectBytes, Pending, RowWrite, Slot, WrapWrite};
pub use keepsake::{KEEPSAKE_BYTES, KEEPSAKES};
pub use look::{Copied, Counted, Segment};
pub use objects::{ObjectPart, ObjectPlace, PackUse};
pub use open::{Options, Store};
pub use rows::{ROWS_FILE, Row, WRAPS_FILE};
pub use segment::unmoved_leaves;
pub use snapshot::{SNAPSHOT_BLOCK_BYTES, SnapshotReader, SnapshotWriter};
pub use tally::{Fingerprint, Sum, Tally};

/// Writes a small mark into the data folder, durably.
///
/// # Errors
/// The system's.
pub fn write_mark(path: &std::path::Path, text: &str) -> Result<()> {
    disk::write_file(path, text.as_bytes())
}

/// A name in the data folder that this crate makes for itself beside the ones of the format.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    name.ends_with(".tmp")
}

/// Version of the data folder. 2: small objects lie in packs (docs/decisions/0034-packs.md). 3: rows stand
/// apart from their content (docs/decisions/0088-rows-apart.md).
pub const DATA_VERSION: u32 = 3;

/// Why something could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds the data folder.
    #[error("the archive is already in use by another process")]
    Locked,
    /// The data folder was written by a newer program.
    #[error("the data folder has version {0}, this program knows {DATA_VERSION}")]
    NewerData(u32),
    /// No room for objects; ledger entries and reading go on.
    #[error("no room on the disk for new objects")]
    Full,
    /// A batch before this commit failed: the caller's memory must be read anew.
    #[error("an earlier commit failed")]
    Stale,
    /// Another commit changed the row first.
    #[error("the row was changed by somebody else")]
    Conflict,
    /// Not there.
    #[error("no such object")]
    Missing,
    /// The store has stopped.
    #[error("the store has stopped")]
    Stopped,
    /// The log holds something that this program did not write.
    #[error("the intake log is damaged: {0}")]
    Damaged(&'static str),
    /// A segment was changed after it was written.
    #[error(
        "{path} is damaged behind byte {good}; it was left as it is: restore it from a backup, or move it away to start without what it holds"
    )]
    Segment {
        /// The segment.
        path: std::path::PathBuf,
        /// Its last byte that checks.
        good: u64,
    },
    /// A commit that no record may hold.
    #[error("the commit is too large")]
    TooLarge,
    /// The disk or the system refused.
    #[error("disk: {0}")]
    Io(#[from] std::io::Error),
    /// An object whose bytes the system cannot read.
    #[error("an object cannot be read: {0}")]
    Unreadable(std::io::ErrorKind),
    /// The row database refused.
    #[error("row database: {0}")]
    Rows(#[from] rusqlite::Error),
}

/// Results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
