use super::*;
use crate::catalog::records::{InstanceRecord, MaskSet, StudyRecord};
use crate::catalog::{Cursor, Of, load};
use model::{Attributes, Id, Time, tags};

fn study(n: u32) -> Study {
    let mut attributes = Attributes::new();
    attributes.set(tags::STUDY_DATE, *b"DA", [format!("202601{:02}", n % 28 + 1)]);
    let mut patient = Attributes::new();
    patient.set(tags::PATIENT_NAME, *b"PN", [format!("Zhang^N{n}=张^三")]);
    patient.set(tags::PATIENT_ID, *b"LO", [format!("P{n}")]);
    let uid = |text: String| text.parse().unwrap();
    let record = StudyRecord {
        id: Id([1; 16]),
        uid: uid(format!("1.2.{n}")),
        patient: Id([n as u8; 16]),
        patient_attributes: patient,
        attributes,
        arrived: Time(0),
        masks: MaskSet::default(),
    };
    let instance = |i: u32| InstanceRecord {
        object: Id([2; 16]),
        sop_uid: uid(format!("1.2.{n}.1.{i}")),
        sop_class: uid("1.2".into()),
        transfer_syntax: uid("1.2".into()),
        attributes: Attributes::new(),
        image: None,
        head_len: 0,
        len: 0,
        digest: [0; 32],
        arrived: Time(0),
        others: Vec::new(),
        seen: None,
    };
    let page = crate::catalog::PageRecord {
        study: record.uid.clone(),
        series: uid(format!("1.2.{n}.1")),
        series_index: 0,
        page: 0,
        attributes: Attributes::new(),
        instances: (0..3).map(instance).map(std::sync::Arc::new).collect(),
    };
    Study::of_rows((record, 1), vec![(page, 1)])
}

fn written(catalog: &Catalog) -> Vec<u8> {
    let mut out = Vec::new();
    catalog
        .snapshot()
        .write(&mut |piece| {
            out.extend_from_slice(piece);
            Ok(())
        })
        .unwrap();
    out
}

fn read(bytes: &[u8], size: usize) -> Result<Catalog> {
    let mut reader = Reader::default();
    bytes.chunks(size).try_for_each(|chunk| reader.push(chunk))?;
    reader.finish()
}

fn uids(catalog: &Catalog, mut cursor: Cursor) -> Vec<String> {
    let words = catalog.words();
    let words = crate::catalog::words_of(&words);
    let mut out = Vec::new();
    while let Some(found) = catalog.next(&mut cursor, 7) {
        out.extend(found.iter().map(|f| f.card(&words, Depth::Instance).unwrap().uid.to_string()));
    }
    out
}

#[test]
fn a_catalog_comes_back() {
    let mut catalog = Catalog::new((3, 4));
    (1..=50).for_each(|n| catalog.load_idle(&study(n)));
    (51..=60).for_each(|n| catalog.load(study(n)));
    let bytes = written(&catalog);
    let filled = [bytes.as_slice(), &[0; 100]].concat();
    for size in [1, 17, 1000, filled.len()] {
        let again = read(&filled, size).unwrap();
        assert_eq!(uids(&again, Catalog::all()), uids(&catalog, Catalog::all()), "{size}");
        for n in [1, 33, 60] {
            let number = format!("P{n}");
            assert_eq!(uids(&again, again.with(Of::Number, [number.as_bytes()])), [format!("1.2.{n}")]);
            assert_eq!(uids(&again, again.typed(&[&format!("zhang^n{n}=")]).unwrap()), [format!("1.2.{n}")]);
        }
        assert_eq!(again.packed_with(&"1.2.7.1.2".parse().unwrap()).len(), 1);
        assert_eq!(uids(&again, again.typed(&["zs"]).unwrap()).len(), 60);
        assert_eq!(uids(&again, Catalog::days(20_260_103, 20_260_103)).len(), 3);
    }
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let mut catalog = Catalog::new((3, 4));
    (1..=3).for_each(|n| catalog.load_idle(&study(n)));
    let bytes = written(&catalog);
    assert!(read(&bytes[..bytes.len() - 5], 100).is_err(), "without its end");
    assert!(read(&[&[FORMAT + 1], &bytes[1..]].concat(), 100).is_err());
    let huge = [&bytes[..17], &[STUDY], &u32::MAX.to_le_bytes()].concat();
    assert!(read(&huge, 100).is_err(), "a piece above the limit");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        drop(read(&changed, 64)); // sealed, nobody can; it must not panic all the same
    }
}

#[test]
fn what_is_under_way_is_left_out() {
    let mut catalog = Catalog::new((3, 4));
    catalog.load(study(1));
    catalog.load(study(2));
    catalog.change(&"1.2.2.1.0".parse().unwrap(), |_| {}).unwrap();
    let mut snapshot = catalog.snapshot();
    assert_eq!(snapshot.under_way.len(), 1);
    snapshot.add(&study(2));
    let mut bytes = Vec::new();
    let put = &mut |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok(())
    };
    snapshot.write(put).unwrap();
    let again = read(&bytes, 64).unwrap();
    assert_eq!(uids(&again, again.with(Of::Number, [&b"P2"[..]])), ["1.2.2"]);
    let mut seen = 0;
    load::prints_of(&study(2), |_, _| seen += 1);
    assert_eq!(seen, 7);
}

#[test]
fn what_nobody_works_with_is_packed() {
    let mut catalog = Catalog::new((3, 4));
    let many = u32::try_from(super::super::WHOLE_INSTANCES / 3 + 2).unwrap();
    (1..=many).for_each(|n| catalog.load(study(n)));
    assert!(catalog.whole(&"1.2.1".parse().unwrap()).is_none());
    assert!(catalog.whole(&format!("1.2.{many}").parse().unwrap()).is_some(), "the last one stays");
    assert_eq!(uids(&catalog, Catalog::all()).len(), many as usize);
    let (studies, prints, bytes) = catalog.weight();
    assert_eq!((studies, prints), (many as usize, many as usize * 7));
    assert!(bytes / studies < 400, "{} bytes a study of three instances", bytes / studies);
}
