use super::worklist;
use crate::NewOrder;
use crate::testing::{House, facts, uid};
use model::{Role, limits, tags};
use port::Response;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_for_the_oldest_study_comes_first() {
    let house = House::new();
    for n in 0..=limits::MATCHES {
        let mut facts = facts(&format!("1.2.{n}"), &format!("1.2.{n}.1.1"), "A");
        let date = if n == 7 { "19990101" } else { "20260101" };
        facts.study.set(tags::STUDY_DATE, *b"DA", [date.to_owned()]);
        house.store(facts, b"one ").await.unwrap();
    }
    let order =
        NewOrder { user: "Anna".to_owned(), study: Some(uid("1.2.7")), accession: String::new(), end: None };
    tokio::task::block_in_place(|| house.vault.add_order(order)).unwrap();
    let context = house.context("anna", Role::Radiologist, None);
    let Response::Studies { studies, total } = worklist(&house.vault, &context, "", 1, 0).await.unwrap()
    else {
        panic!("not a list");
    };
    assert_eq!(total, limits::MATCHES + 1);
    assert_eq!(studies[0].attributes.first(tags::STUDY_INSTANCE_UID), "1.2.7");
    assert!(studies[0].order);
}
