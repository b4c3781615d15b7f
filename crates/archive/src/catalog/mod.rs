//! The matching index in the vault's memory. Every study is here packed, in some hundred bytes; those that somebody works
//! with are here whole, as their sealed rows say them: one row a study, and one for each page of [`PAGE`] instances of a
//! series. What is whole and not under way is packed again when there is much of it.

mod card;
mod lines;
mod load;
mod pack;
mod prints;
mod records;
mod righted;
mod snapshot;
mod walk;
mod words;
mod write;

pub use card::{Card, CardSeries, Depth, line};
pub use prints::Of;
pub use records::{DrawnRecord, InstanceRecord, MaskSet, PageRecord, Seen, StudyRecord, decode, encode};
pub use snapshot::{FORMAT as SNAPSHOT_FORMAT, Reader as SnapshotReader};
pub use walk::Cursor;
pub use words::Words;
pub use write::{NewInstance, Touched};

use lines::Lines;
use model::{Attributes, Id, PatientRef, Uid, tags};
use prints::Prints;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Instances in one sealed row: a store rewrites one page, never a whole series.
pub const PAGE: usize = 32;
/// Instances of whole studies kept in memory, about 2 KiB each; the study touched last stays, however large.
const WHOLE_INSTANCES: usize = 8192;

/// A study, whole.
#[derive(Debug, Clone)]
pub struct Study {
    /// What the row says.
    pub record: StudyRecord,
    /// Version of the row; 0 before the first commit.
    pub version: u64,
    /// Its series, in order of arrival.
    pub series: Vec<Series>,
    /// Moves with every change that put it right: what was decided of an older one holds no more. Not at rest.
    pub righted: u64,
}

/// A series.
#[derive(Debug, Clone)]
pub struct Series {
    /// (0020,000E).
    pub uid: Uid,
    /// Series level.
    pub attributes: Attributes,
    /// In order of arrival.
    pub instances: Vec<Instance>,
    /// Version of each page's row.
    pub versions: Vec<u64>,
}

/// An instance.
#[derive(Debug, Clone)]
pub struct Instance {
    /// What the row says.
    pub record: Arc<InstanceRecord>,
    /// Not durable yet: invisible.
    pub pending: bool,
    /// Rejected: as if absent, until that is taken back. Not at rest here: the changes say it.
    pub rejected: bool,
    /// Digests of other bytes of this UID whose commits are under way: nobody is told yet that they are here.
    pub under_way: Vec<[u8; 32]>,
}

impl Instance {
    /// Durable and not rejected.
    pub const fn shown(&self) -> bool {
        !self.pending && !self.rejected
    }

    /// Shown, an image, and not looked at.
    pub fn unexamined(&self) -> bool {
        self.shown() && self.record.seen.is_none() && self.record.image.is_some()
    }
}

/// Where an instance stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Study.
    pub study: Uid,
    /// Index of the series in it.
    pub series: usize,
    /// Index of the instance in that.
    pub instance: usize,
}

/// A patient as the sender names her: issuer and number; the study's UID instead when the number is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PatientKey {
    /// Issuer, number.
    Numbered(String, String),
    /// No number: a patient of this study only.
    OfStudy(Uid),
}

impl PatientKey {
    /// Within one study: who says no issuer means the same as who does.
    pub fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Numbered(issuer, number), Self::Numbered(other, same)) => {
                number == same && (issuer == other || issuer.is_empty() || other.is_empty())
            }
            _ => self == other,
        }
    }

    /// Of an arriving instance.
    pub fn of(patient: &Attributes, study: &Uid) -> Self {
        match patient.first(tags::PATIENT_ID) {
            "" => Self::OfStudy(study.clone()),
            number => Self::Numbered(patient.first(tags::ISSUER_OF_PATIENT_ID).to_owned(), number.to_owned()),
        }
    }
}

/// How a study is held.
#[derive(Debug, Clone, Default)]
enum Slot {
    /// Taken back: its commit failed.
    #[default]
    Gone,
    /// Packed.
    Packed(Arc<[u8]>),
    /// Whole, and when it was touched.
    Whole(Arc<Study>, u64),
}

/// All of it.
#[derive(Debug, Default)]
pub struct Catalog {
    slots: Vec<Slot>,
    /// By slot: [`Card::day`].
    day_of: Vec<u64>,
    /// Newest first.
    days: BTreeSet<(Reverse<u64>, u32)>,
    prints: Prints,
    lines: Lines,
    words: Arc<RwLock<Words>>,
    /// Pseudonymous UID and slot; made when somebody first asks by one.
    pseudonyms: Option<BTreeMap<Uid, u32>>,
    /// Slots that are whole.
    whole: BTreeSet<u32>,
    whole_instances: usize,
    touches: u64,
    /// Commits under way, by study.
    dirty: BTreeMap<Uid, u32>,
    /// Commits since the snapshot.
    pub changes: u64,
    /// Epoch of the store that this memory agrees with.
    pub epoch: u64,
}

