//! How a consent begins: proposed to the patient, said by her, or witnessed.

use super::record::{Agreement, OfStudy, Step};
use super::turns::Act;
use super::{No, change, changed, person, text_of};
use crate::catalog::{PatientKey, Study};
use crate::context::Context;
use crate::journal::new_id;
use crate::vault::{Vault, lock};
use model::{Bounds, ConsentFault, Id, PatientRef, Recipient, Role, Says, Time, Uid};
use policy::Right;
use port::Code;
use port::archive::Proposal;
use std::sync::Arc;

/// Begins one.
pub async fn begin(vault: &Vault, context: &Context, proposal: Proposal) -> Result<Id, No> {
    let act = act_of(context, &proposal)?;
    if !proposal.purpose.secondary() {
        return Err(ConsentFault::UnknownCode.into());
    }
    let decided = said_at(context.now, &proposal, act)?;
    let righted = lock(&vault.righted).version();
    let (home, study) = about(vault, context, &proposal)?;
    let recipient = recipient(context, proposal.recipient.map(named_as))?;
    // A no has no boundaries: it would say that beyond them nothing is refused.
    if proposal.says == Says::Deny && proposal.bounds != Bounds::default() {
        return Err(ConsentFault::NotRepresentable.into());
    }
    let bounds = proposal.bounds.checked(context.now)?;
    // Who asks says for what; what she says herself needs no reason.
    let text = text_of(proposal.text, act == Act::Propose)?;
    let state = act.begins().ok_or(ConsentFault::NotNow)?;
    let id = new_id(&*vault.sealing.random)?;
    let consent = Agreement {
        id,
        purpose: proposal.purpose,
        recipient,
        study: study.filter(|_| !proposal.all),
        says: proposal.says,
        state,
        decided,
        steps: vec![Step { act, by: person(context), at: context.now, text, bounds }],
        looked: false,
        copies: Vec::new(),
    };
    let now = context.now;
    change(vault, context, home, Some(righted), move |record, _| {
        // What is put down later than it was said does not pass for what she said last.
        if consent.decided < now && record.overtaken(&consent) {
            return Err(ConsentFault::NotNow.into());
        }
        let entry = (changed(&consent, act), consent.study.as_ref().map(|study| study.uid.clone()));
        let no = consent.says == Says::Deny;
        record.consents.push(consent);
        record.bounded(no)?;
        Ok(vec![entry])
    })
    .await?;
    Ok(id)
}

/// When it was said, as far as its date tells: not later than now.
fn said_at(now: Time, proposal: &Proposal, act: Act) -> Result<Time, ConsentFault> {
    let Some((first, after)) = proposal.dated else { return Ok(now) };
    if first > now {
        return Err(ConsentFault::ContradictoryDates);
    }
    Ok(match (act, proposal.says) {
        // A question is as old as its arrival.
        (Act::Propose, _) => now,
        // A yes on paper may be of the morning: it does not overrule what she said at noon.
        (Act::Witness, Says::Permit) => first,
        _ => now.min(Time(after.0.saturating_sub(1))),
    })
}

/// She says it, the officer saw her say it, or somebody asks her; nobody asks her for a no.
fn act_of(context: &Context, proposal: &Proposal) -> Result<Act, No> {
    match (context.caller.role, proposal.witnessed) {
        (Role::Patient, false) => Ok(Act::Record),
        (Role::Officer, true) => Ok(Act::Witness),
        (Role::Patient, true) | (_, true) => Err(Code::NotAllowed.into()),
        (_, false) if proposal.says == Says::Deny => Err(ConsentFault::NotRepresentable.into()),
        (_, false) => Ok(Act::Propose),
    }
}

/// A name as accounts have it; of a house as it was written, but for spaces around it.
fn named_as(recipient: Recipient) -> Recipient {
    match recipient {
        Recipient::Organisation(name) => Recipient::Organisation(name.trim().to_owned()),
        other => other.folded(),
    }
}

