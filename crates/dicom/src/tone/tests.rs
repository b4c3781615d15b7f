//! Heads whose greys are told by more than a window, made by hand.

use super::*;
use crate::{Head, Intake, read_head, write_head};
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, VR};
use std::path::Path;

fn head() -> (Head, ImageInfo) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec/pydicom__CT_small.dcm");
    let mut intake = Intake::new();
    intake.push(&std::fs::read(path).unwrap()).unwrap();
    let parsed = intake.finish().unwrap();
    (read_head(&parsed.head).unwrap(), parsed.facts.image.unwrap())
}

fn put(object: &mut InMemDicomObject, tag: Tag, vr: VR, value: PrimitiveValue) {
    object.put(DataElement::new(core_tag(tag), vr, value));
}

fn nest(object: &mut InMemDicomObject, tag: Tag, items: Vec<InMemDicomObject>) {
    object.put(DataElement::new(core_tag(tag), VR::SQ, DataSetSequence::from(items)));
}

fn lut(first: i16, bits: u16, entries: &[u16]) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    let count = entries.len() as u16;
    let descriptor = [count, first.cast_unsigned(), bits];
    put(&mut item, 0x0028_3002, VR::US, PrimitiveValue::U16(descriptor.as_slice().into()));
    put(&mut item, 0x0028_3006, VR::OW, PrimitiveValue::U16(entries.into()));
    item
}

fn of(head: &Head, image: &ImageInfo, frame: u32) -> Tone {
    tone(&write_head(head).unwrap(), image, frame)
}

#[test]
fn without_more_the_facts_count() {
    let (head, image) = head();
    assert_eq!(of(&head, &image, 0), Tone::of(&image));
    assert_eq!(tone(b"broken", &image, 0), Tone::of(&image));
}

#[test]
fn tables_are_read() {
    let (mut head, image) = head();
    nest(&mut head.object, MODALITY_LUT, vec![lut(-2, 12, &[0, 100, 4095])]);
    nest(&mut head.object, VOI_LUT, vec![lut(0, 8, &[1, 2, 255])]);
    let tone = of(&head, &image, 0);
    let expected = Lut { first: -2, bits: 12, entries: vec![0, 100, 4095] };
    assert_eq!(tone.modality, Modality::Table(expected));
    // pydicom's CT has no window, so the table is what is left.
    assert_eq!(tone.voi, Some(Voi::Table(Lut { first: 0, bits: 8, entries: vec![1, 2, 255] })));
    // Entries that the descriptor promises must be there.
    let mut short = lut(0, 12, &[1, 2, 3]);
    let descriptor = [9u16, 0, 12];
    put(&mut short, 0x0028_3002, VR::US, PrimitiveValue::U16(descriptor.as_slice().into()));
    nest(&mut head.object, MODALITY_LUT, vec![short]);
    assert_eq!(of(&head, &image, 0).modality, Tone::of(&image).modality);
}

#[test]
fn frames_have_windows_of_their_own() {
    let (mut head, image) = head();
    let group = |centre: &str, curve: &str| {
        let mut window = InMemDicomObject::new_empty();
        put(&mut window, 0x0028_1050, VR::DS, PrimitiveValue::from(centre));
        put(&mut window, 0x0028_1051, VR::DS, PrimitiveValue::from("80"));
        put(&mut window, FUNCTION, VR::CS, PrimitiveValue::from(curve));
        let mut group = InMemDicomObject::new_empty();
        nest(&mut group, 0x0028_9132, vec![window]);
        group
    };
    let mut rescale = InMemDicomObject::new_empty();
    put(&mut rescale, 0x0028_1053, VR::DS, PrimitiveValue::from("2"));
    put(&mut rescale, 0x0028_1052, VR::DS, PrimitiveValue::from("-5"));
    let mut shared = InMemDicomObject::new_empty();
    nest(&mut shared, 0x0028_9145, vec![rescale]);
    nest(&mut head.object, SHARED_GROUPS, vec![shared]);
    nest(&mut head.object, FRAME_GROUPS, vec![group("10", "SIGMOID"), group("20", "LINEAR_EXACT")]);
    for (frame, centre, curve) in [(0, 10.0, Curve::Sigmoid), (1, 20.0, Curve::Exact)] {
        let tone = of(&head, &image, frame);
        assert_eq!(tone.voi, Some(Voi::Window { centre, width: 80.0, curve }));
        assert_eq!(tone.modality, Modality::Rescale { slope: 2.0, intercept: -5.0 });
    }
    assert_eq!(of(&head, &image, 2).voi, Tone::of(&image).voi, "a frame without a group");
}
