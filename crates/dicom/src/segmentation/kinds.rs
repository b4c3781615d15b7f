//! What a segment shows, in codes of PS3.16 (CID 7150, CID 7151).

use crate::Result;
use crate::made::{Put as _, code, item};
use dicom_core::VR;
use dicom_object::InMemDicomObject;
use model::RegionKind;

type Code = [&'static str; 3];

const BODY: Code = ["91723000", "SCT", "Anatomical Structure"];
const PLACE: Code = ["309825002", "SCT", "Spatial and Relational Concept"];
const REGION: Code = ["111030", "DCM", "Image Region"];

/// Label, category and type.
const fn meaning(kind: RegionKind) -> (&'static str, Code, Code) {
    match kind {
        RegionKind::Breast => ("Breast", BODY, ["76752008", "SCT", "Breast"]),
        RegionKind::Axilla => ("Axilla", BODY, ["91470000", "SCT", "Axilla"]),
        RegionKind::Abdomen => ("Abdomen", BODY, ["818981001", "SCT", "Abdomen"]),
        RegionKind::Pelvis => ("Pelvis", BODY, ["816092008", "SCT", "Pelvis"]),
        RegionKind::Face => ("Face", BODY, ["89545001", "SCT", "Face"]),
        RegionKind::BodySurface => ("Body surface", BODY, ["39937001", "SCT", "Skin"]),
        RegionKind::Text => ("Burned-in text", PLACE, REGION),
        RegionKind::Marker => ("Marker", PLACE, REGION),
        RegionKind::Drawn => ("Drawn by a person", PLACE, REGION),
        RegionKind::Unsure => ("Not recognised for sure", PLACE, REGION),
    }
}

/// The item of (0062,0002) for a segment (PS3.3 C.8.20.4).
pub fn segment(number: u32, kind: RegionKind) -> Result<InMemDicomObject> {
    let (label, category, of_type) = meaning(kind);
    let mut out = item(|item| {
        item.sequence(0x0062_0003, vec![code(category)]);
        item.text(0x0062_0005, VR::LO, label);
        if kind == RegionKind::Drawn {
            item.text(0x0062_0008, VR::CS, "MANUAL");
        } else {
            item.text(0x0062_0008, VR::CS, "AUTOMATIC");
            item.text(0x0062_0009, VR::LO, "GAUZE");
        }
        item.sequence(0x0062_000F, vec![code(of_type)]);
    });
    out.us(0x0062_0004, number)?;
    Ok(out)
}
