//! Typed, bounded attributes: what the gateway hands the vault of a DICOM header, and what answers carry.

use crate::limits;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// A DICOM tag as `0xGGGGEEEE`.
pub type Tag = u32;

/// Value representation, two ASCII letters (PS3.5 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Vr(pub [u8; 2]);

impl Vr {
    /// The letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("UN")
    }
}

/// Sequence of items (PS3.5 §7.5).
pub const SQ: Vr = Vr(*b"SQ");

/// One attribute: its VR and its values as text (UTF-8; a person name as `alphabetic=ideographic=phonetic`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Value representation.
    pub vr: Vr,
    /// Values; empty when the attribute is present and empty.
    pub values: Vec<String>,
    /// Items of a sequence.
    pub items: Vec<Item>,
}

/// One item of a sequence. Its attributes have no items of their own: what is deeper is not kept, and nothing that came
/// from outside can nest without end.
pub type Item = BTreeMap<Tag, Plain>;

/// First value of an item's attribute, trimmed; empty text when absent.
#[must_use]
pub fn first_of(item: &Item, tag: Tag) -> &str {
    item.get(&tag).and_then(|plain| plain.values.first()).map_or("", |value| value.trim())
}

/// An attribute of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plain {
    /// Value representation.
    pub vr: Vr,
    /// As in [`Attribute`].
    pub values: Vec<String>,
}

/// VR and values; of a sequence VR and items. Rows from before there were sequences read as they are.
impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&self.vr)?;
        if self.vr == SQ {
            pair.serialize_element(&self.items)?;
        } else {
            pair.serialize_element(&self.values)?;
        }
        pair.end()
    }
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Attribute;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value representation and what it says")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Attribute, A::Error> {
                let short = |at| A::Error::invalid_length(at, &"two");
                let vr: Vr = pair.next_element()?.ok_or_else(|| short(0))?;
                let (mut values, mut items) = (Vec::new(), Vec::new());
                if vr == SQ {
                    items = pair.next_element()?.ok_or_else(|| short(1))?;
                } else {
                    values = pair.next_element()?.ok_or_else(|| short(1))?;
                }
                Ok(Attribute { vr, values, items })
            }
        }
        deserializer.deserialize_tuple(2, Pair)
    }
}

/// Attributes by tag, in tag order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(BTreeMap<Tag, Attribute>);

impl Attributes {
    /// No attributes.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Sets one; values longer than [`limits::INDEXED_VALUE_BYTES`] are cut at a character border.
    pub fn set(&mut self, tag: Tag, vr: [u8; 2], values: impl IntoIterator<Item = String>) {
        let values = values.into_iter().map(cut).collect();
        self.0.insert(tag, Attribute { vr: Vr(vr), values, items: Vec::new() });
    }

    /// Sets a sequence; more than [`limits::INDEXED_ITEMS`] are cut off, their values as in [`Self::set`].
    pub fn set_items(&mut self, tag: Tag, items: impl IntoIterator<Item = Item>) {
        let fit = |mut item: Item| {
            item.values_mut().flat_map(|plain| &mut plain.values).for_each(|v| *v = cut(std::mem::take(v)));
            item
        };
        let items = items.into_iter().take(limits::INDEXED_ITEMS).map(fit).collect();
        self.0.insert(tag, Attribute { vr: SQ, values: Vec::new(), items });
    }

    /// Copies one attribute as it is.
    pub fn copy(&mut self, tag: Tag, attribute: &Attribute) {
        self.0.insert(tag, attribute.clone());
    }

    /// Removes one.
    pub fn remove(&mut self, tag: Tag) {
        self.0.remove(&tag);
    }

    /// One attribute.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&Attribute> {
        self.0.get(&tag)
    }

    /// First value, trimmed; empty text when absent.
    #[must_use]
    pub fn first(&self, tag: Tag) -> &str {
        self.0.get(&tag).and_then(|a| a.values.first()).map_or("", |v| v.trim())
    }

    /// All, in tag order.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &Attribute)> {
        self.0.iter().map(|(tag, attribute)| (*tag, attribute))
    }

    /// Adds all of `other`; its values win.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(tag, attribute)| (*tag, attribute.clone())));
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn cut(mut value: String) -> String {
    if value.len() > limits::INDEXED_VALUE_BYTES {
        let mut end = limits::INDEXED_VALUE_BYTES;
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        value.truncate(end);
    }
    value
}

