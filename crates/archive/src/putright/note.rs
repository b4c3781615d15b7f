//! A note among the films rejects others (IHE RAD TF-2, Imaging Object Change Management). It is carried out before the
//! note itself is stored: what was acknowledged is then done, and a sender who was not answered sends it again.

use super::keep::{self, Wanted};
use super::record::Deed;
use super::righted::{self, Righted};
use crate::catalog::{Catalog, PatientKey};
use crate::context::{About, Context};
use crate::vault::{Vault, lock};
use ledger::Event;
use model::{Door, InstanceFacts, RejectionNote, Uid, limits};
use policy::Right;
use port::{Code, Fault};

/// Carries out what an arriving note says, once. A note of somebody who may not reject is an object like any other.
pub async fn noted(vault: &Vault, context: &Context, facts: &InstanceFacts) -> Result<(), Fault> {
    let Some(note) = &facts.rejects else { return Ok(()) };
    if note.instances.len() > limits::REJECTED {
        return Err(Code::TooLarge.into());
    }
    if known(vault, &facts.sop_uid) || vault.may(context, Right::Reject).await.is_err() {
        return Ok(());
    }
    // A plain association proves nobody: it may bring films, and hides none.
    if context.arrival.door == Door::Dimse && context.arrival.certificate.is_empty() {
        let right = Right::Reject.as_str().to_owned();
        let event = Event::NotAllowed { right, rules: vec!["not-proven".to_owned()] };
        vault.record(context, About::nothing(), event).await?;
        return Ok(());
    }
    let reason = format!("note {}", facts.sop_uid.as_str());
    let needs = |catalog: &Catalog| -> Vec<Uid> {
        let named = note.instances.iter().chain([&facts.sop_uid]).flat_map(|uid| catalog.packed_with(uid));
        named.chain([vault.goes_to(&facts.study_uid, &facts.series_uid)]).collect()
    };
    let kept = keep::keep(vault, context, needs, |catalog, now| {
        if rests(now, &facts.sop_uid) || catalog.place(&facts.sop_uid).is_some() {
            return Err(("noted", Code::VersionConflict)); // the same note came twice at once
        }
        let (instances, to_come, ignored) = believed(catalog, now, facts, note);
        let deed = Deed::Reject {
            study: facts.study_uid.clone(),
            code: note.code,
            instances,
            to_come,
            note: Some(facts.sop_uid.clone()),
        };
        Ok(Wanted { change: keep::made(now, context, deed, &reason), new: None, ignored })
    });
    match kept.await? {
        Ok(_) | Err((_, Code::VersionConflict)) => Ok(()),
        Err((_, code)) => Err(code.into()),
    }
}

/// Carried out before, or an object of this UID is here: then it is no new note, and hides nothing.
fn known(vault: &Vault, note: &Uid) -> bool {
    let catalog = vault.catalog();
    catalog.place(note).is_some()
        || !catalog.packed_with(note).is_empty()
        || rests(&lock(&vault.righted), note)
}

/// Some change rests on this note, taken back or not: who takes it back is not overruled by a sender's repetition.
fn rests(now: &Righted, note: &Uid) -> bool {
    now.changes.values().any(|change| match &change.deed {
        Deed::Reject { note: Some(known), .. } => known == note,
        _ => false,
    })
}

/// The references that a note may reject: instances of its own patient that are there, and such as are still to come to
/// its own study; the number of others. Else one machine could hide everybody's films.
fn believed(
    catalog: &Catalog,
    now: &Righted,
    facts: &InstanceFacts,
    note: &RejectionNote,
) -> (Vec<Uid>, Vec<Uid>, u64) {
    let home = now.goes_to(&facts.study_uid, &facts.series_uid);
    let key = PatientKey::of(&facts.patient, &facts.study_uid);
    let patient = |study: &Uid| catalog.whole(study).map(|study| study.patient());
    let own = patient(&home);
    let named = || now.keys.get(&key).copied().or_else(|| catalog.patient(&key));
    let own = own.or_else(|| named().map(|patient| righted::resolve(&now.changes, patient)));
    let (mut instances, mut to_come, mut ignored) = (Vec::new(), Vec::new(), 0);
    for uid in &note.instances {
        match catalog.place(uid) {
            None => to_come.push(uid.clone()),
            Some(place) if own.is_some() && patient(&place.study) == own => instances.push(uid.clone()),
            Some(_) => ignored += 1,
        }
    }
    (instances, to_come, ignored)
}
