//! What gives hidden pixels away: statistics of them, copies of them, whatever nobody can look into.

use super::{core, nested_all, tag_of};
use crate::profile::removed_group;
use dicom_core::VR;
use dicom_core::dictionary::DataDictionary as _;
use dicom_dictionary_std::StandardDataDictionary;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use model::{Tag, limits};

/// Attributes that go, with the reason.
const TELLTALES: &[(Tag, &str)] = &[
    (0x0028_0104, "smallest valid pixel value"),
    (0x0028_0105, "largest valid pixel value"),
    (0x0028_0106, "smallest image pixel value"),
    (0x0028_0107, "largest image pixel value"),
    (0x0028_0108, "smallest pixel value in series"),
    (0x0028_0109, "largest pixel value in series"),
    (0x0028_0110, "smallest image pixel value in plane"),
    (0x0028_0111, "largest image pixel value in plane"),
    (0x0028_7FE0, "pixel data provider URL: the unmasked pixels"),
    (0x0060_3000, "histogram"),
    (0x0088_0200, "icon: a small copy"),
    (0x0400_0500, "encrypted attributes"),
    (0x0400_0550, "modified attributes: values before"),
    (0x0400_0561, "original attributes: values before"),
    (0x4FFE_0001, "MAC parameters: digests of the unmasked pixels"),
    (0xFFFA_FFFA, "digital signatures: digests of the unmasked pixels"),
    (0xFFFC_FFFC, "trailing padding: anything"),
    (0x0042_0011, "encapsulated document"),
    (0x5400_0100, "waveforms: sound of the examination"),
    (0x5400_1010, "waveform data"),
    (0x5600_0020, "spectroscopy data"),
    (0x0066_0002, "surfaces of the body"),
    (0x3006_0039, "contours of the body"),
    (0x0062_0002, "segments of the body"),
    (0x0070_0001, "graphic annotations"),
    (0x0070_0060, "graphic layers"),
    (0x0040_A730, "content tree: findings and measures"),
    (0x7FE0_0008, "float pixel data"),
    (0x7FE0_0009, "double float pixel data"),
    (0x7FE0_0010, "pixel data"),
];

/// Groups that hold copies, measures or drawings of what the pixels show, or nothing that a viewer of images needs: zonal
/// maps and code tables of old standards, embedded objects, surfaces, tracks, implants, annotations, presentation states,
/// dose, structures, waveforms, spectra, digests.
const GROUPS: &[Tag] = &[
    0x0042, 0x0060, 0x0062, 0x0064, 0x0066, 0x0068, 0x006A, 0x0070, 0x1000, 0x1010, 0x3004, 0x3006, 0x4FFE,
    0x5400, 0x5600, 0xFFFA, 0xFFFC,
];

/// Bulk values that stay, since without them the pixels that leave cannot be shown: look-up tables (PS3.3 C.11.1,
/// C.11.2), palettes (C.7.9), colour profile (C.11.15).
const BULK: &[Tag] =
    &[0x0028_1201, 0x0028_1202, 0x0028_1203, 0x0028_1221, 0x0028_1222, 0x0028_1223, 0x0028_2000, 0x0028_3006];

const ICC_PROFILE: Tag = 0x0028_2000;
/// Longest look-up table: 65,536 entries of 16 bits (PS3.3 C.11.1.1.1).
const LONGEST_TABLE: usize = 128 << 10;
/// Longest colour profile; those of cameras and slide scanners stay far below.
const LONGEST_PROFILE: usize = 1 << 20;

/// Longest other value: vectors with a number for each frame are shorter, pictures are longer.
const LONGEST: usize = 32 << 10;
/// Longest text: LT has 10,240 characters of up to four bytes.
const LONGEST_TEXT: usize = 10_240 * 4;

/// Longest private value: far below what a picture needs.
const LONGEST_PRIVATE: usize = 1 << 10;

/// Removes them at every depth. What is not in PS3.6 goes too: only what is known to be no copy of the pixels stays, and of private
/// attributes, where they were found safe, short numbers and words.
pub fn remove(object: &mut InMemDicomObject, safe_private: bool, depth: usize) {
    object.retain(|element| stays(element) || safe_private && short_private(element));
    if depth < limits::SEQUENCE_DEPTH {
        nested_all(object, &mut |item| remove(item, safe_private, depth + 1));
    }
}

/// Table E.3.10-1 of PS3.15 has slopes, b-values, names of sequences.
fn short_private(element: &InMemElement) -> bool {
    let tag = tag_of(element);
    let of_words = !matches!(
        element.vr(),
        VR::OB | VR::OW | VR::OD | VR::OF | VR::OL | VR::OV | VR::UN | VR::SQ | VR::UT | VR::UC | VR::UR
    );
    tag >> 16 & 1 == 1
        && tag & 0xFFFF != 0
        && of_words
        && element.value().primitive().is_none_or(|value| value.calculate_byte_len() <= LONGEST_PRIVATE)
}

fn stays(element: &InMemElement) -> bool {
    let tag = tag_of(element);
    let group = tag >> 16;
    let gone = TELLTALES.iter().any(|(t, _)| *t == tag)
        || GROUPS.contains(&group)
        || group >> 8 == 0x7F
        || removed_group(tag)
        || tag & 0xFFFF == 0;
    if gone || StandardDataDictionary.by_tag(core(tag)).is_none() {
        return false;
    }
    let long =
        |most: usize| element.value().primitive().is_some_and(|value| value.calculate_byte_len() > most);
    if BULK.contains(&tag) {
        return element.vr() != VR::UN
            && !long(if tag == ICC_PROFILE { LONGEST_PROFILE } else { LONGEST_TABLE });
    }
    match element.vr() {
        VR::OB | VR::OW | VR::OD | VR::OF | VR::OL | VR::OV | VR::UN => false,
        // Without a bound of their own: anything may be in them.
        VR::UT | VR::UC | VR::UR => known_text(tag) && !long(LONGEST_TEXT),
        VR::LT | VR::ST => !long(LONGEST_TEXT),
        VR::SQ => element.items().is_some(),
        _ => !long(LONGEST),
    }
}

/// Unbounded texts that are words about the examination or codes (PS3.6, PS3.3 Table 8.8-1).
const fn known_text(tag: Tag) -> bool {
    matches!(
        tag,
        0x0008_0119
            | 0x0008_0120
            | 0x0008_010E
            | 0x0008_0304
            | 0x0008_1190
            | 0x0040_0031
            | 0x0040_0032
            | 0x0040_0035
            | 0x0040_A160
    )
}
