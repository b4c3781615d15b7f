//! Private attributes that are known to be safe (PS3.15 E.3.10, Table E.3.10-1): `profiles/private.txt`. Of the table's rows those
//! with binary values and sequences are not used: they hold pictures and waveforms that no mask covers.

use super::number;
use dicom::json::tag as core;
use dicom_core::VR;
use dicom_object::InMemDicomObject;
use model::Tag;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Of one creator: group, element in its block, VR.
type Rows = BTreeMap<String, Vec<(Tag, Tag, VR)>>;

fn table() -> Option<&'static Rows> {
    static TABLE: OnceLock<Option<Rows>> = OnceLock::new();
    TABLE.get_or_init(|| parse(include_str!("../../profiles/private.txt"))).as_ref()
}

fn parse(text: &str) -> Option<Rows> {
    let mut rows = Rows::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [creator, group, low, vr] = line.split('\t').collect::<Vec<_>>()[..] else { return None };
        let vr: VR = vr.parse().ok()?;
        let (group, low) = (Tag::from_str_radix(group, 16).ok()?, Tag::from_str_radix(low, 16).ok()?);
        if !matches!(vr, VR::OB | VR::SQ) {
            rows.entry(creator.to_owned()).or_default().push((group, low, vr));
        }
    }
    (!rows.is_empty()).then_some(rows)
}

/// Private attributes of this data set that stay, with the creators of their blocks (PS3.5 §7.8.1). One whose VR is not the table's,
/// or is not known because the data set has none, does not.
pub fn safe(object: &InMemDicomObject) -> BTreeSet<Tag> {
    let mut safe = BTreeSet::new();
    let Some(table) = table() else { return safe };
    for element in object.iter() {
        let tag = number(element);
        let (group, block, low) = (tag >> 16, tag >> 8 & 0xFF, tag & 0xFF);
        if group % 2 == 0 || block < 0x10 {
            continue;
        }
        let creator = group << 16 | block;
        // All of it: a second value behind the name would leave with it.
        let named = object.get(core(creator)).filter(|e| e.vr() == VR::LO).and_then(|e| e.to_str().ok());
        let rows = named.and_then(|named| table.get(named.trim_matches([' ', '\0'])));
        let listed = rows.is_some_and(|rows| rows.contains(&(group, low, element.vr())));
        if listed {
            safe.extend([creator, tag]);
        }
    }
    safe
}
