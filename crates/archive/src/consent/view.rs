//! What each side sees of a consent: the same text, boundaries and history. Nobody but the privacy officer learns from it
//! whose films they are, or under which other name.

use super::record::{Agreement, CopyRecord, Person, Step};
use super::turns::{Side, State, open_to};
use super::{copies, knows};
use crate::context::{About, Context};
use crate::vault::{Vault, lock};
use ledger::Event;
use model::{Id, PatientRef, Role, Uid};
use port::archive::{ConsentStep, ConsentView, Copies, Party};
use port::{Code, Fault, Response};
use std::collections::HashSet;

/// Consents in one answer.
const LISTED: usize = 256;

/// All that the caller knows of, or one of them.
pub async fn list(vault: &Vault, context: &Context, id: Option<Id>) -> Result<Response, Fault> {
    let wanted = |one: &Agreement| id.is_none_or(|id| one.id == id);
    let mut found = known(vault, context, wanted);
    found.truncate(LISTED);
    let event = Event::ConsentsRead { consents: found.len() as u64 };
    let about = About { patient: context.own.map(|own| own.patient), ..About::nothing() };
    vault.record(context, about, event).await?;
    if id.is_some() && found.is_empty() {
        return Err(Code::NotFound.into());
    }
    if ask_late(vault, context, &found).await {
        found = known(vault, context, wanted);
        found.truncate(LISTED);
    }
    views(vault, context, found, id.is_some()).await
}

/// One, after it was changed.
pub async fn told(vault: &Vault, context: &Context, id: Id) -> Result<Response, Fault> {
    views(vault, context, known(vault, context, |one| one.id == id), false).await
}

/// Who has copies of what she withdrew was not asked then: asks now, for one withdrawal a reading.
async fn ask_late(vault: &Vault, context: &Context, found: &[(PatientRef, Agreement)]) -> bool {
    let own = own(vault, context);
    let late = found
        .iter()
        .find(|(patient, one)| own.contains(patient) && one.state == State::Withdrawn && !one.looked);
    let Some((patient, one)) = late else { return false };
    copies::ask(vault, context, *patient, one.id).await.is_ok()
}

/// References under which what was said is the caller's own.
fn own(vault: &Vault, context: &Context) -> HashSet<PatientRef> {
    context.own.map(|own| own.references(&lock(&vault.righted))).unwrap_or_default()
}

async fn views(
    vault: &Vault,
    context: &Context,
    found: Vec<(PatientRef, Agreement)>,
    looks: bool,
) -> Result<Response, Fault> {
    let (mut out, own) = (Vec::new(), own(vault, context));
    for (patient, consent) in found {
        let hers = own.contains(&patient);
        out.push(view(vault, context, (patient, &consent), (hers, hers && looks)).await?);
    }
    Ok(Response::Consents(out))
}

/// Newest first.
fn known(
    vault: &Vault,
    context: &Context,
    wanted: impl Fn(&Agreement) -> bool,
) -> Vec<(PatientRef, Agreement)> {
    let own = own(vault, context);
    let consents = lock(&vault.consents);
    // A patient knows hers: nobody else's are gone through for her.
    let records: Vec<_> = match context.caller.role {
        Role::Patient => own.iter().filter_map(|of| consents.get(of)).collect(),
        _ => consents.values().collect(),
    };
    let all = records.into_iter().flat_map(|record| record.consents.iter().map(|one| (record.patient, one)));
    let all = all.filter(|(patient, one)| wanted(one) && knows(context, own.contains(patient), one));
    let mut found: Vec<_> = all.map(|(patient, one)| (patient, one.clone())).collect();
    found.sort_by_key(|(_, one)| (std::cmp::Reverse(one.decided), one.id));
    found
}

async fn view(
    vault: &Vault,
    context: &Context,
    (patient, consent): (PatientRef, &Agreement),
    (own, looks): (bool, bool),
) -> Result<ConsentView, Fault> {
    let side = consent.side(&context.caller.user, own);
    let knows_text = side.is_some() || context.caller.role == Role::Officer;
    let steps = consent.steps.iter().filter(|_| knows_text).map(|step| told_step(step, own)).collect();
    let next = side.into_iter().flat_map(|side| open_to(consent.state, side));
    let mut next: Vec<String> = next.map(|act| act.as_str().to_owned()).collect();
    let copies = copies_told(vault, context, (patient, consent), (own, looks)).await?;
    if copies.iter().any(|copy| copy.own && copy.asked.is_some()) {
        next.push("answer-deletion".to_owned());
    }
    Ok(ConsentView {
        id: consent.id,
        own,
        proposed: side == Some(Side::Proposer),
        by: party(consent.begun_by(), own),
        purpose: consent.purpose,
        recipient: consent.recipient.clone(),
        study: name_of(consent, context, side),
        says: consent.says,
        state: consent.state.as_str().to_owned(),
        bounds: consent.bounds(),
        digest: consent.digest(),
        next,
        steps,
        copies,
    })
}

/// The patient and the officer know the study by its own name, who proposed by the one that he used, others not at all.
fn name_of(consent: &Agreement, context: &Context, side: Option<Side>) -> Option<Uid> {
    let study = consent.study.as_ref()?;
    match side {
        Some(Side::Patient) => Some(study.uid.clone()),
        Some(Side::Proposer) => Some(study.asked.clone()),
        None => (context.caller.role == Role::Officer).then(|| study.uid.clone()),
    }
}

fn told_step(step: &Step, own: bool) -> ConsentStep {
    ConsentStep {
        act: step.act.as_str().to_owned(),
        by: party(&step.by, own),
        at: step.at,
        text: step.text.clone(),
        bounds: step.bounds.clone(),
    }
}

/// Who asks her is told to her by name; who she is, to nobody.
fn party(person: &Person, own: bool) -> Party {
    let hidden = person.role == Role::Patient && !own;
    Party {
        name: if hidden { String::new() } else { person.name.clone() },
        role: person.role,
        organisation: if hidden { String::new() } else { person.organisation.clone() },
    }
}

/// What was asked when it was withdrawn; before that, to the patient who reads this one: who has copies by now.
async fn copies_told(
    vault: &Vault,
    context: &Context,
    (patient, consent): (PatientRef, &Agreement),
    (own, looks): (bool, bool),
) -> Result<Vec<Copies>, Fault> {
    let live = looks && !consent.looked && matches!(consent.state, State::Accepted | State::Withdrawn);
    let found =
        if live { copies::held(vault, patient, consent, context.now).await? } else { consent.copies.clone() };
    let user = &context.caller.user;
    let all = own || context.caller.role == Role::Officer;
    let shown = found.iter().filter(|copy| all || copy.user == *user);
    let told = |copy: &CopyRecord| Copies {
        own: copy.user == *user,
        role: copy.role,
        organisation: copy.organisation.clone(),
        studies: copy.studies.iter().map(|(its, left)| if all { its } else { left }).cloned().collect(),
        releases: copy.releases,
        last: copy.last,
        asked: (!live).then_some(copy.asked),
        answer: copy.answer.clone(),
    };
    Ok(shown.map(told).collect())
}
