//! Messages by hand, after the examples and tables of HL7 v2.5.1 chapters 3, 4 and 10.

use super::*;

const PID: &str =
    "PID|1||GZ-9^^^HOSP^MR~110101^^^NATL^NI~77^^^LAB^PI||Wang^Xiaoli||19780512|F||||||||||ACC-1\r";

fn told(kind: &str, sent: &str, segments: &str) -> Result<Vec<News>, Cause> {
    let head = format!("MSH|^~\\&|INDEX|HOSP|GAUZE|HOSP|{sent}||{kind}|42|P|2.5.1\r");
    news(&Message::read((head + segments).as_bytes()).unwrap())
}

fn one(kind: &str, segments: &str) -> News {
    let mut all = told(kind, "20261126120000+0800", segments).unwrap();
    assert_eq!(all.len(), 1, "{kind}");
    all.remove(0)
}

/// Who, as text.
fn who(news: &News) -> String {
    let one = |c: &Carer| format!("{:?} {}@{}", c.part, c.staff.number, c.staff.issuer);
    news.carers.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Seconds of a day of November 2026 (the 1st: 1793491200, by `date -u`).
const fn november(day: i64, hour: i64) -> i64 {
    1_793_491_200 + (day - 1) * 86_400 + hour * 3600
}

#[test]
fn an_admission() {
    let visit = "PV1|1|I|WARD 3^2^1||||11^Attend^Anna^^^^^^MAIN|22^Refer^Rolf|33^Consult^Cora~34^Consult^Cyd||||||||44^Admit^Ada||V-1^^^HOSP|||||||||||||||||||||||||20261126103000\r";
    let news = one(
        "ADT^A01^ADT_A01",
        &format!("EVN|A01|20261126110000\r{PID}{visit}ROL|1|AD|AT|55^Nurse^Nora\rROL|2|DE|AT|56^Gone^Gerd\r"),
    );
    assert_eq!((news.step, news.episode, news.number.as_str()), (Step::Open, Episode::Visit, "V-1"));
    assert_eq!((news.patient.issuer.as_str(), news.patient.number.as_str()), ("HOSP", "GZ-9"));
    let others: Vec<_> = news.others.iter().map(|n| (n.issuer.as_str(), n.number.as_str())).collect();
    assert_eq!(others, [("LAB", "77")], "a national number is on no film");
    assert_eq!(who(&news), "Visit 11@MAIN, Referral 22@, Team 33@, Team 34@, Admission 44@, Team 55@");
    let east = Some(8 * 3600);
    assert_eq!(news.at, Some(Stamp { local_s: november(26, 11), offset_s: east }), "EVN-2, in MSH-7's zone");
    assert_eq!(news.start, Some(Stamp { local_s: november(26, 10) + 1800, offset_s: east }));
}

#[test]
fn events_are_steps() {
    for (event, expected) in [
        ("A01", Some(Step::Open)),
        ("A02", Some(Step::Transfer)),
        ("A03", Some(Step::Close)),
        ("A04", Some(Step::Open)),
        ("A08", Some(Step::Update)),
        ("A11", Some(Step::CancelOpen)),
        ("A12", Some(Step::CancelTransfer)),
        ("A13", Some(Step::CancelClose)),
        ("A05", None),
        ("A31", None),
        ("A40", None),
        ("A60", None),
    ] {
        let all = told(&format!("ADT^{event}"), "20261126120000", &format!("{PID}PV1|1|I\r")).unwrap();
        assert_eq!(all.first().map(|news| news.step), expected, "{event}");
    }
    assert!(told("ADT^A01", "20261126120000", PID).unwrap().is_empty(), "no visit, nothing to say");
    assert!(told("ADT^A01", "20261126120000", "PV1|1|I\r").is_err(), "whose?");
    assert!(told("ADT^A01", "", &format!("{PID}PV1|1|I\r")).is_err(), "when?");
    assert!(told("ADT^A01", "yesterday", &format!("{PID}PV1|1|I\r")).is_err(), "when?");
}

#[test]
fn what_a_field_says_of_nobody() {
    let news = one("ADT^A02", &format!("{PID}PV1|1|I|||||\"\"|^Only^Name\r"));
    assert_eq!((who(&news), news.parts), (String::new(), vec![Part::Visit, Part::Referral]));
    let news = one("ADT^A02", &format!("EVN|A02|20261126110000||||20261126100000\r{PID}PV1|1|I\r"));
    assert_eq!((news.parts, news.number.as_str()), (vec![], "ACC-1"), "PID-18 where PV1-19 is empty");
    assert_eq!(news.start.unwrap().local_s, november(26, 10), "EVN-6: when she moved");
}

#[test]
fn a_discharge() {
    let visit = format!("PV1|1|I|||||11{}20261120|20261125170000\r", "|".repeat(37));
    let news = one("ADT^A03", &format!("EVN|A03|20261126\r{PID}{visit}"));
    assert_eq!(news.start.map(|s| s.local_s), Some(november(20, 0)));
    assert_eq!(news.end.map(|s| s.local_s), Some(november(25, 17)));
    assert_eq!(news.at.map(|s| s.local_s), Some(november(26, 0)));
}

#[test]
fn appointments() {
    let schedule = "SCH|P-1|F-1|||||||45|MIN|^^^20261130090000\r";
    let resource = format!("{PID}RGS|1\rAIP|1||11^Attend^Anna|AT\r");
    let news = one("SIU^S12^SIU_S12", &format!("{schedule}{resource}"));
    assert_eq!((news.number.as_str(), news.step, who(&news).as_str()), ("F-1", Step::Open, "Visit 11@"));
    assert_eq!(news.start.map(|s| s.local_s), Some(november(30, 9)));
    assert_eq!(news.end.map(|s| s.local_s), Some(november(30, 9) + 45 * 60));
    assert_eq!(one("SIU^S13", &format!("{schedule}{resource}")).step, Step::Update);
    assert_eq!(one("SIU^S15", &format!("SCH|P-1|F-1\r{resource}")).step, Step::CancelOpen);
    for (what, kind, segments) in [
        ("no begin", "SIU^S12", format!("SCH|P-1|F-1\r{resource}")),
        ("no number", "SIU^S12", format!("SCH|||||||||||^^^20261130090000\r{resource}")),
        ("no schedule", "SIU^S12", resource.clone()),
        ("no patient", "SIU^S12", schedule.to_owned()),
        ("not taken", "SIU^S26", format!("{schedule}{resource}")),
    ] {
        assert!(told(kind, "20261126120000", &segments).is_err(), "{what}");
    }
}

#[test]
fn who_ordered() {
    let order = |control: &str, status: &str| {
        let obr = "OBR|1|PL|FI|CX2||||||||||||11^Doctor^Demo||A-77||SPS-1";
        format!("{PID}ORC|{control}|PL|FI||{status}|||||||12^Other^Doctor\r{obr}\r")
    };
    for (control, status, step) in [
        ("NW", "", Step::Open),
        ("XO", "", Step::Open),
        ("CA", "", Step::CancelOpen),
        ("OC", "", Step::CancelOpen),
        ("DC", "", Step::CancelOpen),
        ("OD", "", Step::CancelOpen),
        ("SC", "CA", Step::CancelOpen),
        ("SC", "DC", Step::CancelOpen),
        ("RU", "DC", Step::CancelOpen),
        ("SN", "CA", Step::CancelOpen),
        ("SC", "CM", Step::Close),
        ("SC", "IP", Step::Open),
    ] {
        let news = one("ORM^O01", &order(control, status));
        assert_eq!((news.step, who(&news).as_str()), (step, "Order 12@, Order 11@"), "{control} {status}");
        assert_eq!((news.number.as_str(), news.episode), ("A-77/SPS-1", Episode::Order));
    }
    let gone = one("OMI^O23", &format!("{PID}ORC|DC|PL|FI\rOBR|1|PL|FI|CX2||||||||||||||A-77\r"));
    assert_eq!((gone.step, who(&gone).as_str(), gone.number.as_str()), (Step::CancelOpen, "", "A-77"));
    let nobody = "ORC|NW|PL|FI\rOBR|1|PL|FI|CX2||||||||||||||A-77\r";
    assert!(told("OMI^O23", "20261126120000", &format!("{PID}{nobody}")).unwrap().is_empty());
}

#[test]
fn times() {
    let zoned = |s: i64, offset_s| Some(Stamp { local_s: s, offset_s });
    for (text, expected) in [
        ("20261101", zoned(november(1, 0), None)),
        ("2026110109", zoned(november(1, 9), None)),
        ("202611010930", zoned(november(1, 9) + 1800, None)),
        ("20261101093000.1234+0530", zoned(november(1, 9) + 1800, Some(19_800))),
        ("20261101-0800", zoned(november(1, 0), Some(-28_800))),
        ("202611", None),
        ("20261131", None),
        ("20260229", None),
        ("2026110124", None),
        ("20261101+99", None),
        ("20261101+9900", None),
        ("２０２６１１０１", None),
        ("", None),
    ] {
        assert_eq!(stamp(text), expected, "{text}");
    }
}
