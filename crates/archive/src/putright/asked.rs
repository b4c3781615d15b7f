//! From what was asked to a deed: names become references, words are checked, nothing is guessed.

mod words;

use super::keep::Refusal;
use super::record::{Deed, Target};
use super::righted::{self, Righted};
use crate::Result;
use crate::catalog::{Catalog, MaskSet, PatientKey, Study, StudyRecord};
use crate::journal::{new_id, new_uid};
use crate::vault::Vault;
use model::{Attributes, Id, PatientRef, Time, Uid, limits, tags};
use port::Code;
use port::putright::{Act, CORRECTABLE_OF_PATIENT, CORRECTABLE_OF_STUDY, Destination, PatientNumber};
use std::collections::BTreeSet;
pub use words::reason;
use words::{checked, number};

type Asked<T> = std::result::Result<T, Refusal>;

/// References and a UID that may be needed; drawn before the lock.
pub struct Drawn {
    patient: PatientRef,
    study: Id,
    uid: Uid,
}

impl Drawn {
    pub fn draw(vault: &Vault) -> Result<Self> {
        let random = &*vault.sealing.random;
        Ok(Self { patient: new_id(random)?, study: new_id(random)?, uid: new_uid(random)? })
    }
}

/// Somebody else may have changed something since the caller looked.
pub fn expected(now: &Righted, version: u64) -> Asked<()> {
    if now.version() == version { Ok(()) } else { Err(("other-version", Code::VersionConflict)) }
}

/// Studies that an act names.
pub fn needs(act: &Act) -> Vec<Uid> {
    match act {
        Act::Merge { .. } | Act::CorrectPatient { .. } | Act::Confirm { .. } => Vec::new(),
        Act::MoveStudies { studies, .. } => studies.iter().take(limits::RIGHTED_STUDIES).cloned().collect(),
        Act::MoveSeries { study, to: Destination::Study(to), .. } => vec![study.clone(), to.clone()],
        Act::MoveSeries { study, .. } | Act::CorrectStudy { study, .. } | Act::Reject { study, .. } => {
            vec![study.clone()]
        }
    }
}

/// The deed, with the study that it makes.
pub fn deed(
    act: &Act,
    (catalog, now): (&Catalog, &Righted),
    drawn: &Drawn,
    (at, by): (Time, &str),
) -> Asked<(Deed, Option<StudyRecord>)> {
    let house = House { catalog, now, drawn };
    match act {
        Act::Confirm { change } => Ok((confirm(now, *change, by)?, None)),
        Act::Merge { from, into, demographics } => Ok((house.merge(from, into, demographics)?, None)),
        Act::MoveStudies { studies, to, demographics } => {
            Ok((house.move_studies(studies, to, demographics)?, None))
        }
        Act::MoveSeries { study, series, to } => house.move_series(study, series, to, at),
        Act::CorrectPatient { patient, set } => {
            let set = checked(set, CORRECTABLE_OF_PATIENT)?;
            let name = number(patient)?;
            let patient = house.patient(&name)?.ok_or(UNKNOWN_PATIENT)?;
            house.would_change(patient, &set)?;
            Ok((Deed::CorrectPatient { patient, name, set }, None))
        }
        Act::CorrectStudy { study, set } => {
            let set = checked(set, CORRECTABLE_OF_STUDY)?;
            let study = house.study(study)?.record.uid.clone();
            Ok((Deed::CorrectStudy { study, set }, None))
        }
        Act::Reject { study, series, instances, code } => {
            let found = house.study(study)?;
            let instances = chosen(found, series.as_ref(), instances)?;
            Ok((
                Deed::Reject {
                    study: study.clone(),
                    code: *code,
                    instances,
                    to_come: Vec::new(),
                    note: None,
                },
                None,
            ))
        }
    }
}

fn confirm(now: &Righted, number: u64, by: &str) -> Asked<Deed> {
    let change = now.changes.get(&number).ok_or(("no-such-change", Code::NotFound))?;
    if !now.waits(change) {
        return Err(("waits-for-nobody", Code::BadRequest));
    }
    if change.by == by { Err(("own-change", Code::NotAllowed)) } else { Ok(Deed::Confirm { change: number }) }
}

const UNKNOWN_PATIENT: Refusal = ("unknown-patient", Code::NotFound);

struct House<'a> {
    catalog: &'a Catalog,
    now: &'a Righted,
    drawn: &'a Drawn,
}

