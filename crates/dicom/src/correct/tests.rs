use super::*;

/// An element by hand (PS3.5 Tables 7.1-2 and 7.1-3): explicit when `vr` is given.
fn element(big: bool, tag: u32, vr: Option<&[u8; 2]>, value: &[u8]) -> Vec<u8> {
    let u16 = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut out = [u16((tag >> 16) as u16), u16(tag as u16)].concat();
    match vr {
        Some(vr) => out.extend([&vr[..], &u16(value.len() as u16)].concat()),
        None => out.extend((value.len() as u32).to_le_bytes()),
    }
    out.extend(value);
    out
}

fn front(syntax: &[u8]) -> Vec<u8> {
    let mut out = vec![7; 128];
    out.extend(b"DICM");
    out.extend(element(false, 0x0002_0010, Some(b"UI"), syntax));
    out
}

fn set(list: &[(Tag, &[u8; 2], &str)]) -> Attributes {
    let mut out = Attributes::new();
    for (tag, vr, text) in list {
        out.set(*tag, **vr, Some((*text).to_owned()).filter(|text| !text.is_empty()));
    }
    out
}

const NOTHING: &dyn Fn(Tag) -> bool = &|_| false;
const UIDS: [(Tag, &[u8]); 2] = [(0x0008_0016, b"1.2.840.10008.5.1.4.1.1.7\0"), (0x0008_0018, b"1.2.3\0")];

/// A data set of six elements, one of them a sequence of undefined length, in any coding, with this name and accession.
fn data(big: bool, implicit: bool, name: &[u8], accession: Option<&[u8]>) -> Vec<u8> {
    let vr = |vr: &'static [u8; 2]| (!implicit).then_some(vr);
    let mut out = UIDS.map(|(tag, value)| element(big, tag, vr(b"UI"), value)).concat();
    if let Some(accession) = accession {
        out.extend(element(big, 0x0008_0050, vr(b"SH"), accession));
    }
    // A sequence with one item, both of undefined length, that names somebody of its own.
    let sequence = if implicit { vec![] } else { b"SQ\0\0".to_vec() };
    let u16 = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    out.extend([&u16(0x0008)[..], &u16(0x1140), &sequence, &[0xFF; 4]].concat());
    out.extend([&u16(0xFFFE)[..], &u16(0xE000), &[0xFF; 4]].concat());
    out.extend(element(big, 0x0010_0010, vr(b"PN"), b"In^Side "));
    out.extend([&u16(0xFFFE)[..], &u16(0xE00D), &[0; 4], &u16(0xFFFE)[..], &u16(0xE0DD), &[0; 4]].concat());
    out.extend(element(big, 0x0009_0010, vr(b"LO"), b"MAKER "));
    out.extend(element(big, 0x0010_0010, vr(b"PN"), name));
    out.extend(element(big, 0x0020_000D, vr(b"UI"), b"1.2.4\0"));
    out
}

#[test]
fn only_what_is_corrected_changes_in_every_coding() {
    for (syntax, big, implicit) in [
        (&b"1.2.840.10008.1.2.1\0"[..], false, false),
        (b"1.2.840.10008.1.2.2\0", true, false),
        (b"1.2.840.10008.1.2\0", false, true),
        (b"1.2.840.10008.1.2.4.50", false, false),
    ] {
        let stored = [front(syntax), data(big, implicit, b"Doe^Jane", None)].concat();
        let wanted = set(&[
            (tags::PATIENT_NAME, b"PN", "Roe^Mary"),
            (tags::ACCESSION_NUMBER, b"SH", "A-778"),
            (tags::STUDY_DESCRIPTION, b"LO", ""), // not there: not added
        ]);
        let got = correct(&stored, &wanted, NOTHING).unwrap();
        let mut expected = [front(syntax), data(big, implicit, b"Roe^Mary", Some(b"A-778 "))].concat();
        expected[..128].fill(0);
        assert_eq!(got, expected, "{}", String::from_utf8_lossy(syntax));
        let emptied = set(&[(tags::PATIENT_NAME, b"PN", ""), (tags::ACCESSION_NUMBER, b"SH", "")]);
        let got = correct(&stored, &emptied, NOTHING).unwrap();
        assert_eq!(got[132..], [&front(syntax)[132..], &data(big, implicit, b"", None)].concat());
    }
}

