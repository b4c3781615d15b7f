//! Building memory from opened rows, at start and after a failed commit, and packing what nobody works with.

use super::card::{Card, Depth};
use super::{
    Catalog, Instance, Of, PAGE, PageRecord, Series, Slot, Study, StudyRecord, WHOLE_INSTANCES, pack,
};
use model::{Uid, tags};
use std::cmp::Reverse;
use std::sync::Arc;

impl Study {
    /// From its own row and its pages, in any order. A page that leaves a gap is not believed.
    pub fn of_rows((record, version): (StudyRecord, u64), mut pages: Vec<(PageRecord, u64)>) -> Self {
        pages.sort_by_key(|(page, _)| (page.series_index, page.page));
        let mut study = Self { record, version, series: Vec::new(), righted: 0 };
        for (page, version) in pages {
            let at = page.series_index as usize;
            if at == study.series.len() && page.page == 0 {
                study.series.push(Series {
                    uid: page.series.clone(),
                    attributes: page.attributes,
                    instances: Vec::new(),
                    versions: Vec::new(),
                });
            }
            let Some(series) = study.series.get_mut(at).filter(|s| s.uid == page.series) else { continue };
            // A series that was moved away leaves its pages behind, all of them empty.
            if page.instances.is_empty() && series.versions.len() == page.page as usize {
                series.versions.push(version);
                continue;
            }
            if series.instances.len() != page.page as usize * PAGE {
                continue;
            }
            series.versions.push(version);
            let instance =
                |record| Instance { record, pending: false, rejected: false, under_way: Vec::new() };
            series.instances.extend(page.instances.into_iter().map(instance));
        }
        study
    }
}

impl Catalog {
    /// Takes in a study that was read whole, as one that somebody works with.
    pub fn load(&mut self, study: Study) {
        let slot = self.slot_for(&study.record.uid);
        self.put(slot, Arc::new(study));
        self.pack_idle();
    }

    /// The same when it is packed still, and as it was when its rows were read: a change in between has the newer rows.
    pub fn load_packed(&mut self, study: Study, packed: &Arc<[u8]>) {
        let now = self.packed(&study.record.uid);
        if now.is_some_and(|now| Arc::ptr_eq(&now, packed)) {
            self.load(study);
        }
    }

    /// UIDs of the series of a packed study, in their order.
    ///
    /// # Errors
    /// Damage.
    pub fn series_of(&self, packed: &[u8]) -> crate::Result<Vec<Uid>> {
        let card = super::card::whole(pack::unpack(packed, &super::words_of(&self.words), Depth::Series))?;
        Ok(card.series.into_iter().map(|series| series.uid).collect())
    }

    /// Takes in a study packed at once.
    pub fn load_idle(&mut self, study: &Study) {
        let slot = self.slot_for(&study.record.uid);
        if !study.series.is_empty() {
            self.forget_whole(slot);
            self.index(slot, study);
            self.set(slot, Slot::Packed(self.pack(study)));
        } else {
            self.drop_slot(slot);
        }
    }

    fn pack(&self, study: &Study) -> Arc<[u8]> {
        pack::pack(&Card::of(study, Depth::Instance), &mut self.words_mut()).into()
    }

    pub(super) fn slot_for(&mut self, uid: &Uid) -> u32 {
        self.slot_of(uid).unwrap_or_else(|| {
            self.slots.push(Slot::Gone);
            self.day_of.push(0);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        })
    }

