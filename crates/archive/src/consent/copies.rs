//! Who has copies: what left for the purpose and the recipient of a consent, as the ledger says. Each is asked to delete them,
//! and what each answers is kept.

use super::record::{Agreement, COPIES, CopyRecord};
use super::{No, change, text_of};
use crate::catalog::Depth;
use crate::context::Context;
use crate::find::{Pseudonyms as _, of_patient};
use crate::vault::{Vault, lock};
use ledger::{Entry, Event, Value};
use model::{ConsentFault, Id, PatientRef, Purpose, Role, Time, Uid};
use port::{Code, Fault};
use std::collections::{BTreeMap, HashMap};

/// Entries looked at for one consent, of each study the newest.
const LOOKED_AT: usize = 20_000;

/// Looks who has copies of what was withdrawn, and asks each to delete them.
pub async fn ask(vault: &Vault, context: &Context, home: PatientRef, id: Id) -> Result<(), No> {
    let known = lock(&vault.consents).get(&home).cloned();
    let consent = known.iter().flat_map(|record| &record.consents).find(|one| one.id == id).cloned();
    let consent = consent.ok_or(Code::NotFound)?;
    let copies = held(vault, home, &consent, context.now).await?;
    change(vault, context, home, None, |record, _| {
        let consent = record.consents.iter_mut().find(|one| one.id == id).ok_or(Code::NotFound)?;
        if consent.looked {
            return Err(ConsentFault::NotNow.into());
        }
        (consent.looked, consent.copies) = (true, copies);
        let asked = |whom: String, releases| (Event::DeletionAsked { consent: id, whom, releases }, None);
        // That it was looked for is an entry, too: nothing is changed without one.
        if consent.copies.is_empty() {
            return Ok(vec![asked(String::new(), 0)]);
        }
        Ok(consent.copies.iter().map(|copy| asked(copy.user.clone(), copy.releases)).collect())
    })
    .await
}

/// What somebody who has copies says of them.
pub async fn answered(
    vault: &Vault,
    context: &Context,
    id: Id,
    (deleted, text): (bool, String),
) -> Result<Id, No> {
    let home = vault.consent_home(context, id).ok_or(Code::NotFound)?;
    let text = text_of(text, !deleted)?;
    change(vault, context, home, None, |record, _| {
        let consent = record.consents.iter_mut().find(|one| one.id == id).ok_or(Code::NotFound)?;
        let user = &context.caller.user;
        let copy = consent.copies.iter_mut().find(|copy| copy.user == *user).ok_or(Code::NotFound)?;
        copy.answer = Some((deleted, text.clone(), context.now));
        Ok(vec![(Event::DeletionAnswered { consent: id, deleted, answer: text }, None)])
    })
    .await?;
    Ok(id)
}

/// Who has copies of the films that a consent is about, for its purpose.
pub async fn held(
    vault: &Vault,
    home: PatientRef,
    consent: &Agreement,
    now: Time,
) -> Result<Vec<CopyRecord>, Fault> {
    let (mut found, mut left) = (Found::default(), LOOKED_AT);
    for study in studies(vault, home, consent)? {
        let mut told = crate::putright::told(vault, &study).await?;
        told.retain(|(_, kind)| matches!(*kind, "opened" | "released"));
        let older = told.len().saturating_sub(left);
        told.drain(..older);
        left -= told.len();
        let mut opened = HashMap::new();
        for (index, _) in told {
            let entry = tokio::task::block_in_place(|| vault.entry_as_kept(index))?;
            entry.iter().for_each(|entry| found.take(vault, consent, (&study, entry), &mut opened));
        }
    }
    let asked = |copy: CopyRecord| CopyRecord { asked: now, ..copy };
    Ok(found.0.into_values().take(COPIES).map(asked).collect())
}

fn studies(vault: &Vault, home: PatientRef, consent: &Agreement) -> Result<Vec<Uid>, Fault> {
    if let Some(study) = &consent.study {
        return Ok(vec![study.uid.clone()]);
    }
    let cards = tokio::task::block_in_place(|| of_patient(vault, &vault.merged_into(home), Depth::Study))?;
    Ok(cards.into_iter().map(|card| card.uid).collect())
}

/// By account.
#[derive(Default)]
struct Found(BTreeMap<String, CopyRecord>);

impl Found {
    /// `opened`: what each account opened this study for last.
    fn take(
        &mut self,
        vault: &Vault,
        consent: &Agreement,
        (study, entry): (&Uid, &Entry),
        opened: &mut HashMap<String, String>,
    ) {
        let envelope = &entry.envelope;
        let Ok(role) = envelope.role.parse::<Role>() else { return };
        if entry.kind == "opened" {
            opened.insert(envelope.actor.clone(), text(entry, "purpose").unwrap_or_default().to_owned());
            return;
        }
        let meant = consent.recipient.is(&envelope.actor, &envelope.organisation, role);
        let purpose = opened.get(&envelope.actor).and_then(|word| word.parse().ok());
        let purpose = purpose.or_else(|| vault.standing_purpose(&envelope.actor));
        if !meant || role == Role::Patient || purpose != Some(consent.purpose) {
            return;
        }
        let copy = self.0.entry(envelope.actor.clone()).or_insert_with(|| CopyRecord {
            user: envelope.actor.clone(),
            role,
            organisation: envelope.organisation.clone(),
            studies: Vec::new(),
            releases: 0,
            last: Time(envelope.time),
            asked: Time(0),
            answer: None,
        });
        copy.releases += 1;
        copy.last = copy.last.max(Time(envelope.time));
        let by_name = text(entry, "visibility").is_none_or(|word| !word.contains("deidentified"));
        let shown = if by_name { study.clone() } else { vault.project().uid(study) };
        let pair = (study.clone(), shown);
        if !copy.studies.contains(&pair) && copy.studies.len() < COPIES {
            copy.studies.push(pair);
        }
    }
}

fn text<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    entry.details.iter().find(|(field, _)| field == name).and_then(|(_, value)| match value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

impl Vault {
    /// What a machine asks for, as was agreed with it.
    fn standing_purpose(&self, machine: &str) -> Option<Purpose> {
        self.options.devices.iter().find(|device| device.name == machine).map(|device| device.purpose)
    }
}
