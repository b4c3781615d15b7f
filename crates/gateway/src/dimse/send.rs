//! C-STORE as user: the sub-operations of C-GET and C-MOVE (PS3.4 §C.4.2.3, §C.4.3.3). Objects flow from the vault to the peer;
//! nothing is kept whole.

use super::wire::{End, Socket, Wire};
use super::{BATCH, RESPONSE};
use bytes::Bytes;
use dicom::dimse::{Command, Counts, EXPLICIT, Event, IMPLICIT, field, p10_meta};
use dicom::recode::Recoder;
use model::{Arrival, Id, Uid};
use port::transfer::{Line, Transfer};
use port::{Archive, Call, Credential, Item, Request, Stream};
use std::sync::Arc;

/// Bytes that are given to the socket at once: fewer calls, and fewer turns of the threads that make and take them.
const TOGETHER: usize = 256 << 10;

/// What becomes of one sub-operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Stored.
    Completed,
    /// Stored, with a warning.
    Warning,
    /// Not sent, or refused.
    Failed,
}

/// How an instance leaves.
struct Route {
    context: u8,
    /// Ask the vault to decode it.
    decoded: bool,
    /// The transfer syntax in which the vault must give it.
    source: String,
    /// Between implicit and explicit on the way.
    recode: Option<(&'static str, &'static str)>,
}

/// Sends lines one after another.
pub struct Sender {
    archive: Arc<dyn Archive>,
    credential: Credential,
    arrival: Arrival,
    job: Option<Id>,
    originator: Option<(String, u16)>,
    lines: Vec<Line>,
    at: usize,
    message: u16,
    /// The vault's stream, and the number of lines that it still brings.
    batch: Option<(Parts, usize)>,
    /// Failed instances.
    pub failed: Vec<Uid>,
    /// Numbers so far.
    pub counts: Counts,
}

/// A stream of parts with one item of foresight.
struct Parts {
    stream: Stream,
    /// The head of the next part came already: whose it is, and whether it is derived.
    ahead: Option<(Uid, bool)>,
}

impl Sender {
    /// For a receiver that is the caller itself, or by a job.
    pub fn new(
        archive: &Arc<dyn Archive>,
        (credential, arrival): (Credential, Arrival),
        job: Option<(Id, (String, u16))>,
        lines: Vec<Line>,
    ) -> Self {
        let (job, originator) = job.map_or((None, None), |(id, originator)| (Some(id), Some(originator)));
        let remaining = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        Self {
            archive: Arc::clone(archive),
            credential,
            arrival,
            job,
            originator,
            lines,
            at: 0,
            message: 0,
            batch: None,
            failed: Vec::new(),
            counts: Counts { remaining: Some(remaining), ..Counts::default() },
        }
    }

    /// The study of the next line.
    pub fn study(&self) -> Option<&Uid> {
        self.lines.get(self.at).map(|line| &line.study)
    }

    /// Lines are left.
    pub fn more(&self) -> bool {
        self.at < self.lines.len()
    }

    /// Sends the next line; an end: the receiver's association is over.
    pub async fn one<S: Socket>(&mut self, wire: &mut Wire<S>) -> Result<Outcome, End> {
        let Some(line) = self.lines.get(self.at).cloned() else { return Ok(Outcome::Completed) };
        let outcome = match route(wire, &line, self.job.is_none()) {
            None => Ok(Outcome::Failed),
            Some(route) => self.send(wire, &line, &route).await,
        };
        self.at += 1;
        self.count(&line, outcome.unwrap_or(Outcome::Failed));
        outcome
    }

    /// On another association: what was asked for the one before was chosen for its contexts.
    pub fn anew(&mut self) {
        self.batch = None;
    }

    /// Counts all lines that are left as failed: the receiver is gone.
    pub fn give_up(&mut self) {
        while let Some(line) = self.lines.get(self.at).cloned() {
            self.at += 1;
            self.count(&line, Outcome::Failed);
        }
    }

