//! What gives hidden pixels away: statistics of them, copies of them, whatever nobody can look into.

use super::{nested_all, tag_of};
use crate::profile::removed_group;
use dicom_core::VR;
use dicom_object::InMemDicomObject;
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

/// Removes them at every depth.
pub fn remove(object: &mut InMemDicomObject, depth: usize) {
    object.retain(|element| {
        let tag = tag_of(element);
        let named = TELLTALES.iter().any(|(t, _)| *t == tag);
        let unknown = element.vr() == VR::UN;
        !(named || unknown || removed_group(tag) || tag & 0xFFFF == 0)
    });
    if depth < limits::SEQUENCE_DEPTH {
        nested_all(object, &mut |item| remove(item, depth + 1));
    }
}