/// The tags that the index keeps, by level (PS3.18 Tables 10.6.3-3 to 10.6.3-5), named as in PS3.6.
#[expect(missing_docs, reason = "the names are PS3.6's keywords")]
pub mod tags {
    use super::Tag;
    pub const SPECIFIC_CHARACTER_SET: Tag = 0x0008_0005;
    pub const SOP_CLASS_UID: Tag = 0x0008_0016;
    pub const SOP_INSTANCE_UID: Tag = 0x0008_0018;
    pub const STUDY_DATE: Tag = 0x0008_0020;
    pub const SERIES_DATE: Tag = 0x0008_0021;
    pub const CONTENT_DATE: Tag = 0x0008_0023;
    pub const ACQUISITION_DATE_TIME: Tag = 0x0008_002A;
    pub const STUDY_TIME: Tag = 0x0008_0030;
    pub const SERIES_TIME: Tag = 0x0008_0031;
    pub const CONTENT_TIME: Tag = 0x0008_0033;
    pub const ACCESSION_NUMBER: Tag = 0x0008_0050;
    pub const INSTANCE_AVAILABILITY: Tag = 0x0008_0056;
    pub const MODALITY: Tag = 0x0008_0060;
    pub const MODALITIES_IN_STUDY: Tag = 0x0008_0061;
    pub const INSTITUTION_NAME: Tag = 0x0008_0080;
    pub const REFERRING_PHYSICIAN_NAME: Tag = 0x0008_0090;
    pub const CODE_VALUE: Tag = 0x0008_0100;
    pub const CODING_SCHEME_DESIGNATOR: Tag = 0x0008_0102;
    pub const CODE_MEANING: Tag = 0x0008_0104;
    pub const STATION_NAME: Tag = 0x0008_1010;
    pub const STUDY_DESCRIPTION: Tag = 0x0008_1030;
    pub const PROCEDURE_CODE_SEQUENCE: Tag = 0x0008_1032;
    pub const SERIES_DESCRIPTION: Tag = 0x0008_103E;
    pub const OPERATORS_NAME: Tag = 0x0008_1070;
    pub const RETRIEVE_URL: Tag = 0x0008_1190;
    pub const PATIENT_NAME: Tag = 0x0010_0010;
    pub const PATIENT_ID: Tag = 0x0010_0020;
    pub const ISSUER_OF_PATIENT_ID: Tag = 0x0010_0021;
    pub const PATIENT_BIRTH_DATE: Tag = 0x0010_0030;
    pub const PATIENT_SEX: Tag = 0x0010_0040;
    pub const PATIENT_AGE: Tag = 0x0010_1010;
    pub const BODY_PART_EXAMINED: Tag = 0x0018_0015;
    pub const PROTOCOL_NAME: Tag = 0x0018_1030;
    pub const VIEW_POSITION: Tag = 0x0018_5101;
    pub const STUDY_INSTANCE_UID: Tag = 0x0020_000D;
    pub const SERIES_INSTANCE_UID: Tag = 0x0020_000E;
    pub const STUDY_ID: Tag = 0x0020_0010;
    pub const SERIES_NUMBER: Tag = 0x0020_0011;
    pub const INSTANCE_NUMBER: Tag = 0x0020_0013;
    pub const LATERALITY: Tag = 0x0020_0060;
    pub const NUMBER_OF_PATIENT_RELATED_STUDIES: Tag = 0x0020_1200;
    pub const NUMBER_OF_PATIENT_RELATED_SERIES: Tag = 0x0020_1202;
    pub const NUMBER_OF_PATIENT_RELATED_INSTANCES: Tag = 0x0020_1204;
    pub const NUMBER_OF_STUDY_RELATED_SERIES: Tag = 0x0020_1206;
    pub const NUMBER_OF_STUDY_RELATED_INSTANCES: Tag = 0x0020_1208;
    pub const NUMBER_OF_SERIES_RELATED_INSTANCES: Tag = 0x0020_1209;
    pub const NUMBER_OF_FRAMES: Tag = 0x0028_0008;
    pub const ROWS: Tag = 0x0028_0010;
    pub const COLUMNS: Tag = 0x0028_0011;
    pub const BITS_ALLOCATED: Tag = 0x0028_0100;
    pub const REQUESTING_PHYSICIAN: Tag = 0x0032_1032;
    pub const REQUESTED_PROCEDURE_DESCRIPTION: Tag = 0x0032_1060;
    pub const REQUESTED_PROCEDURE_CODE_SEQUENCE: Tag = 0x0032_1064;
    pub const SCHEDULED_STATION_AE_TITLE: Tag = 0x0040_0001;
    pub const SCHEDULED_PROCEDURE_STEP_START_DATE: Tag = 0x0040_0002;
    pub const SCHEDULED_PROCEDURE_STEP_START_TIME: Tag = 0x0040_0003;
    pub const SCHEDULED_PROCEDURE_STEP_DESCRIPTION: Tag = 0x0040_0007;
    pub const SCHEDULED_PROCEDURE_STEP_ID: Tag = 0x0040_0009;
    pub const SCHEDULED_PROCEDURE_STEP_STATUS: Tag = 0x0040_0020;
    pub const SCHEDULED_PROCEDURE_STEP_SEQUENCE: Tag = 0x0040_0100;
    pub const PERFORMED_PROCEDURE_STEP_START_DATE: Tag = 0x0040_0244;
    pub const PERFORMED_PROCEDURE_STEP_START_TIME: Tag = 0x0040_0245;
    pub const REQUEST_ATTRIBUTES_SEQUENCE: Tag = 0x0040_0275;
    pub const REQUESTED_PROCEDURE_ID: Tag = 0x0040_1001;