    fn count(&mut self, line: &Line, outcome: Outcome) {
        let counts = &mut self.counts;
        counts.remaining = counts.remaining.map(|n| n.saturating_sub(1));
        match outcome {
            Outcome::Completed => counts.completed = counts.completed.saturating_add(1),
            Outcome::Warning => counts.warning = counts.warning.saturating_add(1),
            Outcome::Failed => {
                counts.failed = counts.failed.saturating_add(1);
                self.failed.push(line.instance.clone());
            }
        }
    }

    async fn send<S: Socket>(
        &mut self,
        wire: &mut Wire<S>,
        line: &Line,
        route: &Route,
    ) -> Result<Outcome, End> {
        let Some((mut parts, left)) = self.parts(wire, line).await else { return Ok(Outcome::Failed) };
        self.message = self.message.wrapping_add(1).max(1);
        let sent = object(&mut parts, wire, (line, route, self.message, self.originator.clone())).await?;
        if sent {
            self.batch = (left > 1).then_some((parts, left - 1));
            return status(wire, self.message).await;
        }
        // The vault's stream is broken; the lines after this one get a new one.
        Ok(Outcome::Failed)
    }

    /// The stream that brings this line: the one that is open, or a new one for it and those of its study after it.
    async fn parts<S: Socket>(&mut self, wire: &Wire<S>, line: &Line) -> Option<(Parts, usize)> {
        if let Some(open) = self.batch.take() {
            return Some(open);
        }
        let mut instances = Vec::new();
        for next in self.lines.iter().skip(self.at).take_while(|next| next.study == line.study) {
            if let Some(route) = route(wire, next, self.job.is_none()) {
                instances.push((next.instance.clone(), route.decoded));
            }
            if instances.len() == BATCH {
                break;
            }
        }
        let count = instances.len();
        self.arrival.request = crate::http::request_id()?;
        let transfer = Transfer { job: self.job, study: line.study.clone(), instances };
        let call = Call {
            credential: self.credential.clone(),
            arrival: self.arrival.clone(),
            request: Request::Transfer(transfer),
        };
        let (_, stream) = self.archive.call(call, port::empty()).await.ok()?;
        Some((Parts { stream, ahead: None }, count))
    }
}

/// The accepted context that suits an instance best: as it is, else recoded, else decoded. `own`: on an association that
/// the receiver opened, which must have taken the provider's role (PS3.7 D.3.3.4).
fn route<S: Socket>(wire: &Wire<S>, line: &Line, own: bool) -> Option<Route> {
    let stored = line.syntax.as_ref()?.as_str();
    let association = &wire.association;
    let class = line.sop_class.as_str();
    let provides = || association.agreed().roles.iter().any(|r| r.class == class && r.scp);
    if own && !provides() {
        return None;
    }
    let find = |wanted: &str| {
        let mut all = association.contexts().iter().filter(|c| c.abstract_syntax == class);
        all.find(|c| c.syntax() == Some(wanted)).map(|c| c.id)
    };
    let plain = |context: u8| Route { context, decoded: false, source: stored.to_owned(), recode: None };
    if let Some(context) = find(stored) {
        return Some(plain(context));
    }
    match stored {
        IMPLICIT => Some(Route { recode: Some((IMPLICIT, EXPLICIT)), ..plain(find(EXPLICIT)?) }),
        EXPLICIT => Some(Route { recode: Some((EXPLICIT, IMPLICIT)), ..plain(find(IMPLICIT)?) }),
        _ if !line.decodes => None,
        _ => match find(EXPLICIT) {
            Some(context) => Some(Route { decoded: true, source: EXPLICIT.to_owned(), ..plain(context) }),
            None => {
                let recode = Some((EXPLICIT, IMPLICIT));
                Some(Route { decoded: true, source: EXPLICIT.to_owned(), recode, ..plain(find(IMPLICIT)?) })
            }
        },
    }
}

