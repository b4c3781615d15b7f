//! RLE Lossless (PS3.5 annex G). Our own: dicom-rs' adapter trusts the header's count and unpacks segments unbounded.

use super::{packed_bytes, pixels, ratio};
use crate::samples::{Raw, from_le_bytes, unpack_bits};
use crate::{Deadline, Error, Result};
use model::{ImageInfo, Photometric};

/// A run turns 2 bytes into at most 128.
const RATIO: usize = 64;
/// The header: a count and 15 offsets.
const HEADER: usize = 64;
const SEGMENTS: usize = 15;

/// Unpacks the segments: for each sample its bytes, the most significant first.
pub fn decode(image: &ImageInfo, encoded: &[u8], deadline: &Deadline<'_>) -> Result<Raw> {
    if image.photometric == Photometric::YbrFull422 {
        return Err(Error::Unsupported("this form of YBR_FULL_422"));
    }
    ratio(image, encoded, RATIO)?;
    let samples = usize::from(image.samples);
    let bits = usize::from(image.bits_allocated);
    let (bytes, plane) = if bits == 1 { (1, packed_bytes(image)) } else { (bits / 8, pixels(image)) };
    if bits == 1 && samples != 1 {
        return Err(Error::Unsupported("colour of one bit"));
    }
    let segments = segments(encoded, samples * bytes)?;
    let mut out = vec![0; packed_bytes(image)];
    let mut unpacked = Vec::with_capacity(plane);
    for (i, segment) in segments.iter().enumerate() {
        deadline.check()?;
        unpack(segment, plane, &mut unpacked)?;
        let first = (i / bytes) * bytes + (bytes - 1 - i % bytes);
        let places = out.iter_mut().skip(first).step_by(samples * bytes);
        places.zip(&unpacked).for_each(|(to, from)| *to = *from);
    }
    let data = if bits == 1 {
        unpack_bits(&out, pixels(image))?
    } else {
        from_le_bytes(image.bits_allocated, &out)?
    };
    Ok(Raw { data, as_header: true })
}

/// The segments that the header names, exactly as many as the frame needs, in order and inside the bytes.
fn segments(encoded: &[u8], count: usize) -> Result<Vec<&[u8]>> {
    let header = encoded.get(..HEADER).ok_or(Error::Malformed("RLE header"))?;
    let (words, _) = header.as_chunks::<4>();
    let mut words = words.iter().map(|w| u32::from_le_bytes(*w) as usize);
    if words.next() != Some(count) || count > SEGMENTS {
        return Err(Error::Disagree("number of segments"));
    }
    let mut edges: Vec<usize> = words.take(count).collect();
    edges.push(encoded.len());
    let spans = edges.iter().zip(edges.iter().skip(1));
    spans
        .map(|(start, end)| {
            let inside = *start >= HEADER && start <= end;
            encoded.get(*start..*end).filter(|_| inside).ok_or(Error::Malformed("RLE offsets"))
        })
        .collect()
}

/// PackBits (annex G.3.2) until the plane is full. What follows is padding.
fn unpack(mut segment: &[u8], plane: usize, out: &mut Vec<u8>) -> Result<()> {
    const CUT: Error = Error::Malformed("RLE segment");
    out.clear();
    while out.len() < plane {
        let (control, rest) = segment.split_first().ok_or(CUT)?;
        let left = plane - out.len();
        segment = match control.cast_signed() {
            -128 => rest,
            n if n >= 0 => {
                let (run, rest) = rest.split_at_checked(usize::from(*control) + 1).ok_or(CUT)?;
                out.extend_from_slice(run.get(..left).unwrap_or(run));
                rest
            }
            n => {
                let (value, rest) = rest.split_first().ok_or(CUT)?;
                let run = usize::from(n.unsigned_abs()) + 1;
                out.resize(out.len() + run.min(left), *value);
                rest
            }
        };
    }
    Ok(())
}
