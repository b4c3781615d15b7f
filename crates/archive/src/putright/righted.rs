//! What the changes say together. Each question is answered by reading the changes in order, those that were taken back
//! left out: taking back any change leaves what would be without it, whatever was done since.

use super::record::{Arrived, Change, Deed, Target};
use crate::catalog::{PatientKey, Study, StudyRecord};
use model::{Attributes, PatientRef, Uid, tags};
use port::pixels::Corrections;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// All changes, in order.
pub type Changes = BTreeMap<u64, Arc<Change>>;

/// Memory of what was put right. Changed only after the commit is durable.
#[derive(Debug, Clone, Default)]
pub struct Righted {
    /// By number.
    pub changes: Changes,
    /// Studies that some change touched, as they arrived.
    pub arrived: HashMap<Uid, Arc<Arrived>>,
    /// Series that are not where they arrived: study of arrival, series; where they are.
    pub moved: BTreeMap<(Uid, Uid), Uid>,
    /// Instances that are not to be seen.
    pub rejections: Rejections,
    /// Who was merged into each patient, in whatever steps.
    pub merged: HashMap<PatientRef, Vec<PatientRef>>,
    /// References by number, of studies that some change touched and of patients that were made.
    pub keys: HashMap<PatientKey, PatientRef>,
    /// When (in versions) each study was last touched.
    pub touched: HashMap<Uid, u64>,
    /// Numbers up to this one are taken, also those of changes that were lost.
    pub taken: u64,
    /// Names of the machines in the address book: what one of them changes, the house's index of patients says.
    pub machines: Arc<HashSet<String>>,
}

/// Whose a study is and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// Whose.
    pub patient: PatientRef,
    /// Patient level.
    pub patient_attributes: Attributes,
    /// Study level.
    pub attributes: Attributes,
}

/// The changes in force, in order.
pub fn in_force(changes: &Changes) -> impl Iterator<Item = &Deed> {
    changes.values().filter(|change| change.undone.is_none()).map(|change| &change.deed)
}

/// Whose a study is after these changes, and what it says but for corrections of her words.
pub fn placed(changes: &Changes, arrived: &Arrived) -> Effective {
    let mut out = Effective {
        patient: arrived.patient,
        patient_attributes: arrived.patient_attributes.clone(),
        attributes: arrived.attributes.clone(),
    };
    for deed in in_force(changes) {
        match deed {
            Deed::Merge { from, into, .. } if *from == out.patient => out.becomes(into),
            Deed::MoveStudies { studies, to } if studies.contains(&arrived.uid) => out.becomes(to),
            Deed::CorrectStudy { study, set } if *study == arrived.uid => out.attributes.extend(set),
            _ => {}
        }
    }
    if out.patient == arrived.patient {
        out.patient_attributes = arrived.patient_attributes.clone();
    }
    out
}

/// What a study is after these changes.
pub fn effective(changes: &Changes, arrived: &Arrived) -> Effective {
    let mut out = placed(changes, arrived);
    // After all moves: what is corrected of a patient holds in the films that came to her later, too.
    for deed in in_force(changes) {
        match deed {
            Deed::CorrectPatient { patient, set, .. } if *patient == out.patient => {
                out.patient_attributes.extend(set);
            }
            _ => {}
        }
    }
    out
}

impl Effective {
    fn becomes(&mut self, target: &Target) {
        self.patient = target.patient;
        self.patient_attributes = target.attributes.clone();
    }
}

/// The study in which a series that arrived in `study` is after these changes.
pub fn home(changes: &Changes, study: &Uid, series: &Uid) -> Uid {
    let moves = in_force(changes).filter_map(|deed| match deed {
        Deed::MoveSeries { series: list, to } if list.iter().any(|(x, s)| x == study && s == series) => {
            Some(to)
        }
        _ => None,
    });
    moves.last().unwrap_or(study).clone()
}

