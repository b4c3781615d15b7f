//! backup: Tables → Objects → Entries → Checkpoint → Kept → Recorded.
//!
//! Everything in it is sealed as it lies on the disk; keys are never in it. Tables are copied between two moves, so that they
//! and the ledger's entries agree; objects only ever come, so those that lie there afterwards are all that the tables name.
//! Wraps go to a folder of their own and are kept for [`WRAPS_DAYS`] days at most: what was destroyed is noise then.

mod restore;
mod source;

pub use restore::{Restored, restore};
pub use source::{Source, State};

use crate::vault::{Vault, key_mark};
use crate::{Error, Result};
use ledger::tiles::WIDTH;
use ledger::{Checkpoint, Event, Tree};
use model::Time;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::ROWS_FILE;
use store::WRAPS_FILE;
use store::backup::{Packs, copy, lock, make_folder, write, write_bundle};

/// Wrapped keys are in no backup that is older (DESIGN.md §3).
pub const WRAPS_DAYS: i64 = 35;
/// Tables are kept of so many backups.
const STATES: usize = 3;
/// Name of the file that says what a folder is.
const MARK: &str = "gauze-backup";
const FORMAT: &str = "gauze backup 1";
const SECONDS: i64 = 1_000_000_000;

/// Where a backup goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// Objects, entries, rows.
    pub data: PathBuf,
    /// Wrapped keys.
    pub wraps: PathBuf,
}

/// What a backup says of itself. All of it is checked against the signed ledger before it is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// When, UTC nanoseconds.
    pub time: i64,
    /// Entries.
    pub entries: u64,
    /// Time of the last one.
    pub last_entry: i64,
    /// Objects and sidecars in all packs.
    pub files: u64,
    /// Of these, new in this run.
    pub added: u64,
    /// That could not be read and are missing.
    #[serde(default)]
    pub unreadable: u64,
    /// A signed checkpoint of exactly these entries.
    pub checkpoint: String,
}

impl Vault {
    /// Makes a backup; `told` hears how many files are done of how many.
    ///
    /// # Errors
    /// A target that is another archive's; no room; the system's.
    pub async fn backup(
        self: &Arc<Self>,
        target: Target,
        told: impl FnMut(u64, u64) + Send + 'static,
    ) -> Result<Manifest> {
        let vault = Arc::clone(self);
        let made = tokio::task::spawn_blocking(move || vault.write_backup(&target, told)).await;
        let made = made.map_err(|_| Error::Internal("the backup's thread"))??;
        let event = Event::BackedUp { entries: made.entries, objects: made.files };
        self.record_own(event).await.map_err(|_| Error::Internal("the backup cannot be recorded"))?;
        Ok(made)
    }

    fn write_backup(&self, target: &Target, mut told: impl FnMut(u64, u64)) -> Result<Manifest> {
        let now = self.clock.now();
        self.mark_target(&target.data)?;
        self.mark_target(&target.wraps)?;
        let _only = lock(&target.data)?;
        let number = next_number(target)?;
        let (state, wraps) = (part(&target.data.join("states"), number)?, part(&target.wraps, number)?);
        let copied = self.store.copy_tables(&state.join(ROWS_FILE), &wraps.join(WRAPS_FILE))?;
        let (files, added, unreadable) = self.copy_objects(&target.data.join("objects"), &mut told)?;
        let (checkpoint, last_entry) =
            self.copy_entries(&target.data.join("ledger"), &state, copied.entries)?;
        let manifest = Manifest {
            time: now.0,
            entries: copied.entries,
            last_entry,
            files,
            added,
            unreadable,
            checkpoint,
        };
        let text = serde_json::to_vec_pretty(&manifest).map_err(|_| Error::Internal("manifest"))?;
        write(&state.join("backup.json"), &text)?;
        write(&wraps.join("backup.json"), &text)?;
        // Wraps first: rows without their wraps are films that nobody can open.
        done(&wraps)?;
        done(&state)?;
        prune(target, now)?;
        Ok(manifest)
    }