    /// Patient level.
    pub const PATIENT: &[Tag] =
        &[PATIENT_NAME, PATIENT_ID, ISSUER_OF_PATIENT_ID, PATIENT_BIRTH_DATE, PATIENT_SEX];
    /// Study level.
    pub const STUDY: &[Tag] = &[
        STUDY_DATE,
        STUDY_TIME,
        ACCESSION_NUMBER,
        REFERRING_PHYSICIAN_NAME,
        STUDY_DESCRIPTION,
        PROCEDURE_CODE_SEQUENCE,
        PATIENT_AGE,
        STUDY_INSTANCE_UID,
        STUDY_ID,
    ];
    /// Series level.
    pub const SERIES: &[Tag] = &[
        SERIES_DATE,
        SERIES_TIME,
        MODALITY,
        INSTITUTION_NAME,
        STATION_NAME,
        SERIES_DESCRIPTION,
        BODY_PART_EXAMINED,
        PROTOCOL_NAME,
        SERIES_INSTANCE_UID,
        SERIES_NUMBER,
        LATERALITY,
        PERFORMED_PROCEDURE_STEP_START_DATE,
        PERFORMED_PROCEDURE_STEP_START_TIME,
        REQUEST_ATTRIBUTES_SEQUENCE,
    ];
    /// Instance level.
    pub const INSTANCE: &[Tag] = &[
        SOP_CLASS_UID,
        SOP_INSTANCE_UID,
        CONTENT_DATE,
        CONTENT_TIME,
        ACQUISITION_DATE_TIME,
        OPERATORS_NAME,
        VIEW_POSITION,
        INSTANCE_NUMBER,
        NUMBER_OF_FRAMES,
        ROWS,
        COLUMNS,
        BITS_ALLOCATED,
    ];
    /// What is kept of an order: the top of a worklist item (PS3.4 Table K.6-1).
    pub const SCHEDULED: &[Tag] = &[
        ACCESSION_NUMBER,
        REFERRING_PHYSICIAN_NAME,
        PATIENT_NAME,
        PATIENT_ID,
        ISSUER_OF_PATIENT_ID,
        PATIENT_BIRTH_DATE,
        PATIENT_SEX,
        0x0010_1020, // Patient's Size
        0x0010_1030, // Patient's Weight
        0x0010_2000, // Medical Alerts
        0x0010_2110, // Allergies
        0x0010_21C0, // Pregnancy Status
        STUDY_INSTANCE_UID,
        REQUESTING_PHYSICIAN,
        0x0032_1033, // Requesting Service
        REQUESTED_PROCEDURE_DESCRIPTION,
        REQUESTED_PROCEDURE_CODE_SEQUENCE,
        0x0038_0010, // Admission ID
        0x0038_0050, // Special Needs
        0x0038_0300, // Current Patient Location
        0x0038_0500, // Patient State
        SCHEDULED_PROCEDURE_STEP_SEQUENCE,
        REQUESTED_PROCEDURE_ID,
        0x0040_1002, // Reason for the Requested Procedure
        0x0040_1003, // Requested Procedure Priority
        0x0040_1004, // Patient Transport Arrangements
        0x0040_1400, // Requested Procedure Comments
        0x0040_2016, // Placer Order Number / Imaging Service Request
        0x0040_2017, // Filler Order Number / Imaging Service Request
        0x0040_2400, // Imaging Service Request Comments
        0x0040_3001, // Confidentiality Constraint on Patient Data
    ];
    /// Computed from what is there, at patient level.
    pub const COUNTED_OF_PATIENT: &[Tag] = &[
        NUMBER_OF_PATIENT_RELATED_STUDIES,
        NUMBER_OF_PATIENT_RELATED_SERIES,
        NUMBER_OF_PATIENT_RELATED_INSTANCES,
    ];
    /// Computed, at study level.
    pub const COUNTED_OF_STUDY: &[Tag] = &[
        MODALITIES_IN_STUDY,
        NUMBER_OF_STUDY_RELATED_SERIES,
        NUMBER_OF_STUDY_RELATED_INSTANCES,
        INSTANCE_AVAILABILITY,
    ];

