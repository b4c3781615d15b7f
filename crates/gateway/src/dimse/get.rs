//! C-GET as provider (PS3.4 §C.4.3): objects go back over the association that asked for them.

use super::IDLE;
use super::association::{Caller, Message, refused};
use super::find::{UNREADABLE, agreed, mismatched};
use super::send::Sender;
use super::wire::{End, Socket, Wire};
use dicom::dimse::dataset::{Element, Value, read, write};
use dicom::dimse::identifier::{Mismatch, Negotiated, Wanted};
use dicom::dimse::{Command, Counts, status};
use model::{Tag, Uid};
use port::transfer::{Gather, Gathered, Move};
use port::{Code, Request, Response};

/// (0008,0058).
const FAILED_SOP_INSTANCE_UID_LIST: Tag = 0x0008_0058;
/// Bytes of that list: its VR counts 16 bits.
const FAILED_BYTES: usize = 65_534;

/// Answers one C-GET.
pub async fn serve<S: Socket>(wire: &mut Wire<S>, caller: &mut Caller, message: Message) -> Result<(), End> {
    let bytes = wire.data(IDLE).await?;
    let agreed = agreed(wire, &message.class);
    let gathered = match wanted(&bytes, &message, agreed) {
        Ok(wanted) => gather(caller, wanted, None).await,
        Err(mismatch) => {
            wire.answer(message.context, &mismatched(&message.command, mismatch));
            return Ok(());
        }
    };
    let lines = match gathered {
        Ok(gathered) => gathered.lines,
        Err(code) => {
            wire.answer(message.context, &message.command.response(refused(code)));
            return Ok(());
        }
    };
    let proof = (caller.credential.clone(), caller.arrival.clone());
    let mut sender = Sender::new(&caller.peers.archive, proof, None, lines);
    while sender.more() {
        if wire.interrupted(message.command.message).await? {
            finish(wire, &message, &sender, true);
            return Ok(());
        }
        sender.one(wire).await?;
        if sender.more() {
            wire.answer(message.context, &pending(&message.command, sender.counts));
        }
    }
    finish(wire, &message, &sender, false);
    Ok(())
}

/// What a C-GET or C-MOVE names.
pub fn wanted(
    bytes: &[u8],
    message: &Message,
    agreed: Negotiated,
) -> Result<port::transfer::Wanted, Mismatch> {
    let elements = read(bytes, &message.syntax).map_err(|_| UNREADABLE)?;
    let Wanted { patient, issuer, studies, series, instances, .. } =
        Wanted::read(&elements, &message.class, agreed)?;
    Ok(port::transfer::Wanted { patient, issuer, studies, series, instances })
}

/// What of it would leave.
pub async fn gather(
    caller: &mut Caller,
    wanted: port::transfer::Wanted,
    to: Option<Move>,
) -> Result<Gathered, Code> {
    match caller.ask(Request::Gather(Gather { wanted, to })).await {
        Ok((Response::Gathered(gathered), _)) => Ok(gathered),
        Ok(_) => Err(Code::Internal),
        Err(fault) => Err(fault.code),
    }
}

/// A pending answer with the numbers so far.
pub fn pending(command: &Command, counts: Counts) -> Command {
    Command { counts: Some(counts), ..command.response(status::PENDING) }
}

/// The last answer (PS3.4 §C.4.2.1.5, §C.4.3.1.4): numbers, and which instances failed.
pub fn finish<S: Socket>(wire: &mut Wire<S>, message: &Message, sender: &Sender, cancelled: bool) {
    let counts = sender.counts;
    let done = u32::from(counts.completed) + u32::from(counts.warning);
    let status = match (cancelled, counts.failed, counts.warning) {
        (true, ..) => status::CANCEL,
        (_, 0, 0) => status::SUCCESS,
        // PS3.4: a failure when no sub-operation succeeded, a warning when some did not.
        (_, 1.., _) if done == 0 => status::SUBOPERATIONS,
        _ => status::WARNING,
    };
    let counts = Counts { remaining: counts.remaining.filter(|_| cancelled), ..counts };
    let has_data = !sender.failed.is_empty();
    let last = Command { counts: Some(counts), has_data, ..message.command.response(status) };
    wire.answer(message.context, &last);
    if has_data {
        let value = Value::Bytes(list(&sender.failed).into_bytes());
        let failed = Element { tag: FAILED_SOP_INSTANCE_UID_LIST, vr: *b"UI", value };
        wire.association.send_data(message.context, &write(&[failed], &message.syntax), true);
    }
}

fn list(uids: &[Uid]) -> String {
    let mut out = String::new();
    for uid in uids {
        if out.len() + 1 + uid.as_str().len() > FAILED_BYTES {
            break;
        }
        if !out.is_empty() {
            out.push('\\');
        }
        out.push_str(uid.as_str());
    }
    out
}
