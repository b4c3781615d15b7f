//! Segmentations from outside, while they come: first what the head says, then the bits. Everything in them is hostile: sizes
//! are compared with bounds and with each other before anything is kept.

use super::{Joined, SEGMENTATION};
use crate::dataset::{FRAME_GROUPS, SHARED_GROUPS, core_tag, items, read_object, text};
use crate::intake::walk::{Header, Stop, Walker};
use crate::intake::{Meta, read_meta};
use dicom_object::InMemDicomObject;
use model::{MaskFault, Referred, Tag, Uid, limits, plane_bytes, tags};

/// Bytes before the pixel data.
const HEAD_BYTES: usize = 8 << 20;
/// References of all frames together.
const REFERENCES: usize = 4 * limits::MASK_PLANES;
/// Native little endian, as segmentations are stored (PS3.5 A.1, A.2).
const PLAIN: [&str; 2] = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"];

const DERIVATION: Tag = 0x0008_9124;
const SOURCE: Tag = 0x0008_2112;

type Result<T> = std::result::Result<T, MaskFault>;

/// What a segmentation says before its bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// (0028,0010), not 0.
    pub rows: u32,
    /// (0028,0011), not 0.
    pub columns: u32,
    /// What each frame is about, at least one image; at most [`limits::MASK_PLANES`].
    pub frames: Vec<Referred>,
}

/// Reads the head.
#[derive(Debug, Default)]
pub struct Reader {
    head: Vec<u8>,
    meta: Option<Meta>,
    walker: Option<Walker>,
}

/// Turns the bytes of the pixel data into planes.
#[derive(Debug)]
pub struct Planes {
    joined: Joined,
    /// Bytes a pixel (FRACTIONAL); else bits.
    fractional: bool,
    /// Bytes that must still come, and bytes of planes that these make.
    left: u64,
    out: u64,
}

impl Reader {
    /// Takes the next bytes; at the end of the head what it says, and the first planes' bytes that came with it.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<(Brought, Planes, Vec<u8>)>> {
        self.head.extend_from_slice(bytes);
        if self.meta.is_none() {
            self.meta = read_meta(&self.head, false).map_err(|_| MaskFault::Unreadable)?;
        }
        let header = match &self.meta {
            Some(meta) if !PLAIN.contains(&meta.syntax.as_str()) => return Err(MaskFault::NoSegmentation),
            Some(meta) => {
                let walker = self.walker.get_or_insert_with(|| Walker::new(meta.coding, meta.end));
                match walker.advance(&self.head).map_err(|_| MaskFault::Unreadable)? {
                    Stop::Pixels(header) => Some(header),
                    Stop::More => None,
                }
            }
            None => None,
        };
        // What came with the last bytes of the head is not of it.
        if header.map_or(self.head.len(), |header| header.start) > HEAD_BYTES {
            return Err(MaskFault::TooMany);
        }
        let Some(header) = header else { return Ok(None) };
        let pixels = self.head.split_off((header.start + header.header_len).min(self.head.len()));
        self.head.truncate(header.start);
        let (brought, mut planes) = said(&std::mem::take(&mut self.head), header)?;
        let first = planes.push(&pixels);
        Ok(Some((brought, planes, first)))
    }
}

impl Planes {
    /// Takes the next bytes of the pixel data; planes' bytes come back. What follows the pixel data is not looked at.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.get(..take).unwrap_or_default();
        self.left -= take as u64;
        let mut out = if self.fractional {
            let mut out = Vec::with_capacity(bytes.len() / 8 + 1);
            bytes.iter().for_each(|value| self.joined.bit(u8::from(*value > 0), &mut out));
            out
        } else {
            self.joined.push(bytes)
        };
        out.truncate(usize::try_from(self.out).unwrap_or(usize::MAX));
        self.out -= out.len() as u64;
        out
    }

    /// The object is at its end.
    ///
    /// # Errors
    /// Not all of it came.
    pub const fn finish(&self) -> Result<()> {
        if self.left == 0 { Ok(()) } else { Err(MaskFault::Truncated) }
    }
}

