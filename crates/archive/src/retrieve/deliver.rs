//! Sends the parts. Needs the receipt of the entry: nothing flows before it is durable (DESIGN.md §2.2).

use super::admit;
use super::check::{EXPLICIT_LITTLE_ENDIAN, as_stored, file_syntax, framed, native};
use super::lease::{self, Redacted};
use super::{Chosen, Plan, Release};
use crate::object::ObjectReader;
use crate::vault::Vault;
use bytes::Bytes;
use ledger::Receipt;
use model::{FrameSpan, ImageInfo, limits};
use policy::Lapse;
use port::archive::Form;
use port::pixels::Output;
use port::{Code, Fault, Item, Part, Sink, Stream, stream};
use std::sync::Arc;
use std::time::Duration;

/// A release is looked at again this often while it waits for a worker or a slow client, beside every chunk
/// (DESIGN.md: revoked everywhere within a second).
const WATCH: Duration = Duration::from_millis(250);

/// Starts sending; dropping the stream stops it.
pub fn deliver(vault: Arc<Vault>, release: Release, receipt: Receipt) -> Stream {
    let (sink, stream) = stream();
    tokio::spawn(async move {
        let out = Outflow { vault: &vault, release: &release, sink: &sink };
        let sent = tokio::select! {
            sent = parts(&vault, &release, &receipt, &out) => sent,
            lapse = lapsed(&vault, &release) => Err(ended(lapse)),
        };
        match sent {
            Ok(()) => drop(sink.finish().await),
            Err(fault) => {
                tracing::warn!(entry = receipt.index(), code = fault.code.as_str(), "release was cut");
                sink.fail(fault).await;
            }
        }
    });
    stream
}

/// The way out: everything passes here, and nothing does once the release has lapsed.
struct Outflow<'a> {
    vault: &'a Vault,
    release: &'a Release,
    sink: &'a Sink,
}

impl Outflow<'_> {
    async fn send(&self, item: Item) -> Result<(), Fault> {
        admit::still(self.vault, self.release).map_err(ended)?;
        self.sink.send(item).await
    }

    async fn bytes(&self, mut bytes: Bytes) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(limits::CHUNK_BYTES));
            self.send(Item::Chunk(chunk)).await?;
        }
        Ok(())
    }
}

fn ended(lapse: Lapse) -> Fault {
    tracing::info!(cause = lapse.as_str(), "a release ended before its end");
    Code::OpenAnew.into()
}

async fn lapsed(vault: &Vault, release: &Release) -> Lapse {
    loop {
        tokio::time::sleep(WATCH).await;
        if let Err(lapse) = admit::still(vault, release) {
            return lapse;
        }
    }
}

async fn parts(
    vault: &Vault,
    release: &Release,
    _receipt: &Receipt,
    sink: &Outflow<'_>,
) -> Result<(), Fault> {
    for chosen in &release.chosen {
        let object = vault.open_object(release.study.patient(), &chosen.instance.record).await?;
        match &release.form {
            Form::Instances => instance(vault, release, chosen, &object, sink).await?,
            Form::Metadata => metadata(vault, release, chosen, &object, sink).await?,
            Form::Frames { numbers, stored } => {
                for number in numbers {
                    frame(vault, release, chosen, &object, (*number, *stored), sink).await?;
                }
            }
            Form::Rendered { numbers, png, quality, window, side } => {
                let output = Output::Picture {
                    png: *png,
                    quality: *quality,
                    window: *window,
                    side: *side,
                    label: true,
                };
                let media = if *png { "image/png" } else { "image/jpeg" };
                let first = [1];
                for number in if numbers.is_empty() { &first[..] } else { numbers } {
                    let picture = redacted(vault, release, chosen, &object, *number, output.clone()).await?;
                    sink.send(Item::Part(part(chosen, media, None, Some(*number))?)).await?;
                    sink.bytes(picture.into_bytes()).await?;
                }
            }
        }
    }
    Ok(())
}

fn part(chosen: &Chosen, media: &str, syntax: Option<&str>, frame: Option<u32>) -> Result<Part, Fault> {
    let transfer_syntax = syntax.map(str::parse).transpose().map_err(|_| Code::Internal)?;
    Ok(Part { media: media.to_owned(), transfer_syntax, instance: Some(chosen.shown.clone()), frame })
}

