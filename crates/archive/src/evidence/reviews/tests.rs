use super::{review, reviews};
use crate::context::About;
use crate::testing::{House, facts, uid};
use ledger::Event;
use model::{Role, limits};
use port::archive::{Outcome, Review};
use port::{Code, Response};

fn broken(reason: &str) -> Event {
    Event::GlassBroken {
        purpose: "emergency".to_owned(),
        reason: reason.to_owned(),
        visibility: "clear".to_owned(),
        mask_version: 0,
        policy_version: String::new(),
        rules: vec!["break-glass".to_owned()],
        facts: String::new(),
    }
}

async fn house() -> House {
    let house = House::new();
    house.store(facts("1.2", "1.2.9", "A"), b"film").await.unwrap();
    house
}

/// As the flow records it.
async fn breaks(house: &House, user: &str, reason: &str) -> u64 {
    let study = house.vault.study(&uid("1.2")).unwrap().unwrap();
    let context = house.context(user, Role::Referrer, None);
    house.vault.record(&context, About::study(&study), broken(reason)).await.unwrap();
    house.vault.ledger_size() - 1
}

async fn queue(house: &House) -> Vec<Review> {
    let officer = house.context("olga", Role::Officer, None);
    match reviews(&house.vault, &officer).await.unwrap() {
        Response::Reviews { reviews, total } => {
            assert_eq!(reviews.len(), total);
            reviews
        }
        _ => Vec::new(),
    }
}

async fn looks_into(house: &House, entry: u64, note: &str) -> Result<(), Code> {
    let officer = house.context("olga", Role::Officer, None);
    let outcome = (Outcome::Questioned, note.to_owned());
    review(&house.vault, &officer, entry, outcome).await.map(drop).map_err(|fault| fault.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_waits_until_somebody_looked_into_it_once() {
    let house = house().await;
    let first = breaks(&house, "remy", "unconscious").await;
    let second = breaks(&house, "remy", "bleeding").await;
    let told = queue(&house).await;
    let lines: Vec<_> = told.iter().map(|r| (r.entry, r.reason.as_str(), r.in_seven_days)).collect();
    assert_eq!(lines, [(first, "unconscious", 2), (second, "bleeding", 2)]);
    assert_eq!(told[0].deadline, told[0].time.plus_seconds(72 * 3600));
    assert_eq!((told[0].user.as_str(), &told[0].study), ("remy", &Some(uid("1.2"))));
    assert_eq!(looks_into(&house, first, "asked him").await, Ok(()));
    assert_eq!(looks_into(&house, first, "again").await, Err(Code::VersionConflict));
    assert_eq!(queue(&house).await.len(), 1);
    let reviewed = house.entries("glass-reviewed");
    assert_eq!((reviewed.len(), &reviewed[0].study), (1, &Some(uid("1.2"))));
    // What is no broken glass, or not there, is not reviewed.
    for entry in [0, house.vault.ledger_size() + 5, u64::MAX] {
        assert_eq!(looks_into(&house, entry, "").await, Err(Code::NotFound), "{entry}");
    }
    let longest = "a".repeat(limits::REASON_BYTES);
    assert_eq!(looks_into(&house, second, &format!("{longest}a")).await, Err(Code::BadRequest));
    assert_eq!(looks_into(&house, second, &longest).await, Ok(()));
    assert!(queue(&house).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_nothing_and_time_makes_it_overdue() {
    let house = house().await;
    let entry = breaks(&house, "remy", "unconscious").await;
    let done = breaks(&house, "rosa", "bleeding").await;
    looks_into(&house, done, "").await.unwrap();
    let house = house.again(|_| ());
    for (hours, overdue) in [(71, false), (1, true)] {
        house.pass(hours * 3600);
        let told = queue(&house).await;
        assert_eq!(told.iter().map(|r| (r.entry, r.overdue)).collect::<Vec<_>>(), [(entry, overdue)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_officer_looks_into_it() {
    let house = house().await;
    let entry = breaks(&house, "remy", "unconscious").await;
    for role in Role::ALL.iter().filter(|role| **role != Role::Officer) {
        let context = house.context("x", *role, None);
        assert_eq!(reviews(&house.vault, &context).await.unwrap_err().code, Code::NotAllowed, "{role}");
        let outcome = (Outcome::Justified, String::new());
        let refused = review(&house.vault, &context, entry, outcome).await.unwrap_err();
        assert_eq!(refused.code, Code::NotAllowed, "{role}");
    }
}

/// Two officers at once: one of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_not_written_twice_at_once() {
    let house = house().await;
    let entry = breaks(&house, "remy", "unconscious").await;
    let (one, two) = tokio::join!(looks_into(&house, entry, "a"), looks_into(&house, entry, "b"));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
    assert_eq!(house.entries("glass-reviewed").len(), 1);
}
