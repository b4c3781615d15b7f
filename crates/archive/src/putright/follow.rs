//! What follows a patient: arrivals under a number that was merged, accounts, relations, objections.

use super::record::{Arrived, Change};
use super::righted::{self, Righted};
use crate::catalog::{Catalog, PatientKey, Study, StudyRecord};
use crate::vault::{Vault, lock};
use model::{PatientRef, Uid};
use port::pixels::Corrections;
use std::collections::HashSet;
use std::sync::Arc;

impl Righted {
    /// From the rows.
    pub fn load(
        changes: Vec<(Change, u64)>,
        arrived: Vec<(Arrived, u64)>,
        machines: HashSet<String>,
    ) -> Self {
        let changes = changes.into_iter().map(|(change, _)| (change.number, Arc::new(change))).collect();
        let arrived = arrived.into_iter().map(|(a, _)| (a.uid.clone(), Arc::new(a))).collect();
        let mut out = Self { changes, arrived, machines: Arc::new(machines), ..Self::default() };
        out.settle();
        out
    }
}

/// Patients who object to secondary use, whatever number they said it under.
pub struct Objections(Vec<PatientRef>, Righted);

impl Objections {
    /// She objects.
    pub fn holds(&self, patient: PatientRef) -> bool {
        self.1.any_is(&self.0, patient)
    }
}

impl Vault {
    /// The reference that films of a number get when nothing was merged.
    pub(crate) fn arrived_as(&self, catalog: &Catalog, key: &PatientKey) -> Option<PatientRef> {
        let known = lock(&self.righted).keys.get(key).copied();
        known.or_else(|| catalog.patient(key))
    }

    /// Who is behind a number, after merges.
    pub(crate) fn patient_named(&self, catalog: &Catalog, key: &PatientKey) -> Option<PatientRef> {
        let patient = self.arrived_as(catalog, key)?;
        Some(righted::resolve(&lock(&self.righted).changes, patient))
    }

    /// Those who object.
    pub(crate) fn objections(&self) -> Objections {
        let objections = self.site().objections;
        // Most sites have none that matter here: the changes are looked at only where there are objections.
        let righted = if objections.is_empty() { Righted::default() } else { lock(&self.righted).clone() };
        Objections(objections, righted)
    }

    /// She objects to secondary use.
    pub(crate) fn objects(&self, patient: PatientRef) -> bool {
        let objections = self.site().objections;
        !objections.is_empty() && lock(&self.righted).any_is(&objections, patient)
    }

    /// Where an arriving instance goes: its series may have been moved.
    pub(crate) fn goes_to(&self, study: &Uid, series: &Uid) -> Uid {
        lock(&self.righted).goes_to(study, series)
    }

    /// A new study as it arrives; merges and corrections hold for it too. What it arrived as is kept when they do.
    pub(crate) fn arriving(&self, record: &mut StudyRecord) -> Option<Arrived> {
        let arrived = righted::as_arrived(record);
        let mut righted = lock(&self.righted);
        let effective = righted::effective(&righted.changes, &arrived);
        if effective.patient == record.patient && effective.patient_attributes == record.patient_attributes {
            return None;
        }
        record.patient = effective.patient;
        record.patient_attributes = effective.patient_attributes;
        record.attributes = effective.attributes;
        let key = PatientKey::of(&arrived.patient_attributes, &arrived.uid);
        righted.keys.insert(key, arrived.patient);
        righted.arrived.insert(arrived.uid.clone(), Arc::new(arrived.clone()));
        Some(arrived)
    }

    /// An instance that arrives in this study is rejected already.
    pub(crate) fn rejects(&self, study: &Uid, sop_uid: &Uid) -> bool {
        lock(&self.righted).rejections.holds(study, sop_uid)
    }

    /// The arriving patient is the study's, as she is now or as the study arrived.
    pub(crate) fn same_patient(&self, known: &StudyRecord, key: &PatientKey) -> bool {
        let righted = lock(&self.righted);
        let arrived = righted.arrived.get(&known.uid);
        let then = arrived.map(|arrived| PatientKey::of(&arrived.patient_attributes, &known.uid));
        let now = PatientKey::of(&known.patient_attributes, &known.uid);
        now.fits(key) || then.is_some_and(|then| then.fits(key))
    }

    /// What is laid over the headers of a series on the way out.
    pub(crate) fn corrections(&self, study: &Study, series: &Uid) -> Option<Corrections> {
        lock(&self.righted).corrections(study, series)
    }

    /// A study that was read from its rows learns what they do not say.
    pub(crate) fn mark(&self, study: &mut Study) {
        let righted = lock(&self.righted);
        let uid = study.record.uid.clone();
        study.righted = righted.touched.get(&uid).copied().unwrap_or(0);
        for series in &mut study.series {
            let home = righted.arrived_in(&uid, &series.uid);
            for instance in &mut series.instances {
                instance.rejected = righted.rejections.holds(&home, &instance.record.sop_uid);
            }
        }
    }
}
