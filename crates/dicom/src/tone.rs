//! What a head says of how its values become grey, beyond what the facts of an image hold: look-up tables, curves, and
//! what differs by frame (PS3.3 C.7.6.16.2.9, C.7.6.16.2.10, C.11.1, C.11.2).

use crate::dataset::{FRAME_GROUPS, SHARED_GROUPS, core_tag, items, read_head};
use crate::intake::walk::Coding;
use crate::intake::{read_meta, walk_whole};
use crate::{Error, Result, bounds};
use dicom_core::PrimitiveValue;
use dicom_object::InMemDicomObject;
use model::tone::{Curve, Lut, Modality, Tone, Voi};
use model::{ImageInfo, Tag};

const MODALITY_LUT: Tag = 0x0028_3000;
const VOI_LUT: Tag = 0x0028_3010;
const FUNCTION: Tag = 0x0028_1056;
/// A head with none of these is told wholly by its facts.
const BEYOND: &[Tag] = &[MODALITY_LUT, VOI_LUT, FUNCTION, SHARED_GROUPS, FRAME_GROUPS];

/// The tone of one frame (0-based). What cannot be read is as if absent: the picture is made with what is left.
#[must_use]
pub fn tone(head: &[u8], image: &ImageInfo, frame: u32) -> Tone {
    let facts = Tone::of(image);
    match beyond(head) {
        Ok(Some(object)) => Reader { object: &object, image, frame }.tone(facts),
        Ok(None) | Err(_) => facts,
    }
}

/// The data set, when it says more than the facts do. The walk is quick, reading is not.
fn beyond(head: &[u8]) -> Result<Option<InMemDicomObject>> {
    let meta = read_meta(head, true)?.ok_or(Error::NotPart10)?;
    if meta.coding != Coding::Deflated {
        let (walker, _) = walk_whole(head.get(meta.end..).unwrap_or_default(), meta.coding, 0)?;
        if !BEYOND.iter().any(|tag| walker.entries.contains_key(tag)) {
            return Ok(None);
        }
    }
    read_head(head).map(|head| Some(head.object))
}

struct Reader<'a> {
    object: &'a InMemDicomObject,
    image: &'a ImageInfo,
    frame: u32,
}

impl Reader<'_> {
    fn tone(&self, facts: Tone) -> Tone {
        let modality = self.rescale().or_else(|| self.modality_table()).unwrap_or(facts.modality);
        let window = self.group(0x0028_9132).and_then(window).or_else(|| window(self.object));
        let voi = window.or_else(|| self.voi_table()).or(facts.voi);
        Tone { modality, voi, inverse: facts.inverse }
    }

    /// The first item of a functional group's sequence: the frame's own, else the one of all frames.
    fn group(&self, tag: Tag) -> Option<&InMemDicomObject> {
        let frame = self.frame as usize;
        let own = item(self.object, FRAME_GROUPS, frame).and_then(|groups| item(groups, tag, 0));
        own.or_else(|| item(self.object, SHARED_GROUPS, 0).and_then(|groups| item(groups, tag, 0)))
    }

    fn rescale(&self) -> Option<Modality> {
        let group = self.group(0x0028_9145)?;
        let slope = number(group, 0x0028_1053).filter(|slope| *slope != 0.0)?;
        Some(Modality::Rescale { slope, intercept: number(group, 0x0028_1052)? })
    }

    fn modality_table(&self) -> Option<Modality> {
        table(item(self.object, MODALITY_LUT, 0)?, self.image.signed).map(Modality::Table)
    }

    /// Its input is signed when stored values or rescaled ones can be (C.11.2.1.1).
    fn voi_table(&self) -> Option<Voi> {
        let signed = self.image.signed || self.image.rescale_intercept < 0.0;
        table(item(self.object, VOI_LUT, 0)?, signed).map(Voi::Table)
    }
}

fn item(object: &InMemDicomObject, tag: Tag, i: usize) -> Option<&InMemDicomObject> {
    items(object, tag).get(i)
}

fn number(object: &InMemDicomObject, tag: Tag) -> Option<f64> {
    let values = object.get(core_tag(tag))?.to_multi_float64().ok()?;
    values.first().copied().filter(|v| v.is_finite())
}

fn window(object: &InMemDicomObject) -> Option<Voi> {
    let centre = number(object, 0x0028_1050)?;
    let width = number(object, 0x0028_1051).filter(|width| *width > 0.0)?;
    let function = object.get(core_tag(FUNCTION)).and_then(|e| e.to_str().ok());
    let curve = match function.as_deref().map(str::trim) {
        Some("LINEAR_EXACT") => Curve::Exact,
        Some("SIGMOID") => Curve::Sigmoid,
        _ => Curve::Linear,
    };
    Some(Voi::Window { centre, width, curve })
}

/// A table by its descriptor (0028,3002) and data (0028,3006).
fn table(item: &InMemDicomObject, signed: bool) -> Option<Lut> {
    let descriptor = item.get(core_tag(0x0028_3002))?.to_multi_int::<i64>().ok()?;
    let [count, first, bits] = descriptor[..] else { return None };
    // 0 means 65,536 (C.11.1.1.1); readers of SS show counts above 32,767 as negative.
    let count = match count.rem_euclid(65_536) {
        0 => bounds::PALETTE_ENTRIES,
        n => usize::try_from(n).ok()?,
    };
    let first = if signed && first > 32_767 { first - 65_536 } else { first };
    let bits = u8::try_from(bits).ok().filter(|bits| matches!(bits, 8..=16))?;
    let words = words(item.get(core_tag(0x0028_3006))?.value().primitive()?, count)?;
    let entries = words.get(..count)?.to_vec();
    // Eight bits that use more are of senders that wrote another depth than they meant.
    let bits = if bits == 8 && entries.iter().any(|v| *v > 255) { 16 } else { bits };
    Some(Lut { first, bits, entries })
}

/// Entries as words, or as bytes two in a word.
fn words(value: &PrimitiveValue, count: usize) -> Option<Vec<u16>> {
    let words = match value {
        PrimitiveValue::U8(bytes) => {
            bytes.as_chunks::<2>().0.iter().map(|c| u16::from_le_bytes(*c)).collect()
        }
        _ => value
            .to_multi_int::<i32>()
            .ok()?
            .iter()
            .map(|v| u16::try_from(v.rem_euclid(65_536)).unwrap_or(0))
            .collect::<Vec<u16>>(),
    };
    if words.len() >= count {
        return Some(words);
    }
    Some(words.iter().flat_map(|w| w.to_le_bytes()).map(u16::from).collect())
}

#[cfg(test)]
mod tests;
