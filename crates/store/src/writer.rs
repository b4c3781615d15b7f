//! The one writer: what arrives together is appended together and synced once.

use crate::commit::{Commit, ObjectBytes};
use crate::disk;
use crate::open::Shared;
use crate::place::Records;
use crate::segment::{self, Cursor, End, Meta, RowRecord, Span};
use crate::tally::Tally;
use crate::{Error, Result, Slot, Spool};
use model::Durable;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, atomic::Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// Bytes that one sync may cover.
const BATCH_BYTES: u64 = 32 << 20;
/// Commits that one sync may cover.
const BATCH_COMMITS: usize = 1024;
/// Objects are refused when less is left, so that what moves afterwards finds room.
pub const MARGIN: u64 = 8 << 20;
/// While so much waits to be moved, silence does not ask for more.
const UNMOVED: usize = 2;
/// A segment of small commits is closed after so many: they are held in memory until they are moved.
const SEGMENT_COMMITS: usize = 4096;
/// Lazy commits wait so long for one that somebody waits for, in steps.
const LAZY_STEPS: usize = 10;
const LAZY_STEP: Duration = Duration::from_millis(20);
/// So many lazy ones wait for nobody.
const LAZY: usize = 128;
/// Writes are gathered up to this size; a larger object is written from where it is.
const GATHER_BYTES: usize = 256 << 10;

mod ahead;

use ahead::Ahead;

pub type Job = (Commit, oneshot::Sender<Result<Durable>>);

pub struct Writer {
    pub shared: Arc<Shared>,
    pub jobs: Receiver<Job>,
    /// What may be moved: bytes that were acknowledged; what may stand behind them was refused.
    pub moves: Sender<Records>,
    pub number: u64,
    pub seq: u64,
    pub leaf: u64,
    /// Of all rows and wraps behind the last commit.
    pub tally: Tally,
    /// Of those that are durable.
    pub durable: Tally,
    pub current: Option<Current>,
    /// Refused records could not be cut off: nothing may be written behind them.
    pub stopped: bool,
}

pub struct Current {
    file: File,
    path: PathBuf,
    at: Cursor,
    /// Up to here the mover was asked already.
    asked: Cursor,
    commits: usize,
}

struct Staged {
    meta: Meta,
    /// Object and sidecars.
    blobs: Vec<Vec<u8>>,
    /// Its file goes with it unless the commit is kept.
    spool: Option<Spool>,
    answer: oneshot::Sender<Result<Durable>>,
}