/// Sends one object. False: the vault gave nothing of it. When it is cut in its middle the association ends: half an object
/// must not look like one.
async fn object<S: Socket>(
    parts: &mut Parts,
    wire: &mut Wire<S>,
    (line, route, message, originator): (&Line, &Route, u16, Option<(String, u16)>),
) -> Result<bool, End> {
    let Some(head) = head(parts, line).await else { return Ok(false) };
    let Ok(Some(meta)) = p10_meta(&head) else { return Ok(false) };
    // Decided anew since it was listed: this context was not chosen for it.
    if meta.transfer_syntax.as_str() != route.source {
        return Ok(false);
    }
    let own = Some(&line.instance).filter(|_| !line.derived);
    let Some(sop_uid) = own.or(meta.sop_uid.as_ref()) else { return Ok(false) };
    let mut recoder = match route.recode {
        Some((from, to)) => match Recoder::new(from, to) {
            Ok(recoder) => Some(recoder),
            Err(_) => return Ok(false),
        },
        None => None,
    };
    let command = Command {
        field: field::STORE,
        message,
        has_data: true,
        sop_class: line.sop_class.to_string(),
        sop_uid: sop_uid.to_string(),
        originator,
        ..Command::default()
    };
    wire.association.send(route.context, &command);
    // One piece is kept back: the last one says that it is.
    let begin = Bytes::from(head).slice(meta.end..);
    let Some(mut held) = recoded(&mut recoder, begin) else { return cut(wire).await };
    loop {
        match parts.stream.next().await {
            Ok(Some(Item::Chunk(chunk))) => {
                let Some(piece) = recoded(&mut recoder, chunk) else { return cut(wire).await };
                if !piece.is_empty() {
                    wire.association.send_data(route.context, &held, false);
                    if wire.association.waiting() >= TOGETHER {
                        wire.flush().await?;
                    }
                    held = piece;
                }
            }
            Ok(Some(Item::Part(part))) => {
                parts.ahead = part.instance.map(|(_, instance)| (instance, part.derived));
                break;
            }
            Ok(None) => break,
            Ok(Some(Item::Trailer(_) | Item::End)) | Err(_) => return cut(wire).await,
        }
    }
    if let Some(recoder) = recoder {
        let Ok(rest) = recoder.finish() else { return cut(wire).await };
        wire.association.send_data(route.context, &held, false);
        held = rest.into();
    }
    wire.association.send_data(route.context, &held, true);
    wire.flush().await?;
    Ok(true)
}

async fn cut<S: Socket>(wire: &mut Wire<S>) -> Result<bool, End> {
    wire.association.abort();
    wire.flush().await?;
    Err(End::Closed)
}

/// What of a piece can leave; nothing when it cannot be recoded.
fn recoded(recoder: &mut Option<Recoder>, bytes: Bytes) -> Option<Bytes> {
    match recoder {
        None => Some(bytes),
        Some(recoder) => recoder.push(&bytes).map(Bytes::from).ok(),
    }
}

/// The bytes up to the end of the file meta information at least; nothing when the next part is another instance or another form of it.
async fn head(parts: &mut Parts, line: &Line) -> Option<Vec<u8>> {
    let comes = match parts.ahead.take() {
        Some(ahead) => ahead,
        None => match parts.stream.next().await {
            Ok(Some(Item::Part(part))) => (part.instance?.1, part.derived),
            _ => return None,
        },
    };
    // A mask that was drawn since it was listed makes it another object.
    if comes != (line.instance.clone(), line.derived) {
        return None;
    }
    let mut head = Vec::new();
    loop {
        match parts.stream.next().await {
            Ok(Some(Item::Chunk(chunk))) => head.extend_from_slice(&chunk),
            _ => return None,
        }
        if p10_meta(&head).ok()?.is_some() {
            return Some(head);
        }
    }
}

/// The peer's answer (PS3.4 Table B.2-1).
async fn status<S: Socket>(wire: &mut Wire<S>, message: u16) -> Result<Outcome, End> {
    loop {
        match wire.next(RESPONSE).await? {
            Event::Command { command, .. } if command.is_response() && command.message == message => {
                return Ok(match command.status {
                    Some(0) => Outcome::Completed,
                    Some(0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF) => Outcome::Warning,
                    _ => Outcome::Failed,
                });
            }
            Event::Released | Event::Aborted | Event::Rejected(_) => return Err(End::Closed),
            _ => {}
        }
    }
}
