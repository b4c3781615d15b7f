use super::{find, hides};
use crate::catalog::{Card, Depth};
use crate::testing::{House, facts, uid};
use model::{Purpose, Recipient, Role, Says, tags};
use port::Response;
use port::archive::{ConsentAsk, Proposal};
use port::find::{Level, Query};

async fn found(house: &House, role: Role) -> Vec<model::Attributes> {
    let query = Query { limit: 100, ..Query::all(Level::Study) };
    match find(&house.vault, &house.context("somebody", role, None), query).await.unwrap() {
        Response::Found(found) => found.answers,
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn research_finds_no_mammograms_and_no_order_of_dates() {
    let house = House::new();
    tokio::task::block_in_place(|| house.vault.approve_research(true)).unwrap();
    for n in 1..=20 {
        let mut facts = facts(&format!("1.2.{n}"), &format!("1.2.{n}.1.1"), &n.to_string());
        if n == 3 {
            facts.series.set(tags::MODALITY, *b"CS", ["MG".to_owned()]);
        }
        house.store(facts, b"one ").await.unwrap();
    }
    let answers = found(&house, Role::Researcher).await;
    assert_eq!(answers.len(), 19, "what may not be opened is not found");
    let uids: Vec<&str> = answers.iter().map(|a| a.first(tags::STUDY_INSTANCE_UID)).collect();
    assert!(uids.is_sorted());
    assert!(answers.iter().all(|a| a.get(tags::PATIENT_SEX).is_none()));
    assert_eq!(found(&house, Role::Radiologist).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technologist_finds_the_person_and_no_physicians() {
    let house = House::new();
    house.store(facts("1.2", "1.2.1.1", "A"), b"one ").await.unwrap();
    let answers = found(&house, Role::Technologist).await;
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].first(tags::PATIENT_NAME), "Doe^Jane");
    assert_eq!(answers[0].get(tags::REFERRING_PHYSICIAN_NAME), None);
}

async fn says(house: &House, recipient: Recipient, purpose: Purpose, says: Says) {
    let proposal = Proposal {
        study: None,
        all: true,
        patient: None,
        witnessed: false,
        dated: None,
        purpose,
        recipient: Some(recipient),
        says,
        bounds: model::Bounds::default(),
        text: String::new(),
    };
    let anna = house.context("anna", Role::Patient, Some("P1"));
    crate::consent::answer(&house.vault, &anna, ConsentAsk::Propose(proposal)).await.unwrap();
}

/// What a patient refused is not found by whom she refused it, as it could not be opened; her other uses are.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_refused_does_not_find() {
    let house = House::new();
    tokio::task::block_in_place(|| house.vault.approve_research(true)).unwrap();
    house.store(facts("1.1", "1.1.9", "P1"), b"one ").await.unwrap();
    house.store(facts("1.2", "1.2.9", "P2"), b"two ").await.unwrap();
    assert_eq!(found(&house, Role::Researcher).await.len(), 2);
    says(&house, Recipient::Role(Role::Researcher), Purpose::Research, Says::Deny).await;
    assert_eq!(found(&house, Role::Researcher).await.len(), 1);
    assert_eq!(found(&house, Role::Radiologist).await.len(), 2, "care finds all");
    says(&house, Recipient::Role(Role::Researcher), Purpose::Teaching, Says::Permit).await;
    assert_eq!(found(&house, Role::Researcher).await.len(), 2, "to teach he may have it");
    says(&house, Recipient::Account("reader".to_owned()), Purpose::Ai, Says::Deny).await;
    let hers = house.vault.study(&uid("1.1")).unwrap().unwrap();
    let hidden = |purpose| {
        let mut machine = house.context("reader", Role::Device, None);
        machine.standing.purpose = Some(purpose);
        hides(&house.vault, &machine, &Card::of(&hers, Depth::Study))
    };
    assert_eq!((hidden(Purpose::Ai), hidden(Purpose::Treatment)), (true, false));
}
