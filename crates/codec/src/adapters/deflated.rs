//! Deflated Image Frame Compression (PS3.5 A.4.13, RFC 1951): the native bytes of one frame, deflated.

use super::{native, packed_bytes, ratio};
use crate::deadline::Timed;
use crate::samples::Raw;
use crate::{Deadline, Error, Result};
use flate2::read::DeflateDecoder;
use model::ImageInfo;
use std::io::Read;

/// Deflate's best case: 258 bytes out of two bits.
const RATIO: usize = 1032;

/// Inflates, never more than the frame has and its padding.
pub fn decode(image: &ImageInfo, encoded: &[u8], deadline: &Deadline<'_>) -> Result<Raw> {
    ratio(image, encoded, RATIO)?;
    let need = packed_bytes(image);
    let mut out = Vec::with_capacity(need + 2);
    DeflateDecoder::new(Timed { rest: encoded, deadline: *deadline })
        .take(need as u64 + 2)
        .read_to_end(&mut out)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::TimedOut => Error::OutOfTime,
            _ => Error::Malformed("deflate stream"),
        })?;
    native::little(image, &out, deadline)
}
