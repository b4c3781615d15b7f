//! Opening: lock, version, replay; then a writer thread and a mover thread.

use crate::blob::{self, BlobReader, Part, Spool};
use crate::commit::{Commit, LeafSink, Pending};
use crate::overlay::{Leaf, Overlay};
use crate::place::{Places, move_segment};
use crate::reserve::Reserve;
use crate::rows::{Row, Tables};
use crate::segment::End;
use crate::writer::{Closed, Job, MARGIN, Writer};
use crate::{DATA_VERSION, Error, Result, disk, segment};
use model::{Id, Tenant};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// Commits that may wait for the writer; more callers wait themselves.
const WAITING: usize = 256;
/// The mover looks so often whether the store is being closed.
const LOOK: Duration = Duration::from_millis(50);

/// How to open a data folder.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder.
    pub data: PathBuf,
    /// A segment is closed at this size.
    pub segment_bytes: u64,
    /// A segment is closed after this much silence.
    pub idle: Duration,
    /// Kept for ledger entries when the disk is full ([`model::limits::RESERVED_ENTRIES`]).
    pub reserve_bytes: u64,
}

impl Options {
    /// The product's: 32 MiB segments, 300 ms, room for 100,000 entries of 700 bytes.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        let reserve_bytes = model::limits::RESERVED_ENTRIES * 700;
        Self { data, segment_bytes: 32 << 20, idle: Duration::from_millis(300), reserve_bytes }
    }
}

pub(crate) struct Shared {
    pub options: Options,
    pub data: PathBuf,
    pub epoch: AtomicU64,
    pub syncs: AtomicU64,
    /// Number of the first commit that is not durable yet.
    pub next_seq: AtomicU64,
    /// Closed segments that wait for the mover.
    pub unmoved: AtomicUsize,
    /// The store is being closed.
    stop: AtomicBool,
    reserve: Mutex<Reserve>,
    overlay: RwLock<Overlay>,
    tables: Mutex<Tables>,
}

impl Shared {
    pub fn overlay(&self) -> RwLockReadGuard<'_, Overlay> {
        self.overlay.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn overlay_mut(&self) -> RwLockWriteGuard<'_, Overlay> {
        self.overlay.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
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
        if let Some((_, row)) = self.overlay().rows.get(key) {
            return Ok(Some(row.clone()));
        }
        self.tables().row(key)
    }
}

/// An open data folder.
pub struct Store {
    shared: Arc<Shared>,
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    next_leaf: u64,
    _lock: File,
}

impl Store {
    /// Opens or makes a data folder: takes its lock, replays its log into place, starts the threads.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::NewerData`], [`Error::Damaged`], the system's.
    pub fn open(options: Options, mut sink: Box<dyn LeafSink>) -> Result<Self> {
        let data = options.data.clone();
        disk::make_folder(&data.join("intake"))?;
        disk::make_folder(&data.join("blobs"))?;
        let lock = disk::lock(&data)?;
        check_version(&data)?;
        let mut tables = Tables::open(&data)?;
        let blobs = data.join("blobs");
        let number = replay(&data, &mut Places { blobs: &blobs, tables: &mut tables, sink: &mut *sink })?;
        remove_spools(&blobs)?;
        let (seq, leaf) = (tables.next_seq()?, sink.size());
        let reserve = Reserve::open(&data, options.reserve_bytes);
        let shared = Arc::new(Shared {
            options,
            data: data.clone(),
            epoch: AtomicU64::new(1),
            syncs: AtomicU64::new(0),
            next_seq: AtomicU64::new(seq),
            unmoved: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            reserve: Mutex::new(reserve),
            overlay: RwLock::default(),
            tables: Mutex::new(Tables::open(&data)?),
        });
        let (jobs, waiting) = sync_channel(WAITING);
        // Paths only: the writer never waits for the mover.
        let (closed, unmoved) = channel();
        let writer = Writer {
            shared: Arc::clone(&shared),
            jobs: waiting,
            closed,
            number,
            seq,
            leaf,
            current: None,
            stopped: false,
        };
        let mover = Mover { shared: Arc::clone(&shared), tables, sink, unmoved };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(run)
        };
        let threads = vec![
            spawn("store-writer", Box::new(move || writer.run()))?,
            spawn("store-mover", Box::new(move || mover.run()))?,
        ];
        Ok(Self { shared, jobs: Some(jobs), threads, next_leaf: leaf, _lock: lock })
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

    /// All rows of a kind that are in their table: at start, that is all of them.
    ///
    /// # Errors
    /// The database's.
    pub fn each_row(&self, kind: u8, each: &mut dyn FnMut(Row)) -> Result<()> {
        self.shared.tables().each(kind, each)
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
        if let Some((_, sealed)) = self.shared.overlay().wraps.get(key) {
            return Ok(Some(sealed.clone()));
        }
        self.shared.tables().wrap(key)
    }

