//! One file or one run of bytes, streamed into the archive with its facts behind it.

use super::standard::Piped;
use bytes::Bytes;
use dicom::Intake;
use media::zip::Entry;
use model::{Arrival, Door};
use port::archive::Stored;
use port::stream::CHUNK_BYTES;
use port::{Archive, Call, Code, Credential, Fault, Item, Request, Response, Sink, Trailer, stream};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the bytes are.
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// In memory (the demo's films).
    Bytes(Vec<u8>),
    /// In an entry of a ZIP file.
    Entry(PathBuf, Box<Entry>),
    /// Coming from elsewhere.
    Pipe(Piped),
}

/// What the archive did.
pub enum Took {
    /// It has it.
    Stored(Stored),
    /// It was not asked: no DICOM prefix (PS3.10 §7.1).
    NotDicom,
}

const PREFIX_END: u64 = 132;

/// Stores one object.
///
/// # Errors
/// The archive's; `bad-object` when the bytes are refused on the way.
pub async fn store(archive: &Arc<dyn Archive>, source: Source) -> Result<Took, Fault> {
    let mut whole: Box<dyn Read + Send> = match source {
        Source::Bytes(bytes) => Box::new(std::io::Cursor::new(bytes)),
        Source::File(path) => Box::new(std::fs::File::open(path).map_err(|_| Code::NotFound)?),
        Source::Entry(path, entry) => {
            let file = std::fs::File::open(path).map_err(|_| Code::NotFound)?;
            Box::new(media::zip::open(file, &entry).map_err(unreadable)?)
        }
        Source::Pipe(pipe) => Box::new(pipe),
    };
    let begun = tokio::task::spawn_blocking(move || {
        let mut start = Vec::new();
        whole.by_ref().take(PREFIX_END).read_to_end(&mut start).map_err(|e| broken(&e))?;
        Ok::<_, Fault>((start, whole))
    });
    let (start, whole) = begun.await.map_err(|_| Code::Internal)??;
    if start.get(128..) != Some(b"DICM") {
        return Ok(Took::NotDicom);
    }
    let reader: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(start).chain(whole));
    let (sink, body) = stream();
    let sending = tokio::task::spawn_blocking(move || send(reader, sink));
    let arrival = Arrival {
        door: Door::Command,
        peer: format!("uid {}", rustix::process::getuid().as_raw()),
        certificate: String::new(),
        calling_ae: String::new(),
        called_ae: String::new(),
        software: crate::wiring::SOFTWARE.to_owned(),
        request: "import".to_owned(),
    };
    let call = Call { credential: Credential::Local, arrival, request: Request::Store { study: None } };
    let answer = archive.call(call, body).await;
    match (answer, sending.await) {
        (Ok((Response::Stored(stored), _)), _) => Ok(Took::Stored(stored)),
        // The bytes are at fault, whatever the archive made of a stream that ended in the middle.
        (Err(_), Ok(Err(refused))) if refused.code != Code::Cut => Err(refused),
        (Err(fault), _) => Err(fault),
        (Ok(_), _) => Err(Code::Internal.into()),
    }
}

fn send(mut reader: Box<dyn Read + Send>, sink: Sink) -> Result<(), Fault> {
    let mut intake = Intake::new();
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut filled = 0;
        while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match reader.read(rest) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(broken(&e)),
            }
        }
        if filled == 0 {
            break;
        }
        chunk.truncate(filled);
        intake.push(&chunk).map_err(refusal)?;
        sink.blocking_send(Item::Chunk(Bytes::from(chunk)))?;
    }
    let parsed = intake.finish().map_err(refusal)?;
    sink.blocking_send(Item::Trailer(Box::new(Trailer::Facts(parsed.facts))))?;
    sink.blocking_send(Item::End)
}

/// A source that ends where it may not, a folder, a bad sector: this one object is refused, and the next ones come.
fn broken(_: &std::io::Error) -> Fault {
    Code::BadObject.into()
}

fn unreadable(error: media::Error) -> Fault {
    match error {
        media::Error::TooLarge(_) => Code::TooLarge.into(),
        media::Error::Unsupported(_) => Code::Unsupported.into(),
        _ => Code::BadObject.into(),
    }
}

fn refusal(error: dicom::Error) -> Fault {
    match error {
        dicom::Error::TooLarge(_) => Code::TooLarge.into(),
        _ => Code::BadObject.into(),
    }
}