/// All series that some change names, by study of arrival.
pub fn named_series(changes: &Changes) -> HashSet<(Uid, Uid)> {
    let moves = changes.values().filter_map(|change| match &change.deed {
        Deed::MoveSeries { series, .. } => Some(series),
        _ => None,
    });
    moves.flatten().cloned().collect()
}

/// Instances that are not to be seen: by name; and those that a note named before they came, in the note's own study only.
#[derive(Debug, Clone, Default)]
pub struct Rejections {
    named: HashSet<Uid>,
    in_advance: HashMap<Uid, Vec<Uid>>,
}

impl Rejections {
    /// Of the changes in force.
    pub fn of(changes: &Changes) -> Self {
        let mut out = Self::default();
        for deed in in_force(changes) {
            let Deed::Reject { study, instances, to_come, note, .. } = deed else { continue };
            out.named.extend(instances.iter().cloned());
            for uid in to_come.iter().chain(note) {
                out.in_advance.entry(uid.clone()).or_default().push(study.clone());
            }
        }
        out
    }

    /// An instance that arrived in this study is rejected.
    pub fn holds(&self, arrived_in: &Uid, sop_uid: &Uid) -> bool {
        let in_advance = |studies: &Vec<Uid>| studies.contains(arrived_in);
        self.named.contains(sop_uid) || self.in_advance.get(sop_uid).is_some_and(in_advance)
    }
}

/// Who was merged into each patient, in whatever steps ([`resolve`], turned round).
pub fn merged(changes: &Changes) -> HashMap<PatientRef, Vec<PatientRef>> {
    let (mut out, mut gone) = (HashMap::<PatientRef, Vec<PatientRef>>::new(), HashSet::new());
    for deed in in_force(changes) {
        let Deed::Merge { from, into, .. } = deed else { continue };
        let mut all = out.remove(from).unwrap_or_default();
        if gone.insert(*from) {
            all.push(*from);
        }
        out.entry(into.patient).or_default().extend(all);
    }
    out
}

/// Who a patient is after merges.
pub fn resolve(changes: &Changes, patient: PatientRef) -> PatientRef {
    in_force(changes).fold(patient, |now, deed| match deed {
        Deed::Merge { from, into, .. } if *from == now => into.patient,
        _ => now,
    })
}

impl Righted {
    /// Counts every change and every taking back: who saw another one saw another state.
    pub fn version(&self) -> u64 {
        self.changes.values().map(|change| 1 + u64::from(change.undone.is_some())).sum()
    }

    /// The study in which a series that is in `study` now arrived.
    pub fn arrived_in(&self, study: &Uid, series: &Uid) -> Uid {
        let from = self.moved.iter().find(|((_, s), home)| s == series && *home == study);
        from.map_or(study, |((arrived, _), _)| arrived).clone()
    }

    /// Where an arriving instance of this study and series goes.
    pub fn goes_to(&self, study: &Uid, series: &Uid) -> Uid {
        self.moved.get(&(study.clone(), series.clone())).unwrap_or(study).clone()
    }

    /// Other numbers of the patient of this one: those merged into her.
    pub fn merged_into(&self, (issuer, number): &(String, String)) -> Vec<(String, String)> {
        let is = |target: &Target| {
            let first = |tag| target.attributes.first(tag);
            first(tags::PATIENT_ID) == number && first(tags::ISSUER_OF_PATIENT_ID) == issuer
        };
        let stays = in_force(&self.changes).find_map(|deed| match deed {
            Deed::Merge { into, .. } if is(into) => Some(into.patient),
            _ => None,
        });
        let Some(stays) = stays else { return Vec::new() };
        let merges = in_force(&self.changes).filter_map(|deed| match deed {
            Deed::Merge { from, name, .. } if resolve(&self.changes, *from) == stays => {
                Some((name.issuer.clone(), name.number.clone()))
            }
            _ => None,
        });
        merges.collect()
    }

