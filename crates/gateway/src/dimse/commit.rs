//! Storage commitment as provider (PS3.4 J): what is asked is answered from what is durable; the report goes out on the same
//! association if the peer keeps it open, else on one of our own.

use super::association::{Caller, Message, refused};
use super::wire::{End, Socket, Wire};
use super::{IDLE, RESPONSE, jobs};
use dicom::dimse::commitment::{Commitment, REQUEST, report as report_of};
use dicom::dimse::{Command, Event, classes, dataset, field, status};
use port::transfer::{Job, Report, Task};
use port::{Request, Response};
use std::time::Duration;

/// A peer that wants its report on an association of our own releases this one at once.
pub const DELAY: Duration = Duration::from_secs(1);

/// Answers one N-ACTION.
pub async fn serve<S: Socket>(wire: &mut Wire<S>, caller: &mut Caller, message: Message) -> Result<(), End> {
    let bytes = wire.data(IDLE).await?;
    let command = &message.command;
    let elements = dataset::read(&bytes, &message.syntax).ok();
    let asked = elements.as_deref().and_then(Commitment::read);
    let status = match (command.sop_uid.as_str(), command.kind, asked) {
        (classes::COMMITMENT_INSTANCE, Some(REQUEST), Some(asked)) => {
            let Commitment { transaction, references } = asked;
            match caller.ask(Request::Commit { transaction, references }).await {
                Ok((Response::Job(Some(job)), _)) => {
                    caller.reports.push(job);
                    status::SUCCESS
                }
                Ok(_) => status::PROCESSING,
                Err(fault) if refused(fault.code) == status::NOT_AUTHORISED => status::NOT_AUTHORISED,
                Err(_) => status::PROCESSING,
            }
        }
        (classes::COMMITMENT_INSTANCE, Some(REQUEST), None) => status::ARGUMENT,
        (classes::COMMITMENT_INSTANCE, ..) => status::ACTION,
        _ => status::NO_INSTANCE,
    };
    wire.answer(message.context, &command.response(status));
    Ok(())
}

/// Sends the first report that is owed over the association that asked for it. Its answer comes in its turn: the peer may be
/// sending something itself.
pub async fn report<S: Socket>(wire: &mut Wire<S>, caller: &mut Caller) -> Result<(), End> {
    let Some(job) = caller.reports.first().cloned() else { return Ok(()) };
    match send(wire, &job) {
        Some(message) => {
            caller.reports.remove(0);
            caller.awaited = Some((message, job));
            wire.flush().await
        }
        // It takes no reports here: they go by associations of our own.
        None => {
            leave(caller);
            caller.reports.clear();
            Ok(())
        }
    }
}

/// The peer answered something of ours: perhaps the report that it owes an answer to.
pub async fn answered(caller: &mut Caller, command: &Command) {
    let Some((_, job)) = caller.awaited.take_if(|(message, _)| *message == command.message) else { return };
    if command.status == Some(status::SUCCESS) {
        return jobs::done(&caller.peers, job.id).await;
    }
    jobs::later(&caller.peers, job);
    caller.reports.drain(..).for_each(|job| jobs::later(&caller.peers, job));
}

/// It answers nothing: its reports go by associations of our own.
pub fn unanswered(caller: &mut Caller) {
    leave(caller);
    caller.awaited = None;
    caller.reports.clear();
}

/// What the peer left without: by an association of our own.
pub fn leave(caller: &Caller) {
    let awaited = caller.awaited.iter().map(|(_, job)| job);
    caller.reports.iter().chain(awaited).for_each(|job| jobs::later(&caller.peers, job.clone()));
}

/// Puts one N-EVENT-REPORT on its way; its Message ID, or nothing when the peer takes none.
fn send<S: Socket>(wire: &mut Wire<S>, job: &Job) -> Option<u16> {
    let Task::Report(Report { transaction, committed, failed }) = &job.task else { return None };
    let found = wire.association.contexts().iter().find(|c| c.abstract_syntax == classes::COMMITMENT);
    let (context, syntax) = found.and_then(|c| Some((c.id, c.syntax()?.to_owned())))?;
    let (kind, elements) = report_of(transaction, committed, failed);
    let message = u16::from_be_bytes([job.id.0[0], job.id.0[1]]).max(1);
    let command = Command {
        field: field::EVENT,
        message,
        has_data: true,
        sop_class: classes::COMMITMENT.to_owned(),
        sop_uid: classes::COMMITMENT_INSTANCE.to_owned(),
        kind: Some(kind),
        ..Command::default()
    };
    wire.association.send(context, &command);
    wire.association.send_data(context, &dataset::write(&elements, &syntax), true);
    Some(message)
}

/// One N-EVENT-REPORT over an association of our own; whether the peer took it.
pub async fn tell<S: Socket>(wire: &mut Wire<S>, job: &Job) -> Result<bool, End> {
    let Some(message) = send(wire, job) else { return Ok(false) };
    loop {
        match wire.next(RESPONSE).await? {
            Event::Command { command, .. } if command.is_response() && command.message == message => {
                if command.has_data {
                    wire.skip(IDLE).await?;
                }
                return Ok(command.status == Some(status::SUCCESS));
            }
            Event::Released | Event::Aborted | Event::Rejected(_) => return Err(End::Closed),
            _ => {}
        }
    }
}