    pub(super) fn set(&mut self, slot: u32, value: Slot) {
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = value;
        }
    }

    /// Puts a whole study into its slot.
    pub(super) fn put(&mut self, slot: u32, study: Arc<Study>) {
        self.forget_whole(slot);
        self.index(slot, &study);
        self.whole.insert(slot);
        self.whole_instances += study.series.iter().map(|s| s.instances.len()).sum::<usize>();
        self.touches += 1;
        self.set(slot, Slot::Whole(study, self.touches));
    }

    fn forget_whole(&mut self, slot: u32) {
        if let Some(Slot::Whole(study, _)) = self.slots.get(slot as usize) {
            let count: usize = study.series.iter().map(|s| s.instances.len()).sum();
            self.whole_instances = self.whole_instances.saturating_sub(count);
            self.whole.remove(&slot);
        }
    }

    pub(super) fn drop_slot(&mut self, slot: u32) {
        self.forget_whole(slot);
        self.set(slot, Slot::Gone);
        let day = self.day_of.get(slot as usize).copied().unwrap_or(0);
        self.days.remove(&(Reverse(day), slot));
        self.lines.remove(slot);
    }

    /// Everything by which a study is found. Old fingerprints stay and lead nowhere.
    fn index(&mut self, slot: u32, study: &Study) {
        self.index_study(slot, study);
        prints_of(study, |of, bytes| self.prints.add(of, bytes, slot));
    }

    /// The part of it that does not depend on series and instances.
    pub(super) fn index_study(&mut self, slot: u32, study: &Study) {
        own_prints(study, |of, bytes| self.prints.add(of, bytes, slot));
        let card = Card::of(study, Depth::Study);
        let day = card.day();
        if let Some(of) = self.day_of.get_mut(slot as usize) {
            self.days.remove(&(Reverse(*of), slot));
            *of = day;
        }
        if study.hidden() {
            self.lines.remove(slot);
        } else {
            self.lines.set(slot, &card.line());
            self.days.insert((Reverse(day), slot));
        }
    }

    /// Somebody works with it.
    pub fn touch(&mut self, uid: &Uid) {
        let Some(slot) = self.slot_of(uid) else { return };
        self.touches += 1;
        let now = self.touches;
        if let Some(Slot::Whole(_, touched)) = self.slots.get_mut(slot as usize) {
            *touched = now;
        }
    }

    /// Packs the whole studies that were touched longest ago, down to half, when there is too much of them. What is under
    /// way stays whole.
    pub(super) fn pack_idle(&mut self) {
        if self.whole_instances <= WHOLE_INSTANCES {
            return;
        }
        let touched = |slot: &u32| match self.slots.get(*slot as usize) {
            Some(Slot::Whole(_, touched)) => *touched,
            _ => 0,
        };
        let mut idle: Vec<u32> = self.whole.iter().copied().collect();
        idle.sort_unstable_by_key(touched);
        idle.pop();
        for slot in idle {
            if self.whole_instances <= WHOLE_INSTANCES / 2 {
                break;
            }
            let Some(Slot::Whole(study, _)) = self.slots.get(slot as usize) else { continue };
            if self.dirty.contains_key(&study.record.uid) {
                continue;
            }
            let study = Arc::clone(study);
            self.forget_whole(slot);
            let packed = self.pack(&study);
            self.set(slot, Slot::Packed(packed));
        }
    }
}

/// All identifiers by which a study is found.
pub(super) fn prints_of(study: &Study, mut add: impl FnMut(Of, &[u8])) {
    own_prints(study, &mut add);
    for series in &study.series {
        add(Of::Series, series.uid.as_str().as_bytes());
        series.instances.iter().for_each(|i| add(Of::Instance, i.record.sop_uid.as_str().as_bytes()));
    }
}

fn own_prints(study: &Study, mut add: impl FnMut(Of, &[u8])) {
    let record = &study.record;
    add(Of::Study, record.uid.as_str().as_bytes());
    add(Of::Patient, &record.patient.0);
    for (of, attributes, tag) in [
        (Of::Number, &record.patient_attributes, tags::PATIENT_ID),
        (Of::Accession, &record.attributes, tags::ACCESSION_NUMBER),
    ] {
        for value in attributes.get(tag).into_iter().flat_map(|a| &a.values).filter(|v| !v.trim().is_empty())
        {
            add(of, value.trim().as_bytes());
        }
    }
}
