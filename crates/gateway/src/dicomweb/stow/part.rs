//! One part into one store call: the bytes are parsed while they pass, and nothing larger than a header is held.

use super::Source;
use crate::http::{Ask, Problem};
use bytes::{Bytes, BytesMut};
use dicom::{Error, Intake};
use model::{InstanceFacts, Uid};
use port::archive::Stored;
use port::stream::CHUNK_BYTES;
use port::{Code, Fault, Item, Request, Response, Sink, Trailer};
use std::pin::pin;

/// A study other than the one that the path names (PS3.18 §10.5.1; PS3.18 gives no code of its own: `C4xx`, cannot
/// understand).
const OTHER_STUDY: u16 = 0xC409;

/// What became of a part.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Durable.
    Stored(Stored),
    /// Refused, and what it was.
    Failed {
        /// SOP class and instance.
        names: Option<(Uid, Uid)>,
        /// (0008,1197).
        reason: u16,
        /// The vault's word, when it refused.
        cause: Option<Code>,
    },
}

impl Outcome {
    /// Kept, and not what is served.
    pub const fn warns(&self) -> bool {
        matches!(self, Self::Stored(stored) if stored.version > 1)
    }

    /// Refused before anything is known of it.
    pub const fn other(reason: u16) -> Self {
        Self::Failed { names: None, reason, cause: None }
    }
}

/// DIMSE status of a vault's refusal (PS3.4 Table B.2-1, PS3.7 Annex C), for C-STORE and (0008,1197) alike.
#[must_use]
pub const fn dimse_status(code: Code) -> u16 {
    match code {
        // Refused: not authorised (PS3.7 §C.5.20).
        Code::NotSignedIn
        | Code::SignInFailed
        | Code::NotAllowed
        | Code::ReasonNeeded
        | Code::SecondFactorNeeded
        | Code::SecondFactorFailed
        | Code::OpenAnew => 0x0124,
        // Refused: out of resources; the sender may try again.
        Code::SlowDown | Code::TooLarge | Code::StorageFull | Code::Unavailable => 0xA700,
        // Error: data set does not match.
        Code::BadRequest => 0xA900,
        // Error: cannot understand.
        Code::BadObject => 0xC000,
        // SOP class not supported.
        Code::Unsupported => 0x0122,
        // Processing failure.
        Code::NotFound | Code::VersionConflict | Code::Cut | Code::WrongVersion | Code::Internal => 0x0110,
    }
}

/// A refusal that holds for the whole request, not for this part.
pub const fn of_the_caller(code: Code) -> bool {
    matches!(
        code,
        Code::NotSignedIn | Code::SignInFailed | Code::NotAllowed | Code::SlowDown | Code::WrongVersion
    )
}

/// A header up to this size is read at once; a longer one is no work for an async thread.
const QUICK_HEAD: usize = 64 << 10;

/// The parsing and forwarding end of one object.
pub struct Fed {
    sink: Option<Sink>,
    /// Less than a chunk: small pieces are joined, so that the vault is not woken for each.
    held: BytesMut,
    intake: Option<Intake>,
    refused: Option<Error>,
    facts: Option<Box<InstanceFacts>>,
}

impl Fed {
    /// A new object that flows into `sink`.
    #[must_use]
    pub fn new(sink: Sink) -> Self {
        let (intake, held) = (Some(Intake::new()), BytesMut::new());
        Self { sink: Some(sink), held, intake, refused: None, facts: None }
    }

    /// The next bytes of the file. After a refusal they are dropped: the parts after it still count.
    pub async fn push(&mut self, piece: Bytes) {
        let Some(intake) = &mut self.intake else { return };
        if let Err(error) = intake.push(&piece) {
            return self.refuse(error).await;
        }
        self.forward(piece).await;
    }

    /// Whole chunks go on; the rest is held until it is one.
    async fn forward(&mut self, mut piece: Bytes) {
        if !self.held.is_empty() {
            let missing = piece.split_to(piece.len().min(CHUNK_BYTES - self.held.len()));
            self.held.extend_from_slice(&missing);
            if self.held.len() == CHUNK_BYTES {
                let chunk = self.held.split().freeze();
                self.send(chunk).await;
            }
        }
        let whole = piece.split_to(piece.len() - piece.len() % CHUNK_BYTES);
        if !whole.is_empty() {
            self.send(whole).await;
        }
        if !piece.is_empty() {
            self.held.reserve(CHUNK_BYTES);
            self.held.extend_from_slice(&piece);
        }
    }

    async fn send(&mut self, bytes: Bytes) {
        if let Some(sink) = &self.sink
            && sink.bytes(bytes).await.is_err()
        {
            // The vault answered already; its word counts.
            self.sink = None;
            self.intake = None;
        }
    }

