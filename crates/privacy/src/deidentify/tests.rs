//! Expected values from PS3.15 Table E.1-1 (2025a) and E.1.1, by hand.

mod by_hand;
mod cells;
mod tokens;

use super::*;
use crate::pseudonymous_uid;
use dicom_core::smallvec::smallvec;

const KEY: [u8; 32] = [7; 32];

fn text(object: &mut InMemDicomObject, tag: Tag, vr: VR, text: &str) {
    object.put(DataElement::new(core(tag), vr, PrimitiveValue::from(text)));
}

fn film() -> InMemDicomObject {
    let mut o = InMemDicomObject::new_empty();
    text(&mut o, 0x0008_0005, VR::CS, "ISO_IR 100");
    text(&mut o, 0x0008_0008, VR::CS, "ORIGINAL\\PRIMARY");
    text(&mut o, 0x0008_0016, VR::UI, "1.2.840.10008.5.1.4.1.1.1.1");
    text(&mut o, 0x0008_0018, VR::UI, "1.2.826.0.1.9");
    text(&mut o, 0x0008_0020, VR::DA, "20261120");
    text(&mut o, 0x0008_0021, VR::DA, "20261120");
    text(&mut o, 0x0008_0023, VR::DA, "20261120");
    text(&mut o, 0x0008_0050, VR::SH, "A-2601");
    text(&mut o, 0x0008_0060, VR::CS, "DX");
    text(&mut o, 0x0008_0080, VR::LO, "Hospital of Somewhere");
    text(&mut o, 0x0008_0090, VR::PN, "Referrer^Rita");
    text(&mut o, 0x0008_1030, VR::LO, "Chest of Doe");
    text(&mut o, 0x0008_1090, VR::LO, "Detector 5");
    text(&mut o, 0x0010_0010, VR::PN, "Doe^Jane");
    text(&mut o, 0x0010_0020, VR::LO, "4711-0815");
    text(&mut o, 0x0010_0030, VR::DA, "19780512");
    text(&mut o, 0x0010_0040, VR::CS, "F");
    text(&mut o, 0x0010_1010, VR::AS, "048Y");
    text(&mut o, 0x0018_1020, VR::LO, "1.0 for JANE");
    text(&mut o, 0x0018_5101, VR::CS, "PA");
    text(&mut o, 0x0020_000D, VR::UI, "1.2.826.0.1.1");
    text(&mut o, 0x0020_000E, VR::UI, "1.2.826.0.1.2");
    text(&mut o, 0x0020_0052, VR::UI, "1.2.840.10008.1.4.1.1");
    o
}

fn value(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    object.get(core(tag)).map(|e| e.to_str().unwrap().into_owned())
}

fn done(mut object: InMemDicomObject) -> InMemDicomObject {
    deidentify(&mut object, &KEY).unwrap();
    object
}

#[test]
fn a_film_by_the_table() {
    let out = done(film());
    let patient = pseudonymous_patient(&KEY, "\\4711-0815");
    let uid = |text: &str| pseudonymous_uid(&KEY, &text.parse().unwrap()).as_str().to_owned();
    for (tag, expected) in [
        (0x0008_0005, Some("ISO_IR 192")),
        (0x0008_0008, Some("ORIGINAL\\PRIMARY")),
        (0x0008_0016, Some("1.2.840.10008.5.1.4.1.1.1.1")),
        (0x0008_0018, Some(&*uid("1.2.826.0.1.9"))),
        (0x0008_0020, Some("")), // Z
        (0x0008_0021, None),     // X/D, Type 3 in a DX object
        (0x0008_0023, Some("")), // Z/D, Type 2C
        (0x0008_0050, Some("")), // Z
        (0x0008_0060, Some("DX")),
        (0x0008_0080, None),     // X/Z/D, Type 3
        (0x0008_0090, Some("")), // Z
        (0x0008_1030, None),     // X
        (0x0008_1090, Some("Detector 5")),
        (0x0010_0010, Some(&*patient)),
        (0x0010_0020, Some(&*patient)),
        (0x0010_0030, Some("")), // Z
        (0x0010_0040, Some("")), // Z
        (0x0010_1010, None),     // X
        (0x0012_0062, Some("YES")),
        (0x0018_1020, Some("REMOVED")), // has no row, but holds her name; Type 1 in some IODs
        (0x0018_5101, Some("PA")),
        (0x0020_000D, Some(&*uid("1.2.826.0.1.1"))),
        (0x0020_000E, Some(&*uid("1.2.826.0.1.2"))),
        (0x0020_0052, Some("1.2.840.10008.1.4.1.1")), // a well-known frame of reference
        (0x0028_0303, Some("REMOVED")),
    ] {
        assert_eq!(value(&out, tag).as_deref(), expected, "{tag:08X}");
    }
    let method = out.get(core(0x0012_0064)).unwrap().items().unwrap();
    assert_eq!(value(&method[0], 0x0008_0100).as_deref(), Some("113100"));
    assert_eq!(value(&method[0], 0x0008_0102).as_deref(), Some("DCM"));
}

