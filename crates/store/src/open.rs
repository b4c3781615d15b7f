//! Opening: lock, version, replay; then a writer thread and a mover thread.

mod replay;

use crate::commit::{Commit, LeafSink, Pending};
use crate::mover::Mover;
use crate::overlay::{Leaf, Overlay};
use crate::place::Places;
use crate::reserve::Reserve;
use crate::rows::{Row, Tables};
use crate::tally::{Fingerprint, Tally};
use crate::writer::{Job, MARGIN, Writer};
use crate::{DATA_VERSION, Error, Result, disk};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// Commits that may wait for the writer; more callers wait themselves.
const WAITING: usize = 256;

/// Up to this size of their file all wraps are counted at each start; above, the sum of the last move is believed.
const COUNTED_AT_START: u64 = 64 << 20;

/// How to open a data folder.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder.
    pub data: PathBuf,
    /// A segment is closed at this size.
    pub segment_bytes: u64,
    /// What is in the log is moved after this much silence.
    pub idle: Duration,
    /// Kept for ledger entries when the disk is full ([`model::limits::RESERVED_ENTRIES`]).
    pub reserve_bytes: u64,
    /// Keyed hash of rows and wraps: with one, each change needs an entry, which says what the tables hold behind it.
    pub fingerprint: Option<Fingerprint>,
}

impl Options {
    /// The product's: 32 MiB segments, 5 s (each move costs a dozen syncs, and nobody waits for it), room for 100,000
    /// entries of 700 bytes.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        let reserve_bytes = model::limits::RESERVED_ENTRIES * 700;
        Self { data, segment_bytes: 32 << 20, idle: Duration::from_secs(5), reserve_bytes, fingerprint: None }
    }
}

pub(crate) struct Shared {
    pub options: Options,
    pub data: PathBuf,
    pub epoch: AtomicU64,
    pub syncs: AtomicU64,
    /// Number of the first commit that is not durable yet.
    pub next_seq: AtomicU64,
    /// What waits for the mover.
    pub unmoved: AtomicUsize,
    /// Somebody waits for what is in the log to be moved.
    pub hurry: AtomicBool,
    /// The store is being closed.
    pub stop: AtomicBool,
    /// Entries in the ledger's tiles after the last whole move, none after a failed one. Held while something is moved.
    pub placed: Mutex<Option<u64>>,
    pub reserve: Mutex<Reserve>,
    pub overlay: RwLock<Overlay>,
    pub tables: Mutex<Tables>,
}

impl Shared {
    pub fn overlay(&self) -> RwLockReadGuard<'_, Overlay> {
        self.overlay.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn overlay_mut(&self) -> RwLockWriteGuard<'_, Overlay> {
        self.overlay.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reserve(&self) -> MutexGuard<'_, Reserve> {
        self.reserve.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back a step of the reserve; false when nothing is left of it.
    pub fn release(&self) -> bool {
        self.reserve().release()
    }

    /// What the reserve gave and has not got back.
    pub fn owed(&self) -> u64 {
        self.reserve().owed()
    }

    pub fn refill(&self) {
        self.reserve().refill(&self.data, 2 * MARGIN);
    }

    pub fn row(&self, key: &[u8; 32]) -> Result<Option<Row>> {
        if let Some(row) = self.overlay().rows.get(key) {
            return Ok(Some(row.clone()));
        }
        self.tables().row(key)
    }

    /// A wrap with the number of its commit.
    pub fn wrap(&self, key: &[u8; 32]) -> Result<Option<(u64, Vec<u8>)>> {
        if let Some(found) = self.overlay().wraps.get(key) {
            return Ok(Some(found.clone()));
        }
        self.tables().wrap(key)
    }
}

/// An open data folder.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    pub(crate) jobs: Option<SyncSender<Job>>,
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) next_leaf: u64,
    /// Next commit and sums of the tables at the start.
    pub(crate) at_start: (u64, Tally),
    pub(crate) _lock: File,
}

