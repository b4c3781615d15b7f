//! Graphic annotations (PS3.3 C.10.5) without what may be writing: shapes that are measured or that close stay, strokes of a pen go. Words in
//! them are cleaned as descriptions are.

use super::{first, sequence};
use dicom::json::tag as core;
use dicom_object::InMemDicomObject;
use model::Tag;

const TEXT_OBJECTS: Tag = 0x0070_0008;
const GRAPHIC_OBJECTS: Tag = 0x0070_0009;
const COMPOUND_GRAPHICS: Tag = 0x0070_0209;
const GRAPHIC_DATA: Tag = 0x0070_0022;
const GRAPHIC_TYPE: Tag = 0x0070_0023;

/// Points of an open line that are too few for a letter of a name.
const OPEN_POINTS: usize = 4;
const VALUES_PER_POINT: usize = 2;

/// An item with what may stay; nothing: nothing does.
pub fn clean(mut item: InMemDicomObject) -> Option<InMemDicomObject> {
    item.remove_element(core(COMPOUND_GRAPHICS));
    let shapes = item.take_element(core(GRAPHIC_OBJECTS)).ok().and_then(|e| e.into_value().into_items());
    let shapes: Vec<_> = shapes.into_iter().flatten().filter(is_shape).collect();
    if !shapes.is_empty() {
        item.put(sequence(GRAPHIC_OBJECTS, shapes));
    }
    let parts = [TEXT_OBJECTS, GRAPHIC_OBJECTS];
    parts.iter().any(|tag| item.get(core(*tag)).is_some()).then_some(item)
}

fn is_shape(object: &InMemDicomObject) -> bool {
    let data = object.get(core(GRAPHIC_DATA)).and_then(|e| e.to_multi_float32().ok()).unwrap_or_default();
    let points: Vec<&[f32]> = data.chunks_exact(VALUES_PER_POINT).collect();
    match first(object, GRAPHIC_TYPE).as_str() {
        "POINT" | "CIRCLE" | "ELLIPSE" => points.len() <= 4,
        "POLYLINE" | "INTERPOLATED" => points.len() <= OPEN_POINTS || points.first() == points.last(),
        _ => false,
    }
}
