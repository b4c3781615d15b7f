//! The DICOM JSON model (PS3.18 Annex F).

mod binary;
mod read;
mod values;

pub use binary::value_at;
pub use read::{Bulk, first_text, inline_pixels, native_len, references, to_object};
pub use values::from_attributes;

use crate::dataset::core_tag;
use binary::is_binary;
use dicom_core::VR;
use dicom_core::header::Header as _;
use dicom_core::value::Value as DicomValue;
use dicom_object::InMemDicomObject;
use model::{Tag, limits, tags};
use serde_json::{Map, Value, json};
use values::{person_names, values};

/// A binary value up to this many bytes stands in the JSON itself (F.2.7); a longer one is named by its address (F.2.6).
/// Palettes of 256 entries, small private values and codes stay; pictures, profiles and documents do not.
pub const INLINE_BYTES: usize = 1024;

/// A data set as JSON. Long binary values are named by `bulk` and the path of [`value_at`]; without it they have no value.
#[must_use]
pub fn from_object(object: &InMemDicomObject, bulk: Option<&str>) -> Value {
    object_at(object, &Place { bulk, path: String::new(), depth: 0 })
}

/// Where in the data set.
struct Place<'a> {
    bulk: Option<&'a str>,
    path: String,
    depth: usize,
}

fn object_at(object: &InMemDicomObject, place: &Place<'_>) -> Value {
    let mut out = Map::new();
    for element in object.iter() {
        let tag = element.tag();
        // Group lengths are retired and mean nothing here (F.2.2).
        if tag.element() == 0 || place.depth > limits::SEQUENCE_DEPTH {
            continue;
        }
        let number = crate::dataset::number(tag);
        let mut body = Map::new();
        body.insert("vr".to_owned(), json!(element.vr().to_string()));
        let value = if number == tags::SPECIFIC_CHARACTER_SET {
            // JSON is UTF-8, whatever the file was in (F.2.1).
            Some(("Value", json!(["ISO_IR 192"])))
        } else {
            value_of(element.vr(), element.value(), number, place)
        };
        if let Some((key, value)) = value {
            body.insert(key.to_owned(), value);
        }
        out.insert(format!("{number:08X}"), Value::Object(body));
    }
    Value::Object(out)
}

type ObjectValue = DicomValue<InMemDicomObject, Vec<u8>>;

fn value_of(vr: VR, value: &ObjectValue, tag: Tag, place: &Place<'_>) -> Option<(&'static str, Value)> {
    let path = format!("{}{tag:08X}", place.path);
    if let Some(items) = value.items() {
        let item = |(number, item): (usize, &InMemDicomObject)| {
            let path = format!("{path}.{number}.");
            object_at(item, &Place { bulk: place.bulk, path, depth: place.depth + 1 })
        };
        let items: Vec<Value> = items.iter().enumerate().map(item).collect();
        return (!items.is_empty()).then_some(("Value", Value::Array(items)));
    }
    let primitive = value.primitive()?;
    if is_binary(vr) {
        return binary::value(&primitive.to_bytes(), place.bulk, &path);
    }
    let texts = match vr {
        VR::LT | VR::ST | VR::UT | VR::UR => {
            vec![primitive.to_str().trim_end_matches([' ', '\0']).to_owned()]
        }
        VR::AT => binary::tags(primitive),
        _ => primitive.to_multi_str().iter().map(|s| s.trim_matches([' ', '\0']).to_owned()).collect(),
    };
    let value = if vr == VR::PN { person_names(&texts) } else { values(vr.to_string(), &texts) };
    value.map(|value| ("Value", value))
}

/// Tag of dicom-rs from ours, for callers that look into a [`crate::Head`].
#[must_use]
pub fn tag(tag: Tag) -> dicom_core::Tag {
    core_tag(tag)
}

#[cfg(test)]
mod tests;
