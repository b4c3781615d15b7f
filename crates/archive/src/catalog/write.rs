//! Changes: applied to memory under the catalog's lock as pending, made visible when durable, taken back when not.

use super::{
    Catalog, Instance, InstanceRecord, PAGE, PageRecord, PatientKey, Place, Series, Study, StudyRecord,
};
use model::{Attributes, Id, PatientRef, Uid};

/// Which sealed rows a change touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The study's own row.
    pub study: bool,
    /// Series and page.
    pub page: Option<(usize, usize)>,
}

/// An instance with its place in the hierarchy.
#[derive(Debug, Clone)]
pub struct NewInstance {
    /// Study to make when it is new.
    pub study: StudyRecord,
    /// Series.
    pub series_uid: Uid,
    /// Series level.
    pub series: Attributes,
    /// The instance.
    pub record: InstanceRecord,
}

impl Catalog {
    /// The reference of a patient; a new one is `fresh` and remembered. True: it is new.
    pub fn patient_or(&mut self, key: PatientKey, fresh: PatientRef) -> (PatientRef, bool) {
        match self.patients.get(&key) {
            Some(known) => (*known, false),
            None => {
                self.patients.insert(key, fresh);
                (fresh, true)
            }
        }
    }

    /// Adds an instance as pending; the caller has seen that its UID is new.
    pub fn add(&mut self, new: NewInstance) -> (Uid, Touched) {
        let uid = new.study.uid.clone();
        let study_is_new = !self.studies.contains_key(&uid);
        let study = self.studies.entry(uid.clone()).or_insert_with(|| Study {
            record: new.study,
            version: 0,
            series: Vec::new(),
        });
        // The study's own patient, never the arriving one: else a foreign study shows up among somebody's films.
        self.by_patient.entry(study.record.patient).or_default().insert(uid.clone());
        let at = study.series.iter().position(|s| s.uid == new.series_uid).unwrap_or_else(|| {
            study.series.push(Series {
                uid: new.series_uid,
                attributes: new.series,
                instances: Vec::new(),
                versions: Vec::new(),
            });
            study.series.len() - 1
        });
        let sop_uid = new.record.sop_uid.clone();
        let mut page = 0;
        if let Some(series) = study.series.get_mut(at) {
            let index = series.instances.len();
            page = index / PAGE;
            series.instances.push(Instance { record: new.record, pending: true, under_way: Vec::new() });
            if series.versions.len() <= page {
                series.versions.push(0);
            }
            let place = Place { study: uid.clone(), series: at, instance: index };
            self.instances.insert(sop_uid, place);
        }
        self.begin(&uid.clone());
        (uid, Touched { study: study_is_new, page: Some((at, page)) })
    }

    /// Changes an instance's record; nothing when it is gone.
    pub fn change(
        &mut self,
        sop_uid: &Uid,
        change: impl FnOnce(&mut InstanceRecord),
    ) -> Option<(Uid, Touched)> {
        let place = self.instances.get(sop_uid)?.clone();
        let study = self.studies.get_mut(&place.study)?;
        change(&mut study.series.get_mut(place.series)?.instances.get_mut(place.instance)?.record);
        self.begin(&place.study);
        Some((place.study, Touched { study: false, page: Some((place.series, place.instance / PAGE)) }))
    }

    /// Adds other bytes of a known UID; they are under way until settled.
    pub fn add_other(&mut self, sop_uid: &Uid, (object, digest): (Id, [u8; 32])) -> Option<(Uid, Touched)> {
        let place = self.instances.get(sop_uid)?.clone();
        let series = self.studies.get_mut(&place.study)?.series.get_mut(place.series)?;
        series.instances.get_mut(place.instance)?.under_way.push(digest);
        self.change(sop_uid, |record| record.others.push((object, digest)))
    }

    /// Changes a study's record.
    pub fn change_study(
        &mut self,
        uid: &Uid,
        change: impl FnOnce(&mut StudyRecord),
    ) -> Option<(Uid, Touched)> {
        let study = self.studies.get_mut(uid)?;
        change(&mut study.record);
        self.begin(&uid.clone());
        Some((uid.clone(), Touched { study: true, page: None }))
    }

    /// The touched study row and its next version; memory is moved to that version.
    pub fn next_study_row(&mut self, uid: &Uid) -> Option<(StudyRecord, u64)> {
        let study = self.studies.get_mut(uid)?;
        study.version += 1;
        Some((study.record.clone(), study.version))
    }

    /// The touched page row and its next version.
    pub fn next_page_row(&mut self, uid: &Uid, (at, page): (usize, usize)) -> Option<(PageRecord, u64)> {
        let study = self.studies.get_mut(uid)?;
        let series = study.series.get_mut(at)?;
        let version = series.versions.get_mut(page)?;
        *version += 1;
        let version = *version;
        let instances = series.instances.iter().skip(page * PAGE).take(PAGE);
        let record = PageRecord {
            study: uid.clone(),
            series: series.uid.clone(),
            series_index: u32::try_from(at).ok()?,
            page: u32::try_from(page).ok()?,
            attributes: series.attributes.clone(),
            instances: instances.map(|i| i.record.clone()).collect(),
        };
        Some((record, version))
    }

    /// A commit of this epoch that touched this study is durable; with the instance and digest that it brought, if it
    /// did. One from before a resync was read with all that is durable, and must not count down what began since.
    pub fn settle(&mut self, epoch: u64, study: &Uid, brought: Option<(&Uid, &[u8; 32])>) {
        if epoch != self.epoch {
            return;
        }
        if let Some((uid, digest)) = brought
            && let Some(place) = self.instances.get(uid).cloned()
            && let Some(study) = self.studies.get_mut(&place.study)
            && let Some(series) = study.series.get_mut(place.series)
            && let Some(instance) = series.instances.get_mut(place.instance)
        {
            instance.pending = false;
            instance.under_way.retain(|other| other != digest);
        }
        if let Some(under_way) = self.dirty.get_mut(study) {
            *under_way = under_way.saturating_sub(1);
            if *under_way == 0 {
                self.dirty.remove(study);
            }
        }
    }

    fn begin(&mut self, study: &Uid) {
        *self.dirty.entry(study.clone()).or_default() += 1;
    }

    /// Remembers a study's pseudonymous UID.
    pub fn set_pseudonym(&mut self, pseudonym: Uid, original: Uid) {
        self.pseudonyms.insert(pseudonym, original);
    }

    /// Studies with changes that may not be durable, each with its series: what a resync reads.
    pub fn dirty(&self) -> Vec<(Uid, Vec<Uid>)> {
        let known = self.dirty.keys().filter_map(|uid| self.studies.get(uid).map(|study| (uid, study)));
        known
            .map(|(uid, study)| (uid.clone(), study.series.iter().map(|s| s.uid.clone()).collect()))
            .collect()
    }

    /// Takes out all studies with changes that may not be durable; what was read of them goes in after this.
    pub fn forget_dirty(&mut self) {
        for uid in std::mem::take(&mut self.dirty).into_keys() {
            let Some(study) = self.studies.remove(&uid) else { continue };
            for instance in study.series.iter().flat_map(|s| &s.instances) {
                self.instances.remove(&instance.record.sop_uid);
            }
            self.drop_patient_of(&uid, study.record.patient);
        }
    }

    fn drop_patient_of(&mut self, uid: &Uid, patient: Id) {
        let Some(studies) = self.by_patient.get_mut(&patient) else { return };
        studies.remove(uid);
        if studies.is_empty() {
            self.by_patient.remove(&patient);
            self.patients.retain(|_, known| *known != patient);
        }
    }
}
