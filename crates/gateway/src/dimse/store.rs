//! C-STORE as provider (PS3.4 B): bytes in, one object out. The vault's pace is the socket's: nothing is read while a chunk
//! waits.

use super::IDLE;
use super::association::{Caller, Message};
use super::wire::{End, Socket, Wire};
use crate::dicomweb::{Fed, Outcome, dimse_status};
use crate::http::request_id;
use bytes::Bytes;
use dicom::dimse::{Event, p10_prefix, status};
use port::{Call, Code, Fault, Request, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The vault's answer after the last byte of an object.
const ANSWER: Duration = Duration::from_secs(60);

/// A store under way. Dropped before its end its stream is cut: the vault keeps nothing of it and records that.
struct Store {
    fed: Fed,
    answer: JoinHandle<Result<Response, Fault>>,
}

/// Receives one object and answers.
pub async fn receive<S: Socket>(
    wire: &mut Wire<S>,
    caller: &mut Caller,
    message: Message,
) -> Result<(), End> {
    let mut store = begin(caller, &message).await;
    loop {
        match wire.next(IDLE).await? {
            Event::Data(bytes) => {
                if let Some(store) = &mut store {
                    store.fed.push(Bytes::from(bytes)).await;
                }
            }
            Event::DataEnd => break,
            _ => return Err(End::Closed),
        }
    }
    let status = match store {
        Some(store) => end(store, &message).await,
        None => status::INSTANCE,
    };
    wire.answer(message.context, &message.command.response(status));
    Ok(())
}

async fn begin(caller: &mut Caller, message: &Message) -> Option<Store> {
    let command = &message.command;
    let calling = &caller.arrival.calling_ae;
    // Without an id the request cannot be found again in the log; without a prefix there is no file.
    let prefix = p10_prefix(&command.sop_class, &command.sop_uid, &message.syntax, calling).ok()?;
    caller.arrival.request = request_id()?;
    let (sink, stream) = port::stream();
    let call = Call {
        credential: caller.credential.clone(),
        arrival: caller.arrival.clone(),
        request: Request::Store { study: None },
    };
    let archive = Arc::clone(&caller.peers.archive);
    let answer = tokio::spawn(async move { archive.call(call, stream).await.map(|(response, _)| response) });
    let mut fed = Fed::new(sink);
    fed.push(Bytes::from(prefix)).await;
    Some(Store { fed, answer })
}

async fn end(Store { mut fed, answer }: Store, message: &Message) -> u16 {
    let named = (message.command.sop_class.as_str(), message.command.sop_uid.as_str());
    fed.end(Some(named)).await;
    let abort = answer.abort_handle();
    let answered = match tokio::time::timeout(ANSWER, answer).await {
        Ok(Ok(answered)) => answered,
        // A panic in the vault.
        Ok(Err(_)) => Err(Code::Internal.into()),
        Err(_) => {
            abort.abort();
            Err(Code::Unavailable.into())
        }
    };
    match fed.outcome(answered) {
        Outcome::Stored(_) => status::SUCCESS,
        Outcome::Failed { cause: Some(code), .. } => dimse_status(code),
        Outcome::Failed { reason, .. } => reason,
    }
}
