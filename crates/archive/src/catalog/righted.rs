//! Changes that put right: a study's patient and words, a series' study, what is rejected. Memory only; rows follow. What is
//! changed is whole, and held so.

use super::{Catalog, Depth, Instance, Of, PAGE, Series, Slot, Study, StudyRecord, pack, words_of};
use model::{Attributes, PatientRef, Uid};
use std::sync::Arc;

/// What is needed of a study that need not be whole.
pub struct Brief {
    pub patient_attributes: Attributes,
    /// Order in time: [`super::Card::day`].
    pub day: u64,
}

impl Catalog {
    /// Studies of a patient, to be seen or not.
    pub fn all_of_patient(&self, patient: &PatientRef) -> Vec<Uid> {
        let words = words_of(&self.words);
        let slots = self.prints.find(Of::Patient, &patient.0).into_iter();
        let own = slots.filter_map(|slot| match self.slots.get(slot as usize)? {
            Slot::Whole(study, _) => (study.record.patient == *patient).then(|| study.record.uid.clone()),
            Slot::Packed(bytes) => {
                let card = pack::unpack(bytes, &words, Depth::Study)?;
                (card.patient == *patient).then_some(card.uid)
            }
            Slot::Gone => None,
        });
        own.collect()
    }

    /// What a study says of its patient, whole or not.
    pub fn brief(&self, uid: &Uid) -> Option<Brief> {
        if let Some(study) = self.whole(uid) {
            let card = super::Card::of(study, Depth::Study);
            return Some(Brief { day: card.day(), patient_attributes: card.patient_attributes });
        }
        let card = pack::unpack(&self.packed(uid)?, &words_of(&self.words), Depth::Study)?;
        Some(Brief { day: card.day(), patient_attributes: card.patient_attributes })
    }

    /// Keeps a whole study whole until it is released. False: there is none.
    pub fn hold(&mut self, uid: &Uid) -> bool {
        let whole = self.whole(uid).is_some();
        if whole {
            self.begin(uid);
        }
        whole
    }

    /// Lets go of a study that was held in this epoch.
    pub fn release(&mut self, epoch: u64, uid: &Uid) {
        if epoch != self.epoch {
            return;
        }
        if let Some(held) = self.dirty.get_mut(uid) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.dirty.remove(uid);
                self.pack_idle();
            }
        }
    }

    /// A study without a series, or a new record of one that is whole.
    pub fn replace_study(&mut self, record: StudyRecord) {
        let uid = record.uid.clone();
        match self.whole_mut(&uid) {
            Some(study) => study.record = record,
            None => {
                let slot = self.slot_for(&uid);
                let study = Study { record, version: 0, series: Vec::new(), righted: 0 };
                self.put(slot, Arc::new(study));
            }
        }
        self.found_anew(&uid);
    }

    /// Everything by which a study is found, after it was changed.
    pub fn found_anew(&mut self, uid: &Uid) {
        let (Some(slot), Some(study)) = (self.slot_of(uid), self.whole(uid).cloned()) else { return };
        self.index_study(slot, &study);
    }

    /// Moves all instances of a series, with what people drew on them. Answers the pages that changed: study, series, page.
    /// The series stays behind without instances, so that no other one takes its place and number.
    pub fn relocate(&mut self, from: &Uid, series: &Uid, to: &Uid) -> Option<Vec<(Uid, usize, usize)>> {
        self.whole(to)?;
        let (left, mut touched, drawn) = {
            let study = self.whole_mut(from)?;
            let at = study.series.iter().position(|s| s.uid == *series)?;
            let left = study.series.get_mut(at)?;
            let gone = Series { instances: std::mem::take(&mut left.instances), ..left.clone() };
            let touched: Vec<_> = (0..left.versions.len()).map(|page| (from.clone(), at, page)).collect();
            let masks = &mut study.record.masks;
            let moves = |uid: &Uid| gone.instances.iter().any(|i| i.record.sop_uid == *uid);
            let (drawn, kept): (Vec<_>, Vec<_>) =
                std::mem::take(&mut masks.regions).into_iter().partition(|(uid, _, _)| moves(uid));
            masks.regions = kept;
            masks.version += u64::from(!drawn.is_empty());
            (gone, touched, drawn)
        };
        let study = self.whole_mut(to)?;
        let masks = &mut study.record.masks;
        masks.version += u64::from(!drawn.is_empty());
        masks.regions.extend(drawn);
        let at = study.series.iter().position(|s| s.uid == *series).unwrap_or_else(|| {
            let (uid, attributes) = (left.uid.clone(), left.attributes.clone());
            study.series.push(Series { uid, attributes, instances: Vec::new(), versions: Vec::new() });
            study.series.len() - 1
        });
        let here = study.series.get_mut(at)?;
        here.instances = left.instances;
        let pages = here.instances.len().div_ceil(PAGE).max(1);
        if here.versions.len() < pages {
            here.versions.resize(pages, 0);
        }
        touched.extend((0..here.versions.len()).map(|page| (to.clone(), at, page)));
        let uids: Vec<Uid> = here.instances.iter().map(|i| i.record.sop_uid.clone()).collect();
        let slot = self.slot_of(to)?;
        self.prints.add(Of::Series, series.as_str().as_bytes(), slot);
        uids.iter().for_each(|uid| self.prints.add(Of::Instance, uid.as_str().as_bytes(), slot));
        Some(touched)
    }

    /// Rejects an instance, or takes that back.
    pub fn set_rejected(&mut self, sop_uid: &Uid, rejected: bool) {
        if let Some(instance) = self.instance_mut(sop_uid) {
            instance.rejected = rejected;
        }
    }

    /// What was decided of a study before holds no more.
    pub fn set_righted(&mut self, uid: &Uid, number: u64) {
        if let Some(study) = self.whole_mut(uid) {
            study.righted = number;
        }
    }

    fn instance_mut(&mut self, sop_uid: &Uid) -> Option<&mut Instance> {
        let place = self.place(sop_uid)?;
        let series = self.whole_mut(&place.study)?.series.get_mut(place.series)?;
        series.instances.get_mut(place.instance)
    }
}
