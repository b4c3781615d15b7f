//! putright: Caller → Permit → Change → Recorded. Merges and moves, corrections, rejections, and taking each back.
//!
//! The stored objects stay as they came, and so does a row of each study as it arrived. What the archive says of them is
//! that, read through all changes in order that were not taken back.

mod asked;
mod contradiction;
mod follow;
mod keep;
mod listed;
mod looked;
mod note;
mod own;
mod plan;
mod record;
mod righted;
#[cfg(test)]
mod tests;

pub use contradiction::contradicted;
pub use looked::told;
pub use note::noted;
pub use own::Own;
pub use righted::Righted;

use crate::context::{About, Context};
use crate::vault::Vault;
use keep::{Done, Refusal, Wanted};
use ledger::Event;
use model::limits;
use policy::Right;
use port::putright::{Act, Answer, Ask};
use port::{Code, Fault, Response};

/// What an officer asks.
pub async fn answer(vault: &Vault, context: &Context, ask: Ask) -> Result<Response, Fault> {
    match ask {
        Ask::Make { act, reason, expect_version } => {
            put_right(vault, context, act, &reason, expect_version).await
        }
        Ask::Undo { change, reason, expect_version } => {
            undo(vault, context, change, &reason, expect_version).await
        }
        Ask::Changes { limit, before } => listed::changes(vault, context, limit, before).await,
        Ask::LookUp { patient } => listed::look_up(vault, context, &patient).await,
    }
}

/// Puts something right.
async fn put_right(
    vault: &Vault,
    context: &Context,
    act: Act,
    reason: &str,
    expect_version: u64,
) -> Result<Response, Fault> {
    vault.may(context, Right::PutRight).await?;
    let word = act.as_str();
    if let Err(refusal) = asked::reason(reason) {
        return refuse(vault, context, word, refusal).await;
    }
    let drawn = asked::Drawn::draw(vault)?;
    let kept = keep::keep(
        vault,
        context,
        |_| asked::needs(&act),
        |catalog, now| {
            asked::expected(now, expect_version)?;
            let (deed, new) = asked::deed(&act, (catalog, now), &drawn, (context.now, &context.caller.user))?;
            Ok(Wanted { change: keep::made(now, context, deed, reason), new, ignored: 0 })
        },
    );
    done(vault, context, word, kept.await?).await
}

/// Takes a change back, as if it had never been made.
async fn undo(
    vault: &Vault,
    context: &Context,
    number: u64,
    reason: &str,
    expect_version: u64,
) -> Result<Response, Fault> {
    vault.may(context, Right::PutRight).await?;
    if let Err(refusal) = asked::reason(reason) {
        return refuse(vault, context, "undo", refusal).await;
    }
    let kept = keep::keep(
        vault,
        context,
        |_| Vec::new(),
        |_, now| {
            asked::expected(now, expect_version)?;
            let change = now.changes.get(&number).ok_or(("no-such-change", Code::NotFound))?;
            if change.undone.is_some() {
                return Err(("undone-already", Code::VersionConflict));
            }
            Ok(Wanted { change: keep::taken_back(change, context, reason), new: None, ignored: 0 })
        },
    );
    done(vault, context, "undo", kept.await?).await
}

async fn done(
    vault: &Vault,
    context: &Context,
    word: &str,
    kept: Result<Done, Refusal>,
) -> Result<Response, Fault> {
    match kept {
        Ok(Done { change, version, studies, objects }) => {
            Ok(Response::PutRight(Answer::Done { change, version, studies, objects }))
        }
        Err(refusal) => refuse(vault, context, word, refusal).await,
    }
}

/// Who may put right is told the cause by its code; the entry says it in a word.
async fn refuse<T>(vault: &Vault, context: &Context, word: &str, (cause, code): Refusal) -> Result<T, Fault> {
    let act = word.chars().take(limits::REASON_BYTES).collect();
    let event = Event::PutRightRefused { act, cause: cause.to_owned() };
    vault.record(context, About::nothing(), event).await?;
    Err(code.into())
}