#[test]
fn enhanced_objects_keep_what_their_iod_asks_for() {
    let mut object = film();
    text(&mut object, 0x0008_0016, VR::UI, "1.2.840.10008.5.1.4.1.1.4.1");
    text(&mut object, 0x0018_1000, VR::LO, "SN-12345"); // Type 1 in Enhanced General Equipment
    text(&mut object, 0x0008_002A, VR::DT, "20261120101112");
    let out = done(object);
    assert_eq!(value(&out, 0x0018_1000).as_deref(), Some("REMOVED"));
    assert_eq!(value(&out, 0x0008_002A).as_deref(), Some("19000101000000"));
    assert_eq!(value(&out, 0x0008_0021), None, "Type 3 there, too");
}

#[test]
fn nested_items_go_through_the_same_table() {
    let mut reference = InMemDicomObject::new_empty();
    text(&mut reference, 0x0008_0005, VR::CS, "ISO_IR 100");
    text(&mut reference, 0x0008_1150, VR::UI, "1.2.840.10008.5.1.4.1.1.2");
    text(&mut reference, 0x0008_1155, VR::UI, "1.2.826.0.1.9");
    text(&mut reference, 0x0010_0020, VR::LO, "4711-0815");
    text(&mut reference, 0x0010_4000, VR::LT, "talks of Doe");
    text(&mut reference, 0x0009_0010, VR::LO, "ACME");
    let mut object = film();
    object.put(sequence(0x0008_1140, vec![reference.clone()])); // X/Z/U*
    object.put(sequence(0x0040_1101, vec![reference])); // D
    let out = done(object);
    let items = out.get(core(0x0008_1140)).unwrap().items().unwrap();
    assert_eq!(value(&items[0], 0x0008_1155), value(&out, 0x0008_0018), "references stay consistent");
    assert_eq!(value(&items[0], 0x0008_1150).as_deref(), Some("1.2.840.10008.5.1.4.1.1.2"));
    let left: Vec<Tag> = items[0].iter().map(number).collect();
    assert_eq!(left, [0x0008_1150, 0x0008_1155, 0x0010_0020]);
    assert_eq!(value(&items[0], 0x0010_0020).as_deref(), Some(""), "Z/D, in no definition there");
    let hollow = out.get(core(0x0040_1101)).unwrap().items().unwrap();
    assert_eq!(value(&hollow[0], 0x0010_0020).as_deref(), Some("REMOVED"));
}

