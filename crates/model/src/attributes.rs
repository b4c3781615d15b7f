//! Typed, bounded attributes: what the gateway hands the vault of a DICOM header, and what answers carry.

use crate::limits;
use serde::{Deserialize, Serialize};
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

/// One attribute: its VR and its values as text (UTF-8; a person name as `alphabetic=ideographic=phonetic`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Value representation.
    pub vr: Vr,
    /// Values; empty when the attribute is present and empty.
    pub values: Vec<String>,
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
        self.0.insert(tag, Attribute { vr: Vr(vr), values });
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
    pub const STUDY_TIME: Tag = 0x0008_0030;
    pub const ACCESSION_NUMBER: Tag = 0x0008_0050;
    pub const INSTANCE_AVAILABILITY: Tag = 0x0008_0056;
    pub const MODALITY: Tag = 0x0008_0060;
    pub const MODALITIES_IN_STUDY: Tag = 0x0008_0061;
    pub const INSTITUTION_NAME: Tag = 0x0008_0080;
    pub const REFERRING_PHYSICIAN_NAME: Tag = 0x0008_0090;
    pub const STATION_NAME: Tag = 0x0008_1010;
    pub const STUDY_DESCRIPTION: Tag = 0x0008_1030;
    pub const SERIES_DESCRIPTION: Tag = 0x0008_103E;
    pub const OPERATORS_NAME: Tag = 0x0008_1070;
    pub const RETRIEVE_URL: Tag = 0x0008_1190;
    pub const PATIENT_NAME: Tag = 0x0010_0010;
    pub const PATIENT_ID: Tag = 0x0010_0020;
    pub const ISSUER_OF_PATIENT_ID: Tag = 0x0010_0021;
    pub const PATIENT_BIRTH_DATE: Tag = 0x0010_0030;
    pub const PATIENT_SEX: Tag = 0x0010_0040;
    pub const BODY_PART_EXAMINED: Tag = 0x0018_0015;
    pub const VIEW_POSITION: Tag = 0x0018_5101;
    pub const STUDY_INSTANCE_UID: Tag = 0x0020_000D;
    pub const SERIES_INSTANCE_UID: Tag = 0x0020_000E;
    pub const STUDY_ID: Tag = 0x0020_0010;
    pub const SERIES_NUMBER: Tag = 0x0020_0011;
    pub const INSTANCE_NUMBER: Tag = 0x0020_0013;
    pub const LATERALITY: Tag = 0x0020_0060;
    pub const NUMBER_OF_STUDY_RELATED_SERIES: Tag = 0x0020_1206;
    pub const NUMBER_OF_STUDY_RELATED_INSTANCES: Tag = 0x0020_1208;
    pub const NUMBER_OF_SERIES_RELATED_INSTANCES: Tag = 0x0020_1209;
    pub const NUMBER_OF_FRAMES: Tag = 0x0028_0008;
    pub const ROWS: Tag = 0x0028_0010;
    pub const COLUMNS: Tag = 0x0028_0011;
    pub const BITS_ALLOCATED: Tag = 0x0028_0100;
    pub const PERFORMED_PROCEDURE_STEP_START_DATE: Tag = 0x0040_0244;
    pub const PERFORMED_PROCEDURE_STEP_START_TIME: Tag = 0x0040_0245;

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
        STUDY_INSTANCE_UID,
        STUDY_ID,
    ];
    /// Series level.
    pub const SERIES: &[Tag] = &[
        SERIES_DATE,
        MODALITY,
        INSTITUTION_NAME,
        STATION_NAME,
        SERIES_DESCRIPTION,
        BODY_PART_EXAMINED,
        SERIES_INSTANCE_UID,
        SERIES_NUMBER,
        LATERALITY,
        PERFORMED_PROCEDURE_STEP_START_DATE,
        PERFORMED_PROCEDURE_STEP_START_TIME,
    ];
    /// Instance level.
    pub const INSTANCE: &[Tag] = &[
        SOP_CLASS_UID,
        SOP_INSTANCE_UID,
        CONTENT_DATE,
        OPERATORS_NAME,
        VIEW_POSITION,
        INSTANCE_NUMBER,
        NUMBER_OF_FRAMES,
        ROWS,
        COLUMNS,
        BITS_ALLOCATED,
    ];
}
