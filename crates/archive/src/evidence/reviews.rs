//! Reviews of broken glass: Caller → Permit → Entries → Recorded. Whatever was not looked into within three days says so.

use crate::context::{About, Context};
use crate::vault::Vault;
use ledger::Event;
use model::{Time, limits};
use policy::Right;
use port::archive::{Access, Outcome, Review};
use port::{Code, Fault, Response};

/// Somebody should have looked into it by then.
const DEADLINE_S: i64 = 72 * 3600;
/// Acts in one answer, the oldest first; the others come when these are done.
const LISTED: usize = 200;

/// What nobody looked into yet.
pub async fn reviews(vault: &Vault, context: &Context) -> Result<Response, Fault> {
    vault.may(context, Right::ReadAllAccesses).await?;
    vault.record(context, About::nothing(), Event::AccessesRead { of_study: false }).await?;
    let (acts, total) = vault.unreviewed(LISTED).await?;
    let mut reviews = Vec::new();
    for act in acts {
        let access = tokio::task::block_in_place(|| vault.entry(act.index))?;
        // Its key was destroyed: there is nothing left to look into.
        reviews.extend(access.map(|access| line(access, act.in_seven_days, context.now)));
    }
    Ok(Response::Reviews { reviews, total })
}

fn line(access: Access, in_seven_days: u32, now: Time) -> Review {
    let reason = access.details.iter().find(|(name, _)| name == "reason").map(|(_, text)| text.clone());
    let deadline = access.time.plus_seconds(DEADLINE_S);
    Review {
        entry: access.index,
        time: access.time,
        deadline,
        overdue: deadline <= now,
        user: access.actor,
        role: access.role,
        organisation: access.organisation,
        study: access.study,
        reason: reason.unwrap_or_default(),
        in_seven_days,
    }
}

/// Somebody looked into it: once.
pub async fn review(
    vault: &Vault,
    context: &Context,
    entry: u64,
    (outcome, note): (Outcome, String),
) -> Result<Response, Fault> {
    vault.may(context, Right::ReadAllAccesses).await?;
    let _one = vault.reviewing.lock().await;
    let known = if entry < vault.ledger_size() { vault.entry_as_kept(entry)? } else { None };
    let Some(act) = known.filter(|act| act.kind == "glass-broken") else {
        return refuse(vault, context, Code::NotFound).await;
    };
    if note.len() > limits::REASON_BYTES {
        return refuse(vault, context, Code::BadRequest).await;
    }
    if !vault.waits(entry).await? {
        return refuse(vault, context, Code::VersionConflict).await;
    }
    let about = About { patient: act.envelope.patient, study: act.envelope.study.parse().ok(), object: None };
    let event = Event::GlassReviewed { entry, outcome: outcome.as_str().to_owned(), note };
    vault.record(context, about, event).await?;
    Ok(Response::Done)
}

async fn refuse(vault: &Vault, context: &Context, code: Code) -> Result<Response, Fault> {
    let right = Right::ReadAllAccesses.as_str().to_owned();
    let rules = vec!["glass-reviewed".to_owned(), code.as_str().to_owned()];
    vault.record(context, About::nothing(), Event::NotAllowed { right, rules }).await?;
    Err(code.into())
}

#[cfg(test)]
mod tests;
