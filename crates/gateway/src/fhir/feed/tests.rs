//! Resources by hand, after the examples of FHIR R4.

use super::*;

fn resource(kind: &str, text: Value) -> Result<Resource, Wrong> {
    let mut body = value!({
        "resourceType": kind,
        "identifier": [{ "system": "urn:visits", "value": "V-1" }],
        "subject": { "identifier": { "system": "HOSP", "value": "GZ-9" } },
    });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, text) {
        body.extend(more);
    }
    Resource::of(body, kind, None)
}

fn who(news: &News) -> String {
    let one = |c: &Carer| format!("{:?} {}@{}", c.part, c.staff.number, c.staff.issuer);
    news.carers.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn an_encounter() {
    let body = value!({
        "status": "in-progress",
        "class": { "code": "IMP" },
        "text": { "div": "<div>ignored</div>" },
        "meta": { "lastUpdated": "2026-11-26T10:30:00Z" },
        "contained": [{ "resourceType": "Practitioner", "id": "p", "identifier": [{ "value": "22" }] }],
        "participant": [
            { "type": [{ "coding": [{ "code": "ATND" }] }], "individual": { "identifier": { "system": "MAIN", "value": "11" } } },
            { "type": [{ "coding": [{ "code": "REF" }] }], "individual": { "reference": "#p" } },
            { "individual": { "identifier": { "value": "33" } } },
            { "individual": { "reference": "Practitioner/44" } },
            { "individual": { "identifier": { "value": "55" } }, "period": { "end": "2026-11-26T10:00:00Z" } },
        ],
        "period": { "start": "2026-11-26T09:00:00+08:00" },
    });
    let news = encountered(&resource("Encounter", body).unwrap()).unwrap().unwrap();
    assert_eq!((news.step, news.number.as_str(), news.patient.number.as_str()), (Step::Open, "V-1", "GZ-9"));
    assert_eq!(who(&news), "Visit 11@MAIN, Referral 22@, Team 33@");
    assert_eq!(news.start.map(|s| s.time(0).rfc3339()), Some("2026-11-26T01:00:00.000Z".to_owned()));
}

#[test]
fn statuses_are_steps() {
    type Read = fn(&Resource) -> Result<Option<News>, Wrong>;
    let step = |kind: &str, read: Read, status: &str| {
        let body = value!({ "status": status, "intent": "order" });
        read(&resource(kind, body).unwrap()).map(|news| news.map(|news| news.step))
    };
    for (kind, read, status, expected) in [
        ("Encounter", encountered as Read, "planned", Ok(None)),
        ("Encounter", encountered, "arrived", Ok(Some(Step::Open))),
        ("Encounter", encountered, "finished", Ok(Some(Step::Close))),
        ("Encounter", encountered, "cancelled", Ok(Some(Step::CancelOpen))),
        ("ServiceRequest", requested, "draft", Ok(None)),
        ("ServiceRequest", requested, "active", Ok(Some(Step::Open))),
        ("ServiceRequest", requested, "completed", Ok(Some(Step::Close))),
        ("ServiceRequest", requested, "revoked", Ok(Some(Step::CancelOpen))),
        ("CareTeam", team, "proposed", Ok(None)),
        ("CareTeam", team, "active", Ok(Some(Step::Open))),
        ("CareTeam", team, "inactive", Ok(Some(Step::Close))),
        ("CareTeam", team, "entered-in-error", Ok(Some(Step::CancelOpen))),
    ] {
        assert_eq!(step(kind, read, status), expected, "{kind} {status}");
    }
    assert!(step("Encounter", encountered, "open").is_err() && step("CareTeam", team, "").is_err());
    let plan =
        value!({ "status": "active", "intent": "plan", "requester": { "identifier": { "value": "1" } } });
    assert_eq!(requested(&resource("ServiceRequest", plan).unwrap()), Ok(None));
}

#[test]
fn who_ordered_and_who_is_of_the_team() {
    let order = value!({
        "status": "active", "intent": "order", "authoredOn": "2026-11-26",
        "requester": { "identifier": { "value": "11" } }, "performer": [{ "identifier": { "value": "12" } }],
    });
    let news = requested(&resource("ServiceRequest", order).unwrap()).unwrap().unwrap();
    assert_eq!((who(&news).as_str(), news.episode), ("Order 11@, Order 12@", Episode::Order));
    let body =
        value!({ "status": "active", "participant": [{ "member": { "identifier": { "value": "11" } } }] });
    let news = team(&resource("CareTeam", body).unwrap()).unwrap().unwrap();
    assert_eq!((who(&news).as_str(), news.episode), ("Team 11@", Episode::CareTeam));
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (what, body) in [
        ("another type", value!({ "resourceType": "Patient", "status": "arrived" })),
        ("a modifier", value!({ "modifierExtension": [{ "url": "x" }], "status": "arrived" })),
        ("rules of its own", value!({ "implicitRules": "http://x", "status": "arrived" })),
        ("a text for a list", value!({ "participant": "me", "status": "arrived" })),
        ("nobody", value!({ "subject": { "reference": "Patient/1" }, "status": "arrived" })),
        ("no number", value!({ "identifier": [], "status": "arrived" })),
        ("no time", value!({ "period": { "start": "yesterday" }, "status": "arrived" })),
        ("no zone", value!({ "meta": { "lastUpdated": "2026-11-26T10:30:00" }, "status": "arrived" })),
    ] {
        assert!(resource("Encounter", body).and_then(|r| encountered(&r)).is_err(), "{what}");
    }
    let body = |id: &str| value!({ "resourceType": "Encounter", "id": id });
    assert!(Resource::of(body("1"), "Encounter", Some("2")).is_err());
    assert_eq!(Resource::of(body(""), "Encounter", Some("2")).unwrap().number(), Some("2".to_owned()));
}
