use super::*;
use crate::testing::{House, uid};
use model::Role;
use port::find::{Key, Level, Matching};

const STEP: Tag = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;

fn order(accession: &str, date: &str, modality: &str, station: &str) -> Attributes {
    let mut out = Attributes::new();
    let mut set = |tag, vr: &[u8; 2], text: &str| out.set(tag, *vr, [text.to_owned()]);
    set(tags::ACCESSION_NUMBER, b"SH", accession);
    set(tags::PATIENT_ID, b"LO", "P1");
    set(tags::PATIENT_NAME, b"PN", "Wang^Li=王^丽");
    let plain = |vr: &[u8; 2], text: &str| Plain { vr: Vr(*vr), values: vec![text.to_owned()] };
    out.set_items(
        STEP,
        [Item::from([
            (tags::MODALITY, plain(b"CS", modality)),
            (tags::SCHEDULED_STATION_AE_TITLE, plain(b"AE", station)),
            (tags::SCHEDULED_PROCEDURE_STEP_START_DATE, plain(b"DA", date)),
        ])],
    );
    out
}

async fn asked(house: &House, role: Role, keys: Vec<Key>) -> Result<Vec<String>, Code> {
    let context = house.context("who", role, None);
    let query = Query { keys, ..Query::all(Level::Study) };
    match scheduled(&house.vault, &context, query).await {
        Ok(Response::Found(found)) => {
            Ok(found.answers.iter().map(|a| a.first(tags::ACCESSION_NUMBER).to_owned()).collect())
        }
        Ok(_) => unreachable!(),
        Err(fault) => Err(fault.code),
    }
}

