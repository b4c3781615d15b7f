//! One association that a peer opened: its messages in order, each to its service.

use super::person::Person;
use super::wire::{End, Socket, Wire};
use super::{ARTIM, IDLE, MAX_PDU, Peers, RESPONSE, commit, find, get, moving, store};
use crate::http::request_id;
use crate::http::serve::Stop;
use dicom::dimse::{Association, Command, Event, Options, classes, field, status};
use model::{Arrival, Door};
use port::transfer::Job;
use port::{Call, Code, Credential, Fault, Request, Response, Stream};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::time::Instant;

/// Who calls, and what it is owed.
pub struct Caller {
    /// What all associations share.
    pub peers: Arc<Peers>,
    /// What the machine shows with each call: itself, and who works at it.
    pub credential: Credential,
    /// The circumstances.
    pub arrival: Arrival,
    /// Reports of storage commitment that it has not got yet.
    pub reports: Vec<Job>,
    /// The report that is under way to it, with its Message ID.
    pub awaited: Option<(u16, Job)>,
}

/// A message: its presentation context and command.
pub struct Message {
    /// Presentation context.
    pub context: u8,
    /// SOP class of it.
    pub class: String,
    /// Transfer syntax of it.
    pub syntax: String,
    /// The command.
    pub command: Command,
}

impl Caller {
    /// Asks the vault as this machine; every request has an id of its own.
    pub async fn ask(&mut self, request: Request) -> Result<(Response, Stream), Fault> {
        self.arrival.request = request_id().ok_or(Code::Internal)?;
        let call = Call { credential: self.credential.clone(), arrival: self.arrival.clone(), request };
        self.peers.archive.call(call, port::empty()).await
    }
}

/// Serves one peer until it releases, breaks a rule, falls silent, or the door closes. `certificate`: of a TLS peer.
pub async fn serve<S: Socket>(
    peers: &Arc<Peers>,
    socket: S,
    peer: SocketAddr,
    certificate: String,
    stop: &mut Stop,
) {
    let options = Options {
        called_ae: peers.called_ae.clone(),
        private_classes: peers.storage_classes.clone(),
        // Plain DIMSE names nobody: C-ECHO and C-STORE only (DESIGN.md §3).
        services: !certificate.is_empty(),
        max_pdu: MAX_PDU,
    };
    let mut wire = Wire::new(socket, Association::accept(options), stop.clone());
    let mut arrival = Arrival {
        door: Door::Dimse,
        peer: peer.to_string(),
        certificate,
        calling_ae: String::new(),
        called_ae: String::new(),
        software: String::new(),
        request: String::new(),
    };
    if let Some(person) = begin(peers, &mut wire, &mut arrival).await {
        let credential = person.as_ref().map_or(Credential::Device, Person::credential);
        let mut caller =
            Caller { peers: Arc::clone(peers), credential, arrival, reports: Vec::new(), awaited: None };
        // How it ended is no news.
        let _ = messages(&mut wire, &mut caller).await;
        commit::leave(&caller);
        if let Some(person) = person {
            person.leave(peers, &caller.arrival).await;
        }
    }
    wire.close().await;
}

/// Until the association stands: who calls, and who works there. Nothing: there is none.
async fn begin<S: Socket>(
    peers: &Peers,
    wire: &mut Wire<S>,
    arrival: &mut Arrival,
) -> Option<Option<Person>> {
    let until = Instant::now() + ARTIM;
    let mut person = None;
    loop {
        match wire.next_by(until).await {
            Ok(Event::Identified { calling, called, identity }) => {
                (arrival.calling_ae, arrival.called_ae) = (calling, called);
                match Person::find(peers, arrival, identity).await {
                    Ok(found) => person = Some(found),
                    Err(fault) => {
                        wire.association
                            .refuse(fault.code != Code::SignInFailed && fault.code != Code::NotSignedIn);
                        return None;
                    }
                }
                wire.admit();
            }
            Ok(Event::Associated(terms)) => {
                arrival.calling_ae = terms.calling;
                arrival.called_ae = terms.called;
                arrival.software = terms.software;
                return Some(person);
            }
            _ => break,
        }
    }
    if let Some(person) = person {
        person.leave(peers, arrival).await;
    }
    None
}

