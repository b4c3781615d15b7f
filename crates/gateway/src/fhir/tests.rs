use super::*;
use crate::tests::consent::view;
use model::{Bounds, Purpose, Recipient, RegionKind, Role, Says, Time};

/// What is written is read as it was, boundary by boundary.
#[test]
fn written_and_read_again() {
    let time = |text: &str| dates::first(text);
    let kinds = [
        Bounds::default(),
        Bounds { from: time("2027-01-01"), ..Bounds::default() },
        Bounds { until: time("2028-01-01"), ..Bounds::default() },
        Bounds { hidden: vec![RegionKind::Breast, RegionKind::Face], ..Bounds::default() },
        Bounds { longest_side: Some(256), ..Bounds::default() },
        Bounds { identified: true, ..Bounds::default() },
        Bounds { abroad: true, ..Bounds::default() },
    ];
    let whom = [
        Recipient::Account("li".to_owned()),
        Recipient::Organisation("institute".to_owned()),
        Recipient::Role(Role::Researcher),
    ];
    for bounds in kinds {
        for purpose in [Purpose::Research, Purpose::Teaching, Purpose::Quality, Purpose::Ai] {
            for recipient in &whom {
                let before = ConsentView {
                    own: true,
                    state: "accepted".to_owned(),
                    bounds: bounds.clone(),
                    purpose,
                    recipient: recipient.clone(),
                    ..view()
                };
                let mut written = write::consent(&before);
                let fields = written.as_object_mut().unwrap();
                fields.remove("id");
                fields.insert("meta".to_owned(), value!({ "profile": [words::PROFILE] }));
                let read = read::proposal(written, true).unwrap();
                assert_eq!((read.bounds, read.purpose), (bounds.clone(), purpose));
                assert_eq!((read.recipient.as_ref(), read.study), (Some(recipient), before.study));
                assert_eq!((read.says, read.witnessed, read.text.as_str()), (Says::Permit, false, "lungs"));
            }
        }
    }
}

/// By hand from FHIR R4 Consent and IHE PCF: what is not kept here is refused, in the words that follow.
#[test]
fn what_would_be_lost_is_refused() {
    let good = || {
        let mut good = write::consent(&ConsentView { own: true, state: "accepted".to_owned(), ..view() });
        let fields = good.as_object_mut().unwrap();
        fields.remove("id");
        fields.remove("meta");
        good
    };
    // The second that the date names.
    let dated = Some((Time(1_795_507_200_000_000_000), Time(1_795_507_201_000_000_000)));
    assert_eq!(read::proposal(good(), true).unwrap().dated, dated);
    let cases = [
        ("/status", value!("draft"), "not-representable"),
        ("/status", value!("agreed"), "unknown-code"),
        ("/scope/coding/0/code", value!("treatment"), "unknown-code"),
        ("/category/0/coding/0/code", value!("64292-6"), "unknown-code"),
        ("/dateTime", value!("yesterday"), "contradictory-dates"),
        ("/performer/0/identifier/value", value!("max"), "not-representable"),
        ("/performer/0", value!({ "display": "her mother" }), "not-representable"),
        ("/provision/type", value!("maybe"), "unknown-code"),
        ("/provision/purpose/0/code", value!("TREAT"), "unknown-code"),
        ("/provision/purpose", value!([]), "not-representable"),
        ("/provision/actor/0/role/coding/0/code", value!("PRCP"), "unknown-code"),
        ("/provision/actor", value!([]), "not-representable"),
        (
            "/provision/modifierExtension",
            value!([{ "url": words::HIDDEN, "valueCode": "soul" }]),
            "unknown-region",
        ),
        (
            "/provision/modifierExtension",
            value!([{ "url": "urn:x", "valueCode": "face" }]),
            "not-representable",
        ),
        ("/provision/data/0/meaning", value!("related"), "not-representable"),
        ("/provision/data/0/reference/identifier/value", value!("urn:oid:x"), "unknown-code"),
        ("/patient/identifier/value", value!("max"), "foreign-patient"),
        ("/patient/identifier/system", value!("urn:other"), "foreign-patient"),
        ("/sourceAttachment/contentType", value!("application/pdf"), "not-representable"),
    ];
    for (place, said, word) in cases {
        let mut body = good();
        *body.pointer_mut(place).unwrap() = said;
        assert_eq!(read::proposal(body, true).unwrap_err().as_str(), word, "{place}");
    }
    for (inside, more) in [
        ("", "verification"),
        ("/provision", "provision"),
        ("/provision", "securityLabel"),
        ("/provision", "class"),
    ] {
        let mut body = good();
        body.pointer_mut(inside).unwrap().as_object_mut().unwrap().insert(more.to_owned(), value!([]));
        assert_eq!(read::proposal(body, true).unwrap_err().as_str(), "not-representable", "{more}");
    }
    let mut no = good();
    *no.pointer_mut("/provision/type").unwrap() = value!("deny");
    assert_eq!(read::proposal(no, true).unwrap_err().as_str(), "not-representable", "a no with boundaries");
}

/// Who is not its patient reads nobody's name.
#[test]
fn others_do_not_learn_whose_it_is() {
    let written = write::consent(&view());
    assert_eq!(written["patient"], value!({ "type": "Patient", "display": "not told" }));
    assert_eq!(written["provision"]["purpose"][0]["code"], "HRESCH");
    assert_eq!(written["status"], "proposed");
}
