//! Where the root key comes from, and what must lie outside the data folder.
//!
//! Invariant: not async; knows nothing of DICOM; never reads or writes a key below the data folder.

pub mod file;
pub mod seen;

pub use file::{Plain, Sealed};
pub use seen::Seen;

use crypto::{Key, Random};
use std::path::{Path, PathBuf};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no key file.
    #[error("no key at {0}")]
    Missing(PathBuf),
    /// There is one already; it is never overwritten.
    #[error("there is a key at {0} already")]
    Exists(PathBuf),
    /// A copy of the data folder must not be enough.
    #[error("the key may not lie in the data folder: {0}")]
    InsideData(PathBuf),
    /// Others may read it.
    #[error("the key file {0} may be read by others: its mode must be 0600")]
    Readable(PathBuf),
    /// The passphrase does not open it.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// Not a key file of this program.
    #[error("the key file is damaged")]
    Damaged,
    /// No randomness or a failed primitive.
    #[error("cryptographic failure")]
    Crypto(#[from] crypto::Error),
    /// The system refused.
    #[error("key file: {0}")]
    Io(#[from] std::io::Error),
}

/// A place that holds the root key.
///
/// Contract: `create` never overwrites and is durable on return; `root` changes nothing, also when it fails.
pub trait KeySource {
    /// Makes a new root key there.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::InsideData`], the system's.
    fn create(&self, random: &dyn Random) -> Result<Key, Error>;

    /// The root key.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Readable`], [`Error::WrongPassphrase`], [`Error::Damaged`].
    fn root(&self) -> Result<Key, Error>;
}

/// The system's generator.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), crypto::Error> {
        aws_lc_rs::rand::fill(out).map_err(|_| crypto::Error::Random)
    }
}

/// Refuses a path inside the data folder, links followed.
fn outside(path: &Path, data: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    let real = |p: &Path| std::fs::canonicalize(p).unwrap_or_else(|_| p.to_path_buf());
    if real(folder).starts_with(real(data)) { Err(Error::InsideData(path.to_path_buf())) } else { Ok(()) }
}
