//! The sealed snapshot of the matching index: one file of sealed blocks, replaced as a whole. It is never the only copy of
//! anything: without it, or with a bad one, the index is made anew from the rows.

use crate::open::Store;
use crate::writer::MARGIN;
use crate::{Error, Result, disk};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

/// Its name in the data folder.
const NAME: &str = "index.snapshot";
/// One sealed block, bytes.
pub const SNAPSHOT_BLOCK_BYTES: usize = 2 << 20;

/// A snapshot being written: without [`SnapshotWriter::finish`] the old one stays.
pub struct SnapshotWriter {
    file: BufWriter<File>,
    path: PathBuf,
}

impl SnapshotWriter {
    /// Appends a block.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Full`], [`Error::Io`].
    pub fn block(&mut self, sealed: &[u8]) -> Result<()> {
        let len = u32::try_from(sealed.len()).ok().filter(|len| *len as usize <= SNAPSHOT_BLOCK_BYTES);
        self.file.write_all(&len.ok_or(Error::TooLarge)?.to_be_bytes()).map_err(disk::full)?;
        self.file.write_all(sealed).map_err(disk::full)
    }

    /// Makes it durable and puts it in the place of the old one.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`].
    pub fn finish(mut self) -> Result<()> {
        self.file.flush().map_err(disk::full)?;
        self.file.get_ref().sync_data().map_err(disk::full)?;
        std::fs::rename(self.path.with_extension("tmp"), &self.path)?;
        self.path.parent().map_or(Ok(()), disk::sync_folder)
    }
}

/// A snapshot being read.
pub struct SnapshotReader(BufReader<File>);

impl SnapshotReader {
    /// The next block; nothing at the end.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn block(&mut self) -> Result<Option<Vec<u8>>> {
        let mut len = [0; 4];
        match self.0.read_exact(&mut len) {
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let len = u32::from_be_bytes(len) as usize;
        if len > SNAPSHOT_BLOCK_BYTES {
            return Err(Error::Damaged("index snapshot"));
        }
        let mut block = vec![0; len];
        self.0.read_exact(&mut block)?;
        Ok(Some(block))
    }
}

impl Store {
    /// Begins a snapshot of about this many bytes. The room kept for ledger entries is not taken for it.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`].
    pub fn new_snapshot(&self, bytes: u64) -> Result<SnapshotWriter> {
        if disk::free_bytes(self.data()) < bytes.saturating_add(2 * MARGIN) {
            return Err(Error::Full);
        }
        let path = self.data().join(NAME);
        let file = File::create(path.with_extension("tmp")).map_err(disk::full)?;
        Ok(SnapshotWriter { file: BufWriter::with_capacity(1 << 20, file), path })
    }

    /// The snapshot, when there is one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn snapshot(&self) -> Result<Option<SnapshotReader>> {
        match File::open(self.data().join(NAME)) {
            Ok(file) => Ok(Some(SnapshotReader(BufReader::with_capacity(1 << 20, file)))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Removes one that is bad.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove_snapshot(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.data().join(NAME))?)
    }
}