impl Writer {
    /// Runs until all submitters are gone.
    pub fn run(mut self) {
        loop {
            match self.jobs.recv_timeout(self.shared.options.idle) {
                Ok(first) => {
                    let batch = self.collect(first);
                    self.batch(batch);
                    let full = self.shared.options.segment_bytes;
                    if self.current.as_ref().is_some_and(|c| c.at.at >= full || c.commits >= SEGMENT_COMMITS)
                    {
                        self.close();
                    }
                    if self.shared.hurry.swap(false, Ordering::SeqCst) {
                        self.ask(false);
                    }
                    // Also without a pause: what the reserve gave is owed as soon as there is room again.
                    if self.shared.owed() > 0 {
                        self.shared.refill();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.shared.unmoved.load(Ordering::SeqCst) < UNMOVED {
                        self.ask(false);
                    }
                    self.shared.refill();
                }
                Err(RecvTimeoutError::Disconnected) => return self.close(),
            }
        }
    }

    /// What one sync covers: all that waits now. As long as nobody waits for any of it, for a while what comes next.
    fn collect(&self, first: Job) -> Vec<Job> {
        let (mut bytes, mut lazy, mut steps) = (first.0.bytes(), first.0.lazy, 0);
        let mut batch = vec![first];
        while lazy && batch.len() < LAZY && steps < LAZY_STEPS && bytes < BATCH_BYTES {
            match self.jobs.recv_timeout(LAZY_STEP) {
                Ok(job) => {
                    bytes += job.0.bytes();
                    lazy = job.0.lazy;
                    batch.push(job);
                }
                Err(RecvTimeoutError::Timeout) => steps += 1,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        while bytes < BATCH_BYTES && batch.len() < BATCH_COMMITS {
            let Ok(job) = self.jobs.try_recv() else { break };
            bytes += job.0.bytes();
            batch.push(job);
        }
        batch
    }

    /// A refused commit ends the epoch like a failed batch does: its caller's memory is ahead of what is durable, and
    /// commits behind it may rest on that memory. The epoch ends after the rest of the batch is visible, and only then the
    /// refused are answered: what a caller then reads anew is all that is durable.
    fn batch(&mut self, jobs: Vec<Job>) {
        let mut ahead = Ahead::default();
        let (mut staged, mut refused) = (Vec::new(), Vec::new());
        let mut ended = false;
        let before = (self.seq, self.leaf, self.tally);
        for (commit, answer) in jobs {
            let rests = !commit.rows.is_empty();
            if self.stopped {
                refused.push((answer, Error::Stopped));
                continue;
            }
            // Without room it is refused for that, whatever else: its caller can tell what to do about it.
            let result = match self.room(&commit) {
                Err(full) => Err(full),
                Ok(()) if ended && rests => Err(Error::Stale),
                Ok(()) => self.stage(commit, &mut ahead),
            };
            match result {
                Ok((meta, blobs, spool)) => staged.push(Staged { meta, blobs, spool, answer }),
                Err(error) => {
                    ended |= rests && !matches!(error, Error::Stale);
                    refused.push((answer, error));
                }
            }
        }
        if !staged.is_empty() {
            self.keep(staged, before);
        }
        if ended {
            self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        }
        for (answer, error) in refused {
            drop(answer.send(Err(error)));
        }
    }

    fn keep(&mut self, staged: Vec<Staged>, before: (u64, u64, Tally)) {
        match self.write(&staged) {
            Ok(places) => self.publish(staged, &places),
            Err(error) => {
                (self.seq, self.leaf, self.tally) = before;
                self.shared.epoch.fetch_add(1, Ordering::SeqCst);
                let full = matches!(error, Error::Full);
                tracing::error!(%error, "a batch failed; nothing of it is kept");
                for one in staged {
                    let again = if full { Error::Full } else { Error::Io(std::io::ErrorKind::Other.into()) };
                    drop(one.answer.send(Err(again)));
                }
            }
        }
    }

    fn room(&self, commit: &Commit) -> Result<()> {
        let needed = commit.bytes() + MARGIN + self.shared.owed();
        if commit.stores() && disk::free_bytes(&self.shared.data) < needed {
            Err(Error::Full)
        } else {
            Ok(())
        }
    }

    /// Checks a commit against what is durable and what this batch changes already; only then it gets its numbers.
    fn stage(&mut self, commit: Commit, ahead: &mut Ahead) -> Result<(Meta, Vec<Vec<u8>>, Option<Spool>)> {
        if !segment::fits(&commit) {
            return Err(Error::TooLarge);
        }
        // Without rows it rests on nobody's memory of rows: ledger entries go on while stores are refused.
        if !commit.rows.is_empty() && commit.epoch != self.shared.epoch.load(Ordering::SeqCst) {
            return Err(Error::Stale);
        }
        ahead.look_up(&self.shared, &commit)?;
        if commit.rows.iter().any(|row| ahead.version(&row.key) != row.expect) {
            return Err(Error::Conflict);
        }
        let (mut blobs, mut spool) = (Vec::new(), None);
        let object = match commit.object {
            Some(new) => {
                let span = match new.bytes {
                    ObjectBytes::Inline(bytes) => {
                        let span = Span::of(&bytes);
                        blobs.push(bytes);
                        Some(span)
                    }
                    ObjectBytes::Spooled(own) if own.finished() => {
                        spool = Some(own);
                        None
                    }
                    ObjectBytes::Spooled(_) => return Err(Error::Damaged("an object that was not synced")),
                };
                Some((new.tenant, new.id, span))
            }
            None => None,
        };
        let mut sidecars = Vec::new();
        for (tenant, id, bytes) in commit.sidecars {
            sidecars.push((tenant, id, Span::of(&bytes)));
            blobs.push(bytes);
        }
        let (seq, first_leaf) = (self.seq, self.leaf);
        let print = self.shared.options.fingerprint.as_ref();
        ahead.count(print, (&commit.rows, &commit.wraps), seq, &mut self.tally);
        self.seq += 1;
        self.leaf += commit.leaves.len() as u64;
        let state = |index| print.map_or([0; 32], |print| print.state(index, seq, &self.tally));
        let slot = |index| Slot { index, seq, state: state(index) };
        let leaves = (first_leaf..).zip(commit.leaves).map(|(index, make)| make(slot(index))).collect();
        let rows = commit.rows.into_iter().map(RowRecord::of).collect();
        let wraps = segment::wraps(commit.wraps);
        let meta = Meta { seq, object, sidecars, rows, wraps, first_leaf, leaves, gone: commit.gone };
        Ok((meta, blobs, spool))
    }

    /// Appends and syncs. Answers where each commit's bytes begin. After an error nothing of the batch is in the file.
    fn write(&mut self, staged: &[Staged]) -> Result<Vec<u64>> {
        self.make_room(staged);
        if staged.iter().any(|one| one.spool.is_some()) {
            // Their bytes are synced; now their names are, before any record says that they are there.
            disk::sync_folder(&self.shared.data.join("spool")).map_err(full)?;
        }
        if self.current.is_none() {
            self.current = Some(self.create()?);
        }
        let current = self.current.as_mut().ok_or(Error::Stopped)?;
        let start = current.at;
        match current.append(staged) {
            Ok(places) => {
                self.shared.syncs.fetch_add(1, Ordering::Relaxed);
                Ok(places)
            }
            Err(error) => {
                current.at = start;
                // What is refused must not be replayed: behind it there would be two histories of the same numbers.
                let cut = || current.file.set_len(start.at).and_then(|()| current.file.sync_all());
                if cut().or_else(|_| cut()).is_err() {
                    tracing::error!("the intake log cannot be cut; nothing more is written until a restart");
                    self.stopped = true;
                }
                self.close();
                Err(error)
            }
        }
    }

    fn make_room(&mut self, staged: &[Staged]) {
        let blobs = staged.iter().flat_map(|s| &s.blobs).map(|b| b.len() as u64).sum::<u64>();
        let needed = blobs + staged.len() as u64 * 4096 + (1 << 20);
        while disk::free_bytes(&self.shared.data) < needed && self.shared.release() {}
    }

    fn create(&mut self) -> Result<Current> {
        let folder = self.shared.data.join("intake");
        let path = crate::segment::path(&folder, self.number);
        let made = (|| -> std::io::Result<File> {
            let mut file = File::options().create_new(true).append(true).open(&path)?;
            file.write_all(&segment::header(self.number))?;
            file.sync_all()?;
            File::open(&folder)?.sync_all()?;
            Ok(file)
        })();
        let file = made.map_err(|error| {
            // Nothing was acknowledged in it. Whether or not it goes, its number is used up.
            let _ = std::fs::remove_file(&path);
            self.number += 1;
            disk::full(error)
        })?;
        Ok(Current { file, path, at: Cursor::START, asked: Cursor::START, commits: 0 })
    }

    fn publish(&mut self, staged: Vec<Staged>, places: &[u64]) {
        let Some(current) = &mut self.current else { return };
        current.commits += staged.len();
        self.durable = self.tally;
        let mut answers = Vec::with_capacity(staged.len());
        let next = staged.last().map(|one| one.meta.seq + 1);
        {
            let mut overlay = self.shared.overlay_mut();
            for (mut one, place) in staged.into_iter().zip(places) {
                if let Some(spool) = &mut one.spool {
                    spool.keep();
                }
                answers.push((one.answer, Durable::assertion(one.meta.seq, one.meta.first_leaf)));
                overlay.add(self.number, one.meta, *place);
            }
        }
        if let Some(next) = next {
            self.shared.next_seq.store(next, Ordering::SeqCst);
        }
        for (answer, durable) in answers {
            drop(answer.send(Ok(durable))); // whoever asked may have gone; the commit stands
        }
    }

    /// Asks for what was acknowledged since to be moved; the last time for this segment when it is closed.
    fn ask(&mut self, last: bool) {
        let Some(current) = &mut self.current else { return };
        if current.asked == current.at && !last {
            return;
        }
        let (path, end) = (current.path.clone(), End::Known(current.at.at));
        let records = Records {
            path,
            number: self.number,
            from: current.asked,
            end,
            last,
            wraps: Some(self.durable.wraps),
        };
        current.asked = current.at;
        self.shared.unmoved.fetch_add(1, Ordering::SeqCst);
        if self.moves.send(records).is_err() {
            tracing::error!("nobody moves segments any more; the next start will");
        }
    }

    fn close(&mut self) {
        self.ask(true);
        if self.current.take().is_some() {
            self.number += 1;
        }
    }
}

fn full(error: Error) -> Error {
    match error {
        Error::Io(error) => disk::full(error),
        other => other,
    }
}

impl Current {
    fn append(&mut self, staged: &[Staged]) -> Result<Vec<u64>> {
        let mut places = Vec::with_capacity(staged.len());
        let mut gathered: Vec<u8> = Vec::new();
        let mut at = self.at;
        for one in staged {
            let framed = segment::frame(at.checksum, &one.meta)?;
            let blob_at = at.at + framed.front.len() as u64;
            places.push(blob_at);
            at = Cursor { at: blob_at + framed.blob_len, checksum: framed.checksum };
            for piece in std::iter::once(&framed.front).chain(&one.blobs) {
                if gathered.len() + piece.len() <= GATHER_BYTES {
                    gathered.extend_from_slice(piece);
                    continue;
                }
                self.file.write_all(&gathered).map_err(disk::full)?;
                gathered.clear();
                self.file.write_all(piece).map_err(disk::full)?;
            }
        }
        self.file.write_all(&gathered).map_err(disk::full)?;
        // The acknowledgement of everybody in the batch (DESIGN.md §3, Intake log). O_APPEND grew the file, and
        // fdatasync also makes the new length durable.
        self.file.sync_data().map_err(disk::full)?;
        self.at = at;
        Ok(places)
    }
}
