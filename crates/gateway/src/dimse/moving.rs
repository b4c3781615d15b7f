//! C-MOVE as provider (PS3.4 §C.4.2), and the jobs that it makes: objects go to a machine of the address book over an
//! association of our own.

use super::association::{Caller, Message, refused};
use super::call::{self, Outgoing};
use super::find::{agreed, mismatched};
use super::get::{finish, gather, pending, wanted};
use super::send::Sender;
use super::wire::{End, Socket, Wire};
use super::{IDLE, Peers};
use dicom::dimse::{EXPLICIT, IMPLICIT, status};
use model::{Arrival, Door, Id, Uid};
use port::transfer::{Line, Move, Peer, Progress};
use port::{Archive, Call, Credential, Request};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Answers one C-MOVE.
pub async fn serve<S: Socket>(wire: &mut Wire<S>, caller: &mut Caller, message: Message) -> Result<(), End> {
    let bytes = wire.data(IDLE).await?;
    let agreed = agreed(wire, &message.class);
    let command = &message.command;
    let to = Move { destination: command.destination.clone(), message: command.message };
    let gathered = match wanted(&bytes, &message, agreed) {
        Ok(wanted) => gather(caller, wanted, Some(to)).await,
        Err(mismatch) => {
            wire.answer(message.context, &mismatched(command, mismatch));
            return Ok(());
        }
    };
    let refusal = match gathered {
        Ok(gathered) => match gathered.job.and_then(|job| Some((job.id, job.peer?))) {
            Some((id, peer)) => {
                let originator = (caller.arrival.calling_ae.clone(), command.message);
                let job = Moving::new(&caller.peers, (id, peer), originator, gathered.lines);
                return asked(wire, &message, job).await;
            }
            None => status::DESTINATION,
        },
        Err(code) => refused(code),
    };
    wire.answer(message.context, &command.response(refusal));
    Ok(())
}

/// Performs a job while the peer that asked is told how far it is. When it goes away the job goes on.
async fn asked<S: Socket>(wire: &mut Wire<S>, message: &Message, mut job: Moving) -> Result<(), End> {
    let mut gone = None;
    if job.sender.more() && job.begin().await.is_err() {
        job.give_up();
    }
    while job.sender.more() {
        if gone.is_none() {
            match wire.interrupted(message.command.message).await {
                Ok(false) => {}
                Ok(true) => {
                    job.end(true).await;
                    finish(wire, message, &job.sender, true);
                    return Ok(());
                }
                Err(end) => gone = Some(end),
            }
        }
        job.step().await;
        if job.sender.more() && gone.is_none() {
            wire.answer(message.context, &pending(&message.command, job.sender.counts));
            gone = wire.flush().await.err();
        }
    }
    job.over(gone.is_none()).await;
    finish(wire, message, &job.sender, false);
    gone.map_or(Ok(()), Err)
}

/// A move under way.
pub struct Moving {
    peers: Arc<Peers>,
    id: Id,
    peer: Peer,
    lines: Vec<(Uid, Option<Uid>)>,
    outgoing: Option<Outgoing>,
    /// The destination went away before the end.
    lost: bool,
    /// Tells the vault that somebody works on it; ends with this.
    _alive: JoinSet<()>,
    /// What is sent.
    pub sender: Sender,
}

impl Moving {
    /// Before the destination is called.
    pub fn new(
        peers: &Arc<Peers>,
        (id, peer): (Id, Peer),
        originator: (String, u16),
        lines: Vec<Line>,
    ) -> Self {
        let arrival = Arrival {
            door: Door::Dimse,
            peer: peer.address.clone(),
            certificate: peer.certificate.clone(),
            calling_ae: peers.title().to_owned(),
            called_ae: peer.ae.clone(),
            software: String::new(),
            request: String::new(),
        };
        let kinds = lines.iter().map(|l| (l.sop_class.clone(), l.syntax.clone())).collect();
        let proof = (Credential::Gateway, arrival);
        let sender = Sender::new(&peers.archive, proof, Some((id, originator)), lines);
        let mut alive = JoinSet::new();
        alive.spawn(alive_while(Arc::clone(&peers.archive), id));
        let peers = Arc::clone(peers);
        Self { peers, id, peer, lines: kinds, outgoing: None, lost: false, _alive: alive, sender }
    }

