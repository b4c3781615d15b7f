//! One binary value of one instance (PS3.18 §10.4.1.1.5), whole or in part (RFC 9110 §14). Pixel data pass the gate of all
//! pixels; every other value comes out of the header that the words plan and the mask leave.

use super::Leaves;
use super::check::{EXPLICIT_LITTLE_ENDIAN, PIXEL_DATA, labelled, native};
use super::deliver::{self, From, Outflow};
use bytes::Bytes;
use port::archive::ByteRange;
use port::pixels::HeadForm;
use port::stream::Span;
use port::{Code, Fault, Item};

const OCTETS: &str = "application/octet-stream";

/// Sends a value. A part that is not there is `bad-request`: known only when the value is, after the entry.
pub async fn value(
    from: &From<'_>,
    path: &str,
    range: Option<ByteRange>,
    sink: &Outflow<'_>,
) -> Result<(), Fault> {
    if path == PIXEL_DATA && from.chosen.instance.record.image.is_some() {
        return pixels(from, range, sink).await;
    }
    let (value, _) = from.head(HeadForm::Value { path: path.to_owned() }).await?;
    let span = begin(from, range, value.len() as u64, sink).await?;
    let (start, end) = (usize::try_from(span.from), usize::try_from(span.to));
    let (Ok(start), Ok(end)) = (start, end) else { return Err(Code::Internal.into()) };
    sink.bytes(value.slice(start.min(value.len())..end.min(value.len()))).await
}

/// Announces the bytes that follow.
async fn begin(
    from: &From<'_>,
    range: Option<ByteRange>,
    total: u64,
    sink: &Outflow<'_>,
) -> Result<Span, Fault> {
    let (start, end) = match range {
        None => (0, total),
        Some(range) => range.of(total).ok_or(Code::BadRequest)?,
    };
    let span = Span { from: start, to: end, total };
    let part = from.part(OCTETS, Some(EXPLICIT_LITTLE_ENDIAN), None)?;
    sink.send(Item::Part(port::Part { span: range.map(|_| Box::new(span)), ..part })).await?;
    Ok(span)
}

/// Fragments come frame by frame, each a part; native samples are one value, frame after frame.
async fn pixels(from: &From<'_>, range: Option<ByteRange>, sink: &Outflow<'_>) -> Result<(), Fault> {
    let image = from.image()?;
    let edited = from.chosen.leaves == Leaves::Edited;
    let as_stored = !edited && from.chosen.leaves != Leaves::Decoded;
    if edited || (as_stored && !native(labelled(from.chosen, false))) {
        for number in from.frames(&[])? {
            deliver::frame(from, number, sink).await?;
        }
        return Ok(());
    }
    let frame_len = if as_stored {
        let spans = from.object.frames().first().ok_or(Code::Unsupported)?;
        spans.iter().map(|span| span.len).sum()
    } else {
        image.frame_bytes().ok_or(Code::TooLarge)? as u64
    };
    let total = frame_len.checked_mul(image.frames.into()).ok_or(Code::TooLarge)?;
    // The first frame that is needed, before anything is said: what cannot be decoded is refused.
    let wanted = range.map_or(Some((0, total)), |range| range.of(total)).ok_or(Code::BadRequest)?;
    let frame = |number: u64| samples(from, number, as_stored);
    let mut at = wanted.0 / frame_len.max(1);
    let mut bytes = frame(at).await?;
    let span = begin(from, range, total, sink).await?;
    loop {
        let start = at * frame_len;
        let cut =
            |place: u64| usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
        sink.bytes(bytes.slice(cut(span.from)..cut(span.to))).await?;
        if start + frame_len >= span.to {
            return Ok(());
        }
        at += 1;
        bytes = frame(at).await?;
    }
}

/// Native samples of a frame, 0-based.
async fn samples(from: &From<'_>, index: u64, as_stored: bool) -> Result<Bytes, Fault> {
    let number = u32::try_from(index + 1).map_err(|_| Code::NotFound)?;
    if as_stored {
        return deliver::fragments(from.object, number).await;
    }
    from.native(number).await
}