#[test]
fn what_is_dropped_is_gone_and_lengths_of_groups_with_it() {
    let stored = data(false, false, b"Doe^Jane", Some(b"A-1 "));
    let length = element(false, 0x0008_0000, Some(b"UL"), &[9, 0, 0, 0]);
    let stored = [front(b"1.2.840.10008.1.2.1\0"), length, stored].concat();
    let got = correct(&stored, &set(&[(0x0008_0050, b"SH", "B-22")]), &|tag| {
        tag == 0x0008_1140 || tag == 0x0010_0010
    });
    let got = got.unwrap();
    let text = String::from_utf8_lossy(&got);
    assert!(text.contains("B-22") && text.contains("MAKER"));
    for gone in ["Doe^Jane", "In^Side", "A-1 "] {
        assert!(!text.contains(gone), "{gone}");
    }
    assert_eq!(got.windows(4).filter(|w| w == b"\x08\x00\x00\x00").count(), 0, "no stale group length");
}

#[test]
fn letters_that_the_character_set_lacks_make_it_unicode() {
    let with = |charset: &[u8], name: &[u8]| {
        let head = element(false, 0x0008_0005, Some(b"CS"), charset);
        [front(b"1.2.840.10008.1.2.1\0"), head, data(false, false, name, None)].concat()
    };
    let name = set(&[(tags::PATIENT_NAME, b"PN", "Wang^Min=王^敏")]);
    let value = |bytes: &[u8], tag: Tag| {
        let object = read_head(bytes).unwrap().object;
        object.get(crate::json::tag(tag)).unwrap().to_str().unwrap().trim_end().to_owned()
    };
    // GB18030 says it: every other byte stays, and the name is in its letters (bytes from Python's codec).
    let got = correct(&with(b"GB18030 ", b"Doe^Jane"), &name, NOTHING).unwrap();
    let mut expected = with(b"GB18030 ", b"Wang^Min=\xcd\xf5^\xc3\xf4");
    expected[..128].fill(0);
    assert_eq!(got, expected);
    // Latin 1 does not: all of it becomes UTF-8, other names too.
    let got = correct(&with(b"ISO_IR 100", b"J\xfcrgen^X"), &name, NOTHING).unwrap();
    assert_eq!(
        (value(&got, 0x0008_0005).as_str(), value(&got, tags::PATIENT_NAME).as_str()),
        ("ISO_IR 192", "Wang^Min=王^敏")
    );
    // Code extensions are not rewritten; what is plain can be said in them.
    assert!(correct(&with(b"\\ISO 2022 IR 87 ", b"Doe^Jane"), &name, NOTHING).is_err());
    let plain = set(&[(tags::PATIENT_NAME, b"PN", "Yamada^Tarou")]);
    assert!(correct(&with(b"\\ISO 2022 IR 87 ", b"Doe^Jane"), &plain, NOTHING).is_ok());
}

/// Files of the corpus that dicom-rs can read: after a correction all other attributes read the same.
#[test]
fn the_rest_of_real_files_reads_as_before() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/dicom");
    let wanted = set(&[(tags::PATIENT_NAME, b"PN", "Right^Put"), (tags::ACCESSION_NUMBER, b"SH", "PR1")]);
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        let bytes = std::fs::read(file.path()).unwrap();
        if file.path().extension().is_none_or(|e| e != "dcm") {
            continue;
        }
        let mut intake = crate::Intake::new();
        let Some(parsed) = intake.push(&bytes).ok().and_then(|_| intake.finish().ok()) else { continue };
        let before = read_head(&parsed.head).unwrap().object;
        let got = correct(&parsed.head, &wanted, NOTHING).unwrap();
        let after = read_head(&got).unwrap().object;
        let names = |object: &dicom_object::InMemDicomObject| -> Vec<_> {
            let other = |tag: &dicom_core::Tag| {
                let number = u32::from(tag.group()) << 16 | u32::from(tag.element());
                wanted.get(number).is_none() && tag.element() != 0
            };
            let elements = object.iter().filter(|e| other(&dicom_core::header::Header::tag(*e)));
            elements
                .map(|e| {
                    format!(
                        "{:?}",
                        crate::json::from_object(
                            &dicom_object::InMemDicomObject::from_element_iter([e.clone()]),
                            Some("/")
                        )
                    )
                })
                .collect()
        };
        assert_eq!(names(&after), names(&before), "{:?}", file.path());
        let text = |tag| after.get(crate::json::tag(tag)).unwrap().to_str().unwrap().trim_end().to_owned();
        assert_eq!(
            (text(tags::PATIENT_NAME), text(tags::ACCESSION_NUMBER)),
            ("Right^Put".into(), "PR1".into())
        );
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}