    /// The file is complete. `named`: SOP class and instance that it must hold, as a C-STORE command says; else the data
    /// set does not match (PS3.4 Table B.2-1).
    pub async fn end(&mut self, named: Option<(&str, &str)>) {
        let rest = self.held.split().freeze();
        if !rest.is_empty() {
            self.send(rest).await;
        }
        let Some(intake) = self.intake.take() else { return };
        // Inflating or reading a header of many megabytes is no work for an async thread.
        let parsed = if intake.is_quick(QUICK_HEAD) {
            Ok(intake.finish())
        } else {
            tokio::task::spawn_blocking(move || intake.finish()).await
        };
        match parsed {
            Ok(Ok(parsed)) => {
                let holds = (parsed.facts.sop_class.as_str(), parsed.facts.sop_uid.as_str());
                if named.is_some_and(|named| named != holds) {
                    return self.refuse(Error::Missing("the instance that the command names")).await;
                }
                self.facts = Some(Box::new(parsed.facts.clone()));
                if let Some(sink) = self.sink.take()
                    && sink.send(Item::Trailer(Box::new(Trailer::Facts(parsed.facts)))).await.is_ok()
                {
                    // The vault's answer says whether it came.
                    let _ = sink.finish().await;
                }
            }
            Ok(Err(error)) => self.refuse(error).await,
            Err(_) => self.refuse(Error::Unreadable).await,
        }
    }

    /// The object is not taken.
    pub async fn refuse(&mut self, error: Error) {
        self.intake = None;
        self.held.clear();
        self.refused = Some(error);
        if let Some(sink) = self.sink.take() {
            let code = if matches!(error, Error::TooLarge(_)) { Code::TooLarge } else { Code::BadObject };
            // The vault records the refusal.
            sink.fail(code.into()).await;
        }
    }

    /// What became of it, from our refusal or the vault's answer.
    #[must_use]
    pub fn outcome(self, answer: Result<Response, Fault>) -> Outcome {
        let names = self.facts.as_ref().map(|facts| (facts.sop_class.clone(), facts.sop_uid.clone()));
        match (answer, self.refused) {
            (Ok(Response::Stored(stored)), None) => Outcome::Stored(stored),
            (Err(fault), _) if of_the_caller(fault.code) => {
                Outcome::Failed { names, reason: dimse_status(fault.code), cause: Some(fault.code) }
            }
            (_, Some(error)) => Outcome::Failed { names, reason: error.refusal().dimse, cause: None },
            (Err(fault), None) => {
                Outcome::Failed { names, reason: dimse_status(fault.code), cause: Some(fault.code) }
            }
            (Ok(_), None) => Outcome::Failed { names, reason: 0x0110, cause: Some(Code::Internal) },
        }
    }
}

/// Asks the vault to store while the part flows.
///
/// # Errors
/// A refusal of the caller, or a body that cannot be read: nothing more of the request counts.
pub async fn store_part(
    ask: &Ask,
    study: Option<&Uid>,
    mut source: Source<'_, '_>,
) -> Result<Outcome, Problem> {
    let (sink, stream) = port::stream();
    let mut fed = Fed::new(sink);
    let call = port::Call {
        credential: ask.credential.clone(),
        arrival: ask.arrival.clone(),
        request: Request::Store { study: study.cloned() },
    };
    let call = ask.door.archive.call(call, stream);
    let feed = async {
        let result = source.feed(&mut fed).await;
        // Cut off: without its end the vault keeps nothing of it.
        if result.is_err() {
            fed.sink = None;
        }
        result
    };
    let (answer, fed_well) = {
        let (mut call, mut feed) = (pin!(call), pin!(feed));
        tokio::select! {
            // A caller who may not store is not listened to any longer: his bytes come as slowly as he likes.
            answer = &mut call => match answer {
                Err(fault) if of_the_caller(fault.code) => return Err(fault.into()),
                answer => (answer, feed.await),
            },
            fed_well = &mut feed => (call.await, fed_well),
        }
    };
    if let Err(fault) = &answer
        && of_the_caller(fault.code)
    {
        return Err(fault.clone().into());
    }
    fed_well?;
    let other = fed.facts.as_ref().is_some_and(|f| study.is_some_and(|study| f.study_uid != *study));
    match fed.outcome(answer.map(|(response, _)| response)) {
        Outcome::Failed { names, cause, .. } if other => {
            Ok(Outcome::Failed { names, reason: OTHER_STUDY, cause })
        }
        outcome => Ok(outcome),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_status() {
        for code in Code::ALL {
            assert_ne!(dimse_status(*code), 0, "success is for what is stored: {code:?}");
        }
        assert_eq!(dimse_status(Code::StorageFull), 0xA700);
        assert_eq!(dimse_status(Code::NotAllowed), 0x0124);
    }
}
