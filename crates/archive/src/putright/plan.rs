//! What a set of changes means for the index as it is: which studies say something else, which series move, whose keys
//! are wrapped anew. Pure; looked at twice, before the keys are wrapped and again under the lock.

use super::record::{Arrived, Deed};
use super::righted::{self, Changes, Effective, Rejections, Righted};
use crate::catalog::{Catalog, Series, Study, StudyRecord};
use model::{Id, PatientRef, Uid};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What is to be done.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// Studies whose record changes, or that no change has touched before: as they arrived, and what they become.
    pub studies: Vec<(Arrived, Effective)>,
    /// Series that move: from, series, to.
    pub moves: Vec<(Uid, Uid, Uid)>,
    /// Objects whose key goes from one patient to another.
    pub wraps: Vec<(Id, PatientRef, PatientRef)>,
    /// Instances that are rejected from now on, or no more.
    pub rejected: Vec<(Uid, bool)>,
    /// All studies that this touches.
    pub touched: BTreeSet<Uid>,
    /// Something of them is under way: look again in a moment.
    pub waits: bool,
}

/// The two of them would be in one study: not possible.
#[derive(Debug, PartialEq, Eq)]
pub struct SeriesIsThere;

/// Studies that a change is about, or that it makes another's: all of them must be whole to be planned.
pub fn affected(
    catalog: &Catalog,
    now: &Righted,
    after: &Changes,
    deed: &Deed,
) -> std::result::Result<BTreeSet<Uid>, SeriesIsThere> {
    let differs =
        |arrived: &Arrived| righted::effective(&now.changes, arrived) != righted::effective(after, arrived);
    // A correction is about the studies that it names, or that are the patient's now: a feed sends many, and each would look at
    // every study that was ever put right.
    let narrow = matches!(deed, Deed::CorrectPatient { .. } | Deed::CorrectStudy { .. });
    let known = now.arrived.values().filter(|arrived| !narrow && differs(arrived));
    let mut out: BTreeSet<Uid> = known.map(|arrived| arrived.uid.clone()).collect();
    match deed {
        Deed::Merge { from, .. } => out.extend(catalog.all_of_patient(from)),
        Deed::CorrectPatient { patient, .. } => out.extend(catalog.all_of_patient(patient)),
        Deed::MoveStudies { studies, .. } => out.extend(studies.iter().cloned()),
        Deed::MoveSeries { series, to } => {
            out.extend(series.iter().map(|(study, _)| study.clone()));
            out.insert(to.clone());
        }
        Deed::CorrectStudy { study, .. } => out.extend([study.clone()]),
        Deed::Contradiction { study, .. } => out.extend([study.clone()]),
        Deed::Reject { .. } | Deed::Confirm { .. } => {}
    }
    for uid in rejected_by(deed) {
        out.extend(catalog.packed_with(uid));
        out.extend(catalog.place(uid).map(|place| place.study));
    }
    for (from, _, to) in moves(catalog, now, after)? {
        out.extend([from, to]);
    }
    Ok(out)
}

/// Plans the way from what is to what `after` says, for these studies. `new`: one that these changes make.
pub fn plan(
    catalog: &Catalog,
    now: &Righted,
    after: &Changes,
    (deed, affected): (&Deed, &BTreeSet<Uid>),
    new: Option<&StudyRecord>,
) -> Result<Plan, SeriesIsThere> {
    let mut plan = Plan::default();
    let mut becomes: HashMap<Uid, Effective> = HashMap::new();
    for uid in affected {
        let Some(record) = record(catalog, new, uid) else { continue };
        let arrived = now.arrived.get(uid).map_or_else(|| righted::as_arrived(record), |a| (**a).clone());
        let effective = righted::effective(after, &arrived);
        if differs(record, &effective) || names(deed, uid) {
            becomes.insert(uid.clone(), effective.clone());
            plan.touched.insert(uid.clone());
            plan.studies.push((arrived, effective));
        }
    }
    plan.moves = moves(catalog, now, after)?;
    for (from, _, to) in &plan.moves {
        plan.touched.extend([from.clone(), to.clone()]);
    }
    plan.rejected = rejected(catalog, now, after, (deed, &mut plan.touched));
    plan.wraps = wraps(catalog, new, &plan, &becomes);
    plan.waits = plan.touched.iter().filter_map(|uid| catalog.whole(uid)).any(|study| waits(study));
    Ok(plan)
}

