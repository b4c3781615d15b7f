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

/// Units as measurements have them (PS3.16 CID 82): a UCUM code may hold words in braces.
const UNITS: &str = "1 % /min 10*-3.mm2/s 10*-6.mm2/s A Bq Bq/ml Cel GBq Gy Gy.m2 Hz J MBq MHz Ohm Sv V W [degF] [hnsf'U] bpm cGy cm cm/s cm2 d dB dGy.cm2 \
    deg fm g g/cm3 g/l g/ml h kBq kHz kPa kV kVp keV kg kg/m2 l l/min m m/s m2 mA mA.s mGy mGy.cm mGy/h mGy/min mSv mV mg mg/cm3 mg/dl mg/ml min ml \
    ml/min ml/s mm mm/s mm2 mm3 mm[Hg] mmol/l ms nm pm rad s uA.s uGy.m2 uSv uV ug um um2 us wk {SUVbw}g/ml {counts} {counts}/s {ratio} {pixels} \
    {beats}/min";

/// It is a coded entry.
pub fn is_coded(item: &InMemDicomObject) -> bool {
    [CODE_VALUE, LONG_CODE_VALUE, URN_CODE_VALUE].iter().any(|tag| item.get(core(*tag)).is_some())
}

/// Scheme and value, as the tables of `profiles/` name a concept.
pub fn key(item: &InMemDicomObject) -> String {
    format!("{} {}", first(item, DESIGNATOR).replace(' ', ""), first(item, CODE_VALUE))
}

/// An entry that says nothing.
pub fn nothing() -> InMemDicomObject {
    let mut out = InMemDicomObject::new_empty();
    put(&mut out, CODE_VALUE, VR::SH, "REMOVED");
    put(&mut out, DESIGNATOR, VR::SH, "99REMOVED");
    put(&mut out, MEANING, VR::LO, "REMOVED");
    out
}

/// A [`bare`] entry with its meaning, where `is_meaning` finds nothing else in it.
pub fn strict(item: &InMemDicomObject, is_meaning: impl Fn(&str) -> bool) -> InMemDicomObject {
    let mut out = bare(item);
    let meaning = first(item, MEANING);
    if first(&out, CODE_VALUE) == "REMOVED" {
        return nothing();
    }
    if first(&out, DESIGNATOR) == "UCUM" {
        let value = first(&out, CODE_VALUE);
        put(&mut out, MEANING, VR::LO, &value);
    } else if is_meaning(&meaning) {
        put(&mut out, MEANING, VR::LO, &meaning);
    }
    out
}

/// Of an entry of a private scheme the words go; it may be of Type 1, so a dummy stands there.
pub fn clean(item: &mut InMemDicomObject) {
    if is_coded(item)
        && item.get(core(MEANING)).is_some()
        && !REGISTERED.contains(&first(item, DESIGNATOR).as_str())
    {
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
    let digits = numeric(value);
    match scheme {
        "DCM" => digits && value.len() == 6,
        "SCT" => digits && (6..=16).contains(&value.len()),
        "SRT" | "SNM3" => value.split_once('-').is_some_and(|(axis, code)| {
            axis.len() == 1
                && axis.bytes().all(|b| b.is_ascii_uppercase())
                && code.len() == 5
                && code.bytes().all(|b| b.is_ascii_hexdigit())
        }),
        "UCUM" => UNITS.split_whitespace().any(|unit| unit == value),
        "LN" => value.split_once('-').is_some_and(|(number, check)| {
            (1..=7).contains(&number.len()) && check.len() == 1 && numeric(number) && numeric(check)
        }),
        "NCIt" => value.strip_prefix('C').is_some_and(|n| n.len() <= 6 && numeric(n)),
        "UMLS" => value.strip_prefix('C').is_some_and(|n| n.len() == 7 && numeric(n)),
        "RADLEX" => value.strip_prefix("RID").is_some_and(|n| n.len() <= 6 && numeric(n)),
        "MDC" | "FMA" => digits && value.len() <= 6,
        _ => false,
    }
}

fn numeric(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
