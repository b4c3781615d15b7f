//! The matching index in the vault's memory: studies, their series, their instances. On disk there are only sealed rows
//! of it: one a study, and one for each page of [`PAGE`] instances of a series.

mod load;
mod records;
mod write;

pub use records::{InstanceRecord, MaskSet, PageRecord, Seen, StudyRecord, decode, encode};
pub use write::{NewInstance, Touched};

use model::{Attributes, Id, PatientRef, Uid, tags};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Instances in one sealed row: a store rewrites one page, never a whole series.
pub const PAGE: usize = 32;

/// A study.
#[derive(Debug, Clone)]
pub struct Study {
    /// What the row says.
    pub record: StudyRecord,
    /// Version of the row; 0 before the first commit.
    pub version: u64,
    /// Its series, in order of arrival.
    pub series: Vec<Series>,
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
    pub record: InstanceRecord,
    /// Not durable yet: invisible.
    pub pending: bool,
    /// Digests of other bytes of this UID whose commits are under way: nobody is told yet that they are here.
    pub under_way: Vec<[u8; 32]>,
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
    /// Of an arriving instance.
    pub fn of(patient: &Attributes, study: &Uid) -> Self {
        match patient.first(tags::PATIENT_ID) {
            "" => Self::OfStudy(study.clone()),
            number => Self::Numbered(patient.first(tags::ISSUER_OF_PATIENT_ID).to_owned(), number.to_owned()),
        }
    }
}

/// All of it.
#[derive(Debug, Default)]
pub struct Catalog {
    studies: HashMap<Uid, Study>,
    instances: HashMap<Uid, Place>,
    patients: HashMap<PatientKey, PatientRef>,
    by_patient: HashMap<PatientRef, BTreeSet<Uid>>,
    pseudonyms: HashMap<Uid, Uid>,
    /// Commits under way, by study.
    dirty: BTreeMap<Uid, u32>,
    /// Epoch of the store that this memory agrees with.
    pub epoch: u64,
}

impl Catalog {
    /// A study with at least one durable instance.
    pub fn study(&self, uid: &Uid) -> Option<&Study> {
        self.studies.get(uid).filter(|study| study.visible())
    }

    /// The study whose pseudonymous UID this is.
    pub fn by_pseudonym(&self, uid: &Uid) -> Option<&Study> {
        self.pseudonyms.get(uid).and_then(|original| self.study(original))
    }

    /// What an arriving instance joins, durable or not: the patient of the study is hers who came first.
    pub fn known(&self, uid: &Uid) -> Option<&StudyRecord> {
        self.studies.get(uid).map(|study| &study.record)
    }

    /// Where an instance stands, pending or not.
    pub fn place(&self, sop_uid: &Uid) -> Option<&Place> {
        self.instances.get(sop_uid)
    }

    /// An instance, pending or not.
    pub fn instance(&self, sop_uid: &Uid) -> Option<(&Study, &Series, &Instance)> {
        let place = self.instances.get(sop_uid)?;
        let study = self.studies.get(&place.study)?;
        let series = study.series.get(place.series)?;
        Some((study, series, series.instances.get(place.instance)?))
    }

    /// All visible studies.
    pub fn studies(&self) -> impl Iterator<Item = &Study> {
        self.studies.values().filter(|study| study.visible())
    }

    /// Visible studies of a patient.
    pub fn of_patient(&self, patient: &PatientRef) -> impl Iterator<Item = &Study> {
        let uids = self.by_patient.get(patient).into_iter().flatten();
        uids.filter_map(|uid| self.study(uid))
    }

    /// The reference of a patient known by number.
    pub fn patient(&self, key: &PatientKey) -> Option<PatientRef> {
        self.patients.get(key).copied()
    }

    /// Instances whose recognition has not run.
    pub fn unexamined(&self) -> Vec<Uid> {
        let all = self.studies.values().flat_map(|s| &s.series).flat_map(|s| &s.instances);
        let open = all.filter(|i| !i.pending && i.record.seen.is_none() && i.record.image.is_some());
        open.map(|i| i.record.sop_uid.clone()).collect()
    }
}

impl Study {
    /// Has a durable instance.
    pub fn visible(&self) -> bool {
        self.instances().next().is_some()
    }

    /// Durable instances with their series.
    pub fn instances(&self) -> impl Iterator<Item = (&Series, &Instance)> {
        let all = self.series.iter().flat_map(|s| s.instances.iter().map(move |i| (s, i)));
        all.filter(|(_, i)| !i.pending)
    }

    /// Modalities, sorted, each once.
    pub fn modalities(&self) -> Vec<String> {
        let set: BTreeSet<&str> = self.instances().map(|(s, _)| s.attributes.first(tags::MODALITY)).collect();
        set.into_iter().filter(|m| !m.is_empty()).map(str::to_owned).collect()
    }

    /// Attributes of patient and study level with what is counted (PS3.18 Table 10.6.3-3).
    pub fn answer(&self) -> Attributes {
        let mut out = self.record.patient_attributes.clone();
        out.extend(&self.record.attributes);
        let series = self.series.iter().filter(|s| s.instances.iter().any(|i| !i.pending)).count();
        out.set(tags::MODALITIES_IN_STUDY, *b"CS", self.modalities());
        out.set(tags::NUMBER_OF_STUDY_RELATED_SERIES, *b"IS", [series.to_string()]);
        out.set(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, *b"IS", [self.instances().count().to_string()]);
        out.set(tags::INSTANCE_AVAILABILITY, *b"CS", ["ONLINE".to_owned()]);
        out
    }

    /// The patient.
    pub const fn patient(&self) -> Id {
        self.record.patient
    }
}
