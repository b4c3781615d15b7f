//! find: Caller → Permit → Query → Cleaned → Matches → Recorded.

mod answers;
mod clean;
mod matching;

pub use answers::{Scope, answers};
pub use clean::Pseudonyms;
pub use matching::name_key;

use crate::context::{About, Context};
use crate::vault::Vault;
use ledger::Event;
use port::find::{Found, Query};
use port::{Fault, Response};

/// Answers a query; what is found is recorded (keyed hash of the keys, number of hits) before it leaves.
pub async fn find(vault: &Vault, context: &Context, query: Query) -> Result<Response, Fault> {
    let permit = vault.may_find(context).await?;
    let found = {
        let catalog = vault.catalog();
        let patient = if permit.own_only() { Some(vault.own_patient(context, &catalog)?) } else { None };
        answers(&catalog, &query, &Scope { words: permit.words(), patient, pseudonyms: &vault.project() })
    };
    vault.record(context, About::nothing(), asked(vault, &query, &found)).await?;
    Ok(Response::Found(found))
}

/// What was looked for goes into the log only as a keyed hash: equal questions can be told to be equal, no more.
fn asked(vault: &Vault, query: &Query, found: &Found) -> Event {
    let keys = format!("{:?}", query.keys);
    Event::Queried { keys_hash: vault.sealing.text_hash("query", &keys), hits: found.answers.len() as u64 }
}
