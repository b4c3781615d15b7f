//! Corrects top-level values of a stored head and leaves every other byte as it is: no sequence, no padding, no private
//! element is written anew. So what was not corrected can be compared with what is stored, byte by byte.

use crate::dataset::dictionary_vr;
use crate::dataset::number;
use crate::intake::walk::{Coding, Entry};
use crate::intake::{inflate, read_meta, walk_whole};
use crate::{Error, Result, read_head, write_head};
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_encoding::text::{SpecificCharacterSet, TextCodec};
use model::{Attribute, Attributes, Tag, limits, tags};
use std::collections::BTreeMap;

const UTF_8: &str = "ISO_IR 192";
const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Deflated Explicit VR Little Endian; the JPIP syntaxes that deflate too name their pixels by address, not here.
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// The head with these values in place of its own, in the coding that it is stored in (a deflated object: whole, inflated,
/// Explicit VR Little Endian). An attribute without values is emptied where it is and not added where it is not.
///
/// # Errors
/// The head cannot be read, or a value cannot be said in its character set.
pub fn correct(head: &[u8], set: &Attributes, dropped: &dyn Fn(Tag) -> bool) -> Result<Vec<u8>> {
    let meta = read_meta(head, true)?.ok_or(Error::NotPart10)?;
    let stored = head.get(meta.end..).unwrap_or_default();
    if meta.coding == Coding::Deflated {
        if meta.syntax.as_str() != DEFLATED {
            return Err(Error::TransferSyntax);
        }
        let inflated = inflate(stored)?;
        let mut explicit = read_head(head)?;
        explicit.meta.transfer_syntax = EXPLICIT_LITTLE_ENDIAN.to_owned();
        explicit.object = dicom_object::InMemDicomObject::from_element_iter(
            [tags::SOP_CLASS_UID, tags::SOP_INSTANCE_UID]
                .iter()
                .filter_map(|tag| explicit.object.get(crate::json::tag(*tag)).cloned()),
        );
        let whole = write_head(&explicit)?;
        let front = read_meta(&whole, true)?.ok_or(Error::NotPart10)?.end;
        let front = whole.get(..front).unwrap_or_default();
        return data_set(&inflated, Coding::ExplicitLe, set, dropped, true)
            .map(|data| [front, &data].concat());
    }
    if head.len() > limits::HEADER_BYTES {
        return Err(Error::TooLarge("header"));
    }
    // A preamble can be another format's header: it never leaves.
    let front = [&[0; 128][..], head.get(128..meta.end).unwrap_or_default()].concat();
    Ok([front, data_set(stored, meta.coding, set, dropped, false)?].concat())
}

fn data_set(
    bytes: &[u8],
    coding: Coding,
    set: &Attributes,
    dropped: &dyn Fn(Tag) -> bool,
    rest: bool,
) -> Result<Vec<u8>> {
    let (walker, _) = walk_whole(bytes, coding, 0)?;
    let end = walker.pixels.map_or(bytes.len(), |header| header.start);
    let charset = walker.entries.get(&tags::SPECIFIC_CHARACTER_SET);
    let charset = charset.and_then(|e| bytes.get(e.start..e.start + e.len)).unwrap_or_default();
    let Some(values) = encoded(set, charset) else {
        return recoded(bytes.get(..end).unwrap_or_default(), coding, set, dropped, charset).map(
            |mut out| {
                out.extend_from_slice(if rest { bytes.get(end..).unwrap_or_default() } else { &[] });
                out
            },
        );
    };
    let mut out = Vec::with_capacity(bytes.len() + 256);
    let mut waiting = values;
    for (tag, span) in spans(&walker.entries, coding, end) {
        while let Some((new, value)) = waiting.first_key_value().filter(|(new, _)| **new < tag) {
            let (new, value) = (*new, value.clone());
            waiting.remove(&new);
            // What is not there is not emptied either.
            if !value.1.is_empty() {
                element(&mut out, coding, new, &value)?;
            }
        }
        if let Some((vr, value)) = waiting.remove(&tag) {
            let own = walker.entries.get(&tag).and_then(|e| e.vr).filter(|vr| vr != b"UN" && vr != b"SQ");
            element(&mut out, coding, tag, &(own.unwrap_or(vr), value))?;
        } else if !dropped(tag) && !stale_length(tag, set) {
            out.extend_from_slice(bytes.get(span).unwrap_or_default());
        }
    }
    for (tag, value) in waiting.iter().filter(|(_, (_, value))| !value.is_empty()) {
        element(&mut out, coding, *tag, value)?;
    }
    out.extend_from_slice(if rest { bytes.get(end..).unwrap_or_default() } else { &[] });
    Ok(out)
}

type VrOf = [u8; 2];
/// VR and bytes.
type Encoded = (VrOf, Vec<u8>);

/// The length of a group (retired) that is not what it was.
fn stale_length(tag: Tag, set: &Attributes) -> bool {
    let group = tag >> 16;
    // Groups of which something may be dropped count as changed.
    tag & 0xFFFF == 0
        && (matches!(group, 0x08 | 0x10 | 0x38 | 0x40) || set.iter().any(|(t, _)| t >> 16 == group))
}

