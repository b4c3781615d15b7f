use super::*;

fn plain(list: &[(Tag, [u8; 2], &str)]) -> Attributes {
    let mut out = Attributes::new();
    list.iter().for_each(|(tag, vr, text)| out.set(*tag, *vr, text.split('\\').map(str::to_owned)));
    out
}

fn uid(text: &str) -> Uid {
    text.parse().unwrap()
}

fn card() -> Card {
    let study = "1.2.840.113619.2.55.3.604688119.971.1390487218.2";
    let series = |n: u32| {
        let of = format!("1.2.840.113619.2.55.3.604688119.971.1390487218.3.{n}");
        let instance = |i: u32| {
            let own = format!("{of}.{i}");
            let mut attributes = plain(&[
                (tags::SOP_INSTANCE_UID, *b"UI", &own),
                (tags::SOP_CLASS_UID, *b"UI", "1.2.840.10008.5.1.4.1.1.2"),
                (tags::INSTANCE_NUMBER, *b"IS", &i.to_string()),
                (tags::ROWS, *b"US", "512"),
            ]);
            if i == 3 {
                attributes.remove(tags::ROWS);
            }
            CardInstance { sop_uid: uid(&own), attributes, unexamined: i == 2 }
        };
        let attributes = plain(&[
            (tags::SERIES_INSTANCE_UID, *b"UI", &of),
            (tags::MODALITY, *b"CS", "CT"),
            (tags::SERIES_DESCRIPTION, *b"LO", "胸部 平扫"),
        ]);
        CardSeries { uid: uid(&of), attributes, count: 4, instances: (1..=4).map(instance).collect() }
    };
    let mut attributes = plain(&[
        (tags::STUDY_INSTANCE_UID, *b"UI", study),
        (tags::STUDY_DATE, *b"DA", "20260101"),
        (tags::STUDY_TIME, *b"TM", "010203.5"),
        (tags::ACCESSION_NUMBER, *b"SH", "0042"),
        (tags::STUDY_ID, *b"LO", "another VR than the table's"),
        (0x0009_1001, *b"UN", ""),
    ]);
    let text = |text: &str| Plain { vr: Vr(*b"SH"), values: vec![text.to_owned()] };
    attributes.set_items(
        tags::PROCEDURE_CODE_SEQUENCE,
        [Item::from([(tags::CODE_VALUE, text("A1"))]), Item::new()],
    );
    attributes.set_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, []);
    Card {
        uid: uid(study),
        id: Id([1; 16]),
        patient: Id([2; 16]),
        masks: 300,
        counts: (2, 8),
        unexamined: 2,
        withheld: true,
        modalities: vec!["CT".to_owned(), "SR".to_owned()],
        patient_attributes: plain(&[
            (tags::PATIENT_NAME, *b"PN", "Wang^XiaoDong=王^小东"),
            (tags::PATIENT_ID, *b"LO", "A\\B"),
            (tags::PATIENT_BIRTH_DATE, *b"DA", ""),
        ]),
        attributes,
        series: vec![series(1), series(2)],
    }
}

#[test]
fn what_was_packed_comes_back() {
    let (card, mut words) = (card(), Words::default());
    let bytes = pack(&card, &mut words);
    assert_eq!(unpack(&bytes, &words, Depth::Instance), Some(card.clone()));
    let mut series = card.clone();
    series.series.iter_mut().for_each(|s| s.instances.clear());
    assert_eq!(unpack(&bytes, &words, Depth::Series), Some(series));
    assert_eq!(unpack(&bytes, &words, Depth::Study), Some(Card { series: Vec::new(), ..card.clone() }));
    assert_eq!(super::uid(&bytes, &words), Some(card.uid.clone()));
    assert_eq!(summary(&bytes), Some(Summary { unexamined: 2, withheld: true }));
    assert!(bytes.len() < 600, "{}", bytes.len());
}

#[test]
fn damage_is_noticed_or_harmless_and_never_a_panic() {
    let mut words = Words::default();
    let bytes = pack(&card(), &mut words);
    for cut in 0..bytes.len() {
        drop(unpack(&bytes[..cut], &words, Depth::Instance));
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            drop(unpack(&changed, &words, Depth::Instance));
        }
    }
}

#[test]
fn every_attribute_of_the_index_is_in_the_table() {
    for tag in [tags::PATIENT, tags::STUDY, tags::SERIES, tags::INSTANCE].into_iter().flatten() {
        assert!(TABLE.iter().any(|(known, ..)| known == tag), "{tag:08X}");
    }
}