impl Store {
    /// Opens or makes a data folder: takes its lock, replays its log into place, starts the threads.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::NewerData`], [`Error::Damaged`], the system's.
    pub fn open(options: Options, mut sink: Box<dyn LeafSink>) -> Result<Self> {
        let data = options.data.clone();
        for folder in ["intake", "blobs", "packs", "spool"] {
            disk::make_folder(&data.join(folder))?;
        }
        let lock = disk::lock(&data)?;
        let version = check_version(&data)?;
        let mut tables = Tables::open(&data, options.fingerprint.clone())?;
        tables.renew()?;
        let number = replay::replay(&mut Places { data: &data, tables: &mut tables, sink: &mut *sink })?;
        replay::remove_spools(&data, version)?;
        write_version(&data, version)?;
        let (seq, leaf) = (tables.next_seq()?, sink.size());
        let wraps = std::fs::metadata(data.join(crate::rows::WRAPS_FILE))?.len();
        let tally = tables.tally(wraps > COUNTED_AT_START)?;
        let again = Tables::open(&data, options.fingerprint.clone())?;
        let reserve = Reserve::open(&data, options.reserve_bytes);
        let shared = Arc::new(Shared {
            options,
            data: data.clone(),
            epoch: AtomicU64::new(1),
            syncs: AtomicU64::new(0),
            next_seq: AtomicU64::new(seq),
            unmoved: AtomicUsize::new(0),
            hurry: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            placed: Mutex::new(Some(leaf)),
            reserve: Mutex::new(reserve),
            overlay: RwLock::default(),
            tables: Mutex::new(again),
        });
        let (jobs, waiting) = sync_channel(WAITING);
        // Paths only: the writer never waits for the mover.
        let (asked, moves) = channel();
        let writer = Writer {
            shared: Arc::clone(&shared),
            jobs: waiting,
            moves: asked,
            number,
            seq,
            leaf,
            tally,
            durable: tally,
            current: None,
            stopped: false,
        };
        let mover = Mover { shared: Arc::clone(&shared), tables, sink, moves };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(run)
        };
        let threads = vec![
            spawn("store-writer", Box::new(move || writer.run()))?,
            spawn("store-mover", Box::new(move || mover.run()))?,
        ];
        Ok(Self { shared, jobs: Some(jobs), threads, next_leaf: leaf, at_start: (seq, tally), _lock: lock })
    }

    /// Hands a commit to the writer; waits for room in its queue, not for the disk. Commits become durable in the order
    /// in which they were submitted.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn submit(&self, commit: Commit) -> Result<Pending> {
        let (answer, pending) = tokio::sync::oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(Error::Stopped)?;
        jobs.send((commit, answer)).map_err(|_| Error::Stopped)?;
        Ok(Pending(pending))
    }

    /// The epoch that new commits must name.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.shared.epoch.load(Ordering::SeqCst)
    }

    /// Syncs of the log since the start.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.shared.syncs.load(Ordering::Relaxed)
    }

    /// Ledger entries that were in place when the store was opened.
    #[must_use]
    pub const fn leaves_at_start(&self) -> u64 {
        self.next_leaf
    }

    /// A durable row.
    ///
    /// # Errors
    /// The database's.
    pub fn row(&self, key: &[u8; 32]) -> Result<Option<Row>> {
        self.shared.row(key)
    }

    /// All rows of these kinds that are in their table: at start, that is all of them.
    ///
    /// # Errors
    /// The database's.
    pub fn each_row(&self, kinds: &[u8], each: &mut dyn FnMut(Row)) -> Result<()> {
        self.shared.tables().each(kinds, each)
    }

    /// The same of those that commits from this one on wrote.
    ///
    /// # Errors
    /// The database's.
    pub fn each_row_since(&self, seq: u64, each: &mut dyn FnMut(Row)) -> Result<()> {
        self.shared.tables().each_since(seq, each)
    }

    /// Number of the first commit that is not durable yet.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.shared.next_seq.load(Ordering::SeqCst)
    }

    pub(crate) fn data(&self) -> &Path {
        &self.shared.data
    }

    /// A wrapped key.
    ///
    /// # Errors
    /// The database's.
    pub fn wrap(&self, key: &[u8; 32]) -> Result<Option<Vec<u8>>> {
        Ok(self.shared.wrap(key)?.map(|(_, sealed)| sealed))
    }

    /// A ledger entry that is durable in the log and not in its tile yet.
    #[must_use]
    pub fn unmoved_leaf(&self, index: u64) -> Option<Leaf> {
        self.shared.overlay().leaves.get(&index).map(|(_, leaf)| leaf.clone())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.jobs = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store ended badly");
            }
        }
    }
}

/// The folder's version; nothing: it is new.
fn check_version(data: &Path) -> Result<Option<u32>> {
    match std::fs::read_to_string(data.join("VERSION")) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(version) if version <= DATA_VERSION => Ok(Some(version)),
            Ok(version) => Err(Error::NewerData(version)),
            Err(_) => Err(Error::Damaged("VERSION")),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Before the first pack, an older program could still read the folder: from here on it must refuse.
fn write_version(data: &Path, version: Option<u32>) -> Result<()> {
    if version == Some(DATA_VERSION) {
        return Ok(());
    }
    disk::write_file(&data.join("VERSION"), format!("{DATA_VERSION}\n").as_bytes())
}

#[cfg(test)]
mod tests;
