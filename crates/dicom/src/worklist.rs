//! Worklist items (PS3.4 Table K.6-1) out of DICOM JSON (PS3.18 Annex F): what is kept of an order, and nothing else.

use crate::dataset::{number, read_object};
use crate::json::to_object;
use crate::{Error, Result};
use dicom_core::header::Header as _;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use model::{Attributes, Item, Plain, Tag, Vr, tags};
use serde_json::Value;

const OTHER: Error = Error::Malformed("worklist item: an attribute that is not kept");

/// One item, with one scheduled procedure step in its sequence.
///
/// # Errors
/// It is no DICOM JSON, a bound is exceeded, or it has an attribute that would be lost.
pub fn item(value: &Value) -> Result<Attributes> {
    of_object(&to_object(value, &|_| None)?)
}

/// One item as a DICOM file (PS3.10), as worklist servers keep them.
///
/// # Errors
/// As [`item`]; no DICOM file, or one that is compressed.
pub fn file(bytes: &[u8]) -> Result<Attributes> {
    of_object(&read_object(bytes)?.1)
}

fn of_object(object: &InMemDicomObject) -> Result<Attributes> {
    let mut out = Attributes::new();
    for element in object.iter().filter(|e| number(e.tag()) != tags::SPECIFIC_CHARACTER_SET) {
        let tag = number(element.tag());
        if !tags::SCHEDULED.contains(&tag) {
            return Err(OTHER);
        }
        match element.items() {
            Some(items) => {
                let items: Result<Vec<Item>> = items.iter().map(|i| inner(tag, i.iter())).collect();
                out.set_items(tag, items?);
            }
            None => out.set(tag, element.vr().to_bytes(), texts(element)?),
        }
    }
    Ok(out)
}

fn inner<'a>(sequence: Tag, elements: impl Iterator<Item = &'a InMemElement>) -> Result<Item> {
    let mut out = Item::new();
    for element in elements {
        let tag = number(element.tag());
        if !tags::of_items(sequence).contains(&tag) {
            return Err(OTHER);
        }
        out.insert(tag, Plain { vr: Vr(element.vr().to_bytes()), values: texts(element)? });
    }
    Ok(out)
}

fn texts(element: &InMemElement) -> Result<Vec<String>> {
    let texts = element.to_multi_str().map_err(|_| OTHER)?;
    let trimmed = texts.iter().map(|text| text.trim_matches([' ', '\0']).to_owned());
    Ok(trimmed.filter(|text| !text.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_item_by_hand() {
        let step = json!({ "00400002": { "vr": "DA", "Value": ["20261127"] }, "00080060": { "vr": "CS", "Value": ["DX"] } });
        let value = json!({
            "00080050": { "vr": "SH", "Value": ["A-1"] },
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Wang^Li", "Ideographic": "王^丽" }] },
            "00400100": { "vr": "SQ", "Value": [step] },
        });
        let got = item(&value).unwrap();
        assert_eq!(got.first(tags::ACCESSION_NUMBER), "A-1");
        assert_eq!(got.first(tags::PATIENT_NAME), "Wang^Li=王^丽");
        let items = &got.get(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE).unwrap().items;
        assert_eq!(items[0][&tags::SCHEDULED_PROCEDURE_STEP_START_DATE].values, ["20261127"]);
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        let study_date = json!({ "00080020": { "vr": "DA", "Value": ["20261127"] } });
        assert!(item(&study_date).is_err());
        let deep =
            json!({ "00400100": { "vr": "SQ", "Value": [{ "00400008": { "vr": "SQ", "Value": [] } }] } });
        assert!(item(&deep).is_err());
        assert!(item(&json!([1])).is_err());
    }
}
