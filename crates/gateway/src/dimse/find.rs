//! C-FIND as provider (PS3.4 §C.4.1, §K.4.1): the machine's standing decides what is found, as for any other caller.

use super::IDLE;
use super::association::{Caller, Message, refused};
use super::wire::{End, Socket, Wire};
use dicom::dimse::identifier::{Level as Asked, Match, Mismatch, Negotiated, Search};
use dicom::dimse::{Command, answer, dataset, status};
use dicom::query::Kind;
use model::limits;
use port::find::{Found, Key, Level, Matching, Query};
use port::{Code, Request, Response};

/// Answers to one query; more are refused as out of resources.
const ANSWERS: usize = 100_000;
/// Bytes that wait before they are sent.
const WAITING: usize = 64 << 10;

/// Answers one query, page by page.
pub async fn serve<S: Socket>(wire: &mut Wire<S>, caller: &mut Caller, message: Message) -> Result<(), End> {
    let bytes = wire.data(IDLE).await?;
    let agreed = agreed(wire, &message.class);
    let read = dataset::read(&bytes, &message.syntax).map_err(|_| UNREADABLE);
    let last = match read.and_then(|elements| Search::read(elements, &message.class, agreed)) {
        Ok(search) => pages(wire, caller, &message, (&search, agreed)).await?,
        Err(mismatch) => mismatched(&message.command, mismatch),
    };
    wire.answer(message.context, &last);
    Ok(())
}

/// The identifier is no data set.
pub const UNREADABLE: Mismatch = Mismatch { tag: 0, text: "the identifier cannot be read" };

/// Identifier does not match SOP class, and which element does not.
pub fn mismatched(command: &Command, mismatch: Mismatch) -> Command {
    let mut last = command.response(status::IDENTIFIER).because(mismatch.text);
    last.offending = (mismatch.tag != 0).then_some(mismatch.tag);
    last
}

/// What extended negotiation agreed to for a class.
pub fn agreed<S: Socket>(wire: &Wire<S>, class: &str) -> Negotiated {
    let extended = wire.association.agreed().extended.iter().find(|e| e.class == class);
    extended.map(|e| Negotiated::of(&e.info)).unwrap_or_default()
}

async fn pages<S: Socket>(
    wire: &mut Wire<S>,
    caller: &mut Caller,
    message: &Message,
    (search, agreed): (&Search, Negotiated),
) -> Result<Command, End> {
    let ours = caller.arrival.called_ae.clone();
    let command = &message.command;
    let mut query = query(search, agreed);
    let asking = if search.level == Asked::Step { Request::Scheduled } else { Request::Find };
    loop {
        let Found { answers, more, unsupported } = match caller.ask(asking(query.clone())).await {
            Ok((Response::Found(found), _)) => found,
            Ok(_) => return Ok(command.response(refused(Code::Internal))),
            Err(fault) if fault.code == Code::TooLarge => return Ok(command.response(status::RESOURCES)),
            Err(fault) => return Ok(command.response(refused(fault.code))),
        };
        let status = if unsupported.is_empty() { status::PENDING } else { status::PENDING_KEYS };
        let pending = Command { has_data: true, ..command.response(status) };
        for (n, found) in answers.iter().enumerate() {
            if n % 16 == 0 && wire.interrupted(command.message).await? {
                return Ok(command.response(status::CANCEL));
            }
            let bytes = dataset::write(&answer(search, found, &ours), &message.syntax);
            wire.association.send(message.context, &pending);
            wire.association.send_data(message.context, &bytes, true);
            if wire.association.waiting() > WAITING {
                wire.flush().await?;
            }
        }
        query.offset += answers.len();
        if !more || answers.is_empty() {
            return Ok(command.response(status::SUCCESS));
        }
        if query.offset >= ANSWERS {
            return Ok(command.response(status::RESOURCES).because("too many matches; ask more narrowly"));
        }
    }
}

fn query(search: &Search, agreed: Negotiated) -> Query {
    let level = match search.level {
        Asked::Patient => Level::Patient,
        Asked::Study | Asked::Step => Level::Study,
        Asked::Series => Level::Series,
        Asked::Image => Level::Instance,
    };
    Query {
        level,
        keys: search.keys.iter().map(key).collect(),
        include: Some(Vec::new()),
        bare: true,
        limit: limits::MATCHES,
        offset: 0,
        fuzzy: agreed.fuzzy,
        combined: agreed.combined,
    }
}

fn key(Match { path, kind }: &Match) -> Key {
    let end = |text: &String| (!text.is_empty()).then(|| text.clone());
    let matching = match kind {
        Kind::Single(value) => Matching::Single(value.clone()),
        Kind::List(values) => Matching::List(values.clone()),
        Kind::Wildcard(value) => Matching::Wildcard(value.clone()),
        Kind::Range(from, to) => Matching::Range(end(from), end(to)),
        Kind::Universal => Matching::Universal,
        Kind::Empty => Matching::Empty,
    };
    Key { path: path.clone(), matching }
}