/// PS3.3 Table 10-3 and §8.8, by hand: a reference keeps its UIDs, its frames and the code of its purpose, no words.
#[test]
fn no_free_word_leaves_in_references() {
    let purpose = |value: &str, scheme: &str| {
        let mut code = InMemDicomObject::new_empty();
        text(&mut code, 0x0008_0100, VR::SH, value);
        text(&mut code, 0x0008_0102, VR::SH, scheme);
        text(&mut code, 0x0008_0103, VR::SH, "SECRET");
        text(&mut code, 0x0008_0104, VR::LO, "for SECRET");
        text(&mut code, 0x0008_0122, VR::LO, "SECRET");
        code
    };
    for list in [0x0008_1140, 0x0008_2112] {
        let mut reference = InMemDicomObject::new_empty();
        text(&mut reference, 0x0008_1150, VR::UI, "1.2.840.10008.5.1.4.1.1.2");
        text(&mut reference, 0x0008_1155, VR::UI, "1.2.826.0.1.9");
        text(&mut reference, 0x0008_1160, VR::IS, "3");
        text(&mut reference, 0x0008_1030, VR::LO, "study SECRET");
        text(&mut reference, 0x0008_0070, VR::LO, "maker SECRET");
        text(&mut reference, 0x0020_4000, VR::LT, "comment SECRET");
        text(&mut reference, 0x0018_1030, VR::LO, "protocol SECRET");
        reference.put(sequence(
            0x0040_A170,
            vec![purpose("121311", "DCM"), purpose("SECRET", "DCM"), purpose("121311", "99SECRET")],
        ));
        reference.put(sequence(0x0008_2218, vec![purpose("39607008", "SCT")]));
        let mut object = film();
        object.put(sequence(list, vec![reference]));
        let out = done(object);
        let items = out.get(core(list)).unwrap().items().unwrap();
        assert!(!format!("{items:?}").contains("SECRET"), "{items:?}");
        let left: Vec<Tag> = items[0].iter().map(number).collect();
        assert_eq!(left, [0x0008_1150, 0x0008_1155, 0x0008_1160, 0x0040_A170]);
        assert_eq!(value(&items[0], 0x0008_1160).as_deref(), Some("3"));
        let codes = items[0].get(core(0x0040_A170)).unwrap().items().unwrap();
        let said =
            |at: usize| [0x0008_0100, 0x0008_0102, 0x0008_0104].map(|tag| value(&codes[at], tag).unwrap());
        assert_eq!(said(0), ["121311", "DCM", "Localizer"], "PS3.16 CID 7201");
        assert_eq!(said(1), ["REMOVED", "99REMOVED", "REMOVED"]);
        assert_eq!(said(2), said(1));
    }
}

/// PS3.3 §8.2: a private scheme's meaning is what somebody typed; a registered one's is the registry's.
#[test]
fn words_of_private_codes_go_everywhere() {
    let code = |scheme: &str| {
        let mut code = InMemDicomObject::new_empty();
        text(&mut code, 0x0008_0100, VR::SH, "39607008");
        text(&mut code, 0x0008_0102, VR::SH, scheme);
        text(&mut code, 0x0008_0104, VR::LO, "Lung");
        code
    };
    for (scheme, expected) in [("SCT", "Lung"), ("99HOSPITAL", "REMOVED"), ("L", "REMOVED"), ("", "REMOVED")]
    {
        let mut object = film();
        object.put(sequence(0x0008_2218, vec![code(scheme)]));
        let out = done(object);
        let items = out.get(core(0x0008_2218)).unwrap().items().unwrap();
        assert_eq!(value(&items[0], 0x0008_0104).as_deref(), Some(expected), "{scheme}");
    }
}

#[test]
fn what_nobody_can_judge_goes() {
    let mut object = film();
    text(&mut object, 0x0009_0010, VR::LO, "ACME");
    text(&mut object, 0x0009_1001, VR::LO, "Doe");
    text(&mut object, 0x0008_FFFE, VR::LO, "not in the dictionary");
    text(&mut object, 0x0028_0010, VR::LT, "rows in disguise");
    text(&mut object, 0x6000_0022, VR::LO, "overlay");
    text(&mut object, 0x5004_0020, VR::CS, "curve");
    let bytes = |n: u8| PrimitiveValue::U8(smallvec![n; 4]);
    object.put(DataElement::new(core(0x0028_2000), VR::OB, bytes(1))); // ICC profile
    object.put(DataElement::new(core(0x0028_3006), VR::OW, bytes(2))); // LUT data
    object.put(DataElement::new(core(0x0008_0000), VR::UL, PrimitiveValue::from(3u32)));
    let out = done(object);
    for tag in [
        0x0009_0010,
        0x0009_1001,
        0x0008_FFFE,
        0x0028_0010,
        0x6000_0022,
        0x5004_0020,
        0x0028_2000,
        0x0008_0000,
    ] {
        assert!(out.get(core(tag)).is_none(), "{tag:08X}");
    }
    assert!(out.get(core(0x0028_3006)).is_some());
}

