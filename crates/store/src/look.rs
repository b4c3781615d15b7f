//! A data folder as it lies there, for those who check or copy it: nothing is replayed, moved or written.

use crate::blob::{self, Part};
use crate::open::{Options, Shared};
use crate::overlay::Overlay;
use crate::reserve::Reserve;
use crate::rows::{Row, Tables};
use crate::segment::{self, Cursor, End};
use crate::tally::{Fingerprint, Tally};
use crate::{Error, ObjectPart, Result, Store, disk, pack};
use model::{Id, Tenant};
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// How often a copy looks whether the log is moved, and how long.
const QUIET_LOOKS: u32 = 200;
const QUIET_PAUSE: Duration = Duration::from_millis(50);

/// A segment of the intake log as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The file.
    pub path: PathBuf,
    /// Bytes that check, from the start.
    pub good: u64,
    /// Bytes of the file.
    pub len: u64,
    /// Whole records follow one that does not check, or it is not the newest: this is damage, no torn tail.
    pub damaged: bool,
}

/// What tables hold, to be compared with entries.
#[derive(Debug, Clone)]
pub struct Counted {
    print: Option<Fingerprint>,
    seq: u64,
    tally: Tally,
}

impl Counted {
    /// Whether rows and wraps are those that the entry at `index` names.
    #[must_use]
    pub fn agrees(&self, index: u64, state: &[u8; 32]) -> (bool, bool) {
        let Some(print) = &self.print else { return (true, true) };
        let found = print.state(index, self.seq, &self.tally);
        (found.get(..16) == state.get(..16), found.get(16..) == state.get(16..))
    }
}

/// Tables copied between two moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Number of the last commit in them, and one more.
    pub next_seq: u64,
    /// Entries of the ledger that go with them.
    pub entries: u64,
}

impl Store {
    /// Opens a folder that nobody uses for reading only; what the log has is read where it lies.
    ///
    /// # Errors
    /// [`Error::Locked`]; tables that cannot be opened at all.
    pub fn look(options: Options) -> Result<(Self, Vec<Segment>)> {
        let data = options.data.clone();
        let lock = disk::lock(&data)?;
        let tables = Tables::open(&data, options.fingerprint.clone())?;
        let (overlay, segments) = overlay(&data, &tables)?;
        let at_start = (tables.next_seq().unwrap_or(0), Tally::default());
        let shared = Shared {
            data: data.clone(),
            epoch: AtomicU64::new(0),
            next_seq: AtomicU64::new(at_start.0),
            syncs: AtomicU64::new(0),
            unmoved: AtomicUsize::new(0),
            hurry: AtomicBool::new(false),
            stop: AtomicBool::new(true),
            placed: Mutex::new(None),
            reserve: Mutex::new(Reserve::none()),
            overlay: RwLock::new(overlay),
            tables: Mutex::new(tables),
            options,
        };
        let store = Self {
            shared: Arc::new(shared),
            jobs: None,
            threads: vec![],
            next_leaf: 0,
            at_start,
            _lock: lock,
        };
        Ok((store, segments))
    }

    /// Whether rows and wraps, as they were at the start, are those that the entry at `index` names: rows, wraps.
    #[must_use]
    pub fn agrees(&self, index: u64, state: &[u8; 32]) -> (bool, bool) {
        let (next_seq, tally) = self.at_start;
        let counted = Counted {
            print: self.shared.options.fingerprint.clone(),
            seq: next_seq.saturating_sub(1),
            tally,
        };
        counted.agrees(index, state)
    }

    /// What the tables hold now, every wrap counted. Meaningful while nothing is moved ([`Store::look`]).
    ///
    /// # Errors
    /// The database's.
    pub fn count(&self) -> Result<Counted> {
        let tables = self.shared.tables();
        let seq = tables.next_seq()?.saturating_sub(1);
        Ok(Counted { print: self.shared.options.fingerprint.clone(), seq, tally: tables.tally(false)? })
    }

    /// The first entry whose commit is in the log and not in the tables yet.
    ///
    /// # Errors
    /// The database's.
    pub fn first_unmoved(&self) -> Result<Option<u64>> {
        let next = self.shared.tables().next_seq()?;
        let overlay = self.shared.overlay();
        Ok(overlay.leaves.iter().find(|(_, (seq, _))| *seq >= next).map(|(index, _)| *index))
    }

    /// All rows, those in the log included.
    ///
    /// # Errors
    /// The database's, after everything that could be read was.
    pub fn all_rows(&self, each: &mut dyn FnMut(Row)) -> Result<()> {
        let fresh: Vec<Row> = self.shared.overlay().rows.values().cloned().collect();
        let known: HashSet<[u8; 32]> = fresh.iter().map(|row| row.key).collect();
        fresh.into_iter().for_each(&mut *each);
        self.shared.tables().all(&mut |row| {
            if !known.contains(&row.key) {
                each(row);
            }
        })
    }

    /// Packs that are damaged (`true`) or missing.
    ///
    /// # Errors
    /// The system's.
    pub fn broken_packs(&self) -> Result<Vec<(u64, bool)>> {
        broken_packs(&self.shared.data, &self.shared.tables())
    }

