//! Sequences of references (X/Z/U* of Table E.1-1) stay, for viewers need them; in their items only what names the referenced
//! object does, and what the table has a row for. Free words there have no row, so nobody else would take them away.

use super::{codes, number, sequence};
use crate::profile::Profile;
use dicom_object::InMemDicomObject;
use model::Tag;

const PURPOSE_OF_REFERENCE: Tag = 0x0040_A170;

/// What makes a reference to images (PS3.3 Tables 10-3 and C.7.6.16.2.6, C.8.24.2.1).
const PARTS: &[Tag] = &[
    0x0008_1150, // Referenced SOP Class UID
    0x0008_1155, // Referenced SOP Instance UID
    0x0008_1160, // Referenced Frame Number
    0x0008_1161, // Simple Frame List
    0x0008_1162, // Calculated Frame List
    0x0062_000B, // Referenced Segment Number
    0x0028_135A, // Spatial Locations Preserved
    0x0020_0020, // Patient Orientation
];

/// An item without all else. What has a row in the table is left for the table.
pub fn only(item: InMemDicomObject, profile: &Profile) -> InMemDicomObject {
    let parts = item.into_iter().filter_map(|element| match number(&element) {
        PURPOSE_OF_REFERENCE => {
            let purposes = element.items().unwrap_or_default().iter().map(codes::bare).collect();
            Some(sequence(PURPOSE_OF_REFERENCE, purposes))
        }
        tag if PARTS.contains(&tag) || profile.action(tag).is_some() => Some(element),
        _ => None,
    });
    InMemDicomObject::from_element_iter(parts)
}
