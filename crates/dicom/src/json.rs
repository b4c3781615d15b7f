//! The DICOM JSON model (PS3.18 Annex F).

use crate::dataset::core_tag;
use dicom_core::VR;
use dicom_core::header::Header as _;
use dicom_core::value::Value as DicomValue;
use dicom_object::InMemDicomObject;
use model::{Attributes, Item, Plain, Tag, limits};
use serde_json::{Map, Value, json};

/// A data set as JSON. `bulk` gives the URI of a binary value by its top-level tag; without one it is left out.
#[must_use]
pub fn from_object(object: &InMemDicomObject, bulk: &dyn Fn(Tag) -> Option<String>) -> Value {
    object_at(object, bulk, 0)
}

fn object_at(object: &InMemDicomObject, bulk: &dyn Fn(Tag) -> Option<String>, depth: usize) -> Value {
    let mut out = Map::new();
    for element in object.iter() {
        let tag = element.tag();
        // Group lengths are retired and mean nothing here (PS3.18 F.2.2).
        if tag.element() == 0 || depth > limits::SEQUENCE_DEPTH {
            continue;
        }
        let number = u32::from(tag.group()) << 16 | u32::from(tag.element());
        let mut body = Map::new();
        body.insert("vr".to_owned(), json!(element.vr().to_string()));
        if let Some((key, value)) = value_of(element.vr(), element.value(), number, bulk, depth) {
            body.insert(key.to_owned(), value);
        }
        out.insert(format!("{number:08X}"), Value::Object(body));
    }
    Value::Object(out)
}

type ObjectValue = DicomValue<InMemDicomObject, Vec<u8>>;

fn value_of(
    vr: VR,
    value: &ObjectValue,
    tag: Tag,
    bulk: &dyn Fn(Tag) -> Option<String>,
    depth: usize,
) -> Option<(&'static str, Value)> {
    if let Some(items) = value.items() {
        let items: Vec<Value> = items.iter().map(|item| object_at(item, bulk, depth + 1)).collect();
        return (!items.is_empty()).then_some(("Value", Value::Array(items)));
    }
    if matches!(vr, VR::OB | VR::OW | VR::OD | VR::OF | VR::OL | VR::OV | VR::UN) {
        return bulk(tag).filter(|_| depth == 0).map(|uri| ("BulkDataURI", json!(uri)));
    }
    let primitive = value.primitive()?;
    let texts = match vr {
        VR::LT | VR::ST | VR::UT | VR::UR => {
            vec![primitive.to_str().trim_end_matches([' ', '\0']).to_owned()]
        }
        _ => primitive.to_multi_str().iter().map(|s| s.trim_matches([' ', '\0']).to_owned()).collect(),
    };
    values(vr.to_string(), &texts).map(|v| ("Value", v))
}

/// Indexed attributes as JSON, e.g. an answer to QIDO-RS.
#[must_use]
pub fn from_attributes(attributes: &Attributes) -> Value {
    let mut out = Map::new();
    for (tag, attribute) in attributes.iter() {
        let mut body = Map::new();
        body.insert("vr".to_owned(), json!(attribute.vr.as_str()));
        if !attribute.items.is_empty() {
            let items: Vec<Value> = attribute.items.iter().map(from_item).collect();
            body.insert("Value".to_owned(), Value::Array(items));
        } else if let Some(value) = values(attribute.vr.as_str(), &attribute.values) {
            body.insert("Value".to_owned(), value);
        }
        out.insert(format!("{tag:08X}"), Value::Object(body));
    }
    Value::Object(out)
}

fn from_item(item: &Item) -> Value {
    let one = |(tag, plain): (&Tag, &Plain)| {
        let mut body = Map::new();
        body.insert("vr".to_owned(), json!(plain.vr.as_str()));
        if let Some(value) = values(plain.vr.as_str(), &plain.values) {
            body.insert("Value".to_owned(), value);
        }
        (format!("{tag:08X}"), Value::Object(body))
    };
    Value::Object(item.iter().map(one).collect())
}

/// Values by VR (PS3.18 Table F.2.3-1); an empty value is `null` beside others, nothing alone (F.2.5).
fn values(vr: &str, texts: &[String]) -> Option<Value> {
    if texts.iter().all(String::is_empty) {
        return None;
    }
    let one = |text: &String| match vr {
        _ if text.is_empty() => Value::Null,
        "PN" => person(text),
        "IS" | "DS" | "US" | "SS" | "UL" | "SL" | "UV" | "SV" | "FL" | "FD" => number(text),
        _ => json!(text),
    };
    Some(Value::Array(texts.iter().map(one).collect()))
}

/// A number; what is none stays text (F.2.3.1 lets 64-bit and decimal strings be text).
fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse::<i64>() {
        return json!(whole);
    }
    text.parse::<f64>().ok().filter(|v| v.is_finite()).map_or_else(|| json!(text), |v| json!(v))
}

fn person(text: &str) -> Value {
    let mut out = Map::new();
    for (key, part) in ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(text.split('=')) {
        let part = part.trim_end_matches(['^', ' ']);
        if !part.is_empty() {
            out.insert(key.to_owned(), json!(part));
        }
    }
    Value::Object(out)
}

/// Tag of dicom-rs from ours, for callers that look into a [`crate::Head`].
#[must_use]
pub fn tag(tag: Tag) -> dicom_core::Tag {
    core_tag(tag)
}

#[cfg(test)]
mod tests;
