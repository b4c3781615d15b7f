//! check: Looked → Ledger → Tables → Objects → Strays → Report.
//!
//! Everything on the disk against everything else: each entry of the ledger, each row and wrap against the last entry, each
//! object and sidecar opened and its digest compared, the index against the files in both directions and against what the
//! ledger says was stored. Reads only; what can be put right is put right by [`repair`] afterwards.

mod folder;
mod objects;
mod record;
mod repair;
mod report;
mod tables;
mod testimony;

pub use repair::{Mended, Spare, repair};
pub use report::{Finding, Report, What};

use crate::catalog::{Instance, Study};
use crate::govern::BookRecord;
use crate::rings::Rings;
use crate::vault::{Accept, fingerprint, origin};
use crate::{Error, Result};
use crypto::{Key, Ladder, SigningKey};
use ledger::{Checkpoint, Reader};
use model::{Id, Tenant, Uid};
use policy::Texts;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use store::{Segment, Store};

/// What is checked, and what is known of it elsewhere.
pub struct Ask {
    /// The data folder.
    pub data: PathBuf,
    /// The root key.
    pub root: Key,
    /// Newest checkpoints known: of this machine, of witnesses, printed ones.
    pub checkpoints: Vec<String>,
    /// The rules in the files beside the data (nothing: they cannot be read) and digest of the configuration, to compare with
    /// the last start's.
    pub settings: Option<(Option<Texts>, [u8; 32])>,
    /// Objects that an interrupted run has opened already.
    pub opened: HashSet<Id>,
    /// What the operator takes as it is.
    pub accept: Accept,
}

/// Entries that are tried when the mark of the key is damaged.
const SIGNED: usize = 16;

/// Told while it runs.
pub trait Watch {
    /// So many objects will be opened.
    fn objects(&mut self, total: u64);
    /// This one was opened and is whole; it need not be opened again when this run is interrupted.
    fn whole(&mut self, object: Id);
}

/// What the steps share.
struct Check {
    ask: Ask,
    tenant: Tenant,
    ladder: Ladder,
    signing: SigningKey,
    origin: String,
    store: Store,
    segments: Vec<Segment>,
    reader: Reader,
    rings: Rings,
    /// As the rows say them.
    studies: HashMap<Uid, Study>,
    book: BookRecord,
    report: Report,
}

/// Checks a folder that nobody uses.
///
/// # Errors
/// [`store::Error::Locked`] while an archive runs on it; a key that is not its own; tables that cannot be opened at all.
/// Damage is in the report.
pub fn check(ask: Ask, watch: &mut dyn Watch) -> Result<Report> {
    let mut check = Check::open(ask)?;
    check.key_fits()?;
    check.folder()?;
    let testimony = check.ledger()?;
    check.tables()?;
    check.objects(watch)?;
    check.strays(&testimony)?;
    check.compare(&testimony);
    Ok(check.report)
}

impl Check {
    fn open(ask: Ask) -> Result<Self> {
        let ladder = Ladder::new(&ask.root)?;
        let signing = ladder.signing_key()?;
        let mut how = store::Options::new(ask.data.clone());
        how.fingerprint = Some(fingerprint(&ladder)?);
        let (store, segments) = Store::look(how)?;
        Ok(Self {
            tenant: Tenant::main(),
            origin: origin(&signing.public()),
            reader: Reader::new(&ask.data.join("ledger")),
            rings: Rings::default(),
            studies: HashMap::new(),
            book: BookRecord::default(),
            report: Report::default(),
            ask,
            ladder,
            signing,
            store,
            segments,
        })
    }

    /// With another archive's key everything would look damaged.
    fn key_fits(&self) -> Result<()> {
        let mark = std::fs::read_to_string(self.ask.data.join("key-mark")).unwrap_or_default();
        if mark.trim() == crate::vault::key_mark(&self.ladder) {
            return Ok(());
        }
        // A damaged mark: then the entries are signed by this key all the same.
        let signed = (0..self.reader.size().unwrap_or(0)).take(SIGNED).any(|index| {
            let Ok(stored) = self.reader.entry(index) else { return false };
            ledger::inspect::is_signed(&stored, index, (&self.origin, &self.signing.public()))
        });
        if signed { Ok(()) } else { Err(Error::Internal("this key does not belong to this data folder")) }
    }

    fn find(&mut self, what: What, place: impl Into<String>, affects: Vec<String>) {
        self.report.findings.push(Finding { what, place: place.into(), affects, mended: false });
    }

    /// All instances of the index.
    fn instances(&self) -> impl Iterator<Item = (&Study, &Instance)> {
        let series = self.studies.values().flat_map(|study| study.series.iter().map(move |s| (study, s)));
        series.flat_map(|(study, series)| series.instances.iter().map(move |i| (study, i)))
    }

    /// A wrapped key by its name.
    fn key(&self, name: [u8; 32]) -> Result<Option<Arc<Key>>> {
        self.rings.find(&self.store, &self.ladder, name)
    }

    fn checkpoints(&mut self) -> Vec<Checkpoint> {
        let public = self.signing.public();
        let notes = std::mem::take(&mut self.ask.checkpoints);
        let mut out = Vec::new();
        for note in &notes {
            match Checkpoint::open(note, &public) {
                Ok(checkpoint) => out.push(checkpoint),
                Err(_) => self.find(What::Checkpoint, "seen", vec![]),
            }
        }
        out
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests;
