//! Sends the parts. Needs the receipt of the entry: nothing flows before it is durable (DESIGN.md §2.2).

use super::check::{EXPLICIT_LITTLE_ENDIAN, framed, labelled, native, takes_native};
use super::lease::{self, Redacted};
use super::{Chosen, Leaves, Plan, Release, admit, annotate, manifest, value};
use crate::object::ObjectReader;
use crate::vault::Vault;
use bytes::Bytes;
use ledger::Receipt;
use model::{Attributes, FrameSpan, ImageInfo, limits};
use policy::Lapse;
use port::archive::Form;
use port::pixels::{HeadForm, Output};
use port::{Code, Fault, Item, Part, Sink, Stream, stream};
use std::ops::Range;
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
pub struct Outflow<'a> {
    vault: &'a Vault,
    release: &'a Release,
    sink: &'a Sink,
}

impl Outflow<'_> {
    pub async fn send(&self, item: Item) -> Result<(), Fault> {
        admit::still(self.vault, self.release).map_err(ended)?;
        self.sink.send(item).await
    }

    pub async fn bytes(&self, mut bytes: Bytes) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(limits::CHUNK_BYTES));
            self.send(Item::Chunk(chunk)).await?;
        }
        Ok(())
    }
}

impl Outflow<'_> {
    /// A run of an object's bytes, chunk by chunk.
    pub async fn read(&self, object: &ObjectReader, range: Range<u64>) -> Result<(), Fault> {
        let mut at = range.start;
        while at < range.end {
            // Ends with a chunk: each is opened once.
            let end = range.end.min((at / READ_BYTES + 1) * READ_BYTES);
            self.bytes(object.read(at..end).await?).await?;
            at = end;
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
    if let Form::Metadata { studies } = &release.form {
        return manifest::send(vault, release, studies, sink).await;
    }
    for chosen in &release.chosen {
        let object = vault.open_object(release.study.patient(), &chosen.instance.record).await?;
        let from = From { vault, release, chosen, object: &object };
        match &release.form {
            Form::Instances => instance(&from, sink).await?,
            Form::Metadata { .. } => {} // sent above
            Form::Bulk { path, range } => value::value(&from, path, *range, sink).await?,
            Form::Frames { numbers } => {
                for number in from.frames(numbers)? {
                    frame(&from, number, sink).await?;
                }
            }
            Form::Rendered { numbers, picture, annotation, profile } => {
                let output = Output::Picture {
                    picture: *picture,
                    label: true,
                    words: annotate::lines(&from, *annotation).await?,
                    profile: annotate::profile(&from, *profile).await?,
                };
                let media = if picture.png { "image/png" } else { "image/jpeg" };
                let first = [1];
                for number in if numbers.is_empty() { &first[..] } else { numbers } {
                    let bytes = from.redacted(*number, output.clone()).await?.into_bytes();
                    sink.send(Item::Part(from.part(media, None, Some(*number))?)).await?;
                    sink.bytes(bytes).await?;
                }
            }
        }
    }
    Ok(())
}

/// One instance of a release, opened.
pub struct From<'a> {
    pub vault: &'a Vault,
    pub release: &'a Release,
    pub chosen: &'a Chosen,
    pub object: &'a ObjectReader,
}

