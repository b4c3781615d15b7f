//! transfer: Caller → Permit → Named → Grants → Recorded → Lines, then for each study Grant → Recorded → Delivered.
//!
//! What machines fetch (C-GET) or have sent (C-MOVE) by what was agreed with the one that gets it. All of it leaves through
//! `retrieve`.

mod jobs;
mod named;
mod records;
#[cfg(test)]
mod tests;

pub use jobs::{Jobs, job};

use crate::context::{About, Context};
use crate::retrieve::{self, Named};
use crate::vault::{Device, Vault};
use crate::who;
use ledger::Event;
use model::Uid;
use policy::Right;
use port::transfer::{Gather, Gathered, Line, Move, Report, Transfer, Wanted};
use port::{Code, Fault, Response, Stream};
use records::TaskRecord;
use std::sync::Arc;

/// Sub-operations of one retrieval: their numbers have 16 bits (PS3.7 §9.3.4.2).
const LINES: usize = 65_535;
/// Instances under one entry: it names them all, and its body has 8 KiB.
const BATCH: usize = 256;
/// Failure reasons of storage commitment (PS3.3 §C.14.1.1).
const NO_SUCH_INSTANCE: u16 = 0x0112;
const CLASS_INSTANCE_CONFLICT: u16 = 0x0119;

/// What would leave; of a move, the job that sends it.
pub async fn gather(vault: &Vault, context: &Context, ask: Gather) -> Result<Response, Fault> {
    vault.may(context, Right::Retrieve).await?;
    let Gather { wanted, to } = ask;
    let Some(to) = to else {
        let lines = lines(vault, (context, None), &wanted, "C-GET").await?;
        return Ok(Response::Gathered(Gathered { lines, job: None }));
    };
    let Some((device, receiver)) = destination(vault, context, &to).await? else {
        return Ok(Response::Gathered(Gathered::default()));
    };
    let by = format!("C-MOVE by {}", context.caller.user);
    let lines = lines(vault, (&receiver, Some(context)), &wanted, &by).await?;
    let task = TaskRecord::Move {
        wanted,
        destination: to.destination.clone(),
        originator: context.arrival.calling_ae.clone(),
        operator: context.operator_user(),
        message: to.message,
        done: Vec::new(),
    };
    let asked = |job| Event::MoveAsked { destination: to.destination, job, instances: lines.len() as u64 };
    let job = jobs::make(vault, context, task, asked).await?;
    let job = job.leased(Some(jobs::peer(&device)), Vec::new());
    Ok(Response::Gathered(Gathered { lines, job: Some(job) }))
}

/// The destination of a move; unknown and not agreed look alike, and both are recorded.
async fn destination(
    vault: &Vault,
    context: &Context,
    to: &Move,
) -> Result<Option<(Device, Context)>, Fault> {
    let refused =
        |cause: &str| Event::MoveRefused { destination: to.destination.clone(), cause: cause.to_owned() };
    let event = match who::receiver(vault, &to.destination, (&context.arrival, &context.operator_user())) {
        None => refused("unknown"),
        Some((device, receiver)) => match vault.right(&receiver, Right::Receive) {
            Ok(_) => return Ok(Some((device, receiver))),
            Err(_) => refused("not-agreed"),
        },
    };
    vault.record(context, About::nothing(), event).await?;
    Ok(None)
}

/// The lines of all studies that are named, for a receiver.
async fn lines(
    vault: &Vault,
    (receiver, asker): (&Context, Option<&Context>),
    wanted: &Wanted,
    reason: &str,
) -> Result<Vec<Line>, Fault> {
    // What does not leave is told to who could find it anyway: the one that gets the rest, and the one that asked.
    let finds = |context: &Context| vault.right(context, Right::FindFull).is_ok();
    let listed = finds(receiver) && asker.is_none_or(finds);
    let mut out = Vec::new();
    let named = named::studies(vault, receiver, wanted)?;
    if named.is_empty() {
        retrieve::unknown(vault, receiver).await?;
    }
    for study in named {
        let named = Named { study, series: &wanted.series, instances: &wanted.instances };
        out.extend(retrieve::lines(vault, receiver, &named, (reason, listed)).await?);
        if out.len() > LINES {
            return Err(Code::TooLarge.into());
        }
    }
    Ok(out)
}

/// Sends instances of one study: to the caller itself, or by a job to its destination.
pub async fn transfer(
    vault: &Arc<Vault>,
    context: &Context,
    ask: Transfer,
) -> Result<(Response, Stream), Fault> {
    if ask.instances.is_empty() || ask.instances.len() > BATCH || !retrieve::once(&ask.instances) {
        return Err(Code::BadRequest.into());
    }
    let Some(job) = ask.job else {
        vault.may(context, Right::Retrieve).await?;
        return retrieve::transfer(vault, context, &ask).await;
    };
    let (_, receiver) = jobs::receiver(vault, job, &context.arrival)?;
    vault.may(&receiver, Right::Receive).await?;
    retrieve::transfer(vault, &receiver, &ask).await
}

/// Storage commitment (PS3.4 J): a store is durable before it is answered, so what is here is committed.
pub async fn commit(
    vault: &Vault,
    context: &Context,
    transaction: Uid,
    references: Vec<(Uid, Uid)>,
) -> Result<Response, Fault> {
    vault.may(context, Right::Store).await?;
    let (mut committed, mut failed) = (Vec::new(), Vec::new());
    for (class, instance) in references {
        let kept = tokio::task::block_in_place(|| vault.instance(&instance))?;
        match kept.map(|(_, record)| record.sop_class == class) {
            Some(true) => committed.push((class, instance)),
            Some(false) => failed.push(((class, instance), CLASS_INSTANCE_CONFLICT)),
            None => failed.push(((class, instance), NO_SUCH_INSTANCE)),
        }
    }
    let numbers = (committed.len() as u64, failed.len() as u64);
    let report = Report { transaction: transaction.clone(), committed, failed };
    let task = TaskRecord::Report { to: context.caller.user.clone(), report };
    let event = |job| Event::CommitmentAsked {
        transaction: transaction.into(),
        job,
        committed: numbers.0,
        failed: numbers.1,
    };
    let job = jobs::make(vault, context, task, event).await?;
    let peer = jobs::device(vault, &context.caller.user).filter(|d| !d.address.is_empty());
    Ok(Response::Job(Some(job.leased(peer.as_ref().map(jobs::peer), Vec::new()))))
}
