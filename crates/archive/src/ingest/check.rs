//! Facts come from a gateway that parsed hostile bytes: they are held against the bytes that came, and believed no further.

use super::receive::Received;
use model::{FrameSpan, InstanceFacts, Uid, limits};
use port::{Code, Fault};

/// An object whose facts fit its bytes.
pub struct Checked(pub(super) Received);

impl Checked {
    /// What is said of it.
    pub const fn facts(&self) -> &InstanceFacts {
        &self.0.facts
    }
}

/// Checks.
pub fn check(received: Received, study: Option<&Uid>) -> Result<Checked, Fault> {
    let facts = &received.facts;
    // PS3.18 §10.5.1: a store to one study takes no other.
    if study.is_some_and(|study| *study != facts.study_uid) {
        return Err(Code::BadRequest.into());
    }
    let fits = facts.head_len <= received.trailer.len
        && facts.head_len <= limits::HEADER_BYTES as u64
        && facts.frames.len() <= limits::FRAMES as usize
        && spans(facts).all(|span| span_fits(span, received.trailer.len))
        && image_fits(facts);
    if fits { Ok(Checked(received)) } else { Err(Code::BadObject.into()) }
}

fn spans(facts: &InstanceFacts) -> impl Iterator<Item = &FrameSpan> {
    facts.frames.iter().flatten()
}

fn span_fits(span: &FrameSpan, len: u64) -> bool {
    span.offset.checked_add(span.len).is_some_and(|end| end <= len)
}

fn image_fits(facts: &InstanceFacts) -> bool {
    facts.image.as_ref().is_none_or(|image| {
        image.frame_bytes().is_some()
            && (1..=limits::FRAMES).contains(&image.frames)
            && matches!(image.samples, 1 | 3)
            && (1..=image.bits_allocated).contains(&image.bits_stored)
            && image.high_bit < image.bits_allocated
            && image.transfer_syntax == facts.transfer_syntax
    })
}