#[test]
fn same_in_a_project_and_another_in_another() {
    let (one, again) = (done(film()), done(film()));
    // dicom-rs holds two undefined lengths for unequal.
    assert_eq!(format!("{one:?}"), format!("{again:?}"));
    let mut other = film();
    deidentify(&mut other, &[8; 32]).unwrap();
    for tag in [0x0008_0018, 0x0020_000D, 0x0020_000E, 0x0010_0020] {
        assert_ne!(value(&one, tag), value(&other, tag), "{tag:08X}");
    }
}

#[test]
fn no_identifiers_no_object() {
    for tag in [0x0008_0018, 0x0020_000D, 0x0020_000E] {
        let mut object = film();
        object.remove_element(core(tag));
        assert!(matches!(deidentify(&mut object, &KEY), Err(Error::Missing(_))), "{tag:08X}");
        let mut object = film();
        text(&mut object, tag, VR::UI, "Jane");
        assert!(deidentify(&mut object, &KEY).is_err(), "{tag:08X}");
    }
}

/// The five that `a_film_by_the_table` looks at, and groups of commands and files.
fn elsewhere(tag: Tag) -> bool {
    tag >> 16 <= 2 || [0x0008_0018, 0x0020_000D, 0x0020_000E, 0x0010_0010, 0x0010_0020].contains(&tag)
}

fn secret(tag: Tag) -> InMemElement {
    match dummy::vr(tag).unwrap_or(VR::LO) {
        VR::SQ => {
            let mut item = InMemDicomObject::new_empty();
            text(&mut item, 0x0008_0104, VR::LO, "SECRET");
            sequence(tag, vec![item])
        }
        vr @ VR::UI => DataElement::new(core(tag), vr, PrimitiveValue::from("1.2.826.0.1.77")),
        vr @ (VR::US | VR::SS | VR::UL | VR::FD | VR::FL | VR::SL) => {
            DataElement::new(core(tag), vr, PrimitiveValue::from(77u16))
        }
        vr => DataElement::new(core(tag), vr, PrimitiveValue::from("77SECRET")),
    }
}

/// Every row of the table in objects of six SOP classes, also nested where no definition has it. What must become of each says
/// `testdata/standard/basic-by-iod.tsv`: PS3.15's letters and PS3.3's Types, by another's tables.
#[test]
fn every_row_of_the_table_is_carried_out_by_type() {
    let table = include_str!("../../../../testdata/standard/basic-by-iod.tsv");
    let (mut rows, mut classes) = (0, std::collections::BTreeSet::new());
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let [class, letter, list] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        classes.insert(class);
        for tag in list.split(',').map(|tag| Tag::from_str_radix(tag, 16).unwrap()) {
            rows += 1;
            if elsewhere(tag) {
                continue;
            }
            let element = secret(tag);
            let mut object = film();
            text(&mut object, tags::SOP_CLASS_UID, VR::UI, class);
            object.put(element.clone());
            let inner = InMemDicomObject::from_element_iter([element.clone()]);
            object.put(sequence(0x0008_2112, vec![inner]));
            let out = done(object);
            let found = out.get(core(tag));
            let said = format!("{found:?}");
            let len = found.map(|e| e.items().map_or_else(|| e.to_str().map_or(1, |t| t.len()), <[_]>::len));
            let other = said != format!("{:?}", Some(&element)) && !said.contains("SECRET");
            let good = match letter {
                "X" => found.is_none(),
                "Z" => len == Some(0),
                "D" => (len.is_some_and(|len| len > 0) || element.vr() == VR::UI) && other,
                "U" => len.is_some_and(|len| len > 0) && other,
                _ => false,
            };
            assert!(good || tag == 0x0008_2112, "{class} {tag:08X} {letter}: {found:?}");
            let nested = format!("{:?}", out.get(core(0x0008_2112)));
            assert!(!nested.contains("SECRET") && !nested.contains("1.2.826.0.1.77"), "{tag:08X}: {nested}");
        }
    }
    assert_eq!((classes.len(), rows), (6, 6 * 615));
}
