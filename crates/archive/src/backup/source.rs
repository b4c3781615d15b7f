//! A backup as it is read.

use super::{FORMAT, MARK, Manifest, numbers};
use crate::check::Spare;
use crate::{Error, Result};
use model::{Id, Tenant};
use std::path::{Path, PathBuf};
use store::backup::Packs;

/// A folder with backups.
pub struct Source {
    pub(super) folder: PathBuf,
    pub(super) packs: Packs,
    /// Of the key that it belongs to.
    pub(super) key_mark: String,
}

/// One backup in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its number.
    pub number: u64,
    /// What it says of itself.
    pub manifest: Manifest,
}

impl Source {
    /// Opens a folder.
    ///
    /// # Errors
    /// No backup; the system's.
    pub fn open(folder: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(folder.join(MARK)).unwrap_or_default();
        let key_mark = text.strip_prefix(FORMAT).map(str::trim).filter(|mark| !mark.is_empty());
        let key_mark = key_mark.ok_or(Error::Internal("there is no backup in this folder"))?.to_owned();
        let packs = Packs::open(&folder.join("objects"), false)?;
        Ok(Self { folder: folder.to_path_buf(), packs, key_mark })
    }

    /// The newest backup.
    ///
    /// # Errors
    /// None is whole; the system's.
    pub fn newest(&self) -> Result<State> {
        let number = numbers(&self.folder.join("states"))?.pop();
        let number = number.ok_or(Error::Internal("no backup was finished in this folder"))?;
        Ok(State { number, manifest: manifest(&self.state(number))? })
    }

    pub(super) fn state(&self, number: u64) -> PathBuf {
        self.folder.join("states").join(format!("{number:08}"))
    }

    /// Files in it.
    #[must_use]
    pub fn files(&self) -> usize {
        self.packs.len()
    }
}

impl Spare for Source {
    fn bytes(&self, object: Id, sidecar: bool) -> Option<Vec<u8>> {
        self.packs.bytes(&(Tenant::main(), object, sidecar)).ok()
    }
}

pub(super) fn manifest(folder: &Path) -> Result<Manifest> {
    let bytes = std::fs::read(folder.join("backup.json"))?;
    serde_json::from_slice(&bytes).map_err(|_| Error::Internal("backup.json is not one"))
}