fn said(head: &[u8], pixels: Header) -> Result<(Brought, Planes)> {
    let (_, object) = read_object(head).map_err(|_| MaskFault::Unreadable)?;
    let fractional = match (text(&object, tags::SOP_CLASS_UID).as_str(), text(&object, 0x0062_0001).as_str())
    {
        (SEGMENTATION, "BINARY") => false,
        (SEGMENTATION, "FRACTIONAL") => true,
        _ => return Err(MaskFault::NoSegmentation),
    };
    let (rows, columns) = (number(&object, tags::ROWS)?, number(&object, tags::COLUMNS)?);
    if !(1..=limits::FRAME_SIDE).contains(&rows) || !(1..=limits::FRAME_SIDE).contains(&columns) {
        return Err(MaskFault::OtherSize);
    }
    let bits = if fractional { 8 } else { 1 };
    if number(&object, tags::BITS_ALLOCATED)? != bits || number(&object, 0x0028_0002)? != 1 {
        return Err(MaskFault::Unreadable);
    }
    let count = number(&object, tags::NUMBER_OF_FRAMES)?;
    if count as usize > limits::MASK_PLANES {
        return Err(MaskFault::TooMany);
    }
    if count == 0 || items(&object, FRAME_GROUPS).len() != count as usize {
        return Err(MaskFault::Unreadable);
    }
    let frames = frames(&object)?;
    let frame = u64::from(rows) * u64::from(columns);
    let left = (u64::from(count) * frame * u64::from(bits)).div_ceil(8);
    // Even length (PS3.5 §8.1.1); some writers leave the padding away.
    if !pixels.len.is_some_and(|len| u64::from(len) == left || u64::from(len) == left.next_multiple_of(2)) {
        return Err(MaskFault::Truncated);
    }
    let out = plane_bytes(rows, columns) as u64 * u64::from(count);
    Ok((Brought { rows, columns, frames }, Planes { joined: Joined::new(frame), fractional, left, out }))
}

/// The images of each frame: by itself or shared (PS3.3 C.7.6.16.2.6).
fn frames(object: &InMemDicomObject) -> Result<Vec<Referred>> {
    let shared = items(object, SHARED_GROUPS).first().map_or(&[][..], |shared| items(shared, DERIVATION));
    let shared = referred(shared)?;
    let mut all = 0;
    let mut out = Vec::new();
    for group in items(object, FRAME_GROUPS) {
        let own = referred(items(group, DERIVATION))?;
        let own = if own.is_empty() { &shared } else { &own };
        if own.is_empty() {
            return Err(MaskFault::NoReference);
        }
        all += own.len();
        if all > REFERENCES {
            return Err(MaskFault::TooMany);
        }
        out.push(own.clone());
    }
    Ok(out)
}

fn referred(derivations: &[InMemDicomObject]) -> Result<Referred> {
    let mut referred = Referred::new();
    for source in derivations.iter().flat_map(|derivation| items(derivation, SOURCE)) {
        refer(source, &mut referred)?;
        if referred.len() > REFERENCES {
            return Err(MaskFault::TooMany);
        }
    }
    Ok(referred)
}

/// An image, or frames of it.
fn refer(source: &InMemDicomObject, referred: &mut Referred) -> Result<()> {
    let uid: Uid = text(source, 0x0008_1155).parse().map_err(|_| MaskFault::NoReference)?;
    let Some(element) = source.get(core_tag(0x0008_1160)) else {
        referred.push((uid, None));
        return Ok(());
    };
    let numbers = element.to_multi_int::<u32>().map_err(|_| MaskFault::NoSuchFrame)?;
    if numbers.is_empty() {
        return Err(MaskFault::NoSuchFrame);
    }
    for number in numbers {
        let frame = number.checked_sub(1).ok_or(MaskFault::NoSuchFrame)?;
        referred.push((uid.clone(), Some(frame)));
        if referred.len() > REFERENCES {
            return Err(MaskFault::TooMany);
        }
    }
    Ok(())
}

fn number(object: &InMemDicomObject, tag: Tag) -> Result<u32> {
    let number = object.get(core_tag(tag)).and_then(|element| element.to_int::<u32>().ok());
    number.ok_or(MaskFault::Unreadable)
}

#[cfg(test)]
mod tests;
