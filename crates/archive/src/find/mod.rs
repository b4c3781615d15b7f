//! find: Caller → Permit → Query → Cleaned → Matches → Recorded.

mod answers;
mod clean;
mod known;
mod matching;
mod names;
mod plan;
mod points;

pub use answers::{Scope, of_patient, unsupported, walk};
pub use clean::{Pseudonyms, clean};
pub use matching::Conditions;
pub use names::{name_key, name_line};

use crate::catalog::{Card, Study};
use crate::consent::hides;
use crate::context::{About, Context};
use crate::putright::Own;
use crate::vault::Vault;
use ledger::Event;
use model::{Words, tags};
use policy::Permit;
use port::find::{Found, Query};
use port::pixels::UNKNOWN;
use port::{Fault, Response};

/// Answers a query; what is found is recorded (keyed hash of the keys, number of hits) before it leaves.
pub async fn find(vault: &Vault, context: &Context, query: Query) -> Result<Response, Fault> {
    let permit = vault.may_find(context).await?;
    let found = tokio::task::block_in_place(|| -> Result<_, Fault> {
        let own = own_only(vault, context, &permit)?;
        let (absent, project) = (absent(vault, context, permit.words(), own), vault.project());
        let scope = Scope {
            words: permit.words(),
            patient: own.map(|own| own.patient),
            absent: &*absent,
            pseudonyms: &project,
        };
        Ok(answers::answers(vault, &query, &scope)?)
    })?;
    vault.record(context, About::nothing(), asked(vault, &query, &found)).await?;
    Ok(Response::Found(found))
}

/// What keys name, for a flow that decides and records by itself what of it anybody gets to know.
pub fn unseen(vault: &Vault, query: &Query) -> Result<Found, Fault> {
    let project = vault.project();
    let scope = Scope { words: Words::Full, patient: None, absent: &|_| false, pseudonyms: &project };
    Ok(tokio::task::block_in_place(|| answers::answers(vault, query, &scope))?)
}

/// The patient to whose own films the caller is kept, if the permit says so.
pub fn own_only(vault: &Vault, context: &Context, permit: &Permit) -> Result<Option<Own>, Fault> {
    if permit.own_only() { vault.own(context).map(Some) } else { Ok(None) }
}

/// What secondary use does not find: it could not open it either (rights and policies 7 and 8); and for a patient what is not
/// her own.
pub fn absent<'a>(
    vault: &'a Vault,
    context: &'a Context,
    words: Words,
    own: Option<Own>,
) -> Box<dyn Fn(&Card) -> bool + 'a> {
    if let Some(own) = own {
        return Box::new(move |card| !vault.is_own(own, (&card.uid, card.patient)));
    }
    if words != Words::Pseudonymous {
        return Box::new(move |card| hides(vault, context, card));
    }
    let objections = vault.objections();
    Box::new(move |card| objections.holds(card.patient) || card.withheld || hides(vault, context, card))
}

/// A study of a class that is as if absent, by its headers or by what examining found. What could not be looked at, a report
/// or a damaged picture, is withheld by itself and takes no study along.
pub fn withheld(study: &Study) -> bool {
    study.instances().any(|(series, i)| {
        let header = matches!(series.attributes.first(tags::MODALITY), "MG" | "XC");
        header || i.record.seen.as_ref().is_some_and(|seen| seen.withheld && seen.class != UNKNOWN)
    })
}

/// What was looked for goes into the log only as a keyed hash: equal questions can be told to be equal, no more.
fn asked(vault: &Vault, query: &Query, found: &Found) -> Event {
    let keys = format!("{:?} {:?}", query.level, query.keys);
    Event::Queried { keys_hash: vault.sealing.text_hash("query", &keys), hits: found.answers.len() as u64 }
}

#[cfg(test)]
mod tests;