    /// All references of a patient: her own, and those that were merged into it.
    pub fn references(&self, patient: PatientRef) -> impl Iterator<Item = PatientRef> {
        let others = self.merged.get(&patient).into_iter().flatten().copied();
        std::iter::once(patient).chain(others.filter(move |other| *other != patient))
    }

    /// One of these is this patient, or was merged into her.
    pub fn any_is(&self, some: &[PatientRef], patient: PatientRef) -> bool {
        !some.is_empty() && self.references(patient).any(|one| some.contains(&one))
    }

    /// Whose a study is while nobody is merged: it keeps this when a merge is undone.
    pub fn unmerged(&self, study: &Study) -> PatientRef {
        self.unmerged_of(&study.record.uid, study.record.patient)
    }

    /// The same, of a study that is not in memory whole; `patient`: whose it is.
    pub fn unmerged_of(&self, study: &Uid, patient: PatientRef) -> PatientRef {
        let arrived = self.arrived.get(study).map_or(patient, |arrived| arrived.patient);
        let moved = in_force(&self.changes).filter_map(|deed| match deed {
            Deed::MoveStudies { studies, to } if studies.contains(study) => Some(to.patient),
            _ => None,
        });
        let own = moved.last().unwrap_or(arrived);
        if self.any_is(&[own], patient) { own } else { patient }
    }

    /// What is laid over the headers of a series: nothing when all is as it arrived, and then every byte leaves as it came.
    pub fn corrections(&self, study: &Study, series: &Uid) -> Option<Corrections> {
        let home = self.arrived_in(&study.record.uid, series);
        let arrived = self.arrived.get(&home)?;
        let record = &study.record;
        let other_patient = arrived.patient != record.patient;
        let other_study = home != record.uid;
        let mut set = Attributes::new();
        differences(
            &mut set,
            tags::PATIENT,
            (&arrived.patient_attributes, &record.patient_attributes),
            other_patient,
        );
        differences(&mut set, tags::STUDY, (&arrived.attributes, &record.attributes), other_study);
        (other_patient || !set.is_empty()).then_some(Corrections { set, other_patient })
    }

    /// Numbers of patients that studies arrived with or were given.
    pub fn patients(&self) -> HashMap<PatientKey, PatientRef> {
        let arrived = self.arrived.values();
        let arrived = arrived.map(|a| (PatientKey::of(&a.patient_attributes, &a.uid), a.patient));
        let given = self.changes.values().filter_map(|change| match &change.deed {
            Deed::MoveStudies { to, .. } | Deed::Merge { into: to, .. } => numbered(to),
            _ => None,
        });
        given.chain(arrived).collect()
    }
}

/// The number of who something was given to.
fn numbered(to: &Target) -> Option<(PatientKey, PatientRef)> {
    let first = |tag| to.attributes.first(tag).to_owned();
    let number = Some(first(tags::PATIENT_ID)).filter(|number| !number.is_empty())?;
    Some((PatientKey::Numbered(first(tags::ISSUER_OF_PATIENT_ID), number), to.patient))
}

/// What `now` says otherwise than `then`, or (`all`) all that it says and all that it leaves out.
fn differences(out: &mut Attributes, of: &[model::Tag], (then, now): (&Attributes, &Attributes), all: bool) {
    for tag in of {
        let (before, after) = (then.get(*tag), now.get(*tag));
        if !all && before == after {
            continue;
        }
        match (after, before) {
            (Some(attribute), _) => out.set(*tag, attribute.vr.0, attribute.values.iter().cloned()),
            (None, Some(attribute)) => out.set(*tag, attribute.vr.0, []),
            // Nobody knows it of the first object; another one of the series may say it.
            (None, None) => out.set(*tag, *b"UN", []),
        }
    }
}

/// As it arrived: its record before anything is put right.
pub fn as_arrived(record: &StudyRecord) -> Arrived {
    Arrived {
        uid: record.uid.clone(),
        patient: record.patient,
        patient_attributes: record.patient_attributes.clone(),
        attributes: record.attributes.clone(),
    }
}
