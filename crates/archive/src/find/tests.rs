use super::find;
use crate::testing::{House, facts};
use model::{Role, tags};
use port::Response;
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
