//! ingest: Received → Checked → Labelled → Sealed → Committed(Receipt).
//!
//! The object is sealed while it streams in; success goes out after object, wrap, rows and entry are durable together.

mod check;
mod commit;
mod receive;
#[cfg(test)]
mod tests;

use crate::context::{About, Context};
use crate::vault::Vault;
use ledger::Event;
use model::Uid;
use policy::Right;
use port::archive::Stored;
use port::{Code, Fault, Response, Stream};
use std::sync::Arc;

/// Stores one object.
pub async fn ingest(
    vault: &Arc<Vault>,
    context: &Context,
    study: Option<Uid>,
    body: Stream,
) -> Result<Response, Fault> {
    vault.may(context, Right::Store).await?;
    let _arriving = vault.arrivals.begin();
    match store(vault, context, study, body).await {
        Ok(stored) => Ok(Response::Stored(stored)),
        Err(fault) => {
            refused(vault, context, fault.code).await;
            Err(fault)
        }
    }
}

async fn store(
    vault: &Arc<Vault>,
    context: &Context,
    study: Option<Uid>,
    body: Stream,
) -> Result<Stored, Fault> {
    let received = receive::receive(vault, body).await?;
    let checked = check::check(received, study.as_ref())?;
    crate::putright::noted(vault, context, checked.facts()).await?;
    commit::commit(vault, context, checked).await
}

/// A refused store is recorded too, when a ledger entry can still be written; the sender gets the cause either way.
async fn refused(vault: &Vault, context: &Context, cause: Code) {
    let event = Event::StoreRefused { cause: cause.as_str().to_owned() };
    if vault.record(context, About::nothing(), event).await.is_err() {
        tracing::error!("a refused store could not be recorded");
    }
}
