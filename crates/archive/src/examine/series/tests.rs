use super::*;
use crate::catalog::{MaskSet, PageRecord, StudyRecord};
use crate::testing;
use model::{Attributes, Id, Region, Time};

fn image(rows: u32) -> ImageInfo {
    let image_type = "ORIGINAL\\PRIMARY".to_owned();
    ImageInfo { rows, columns: 512, image_type, ..testing::image("CT", "1.2.840.10008.5.1.4.1.1.2") }
}

fn seen(kind: Option<RegionKind>) -> Seen {
    let region = |kind| Region::rectangle(kind, None, [0.0, 0.0, 9.0, 9.0], "test/1", 1.0);
    Seen {
        regions: kind.map(region).into_iter().collect(),
        fallback: false,
        class: "ct".to_owned(),
        level: 3,
        withheld: false,
        maskable: true,
        mosaic: true,
    }
}

/// A series of slices: what examining says of each so far.
fn study(slices: Vec<Option<Seen>>) -> Study {
    let uid = |text: String| text.parse::<Uid>().unwrap();
    let instance = |(n, seen): (usize, Option<Seen>)| InstanceRecord {
        object: Id([2; 16]),
        sop_uid: uid(format!("1.2.1.{n}")),
        sop_class: uid("1.2".into()),
        transfer_syntax: uid("1.2".into()),
        attributes: Attributes::new(),
        image: Some(image(512)),
        head_len: 0,
        len: 0,
        digest: [0; 32],
        arrived: Time(0),
        others: Vec::new(),
        seen,
    };
    let record = StudyRecord {
        id: Id([1; 16]),
        uid: uid("1.2".into()),
        patient: Id([1; 16]),
        patient_attributes: Attributes::new(),
        attributes: Attributes::new(),
        arrived: Time(0),
        masks: MaskSet::default(),
    };
    let page = PageRecord {
        study: record.uid.clone(),
        series: uid("1.2.1".into()),
        series_index: 0,
        page: 0,
        attributes: Attributes::new(),
        instances: slices.into_iter().enumerate().map(instance).map(std::sync::Arc::new).collect(),
    };
    Study::of_rows((record, 1), vec![(page, 1)])
}

fn glances(study: &Study, at: usize) -> bool {
    bears_no_words(study, &study.series[0].instances[at].record, &image(512))
}

#[test]
fn the_first_and_every_sixteenth_are_searched() {
    let all = study((0..20).map(|n| (n < 4).then(|| seen(None))).collect());
    let searched: Vec<usize> = (0..20).filter(|at| !glances(&all, *at)).collect();
    assert_eq!(searched, [0, 1, 2, 3, 16]);
}

#[test]
fn nothing_is_glanced_at_before_four_like_it_bear_no_words() {
    let of = |third: Option<Seen>, last: Option<Seen>| {
        let first = seen(Some(RegionKind::Marker)); // no words
        study(vec![Some(first), Some(seen(None)), third, Some(seen(None)), last, None])
    };
    assert!(glances(&of(Some(seen(None)), None), 5));
    assert!(!glances(&of(None, None), 5), "one is not searched yet");
    assert!(!glances(&of(Some(seen(Some(RegionKind::Text))), None), 5), "one bears words");
    assert!(!glances(&of(Some(seen(None)), Some(seen(Some(RegionKind::Text)))), 5), "a later one does");
    assert!(
        !glances(&of(Some(Seen { maskable: false, ..seen(None) }), None), 5),
        "one could not be looked at"
    );
    let all = of(Some(seen(None)), None);
    let other = image(256);
    assert!(!bears_no_words(&all, &all.series[0].instances[5].record, &other), "of another size");
}

#[test]
fn words_that_turn_up_send_the_others_back() {
    let text = || Some(seen(Some(RegionKind::Text)));
    let all =
        study(vec![Some(seen(None)), text(), None, Some(Seen { maskable: false, ..seen(None) }), text()]);
    let back = |at: usize| {
        let uids = to_search(&all, &all.series[0].instances[at].record);
        uids.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(back(1), ["1.2.1.0"], "what was not seen yet will be searched as it is");
    assert_eq!(back(0), ["1.2.1.0"], "it was in work when the words turned up");
    assert_eq!(back(2), Vec::<String>::new());
    let none = study(vec![Some(seen(None)), Some(seen(None))]);
    assert!(to_search(&none, &none.series[0].instances[0].record).is_empty());
}
