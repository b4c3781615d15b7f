//! The newest checkpoint that this machine has seen: data older than it do not start. Rolling back the whole home is found
//! only by a checkpoint kept elsewhere.

use crate::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// `keys/seen`: a signed note.
pub struct Seen(PathBuf);

impl Seen {
    /// At this path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.into())
    }

    /// The note, when there is one.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&self) -> Result<Option<String>, Error> {
        match std::fs::read_to_string(&self.0) {
            Ok(note) => Ok(Some(note)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Replaces it, durably and whole.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, note: &str) -> Result<(), Error> {
        let temporary = self.0.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(note.as_bytes())?;
        file.sync_data()?;
        std::fs::rename(&temporary, &self.0)?;
        if let Some(folder) = self.0.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}
