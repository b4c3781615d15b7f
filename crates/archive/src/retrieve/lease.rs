//! Asking a pixel worker, and the one place where what it returns is believed: after plan, dimensions and length agree.

use super::{Chosen, Plan, Release};
use crate::object::ObjectReader;
use crate::vault::Vault;
use bytes::Bytes;
use model::{Attributes, ImageInfo, Words, limits};
use port::pixels::{FrameLease, HeadForm, HeadLease, Mask, Output, WordsPlan};
use port::{Code, Fault, Item, Lease, Outcome, Part, Sink, Stream, stream};

/// Bytes of one frame in which the grant's plan was carried out.
#[must_use]
pub struct Redacted(Bytes);

impl Redacted {
    /// `assertion`: these bytes answer this lease. A worker holds no key and no other film, but it parses hostile bytes:
    /// what it returns must at least be of the plan, the size and the form that was leased.
    fn from_lease(
        lease: &FrameLease,
        digest: [u8; 32],
        outcome: &Outcome,
        bytes: Bytes,
    ) -> Result<Self, Fault> {
        let Outcome::Frame { plan_digest, rows, columns, len } = outcome else {
            return Err(Code::Internal.into());
        };
        let image = &lease.image;
        let sized = match &lease.output {
            Output::Native => {
                (*rows, *columns) == (image.rows, image.columns)
                    && image.frame_bytes().is_some_and(|expected| expected == bytes.len())
            }
            // Two bytes by which each such stream begins (ISO 10918-1 B.2.1).
            Output::Coded => {
                (*rows, *columns) == (image.rows, image.columns) && bytes.starts_with(&[0xFF, 0xD8])
            }
            Output::Picture { picture, .. } => {
                picture.view.size(image.rows, image.columns) == Some((*rows, *columns))
            }
        };
        let whole = *len == bytes.len() as u64;
        if crypto::same(plan_digest, &digest) && sized && whole {
            Ok(Self(bytes))
        } else {
            tracing::error!("a worker's answer does not fit its lease");
            Err(Code::Internal.into())
        }
    }

    /// The bytes, to be sent.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// Leases one frame.
pub async fn frame(
    vault: &Vault,
    release: &Release,
    chosen: &Chosen,
    object: &ObjectReader,
    (index, encoded): (u32, Bytes),
    output: Output,
) -> Result<Redacted, Fault> {
    let image = chosen.instance.record.image.clone().ok_or(Code::Unsupported)?;
    let mask = match &chosen.plan {
        Plan::Clear => None,
        Plan::Masked { regions, .. } => Some(Mask {
            regions: regions.clone(),
            mosaic: vault.mosaic(release.study.patient(), &chosen.instance.record, index).await?,
        }),
    };
    let digest = privacy::plan_digest(mask.as_ref().map(|m| (&*m.regions, m.mosaic.as_ref())), index);
    let lease = FrameLease { image, frame: index, mask, output };
    let limit = bytes_allowed(&lease.image, &lease.output);
    let body = match lease.output {
        Output::Native | Output::Coded => port::stream::of_bytes(encoded),
        Output::Picture { .. } => with_head(object, chosen.instance.record.head_len, index, encoded),
    };
    let (outcome, answer) = vault.pixels.work(Lease::Frame(Box::new(lease.clone())), body).await?;
    let bytes = answer.collect(limit).await?;
    Redacted::from_lease(&lease, digest, &outcome, bytes.into())
}

/// A picture is never larger than its samples with room for headers.
fn bytes_allowed(image: &ImageInfo, output: &Output) -> usize {
    match output {
        Output::Native => image.frame_bytes().unwrap_or(0),
        Output::Coded => limits::ENCODED_FRAME_BYTES,
        Output::Picture { .. } => limits::FRAME_BYTES,
    }
}

/// Leases the header in a form; gives what the index would keep of it as well.
pub async fn head(
    vault: &Vault,
    release: &Release,
    chosen: &Chosen,
    object: &ObjectReader,
    form: HeadForm,
) -> Result<(Bytes, Attributes), Fault> {
    let record = &chosen.instance.record;
    let words = match release.grant.visibility().words {
        Words::Full => WordsPlan::Full,
        Words::Pseudonymous => {
            WordsPlan::Pseudonymous { project_key: vault.sealing.project_key(&vault.tenant) }
        }
        Words::None | Words::Reduced => return Err(Code::NotFound.into()),
    };
    let masked = chosen.plan != Plan::Clear;
    let lease = HeadLease {
        words,
        masked,
        form,
        image: record.image.clone(),
        sop_uid: record.sop_uid.clone(),
        derived_uid: chosen.derived.clone(),
        corrections: chosen.corrections.clone(),
    };
    of_head(vault, lease, object, record.head_len).await
}

/// Leases a header.
pub async fn of_head(
    vault: &Vault,
    lease: HeadLease,
    object: &ObjectReader,
    head_len: u64,
) -> Result<(Bytes, Attributes), Fault> {
    let body = head_body(object, head_len);
    let (outcome, answer) = vault.pixels.work(Lease::Head(Box::new(lease)), body).await?;
    let Outcome::Head { len, attributes } = outcome else { return Err(Code::Internal.into()) };
    let bytes = answer.collect(limits::HEADER_BYTES * 4).await?;
    if bytes.len() as u64 != len {
        return Err(Code::Internal.into());
    }
    Ok((bytes.into(), attributes))
}

fn head_body(object: &ObjectReader, head_len: u64) -> Stream {
    let object = object.clone();
    let (sink, body) = stream();
    tokio::spawn(async move {
        match send_head(&object, head_len, &sink).await {
            Ok(()) => drop(sink.finish().await),
            Err(fault) => sink.fail(fault).await,
        }
    });
    body
}

/// A picture's body: the head says how its greys are made (window, tables, what differs by frame).
fn with_head(object: &ObjectReader, head_len: u64, index: u32, encoded: Bytes) -> Stream {
    let object = object.clone();
    let (sink, body) = stream();
    let part = |frame| {
        Item::Part(Part {
            media: String::new(),
            transfer_syntax: None,
            instance: None,
            frame,
            span: None,
            derived: false,
        })
    };
    tokio::spawn(async move {
        let send = async {
            sink.send(part(None)).await?;
            send_head(&object, head_len, &sink).await?;
            sink.send(part(Some(index + 1))).await?;
            sink.bytes(encoded).await
        };
        match send.await {
            Ok(()) => drop(sink.finish().await),
            Err(fault) => sink.fail(fault).await,
        }
    });
    body
}

async fn send_head(object: &ObjectReader, head_len: u64, sink: &Sink) -> Result<(), Fault> {
    let mut at = 0;
    while at < head_len {
        let end = head_len.min(at + limits::CHUNK_BYTES as u64);
        sink.bytes(object.read(at..end).await?).await?;
        at = end;
    }
    Ok(())
}
