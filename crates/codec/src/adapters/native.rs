//! Native pixel data (PS3.5 §8.1.1, §8.2; PS3.3 C.7.6.3.1.2).

use super::{packed_bytes, pixels};
use crate::samples::{Raw, from_le_bytes, interleave, unpack_bits};
use crate::{Deadline, Error, Result};
use model::{ImageInfo, Photometric, Samples};

/// Little endian.
pub fn little(image: &ImageInfo, encoded: &[u8], _: &Deadline<'_>) -> Result<Raw> {
    unpack(image, encoded, false)
}

/// Big endian. Bytes of 8-bit samples are taken in order: the header's OB.
pub fn big(image: &ImageInfo, encoded: &[u8], _: &Deadline<'_>) -> Result<Raw> {
    unpack(image, encoded, true)
}

fn unpack(image: &ImageInfo, encoded: &[u8], big: bool) -> Result<Raw> {
    if image.photometric == Photometric::YbrFull422 {
        let data = halves(image, exact(encoded, pixels(image) * 2)?)?;
        return Ok(Raw { data: Samples::U8(data), as_header: true });
    }
    let bytes = exact(encoded, packed_bytes(image))?;
    let data = match image.bits_allocated {
        1 => unpack_bits(bytes, pixels(image) * usize::from(image.samples))?,
        16 if big => Samples::U16(bytes.as_chunks().0.iter().map(|c| u16::from_be_bytes(*c)).collect()),
        32 if big => Samples::U32(bytes.as_chunks().0.iter().map(|c| u32::from_be_bytes(*c)).collect()),
        bits => from_le_bytes(bits, bytes)?,
    };
    let planes = if image.planar { usize::from(image.samples) } else { 1 };
    Ok(Raw { data: interleave(data, planes), as_header: true })
}

/// The frame's bytes; a value of odd length may carry its padding.
fn exact(encoded: &[u8], need: usize) -> Result<&[u8]> {
    match encoded.len() {
        len if len == need || len == need + need % 2 => encoded.get(..need).ok_or(Error::Malformed("length")),
        _ => Err(Error::Disagree("length")),
    }
}

/// `YBR_FULL_422`, stored as Y Y Cb Cr for two pixels: both get the pair's chrominance.
fn halves(image: &ImageInfo, bytes: &[u8]) -> Result<Vec<u8>> {
    if image.bits_allocated != 8 || !image.columns.is_multiple_of(2) || image.planar {
        return Err(Error::Unsupported("this form of YBR_FULL_422"));
    }
    let (pairs, _) = bytes.as_chunks::<4>();
    Ok(pairs.iter().flat_map(|[a, b, cb, cr]| [*a, *cb, *cr, *b, *cb, *cr]).collect())
}