/// A DICOM file: as stored when clear (but for a preamble of zeros: polyglots end here), else a derived one.
async fn instance(
    vault: &Vault,
    release: &Release,
    chosen: &Chosen,
    object: &ObjectReader,
    sink: &Outflow<'_>,
) -> Result<(), Fault> {
    let record = &chosen.instance.record;
    if chosen.plan == Plan::Clear && !chosen.decoded {
        let head = match &chosen.corrections {
            Some(_) => Some(lease::head(vault, release, chosen, object, lease::Head::AsStored).await?),
            None => None,
        };
        sink.send(Item::Part(part(chosen, "application/dicom", Some(file_syntax(chosen)), None)?)).await?;
        return stored(object, head, record.head_len, sink).await;
    }
    let image = record.image.as_ref().ok_or(Code::Unsupported)?;
    let head = lease::head(vault, release, chosen, object, lease::Head::Derived).await?;
    sink.send(Item::Part(part(chosen, "application/dicom", Some(EXPLICIT_LITTLE_ENDIAN), None)?)).await?;
    sink.bytes(head).await?;
    let mut sent = 0u64;
    for number in 1..=image.frames {
        let bytes = redacted(vault, release, chosen, object, number, Output::Native).await?.into_bytes();
        sent += bytes.len() as u64;
        sink.bytes(bytes).await?;
    }
    if sent % 2 == 1 {
        sink.bytes(Bytes::from_static(&[0])).await?; // PS3.5 §8.1.1: even length
    }
    Ok(())
}

/// Bytes of an object that are opened at once.
const READ_BYTES: u64 = 16 * limits::CHUNK_BYTES as u64;

/// The file as it came, behind a preamble of zeros or behind its corrected head.
async fn stored(
    object: &ObjectReader,
    head: Option<Bytes>,
    head_len: u64,
    sink: &Outflow<'_>,
) -> Result<(), Fault> {
    const PREAMBLE: u64 = 128;
    let mut at = if head.is_some() { head_len } else { PREAMBLE };
    sink.bytes(head.unwrap_or_else(|| Bytes::from_static(&[0; PREAMBLE as usize]))).await?;
    while at < object.len() {
        // Ends with a chunk: each is opened once.
        let end = object.len().min((at / READ_BYTES + 1) * READ_BYTES);
        sink.bytes(object.read(at..end).await?).await?;
        at = end;
    }
    Ok(())
}

async fn metadata(
    vault: &Vault,
    release: &Release,
    chosen: &Chosen,
    object: &ObjectReader,
    sink: &Outflow<'_>,
) -> Result<(), Fault> {
    let json = lease::head(vault, release, chosen, object, lease::Head::Json).await?;
    sink.send(Item::Part(part(chosen, "application/dicom+json", None, None)?)).await?;
    sink.bytes(json).await
}

/// One frame: the stored bytes when clear and the caller takes them, else native samples.
async fn frame(
    vault: &Vault,
    release: &Release,
    chosen: &Chosen,
    object: &ObjectReader,
    (number, stored): (u32, bool),
    sink: &Outflow<'_>,
) -> Result<(), Fault> {
    let record = &chosen.instance.record;
    let native = native(record.transfer_syntax.as_str());
    let stored = stored && framed(record.transfer_syntax.as_str());
    if as_stored(release, chosen) && (stored || native) {
        let syntax = if native { EXPLICIT_LITTLE_ENDIAN } else { record.transfer_syntax.as_str() };
        let bytes = fragments(object, number).await?;
        sink.send(Item::Part(part(chosen, "application/octet-stream", Some(syntax), Some(number))?)).await?;
        return sink.bytes(bytes).await;
    }
    let picture = redacted(vault, release, chosen, object, number, Output::Native).await?;
    let syntax = Some(EXPLICIT_LITTLE_ENDIAN);
    sink.send(Item::Part(part(chosen, "application/octet-stream", syntax, Some(number))?)).await?;
    sink.bytes(picture.into_bytes()).await
}

async fn redacted(
    vault: &Vault,
    release: &Release,
    chosen: &Chosen,
    object: &ObjectReader,
    number: u32,
    output: Output,
) -> Result<Redacted, Fault> {
    let image: &ImageInfo = chosen.instance.record.image.as_ref().ok_or(Code::Unsupported)?;
    let index = number.checked_sub(1).filter(|i| *i < image.frames).ok_or(Code::NotFound)?;
    let encoded = fragments(object, number).await?;
    lease::frame(vault, release, chosen, object, (index, encoded), output).await
}

/// The encoded bytes of a frame, its fragments joined.
pub async fn fragments(object: &ObjectReader, number: u32) -> Result<Bytes, Fault> {
    let index = number.checked_sub(1).ok_or(Code::NotFound)?;
    let spans: &[FrameSpan] = object.frames().get(index as usize).ok_or(Code::NotFound)?;
    let total: u64 = spans.iter().map(|s| s.len).sum();
    if total > limits::ENCODED_FRAME_BYTES as u64 {
        return Err(Code::TooLarge.into());
    }
    match spans {
        [one] => object.read(one.offset..one.offset + one.len).await,
        many => {
            let mut joined = Vec::new();
            for span in many {
                joined.extend_from_slice(&object.read(span.offset..span.offset + span.len).await?);
            }
            Ok(joined.into())
        }
    }
}
