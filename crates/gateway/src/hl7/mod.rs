//! The HL7 door: messages in MLLP blocks (HL7 v2.5.1 Appendix C) over TLS with client certificates. A message is answered when
//! what it asks for is durable, in the ledger under the machine whose certificate it came with.

mod act;
mod answer;
mod message;
mod report;
mod ties;

use crate::dicomweb::{Fed, Outcome};
use crate::http::serve::{self, Places, Stop};
use crate::http::{limits, request_id, tls};
use act::{Cause, Ended, Wish};
use answer::{Verdict, acknowledged};
use aws_lc_rs::digest::{Context, SHA256};
use message::{Fault, MESSAGE_BYTES, Message};
use model::{Arrival, Door, tags};
use port::find::{Key, Level, Matching, Query};
use port::putright::{Act, Answer, Ask};
use port::ties::{Ask as Tied, News};
use port::{Archive, Call, Code, Credential, Request, Response};
use report::Report;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Connections, and those of one address.
const CONNECTIONS: usize = 32;
const CONNECTIONS_OF_ONE: usize = 8;
/// Silence between messages: senders keep their connection.
const IDLE: Duration = Duration::from_secs(600);
/// A message that began, and an answer on its way.
const SEND: Duration = Duration::from_secs(30);
/// The block characters of MLLP.
const START: u8 = 0x0B;
const END: &[u8] = &[0x1C, 0x0D];
/// Answers remembered: a sender that heard none sends its message once more.
const REMEMBERED: usize = 1024;
/// Of one of them; an answer echoes what the sender wrote.
const ANSWER_BYTES: usize = 4 << 10;
/// Characters of a message control id (MSH-10; HL7 v2.8 has 199, earlier versions fewer).
const CONTROL_ID: usize = 199;

/// Accepts senders until told to stop.
pub async fn listen(listener: TcpListener, tls: TlsAcceptor, archive: Arc<dyn Archive>, stop: Stop) {
    let places = Places::new(CONNECTIONS, CONNECTIONS_OF_ONE);
    let desk = Arc::new(Desk { archive, answered: Mutex::default() });
    let each = move |socket: TcpStream, peer, mut stop: Stop| {
        let (desk, tls) = (Arc::clone(&desk), tls.clone());
        async move {
            let handshake = tokio::time::timeout(limits::HANDSHAKE, tls.accept(socket)).await;
            let Ok(Ok(stream)) = handshake else { return };
            let certificate = tls::digest(stream.get_ref().1);
            tokio::select! {
                () = desk.serve(stream, peer, &certificate) => {}
                () = serve::stopped(&mut stop) => {}
            }
        }
    };
    serve::accept(listener, places, stop, each).await;
}

/// What all connections share.
struct Desk {
    archive: Arc<dyn Archive>,
    answered: Mutex<VecDeque<Answered>>,
}

/// What was answered: to a digest of certificate and message, so that a thousand of them weigh nothing.
struct Answered {
    message: [u8; 32],
    answer: Vec<u8>,
}

fn digest(certificate: &str, message: &[u8]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(certificate.as_bytes());
    hash.update(&[START]);
    hash.update(message);
    let mut out = [0; 32];
    out.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
    out
}