async fn messages<S: Socket>(wire: &mut Wire<S>, caller: &mut Caller) -> Result<(), End> {
    loop {
        let patience = match (&caller.awaited, caller.reports.is_empty()) {
            (Some(_), _) => RESPONSE,
            (None, true) => IDLE,
            (None, false) => commit::DELAY,
        };
        match wire.next(patience).await {
            Ok(Event::Command { context, command }) => {
                let Some((class, syntax)) = wire.association.context(context) else {
                    return Err(End::Closed);
                };
                let (class, syntax) = (class.to_owned(), syntax.to_owned());
                dispatch(wire, caller, Message { context, class, syntax, command }).await?;
            }
            Ok(_) => return Err(End::Closed),
            Err(End::Silent) if caller.awaited.is_some() => commit::unanswered(caller),
            Err(End::Silent) if !caller.reports.is_empty() => commit::report(wire, caller).await?,
            Err(end) => return Err(end),
        }
    }
}

async fn dispatch<S: Socket>(wire: &mut Wire<S>, caller: &mut Caller, message: Message) -> Result<(), End> {
    let Message { class, command, .. } = &message;
    let stored = !classes::SERVICES.contains(&class.as_str()) && class != classes::VERIFICATION;
    let (has_data, same) = (command.has_data, command.sop_class == *class);
    match (command.field, class.as_str()) {
        (field::ECHO, _) if !has_data => {
            wire.answer(message.context, &command.response(status::SUCCESS));
            Ok(())
        }
        (field::STORE, _) if has_data && same && stored => store::receive(wire, caller, message).await,
        (field::FIND, classes::PATIENT_FIND | classes::STUDY_FIND | classes::WORKLIST_FIND)
            if has_data && same =>
        {
            find::serve(wire, caller, message).await
        }
        (field::GET, classes::PATIENT_GET | classes::STUDY_GET) if has_data && same => {
            get::serve(wire, caller, message).await
        }
        (field::MOVE, classes::PATIENT_MOVE | classes::STUDY_MOVE) if has_data && same => {
            moving::serve(wire, caller, message).await
        }
        (field::ACTION, classes::COMMITMENT) if has_data && same => {
            commit::serve(wire, caller, message).await
        }
        _ if command.is_response() => {
            if has_data {
                wire.skip(IDLE).await?;
            }
            commit::answered(caller, command).await;
            Ok(())
        }
        _ => {
            if has_data {
                wire.skip(IDLE).await?;
            }
            // PS3.7 §C.5.22 and §C.5.6: not an operation of this class, or not of this context's class.
            let refused = if same { status::OPERATION } else { status::CLASS };
            wire.answer(message.context, &command.response(refused));
            Ok(())
        }
    }
}

/// Status of a vault's refusal of a query, retrieval or commitment (PS3.4 Tables C.4-1 to C.4-3).
pub const fn refused(code: Code) -> u16 {
    match code {
        Code::NotSignedIn
        | Code::SignInFailed
        | Code::NotAllowed
        | Code::ReasonNeeded
        | Code::SecondFactorNeeded
        | Code::SecondFactorFailed
        | Code::OpenAnew => status::NOT_AUTHORISED,
        Code::TooLarge => status::MATCHES,
        Code::SlowDown | Code::StorageFull | Code::Unavailable => status::RESOURCES,
        Code::BadRequest => status::IDENTIFIER,
        Code::NotFound
        | Code::VersionConflict
        | Code::Unsupported
        | Code::BadObject
        | Code::Cut
        | Code::WrongVersion
        | Code::Internal => status::UNABLE,
    }
}
