//! What stands where something was (PS3.15 E.1.1: dummies of the right VR), and what the dictionary says of a tag.

use dicom::json::tag as core;
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _, VirtualVr};
use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::StandardDataDictionary;
use model::Tag;

const TEXT: &[VR] =
    &[VR::AE, VR::AS, VR::CS, VR::DS, VR::IS, VR::LO, VR::LT, VR::SH, VR::ST, VR::UC, VR::UR, VR::UT];
const NUMBERS: &[VR] =
    &[VR::AT, VR::FD, VR::FL, VR::SL, VR::SS, VR::SV, VR::UL, VR::US, VR::UV, VR::OW, VR::OB];

/// VR of the standard's own tag.
pub fn vr(tag: Tag) -> Option<VR> {
    StandardDataDictionary.by_tag(core(tag)).map(|entry| entry.vr().relaxed())
}

/// The declared VR is the dictionary's or a near one: an attribute in disguise is not kept.
pub fn fits(tag: Tag, declared: VR) -> bool {
    let Some(entry) = StandardDataDictionary.by_tag(core(tag)) else { return false };
    let near =
        |vr: VR| vr == declared || [TEXT, NUMBERS].iter().any(|g| g.contains(&vr) && g.contains(&declared));
    match entry.vr() {
        VirtualVr::Exact(vr) => near(vr),
        _ => NUMBERS.contains(&declared),
    }
}

/// A value that says nothing.
pub fn value(vr: VR) -> PrimitiveValue {
    match vr {
        VR::AS => "000Y".into(),
        VR::DA => "19000101".into(),
        VR::DT => "19000101000000".into(),
        VR::TM => "000000".into(),
        VR::DS | VR::IS => "0".into(),
        VR::UR => "urn:removed".into(),
        VR::FL => 0f32.into(),
        VR::FD => 0f64.into(),
        VR::SL => 0i32.into(),
        VR::UL => 0u32.into(),
        VR::SS => 0i16.into(),
        VR::US => 0u16.into(),
        VR::SV => 0i64.into(),
        VR::UV => 0u64.into(),
        VR::AT | VR::SQ | VR::UI => PrimitiveValue::Empty,
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => PrimitiveValue::from(vec![0u8; 8]),
        _ => "REMOVED".into(),
    }
}

/// Binary values without which the picture cannot be shown: palettes and lookup tables (PS3.3 C.7.9, C.11). All others
/// go, since nobody can see what they hold.
pub const fn needed_binary(tag: Tag) -> bool {
    matches!(tag, 0x0028_1101..=0x0028_1103 | 0x0028_1201..=0x0028_1203 | 0x0028_1221..=0x0028_1223 | 0x0028_3002 | 0x0028_3006)
}
