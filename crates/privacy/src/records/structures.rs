//! Structure sets: the outline of a body shows a face. Only what is said to lie inside keeps its contours (PS3.3 C.8.8.8.1).

use super::{each_item, items};
use crate::deidentify::first;
use crate::options::{Done, Sink};
use dicom::json::tag as core;
use dicom_object::InMemDicomObject;
use model::Tag;
use std::collections::BTreeSet;

const CONTOURS_OF_ROIS: Tag = 0x3006_0039;
const CONTOURS: Tag = 0x3006_0040;
const OBSERVATIONS: Tag = 0x3006_0080;
const REFERENCED_NUMBER: Tag = 0x3006_0084;
const INTERPRETED_TYPE: Tag = 0x3006_00A4;

/// Interpreted types of what lies inside. Others, and none, may be the outline.
const INNER: &[&str] = &[
    "PTV",
    "CTV",
    "GTV",
    "TREATED_VOLUME",
    "IRRAD_VOLUME",
    "AVOIDANCE",
    "ORGAN",
    "MARKER",
    "REGISTRATION",
    "ISOCENTER",
    "CONTRAST_AGENT",
    "CAVITY",
    "BRACHY_CHANNEL",
    "BRACHY_ACCESSORY",
    "BRACHY_SRC_APP",
    "BRACHY_CHNL_SHLD",
    "DOSE_REGION",
    "DOSE_MEASUREMENT",
    "CONTROL",
];

/// Numbers of the regions whose contours stay: all that is said of them is inner.
pub fn inner(object: &InMemDicomObject) -> BTreeSet<String> {
    let (mut inner, mut others) = (BTreeSet::new(), BTreeSet::new());
    for observation in items(object, OBSERVATIONS) {
        let number = first(observation, REFERENCED_NUMBER);
        let kind = first(observation, INTERPRETED_TYPE);
        if INNER.contains(&kind.as_str()) {
            inner.insert(number)
        } else {
            others.insert(number)
        };
    }
    inner.difference(&others).cloned().collect()
}

/// Takes the contours of all other regions away.
pub fn keep(object: &mut InMemDicomObject, inner: &BTreeSet<String>, sink: &mut Sink<'_>) {
    each_item(object, CONTOURS_OF_ROIS, |region| {
        if !inner.contains(&first(region, REFERENCED_NUMBER)) && region.remove_element(core(CONTOURS)) {
            sink(&[CONTOURS_OF_ROIS, CONTOURS], Done::Removed);
        }
    });
}