fn rejected_by(deed: &Deed) -> impl Iterator<Item = &Uid> {
    let lists = match deed {
        Deed::Reject { instances, to_come, note, .. } => Some(instances.iter().chain(to_come).chain(note)),
        _ => None,
    };
    lists.into_iter().flatten()
}

/// Studies of a move of series, and of a contradiction, are kept as they arrived, also when they themselves change nothing.
fn names(deed: &Deed, uid: &Uid) -> bool {
    match deed {
        Deed::MoveSeries { series, to } => to == uid || series.iter().any(|(study, _)| study == uid),
        Deed::Contradiction { study, .. } => study == uid,
        _ => false,
    }
}

fn record<'a>(catalog: &'a Catalog, new: Option<&'a StudyRecord>, uid: &Uid) -> Option<&'a StudyRecord> {
    catalog.whole(uid).map(|study| &study.record).or_else(|| new.filter(|record| record.uid == *uid))
}

fn differs(record: &StudyRecord, effective: &Effective) -> bool {
    record.patient != effective.patient
        || record.patient_attributes != effective.patient_attributes
        || record.attributes != effective.attributes
}

fn moves(catalog: &Catalog, now: &Righted, after: &Changes) -> Result<Vec<(Uid, Uid, Uid)>, SeriesIsThere> {
    let mut named: Vec<(Uid, Uid)> = righted::named_series(after).into_iter().collect();
    named.sort();
    let mut out = Vec::new();
    for (study, series) in named {
        let (from, to) = (now.goes_to(&study, &series), righted::home(after, &study, &series));
        if from != to {
            out.push((from, series, to));
        }
    }
    let mut targets = HashSet::new();
    for (_, series, to) in &out {
        let there = catalog.whole(to).and_then(|s| s.series.iter().find(|s| s.uid == *series));
        if there.is_some_and(|s| !s.instances.is_empty()) || !targets.insert((to, series)) {
            return Err(SeriesIsThere);
        }
    }
    Ok(out)
}

/// Instances of this change that are rejected from now on, or no more.
fn rejected(
    catalog: &Catalog,
    now: &Righted,
    after: &Changes,
    (deed, touched): (&Deed, &mut BTreeSet<Uid>),
) -> Vec<(Uid, bool)> {
    let then = Rejections::of(after);
    let mut out = Vec::new();
    for uid in rejected_by(deed) {
        let Some((study, series, instance)) = catalog.instance(uid) else { continue };
        let home = now.arrived_in(&study.record.uid, &series.uid);
        let rejected = then.holds(&home, uid);
        if rejected != instance.rejected {
            out.push((uid.clone(), rejected));
            touched.insert(study.record.uid.clone());
        }
    }
    out
}

/// Whose each object is, before and after.
fn wraps(
    catalog: &Catalog,
    new: Option<&StudyRecord>,
    plan: &Plan,
    becomes: &HashMap<Uid, Effective>,
) -> Vec<(Id, PatientRef, PatientRef)> {
    let moved: BTreeMap<(&Uid, &Uid), &Uid> =
        plan.moves.iter().map(|(from, series, to)| ((from, series), to)).collect();
    let patient = |uid: &Uid| {
        let then = becomes.get(uid).map(|effective| effective.patient);
        then.or_else(|| record(catalog, new, uid).map(|record| record.patient))
    };
    let mut out = Vec::new();
    for study in plan.touched.iter().filter_map(|uid| catalog.whole(uid)) {
        for series in &study.series {
            let home = moved.get(&(&study.record.uid, &series.uid)).copied().unwrap_or(&study.record.uid);
            let Some(then) = patient(home).filter(|then| *then != study.record.patient) else { continue };
            out.extend(objects(series).map(|object| (object, study.record.patient, then)));
        }
    }
    out
}

/// All that is sealed of a series, rejected instances and other versions too.
fn objects(series: &Series) -> impl Iterator<Item = Id> {
    series.instances.iter().flat_map(|i| {
        std::iter::once(i.record.object).chain(i.record.others.iter().map(|(object, _)| *object))
    })
}

fn waits(study: &Study) -> bool {
    let mut all = study.series.iter().flat_map(|s| &s.instances);
    all.any(|i| i.pending || !i.under_way.is_empty())
}
