//! Sealed objects in files: `blobs/<tenant>/<aa>/<reference>`. Large ones are spooled in a folder of their own and renamed
//! when their commit is moved; small ones and sidecars lie there when data version 1 put them there.

use crate::disk;
use crate::{Error, Result};
use model::{Id, Tenant};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which file of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Object,
    Sidecar,
    /// Where version 1 spooled.
    OldSpool,
}

impl Part {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Object => "",
            Self::Sidecar => SIDE,
            Self::OldSpool => ".spool",
        }
    }
}

/// How the name of a sidecar's file ends.
pub const SIDE: &str = ".side";

/// Where a large object is spooled: one folder, so that its name is durable with one sync for all that arrive together.
pub fn spool_path(data: &Path, tenant: &Tenant, id: Id) -> PathBuf {
    data.join("spool").join(format!("{}-{}", tenant.as_str(), id.hex()))
}

pub fn path(root: &Path, tenant: &Tenant, id: Id, part: Part) -> PathBuf {
    let hex = id.hex();
    let fan = hex.get(..2).unwrap_or("00").to_owned();
    root.join(tenant.as_str()).join(fan).join(hex + part.suffix())
}

/// Writes a file durably: temporary name, sync, rename. The folder's sync is the caller's (one for many).
pub fn put(root: &Path, tenant: &Tenant, id: Id, part: Part, bytes: &[u8]) -> Result<PathBuf> {
    let path = path(root, tenant, id, part);
    let folder = path.parent().ok_or(Error::Missing)?;
    disk::make_folder(folder)?;
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&temporary, &path)?;
    Ok(folder.to_path_buf())
}

/// A large object on its way to its own file.
pub struct Spool {
    file: Option<File>,
    path: PathBuf,
    committed: bool,
}

impl Spool {
    pub(crate) fn new(data: &Path, tenant: &Tenant, id: Id) -> Result<Self> {
        let path = spool_path(data, tenant, id);
        Ok(Self { file: Some(File::create(&path)?), path, committed: false })
    }

    /// Appends sealed bytes.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.file.as_mut().ok_or(Error::Stopped)?;
        file.write_all(bytes).map_err(disk::full)
    }

    /// Makes its bytes durable; only then it may be committed. Its name becomes durable with the commit.
    ///
    /// # Errors
    /// As [`Spool::write`].
    pub fn finish(&mut self) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        file.sync_data().map_err(disk::full)
    }

    pub(crate) fn finished(&self) -> bool {
        self.file.is_none()
    }

    pub(crate) fn keep(&mut self) {
        self.committed = true;
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing refers to it; what survives a crash is removed at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Reads an object wherever it lies now. An open file survives its move.
#[derive(Clone)]
pub struct BlobReader {
    file: Arc<File>,
    at: u64,
    len: u64,
}

impl BlobReader {
    pub(crate) fn new(path: &Path, at: u64, len: Option<u64>) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let len = match len {
            Some(len) => len,
            None => file.metadata()?.len(),
        };
        Ok(Self { file: Arc::new(file), at, len })
    }

    /// Of bytes that lie in memory, not yet anywhere else.
    ///
    /// # Errors
    /// The system's.
    pub fn of_bytes(bytes: &[u8]) -> std::io::Result<Self> {
        let held = rustix::fs::memfd_create("gauze-spare", rustix::fs::MemfdFlags::CLOEXEC)?;
        let mut file = File::from(held);
        file.write_all(bytes)?;
        Ok(Self { file: Arc::new(file), at: 0, len: bytes.len() as u64 })
    }

    /// Sealed bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// No bytes at all: a damaged file.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `out` from `offset`.
    ///
    /// # Errors
    /// [`Error::Io`] also when the range is not within the object.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(out.len() as u64).filter(|end| *end <= self.len);
        end.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
        Ok(self.file.read_exact_at(out, self.at + offset)?)
    }
}