impl From<'_> {
    /// Header or value in a form.
    pub async fn head(&self, form: HeadForm) -> Result<(Bytes, Attributes), Fault> {
        lease::head(self.vault, self.release, self.chosen, self.object, form).await
    }

    pub async fn redacted(&self, number: u32, output: Output) -> Result<Redacted, Fault> {
        let image = self.image()?;
        let index = number.checked_sub(1).filter(|i| *i < image.frames).ok_or(Code::NotFound)?;
        let encoded = fragments(self.object, number).await?;
        lease::frame(self.vault, self.release, self.chosen, self.object, (index, encoded), output).await
    }

    /// A frame's native samples.
    pub async fn native(&self, number: u32) -> Result<Bytes, Fault> {
        Ok(self.redacted(number, Output::Native).await?.into_bytes())
    }

    /// A frame painted over as it is coded; nothing: its stream is none that can be, and native samples are taken as well.
    pub async fn edited(&self, number: u32) -> Result<Option<Bytes>, Fault> {
        match self.redacted(number, Output::Coded).await {
            Ok(redacted) => Ok(Some(redacted.into_bytes())),
            Err(fault)
                if matches!(fault.code, Code::Unsupported | Code::BadObject)
                    && takes_native(self.release) =>
            {
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    pub fn image(&self) -> Result<&ImageInfo, Fault> {
        self.chosen.instance.record.image.as_ref().ok_or_else(|| Code::Unsupported.into())
    }

    /// The frames that are named, or all.
    pub fn frames(&self, named: &[u32]) -> Result<Vec<u32>, Fault> {
        let all = self.image()?.frames;
        Ok(if named.is_empty() { (1..=all).collect() } else { named.to_vec() })
    }

    pub fn part(&self, media: &str, syntax: Option<&str>, frame: Option<u32>) -> Result<Part, Fault> {
        let transfer_syntax = syntax.map(str::parse).transpose().map_err(|_| Code::Internal)?;
        let instance = Some(self.chosen.shown.clone());
        let derived = self.chosen.plan != Plan::Clear;
        Ok(Part { media: media.to_owned(), transfer_syntax, instance, frame, span: None, derived })
    }
}

const FILE: &str = "application/dicom";

/// A DICOM file: as stored when clear (but for a preamble of zeros: polyglots end here), else one that is made here.
async fn instance(from: &From<'_>, sink: &Outflow<'_>) -> Result<(), Fault> {
    match from.chosen.leaves {
        Leaves::Stored => stored(from, sink).await,
        Leaves::Copied => {
            let spans: Vec<FrameSpan> = from.object.frames().iter().flatten().copied().collect();
            let image = from.chosen.instance.record.image.is_some();
            if image && spans.is_empty() {
                return Err(Code::Unsupported.into());
            }
            let len: u64 = spans.iter().map(|span| span.len).sum();
            let (head, _) = from.head(HeadForm::Stored(image.then_some(len))).await?;
            sink.send(Item::Part(from.part(FILE, Some(EXPLICIT_LITTLE_ENDIAN), None)?)).await?;
            sink.bytes(head).await?;
            for span in spans {
                sink.read(from.object, span.offset..span.offset + span.len).await?;
            }
            padded(len, sink).await
        }
        Leaves::Edited => match from.edited(1).await? {
            Some(first) => fragmented(from, first, sink).await,
            None => samples(from, sink).await,
        },
        Leaves::Decoded => samples(from, sink).await,
    }
}

/// A file of native samples.
async fn samples(from: &From<'_>, sink: &Outflow<'_>) -> Result<(), Fault> {
    let (head, _) = from.head(HeadForm::File).await?;
    let mut sent = 0u64;
    for number in from.frames(&[])? {
        let bytes = from.native(number).await?;
        // What cannot be decoded is known before anything is sent.
        if number == 1 {
            sink.send(Item::Part(from.part(FILE, Some(EXPLICIT_LITTLE_ENDIAN), None)?)).await?;
            sink.bytes(head.clone()).await?;
        }
        sent += bytes.len() as u64;
        sink.bytes(bytes).await?;
    }
    padded(sent, sink).await
}

/// A file of streams painted over, one a fragment behind an empty offset table (PS3.5 A.4).
async fn fragmented(from: &From<'_>, first: Bytes, sink: &Outflow<'_>) -> Result<(), Fault> {
    const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
    const END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    let (head, _) = from.head(HeadForm::Coded).await?;
    let syntax = from.chosen.instance.record.transfer_syntax.as_str();
    let item = |len: usize| {
        let len = u32::try_from(len.next_multiple_of(2)).map_err(|_| Code::TooLarge)?;
        Ok::<_, Fault>(Bytes::from([ITEM, len.to_le_bytes()].concat()))
    };
    sink.send(Item::Part(from.part(FILE, Some(syntax), None)?)).await?;
    sink.bytes(head).await?;
    sink.bytes(item(0)?).await?;
    let mut next = Some(first);
    for number in from.frames(&[])? {
        let bytes = match next.take() {
            Some(first) => first,
            None => from.edited(number).await?.ok_or(Code::Unsupported)?,
        };
        sink.bytes(item(bytes.len())?).await?;
        let len = bytes.len() as u64;
        sink.bytes(bytes).await?;
        padded(len, sink).await?;
    }
    sink.bytes(Bytes::from_static(&END)).await
}

/// PS3.5 §8.1.1: even length.
async fn padded(len: u64, sink: &Outflow<'_>) -> Result<(), Fault> {
    if len % 2 == 1 { sink.bytes(Bytes::from_static(&[0])).await } else { Ok(()) }
}

/// Bytes of an object that are opened at once.
const READ_BYTES: u64 = 16 * limits::CHUNK_BYTES as u64;

/// The file as it came, behind a preamble of zeros or behind its corrected head.
async fn stored(from: &From<'_>, sink: &Outflow<'_>) -> Result<(), Fault> {
    const PREAMBLE: u64 = 128;
    let (head, start) = if from.chosen.corrections.is_some() {
        (from.head(HeadForm::Corrected).await?.0, from.chosen.instance.record.head_len)
    } else {
        (Bytes::from_static(&[0; PREAMBLE as usize]), PREAMBLE)
    };
    sink.send(Item::Part(from.part(FILE, Some(labelled(from.chosen, true)), None)?)).await?;
    sink.bytes(head).await?;
    sink.read(from.object, start..from.object.len()).await
}

/// A header as DICOM JSON; addresses in it begin with `studies`.
pub async fn metadata(from: &From<'_>, studies: &str) -> Result<Bytes, Fault> {
    let (series, instance) = &from.chosen.shown;
    let study = from.release.asked.as_str();
    let bulk = format!("{studies}/{study}/series/{series}/instances/{instance}/bulkdata/");
    let record = &from.chosen.instance.record;
    // Fragments are OB (PS3.5 A.4), samples are OW or OB alike.
    let syntax = record.transfer_syntax.as_str();
    let fragments = from.chosen.plan == Plan::Clear && !native(syntax) && framed(syntax);
    let pixels = record.image.as_ref().map(|_| if fragments { *b"OB" } else { *b"OW" });
    Ok(from.head(HeadForm::Json { bulk, pixels }).await?.0)
}

/// One frame: the stored bytes when clear and the caller takes them, else native samples.
pub async fn frame(from: &From<'_>, number: u32, sink: &Outflow<'_>) -> Result<(), Fault> {
    const OCTETS: &str = "application/octet-stream";
    let (syntax, bytes) = match from.chosen.leaves {
        Leaves::Stored | Leaves::Copied => {
            let syntax = match from.chosen.leaves {
                Leaves::Stored => labelled(from.chosen, false),
                _ => EXPLICIT_LITTLE_ENDIAN,
            };
            (syntax, fragments(from.object, number).await?)
        }
        Leaves::Decoded => (EXPLICIT_LITTLE_ENDIAN, from.native(number).await?),
        Leaves::Edited => match from.edited(number).await? {
            Some(bytes) => (from.chosen.instance.record.transfer_syntax.as_str(), bytes),
            None => (EXPLICIT_LITTLE_ENDIAN, from.native(number).await?),
        },
    };
    sink.send(Item::Part(from.part(OCTETS, Some(syntax), Some(number))?)).await?;
    sink.bytes(bytes).await
}

/// The encoded bytes of a frame, its fragments joined.
pub async fn fragments(object: &ObjectReader, number: u32) -> Result<Bytes, Fault> {
    let index = number.checked_sub(1).ok_or(Code::NotFound)?;
    let spans: &[FrameSpan] = object.frames().get(index as usize).ok_or(Code::NotFound)?;
    let total: u64 = spans.iter().map(|s| s.len).sum();
    // A native frame is as large as a decoded one, with a byte of padding; of coded ones the decoder asks for less.
    if total > limits::FRAME_BYTES as u64 + 1 {
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