impl<'a> House<'a> {
    fn study(&self, uid: &Uid) -> Asked<&'a Study> {
        self.catalog.study(uid).map(|study| &**study).ok_or(("unknown-study", Code::NotFound))
    }

    /// Who a number is, after merges. Where one side says no issuer it is the one patient who has the number.
    fn patient(&self, name: &PatientNumber) -> Asked<Option<PatientRef>> {
        let key = PatientKey::Numbered(name.issuer.clone(), name.number.clone());
        let resolve = |patient| righted::resolve(&self.now.changes, patient);
        if let Some(known) = self.now.keys.get(&key).copied().or_else(|| self.catalog.patient(&key)) {
            return Ok(Some(resolve(known)));
        }
        let put_right =
            self.now.keys.iter().filter(|(other, _)| other.fits(&key)).map(|(_, patient)| *patient);
        let alike: BTreeSet<PatientRef> =
            self.catalog.patients_like(&key).into_iter().chain(put_right).map(resolve).collect();
        if alike.len() > 1 {
            Err(("ambiguous-number", Code::BadRequest))
        } else {
            Ok(alike.into_iter().next())
        }
    }

    /// A feed tells of a patient each time that anything of her changes; a change that changes nothing is none.
    fn would_change(&self, patient: PatientRef, set: &Attributes) -> Asked<()> {
        let says = |uid: &Uid| {
            let brief = self.catalog.brief(uid);
            brief.is_some_and(|brief| {
                set.iter().all(|(tag, to)| {
                    brief.patient_attributes.get(tag).map_or(&[][..], |now| &now.values) == to.values
                })
            })
        };
        let all = self.catalog.all_of_patient(&patient);
        if all.iter().all(says) { Err(("already-so", Code::NotFound)) } else { Ok(()) }
    }

    fn merge(&self, from: &PatientNumber, into: &PatientNumber, demographics: &Attributes) -> Asked<Deed> {
        let (name, into) = (number(from)?, number(into)?);
        let from = self.patient(&name)?.ok_or(UNKNOWN_PATIENT)?;
        let known = match self.patient(&into)? {
            Some(_) if name == into => return Err(("same-patient", Code::BadRequest)),
            Some(patient) if patient == from => return Err(("already-so", Code::NotFound)),
            Some(patient) => self.demographics(patient).map(|attributes| Target { patient, attributes }),
            None => None,
        };
        let into = match known {
            Some(target) => target,
            None if demographics.is_empty() => return Err(UNKNOWN_PATIENT),
            None => self.target(&into, demographics)?,
        };
        Ok(Deed::Merge { from, name, into })
    }

    fn move_studies(&self, studies: &[Uid], to: &PatientNumber, demographics: &Attributes) -> Asked<Deed> {
        if studies.is_empty() || studies.len() > limits::RIGHTED_STUDIES {
            return Err(("number-of-studies", Code::BadRequest));
        }
        let to = self.target(to, demographics)?;
        let mut named = Vec::new();
        for uid in studies {
            let study = self.study(uid)?;
            if study.patient() == to.patient {
                return Err(("same-patient", Code::BadRequest));
            }
            named.push(study.record.uid.clone());
        }
        Ok(Deed::MoveStudies { studies: named, to })
    }

    fn move_series(
        &self,
        study: &Uid,
        series: &[Uid],
        to: &Destination,
        at: Time,
    ) -> Asked<(Deed, Option<StudyRecord>)> {
        let from = self.study(study)?;
        let there = |uid: &Uid| {
            from.series
                .iter()
                .any(|s| s.uid == *uid && s.instances.iter().any(crate::catalog::Instance::shown))
        };
        if series.is_empty() || !series.iter().all(there) {
            return Err(("unknown-series", Code::NotFound));
        }
        let new = match to {
            Destination::Study(to) if to == study => return Err(("same-study", Code::BadRequest)),
            Destination::Study(to) => {
                self.study(to)?;
                None
            }
            Destination::NewStudy(patient) => Some(self.new_study(from, patient.as_ref(), at)?),
        };
        let to = match (to, &new) {
            (Destination::Study(to), _) => to.clone(),
            (_, Some(record)) => record.uid.clone(),
            (_, None) => return Err(("unknown-study", Code::NotFound)),
        };
        let series = series.iter().map(|s| (self.now.arrived_in(study, s), s.clone())).collect();
        Ok((Deed::MoveSeries { series, to }, new))
    }

    /// A study like the one it is taken from, under a UID of ours and without the order that does not fit it.
    fn new_study(&self, from: &Study, patient: Option<&PatientNumber>, at: Time) -> Asked<StudyRecord> {
        let target = match patient {
            Some(name) => self.target(name, &Attributes::new())?,
            None => {
                // Without corrections: one that is taken back later must not stay in the new study.
                let arrived = self.now.arrived.get(&from.record.uid);
                let arrived = arrived.map_or_else(|| righted::as_arrived(&from.record), |a| (**a).clone());
                let placed = righted::placed(&self.now.changes, &arrived);
                Target { patient: placed.patient, attributes: placed.patient_attributes }
            }
        };
        let mut attributes = from.record.attributes.clone();
        attributes.set(tags::STUDY_INSTANCE_UID, *b"UI", [self.drawn.uid.as_str().to_owned()]);
        attributes.set(tags::ACCESSION_NUMBER, *b"SH", []);
        Ok(StudyRecord {
            id: self.drawn.study,
            uid: self.drawn.uid.clone(),
            patient: target.patient,
            patient_attributes: target.attributes,
            attributes,
            arrived: at,
            masks: MaskSet::default(),
        })
    }

    /// A known patient with her own words, or a new one with those that were given.
    fn target(&self, name: &PatientNumber, given: &Attributes) -> Asked<Target> {
        let name = number(name)?;
        let known = self.patient(&name)?;
        if let Some((patient, attributes)) = known.and_then(|p| self.demographics(p).map(|a| (p, a))) {
            return if given.is_empty() {
                Ok(Target { patient, attributes })
            } else {
                Err(("known-patient", Code::BadRequest)) // her words are corrected, not brought along
            };
        }
        let mut attributes = Attributes::new();
        if !given.is_empty() {
            attributes = checked(given, CORRECTABLE_OF_PATIENT)?;
        }
        if attributes.first(tags::PATIENT_NAME).is_empty() {
            return Err(("name-of-new-patient", Code::BadRequest));
        }
        attributes.set(tags::PATIENT_ID, *b"LO", [name.number]);
        if !name.issuer.is_empty() {
            attributes.set(tags::ISSUER_OF_PATIENT_ID, *b"LO", [name.issuer]);
        }
        Ok(Target { patient: known.unwrap_or(self.drawn.patient), attributes })
    }

    /// The words of a patient as they arrived or were given, before corrections: these are laid over anew.
    fn demographics(&self, patient: PatientRef) -> Option<Attributes> {
        let untouched = self.catalog.all_of_patient(&patient);
        let untouched = untouched.into_iter().filter(|uid| !self.now.arrived.contains_key(uid));
        let arrived = self.now.arrived.values().filter(|arrived| arrived.patient == patient);
        let own = untouched.chain(arrived.map(|arrived| arrived.uid.clone())).filter_map(|uid| {
            let brief = self.catalog.brief(&uid)?;
            let arrived = self.now.arrived.get(&uid).map(|arrived| arrived.patient_attributes.clone());
            Some((brief.day, uid, arrived.unwrap_or(brief.patient_attributes)))
        });
        let newest = own.max_by(|(a, x, _), (b, y, _)| (a, x).cmp(&(b, y)));
        let newest = newest.map(|(_, _, attributes)| attributes);
        let given = || {
            self.now.changes.values().rev().find_map(|change| match &change.deed {
                Deed::Merge { into: to, .. } | Deed::MoveStudies { to, .. } if to.patient == patient => {
                    Some(to.attributes.clone())
                }
                _ => None,
            })
        };
        newest.or_else(given)
    }
}

/// The instances that a rejection means; each must be there.
fn chosen(study: &Study, series: Option<&Uid>, instances: &[Uid]) -> Asked<Vec<Uid>> {
    let of_series = study.instances().filter(|(s, _)| series.is_none_or(|uid| *uid == s.uid));
    let there: Vec<Uid> = of_series.map(|(_, i)| i.record.sop_uid.clone()).collect();
    let wanted = if instances.is_empty() { there.clone() } else { instances.to_vec() };
    if wanted.is_empty() || !wanted.iter().all(|uid| there.contains(uid)) {
        return Err(("unknown-instance", Code::NotFound));
    }
    if wanted.len() > limits::REJECTED { Err(("too-many", Code::TooLarge)) } else { Ok(wanted) }
}