/// The shared texts, to read.
pub fn words_of(words: &RwLock<Words>) -> RwLockReadGuard<'_, Words> {
    words.read().unwrap_or_else(PoisonError::into_inner)
}

impl Catalog {
    /// Nothing yet; fingerprints are made under this key.
    pub fn new(key: (u64, u64)) -> Self {
        Self { prints: Prints::new(key), ..Self::default() }
    }

    /// The shared texts.
    pub fn words(&self) -> Arc<RwLock<Words>> {
        Arc::clone(&self.words)
    }

    fn words_mut(&self) -> RwLockWriteGuard<'_, Words> {
        self.words.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A study that is whole, durable or not.
    pub fn whole(&self, uid: &Uid) -> Option<&Arc<Study>> {
        match self.slots.get(self.slot_of(uid)? as usize)? {
            Slot::Whole(study, _) => Some(study),
            _ => None,
        }
    }

    /// The same, with at least one durable instance.
    pub fn study(&self, uid: &Uid) -> Option<&Arc<Study>> {
        self.whole(uid).filter(|study| study.visible())
    }

    /// A study that is packed and not whole.
    pub fn packed(&self, uid: &Uid) -> Option<Arc<[u8]>> {
        match self.slots.get(self.slot_of(uid)? as usize)? {
            Slot::Packed(bytes) => Some(Arc::clone(bytes)),
            _ => None,
        }
    }

    fn slot_of(&self, uid: &Uid) -> Option<u32> {
        let words = words_of(&self.words);
        let is = |slot: &u32| match self.slots.get(*slot as usize) {
            Some(Slot::Whole(study, _)) => study.record.uid == *uid,
            Some(Slot::Packed(bytes)) => pack::uid(bytes, &words).as_ref() == Some(uid),
            _ => false,
        };
        self.prints.find(Of::Study, uid.as_str().as_bytes()).into_iter().find(is)
    }

    /// UIDs of the packed studies that may hold an instance: to be made whole before it is looked for.
    pub fn packed_with(&self, sop_uid: &Uid) -> Vec<Uid> {
        let words = words_of(&self.words);
        let slots = self.prints.find(Of::Instance, sop_uid.as_str().as_bytes()).into_iter();
        let uid = |slot: u32| match self.slots.get(slot as usize) {
            Some(Slot::Packed(bytes)) => pack::uid(bytes, &words),
            _ => None,
        };
        slots.filter_map(uid).collect()
    }

    /// Where an instance of a whole study stands, pending or not.
    pub fn place(&self, sop_uid: &Uid) -> Option<Place> {
        let slots = self.prints.find(Of::Instance, sop_uid.as_str().as_bytes());
        slots.into_iter().find_map(|slot| match self.slots.get(slot as usize) {
            Some(Slot::Whole(study, _)) => place_in(study, sop_uid),
            _ => None,
        })
    }

    /// An instance of a whole study, pending or not.
    pub fn instance(&self, sop_uid: &Uid) -> Option<(&Arc<Study>, &Series, &Instance)> {
        let place = self.place(sop_uid)?;
        let study = self.whole(&place.study)?;
        let series = study.series.get(place.series)?;
        Some((study, series, series.instances.get(place.instance)?))
    }

    /// The reference of a patient known by number.
    pub fn patient(&self, key: &PatientKey) -> Option<PatientRef> {
        self.keyed(key).find(|(known, _)| known == key).map(|(_, patient)| patient)
    }

    /// References of patients who may be meant, where one side says no issuer.
    pub fn patients_like(&self, key: &PatientKey) -> Vec<PatientRef> {
        self.keyed(key).filter(|(known, _)| known.fits(key)).map(|(_, patient)| patient).collect()
    }

    /// Patients of studies whose number may be this one.
    fn keyed(&self, key: &PatientKey) -> impl Iterator<Item = (PatientKey, PatientRef)> {
        let slots = match key {
            PatientKey::Numbered(_, number) => self.prints.find(Of::Number, number.as_bytes()),
            PatientKey::OfStudy(uid) => self.prints.find(Of::Study, uid.as_str().as_bytes()),
        };
        let words = words_of(&self.words);
        slots.into_iter().filter_map(move |slot| match self.slots.get(slot as usize)? {
            Slot::Whole(study, _) => {
                let record = &study.record;
                Some((PatientKey::of(&record.patient_attributes, &record.uid), record.patient))
            }
            Slot::Packed(bytes) => {
                let card = pack::unpack(bytes, &words, Depth::Study)?;
                Some((PatientKey::of(&card.patient_attributes, &card.uid), card.patient))
            }
            Slot::Gone => None,
        })
    }

