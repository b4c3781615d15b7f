//! Options by hand, from PS3.15 E.3 and PS3.16: reports, drawings, devices, institutions, UIDs, private attributes.

use super::*;

fn run(mut object: InMemDicomObject, names: &[&str]) -> InMemDicomObject {
    let options = Options::parse(names.iter().copied()).unwrap();
    deidentify_with(&mut object, &KEY, options, &mut |_, _| {}).unwrap();
    object
}

fn coded((value, scheme, meaning): (&str, &str, &str)) -> InMemDicomObject {
    let mut code = InMemDicomObject::new_empty();
    text(&mut code, 0x0008_0100, VR::SH, value);
    text(&mut code, 0x0008_0102, VR::SH, scheme);
    text(&mut code, 0x0008_0104, VR::LO, meaning);
    code
}

fn item(kind: &str, concept: (&str, &str, &str), tag: Tag, vr: VR, said: &str) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    text(&mut item, 0x0040_A010, VR::CS, "CONTAINS");
    text(&mut item, 0x0040_A040, VR::CS, kind);
    item.put(sequence(0x0040_A043, vec![coded(concept)]));
    text(&mut item, tag, vr, said);
    item
}

/// What is left of a report's items: type, code of the concept, value.
fn report(items: Vec<InMemDicomObject>, names: &[&str]) -> Vec<(String, String, String)> {
    let mut object = film();
    text(&mut object, tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.88.33");
    object.put(sequence(0x0040_A730, items));
    let out = run(object, names);
    let items = out.get(core(0x0040_A730)).unwrap().items().unwrap();
    let said = items.iter().map(|item| {
        let concept = item.get(core(0x0040_A043)).unwrap().items().unwrap();
        let values =
            [0x0040_A160, 0x0040_A123, 0x0040_A124, 0x0040_A121].iter().find_map(|tag| value(item, *tag));
        let code = item.get(core(0x0040_A168)).map(|e| value(&e.items().unwrap()[0], 0x0008_0104).unwrap());
        let number = item.get(core(0x0040_A300)).map(|e| value(&e.items().unwrap()[0], 0x0040_A30A).unwrap());
        let one = values.or(code).or(number).unwrap_or_default();
        (value(item, 0x0040_A040).unwrap(), value(&concept[0], 0x0008_0100).unwrap(), one)
    });
    said.collect()
}

fn items() -> Vec<InMemDicomObject> {
    let finding = ("121071", "DCM", "Finding");
    let mut measure = item("NUM", ("410668003", "SCT", "Length"), 0x0040_A30A, VR::DS, "1");
    let mut measured = InMemDicomObject::new_empty();
    text(&mut measured, 0x0040_A30A, VR::DS, "12.5");
    measured.put(sequence(0x0040_08EA, vec![coded(("mm", "UCUM", "of Doe"))]));
    measure.put(sequence(0x0040_A300, vec![measured]));
    let mut code = item("CODE", finding, 0x0040_A031, VR::CS, "X");
    code.put(sequence(0x0040_A168, vec![coded(("39607008", "SCT", "Lung"))]));
    let mut private = item("CODE", finding, 0x0040_A031, VR::CS, "X");
    private.put(sequence(0x0040_A168, vec![coded(("DOE", "99HOSPITAL", "as Doe had it"))]));
    let mut pointer = InMemDicomObject::new_empty();
    text(&mut pointer, 0x0040_A010, VR::CS, "INFERRED FROM");
    vec![
        item("TEXT", ("121022", "DCM", "Accession Number"), 0x0040_A160, VR::UT, "A-2601"),
        item(
            "TEXT",
            ("121106", "DCM", "Comment"),
            0x0040_A160,
            VR::UT,
            "nodule in the lung, as told by Smith",
        ),
        item(
            "TEXT",
            ("121009", "DCM", "Person Observer's Organization Name"),
            0x0040_A160,
            VR::UT,
            "St Elsewhere",
        ),
        item("TEXT", ("121005", "DCM", "Observer Type"), 0x0040_A160, VR::UT, "of Smith"),
        item("PNAME", ("121008", "DCM", "Person Observer Name"), 0x0040_A123, VR::PN, "Reader^Rob"),
        item("DATE", ("121031", "DCM", "Subject Birth Date"), 0x0040_A121, VR::DA, "19780512"),
        item("DATE", ("126201", "DCM", "Acquisition Date"), 0x0040_A121, VR::DA, "20261120"),
        item("UIDREF", ("112040", "DCM", "Tracking Unique Identifier"), 0x0040_A124, VR::UI, "1.2.826.0.1.9"),
        measure,
        code,
        private,
        item("TABLE", finding, 0x0040_A160, VR::UT, "lung"),
        pointer,
    ]
}

/// PS3.15 Table E.3.4-1, by hand, and what docs/deidentification.md says of items that it does not list.
#[test]
fn a_report_without_people() {
    let uid = pseudonymous_uid(&KEY, &"1.2.826.0.1.9".parse().unwrap()).as_str().to_owned();
    let only = report(items(), &["clean-structured-content"]);
    let expected = [
        ("TEXT", "121005", "REMOVED"), // "of" is a word of the institution's name
        ("PNAME", "121008", "REMOVED"),
        ("UIDREF", "112040", &*uid),
        ("NUM", "410668003", "12.5"),
        ("CODE", "121071", "Lung"),
        ("CODE", "121071", "REMOVED"),
    ];
    let texts = |rows: &[(&str, &str, &str)]| -> Vec<(String, String, String)> {
        rows.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
    };
    assert_eq!(only, texts(&expected));
    let all = report(
        items(),
        &[
            "clean-structured-content",
            "clean-descriptors",
            "retain-uids",
            "retain-full-dates",
            "retain-institution-identity",
        ],
    );
    let expected = [
        ("TEXT", "121106", "nodule in the lung"),
        ("TEXT", "121009", "St Elsewhere"),
        ("TEXT", "121005", "of"),
        ("PNAME", "121008", "REMOVED"),
        ("DATE", "126201", "20261120"),
        ("UIDREF", "112040", "1.2.826.0.1.9"),
        ("NUM", "410668003", "12.5"),
        ("CODE", "121071", "Lung"),
        ("CODE", "121071", "REMOVED"),
    ];
    assert_eq!(all, texts(&expected));
    assert!(
        report(items(), &["clean-structured-content", "retain-modified-dates"])
            .iter()
            .any(|(_, concept, said)| concept == "126201" && said != "20261120" && said.len() == 8)
    );
}

/// PS3.3 C.10.5: circles and outlines stay, strokes of a pen and compound graphics go.
#[test]
fn what_may_be_writing_goes_from_drawings() {
    let shape = |kind: &str, data: &[f32]| {
        let mut object = InMemDicomObject::new_empty();
        text(&mut object, 0x0070_0023, VR::CS, kind);
        object.put(DataElement::new(core(0x0070_0022), VR::FL, PrimitiveValue::F32(data.into())));
        object
    };
    let stroke: Vec<f32> = (0..40u8).map(f32::from).collect();
    let mut outline = stroke.clone();
    outline.extend([0.0, 1.0]);
    let mut label = InMemDicomObject::new_empty();
    text(&mut label, 0x0070_0006, VR::ST, "Doe, left lung");
    let mut annotation = InMemDicomObject::new_empty();
    text(&mut annotation, 0x0070_0002, VR::CS, "LAYER1");
    annotation.put(sequence(0x0070_0008, vec![label]));
    annotation.put(sequence(
        0x0070_0009,
        vec![
            shape("CIRCLE", &[1.0, 1.0, 2.0, 2.0]),
            shape("POLYLINE", &stroke),
            shape("INTERPOLATED", &outline),
            shape("POLYLINE", &[1.0, 1.0, 2.0, 2.0]),
            shape("DRAWING", &[1.0, 1.0]),
        ],
    ));
    annotation.put(sequence(0x0070_0209, vec![shape("RULER", &[1.0, 1.0])]));
    let mut object = film();
    object.put(sequence(0x0070_0001, vec![annotation]));
    let out = run(object, &["clean-graphics"]);
    let items = out.get(core(0x0070_0001)).unwrap().items().unwrap();
    let kinds: Vec<String> = (items[0].get(core(0x0070_0009)).unwrap().items().unwrap().iter())
        .map(|shape| value(shape, 0x0070_0023).unwrap())
        .collect();
    assert_eq!(kinds, ["CIRCLE", "INTERPOLATED", "POLYLINE"]);
    let label = &items[0].get(core(0x0070_0008)).unwrap().items().unwrap()[0];
    assert_eq!(value(label, 0x0070_0006).as_deref(), Some("left lung"));
    assert!(items[0].get(core(0x0070_0209)).is_none());
}

/// E.3.8, E.3.11: what is retained stays as it is, unless it names her.
#[test]
fn devices_and_institutions_stay_and_her_name_does_not() {
    let mut object = film();
    text(&mut object, 0x0018_1000, VR::LO, "SN-12345");
    text(&mut object, 0x0008_1010, VR::SH, "JANE ROOM");
    text(&mut object, 0x0008_0055, VR::AE, "CT_DOE");
    text(&mut object, 0x0018_1012, VR::DA, "20261120");
    object.put(sequence(0x0008_0082, vec![coded(("7", "99HOSPITAL", "Hospital of Somewhere"))]));
    let out = run(object, &["retain-device-identity", "retain-institution-identity"]);
    for (tag, expected) in [
        (0x0018_1000, Some("SN-12345")),
        (0x0008_1010, None),
        (0x0008_0080, Some("Hospital of Somewhere")),
        (0x0018_1012, None),
        (0x0008_0090, Some("")),
        (0x0020_000D, Some(pseudonymous_uid(&KEY, &"1.2.826.0.1.1".parse().unwrap()).as_str())),
    ] {
        assert_eq!(value(&out, tag).as_deref(), expected, "{tag:08X}");
    }
    let title = value(&out, 0x0008_0055).unwrap();
    assert!(title.starts_with("AE-") && title.len() <= 16, "{title}");
    let codes = out.get(core(0x0008_0082)).unwrap().items().unwrap();
    assert_eq!(value(&codes[0], 0x0008_0104).as_deref(), Some("Hospital of Somewhere"));
}

/// E.3.7, E.3.6: an age or a date is kept when it is one.
#[test]
fn what_is_not_what_its_vr_says_is_not_kept() {
    let mut object = film();
    text(&mut object, 0x0010_1010, VR::AS, "Doe");
    text(&mut object, 0x0010_1030, VR::DS, "70 Smith");
    text(&mut object, 0x0010_1020, VR::DS, "1.70");
    text(&mut object, 0x0008_0021, VR::DA, "Smith");
    text(&mut object, 0x0008_0031, VR::TM, "12 Smith");
    let out = run(object, &["retain-patient-characteristics", "retain-full-dates"]);
    for (tag, expected) in [
        (0x0010_1010, None),
        (0x0010_1030, None),
        (0x0010_1020, Some("1.70")),
        (0x0010_0040, Some("F")),
        (0x0008_0021, None),
        (0x0008_0031, None),
        (0x0008_0020, Some("20261120")),
        (0x0010_0030, Some("")), // no option keeps the birth date
    ] {
        assert_eq!(value(&out, tag).as_deref(), expected, "{tag:08X}");
    }
}

/// E.3.10, Table E.3.10-1: by creator, element and VR; a block may be anywhere from 10 to FF (PS3.5 §7.8.1).
#[test]
fn private_attributes_that_are_known_to_be_safe() {
    let mut object = film();
    text(&mut object, 0x0019_0010, VR::LO, "ACME");
    text(&mut object, 0x0019_00A2, VR::LO, "SIEMENS MR HEADER");
    text(&mut object, 0x0019_100C, VR::IS, "1000"); // of ACME
    text(&mut object, 0x0019_A20C, VR::IS, "1000"); // B value
    text(&mut object, 0x0019_A20D, VR::CS, "DOE"); // Diffusion Directionality
    text(&mut object, 0x0019_A20E, VR::LO, "1000"); // FD in the table
    text(&mut object, 0x0019_A215, VR::DS, "1"); // not in the table
    text(&mut object, 0x7E01_0010, VR::LO, "HOLOGIC, Inc.");
    object.put(DataElement::new(core(0x7E01_1012), VR::OB, PrimitiveValue::from(vec![1u8; 8]))); // pixels
    let private = |object: InMemDicomObject, names: &[&str]| -> Vec<Tag> {
        run(object, names).iter().map(number).filter(|tag| tag >> 16 & 1 == 1).collect()
    };
    assert_eq!(private(object.clone(), &["retain-safe-private"]), [0x0019_00A2, 0x0019_A20C]);
    assert!(private(object, &["retain-uids", "clean-descriptors"]).is_empty());
    let mut object = film();
    text(&mut object, 0x0019_0010, VR::LO, "SIEMENS MR HEADER\\DOE^JANE 19500101");
    text(&mut object, 0x0019_100C, VR::IS, "1000");
    assert!(private(object, &["retain-safe-private"]).is_empty(), "a second value behind the creator");
}

/// E.3.9: UIDs stay, patient name and number do not.
#[test]
fn uids_stay_when_they_are_to() {
    let mut reference = InMemDicomObject::new_empty();
    text(&mut reference, 0x0008_1155, VR::UI, "1.2.826.0.1.9");
    text(&mut reference, 0x0008_1030, VR::LO, "lung");
    text(&mut reference, 0x0020_4000, VR::LT, "of Smith");
    let mut object = film();
    object.put(sequence(0x0008_1140, vec![reference]));
    let out = run(object, &["retain-uids"]);
    let patient = pseudonymous_patient(&KEY, "\\4711-0815");
    for (tag, expected) in [
        (0x0008_0018, "1.2.826.0.1.9"),
        (0x0020_000D, "1.2.826.0.1.1"),
        (0x0020_000E, "1.2.826.0.1.2"),
        (0x0010_0020, &*patient),
        (0x0008_0020, ""),
    ] {
        assert_eq!(value(&out, tag).as_deref(), Some(expected), "{tag:08X}");
    }
    let items = out.get(core(0x0008_1140)).unwrap().items().unwrap();
    assert_eq!(items[0].iter().map(number).collect::<Vec<_>>(), [0x0008_1155]);
    assert_eq!(value(&items[0], 0x0008_1155).as_deref(), Some("1.2.826.0.1.9"));
}