fn in_step(tag: Tag, matching: Matching) -> Vec<Key> {
    vec![Key { path: vec![STEP, tag], matching }]
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_found_ended_and_survive_a_restart() {
    let house = House::new();
    let context = house.context("mta", Role::Technologist, None);
    let two = vec![order("A2", "20261128", "DX", "ROOM2"), order("A1", "20261127", "CT", "ROOM1")];
    place(&house.vault, &context, two, None).await.unwrap();
    let all = asked(&house, Role::Technologist, vec![]).await.unwrap();
    assert_eq!(all, ["A1", "A2"], "as they will be done");
    let single = |text: &str| Matching::Single(text.to_owned());
    for (keys, expected) in [
        (in_step(tags::MODALITY, single("DX")), ["A2"].as_slice()),
        (in_step(tags::SCHEDULED_STATION_AE_TITLE, single("ROOM1")), &["A1"]),
        (
            in_step(
                tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
                Matching::Range(Some("20261128".into()), None),
            ),
            &["A2"],
        ),
        (vec![Key::top(tags::PATIENT_NAME, Matching::Wildcard("wang*".into()))], &["A1", "A2"]),
        (vec![Key::top(tags::PATIENT_NAME, single("王^丽"))], &["A1", "A2"]),
        (vec![Key::top(tags::PATIENT_ID, single("P2"))], &[]),
    ] {
        assert_eq!(asked(&house, Role::Technologist, keys.clone()).await.unwrap(), expected, "{keys:?}");
    }
    // The same number and step again: replaced, under the same study.
    place(&house.vault, &context, vec![order("A1", "20261201", "CT", "ROOM1")], None).await.unwrap();
    end(&house.vault, &context, ("A2", None)).await.unwrap();
    assert_eq!(end(&house.vault, &context, ("A2", None)).await.unwrap_err().code, Code::NotFound);
    let house = house.again(|_| {});
    assert_eq!(asked(&house, Role::Technologist, vec![]).await.unwrap(), ["A1"]);
    let said: Vec<String> =
        house.entries("configured").iter().flat_map(|e| e.details.iter().map(|(_, v)| v.clone())).collect();
    assert_eq!(said.iter().filter(|word| *word == "order").count(), 2, "{said:?}");
    assert_eq!(said.iter().filter(|word| *word == "order-ended").count(), 1, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_has_what_a_worklist_item_must_have() {
    let house = House::new();
    let context = house.context("mta", Role::Technologist, None);
    place(&house.vault, &context, vec![order("A1", "20261127", "CT", "R")], None).await.unwrap();
    let Response::Found(found) = scheduled(&house.vault, &context, Query::all(Level::Study)).await.unwrap()
    else {
        unreachable!()
    };
    let item = &found.answers[0];
    // PS3.4 Table K.6-1: return keys of type 1.
    assert!(item.first(tags::STUDY_INSTANCE_UID).starts_with("2.25."));
    assert_eq!(item.first(tags::REQUESTED_PROCEDURE_ID), "A1");
    let step = &item.get(STEP).unwrap().items[0];
    assert_eq!(step[&tags::SCHEDULED_PROCEDURE_STEP_ID].values, ["A1"]);
    assert_eq!(step[&tags::SCHEDULED_PROCEDURE_STEP_STATUS].values, ["SCHEDULED"]);
}

/// Two systems, or two years of one, gave a number twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_of_one_patient_at_a_time() {
    let house = House::new();
    house.account("rosa", Role::Radiologist, None);
    let context = house.context("mta", Role::Technologist, None);
    let of = |patient: &str, issuer: &str| {
        let mut order = order("A1", "20261127", "CT", "R");
        order.set(tags::PATIENT_ID, *b"LO", [patient.to_owned()]);
        order.set(tags::ISSUER_OF_PATIENT_ID, *b"LO", [issuer.to_owned()]);
        order.set(0x0040_2016, *b"LO", [format!("PL-{patient}")]);
        order
    };
    let put = async |order| place(&house.vault, &context, vec![order], Some("rosa".into())).await;
    put(of("P1", "H")).await.unwrap();
    assert_eq!(put(of("P2", "H")).await.unwrap_err().code, Code::VersionConflict);
    assert_eq!(put(of("P1", "G")).await.unwrap_err().code, Code::VersionConflict, "another hospital's P1");
    put(of("P1", "")).await.unwrap();
    let both = vec![of("P1", "H"), of("P2", "H")];
    assert_eq!(place(&house.vault, &context, both, None).await.unwrap_err().code, Code::BadRequest);
    let study = uid("1.2");
    let owed = |patient: &str| {
        let patient = [("H".to_owned(), patient.to_owned())];
        let ties = lock(&house.vault.ties);
        ties.get("rosa").is_some_and(|(t, _)| t.ordered(&study, ("A1", &patient), house.vault.clock.now()))
    };
    assert_eq!((owed("P1"), owed("P2")), (true, false), "the same number, another patient's film");
    assert_eq!(end(&house.vault, &context, ("PL-P1", Some("S7"))).await.unwrap_err().code, Code::NotFound);
    end(&house.vault, &context, ("PL-P1", None)).await.unwrap();
    assert!(owed("P1"), "she has still to report");
    house.pass(REPORTED_S + 1);
    assert!(!owed("P1"), "and not for ever");
    put(of("P2", "H")).await.unwrap();
    assert!(owed("P2"));
}

/// Two steps of one request are one study (PS3.4 Table K.6-1: the UID is the requested procedure's), whenever they come.
#[tokio::test(flavor = "multi_thread")]
async fn steps_of_one_number_are_one_study() {
    let house = House::new();
    let context = house.context("mta", Role::Technologist, None);
    let step = |id: &str| {
        let mut order = order("A1", "20261127", "CT", "R");
        let mut item = order.get(STEP).unwrap().items[0].clone();
        item.insert(tags::SCHEDULED_PROCEDURE_STEP_ID, Plain { vr: Vr(*b"SH"), values: vec![id.to_owned()] });
        order.set_items(STEP, [item]);
        order
    };
    place(&house.vault, &context, vec![step("S1"), step("S2")], None).await.unwrap();
    place(&house.vault, &context, vec![step("S3")], None).await.unwrap();
    let found = scheduled(&house.vault, &context, Query::all(Level::Study)).await.unwrap();
    let Response::Found(found) = found else { unreachable!() };
    let studies: Vec<&str> = found.answers.iter().map(|a| a.first(tags::STUDY_INSTANCE_UID)).collect();
    assert_eq!(studies.len(), 3);
    assert!(studies.iter().all(|study| *study == studies[0]), "{studies:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_order_more_than_the_bound_is_refused() {
    let house = House::new();
    let context = house.context("mta", Role::Technologist, None);
    let orders = |count: usize| (0..count).map(|n| order(&format!("A{n}"), "20261127", "CT", "R")).collect();
    let refused = place(&house.vault, &context, orders(TOGETHER + 1), None).await.unwrap_err();
    assert_eq!(refused.code, Code::TooLarge);
    assert!(asked(&house, Role::Technologist, vec![]).await.unwrap().is_empty());
    place(&house.vault, &context, orders(TOGETHER), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_order_changes_nothing() {
    let house = House::new();
    let context = house.context("mta", Role::Technologist, None);
    let without = |tag: Tag| {
        let mut order = order("A1", "20261127", "CT", "R");
        order.remove(tag);
        order
    };
    let mut other = order("A1", "20261127", "CT", "R");
    other.set(tags::STUDY_DATE, *b"DA", ["20261127".to_owned()]);
    let mut uid = order("A1", "20261127", "CT", "R");
    uid.set(tags::STUDY_INSTANCE_UID, *b"UI", ["1..2".to_owned()]);
    for (why, orders) in [
        ("no number", vec![without(tags::ACCESSION_NUMBER)]),
        ("nobody's", vec![without(tags::PATIENT_ID)]),
        ("no name", vec![without(tags::PATIENT_NAME)]),
        ("no step", vec![without(STEP)]),
        ("a long number", vec![order("12345678901234567", "20261127", "CT", "R")]),
        ("no day", vec![order("A1", "tomorrow", "CT", "R")]),
        ("no modality", vec![order("A1", "20261127", "", "R")]),
        ("not of a worklist", vec![other]),
        ("no UID", vec![uid]),
        ("a title that no machine has", vec![order("A1", "20261127", "CT", "A_TITLE_OF_17_CHR")]),
        ("two values in one", vec![order("A1", "20261127", "CT\\\\MR", "R")]),
        ("one good, one not", vec![order("A1", "20261127", "CT", "R"), without(STEP)]),
        ("twice", vec![order("A1", "20261127", "CT", "R"), order("A1", "20261128", "CT", "R")]),
        ("none", vec![]),
    ] {
        let refused = place(&house.vault, &context, orders, None).await.unwrap_err();
        assert_eq!(refused.code, Code::BadRequest, "{why}");
    }
    let nobody =
        place(&house.vault, &context, vec![order("A1", "20261127", "CT", "R")], Some("nobody".into()));
    assert_eq!(nobody.await.unwrap_err().code, Code::BadRequest);
    assert!(asked(&house, Role::Technologist, vec![]).await.unwrap().is_empty());
}

/// The first reads, the second places: policies/rights.cedar, by hand.
#[tokio::test(flavor = "multi_thread")]
async fn only_some_may_and_refusals_are_recorded() {
    let house = House::new();
    for (role, reads, places) in [
        (Role::Technologist, true, true),
        (Role::Admin, false, true),
        (Role::Radiologist, false, false),
        (Role::Patient, false, false),
        (Role::Vendor, false, false),
        (Role::Device, false, false),
    ] {
        let may = |got: Result<(), Code>| !matches!(got, Err(Code::NotAllowed));
        assert_eq!(may(asked(&house, role, vec![]).await.map(drop)), reads, "{role}");
        let context = house.context("who", role, None);
        let placed = place(&house.vault, &context, vec![], None).await.map(drop).map_err(|f| f.code);
        assert_eq!(may(placed), places, "{role}");
    }
    assert_eq!(house.entries("not-allowed").len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owes_the_report_has_an_order() {
    let house = House::new();
    house.account("reader", Role::Radiologist, None);
    let context = house.context("mta", Role::Technologist, None);
    let orders = vec![order("A1", "20261127", "CT", "R")];
    place(&house.vault, &context, orders, Some("Reader".into())).await.unwrap();
    let study: model::Uid = "1.2".parse().unwrap();
    let mut attributes = Attributes::new();
    attributes.set(tags::ACCESSION_NUMBER, *b"SH", ["A1".to_owned()]);
    for (number, expected) in [("P1", true), ("P2", false)] {
        let mut patient = Attributes::new();
        patient.set(tags::PATIENT_ID, *b"LO", [number.to_owned()]);
        let now = house.vault.clock.now();
        let (_, ordered) = house.vault.ties_of("reader", &study, (&patient, &attributes), now);
        assert_eq!(ordered, expected, "{number}");
    }
}
