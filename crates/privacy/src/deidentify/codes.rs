//! Coded entries (PS3.3 §8.8): what a scheme's registry answers for stays, free words under a scheme that nobody knows go.

use super::{first, put};
use dicom::json::tag as core;
use dicom_core::VR;
use dicom_object::InMemDicomObject;
use model::Tag;

const CODE_VALUE: Tag = 0x0008_0100;
const DESIGNATOR: Tag = 0x0008_0102;
const SCHEME_VERSION: Tag = 0x0008_0103;
const MEANING: Tag = 0x0008_0104;
const LONG_CODE_VALUE: Tag = 0x0008_0119;
const URN_CODE_VALUE: Tag = 0x0008_0120;

/// Schemes that a registry outside the hospital defines (PS3.16 Table 8-1). All others are private (`99…`, `L`) or unknown.
const REGISTERED: &[&str] = &[
    "ACR",
    "BI",
    "C4",
    "C5",
    "CD2",
    "DCM",
    "FMA",
    "HPC",
    "I10",
    "I10P",
    "I11",
    "I9",
    "I9C",
    "IBSI",
    "ICDO3",
    "ISO3166_1",
    "ISO639_1",
    "ISO639_2",
    "ITIS_TSN",
    "LN",
    "MDC",
    "MDNS",
    "MSH",
    "NCIt",
    "NDC",
    "NEU",
    "NICIP",
    "PUBCHEM_CID",
    "RADELEMENT",
    "RADLEX",
    "RFC3066",
    "RFC5646",
    "RXNORM",
    "SCPECG",
    "SCT",
    "SNM3",
    "SRT",
    "TG263",
    "UBERON",
    "UCUM",
    "UMLS",
    "UNS",
];

/// Meanings of DCM codes for why an object is referred to (PS3.16 CID 7201 and 7202).
const PURPOSES: &[(&str, &str)] = &[
    ("113130", "Predecessor containing group of imaging subjects"),
    ("121311", "Localizer"),
    ("121312", "Biopsy localizer"),
    ("121313", "Other partial views"),
    ("121314", "Other image of biplane pair"),
    ("121315", "Other image of stereoscopic pair"),
    ("121316", "Images related to standalone object"),
    ("121317", "Spectroscopy"),
    ("121320", "Uncompressed predecessor"),
    ("121321", "Mask image for image processing operation"),
    ("121322", "Source image for image processing operation"),
    ("121329", "Source image for montage"),
    ("121330", "Lossy compressed predecessor"),
    ("121338", "Anatomic image"),
    ("121339", "Functional image"),
    ("121340", "Spectral filtered image"),
    ("121341", "Device localizer"),
    ("121346", "Acquisition frames corresponding to volume"),
    ("121347", "Volume corresponding to spatially-related acquisition frames"),
    ("121348", "Temporal Predecessor"),
    ("121349", "Temporal Successor"),
    ("121358", "For Processing predecessor"),
    ("128250", "Structural image for image processing"),
    ("128251", "Flow image for image processing"),
    ("129201", "Image used for Treatment Planning"),
    ("129202", "Image used for Dose Calculation"),
    ("129203", "Image Acquired during Treatment"),
    ("129204", "Image used as Reference Image for Treatment"),
    ("130750", "Quality control material image"),
];

/// Of an entry of a private scheme the words go; it may be of Type 1, so a dummy stands there.
pub fn clean(item: &mut InMemDicomObject) {
    let coded =
        [CODE_VALUE, LONG_CODE_VALUE, URN_CODE_VALUE].iter().any(|tag| item.get(core(*tag)).is_some());
    if coded && item.get(core(MEANING)).is_some() && !REGISTERED.contains(&first(item, DESIGNATOR).as_str()) {
        put(item, MEANING, VR::LO, "REMOVED");
    }
}

/// An entry that carries nothing but its code: the value where its scheme has no room for words, the meaning by our own table.
pub fn bare(item: &InMemDicomObject) -> InMemDicomObject {
    let (value, scheme, version) =
        (first(item, CODE_VALUE), first(item, DESIGNATOR), first(item, SCHEME_VERSION));
    let known = shaped(&scheme, &value);
    let purpose = PURPOSES.iter().find(|(code, _)| scheme == "DCM" && *code == value);
    let mut out = InMemDicomObject::new_empty();
    put(&mut out, CODE_VALUE, VR::SH, if known { &value } else { "REMOVED" });
    put(&mut out, DESIGNATOR, VR::SH, if known { &scheme } else { "99REMOVED" });
    if known && !version.is_empty() && version.len() <= 8 && version.bytes().all(|b| b.is_ascii_digit()) {
        put(&mut out, SCHEME_VERSION, VR::SH, &version);
    }
    put(&mut out, MEANING, VR::LO, purpose.map_or("REMOVED", |(_, meaning)| meaning));
    out
}

/// DICOM's own codes have six digits, SNOMED CT's 6 to 18, the older SNOMED's an axis, a dash and five hexadecimal digits.
fn shaped(scheme: &str, value: &str) -> bool {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    match scheme {
        "DCM" => digits && value.len() == 6,
        "SCT" => digits && (6..=16).contains(&value.len()),
        "SRT" | "SNM3" => value.split_once('-').is_some_and(|(axis, code)| {
            axis.len() == 1
                && axis.bytes().all(|b| b.is_ascii_uppercase())
                && code.len() == 5
                && code.bytes().all(|b| b.is_ascii_hexdigit())
        }),
        _ => false,
    }
}