    /// A folder belongs to one archive.
    fn mark_target(&self, folder: &Path) -> Result<()> {
        make_folder(folder)?;
        let text = format!("{FORMAT}\n{}\n", key_mark(&self.sealing.ladder));
        match std::fs::read_to_string(folder.join(MARK)) {
            Ok(found) if found == text => Ok(()),
            Ok(_) => Err(Error::Internal("the target holds another archive's backup")),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                if std::fs::read_dir(folder)?.next().is_some() {
                    return Err(Error::Internal("the target is not empty and holds no backup"));
                }
                Ok(write(&folder.join(MARK), text.as_bytes())?)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn copy_objects(&self, folder: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<(u64, u64, u64)> {
        let mut packs = Packs::open(folder, true)?;
        let mut names = Vec::new();
        for sidecar in [false, true] {
            self.store.list_objects(sidecar, &mut |tenant, id| names.push((tenant, id, sidecar)))?;
        }
        names.retain(|name| !packs.has(name));
        let (total, mut added, mut unreadable) = (names.len() as u64, 0, 0);
        for (done, name) in (1..).zip(&names) {
            match packs.take(&self.store, name) {
                Ok(taken) => added += u64::from(taken),
                // One film that cannot be read must not keep all others out of every backup; `gauze check` names it.
                Err(store::Error::Unreadable(kind)) => {
                    tracing::error!(object = %name.1, ?kind, "an object cannot be read; the backup goes on without it");
                    unreadable += 1;
                }
                Err(error) => return Err(error.into()),
            }
            told(done, total);
        }
        packs.close()?;
        Ok((packs.len() as u64, added, unreadable))
    }

    /// Entries before `size`: full bundles once, the rest with the state. Answers a checkpoint of them.
    fn copy_entries(&self, folder: &Path, state: &Path, size: u64) -> Result<(String, i64)> {
        let (mut tree, mut last) = (Tree::default(), 0);
        for n in 0..size.div_ceil(WIDTH) {
            let mut bundle = self.journal.reader.bundle(n)?;
            let whole = (n + 1) * WIDTH <= size;
            bundle.truncate(usize::try_from(size - n * WIDTH).unwrap_or(usize::MAX).min(bundle.len()));
            bundle.iter().for_each(|stored| tree.push(ledger::leaf::hash(&stored.0)));
            last = bundle.last().and_then(ledger::tiles::leaf_of).map_or(last, |leaf| leaf.time());
            let path = if whole { folder.join(format!("{n:08}")) } else { state.join("tail") };
            write_bundle(&path, &bundle)?;
        }
        if tree.size() != size {
            return Err(Error::Internal("entries are missing"));
        }
        self.is_prefix(tree.clone())?;
        let checkpoint = Checkpoint { origin: self.journal.origin.clone(), size, root: tree.root() };
        Ok((crate::vault::note(&checkpoint, &self.journal.signing), last))
    }

    /// Entries as they lie there are what this archive has signed until now: a checkpoint of others would be a second history.
    fn is_prefix(&self, mut tree: Tree) -> Result<()> {
        let now = self.checkpoint()?;
        for index in tree.size()..now.size {
            tree.push(ledger::leaf::hash(&self.stored_entry(index)?.0));
        }
        let same = tree.root() == now.root;
        if same { Ok(()) } else { Err(Error::Internal("entries are not those that were signed")) }
    }
}

/// Numbers of finished copies in a folder.
fn numbers(folder: &Path) -> Result<Vec<u64>> {
    let mut out = Vec::new();
    match std::fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        list => {
            for entry in list? {
                out.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
            }
        }
    }
    out.sort_unstable();
    Ok(out)
}

/// Above all that is finished in either folder: a run may have ended between the two.
fn next_number(target: &Target) -> Result<u64> {
    let (states, wraps) = (numbers(&target.data.join("states"))?, numbers(&target.wraps)?);
    Ok(states.iter().chain(&wraps).max().map_or(1, |last| last + 1))
}

/// A folder that is being filled; what an interrupted run left of it goes.
fn part(folder: &Path, number: u64) -> Result<PathBuf> {
    let path = folder.join(format!("{number:08}.part"));
    match std::fs::remove_dir_all(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
        _ => {}
    }
    make_folder(&path)?;
    Ok(path)
}

/// It is whole now.
fn done(path: &Path) -> Result<()> {
    std::fs::rename(path, path.with_extension(""))?;
    path.parent().map_or(Ok(()), |folder| Ok(std::fs::File::open(folder)?.sync_all()?))
}

/// Older tables go, and wraps when their time is over.
fn prune(target: &Target, now: Time) -> Result<()> {
    let states = numbers(&target.data.join("states"))?;
    for number in states.iter().rev().skip(STATES) {
        std::fs::remove_dir_all(target.data.join("states").join(format!("{number:08}")))?;
    }
    for number in numbers(&target.wraps)? {
        let folder = target.wraps.join(format!("{number:08}"));
        let made = source::manifest(&folder).map_or(0, |manifest| manifest.time);
        let kept = states.iter().rev().take(STATES).any(|state| *state == number);
        if !kept || now.0 - made > WRAPS_DAYS * 86_400 * SECONDS {
            std::fs::remove_dir_all(&folder)?;
        }
    }
    Ok(())
}

/// Copies what is no secret and not sealed: configuration, policies, the ledger's public key.
///
/// # Errors
/// The system's.
pub fn copy_settings(home: &Path, target: &Target) -> Result<()> {
    let to = target.data.join("settings");
    make_folder(&to.join("policies"))?;
    copy(&home.join("gauze.toml"), &to.join("gauze.toml"))?;
    copy(&home.join("keys/ledger.vkey"), &to.join("ledger.vkey"))?;
    for entry in std::fs::read_dir(home.join("policies"))? {
        let entry = entry?;
        copy(&entry.path(), &to.join("policies").join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
