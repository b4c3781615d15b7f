//! Who looked, by study: an index of the entries that patients are told of, in memory, caught up when somebody asks. Without
//! it, whoever floods the log with other entries pushes "who looked" out of reach.

use super::access;
use super::broken::{Act, Broken};
use crate::vault::{Vault, lock};
use crate::{Error, Result};
use ledger::Entry;
use ledger::tiles::{Stored, WIDTH};
use port::Fault;
use port::archive::Access;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;

/// What a patient is told of: acts on her films by others, not the archive's own work.
const FOR_PATIENTS: &[&str] = &[
    "stored",
    "opened",
    "open-refused",
    "lifted",
    "glass-broken",
    "glass-refused",
    "released",
    "release-refused",
    "mask-changed",
    "put-right",
];

/// The index.
#[derive(Default)]
pub struct Looks {
    known: Mutex<Known>,
    /// One catches up, the others wait without holding a thread or the index.
    catching_up: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    upto: u64,
    /// How often somebody else saw a study, by UID.
    counts: HashMap<String, u64>,
    /// Glass that was broken.
    broken: Broken,
    /// Entries of a study that patients are told of: index, place in [`FOR_PATIENTS`].
    told: HashMap<String, Vec<(u64, u8)>>,
}

impl Known {
    fn take(&mut self, index: u64, entry: &Entry) {
        self.broken.take(index, entry);
        let study = &entry.envelope.study;
        if matches!(entry.kind.as_str(), "opened" | "lifted" | "glass-broken")
            && entry.envelope.role != "patient"
        {
            *self.counts.entry(study.clone()).or_default() += 1;
        }
        let kind = FOR_PATIENTS.iter().position(|kind| *kind == entry.kind);
        if let Some(kind) = kind.and_then(|kind| u8::try_from(kind).ok())
            && !study.is_empty()
        {
            self.told.entry(study.clone()).or_default().push((index, kind));
        }
    }
}

impl Vault {
    /// How often somebody else saw each study, by UID.
    pub async fn looks(&self) -> std::result::Result<HashMap<String, u64>, Fault> {
        self.catch_up().await?;
        Ok(lock(&self.journal.looks.known).counts.clone())
    }

    /// Entries of a study that its patient is told of, oldest first: index and kind.
    pub async fn told(&self, study: &str) -> std::result::Result<Vec<(u64, &'static str)>, Fault> {
        self.catch_up().await?;
        let known = lock(&self.journal.looks.known);
        let told = known.told.get(study).into_iter().flatten();
        Ok(told
            .filter_map(|(i, kind)| FOR_PATIENTS.get(usize::from(*kind)).map(|kind| (*i, *kind)))
            .collect())
    }

    /// The oldest acts of broken glass that nobody looked into yet, at most so many, and how many there are.
    pub async fn unreviewed(&self, most: usize) -> std::result::Result<(Vec<Act>, usize), Fault> {
        self.catch_up().await?;
        let known = lock(&self.journal.looks.known);
        Ok((known.broken.oldest(most, self.clock.now()), known.broken.count()))
    }

    /// Nobody looked into this entry yet.
    pub async fn waits(&self, index: u64) -> std::result::Result<bool, Fault> {
        self.catch_up().await?;
        Ok(lock(&self.journal.looks.known).broken.waits(index))
    }

    async fn catch_up(&self) -> Result<()> {
        let _one = self.journal.looks.catching_up.lock().await;
        let mut upto = lock(&self.journal.looks.known).upto;
        while upto < self.ledger_size() {
            let end = (upto - upto % WIDTH + WIDTH).min(self.ledger_size());
            let entries = tokio::task::block_in_place(|| self.read_entries(upto..end))?;
            let mut known = lock(&self.journal.looks.known);
            entries.iter().for_each(|(index, entry)| known.take(*index, entry));
            known.upto = end;
            upto = end;
        }
        Ok(())
    }

    /// Entries of a range within one bundle, in words; those whose key was destroyed are left out.
    pub fn entries(&self, range: Range<u64>) -> std::result::Result<Vec<Access>, Fault> {
        Ok(self.read_entries(range)?.into_iter().map(|(index, entry)| access(index, entry)).collect())
    }

    /// Openings, lifts and refusals among these entries, as they are kept.
    pub fn decisions(&self, range: Range<u64>) -> std::result::Result<Vec<(u64, Entry)>, Fault> {
        Ok(self.read_entries(range)?)
    }

    /// Reads a bundle's file once, not once an entry.
    fn read_entries(&self, range: Range<u64>) -> Result<Vec<(u64, Entry)>> {
        let mut bundle: Option<Vec<Stored>> = None;
        let mut out = Vec::new();
        for index in range {
            let stored = match self.store.unmoved_leaf(index) {
                Some(stored) => stored,
                None => self.moved_leaf(index, &mut bundle)?,
            };
            if let Some(entry) = self.opened_entry(index, &stored)? {
                out.push((index, entry));
            }
        }
        Ok(out)
    }

    /// A leaf that was moved after the bundle was read is not in it: then it is read again.
    fn moved_leaf(&self, index: u64, bundle: &mut Option<Vec<Stored>>) -> Result<Stored> {
        let at = usize::try_from(index % WIDTH).map_err(|_| Error::Internal("index"))?;
        if let Some(stored) = bundle.as_ref().and_then(|b| b.get(at)) {
            return Ok(stored.clone());
        }
        let read = bundle.insert(self.journal.reader.bundle(index / WIDTH)?);
        read.get(at).cloned().ok_or(Error::Internal("bundle"))
    }
}
