//! An older archive gives up what it has (PS3.4 §C.4.1, §C.4.2, as user): its studies are asked for by C-FIND, and each is sent
//! to our own door by its C-MOVE. It knows us as it knows any destination; we know it from the address book.

use super::call::{self, Outgoing};
use super::wire::End;
use super::{IDLE, Peers};
use crate::Options;
use dicom::dimse::{Command, Event, classes, dataset, field, identifier, status};
use model::{Tag, Uid, tags};
use port::Archive;
use port::transfer::Peer;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Studies of one answer; more are asked for in smaller pieces.
const STUDIES: usize = 1 << 20;
/// Until the partner says how far it is: it may read from tape.
const BRINGING: Duration = Duration::from_secs(900);

/// Why a partner gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be reached, does not speak the service, or went away.
    Gone,
    /// Its status (RFC 9110 §15).
    Http(u16),
    /// Its status and comment (PS3.4 Tables C.4-1, C.4-2).
    Status(u16, String),
}

impl From<End> for Refused {
    fn from(_: End) -> Self {
        Self::Gone
    }
}

/// What one C-MOVE brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brought {
    /// Instances that we acknowledged.
    pub completed: u16,
    /// That failed.
    pub failed: u16,
}

/// Number of Study Related Instances.
const INSTANCES: Tag = 0x0020_1208;

impl Brought {
    /// Counted against what was told before: instances of which nothing was heard have failed.
    #[must_use]
    pub fn of(self, told: Option<u64>) -> Self {
        let come = u64::from(self.completed) + u64::from(self.failed);
        let missing = told.unwrap_or(come).saturating_sub(come);
        Self { failed: self.failed.saturating_add(u16::try_from(missing).unwrap_or(u16::MAX)), ..self }
    }
}

/// An archive of the address book.
pub struct Partner {
    peers: Peers,
    peer: Peer,
    wire: Option<Outgoing>,
    message: u16,
    /// How many instances it says that its studies have.
    told: HashMap<Uid, u64>,
    _stop: watch::Sender<bool>,
}

impl Partner {
    /// Not called yet.
    #[must_use]
    pub fn new(archive: Arc<dyn Archive>, options: &Options, peer: Peer) -> Self {
        let (stop, stopping) = watch::channel(false);
        let peers = Peers::new(archive, options, stopping);
        Self { peers, peer, wire: None, message: 0, told: HashMap::new(), _stop: stop }
    }

    /// The title under which it must know us.
    #[must_use]
    pub fn title(&self) -> &str {
        self.peers.title()
    }

    /// How many instances it says that a study has.
    #[must_use]
    pub fn told(&self, study: &Uid) -> Option<u64> {
        self.told.get(study).copied()
    }

    /// Studies of these days (a range `YYYYMMDD-YYYYMMDD`, empty: all) that it tells of.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn studies(&mut self, days: &str) -> Result<Vec<Uid>, Refused> {
        let keys = [
            dataset::text(tags::STUDY_DATE, b"DA", days),
            dataset::text(identifier::QUERY_RETRIEVE_LEVEL, b"CS", "STUDY"),
            dataset::text(tags::STUDY_INSTANCE_UID, b"UI", ""),
            dataset::text(INSTANCES, b"IS", ""),
        ];
        let (mut found, mut told) = (Vec::new(), HashMap::new());
        let last = self.ask(field::FIND, (classes::STUDY_FIND, ""), &keys, |_, answer| {
            let uid =
                dataset::first(answer, tags::STUDY_INSTANCE_UID).and_then(|uid| uid.parse::<Uid>().ok());
            let Some(uid) = uid.filter(|_| found.len() < STUDIES) else { return };
            if let Some(count) = dataset::first(answer, INSTANCES).and_then(|n| n.trim().parse().ok()) {
                told.insert(uid.clone(), count);
            }
            found.push(uid);
        });
        let last = last.await?;
        self.told.extend(told);
        match last {
            Command { status: Some(status::SUCCESS), .. } => Ok(found),
            other => Err(Refused::Status(other.status.unwrap_or_default(), other.comment)),
        }
    }

    /// Has it send a study to us.
    ///
    /// # Errors
    /// [`Refused`]; sub-operations that failed are counted, not an error.
    pub async fn bring(&mut self, study: &Uid) -> Result<Brought, Refused> {
        let keys = [
            dataset::text(identifier::QUERY_RETRIEVE_LEVEL, b"CS", "STUDY"),
            dataset::text(tags::STUDY_INSTANCE_UID, b"UI", study.as_str()),
        ];
        let title = self.peers.title().to_owned();
        let mut counts = dicom::dimse::Counts::default();
        let last = self.ask(field::MOVE, (classes::STUDY_MOVE, &title), &keys, |command, _| {
            counts = command.counts.unwrap_or(counts);
        });
        let last = last.await?;
        let done = matches!(last.status, Some(status::SUCCESS | status::WARNING));
        if !done {
            return Err(Refused::Status(last.status.unwrap_or_default(), last.comment));
        }
        let counts = last.counts.unwrap_or(counts);
        let brought =
            Brought { completed: counts.completed.saturating_add(counts.warning), failed: counts.failed };
        Ok(brought.of(self.told(study)))
    }

    /// One request and all its answers; `each` hears the pending ones. The last one.
    async fn ask(
        &mut self,
        field: u16,
        (class, destination): (&str, &str),
        keys: &[dataset::Element],
        mut each: impl FnMut(&Command, &[dataset::Element]),
    ) -> Result<Command, Refused> {
        self.message = self.message.wrapping_add(1).max(1);
        let message = self.message;
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => self.open().await?,
        };
        let accepted = wire.association.contexts().iter().find(|c| c.abstract_syntax == class);
        let found = accepted.and_then(|c| Some((c.id, c.syntax()?.to_owned())));
        let (context, syntax) = found.ok_or(Refused::Gone)?;
        let command = Command {
            field,
            message,
            has_data: true,
            sop_class: class.to_owned(),
            destination: destination.to_owned(),
            ..Command::default()
        };
        wire.association.send(context, &command);
        wire.association.send_data(context, &dataset::write(keys, &syntax), true);
        loop {
            let Event::Command { command, .. } = wire.next(BRINGING).await? else {
                return Err(Refused::Gone);
            };
            if !command.is_response() || command.message != message {
                return Err(Refused::Gone);
            }
            let data = if command.has_data { wire.data(IDLE).await? } else { Vec::new() };
            let answer = dataset::read(&data, &syntax).map_err(|_| Refused::Gone)?;
            match command.status {
                Some(status::PENDING | status::PENDING_KEYS) => each(&command, &answer),
                _ => {
                    self.wire = Some(wire);
                    return Ok(command);
                }
            }
        }
    }

    async fn open(&self) -> Result<Outgoing, Refused> {
        let syntaxes: Vec<String> = classes::PLAIN_SYNTAXES.iter().map(|s| (*s).to_owned()).collect();
        let proposals =
            [classes::STUDY_FIND, classes::STUDY_MOVE].map(|class| (class.to_owned(), syntaxes.clone()));
        Ok(call::call(&self.peers, &self.peer, &proposals, &[]).await?)
    }

    /// Says good-bye.
    pub async fn release(&mut self) {
        if let Some(wire) = self.wire.take() {
            wire.release().await;
        }
    }
}