impl Desk {
    /// One sender, message by message.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut socket: S,
        peer: SocketAddr,
        certificate: &str,
    ) {
        let mut held = Vec::new();
        loop {
            let Some(bytes) = block(&mut socket, &mut held).await else { return };
            let name = digest(certificate, &bytes);
            let known = self.known(&name);
            let answer = match known {
                Some(answer) => answer,
                None => match self.answer(&bytes, (peer, certificate), name).await {
                    Some(answer) => answer,
                    None => return,
                },
            };
            let framed = [&[START][..], &answer, END].concat();
            match tokio::time::timeout(SEND, socket.write_all(&framed)).await {
                Ok(Ok(())) => {}
                _ => return,
            }
            if tokio::time::timeout(SEND, socket.flush()).await.is_err() {
                return;
            }
        }
    }

    fn known(&self, name: &[u8; 32]) -> Option<Vec<u8>> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |a: &&Answered| a.message == *name;
        answered.iter().find(same).map(|known| known.answer.clone())
    }

    /// The acknowledgement of a message; nothing when it has no header to answer to.
    async fn answer(
        &self,
        bytes: &[u8],
        (peer, certificate): (SocketAddr, &str),
        name: [u8; 32],
    ) -> Option<Vec<u8>> {
        let message = match Message::read(bytes) {
            Ok(message) => message,
            Err(fault) => {
                // The header is ASCII: the sender must know which of its messages was not taken.
                let header = Message::header_of(bytes);
                self.garbled(header.as_ref(), (peer, certificate)).await;
                let cause = match fault {
                    Fault::Header => return None,
                    Fault::Charset => Cause(207, "character set"),
                    Fault::TooLarge => Cause(207, "too large"),
                };
                return Some(acknowledged(header.as_ref(), Verdict::Reject(cause)));
            }
        };
        if message.header(10, 1).chars().count() > CONTROL_ID {
            self.garbled(Some(&message), (peer, certificate)).await;
            return Some(acknowledged(None, Verdict::Error(Cause(102, "message control id is too long"))));
        }
        let verdict = match act::wish(&message).and_then(|wish| Ok((wish, ties::news(&message)?))) {
            Ok(wishes) => self.done((wishes, &message), (peer, certificate), name).await,
            Err(cause) => {
                self.garbled(Some(&message), (peer, certificate)).await;
                if matches!(cause.0, 200..=203) { Verdict::Reject(cause) } else { Verdict::Error(cause) }
            }
        };
        let answer = acknowledged(Some(&message), verdict);
        // Only what is done is done once: what was refused may be tried again.
        if matches!(verdict, Verdict::Accept | Verdict::Warn(_)) && answer.len() <= ANSWER_BYTES {
            let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
            answered.push_back(Answered { message: name, answer: answer.clone() });
            if answered.len() > REMEMBERED {
                answered.pop_front();
            }
        }
        Some(answer)
    }

    async fn done(
        &self,
        ((wish, news), message): ((Wish, Vec<News>), &Message),
        sender: (SocketAddr, &str),
        name: [u8; 32],
    ) -> Verdict {
        let arrival = arrival(Some(message), sender);
        let mut nobodys = false;
        let done = match wish {
            Wish::Nothing => Ok(()),
            Wish::Orders { place, end } => self.orders(&arrival, place, end).await,
            Wish::Report(report) => self.report(&arrival, &report, &name).await,
            Wish::PutRight(acts) => {
                let reason = format!(
                    "HL7 {}^{} {}",
                    message.header(9, 1),
                    message.header(9, 2),
                    message.header(10, 1)
                );
                let reason: String = reason.chars().take(200).collect();
                let mut done = Ok(());
                for act in acts {
                    let known = self.put_right(&arrival, &act, reason.clone()).await;
                    let known = match (known, act) {
                        // No film bears the number, and yet something may be going on with its patient.
                        (Ok(false), Act::Merge { from, into, .. }) => self.same(&arrival, from, into).await,
                        (known, _) => known.map(|_| true),
                    };
                    nobodys |= known == Ok(false);
                    done = known.map(drop);
                    if done.is_err() {
                        break;
                    }
                }
                done
            }
        };
        // Told although it may be nothing: that a sender speaks is news, and an unknown one hears nothing else.
        let told = match done {
            Ok(()) => self.ask(&arrival, Request::Ties(Tied::Tell(news))).await.map(drop),
            Err(code) => Err(code),
        };
        match told {
            Ok(()) if nobodys => {
                Verdict::Warn(Cause(204, "a number that nothing here bears: nothing was merged"))
            }
            Ok(()) => Verdict::Accept,
            Err(code) => refused(code),
        }
    }

    async fn ask(&self, arrival: &Arrival, request: Request) -> Result<Response, Code> {
        let arrival = Arrival { request: request_id().ok_or(Code::Internal)?, ..arrival.clone() };
        let call = Call { credential: Credential::Device, arrival, request };
        let answer = tokio::time::timeout(limits::CALL, self.archive.call(call, port::empty())).await;
        answer.map_err(|_| Code::Unavailable)?.map(|(response, _)| response).map_err(|fault| fault.code)
    }

    async fn orders(
        &self,
        arrival: &Arrival,
        place: Vec<model::Attributes>,
        end: Vec<Ended>,
    ) -> Result<(), Code> {
        // What ends goes first: a message may end one step and place another one of the same number.
        for Ended { number: accession, step } in end {
            match self.ask(arrival, Request::EndOrder { accession, step }).await {
                // Ended before, or never known here: it is as the sender wants it.
                Ok(_) | Err(Code::NotFound) => {}
                Err(code) => return Err(code),
            }
        }
        if !place.is_empty() {
            self.ask(arrival, Request::Schedule { orders: place, report_by: None }).await?;
        }
        Ok(())
    }

    /// Kept beside the film: in the one study of this number, which must be of this patient.
    async fn report(&self, arrival: &Arrival, report: &Report, name: &[u8; 32]) -> Result<(), Code> {
        let single = |tag, text: &str| Key::top(tag, Matching::Single(text.to_owned()));
        let mut keys = vec![single(tags::PATIENT_ID, &report.patient.number)];
        keys.push(match report.study.as_str() {
            "" => single(tags::ACCESSION_NUMBER, &report.accession),
            study => single(tags::STUDY_INSTANCE_UID, study),
        });
        if !report.patient.issuer.is_empty() {
            keys.push(single(tags::ISSUER_OF_PATIENT_ID, &report.patient.issuer));
        }
        let query = Query { keys, ..Query::all(Level::Study) };
        let Response::Found(found) = self.ask(arrival, Request::Find(query)).await? else {
            return Err(Code::Internal);
        };
        let study = match found.answers.as_slice() {
            [one] => one,
            [] => return Err(Code::NotFound),
            _ => return Err(Code::BadRequest),
        };
        for file in report.files(study, name) {
            self.store(arrival, file).await?;
        }
        Ok(())
    }

    async fn store(&self, arrival: &Arrival, file: Vec<u8>) -> Result<(), Code> {
        let (sink, stream) = port::stream();
        let mut fed = Fed::new(sink);
        let arrival = Arrival { request: request_id().ok_or(Code::Internal)?, ..arrival.clone() };
        let request = Request::Store { study: None };
        let call = Call { credential: Credential::Device, arrival, request };
        let feeding = async {
            fed.push(file.into()).await;
            fed.end(None).await;
        };
        let both = async { tokio::join!(self.archive.call(call, stream), feeding).0 };
        let answer = tokio::time::timeout(limits::CALL, both).await.map_err(|_| Code::Unavailable)?;
        match fed.outcome(answer.map(|(response, _)| response)) {
            Outcome::Stored(_) => Ok(()),
            Outcome::Failed { cause, .. } => Err(cause.unwrap_or(Code::BadObject)),
        }
    }

    /// Under the version of all changes that is in force: between the two questions another may come, so twice.
    ///
    /// False: of a number that no film bears, or said already.
    async fn put_right(&self, arrival: &Arrival, act: &Act, reason: String) -> Result<bool, Code> {
        let mut tries = 3;
        loop {
            let looked =
                self.ask(arrival, Request::PutRight(Ask::Changes { limit: 1, before: None })).await?;
            let Response::PutRight(Answer::Changes { version, .. }) = looked else {
                return Err(Code::Internal);
            };
            let ask = Ask::Make { act: act.clone(), reason: reason.clone(), expect_version: version };
            tries -= 1;
            match self.ask(arrival, Request::PutRight(ask)).await {
                Ok(_) => return Ok(true),
                // A feed tells of every patient of the house; most have no film here, or say this already, and there is
                // nothing to correct or to merge.
                Err(Code::NotFound) if matches!(act, Act::CorrectPatient { .. } | Act::Merge { .. }) => {
                    return Ok(false);
                }
                Err(Code::VersionConflict) if tries > 0 => {}
                Err(code) => return Err(code),
            }
        }
    }
}

