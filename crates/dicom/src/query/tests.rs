use super::*;

fn one(key: &str, value: &str) -> Result<Query> {
    Query::parse(Level::Study, [(key, value)])
}

fn s(text: &str) -> String {
    text.to_owned()
}

#[test]
fn kinds_of_ps3_4_c_2_2_2() {
    let range = |from, to| Kind::Range(s(from), s(to));
    let list = |words: &[&str]| Kind::List(words.iter().map(|w| s(w)).collect());
    let table: &[(&str, &str, &[Tag], Kind)] = &[
        ("PatientID", "A1", &[0x0010_0020], Kind::Single(s("A1"))),
        ("00100010", "Do*", &[0x0010_0010], Kind::Wildcard(s("Do*"))),
        ("PatientAge", "04?Y", &[0x0010_1010], Kind::Single(s("04?Y"))),
        ("StudyDate", "20200101-20201231", &[0x0008_0020], range("20200101", "20201231")),
        ("StudyDate", "-20201231", &[0x0008_0020], range("", "20201231")),
        ("StudyTime", "0700-", &[0x0008_0030], range("0700", "")),
        ("StudyTime", "22-06", &[0x0008_0030], range("22", "06")),
        ("StudyTime", "07:00:01.5", &[0x0008_0030], Kind::Single(s("07:00:01.5"))),
        (
            "AcquisitionDateTime",
            "20200101120000-0500",
            &[0x0008_002A],
            Kind::Single(s("20200101120000-0500")),
        ),
        ("AcquisitionDateTime", "2020-202106", &[0x0008_002A], range("2020", "202106")),
        (
            "AcquisitionDateTime",
            "20200101-0500-20200102+0000",
            &[0x0008_002A],
            range("20200101-0500", "20200102+0000"),
        ),
        ("StudyInstanceUID", "1.2,1.3", &[0x0020_000D], list(&["1.2", "1.3"])),
        ("ModalitiesInStudy", "CT,MR", &[0x0008_0061], list(&["CT", "MR"])),
        ("PatientName", "", &[0x0010_0010], Kind::Universal),
        (
            "RequestAttributesSequence.ScheduledProcedureStepID",
            "1",
            &[0x0040_0275, 0x0040_0009],
            Kind::Single(s("1")),
        ),
        ("00081032.00080100", "T-*", &[0x0008_1032, 0x0008_0100], Kind::Wildcard(s("T-*"))),
    ];
    for (key, value, path, kind) in table {
        let expected = vec![Match { path: path.to_vec(), kind: kind.clone() }];
        assert_eq!(one(key, value).map(|q| q.matches), Ok(expected), "{key}={value}");
    }
}

#[test]
fn options_hold_wherever_they_stand() {
    let pairs = [("PatientID", r"A\B"), ("PatientName", "\"\""), ("multiplevaluematching", "true")];
    let query =
        Query::parse(Level::Study, pairs.into_iter().chain([("emptyvaluematching", "true")])).unwrap();
    let kinds: Vec<_> = query.matches.into_iter().map(|m| m.kind).collect();
    assert_eq!(kinds, [Kind::List(vec![s("A"), s("B")]), Kind::Empty]);
    let literal = Query::parse(Level::Study, pairs.into_iter().take(2)).unwrap();
    let kinds: Vec<_> = literal.matches.into_iter().map(|m| m.kind).collect();
    assert_eq!(kinds, [Kind::Single(s(r"A\B")), Kind::Single(s("\"\""))]);
}

#[test]
fn fields_to_include() {
    let include = |value| one("includefield", value).map(|q| q.include);
    let expected = vec![vec![0x0008_1030], vec![0x0040_0275, 0x0040_1001]];
    let given = "StudyDescription,00400275.RequestedProcedureID,00081030";
    assert_eq!(include(given), Ok(Include::Paths(expected)));
    assert_eq!(include("StudyDescription,all"), Ok(Include::All));
    assert!(include("StudyDescription,").is_err());
}

#[test]
fn refusals() {
    for (key, value) in [
        ("Nonsense", "1"),
        ("PatientID.ScheduledProcedureStepID", "1"),
        ("RequestAttributesSequence", "1"),
        ("StudyDate", "2020"),
        ("StudyDate", "20201301"),
        ("StudyDate", "20201231-20200101"),
        ("StudyDate", "-"),
        ("StudyTime", "2500"),
        ("StudyTime", "07-08-09"),
        ("AcquisitionDateTime", "20200101+05"),
        ("StudyInstanceUID", "../x"),
        ("ModalitiesInStudy", "CT,M*"),
        ("limit", "-1"),
        ("fuzzymatching", "maybe"),
        ("PatientID", "a\u{0}b"),
    ] {
        assert!(matches!(one(key, value), Err(Error::Query(_))), "{key}={value}");
    }
    assert!(Query::parse(Level::Study, [("PatientID", "1"), ("00100020", "2")]).is_err());
}

#[test]
fn bounds_plus_one() {
    let keys = vec![("offset", "1"); bounds::QUERY_KEYS];
    assert!(Query::parse(Level::Study, keys.clone()).is_ok());
    let more = keys.into_iter().chain([("offset", "1")]);
    assert_eq!(Query::parse(Level::Study, more), Err(Error::TooLarge("query keys")));
    let uids = vec!["1.2"; bounds::QUERY_LIST + 1].join(",");
    assert_eq!(one("StudyInstanceUID", &uids), Err(Error::TooLarge("list of unique identifiers")));
    let words = vec!["CT"; bounds::QUERY_LIST + 1].join(",");
    assert_eq!(one("ModalitiesInStudy", &words), Err(Error::TooLarge("list of values")));
    let long = "x".repeat(bounds::QUERY_VALUE_BYTES + 1);
    assert_eq!(one("PatientID", &long), Err(Error::TooLarge("query value")));
    let pattern = |letters: usize| one("PatientName", &format!("*{}", "王".repeat(letters)));
    assert!(pattern(PATTERN_CHARS - 1).is_ok());
    assert_eq!(pattern(PATTERN_CHARS), Err(Error::TooLarge("pattern")));
    let deep =
        |n: usize| [vec!["RequestAttributesSequence"; n], vec!["RequestedProcedureID"]].concat().join(".");
    assert!(one(&deep(PATH - 1), "1").is_ok());
    assert!(one(&deep(PATH), "1").is_err());
    assert_eq!(one("limit", "5000").map(|q| q.limit), Ok(limits::MATCHES));
}
