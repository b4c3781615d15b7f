//! What is known when the last byte has come. Varints (LEB128), so that a CT's table of one frame costs a few bytes.

use crate::Error;
use model::{FrameSpan, limits};

/// The sealed last chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trailer {
    /// Bytes of the object.
    pub len: u64,
    /// Bytes before the pixel data.
    pub head_len: u64,
    /// SHA-256 of the object.
    pub digest: [u8; 32],
    /// Spans of the fragments of each frame.
    pub frames: Vec<Vec<FrameSpan>>,
}

/// A sealed trailer is never longer: 100,000 frames of several fragments.
pub const SEALED_TRAILER_BYTES: usize = 16 << 20;
/// Fragments of all frames together.
const FRAGMENTS: u64 = 1 << 20;

impl Trailer {
    /// `digest(32) ‖ len ‖ head_len ‖ frames ‖ (fragments ‖ (offset ‖ len)*)*`, numbers as varints; an offset as the
    /// distance from the end of the fragment before.
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut out = self.digest.to_vec();
        put(&mut out, self.len);
        put(&mut out, self.head_len);
        put(&mut out, self.frames.len() as u64);
        let mut end = 0u64;
        for frame in &self.frames {
            put(&mut out, frame.len() as u64);
            for span in frame {
                // Zigzag: fragments may stand in any order.
                let distance = i128::from(span.offset) - i128::from(end);
                let distance = i64::try_from(distance).map_err(|_| Error::TooLarge)?;
                put(&mut out, ((distance << 1) ^ (distance >> 63)).cast_unsigned());
                put(&mut out, span.len);
                end = span.offset.checked_add(span.len).ok_or(Error::TooLarge)?;
            }
        }
        if out.len() + 64 > SEALED_TRAILER_BYTES { Err(Error::TooLarge) } else { Ok(out) }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (digest, mut rest) = bytes.split_first_chunk::<32>().ok_or(Error::Broken)?;
        let len = take(&mut rest)?;
        let head_len = take(&mut rest)?;
        let count = take(&mut rest)?;
        if count > u64::from(limits::FRAMES) {
            return Err(Error::Broken);
        }
        let (mut frames, mut end, mut fragments) = (Vec::new(), 0u64, 0u64);
        for _ in 0..count {
            let spans = take(&mut rest)?;
            fragments += spans.min(FRAGMENTS + 1);
            if fragments > FRAGMENTS {
                return Err(Error::Broken);
            }
            let mut frame = Vec::new();
            for _ in 0..spans {
                let zigzag = take(&mut rest)?;
                let distance = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
                let offset = end.checked_add_signed(distance).ok_or(Error::Broken)?;
                let len = take(&mut rest)?;
                end = offset.checked_add(len).ok_or(Error::Broken)?;
                frame.push(FrameSpan { offset, len });
            }
            frames.push(frame);
        }
        if rest.is_empty() { Ok(Self { len, head_len, digest: *digest, frames }) } else { Err(Error::Broken) }
    }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(rest: &mut &[u8]) -> Result<u64, Error> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first().ok_or(Error::Broken)?;
        *rest = tail;
        let bits = u64::from(byte & 0x7F);
        if shift == 63 && bits > 1 {
            return Err(Error::Broken);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::Broken)
}
