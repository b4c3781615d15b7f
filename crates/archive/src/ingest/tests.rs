use super::ingest;
use crate::evidence;
use crate::testing::{House, body, facts, uid};
use model::{Role, tags};
use port::{Code, Response};
use std::time::Duration;

async fn own_studies(house: &House, number: &str) -> Vec<String> {
    let context = house.context("own", Role::Patient, Some(number));
    match evidence::my_studies(&house.vault, &context).await.unwrap() {
        Response::Studies { studies, .. } => {
            studies.iter().map(|s| s.attributes.first(tags::STUDY_INSTANCE_UID).to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

async fn bytes_of(house: &House, sop: &str) -> Vec<u8> {
    let (study, record) = house.vault.instance(&uid(sop)).unwrap().unwrap();
    let object = house.vault.open_object(study.patient(), &record).await.unwrap();
    object.read(0..object.len()).await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_patient_in_a_known_study_is_readable_and_nobody_elses() {
    let house = House::new();
    house.store(facts("1.2", "1.2.1.1", "A"), b"one ").await.unwrap();
    house.store(facts("1.2", "1.2.1.2", "B"), b"two ").await.unwrap();
    assert_eq!(bytes_of(&house, "1.2.1.2").await, b"two ");
    assert_eq!(own_studies(&house, "A").await, [""; 0], "another patient's film among hers");
    assert_eq!(own_studies(&house, "B").await, [""; 0], "a foreign study among her films");
    let said: Vec<_> = house
        .entries("stored")
        .iter()
        .filter_map(|e| e.details.iter().find(|(name, _)| name == "contradicts").map(|(_, v)| v.clone()))
        .collect();
    assert_eq!(said, ["", "patient"]);
    // The same UID with other bytes, said to be B's: kept beside the first, under the study's own patient.
    house.store(facts("1.2", "1.2.1.1", "B"), b"ONE ").await.unwrap();
    let (study, record) = house.vault.instance(&uid("1.2.1.1")).unwrap().unwrap();
    let (object, digest) = record.others[0];
    let other = crate::catalog::InstanceRecord { object, digest, ..(*record).clone() };
    let opened = house.vault.open_object(study.patient(), &other).await.unwrap();
    assert_eq!(opened.read(0..4).await.unwrap(), b"ONE ".as_slice());
    // One change waits for somebody to look; it says yes, and she has her study again.
    let waits = house.entries("put-right");
    assert_eq!(waits.len(), 1, "once for the series");
    let officer = house.context("officer", Role::Officer, None);
    let confirm = port::putright::Ask::Make {
        act: port::putright::Act::Confirm { change: 1 },
        reason: "one person, a typing error".to_owned(),
        expect_version: 1,
    };
    crate::putright::answer(&house.vault, &officer, confirm).await.unwrap();
    assert_eq!(own_studies(&house, "A").await, ["1.2"]);
    house.store(facts("1.2", "1.2.1.3", "B"), b"3rd ").await.unwrap();
    assert_eq!(own_studies(&house, "A").await, ["1.2"], "that is known of this series");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_who_goes_away_leaves_nothing_pending() {
    let house = House::new();
    let context = house.context("modality", Role::Device, None);
    for n in 1..20 {
        let sop = format!("1.2.1.{n}");
        let body = body(facts("1.2", &sop, "A"), b"one ").await;
        // Polled once: as far as the wait for the disk, where the sender goes away.
        let gone = tokio::time::timeout(Duration::ZERO, ingest(&house.vault, &context, None, body)).await;
        drop(gone);
    }
    // What was submitted becomes visible without anybody waiting for it; what was not is unknown. Nothing is in between.
    let counts = || {
        let catalog = house.vault.catalog();
        let placed = (1..20).filter(|n| catalog.place(&uid(&format!("1.2.1.{n}"))).is_some()).count();
        (placed, catalog.study(&uid("1.2")).map_or(0, |s| s.instances().count()))
    };
    eventually(|| counts().0 > 0 && counts().0 == counts().1).await;
    let (placed, visible) = counts();
    assert!(placed > 0, "no store came as far as its commit");
    assert_eq!(visible, placed);
}

/// Waits as long as a busy disk may take.
async fn eventually(holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if holds() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_nobody_waits_for_is_counted() {
    let house = House::new();
    let event = ledger::Event::SignedIn {};
    let gone = tokio::time::timeout(Duration::ZERO, house.vault.record_own(event)).await;
    drop(gone);
    eventually(|| !house.entries("signed-in").is_empty()).await;
    assert_eq!(house.entries("signed-in").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_second_version_is_not_a_duplicate_later() {
    let house = House::new();
    house.store(facts("1.2", "1.2.1.1", "A"), b"one ").await.unwrap();
    // Memory ahead of the disk, as after somebody else's refused commit: the next one conflicts.
    house.vault.catalog().next_page_row(&uid("1.2"), (0, 0)).unwrap();
    let refused = house.store(facts("1.2", "1.2.1.1", "A"), b"two ").await;
    assert_eq!(refused.unwrap_err().code, Code::VersionConflict);
    let again = house.store(facts("1.2", "1.2.1.1", "A"), b"two ").await.unwrap();
    assert_eq!((again.duplicate, again.version), (false, 2));
    assert!(house.store(facts("1.2", "1.2.1.1", "A"), b"two ").await.unwrap().duplicate);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_under_way_are_no_duplicate_yet() {
    let house = House::new();
    house.store(facts("1.2", "1.2.1.1", "A"), b"one ").await.unwrap();
    let digest = crypto::sha256(b"two ");
    house.vault.catalog().add_other(&uid("1.2.1.1"), (model::Id([1; 16]), digest)).unwrap();
    let store = house.store(facts("1.2", "1.2.1.1", "A"), b"two ");
    let waits = tokio::time::timeout(Duration::from_millis(200), store).await;
    assert!(waits.is_err(), "answered as a duplicate before it was durable");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_of_one_uid_are_bounded() {
    let house = House::new();
    for n in 0..=64_u8 {
        house.store(facts("1.2", "1.2.1.1", "A"), &[n, 0, 0, 0]).await.unwrap();
    }
    let one_more = house.store(facts("1.2", "1.2.1.1", "A"), &[65, 0, 0, 0]).await;
    assert_eq!(one_more.unwrap_err().code, Code::TooLarge);
}

#[tokio::test(flavor = "multi_thread")]
async fn settling_from_an_older_epoch_changes_nothing() {
    let house = House::new();
    house.store(facts("1.2", "1.2.1.1", "A"), b"one ").await.unwrap();
    let mut catalog = house.vault.catalog();
    catalog.change(&uid("1.2.1.1"), |_| {}).unwrap();
    let epoch = catalog.epoch;
    catalog.epoch += 1;
    catalog.settle(epoch, &uid("1.2"), None);
    assert_eq!(catalog.dirty().len(), 1);
    catalog.settle(epoch + 1, &uid("1.2"), None);
    assert_eq!(catalog.dirty().len(), 0);
}

/// An entry that cannot be written takes the film back that memory has already, and nobody else's that is under way.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_leaves_nothing_in_memory() {
    let house = House::new();
    let mut wordy = house.context("modality", Role::Device, None);
    wordy.arrival.software = "x".repeat(64 << 10);
    let others = (0..20_u8).map(|n| {
        let sop = format!("1.3.1.{n}");
        let store = facts("1.3", &sop, "B");
        let house = &house;
        async move { house.store(store, &[n, 0, 0, 0]).await.map(drop) }
    });
    let (refused, stored) = tokio::join!(
        async { ingest(&house.vault, &wordy, None, body(facts("1.2", "1.2.1.1", "A"), b"one ").await).await },
        async {
            let mut kept = 0;
            for one in others {
                kept += u32::from(one.await.is_ok());
            }
            kept
        }
    );
    assert_eq!(refused.unwrap_err().code, Code::Internal);
    let there = house.vault.study(&uid("1.3")).unwrap().map_or(0, |study| study.instances().count());
    assert_eq!(there, stored as usize, "acknowledged and there are the same");
    assert!(house.vault.study(&uid("1.2")).unwrap().is_none());
    let good = house.store(facts("1.2", "1.2.1.1", "A"), b"one ").await.unwrap();
    assert!(!good.duplicate, "as if nothing had been");
    assert_eq!(bytes_of(&house, "1.2.1.1").await, b"one ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_is_told() {
    let house = House::new();
    house.pass(3600);
    house.store(facts("1.2", "1.2.1.1", "A"), b"one ").await.unwrap();
    assert_eq!(house.vault.clock_went_back().unwrap(), 0);
    house.pass(-600);
    assert_eq!(house.vault.clock_went_back().unwrap(), 600_000);
    let house = house.again(|_| ());
    let _door = house.vault.start().await.unwrap();
    assert_eq!(house.entries("clock-back").len(), 1);
}
