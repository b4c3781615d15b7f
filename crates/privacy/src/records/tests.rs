//! By hand from PS3.3 and PS3.15 Table E.1-1.

use super::*;
use crate::deidentify::{put, sequence};
use dicom_core::{DataElement, PrimitiveValue, VR};

const KEY: [u8; 32] = [5; 32];

fn of_class(class: &str) -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    put(&mut object, tags::SOP_CLASS_UID, VR::UI, &format!("{STORAGE}{class}"));
    put(&mut object, tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4");
    put(&mut object, tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3");
    put(&mut object, tags::STUDY_INSTANCE_UID, VR::UI, "1.2");
    put(&mut object, tags::PATIENT_NAME, VR::PN, "Probe^Anna");
    object
}

fn done(object: &mut InMemDicomObject, documents: bool) -> Result<(), RecordError> {
    record(object, &KEY, (Options::basic(), documents), &mut |_, _| {})
}

fn number(object: &mut InMemDicomObject, tag: Tag, number: u16) {
    object.put(DataElement::new(core(tag), VR::US, PrimitiveValue::from(number)));
}

#[test]
fn what_the_profile_leaves_nothing_of_stays() {
    for (class, refused) in [
        ("88.11", Refused::StructuredContent),
        ("88.59", Refused::StructuredContent),
        ("88.67", Refused::StructuredContent),
        ("104.1", Refused::Document),
        ("104.3", Refused::Document),
        ("9.4.1", Refused::Sound),
        ("66", Refused::Bulk),
        ("66.3", Refused::Bulk),
        ("4.2", Refused::Bulk),
        ("2", Refused::Class),
        ("66.99", Refused::Class),
    ] {
        assert_eq!(done(&mut of_class(class), false), Err(refused.into()), "{class}");
    }
    let mut private = of_class("88.11");
    put(&mut private, tags::SOP_CLASS_UID, VR::UI, "1.2.276.0.1");
    assert_eq!(done(&mut private, false), Err(Refused::Class.into()));
}

fn ecg(bytes: usize) -> InMemDicomObject {
    let mut group = InMemDicomObject::new_empty();
    number(&mut group, 0x003A_0005, 2);
    group.put(DataElement::new(core(0x003A_0010), VR::UL, PrimitiveValue::from(3u32)));
    number(&mut group, 0x5400_1004, 16);
    let data: Vec<u8> = (0..bytes).map(|at| at as u8).collect();
    group.put(DataElement::new(core(0x5400_1010), VR::OW, PrimitiveValue::from(data)));
    let mut object = of_class("9.1.1");
    object.put(sequence(0x5400_0100, vec![group]));
    let mut note = InMemDicomObject::new_empty();
    put(&mut note, 0x0070_0006, VR::ST, "Probe, Anna");
    object.put(sequence(0x0040_B020, vec![note]));
    object
}

#[test]
fn signals_stay_annotations_go_and_nothing_hides_behind_a_signal() {
    let mut object = ecg(12);
    let mut told = Vec::new();
    record(&mut object, &KEY, (Options::basic(), false), &mut |path, done| told.push((path.to_vec(), done)))
        .unwrap();
    let data =
        items(&object, 0x5400_0100)[0].get(core(0x5400_1010)).unwrap().to_bytes().unwrap().into_owned();
    assert_eq!(data, (0..12).collect::<Vec<u8>>());
    assert!(object.get(core(0x0040_B020)).is_none(), "free words without a row");
    assert!(told.contains(&(vec![0x5400_0100, 0x5400_1010], Done::Kept)));
    assert!(told.contains(&(vec![0x0040_B020], Done::Removed)));
    for bytes in [10, 14, 4096] {
        assert_eq!(done(&mut ecg(bytes), false), Err(Refused::Bulk.into()), "{bytes}");
    }
    assert_eq!(done(&mut of_class("9.1.1"), false), Err(Refused::Bulk.into()));
}

#[test]
fn presentation_states_lose_their_graphics() {
    let mut object = of_class("11.1");
    let mut text = InMemDicomObject::new_empty();
    put(&mut text, 0x0070_0006, VR::ST, "Probe, Anna");
    let mut annotation = InMemDicomObject::new_empty();
    annotation.put(sequence(0x0070_0008, vec![text]));
    object.put(sequence(0x0070_0001, vec![annotation]));
    object.put(sequence(0x0070_0060, vec![InMemDicomObject::new_empty()]));
    put(&mut object, 0x2050_0020, VR::CS, "IDENTITY");
    done(&mut object, false).unwrap();
    assert!(object.get(core(0x0070_0001)).is_none() && object.get(core(0x0070_0060)).is_none());
    assert_eq!(first(&object, 0x2050_0020), "IDENTITY");
}

#[test]
fn the_outline_of_the_body_goes() {
    let mut object = of_class("481.3");
    let region = |number: &str| {
        let mut item = InMemDicomObject::new_empty();
        put(&mut item, 0x3006_0084, VR::IS, number);
        item.put(sequence(0x3006_0040, vec![InMemDicomObject::new_empty()]));
        item
    };
    let observed = |number: &str, kind: &str| {
        let mut item = InMemDicomObject::new_empty();
        put(&mut item, 0x3006_0084, VR::IS, number);
        put(&mut item, 0x3006_00A4, VR::CS, kind);
        item
    };
    object.put(sequence(0x3006_0039, vec![region("1"), region("2"), region("3"), region("4")]));
    let said =
        vec![observed("1", "EXTERNAL"), observed("2", "GTV"), observed("3", ""), observed("2", "ORGAN")];
    object.put(sequence(0x3006_0080, said));
    done(&mut object, false).unwrap();
    let left = items(&object, 0x3006_0039).iter().filter(|item| item.get(core(0x3006_0040)).is_some());
    assert_eq!(left.map(|item| first(item, 0x3006_0084)).collect::<Vec<_>>(), ["2"]);
}

#[test]
fn a_document_leaves_by_its_flag_only() {
    let mut object = of_class("104.1");
    object.put(DataElement::new(core(0x0042_0011), VR::OB, PrimitiveValue::from(b"%PDF-1.7".to_vec())));
    assert_eq!(done(&mut object.clone(), false), Err(Refused::Document.into()));
    done(&mut object, true).unwrap();
    assert_eq!(object.get(core(0x0042_0011)).unwrap().to_bytes().unwrap().as_ref(), b"%PDF-1.7");
    assert_eq!(first(&object, 0x0028_0301), "YES", "nobody read it");
}