    /// A sealed object.
    ///
    /// # Errors
    /// [`Error::Missing`], the system's.
    pub fn object(&self, tenant: &Tenant, id: Id) -> Result<BlobReader> {
        let location = self.shared.overlay().objects.get(&(tenant.clone(), id)).cloned();
        let root = self.shared.data.join("blobs");
        if let Some(location) = location {
            let spool = blob::path(&root, tenant, id, Part::Spool);
            let reader = match location.spooled {
                true => BlobReader::new(&spool, 0, None),
                false => BlobReader::new(&location.path, location.at, Some(location.len)),
            };
            // Moved between look and open: it is in its place now.
            if let Ok(reader) = reader {
                return Ok(reader);
            }
        }
        found(BlobReader::new(&blob::path(&root, tenant, id, Part::Object), 0, None))
    }

    /// A sealed sidecar, whole.
    ///
    /// # Errors
    /// [`Error::Missing`], the system's.
    pub fn sidecar(&self, tenant: &Tenant, id: Id) -> Result<Vec<u8>> {
        if let Some((_, bytes)) = self.shared.overlay().sidecars.get(&(tenant.clone(), id)) {
            return Ok(bytes.to_vec());
        }
        let path = blob::path(&self.shared.data.join("blobs"), tenant, id, Part::Sidecar);
        found(std::fs::read(path))
    }

    /// A place for an object that is too large for the log.
    ///
    /// # Errors
    /// The system's.
    pub fn spool(&self, tenant: &Tenant, id: Id) -> Result<Spool> {
        Spool::new(&self.shared.data.join("blobs"), tenant, id)
    }

    /// A ledger entry that is durable in the log and not in its tile yet.
    #[must_use]
    pub fn unmoved_leaf(&self, index: u64) -> Option<Leaf> {
        self.shared.overlay().leaves.get(&index).map(|(_, leaf)| leaf.clone())
    }
}

fn found<T>(result: std::io::Result<T>) -> Result<T> {
    result.map_err(|e| if e.kind() == std::io::ErrorKind::NotFound { Error::Missing } else { Error::Io(e) })
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

struct Mover {
    shared: Arc<Shared>,
    tables: Tables,
    sink: Box<dyn LeafSink>,
    unmoved: Receiver<Closed>,
}

impl Mover {
    fn run(mut self) {
        let blobs = self.shared.data.join("blobs");
        while let Ok(Closed { path, number, good }) = self.unmoved.recv() {
            let mut pause = Duration::from_millis(100);
            loop {
                let mut places = Places { blobs: &blobs, tables: &mut self.tables, sink: &mut *self.sink };
                match move_segment(&path, number, End::Known(good), &mut places) {
                    Ok(()) => break,
                    Err(error) => tracing::warn!(%error, number, "a segment waits to be moved"),
                }
                // A full disk: what is in the log stays readable there; a stop leaves it to the next start.
                if disk::free_bytes(&self.shared.data) < MARGIN {
                    self.shared.release();
                }
                if self.stopped_within(pause) {
                    return;
                }
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            self.shared.unmoved.fetch_sub(1, Ordering::SeqCst);
            self.shared.overlay_mut().moved(number);
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, "a moved segment stays until the next start");
            }
        }
    }
}

impl Mover {
    fn stopped_within(&self, pause: Duration) -> bool {
        let mut left = pause;
        while !self.shared.stop.load(Ordering::SeqCst) {
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(LOOK));
            left = left.saturating_sub(LOOK);
        }
        true
    }
}

fn check_version(data: &Path) -> Result<()> {
    let path = data.join("VERSION");
    match std::fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(version) if version <= DATA_VERSION => Ok(()),
            Ok(version) => Err(Error::NewerData(version)),
            Err(_) => Err(Error::Damaged("VERSION")),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            disk::write_file(&path, format!("{DATA_VERSION}\n").as_bytes())
        }
        Err(e) => Err(e.into()),
    }
}

/// Moves all segments that a stop left behind; answers the number of the next one.
fn replay(data: &Path, places: &mut Places<'_>) -> Result<u64> {
    let folder = data.join("intake");
    let numbers = segment::numbers(&folder)?;
    for number in &numbers {
        let path = segment::path(&folder, *number);
        let end = if Some(number) == numbers.last() { End::Torn } else { End::Whole };
        move_segment(&path, *number, end, places)?;
        std::fs::remove_file(&path)?;
    }
    disk::sync_folder(&folder)?;
    Ok(numbers.last().map_or(0, |n| n + 1))
}

/// Spool files that no commit refers to: their senders were never answered.
fn remove_spools(blobs: &Path) -> Result<()> {
    for tenant in std::fs::read_dir(blobs)?.flatten().filter(|e| e.path().is_dir()) {
        for fan in std::fs::read_dir(tenant.path())?.flatten().filter(|e| e.path().is_dir()) {
            for file in std::fs::read_dir(fan.path())?.flatten() {
                if file.path().extension().is_some_and(|e| e == "spool" || e == "tmp") {
                    std::fs::remove_file(file.path())?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
