use super::{Ask, LOOKED_AT, accesses};
use crate::context::About;
use crate::testing::{House, facts, uid};
use model::Role;
use port::{Code, Response};
use store::Commit;

fn ask(study: Option<&str>, kinds: &[&str], before: Option<u64>) -> Ask {
    Ask { study: study.map(uid), kinds: kinds.iter().map(|k| (*k).to_owned()).collect(), limit: 50, before }
}

/// As many entries as it takes, in few commits.
fn flood(house: &House, entries: u64) {
    let vault = &house.vault;
    let mut left = entries;
    while left > 0 {
        let mut commit = Commit::new(0);
        for _ in 0..left.min(5000) {
            let envelope = vault.envelope(&house.context("x", Role::Device, None), &About::nothing());
            vault.entry_into(&mut commit, envelope, ledger::Event::SignedOut {}).unwrap();
        }
        left -= commit.leaves.len() as u64;
        let (names, leaves) = crate::journal::promises(&commit);
        let durable = tokio::task::block_in_place(|| vault.store.submit(commit).unwrap().wait().unwrap());
        vault.kept(&names, durable.leaf() + leaves);
    }
}

async fn kinds(house: &House, role: Role, ask: Ask) -> (Vec<String>, Option<u64>) {
    let context = house.context("somebody", role, Some("A"));
    match accesses(&house.vault, &context, ask).await.unwrap() {
        Response::Accesses { entries, next } => (entries.into_iter().map(|e| e.kind).collect(), next),
        _ => (Vec::new(), None),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_does_not_hide_who_looked() {
    let house = House::new();
    house.store(facts("1.2", "1.2.1.1", "A"), b"one ").await.unwrap();
    house.store(facts("1.2", "1.2.1.2", "A"), b"two ").await.unwrap();
    flood(&house, LOOKED_AT + 300);
    let (seen, next) = kinds(&house, Role::Patient, ask(Some("1.2"), &[], None)).await;
    assert_eq!((seen, next), (vec!["stored".to_owned(), "stored".to_owned()], None));
    let one = Ask { limit: 1, ..ask(Some("1.2"), &["stored"], None) };
    let (_, next) = kinds(&house, Role::Patient, one).await;
    let (seen, end) = kinds(&house, Role::Patient, ask(Some("1.2"), &["stored"], next)).await;
    assert_eq!((seen.len(), end), (1, None));
    // The officer walks on, past pages that have nothing.
    let (mut next, mut found, mut pages) = (None, 0, 0);
    loop {
        let (seen, more) = kinds(&house, Role::Officer, ask(Some("1.2"), &["stored"], next)).await;
        (found, pages, next) = (found + seen.len(), pages + 1, more);
        if next.is_none() {
            break;
        }
    }
    assert_eq!((found, pages), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_question_is_recorded() {
    let house = House::new();
    house.store(facts("1.2", "1.2.1.1", "A"), b"one ").await.unwrap();
    let context = house.context("berta", Role::Patient, Some("B"));
    for (study, code) in
        [(Some("1.2"), Code::NotFound), (Some("1.9"), Code::NotFound), (None, Code::NotAllowed)]
    {
        let refused = accesses(&house.vault, &context, ask(study, &[], None)).await;
        assert_eq!(refused.unwrap_err().code, code);
    }
    assert_eq!(house.entries("not-allowed").len(), 3);
}