    /// What the index keeps of the items of a sequence; nothing of sequences that it does not know.
    #[must_use]
    pub const fn of_items(sequence: Tag) -> &'static [Tag] {
        match sequence {
            PROCEDURE_CODE_SEQUENCE | REQUESTED_PROCEDURE_CODE_SEQUENCE => {
                &[CODE_VALUE, CODING_SCHEME_DESIGNATOR, CODE_MEANING]
            }
            REQUEST_ATTRIBUTES_SEQUENCE => &[
                ACCESSION_NUMBER,
                STUDY_INSTANCE_UID,
                REQUESTED_PROCEDURE_DESCRIPTION,
                SCHEDULED_PROCEDURE_STEP_DESCRIPTION,
                SCHEDULED_PROCEDURE_STEP_ID,
                REQUESTED_PROCEDURE_ID,
            ],
            SCHEDULED_PROCEDURE_STEP_SEQUENCE => &[
                MODALITY,
                0x0032_1070, // Requested Contrast Agent
                SCHEDULED_STATION_AE_TITLE,
                SCHEDULED_PROCEDURE_STEP_START_DATE,
                SCHEDULED_PROCEDURE_STEP_START_TIME,
                0x0040_0006, // Scheduled Performing Physician's Name
                SCHEDULED_PROCEDURE_STEP_DESCRIPTION,
                SCHEDULED_PROCEDURE_STEP_ID,
                0x0040_0010, // Scheduled Station Name
                0x0040_0011, // Scheduled Procedure Step Location
                0x0040_0012, // Pre-Medication
                SCHEDULED_PROCEDURE_STEP_STATUS,
                0x0040_0400, // Comments on the Scheduled Procedure Step
            ],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_items_are_cut_at_their_limits() {
        let plain = |text: String| Plain { vr: Vr(*b"SH"), values: vec![text] };
        let mut given = Attributes::new();
        given.set(tags::STUDY_DESCRIPTION, *b"LO", ["x".repeat(limits::INDEXED_VALUE_BYTES + 1)]);
        let item = Item::from([(tags::CODE_VALUE, plain("王".repeat(limits::INDEXED_VALUE_BYTES)))]);
        given.set_items(tags::PROCEDURE_CODE_SEQUENCE, vec![item; limits::INDEXED_ITEMS + 1]);
        assert_eq!(given.first(tags::STUDY_DESCRIPTION).len(), limits::INDEXED_VALUE_BYTES);
        let items = &given.get(tags::PROCEDURE_CODE_SEQUENCE).unwrap().items;
        assert_eq!(items.len(), limits::INDEXED_ITEMS);
        assert_eq!(items[0][&tags::CODE_VALUE].values[0].len(), limits::INDEXED_VALUE_BYTES / 3 * 3);
    }
}
