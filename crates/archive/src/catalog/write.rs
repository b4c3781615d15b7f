//! Changes: applied to memory under the catalog's lock as pending, made visible when durable, taken back when not.
//! What is changed is whole: callers come through `Vault::catalog_with`.

use super::{Catalog, Instance, InstanceRecord, Of, PAGE, PageRecord, Series, Slot, Study, StudyRecord};
use model::{Attributes, Id, Uid};
use std::sync::Arc;

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
    pub(super) fn whole_mut(&mut self, uid: &Uid) -> Option<&mut Study> {
        let slot = self.slot_of(uid)?;
        self.touches += 1;
        let now = self.touches;
        match self.slots.get_mut(slot as usize)? {
            Slot::Whole(study, touched) => {
                *touched = now;
                Some(Arc::make_mut(study))
            }
            _ => None,
        }
    }

    /// Adds an instance as pending; the caller has seen that its UID is new and that its study is whole, or unknown.
    pub fn add(&mut self, new: NewInstance) -> (Uid, Touched) {
        let uid = new.study.uid.clone();
        let study_is_new = self.whole(&uid).is_none();
        if study_is_new {
            let slot = self.slot_for(&uid);
            // The study's own patient, never the arriving one: else a foreign study shows up among somebody's films.
            self.put(slot, Arc::new(Study { record: new.study, version: 0, series: Vec::new(), righted: 0 }));
        }
        let slot = self.slot_for(&uid);
        self.prints.add(Of::Series, new.series_uid.as_str().as_bytes(), slot);
        self.prints.add(Of::Instance, new.record.sop_uid.as_str().as_bytes(), slot);
        self.whole_instances += 1;
        let page = self.whole_mut(&uid).map(|study| study.append(new.series_uid, new.series, new.record));
        self.begin(&uid);
        (uid, Touched { study: study_is_new, page })
    }

    /// Changes an instance's record; nothing when it is gone.
    pub fn change(
        &mut self,
        sop_uid: &Uid,
        change: impl FnOnce(&mut InstanceRecord),
    ) -> Option<(Uid, Touched)> {
        let place = self.place(sop_uid)?;
        let study = self.whole_mut(&place.study)?;
        let instance = study.series.get_mut(place.series)?.instances.get_mut(place.instance)?;
        change(Arc::make_mut(&mut instance.record));
        self.begin(&place.study);
        Some((place.study, Touched { study: false, page: Some((place.series, place.instance / PAGE)) }))
    }

    /// Adds other bytes of a known UID; they are under way until settled.
    pub fn add_other(&mut self, sop_uid: &Uid, (object, digest): (Id, [u8; 32])) -> Option<(Uid, Touched)> {
        let place = self.place(sop_uid)?;
        let series = self.whole_mut(&place.study)?.series.get_mut(place.series)?;
        series.instances.get_mut(place.instance)?.under_way.push(digest);
        self.change(sop_uid, |record| record.others.push((object, digest)))
    }

    /// Changes a study's record.
    pub fn change_study(
        &mut self,
        uid: &Uid,
        change: impl FnOnce(&mut StudyRecord),
    ) -> Option<(Uid, Touched)> {
        change(&mut self.whole_mut(uid)?.record);
        let (slot, study) = (self.slot_of(uid)?, Arc::clone(self.whole(uid)?));
        self.index_study(slot, &study);
        self.begin(uid);
        Some((uid.clone(), Touched { study: true, page: None }))
    }

    /// The touched study row and its next version; memory is moved to that version.
    pub fn next_study_row(&mut self, uid: &Uid) -> Option<(StudyRecord, u64)> {
        let study = self.whole_mut(uid)?;
        study.version += 1;
        Some((study.record.clone(), study.version))
    }

    /// The touched page row and its next version.
    pub fn next_page_row(&mut self, uid: &Uid, (at, page): (usize, usize)) -> Option<(PageRecord, u64)> {
        let study = self.whole_mut(uid)?;
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
            instances: instances.map(|i| Arc::clone(&i.record)).collect(),
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
            && let Some(place) = self.place(uid)
            && let Some(study) = self.whole_mut(&place.study)
            && let Some(series) = study.series.get_mut(place.series)
            && let Some(instance) = series.instances.get_mut(place.instance)
        {
            instance.pending = false;
            instance.under_way.retain(|other| other != digest);
        }
        self.changes += 1;
        if let Some(under_way) = self.dirty.get_mut(study) {
            *under_way = under_way.saturating_sub(1);
            if *under_way == 0 {
                self.dirty.remove(study);
                self.pack_idle();
            }
        }
    }

    pub(super) fn begin(&mut self, study: &Uid) {
        *self.dirty.entry(study.clone()).or_default() += 1;
    }

    /// Remembers a study's pseudonymous UID, when anybody asks by one.
    pub fn set_pseudonym(&mut self, uid: &Uid, of: &dyn Fn(&Uid) -> Uid) {
        let Some(slot) = self.slot_of(uid) else { return };
        if let Some(known) = &mut self.pseudonyms {
            known.insert(of(uid), slot);
        }
    }

    /// Studies with changes that may not be durable, each with its series: what a resync reads.
    pub fn dirty(&self) -> Vec<(Uid, Vec<Uid>)> {
        let known = self.dirty.keys().filter_map(|uid| self.whole(uid).map(|study| (uid, study)));
        known
            .map(|(uid, study)| (uid.clone(), study.series.iter().map(|s| s.uid.clone()).collect()))
            .collect()
    }

    /// Takes out all studies with changes that may not be durable; what was read of them goes in after this.
    pub fn forget_dirty(&mut self) {
        for uid in std::mem::take(&mut self.dirty).into_keys() {
            if let Some(slot) = self.slot_of(&uid) {
                self.drop_slot(slot);
            }
        }
    }
}

impl Study {
    /// Appends a pending instance; answers its series and page.
    fn append(&mut self, uid: Uid, attributes: Attributes, record: InstanceRecord) -> (usize, usize) {
        let at = self.series.iter().position(|s| s.uid == uid).unwrap_or_else(|| {
            self.series.push(Series { uid, attributes, instances: Vec::new(), versions: Vec::new() });
            self.series.len() - 1
        });
        let mut page = 0;
        if let Some(series) = self.series.get_mut(at) {
            page = series.instances.len() / PAGE;
            let record = Arc::new(record);
            series.instances.push(Instance { record, pending: true, rejected: false, under_way: Vec::new() });
            if series.versions.len() <= page {
                series.versions.push(0);
            }
        }
        (at, page)
    }
}
