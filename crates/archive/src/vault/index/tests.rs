use super::{BLOCK_BYTES, Head};
use crate::find::find;
use crate::testing::{House, facts, uid};
use model::{Role, tags};
use port::find::{Key, Level, Matching, Query};
use port::{Code, Response};
use std::io::Write;

async fn instances(house: &House, keys: Vec<Key>) -> Vec<String> {
    let query = Query { keys, ..Query::all(Level::Instance) };
    match find(&house.vault, &house.context("anna", Role::Radiologist, None), query).await.unwrap() {
        Response::Found(found) => {
            let mut uids: Vec<_> =
                found.answers.iter().map(|a| a.first(tags::SOP_INSTANCE_UID).to_owned()).collect();
            uids.sort();
            uids
        }
        _ => Vec::new(),
    }
}

async fn filled() -> House {
    let house = House::new();
    for n in 1..=40 {
        house.store(facts("1.2", &format!("1.2.1.{n}"), "A"), b"one ").await.unwrap();
    }
    house.store(facts("1.3", "1.3.1.1", "B"), b"two ").await.unwrap();
    tokio::task::block_in_place(|| house.vault.write_index()).unwrap();
    house
}

fn put(path: &std::path::Path, bytes: &[u8]) {
    std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

fn restart(house: House, between: impl FnOnce(&std::path::Path)) -> House {
    tokio::task::block_in_place(|| house.again(between))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_is_the_snapshot_and_what_changed_since() {
    let house = filled().await;
    let sealed = std::fs::read(house.data().join("index.snapshot")).unwrap();
    for word in ["Jane", "1.2.1.40", "20260101"] {
        assert!(!sealed.windows(word.len()).any(|w| w == word.as_bytes()), "{word} in clear");
    }
    house.store(facts("1.2", "1.2.1.41", "A"), b"one ").await.unwrap();
    let mut new_series = facts("1.3", "1.3.2.1", "B");
    new_series.series_uid = uid("1.3.2");
    new_series.series.set(tags::SERIES_INSTANCE_UID, *b"UI", ["1.3.2".to_owned()]);
    house.store(new_series, b"one ").await.unwrap();
    house.store(facts("1.4", "1.4.1.1", "C"), b"one ").await.unwrap();
    let before = instances(&house, vec![]).await;
    assert_eq!(before.len(), 44);
    let house = restart(house, |_| {});
    assert!(house.vault.catalog().packed(&uid("1.2")).is_some(), "nothing is whole at start");
    assert_eq!(house.vault.catalog().changes, 3, "three studies were read anew");
    assert_eq!(instances(&house, vec![]).await, before);
    let of = |tag, value: &str| vec![Key::top(tag, Matching::Single(value.to_owned()))];
    assert_eq!(instances(&house, of(tags::SOP_INSTANCE_UID, "1.2.1.41")).await, ["1.2.1.41"]);
    assert_eq!(instances(&house, of(tags::SERIES_INSTANCE_UID, "1.3.2")).await, ["1.3.2.1"]);
    assert_eq!(instances(&house, of(tags::PATIENT_ID, "B")).await, ["1.3.1.1", "1.3.2.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_packed_is_still_known_to_an_arrival() {
    let house = restart(filled().await, |_| {});
    assert!(house.store(facts("1.2", "1.2.1.40", "A"), b"one ").await.unwrap().duplicate);
    assert_eq!(house.store(facts("1.2", "1.2.1.40", "A"), b"new ").await.unwrap().version, 2);
    let elsewhere = house.store(facts("1.9", "1.2.1.7", "A"), b"one ").await;
    assert_eq!(elsewhere.unwrap_err().code, Code::BadObject, "one instance in two studies");
    house.store(facts("1.2", "1.2.1.99", "Z"), b"one ").await.unwrap();
    let (study, _) = house.vault.instance(&uid("1.2.1.99")).unwrap().unwrap();
    assert_eq!(study.record.patient_attributes.first(tags::PATIENT_ID), "A");
    house.store(facts("1.5", "1.5.1.1", "B"), b"one ").await.unwrap();
    let own = |n: &str| house.vault.study(&uid(n)).unwrap().unwrap().patient();
    assert_eq!(own("1.5"), own("1.3"), "a known patient keeps her reference");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_snapshot_is_made_anew_from_the_rows() {
    type Harm = fn(&mut Vec<u8>);
    let block = 4 + BLOCK_BYTES + crypto::aead::OVERHEAD;
    assert_eq!(block, 4 + (1 << 20) + 28);
    let harms: [(&str, Harm); 6] = [
        ("a bit", |bytes| bytes[5000] ^= 1),
        ("cut", |bytes| bytes.truncate(bytes.len() - 1)),
        ("its end is gone", |bytes| bytes.truncate(4 + 17)),
        ("another number of commits", |bytes| bytes[4 + 12] ^= 1),
        ("another format", |bytes| bytes[4 + 4] ^= 2),
        ("a length that nobody wrote", |bytes| bytes[..4].fill(0xFF)),
    ];
    let mut house = filled().await;
    let before = instances(&house, vec![]).await;
    for (name, harm) in harms {
        house = restart(house, |data| {
            let path = data.join("index.snapshot");
            let mut bytes = std::fs::read(&path).unwrap();
            harm(&mut bytes);
            put(&path, &bytes);
        });
        assert!(!house.data().join("index.snapshot").exists(), "{name}: it was believed");
        assert_eq!(instances(&house, vec![]).await, before, "{name}");
        tokio::task::block_in_place(|| house.vault.write_index()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_from_before_is_brought_up_to_date() {
    let house = filled().await;
    let old = std::fs::read(house.data().join("index.snapshot")).unwrap();
    for n in 1..=30 {
        house.store(facts("1.6", &format!("1.6.1.{n}"), "D"), b"one ").await.unwrap();
    }
    tokio::task::block_in_place(|| house.vault.write_index()).unwrap();
    let before = instances(&house, vec![]).await;
    let house = restart(house, |data| put(&data.join("index.snapshot"), &old));
    assert_eq!(instances(&house, vec![]).await, before);
}

#[test]
fn a_head_says_what_it_says() {
    let head = Head { next_seq: 7, blocks: 3 };
    let read = Head::read(&head.bytes()).unwrap();
    assert_eq!((read.next_seq, read.blocks), (7, 3));
    assert!(Head::read(&[head.bytes(), vec![0]].concat()).is_none());
}
