//! The one writer: what arrives together is appended together and synced once.

use crate::commit::{Commit, ObjectBytes};
use crate::disk;
use crate::open::Shared;
use crate::segment::{self, HEADER, Meta, RowRecord};
use crate::{Error, Result, Spool};
use model::Durable;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, atomic::Ordering};
use tokio::sync::oneshot;

/// Bytes that one sync may cover.
const BATCH_BYTES: usize = 32 << 20;
/// Commits that one sync may cover.
const BATCH_COMMITS: usize = 1024;
/// Objects are refused when less is left, so that what moves afterwards finds room.
pub const MARGIN: u64 = 8 << 20;
/// While so many segments wait to be moved, silence does not close another.
const UNMOVED: usize = 2;

pub type Job = (Commit, oneshot::Sender<Result<Durable>>);

/// A closed segment for the mover.
pub struct Closed {
    pub path: PathBuf,
    pub number: u64,
    /// Bytes that were acknowledged; what may stand behind them was refused.
    pub good: u64,
}

pub struct Writer {
    pub shared: Arc<Shared>,
    pub jobs: Receiver<Job>,
    pub closed: Sender<Closed>,
    pub number: u64,
    pub seq: u64,
    pub leaf: u64,
    pub current: Option<Current>,
    /// Refused records could not be cut off: nothing may be written behind them.
    pub stopped: bool,
}

pub struct Current {
    file: File,
    path: Arc<PathBuf>,
    at: u64,
    checksum: u32,
}