/// How a message came.
fn arrival(message: Option<&Message>, (peer, certificate): (SocketAddr, &str)) -> Arrival {
    let title = |field: usize| message.map(|m| m.header(field, 1).chars().take(64).collect());
    Arrival {
        door: Door::Hl7,
        peer: peer.to_string(),
        certificate: certificate.to_owned(),
        calling_ae: title(3).unwrap_or_default(),
        called_ae: title(5).unwrap_or_default(),
        software: String::new(),
        request: String::new(),
    }
}

/// What may be tried again is rejected, what is wrong is an error (HL7 Table 0008).
const fn refused(code: Code) -> Verdict {
    match code {
        Code::BadRequest | Code::BadObject | Code::Unsupported => {
            Verdict::Error(Cause(102, "a value is not as the archive needs it"))
        }
        Code::NotFound => Verdict::Error(Cause(204, "unknown key identifier")),
        Code::TooLarge => Verdict::Error(Cause(102, "above a limit")),
        Code::VersionConflict => Verdict::Error(Cause(205, "changed meanwhile, or done already")),
        Code::NotSignedIn | Code::NotAllowed => Verdict::Error(Cause(207, "not agreed with this sender")),
        _ => Verdict::Reject(Cause(207, "try again later")),
    }
}

/// The next block; nothing when the sender leaves, falls silent or breaks the framing.
async fn block<S: AsyncRead + Unpin>(socket: &mut S, held: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut begun = !held.is_empty();
    let mut looked = 0;
    loop {
        if let Some(first) = held.first()
            && *first != START
        {
            return None;
        }
        // The end may lie across two reads.
        let from = looked.max(1) - 1;
        let end = held.get(from..).and_then(|rest| rest.windows(2).position(|pair| pair == END));
        if let Some(end) = end.map(|end| end + from) {
            let message = held.get(1..end).map(<[u8]>::to_vec);
            held.drain(..(end + 2).min(held.len()));
            return message;
        }
        looked = held.len();
        if held.len() > MESSAGE_BYTES + 1 {
            return None;
        }
        let mut piece = [0; 4096];
        let patience = if begun { SEND } else { IDLE };
        let read =
            tokio::time::timeout(patience, socket.read(&mut piece)).await.ok()?.ok().filter(|n| *n > 0)?;
        held.extend_from_slice(piece.get(..read)?);
        begun = true;
    }
}

/// A message as the fuzz target of `xtask` reads it.
pub fn hostile(bytes: &[u8]) {
    if let Ok(message) = Message::read(bytes) {
        let wishes = act::wish(&message).and_then(|_| ties::news(&message));
        let verdict = wishes.map_or_else(Verdict::Error, |_| Verdict::Accept);
        let _ = acknowledged(Some(&message), verdict);
    }
}

#[cfg(test)]
mod tests;
