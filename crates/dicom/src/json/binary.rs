//! Binary values in the JSON, and found again by their path.

use super::INLINE_BYTES;
use crate::dataset::core_tag;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::{PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use model::{Tag, limits};
use serde_json::{Value, json};

/// Values without a textual form (F.2.3).
pub const fn is_binary(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OW | VR::OD | VR::OF | VR::OL | VR::OV | VR::UN)
}

pub fn value(bytes: &[u8], bulk: Option<&str>, path: &str) -> Option<(&'static str, Value)> {
    match bulk {
        _ if bytes.is_empty() => None,
        _ if bytes.len() <= INLINE_BYTES => Some(("InlineBinary", json!(STANDARD.encode(bytes)))),
        Some(base) => Some(("BulkDataURI", json!(format!("{base}{path}")))),
        None => None,
    }
}

/// Tags as eight hexadecimal digits (F.2.3: AT is a string).
pub fn tags(value: &PrimitiveValue) -> Vec<String> {
    match value {
        PrimitiveValue::Tags(tags) => {
            tags.iter().map(|tag| format!("{:04X}{:04X}", tag.group(), tag.element())).collect()
        }
        _ => Vec::new(),
    }
}

/// The bytes of a binary value, little endian, by its path: a tag of eight hexadecimal digits, before it pairs of a
/// sequence's tag and a 0-based item, all with dots between them.
#[must_use]
pub fn value_at(object: &InMemDicomObject, path: &str) -> Option<Vec<u8>> {
    let words: Vec<&str> = path.split('.').collect();
    let (last, steps) = words.split_last()?;
    if steps.len() > 2 * limits::SEQUENCE_DEPTH || steps.len() % 2 == 1 {
        return None;
    }
    let mut at = object;
    for step in steps.chunks_exact(2) {
        let [tag, item] = step else { return None };
        let item: usize = item.parse().ok()?;
        at = at.get(core_tag(number(tag)?))?.items()?.get(item)?;
    }
    let element = at.get(core_tag(number(last)?))?;
    if !is_binary(element.vr()) {
        return None;
    }
    let bytes = element.value().primitive()?.to_bytes();
    (!bytes.is_empty()).then(|| bytes.into_owned())
}

fn number(text: &str) -> Option<Tag> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    Tag::from_str_radix(text, 16).ok().filter(|_| digits)
}