    /// What the databases find wrong with themselves, by file.
    #[must_use]
    pub fn integrity(&self) -> Vec<(&'static str, String)> {
        self.shared.tables().integrity()
    }

    /// References of all objects (`true`: of all sidecars), wherever they lie.
    ///
    /// # Errors
    /// The system's.
    pub fn list_objects(&self, sidecars: bool, each: &mut dyn FnMut(Tenant, Id)) -> Result<()> {
        let wanted = if sidecars { ObjectPart::Sidecar } else { ObjectPart::Object };
        self.each_object(&mut |tenant, id, part, _| {
            if part == wanted {
                each(tenant.clone(), id);
            }
        })
    }

    /// Copies both tables as they are between two moves of a running store. Waits a moment, so that everything that is durable
    /// when it is asked for is moved; on a disk that is full or slow, what is in the log goes with the next copy.
    ///
    /// # Errors
    /// The database's; [`Error::Stopped`] while a segment cannot be moved.
    pub fn copy_tables(&self, rows: &Path, wraps: &Path) -> Result<Copied> {
        let durable = self.shared.overlay().leaves.keys().next_back().map_or(0, |last| last + 1);
        let placed = || *self.shared.placed.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..QUIET_LOOKS {
            if placed().is_some_and(|entries| entries >= durable) {
                break;
            }
            self.shared.hurry.store(true, Ordering::SeqCst);
            std::thread::sleep(QUIET_PAUSE);
        }
        let placed = self.shared.placed.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = placed.ok_or(Error::Stopped)?;
        let tables = Tables::open(&self.shared.data, None)?;
        tables.copy(rows, wraps)?;
        Ok(Copied { next_seq: tables.next_seq()?, entries })
    }

    /// Puts the bytes of an object or sidecar into place, durably: from a backup.
    ///
    /// # Errors
    /// The system's.
    pub fn put_back(&self, tenant: &Tenant, id: Id, sidecar: bool, bytes: &[u8]) -> Result<()> {
        let (part, number) =
            if sidecar { (Part::Sidecar, pack::SIDECAR) } else { (Part::Object, pack::OBJECT) };
        disk::sync_folder(&blob::put(&self.shared.data.join("blobs"), tenant, id, part, bytes)?)?;
        self.shared.tables().displace(tenant, id, number)
    }

    /// Moves a file that nothing refers to into `quarantine/`, where nobody reads it. What lies in a pack stays there.
    ///
    /// # Errors
    /// The system's.
    pub fn quarantine(&self, tenant: &Tenant, id: Id, sidecar: bool) -> Result<PathBuf> {
        let part = if sidecar { Part::Sidecar } else { Part::Object };
        let from = blob::path(&self.shared.data.join("blobs"), tenant, id, part);
        let folder = self.shared.data.join("quarantine");
        disk::make_folder(&folder)?;
        let to = folder.join(from.file_name().ok_or(Error::Missing)?);
        std::fs::rename(&from, &to)?;
        disk::sync_folder(&folder)?;
        Ok(to)
    }

    /// A look writes nothing.
    #[must_use]
    pub fn only_looks(&self) -> bool {
        self.jobs.is_none() && self.shared.stop.load(Ordering::SeqCst)
    }
}

/// What the segments hold, read as far as they check. Records that were moved already say the same as the tables.
fn overlay(data: &Path, tables: &Tables) -> Result<(Overlay, Vec<Segment>)> {
    let folder = data.join("intake");
    let numbers = match segment::numbers(&folder) {
        Err(Error::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        numbers => numbers?,
    };
    let (mut overlay, mut segments) = (Overlay::default(), Vec::new());
    for number in &numbers {
        let path = segment::path(&folder, *number);
        // With a directory it is a pack that only lacks its last name.
        if pack::directory(&File::open(&path)?, *number).is_ok_and(|found| found.is_some()) {
            continue;
        }
        let end = match tables.pack(*number)?.filter(|pack| pack.good > 0) {
            Some(pack) => End::Known(pack.good),
            None if Some(number) == numbers.last() => End::Torn,
            None => End::Whole,
        };
        let read = segment::read(&path, *number, Cursor::START, end, |found| {
            overlay.add(*number, found.meta, found.blob_at);
            Ok(())
        });
        let len = std::fs::metadata(&path)?.len();
        let (good, damaged) = match read {
            Ok(end) => (end.at, false),
            Err(Error::Segment { good, .. }) => (good, true),
            Err(Error::Damaged(_)) => (0, true),
            Err(error) => return Err(error),
        };
        segments.push(Segment { path, good, len, damaged });
    }
    Ok((overlay, segments))
}

/// Packs whose directory cannot be read, or that are missing.
fn broken_packs(data: &Path, tables: &Tables) -> Result<Vec<(u64, bool)>> {
    let there = pack::list(data)?;
    let mut out = Vec::new();
    for number in &there {
        let file = File::open(pack::path(data, *number))?;
        if !pack::directory(&file, *number).is_ok_and(|found| found.is_some()) {
            out.push((*number, true));
        }
    }
    for number in tables.packs()? {
        let used = there.binary_search(&number).is_err() && tables.in_use(number)?;
        out.extend(used.then_some((number, false)));
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
