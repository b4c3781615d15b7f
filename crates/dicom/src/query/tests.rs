use super::*;

fn one(key: &str, value: &str) -> Result<Query> {
    Query::parse(Level::Study, [(key, value)])
}

#[test]
fn kinds_of_ps3_4_c_2_2_2() {
    let s = str::to_owned;
    let table = [
        ("PatientID", "A1", 0x0010_0020, Kind::Single(s("A1"))),
        ("00100010", "Do*", 0x0010_0010, Kind::Wildcard(s("Do*"))),
        ("StudyDate", "20200101-20201231", 0x0008_0020, Kind::Range(s("20200101"), s("20201231"))),
        ("StudyDate", "-20201231", 0x0008_0020, Kind::Range(s(""), s("20201231"))),
        ("StudyTime", "0700-", 0x0008_0030, Kind::Range(s("0700"), s(""))),
        ("StudyInstanceUID", "1.2,1.3", 0x0020_000D, Kind::List(vec![s("1.2"), s("1.3")])),
        ("PatientName", "", 0x0010_0010, Kind::Universal),
    ];
    for (key, value, tag, kind) in table {
        assert_eq!(one(key, value).map(|q| q.matches), Ok(vec![Match { tag, kind }]), "{key}={value}");
    }
}

#[test]
fn refusals() {
    for (key, value) in [
        ("Nonsense", "1"),
        ("RequestAttributesSequence.ScheduledProcedureStepID", "1"),
        ("StudyDate", "2020"),
        ("StudyDate", "20201231-20200101"),
        ("StudyInstanceUID", "../x"),
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
    let long = "x".repeat(bounds::QUERY_VALUE_BYTES + 1);
    assert_eq!(one("PatientID", &long), Err(Error::TooLarge("query value")));
    let pattern = |letters: usize| one("PatientName", &format!("*{}", "王".repeat(letters)));
    assert!(pattern(PATTERN_CHARS - 1).is_ok());
    assert_eq!(pattern(PATTERN_CHARS), Err(Error::TooLarge("pattern")));
    assert_eq!(one("limit", "5000").map(|q| q.limit), Ok(limits::MATCHES));
}
