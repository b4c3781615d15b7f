//! What an officer reads before and after: a patient's studies, and the changes.

use super::own;
use super::record::{Change, Deed, Target};
use super::righted::Righted;
use crate::catalog::{Card, Depth, PatientKey};
use crate::context::{About, Context};
use crate::find::{clean, of_patient};
use crate::vault::{Vault, lock};
use ledger::Event;
use model::{Attributes, Uid, Words, limits, tags};
use policy::Right;
use port::putright::{Answer, ChangeLine, LookedUp, PatientNumber};
use port::{Fault, Response};
use std::collections::BTreeSet;

/// The changes, newest first. Patients' numbers only for who may look patients up.
pub async fn changes(
    vault: &Vault,
    context: &Context,
    limit: usize,
    before: Option<u64>,
) -> Result<Response, Fault> {
    vault.may(context, Right::PutRight).await?;
    let named = vault.right(context, Right::LookUp).is_ok();
    let (version, changes, more) = {
        let righted = lock(&vault.righted);
        let limit = limit.clamp(1, limits::MATCHES);
        let mut older = righted.changes.range(..before.unwrap_or(u64::MAX)).rev();
        let page: Vec<ChangeLine> =
            older.by_ref().take(limit).map(|(_, change)| line(&righted, change, named)).collect();
        (righted.version(), page, older.next().is_some())
    };
    let event =
        Event::Queried { keys_hash: vault.sealing.text_hash("query", "changes"), hits: changes.len() as u64 };
    vault.record(context, About::nothing(), event).await?;
    let next = changes.last().map(|last| last.number).filter(|_| more);
    Ok(Response::PutRight(Answer::Changes { version, changes, next }))
}

/// A patient's studies, found by her exact number: reduced words, no picture.
pub async fn look_up(vault: &Vault, context: &Context, patient: &PatientNumber) -> Result<Response, Fault> {
    vault.may(context, Right::LookUp).await?;
    let (version, studies) = tokio::task::block_in_place(|| -> Result<_, Fault> {
        let key = PatientKey::Numbered(patient.issuer.clone(), patient.number.clone());
        let found = vault.patient_named(&vault.catalog(), &key);
        let project = vault.project();
        let words = |line: &Attributes| clean(line, Words::Reduced, &project).unwrap_or_default();
        let mut studies = Vec::new();
        let cards = found.map_or(Ok(Vec::new()), |patient| of_patient(vault, &patient, Depth::Series))?;
        for card in cards.into_iter().take(limits::MATCHES) {
            studies.push(looked_up(&card, &words));
        }
        Ok((lock(&vault.righted).version(), studies))
    })?;
    let keys = format!("{}\\{}", patient.issuer, patient.number);
    let event =
        Event::Queried { keys_hash: vault.sealing.text_hash("query", &keys), hits: studies.len() as u64 };
    vault.record(context, About::nothing(), event).await?;
    Ok(Response::PutRight(Answer::LookedUp { version, studies }))
}

fn looked_up(card: &Card, words: &dyn Fn(&Attributes) -> Attributes) -> LookedUp {
    let series = card.series.iter().filter(|series| series.count > 0).map(|series| {
        let mut line = series.attributes.clone();
        line.set(tags::NUMBER_OF_SERIES_RELATED_INSTANCES, *b"IS", [series.count.to_string()]);
        words(&line)
    });
    LookedUp { series: series.collect(), study: words(&card.answer()) }
}

fn line(righted: &Righted, change: &Change, named: bool) -> ChangeLine {
    let confirmed = own::confirmed(&righted.changes).get(&change.number).map(|yes| (yes.at, yes.by.clone()));
    ChangeLine {
        number: change.number,
        act: change.deed.as_str().to_owned(),
        at: change.at,
        by: change.by.clone(),
        reason: change.reason.clone(),
        studies: studies(&change.deed),
        patients: if named { patients(&change.deed) } else { Vec::new() },
        undone: change.undone.clone(),
        confirmed,
        waits: righted.waits(change),
    }
}

fn studies(deed: &Deed) -> Vec<Uid> {
    match deed {
        Deed::Merge { .. } | Deed::CorrectPatient { .. } | Deed::Confirm { .. } => Vec::new(),
        Deed::MoveStudies { studies, .. } => studies.clone(),
        Deed::MoveSeries { series, to } => {
            let from: BTreeSet<&Uid> = series.iter().map(|(study, _)| study).collect();
            from.into_iter().chain(std::iter::once(to)).cloned().collect()
        }
        Deed::CorrectStudy { study, .. } | Deed::Reject { study, .. } | Deed::Contradiction { study, .. } => {
            vec![study.clone()]
        }
    }
}

fn patients(deed: &Deed) -> Vec<PatientNumber> {
    let of = |target: &Target| PatientNumber {
        issuer: target.attributes.first(tags::ISSUER_OF_PATIENT_ID).to_owned(),
        number: target.attributes.first(tags::PATIENT_ID).to_owned(),
    };
    match deed {
        Deed::Merge { name, into, .. } => vec![name.clone(), of(into)],
        Deed::MoveStudies { to, .. } => vec![of(to)],
        Deed::CorrectPatient { name, .. } | Deed::Contradiction { name, .. } => vec![name.clone()],
        _ => Vec::new(),
    }
}
