use super::*;
use model::Plain;
use port::find::Level;

fn holds(attributes: &Attributes, keys: Vec<Key>, change: impl Fn(&mut Query)) -> bool {
    let mut query = Query { keys, ..Query::all(Level::Instance) };
    change(&mut query);
    Conditions::of(&query, |_| true).hold(attributes)
}

fn check(vr: [u8; 2], tag: Tag, value: &str, matching: Matching, expected: bool) {
    let mut attributes = Attributes::new();
    attributes.set(tag, vr, value.split('\\').map(str::to_owned));
    let got = holds(&attributes, vec![Key::top(tag, matching.clone())], |_| {});
    assert_eq!(got, expected, "{value} {matching:?}");
}

fn single(text: &str) -> Matching {
    Matching::Single(text.to_owned())
}

fn wild(text: &str) -> Matching {
    Matching::Wildcard(text.to_owned())
}

fn range(from: &str, to: &str) -> Matching {
    let end = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Matching::Range(end(from), end(to))
}

#[test]
fn names() {
    let pn = |value, matching, expected| check(*b"PN", tags::PATIENT_NAME, value, matching, expected);
    pn("Doe^Jane", single("DOE^JANE"), true);
    pn("Doe^Jane^^^", single("doe^jane"), true);
    pn("Müller^Åsa", wild("MULL*"), true);
    pn("Wang^XiaoDong=王^小东", wild("王*"), true);
    pn("Wang^XiaoDong=王^小东", wild("*dong"), true);
    pn("Wang^XiaoDong=王^小东", wild("wang*=王*"), true);
    pn("Wang^XiaoDong=王^小东", wild("wang*=李*"), false);
    pn("Wang^XiaoDong=王^小东", single("=王^小东"), true);
    pn("Doe^Jane", single("Doe"), false);
    pn("Doe^Jane", wild("D?e^*"), true);
    pn("", wild("*?*"), false);
}

#[test]
fn names_by_their_beginnings_when_asked() {
    let mut attributes = Attributes::new();
    attributes.set(tags::PATIENT_NAME, *b"PN", ["Zhang^San=张^三".to_owned()]);
    for (matching, literal, fuzzy) in [
        (single("zs"), false, true),
        (wild("张*"), true, true),
        (single("san"), false, true),
        (single("ang"), false, false),
    ] {
        let key = || vec![Key::top(tags::PATIENT_NAME, matching.clone())];
        assert_eq!(holds(&attributes, key(), |_| {}), literal, "{matching:?}");
        assert_eq!(holds(&attributes, key(), |q| q.fuzzy = true), fuzzy, "{matching:?} fuzzy");
    }
}

#[test]
fn values() {
    let id = |value, matching, expected| check(*b"LO", tags::PATIENT_ID, value, matching, expected);
    id("A1", single("a1"), false);
    id("A1", single(" A1 "), true);
    id("A1", Matching::List(vec!["B".into(), "A1".into()]), true);
    id("A1", wild("a*"), false);
    id("", Matching::Universal, true);
    id("", Matching::Empty, true);
    id("", single(""), false);
    id("A1", Matching::Empty, false);
    check(*b"IS", tags::SERIES_NUMBER, "007", single("7"), true);
    check(*b"IS", tags::SERIES_NUMBER, "7", single("70"), false);
    check(*b"CS", tags::MODALITIES_IN_STUDY, "CT\\SR", single("SR"), true);
    let absent = |matching| holds(&Attributes::new(), vec![Key::top(tags::PATIENT_ID, matching)], |_| {});
    assert!(absent(Matching::Empty) && absent(Matching::Universal) && !absent(wild("*?")));
}

#[test]
fn dates_and_times() {
    let date = |value, matching, expected| check(*b"DA", tags::STUDY_DATE, value, matching, expected);
    date("20200229", range("20200101", "20200229"), true);
    date("20200301", range("20200101", "20200229"), false);
    date("20200301", range("20200101", ""), true);
    date("2020.03.01", single("20200301"), true);
    date("", range("", "20200301"), false);
    let time = |value, matching, expected| check(*b"TM", tags::STUDY_TIME, value, matching, expected);
    time("103015", single("1030"), true);
    time("103100", single("1030"), false);
    time("230000", range("22", "06"), false);
}

#[test]
fn a_date_and_its_time_are_one_range_when_combined() {
    let mut attributes = Attributes::new();
    let keys = || {
        vec![
            Key::top(tags::STUDY_DATE, range("20200101", "20200102")),
            Key::top(tags::STUDY_TIME, range("22", "06")),
        ]
    };
    for (day, time, combined) in [
        ("20200101", "210000", false),
        ("20200101", "230000", true),
        ("20200102", "065959", true),
        ("20200102", "070000", false),
        ("20200102", "", true),
    ] {
        attributes.set(tags::STUDY_DATE, *b"DA", [day.to_owned()]);
        attributes.set(tags::STUDY_TIME, *b"TM", [time.to_owned()]);
        assert_eq!(holds(&attributes, keys(), |q| q.combined = true), combined, "{day} {time}");
        assert!(!holds(&attributes, keys(), |_| {}), "{day} {time} apart");
    }
    let half = || {
        vec![Key::top(tags::STUDY_DATE, range("20200101", "")), Key::top(tags::STUDY_TIME, range("", "06"))]
    };
    attributes.set(tags::STUDY_TIME, *b"TM", ["050000".to_owned()]);
    assert!(holds(&attributes, half(), |q| q.combined = true));
}

#[test]
fn all_keys_of_a_sequence_hold_in_one_item() {
    let item = |value: &str, scheme: &str| {
        let plain = |text: &str| Plain { vr: Vr(*b"SH"), values: vec![text.to_owned()] };
        Item::from([(tags::CODE_VALUE, plain(value)), (tags::CODING_SCHEME_DESIGNATOR, plain(scheme))])
    };
    let mut attributes = Attributes::new();
    let keys = |value: Matching, scheme: Matching| {
        [(tags::CODE_VALUE, value), (tags::CODING_SCHEME_DESIGNATOR, scheme)]
            .map(|(tag, matching)| Key { path: vec![tags::PROCEDURE_CODE_SEQUENCE, tag], matching })
            .to_vec()
    };
    assert!(holds(&attributes, keys(Matching::Universal, Matching::Empty), |_| {}));
    assert!(!holds(&attributes, keys(single("A"), Matching::Universal), |_| {}));
    attributes.set_items(tags::PROCEDURE_CODE_SEQUENCE, [item("A", "L"), item("B", "SCT")]);
    assert!(holds(&attributes, keys(single("A"), single("L")), |_| {}));
    assert!(holds(&attributes, keys(wild("?"), single("SCT")), |_| {}));
    assert!(!holds(&attributes, keys(single("A"), single("SCT")), |_| {}), "in one item, not in two");
}