    /// The study's own UID, by its pseudonymous one.
    pub fn by_pseudonym(&mut self, uid: &Uid, of: &dyn Fn(&Uid) -> Uid) -> Option<Uid> {
        self.need_pseudonyms(of);
        let slot = *self.pseudonyms.as_ref()?.get(uid)?;
        self.uid_in(slot)
    }

    /// Makes the index of pseudonyms when nobody asked before: a keyed hash of each study's UID.
    pub fn need_pseudonyms(&mut self, of: &dyn Fn(&Uid) -> Uid) {
        if self.pseudonyms.is_none() {
            let slots = 0..u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            let known = slots.filter_map(|slot| Some((of(&self.uid_in(slot)?), slot)));
            self.pseudonyms = Some(known.collect());
        }
    }

    fn uid_in(&self, slot: u32) -> Option<Uid> {
        match self.slots.get(slot as usize)? {
            Slot::Whole(study, _) => Some(study.record.uid.clone()),
            Slot::Packed(bytes) => pack::uid(bytes, &words_of(&self.words)),
            Slot::Gone => None,
        }
    }

    /// How many instances wait for recognition.
    pub fn unexamined_count(&self) -> usize {
        let of = |slot: &Slot| match slot {
            Slot::Whole(study, _) => study.instances().filter(|(_, i)| i.unexamined()).count(),
            Slot::Packed(bytes) => pack::summary(bytes).map_or(0, |summary| summary.unexamined),
            Slot::Gone => 0,
        };
        self.slots.iter().map(of).sum()
    }

    /// Instances whose recognition has not run.
    pub fn unexamined(&self) -> Vec<Uid> {
        let words = words_of(&self.words);
        let mut out = Vec::new();
        for slot in &self.slots {
            match slot {
                Slot::Whole(study, _) => {
                    let open = study.instances().filter(|(_, i)| i.unexamined());
                    out.extend(open.map(|(_, i)| i.record.sop_uid.clone()));
                }
                Slot::Packed(bytes) if pack::summary(bytes).is_some_and(|s| s.unexamined > 0) => {
                    let card = pack::unpack(bytes, &words, Depth::Instance);
                    let all = card.into_iter().flat_map(|c| c.series).flat_map(|s| s.instances);
                    out.extend(all.filter(|i| i.unexamined).map(|i| i.sop_uid));
                }
                Slot::Packed(_) | Slot::Gone => {}
            }
        }
        out
    }

    /// Studies, fingerprints, and bytes that all of the packed index takes.
    pub fn weight(&self) -> (usize, usize, usize) {
        let packed = |slot: &Slot| match slot {
            Slot::Packed(bytes) => bytes.len() + 16,
            _ => 0,
        };
        let slots: usize = self.slots.iter().map(|slot| packed(slot) + size_of::<Slot>()).sum();
        // A B-tree of pairs of 16 bytes, filled by two thirds.
        let days = self.days.len() * 24 + self.day_of.len() * 8;
        let prints = self.prints.len() * prints::PRINT_BYTES;
        (
            self.slots.len(),
            self.prints.len(),
            slots + days + prints + self.lines.bytes() + words_of(&self.words).bytes(),
        )
    }
}

fn place_in(study: &Study, sop_uid: &Uid) -> Option<Place> {
    study.series.iter().enumerate().find_map(|(series, s)| {
        let instance = s.instances.iter().position(|i| i.record.sop_uid == *sop_uid)?;
        Some(Place { study: study.record.uid.clone(), series, instance })
    })
}

impl Series {
    /// Moved away.
    pub fn empty(&self) -> bool {
        self.instances.is_empty()
    }
}

impl Study {
    /// Has a durable instance.
    pub fn visible(&self) -> bool {
        self.instances().next().is_some()
    }

    /// All of it was moved away or rejected: known, and in no list.
    pub fn hidden(&self) -> bool {
        let there = |series: &Series| series.instances.iter().any(|i| i.pending || i.shown());
        !self.series.is_empty() && !self.series.iter().any(there)
    }

    /// Durable instances that are not rejected, with their series.
    pub fn instances(&self) -> impl Iterator<Item = (&Series, &Instance)> {
        let all = self.series.iter().flat_map(|s| s.instances.iter().map(move |i| (s, i)));
        all.filter(|(_, i)| i.shown())
    }

    /// Series with a durable instance.
    pub fn visible_series(&self) -> usize {
        self.series.iter().filter(|s| s.instances.iter().any(Instance::shown)).count()
    }

    /// The patient.
    pub const fn patient(&self) -> Id {
        self.record.patient
    }
}