    /// Calls the destination.
    pub async fn begin(&mut self) -> Result<(), End> {
        self.sender.anew();
        self.outgoing = Some(call::call(&self.peers, &self.peer, &proposals(&self.lines), &[]).await?);
        Ok(())
    }

    /// One sub-operation. A destination that went away is called once more; then everything left has failed.
    pub async fn step(&mut self) {
        let study = self.sender.study().cloned();
        let sent = match &mut self.outgoing {
            Some(outgoing) => self.sender.one(outgoing).await,
            None => Err(End::Closed),
        };
        if sent.is_err() {
            let again = self.sender.more() && self.begin().await.is_ok();
            if !again {
                self.give_up();
            }
        }
        if let Some(study) = study
            && self.sender.more()
            && self.sender.study() != Some(&study)
        {
            self.report(Progress::Study(study)).await;
        }
    }

    /// What is left has failed.
    fn give_up(&mut self) {
        self.lost |= self.sender.more();
        self.sender.give_up();
    }

    /// Nothing is left to send. `told`: somebody hears how it went. Else what the destination did not take is tried again;
    /// and when the archive itself stops, the job goes on after the next start.
    pub async fn over(&mut self, told: bool) {
        if *self.peers.stop.borrow() && self.lost {
            return;
        }
        if self.lost && !told {
            return self.report(Progress::Failed).await;
        }
        self.end(false).await;
    }

    /// It is over, well or not.
    async fn end(&mut self, cancelled: bool) {
        if let Some(outgoing) = self.outgoing.take() {
            outgoing.release().await;
        }
        let counts = self.sender.counts;
        let completed = u32::from(counts.completed) + u32::from(counts.warning);
        let progress = if cancelled {
            Progress::Cancelled { completed }
        } else {
            Progress::Done { completed, failed: counts.failed.into() }
        };
        self.report(progress).await;
    }

    /// Tells the vault.
    pub async fn report(&self, progress: Progress) {
        report(&self.peers.archive, (self.id, &self.peer.address), progress).await;
    }
}

/// Between two signs of life: a lease is longer (`archive`, 90 s).
const ALIVE: Duration = Duration::from_secs(30);

/// One object may take longer than a lease: without a sign of life another worker would begin the move once more.
async fn alive_while(archive: Arc<dyn Archive>, id: Id) {
    loop {
        tokio::time::sleep(ALIVE).await;
        report(&archive, (id, ""), Progress::Alive).await;
    }
}

async fn report(archive: &Arc<dyn Archive>, (job, address): (Id, &str), progress: Progress) {
    let arrival = Arrival {
        door: Door::Dimse,
        peer: address.to_owned(),
        certificate: String::new(),
        calling_ae: String::new(),
        called_ae: String::new(),
        software: String::new(),
        request: String::new(),
    };
    let request = Request::JobProgress { job, progress };
    let call = Call { credential: Credential::Gateway, arrival, request };
    if let Err(fault) = archive.call(call, port::empty()).await {
        tracing::warn!(code = fault.code.as_str(), "the vault did not take a job's progress");
    }
}

/// One context for each class and stored syntax, and one a class for what everybody understands.
fn proposals(lines: &[(Uid, Option<Uid>)]) -> Vec<(String, Vec<String>)> {
    let mut classes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (class, syntax) in lines {
        let syntaxes = classes.entry(class.as_str()).or_default();
        if let Some(syntax) = syntax.as_ref().map(Uid::as_str)
            && ![IMPLICIT, EXPLICIT].contains(&syntax)
            && !syntaxes.contains(&syntax)
        {
            syntaxes.push(syntax);
        }
    }
    let plain =
        classes.keys().map(|class| ((*class).to_owned(), vec![EXPLICIT.to_owned(), IMPLICIT.to_owned()]));
    let stored = classes.iter().flat_map(|(class, syntaxes)| {
        syntaxes.iter().map(|syntax| ((*class).to_owned(), vec![(*syntax).to_owned()]))
    });
    plain.chain(stored).collect()
}