struct Staged {
    meta: Meta,
    blob: Vec<u8>,
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
                    if self.current.as_ref().is_some_and(|c| c.at >= self.shared.options.segment_bytes) {
                        self.close();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.shared.unmoved.load(Ordering::SeqCst) < UNMOVED {
                        self.close();
                    }
                    self.shared.refill();
                }
                Err(RecvTimeoutError::Disconnected) => return self.close(),
            }
        }
    }

    fn collect(&self, first: Job) -> Vec<Job> {
        let size = |job: &Job| match &job.0.object {
            Some(object) => match &object.bytes {
                ObjectBytes::Inline(bytes) => bytes.len(),
                ObjectBytes::Spooled(_) => 0,
            },
            None => 0,
        };
        let mut bytes = size(&first);
        let mut batch = vec![first];
        while bytes < BATCH_BYTES && batch.len() < BATCH_COMMITS {
            let Ok(job) = self.jobs.try_recv() else { break };
            bytes += size(&job);
            batch.push(job);
        }
        batch
    }

    /// A refused commit ends the epoch like a failed batch does: its caller's memory is ahead of what is durable, and
    /// commits behind it may rest on that memory. The epoch ends after the rest of the batch is visible, and only then the
    /// refused are answered: what a caller then reads anew is all that is durable.
    fn batch(&mut self, jobs: Vec<Job>) {
        let mut versions = HashMap::new();
        let (mut staged, mut refused) = (Vec::new(), Vec::new());
        let mut ended = false;
        let before = (self.seq, self.leaf);
        for (commit, answer) in jobs {
            let rests = !commit.rows.is_empty();
            if self.stopped {
                refused.push((answer, Error::Stopped));
                continue;
            }
            let result = if ended && rests { Err(Error::Stale) } else { self.stage(commit, &mut versions) };
            match result {
                Ok((meta, blob, spool)) => staged.push(Staged { meta, blob, spool, answer }),
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

    fn keep(&mut self, staged: Vec<Staged>, (seq, leaf): (u64, u64)) {
        match self.write(&staged) {
            Ok(places) => self.publish(staged, &places),
            Err(error) => {
                (self.seq, self.leaf) = (seq, leaf);
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

    /// Checks a commit against what is durable and what this batch changes already; only then it gets its numbers.
    fn stage(
        &mut self,
        commit: Commit,
        versions: &mut HashMap<[u8; 32], u64>,
    ) -> Result<(Meta, Vec<u8>, Option<Spool>)> {
        if !segment::fits(&commit) {
            return Err(Error::TooLarge);
        }
        // Without rows it rests on nobody's memory of rows: ledger entries go on while stores are refused.
        if !commit.rows.is_empty() && commit.epoch != self.shared.epoch.load(Ordering::SeqCst) {
            return Err(Error::Stale);
        }
        let inline = match commit.object.as_ref().map(|o| &o.bytes) {
            Some(ObjectBytes::Inline(bytes)) => bytes.len() as u64,
            _ => 0,
        };
        if commit.stores() && disk::free_bytes(&self.shared.data) < inline * 2 + MARGIN + self.shared.owed() {
            return Err(Error::Full);
        }
        for row in &commit.rows {
            let now = match versions.get(&row.key) {
                Some(version) => *version,
                None => self.shared.row(&row.key)?.map_or(0, |r| r.version),
            };
            if now != row.expect {
                return Err(Error::Conflict);
            }
        }
        let (object, blob, spool) = match commit.object {
            Some(new) => {
                let (blob, spool) = match new.bytes {
                    ObjectBytes::Inline(bytes) => (bytes, None),
                    ObjectBytes::Spooled(spool) if spool.finished() => (Vec::new(), Some(spool)),
                    ObjectBytes::Spooled(_) => return Err(Error::Damaged("an object that was not synced")),
                };
                (Some((new.tenant, new.id, spool.is_some())), blob, spool)
            }
            None => (None, Vec::new(), None),
        };
        versions.extend(commit.rows.iter().map(|row| (row.key, row.expect + 1)));
        let (seq, first_leaf) = (self.seq, self.leaf);
        self.seq += 1;
        self.leaf += commit.leaves.len() as u64;
        let leaves = (first_leaf..).zip(commit.leaves).map(|(index, make)| make(index, seq)).collect();
        let rows = commit.rows.into_iter().map(RowRecord::of).collect();
        let wraps = segment::wraps(commit.wraps);
        Ok((Meta { seq, object, sidecars: commit.sidecars, rows, wraps, first_leaf, leaves }, blob, spool))
    }

    /// Appends and syncs. Answers where each object's bytes lie. After an error nothing of the batch is in the file.
    fn write(&mut self, staged: &[Staged]) -> Result<Vec<(u64, u64)>> {
        self.make_room(staged);
        if self.current.is_none() {
            self.current = Some(self.create()?);
        }
        let current = self.current.as_mut().ok_or(Error::Stopped)?;
        let (start, checksum) = (current.at, current.checksum);
        match current.append(staged) {
            Ok(places) => {
                self.shared.syncs.fetch_add(1, Ordering::Relaxed);
                Ok(places)
            }
            Err(error) => {
                (current.at, current.checksum) = (start, checksum);
                // What is refused must not be replayed: behind it there would be two histories of the same numbers.
                let cut = || current.file.set_len(start).and_then(|()| current.file.sync_all());
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
        let needed: u64 = staged.iter().map(|s| s.blob.len() as u64 + 4096).sum::<u64>() + (1 << 20);
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
        Ok(Current { file, path: Arc::new(path), at: HEADER as u64, checksum: 0 })
    }

    fn publish(&mut self, staged: Vec<Staged>, places: &[(u64, u64)]) {
        let Some(current) = &self.current else { return };
        let mut answers = Vec::with_capacity(staged.len());
        let next = staged.last().map(|one| one.meta.seq + 1);
        {
            let mut overlay = self.shared.overlay_mut();
            for (mut one, place) in staged.into_iter().zip(places) {
                if let Some(spool) = &mut one.spool {
                    spool.keep();
                }
                answers.push((one.answer, Durable::assertion(one.meta.seq, one.meta.first_leaf)));
                overlay.add(self.number, &current.path, one.meta, *place);
            }
        }
        if let Some(next) = next {
            self.shared.next_seq.store(next, Ordering::SeqCst);
        }
        for (answer, durable) in answers {
            drop(answer.send(Ok(durable))); // whoever asked may have gone; the commit stands
        }
    }

    fn close(&mut self) {
        let Some(current) = self.current.take() else { return };
        let closed = Closed { path: current.path.to_path_buf(), number: self.number, good: current.at };
        self.number += 1;
        self.shared.unmoved.fetch_add(1, Ordering::SeqCst);
        if self.closed.send(closed).is_err() {
            tracing::error!("nobody moves segments any more; the next start will");
        }
    }
}

impl Current {
    fn append(&mut self, staged: &[Staged]) -> Result<Vec<(u64, u64)>> {
        let mut places = Vec::with_capacity(staged.len());
        for one in staged {
            let framed = segment::frame(self.checksum, &one.meta, &one.blob)?;
            let blob_at = self.at + framed.front.len() as u64;
            self.file.write_all(&framed.front).map_err(disk::full)?;
            self.file.write_all(&one.blob).map_err(disk::full)?;
            self.file.write_all(&framed.checksum.to_be_bytes()).map_err(disk::full)?;
            self.at = blob_at + one.blob.len() as u64 + 4;
            self.checksum = framed.checksum;
            places.push((blob_at, one.blob.len() as u64));
        }
        // The acknowledgement of everybody in the batch (DESIGN.md §3, Intake log). O_APPEND grew the file, and
        // fdatasync also makes the new length durable.
        self.file.sync_data().map_err(disk::full)?;
        Ok(places)
    }
}