/// Each top-level element with its header, in the order in which they stand.
fn spans(entries: &BTreeMap<Tag, Entry>, coding: Coding, end: usize) -> Vec<(Tag, std::ops::Range<usize>)> {
    let header = |entry: &Entry| match entry.vr {
        Some(vr) if long(vr) && coding != Coding::ImplicitLe => 12,
        _ => 8,
    };
    let mut starts: Vec<(usize, Tag)> =
        entries.iter().map(|(tag, entry)| (entry.start.saturating_sub(header(entry)), *tag)).collect();
    starts.sort_unstable();
    let ends: Vec<usize> = starts.iter().skip(1).map(|(start, _)| *start).chain([end]).collect();
    starts.into_iter().zip(ends).map(|((start, tag), end)| (tag, start..end)).collect()
}

/// VRs with a 32-bit length (PS3.5 Table 7.1-1).
fn long(vr: VrOf) -> bool {
    matches!(
        &vr,
        b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
    )
}

/// The values in the data set's own character set; nothing when one of them cannot be said in it.
fn encoded(set: &Attributes, charset: &[u8]) -> Option<BTreeMap<Tag, Encoded>> {
    let term = String::from_utf8_lossy(charset).trim_matches([' ', '\0']).to_owned();
    let codec = if term.contains('\\') || term.contains("2022") {
        None // with code extensions, only what needs none of them
    } else {
        Some(SpecificCharacterSet::from_code(&term).unwrap_or_default())
    };
    let one = |tag: Tag, attribute: &Attribute| {
        let text = attribute.values.join("\\");
        let bytes =
            if text.is_ascii() { text.clone().into_bytes() } else { codec.as_ref()?.encode(&text).ok()? };
        let same = text.is_ascii() || codec.as_ref()?.decode(&bytes).ok()? == text;
        same.then(|| (tag, (vr(tag, attribute), padded(bytes, tag))))
    };
    set.iter().map(|(tag, attribute)| one(tag, attribute)).collect()
}

/// In Unicode as a whole: a value needs letters that the stored character set does not have.
fn recoded(
    bytes: &[u8],
    coding: Coding,
    set: &Attributes,
    dropped: &dyn Fn(Tag) -> bool,
    charset: &[u8],
) -> Result<Vec<u8>> {
    // Code extensions are decoded by our own tables, not by dicom-rs: written anew, other names would be damaged.
    if String::from_utf8_lossy(charset).contains("2022") {
        return Err(Error::Unreadable);
    }
    let syntax = crate::dataset::plain_syntax(coding);
    let mut object = dicom_object::InMemDicomObject::read_dataset_with_ts(bytes, &syntax)
        .map_err(|_| Error::Unreadable)?;
    lay_over(&mut object, set, dropped);
    let mut out = Vec::new();
    object.write_dataset_with_ts(&mut out, &syntax).map_err(|_| Error::Unreadable)?;
    Ok(out)
}

/// The same for a data set in memory, as it becomes DICOM JSON or a derived object.
pub fn lay_over(
    object: &mut dicom_object::InMemDicomObject,
    set: &Attributes,
    dropped: &dyn Fn(Tag) -> bool,
) {
    let gone: Vec<_> = object
        .iter()
        .map(dicom_core::header::Header::tag)
        .filter(|tag| dropped(number(*tag)) && set.get(number(*tag)).is_none())
        .collect();
    for tag in gone {
        object.remove_element(tag);
    }
    for (tag, attribute) in set.iter() {
        let core = crate::json::tag(tag);
        let there = object.get(core).is_some();
        if attribute.values.is_empty() && !there {
            continue;
        }
        let vr = VR::from_binary(vr(tag, attribute)).unwrap_or(VR::LO);
        let value = match attribute.values.is_empty() {
            true => PrimitiveValue::Empty,
            false => PrimitiveValue::Strs(attribute.values.iter().cloned().collect()),
        };
        object.put(DataElement::new(core, vr, value));
    }
    if set.iter().any(|(_, attribute)| attribute.values.iter().any(|value| !value.is_ascii())) {
        let term = PrimitiveValue::from(UTF_8);
        object.put(DataElement::new(crate::json::tag(tags::SPECIFIC_CHARACTER_SET), VR::CS, term));
    }
}

fn vr(tag: Tag, attribute: &Attribute) -> VrOf {
    match attribute.vr.0 {
        vr if &vr != b"UN" => vr,
        _ => dictionary_vr(tag).as_bytes().first_chunk().copied().unwrap_or(*b"LO"),
    }
}

/// Even length (PS3.5 §6.2): a zero behind UIDs, a space behind other text.
fn padded(mut bytes: Vec<u8>, tag: Tag) -> Vec<u8> {
    if bytes.len() % 2 == 1 {
        bytes.push(if dictionary_vr(tag) == "UI" { 0 } else { b' ' });
    }
    bytes
}

fn element(out: &mut Vec<u8>, coding: Coding, tag: Tag, (vr, value): &Encoded) -> Result<()> {
    let big = coding == Coding::ExplicitBe;
    let put16 = |out: &mut Vec<u8>, v: u16| out.extend(if big { v.to_be_bytes() } else { v.to_le_bytes() });
    let put32 = |out: &mut Vec<u8>, v: u32| out.extend(if big { v.to_be_bytes() } else { v.to_le_bytes() });
    let len = u32::try_from(value.len()).map_err(|_| Error::TooLarge("element"))?;
    put16(out, (tag >> 16) as u16);
    put16(out, (tag & 0xFFFF) as u16);
    if coding == Coding::ImplicitLe {
        put32(out, len);
    } else {
        out.extend(vr);
        if long(*vr) {
            out.extend([0, 0]);
            put32(out, len);
        } else {
            put16(out, u16::try_from(len).map_err(|_| Error::TooLarge("element"))?);
        }
    }
    out.extend_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests;
