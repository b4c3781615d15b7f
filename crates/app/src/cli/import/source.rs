//! One file or one run of bytes, streamed into the archive with its facts behind it.

use bytes::Bytes;
use dicom::Intake;
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
    let reader: Box<dyn Read + Send> = match source {
        Source::Bytes(bytes) => Box::new(std::io::Cursor::new(bytes)),
        Source::File(path) => {
            let mut file = std::fs::File::open(path).map_err(|_| Code::NotFound)?;
            let mut start = Vec::new();
            file.by_ref().take(PREFIX_END).read_to_end(&mut start).map_err(|_| Code::Cut)?;
            if start.get(128..) != Some(b"DICM") {
                return Ok(Took::NotDicom);
            }
            Box::new(std::io::Cursor::new(start).chain(file))
        }
    };
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
                Err(_) => return Err(Code::Cut.into()),
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

fn refusal(error: dicom::Error) -> Fault {
    match error {
        dicom::Error::TooLarge(_) => Code::TooLarge.into(),
        _ => Code::BadObject.into(),
    }
}