/// Others than the patient and the officer ask for themselves, or for their house.
fn recipient(context: &Context, wanted: Option<Recipient>) -> Result<Recipient, No> {
    let caller = &context.caller;
    let may_name = matches!(caller.role, Role::Patient | Role::Officer);
    match wanted {
        // Neither she nor the officer sees films for secondary use: a word about them says nothing.
        None if may_name => Err(ConsentFault::NotRepresentable.into()),
        None => Ok(Recipient::Account(caller.user.clone()).folded()),
        Some(Recipient::Account(name) | Recipient::Organisation(name)) if name.trim().is_empty() => {
            Err(ConsentFault::UnknownCode.into())
        }
        Some(named) if may_name => Ok(named),
        Some(named @ (Recipient::Account(_) | Recipient::Organisation(_)))
            if named.is(&caller.user, &caller.organisation.0, caller.role) =>
        {
            Ok(named)
        }
        Some(_) => Err(Code::NotAllowed.into()),
    }
}

/// Whose films, and which study. What the caller may not name is as unknown as what is not there.
fn about(vault: &Vault, context: &Context, proposal: &Proposal) -> Result<(PatientRef, Option<OfStudy>), No> {
    let study = match &proposal.study {
        Some(uid) => Some((named(vault, context, proposal, uid)?.ok_or(ConsentFault::ForeignPatient)?, uid)),
        None => None,
    };
    let of_study = study.as_ref().map(|(study, asked)| OfStudy {
        id: study.record.id,
        uid: study.record.uid.clone(),
        asked: (*asked).clone(),
    });
    let home = study.as_ref().map(|(study, _)| lock(&vault.righted).unmerged(study));
    let numbered = numbered(vault, context, proposal)?;
    match (home, numbered) {
        (Some(home), Some(numbered)) if home != numbered => Err(ConsentFault::ForeignPatient.into()),
        (Some(home), _) => Ok((home, of_study)),
        // Nothing was named but she: all her films.
        (None, Some(numbered)) if proposal.all => Ok((numbered, None)),
        (None, _) => Err(ConsentFault::ForeignPatient.into()),
    }
}

/// The study by the name that the caller knows it by.
fn named(vault: &Vault, context: &Context, proposal: &Proposal, uid: &Uid) -> Result<Option<Arc<Study>>, No> {
    match context.caller.role {
        Role::Patient => {
            let own = vault.own(context)?;
            Ok(vault.study(uid)?.filter(|study| vault.is_own(own, (uid, study.patient()))))
        }
        Role::Officer => Ok(vault.study(uid)?),
        _ => Ok(vault.known_study(context, uid, proposal.purpose)?),
    }
}

/// The patient by her number, or the caller herself.
fn numbered(vault: &Vault, context: &Context, proposal: &Proposal) -> Result<Option<PatientRef>, No> {
    let by_number = |issuer: &str, number: &str| {
        let key = PatientKey::Numbered(issuer.to_owned(), number.to_owned());
        vault.arrived_as(&vault.catalog(), &key)
    };
    match (&proposal.patient, context.caller.role) {
        (Some(named), Role::Patient) => {
            let found = by_number(&named.issuer, &named.number);
            let own = vault.own(context)?;
            let hers = found.filter(|found| own.is(&lock(&vault.righted), *found));
            hers.map(Some).ok_or_else(|| ConsentFault::ForeignPatient.into())
        }
        (Some(named), _) if vault.right(context, Right::LookUp).is_ok() => {
            by_number(&named.issuer, &named.number)
                .map(Some)
                .ok_or_else(|| ConsentFault::ForeignPatient.into())
        }
        (Some(_), _) => Err(Code::NotAllowed.into()),
        (None, Role::Patient) if proposal.study.is_none() => Ok(vault.own(context)?.home()),
        (None, _) => Ok(None),
    }
}
