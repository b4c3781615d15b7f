//! Leaves, bodies, signatures, tree and checkpoints against vectors that were made from docs/formats/ledger.md without this
//! code (testdata/formats/make.py).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use ledger::{Checkpoint, Leaf, Tree, body, leaf, tree};
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats/ledger.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().as_bytes();
    text.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

#[test]
fn entries() {
    let v = vectors();
    let (origin, public) = (v["origin"].as_str().unwrap(), hex(&v["public"]));
    let salt: [u8; 16] = hex(&v["salt"]).try_into().unwrap();
    for (index, entry) in (0u64..).zip(v["entries"].as_array().unwrap()) {
        let (stored, sealed, plain) = (hex(&entry["leaf"]), hex(&entry["sealed"]), hex(&entry["body"]));
        let leaf = Leaf::read(&stored).unwrap();
        let read = body::decode(&plain).unwrap();
        assert_eq!(Leaf::new(20, read.envelope.time, (&salt, &plain), &sealed), leaf);
        assert!(leaf.seals(&sealed) && leaf.commits(&salt, &plain) && leaf.kind() == 20);
        assert!(!leaf.seals(&sealed[1..]) && !leaf.commits(&[0; 16], &plain));
        let event = ledger::Event::Queried { keys_hash: [0xAB; 32], hits: 500 * index };
        assert_eq!(body::encode(&event, &read.envelope), plain, "deterministic CBOR");
        assert_eq!((read.kind.as_str(), read.envelope.seq), ("queried", 10 + index));
        let key = UnparsedPublicKey::new(&ED25519, &public);
        let signature = hex(&entry["signature"]);
        assert!(key.verify(&leaf::signed(origin, index, &stored), &signature).is_ok());
        assert!(key.verify(&leaf::signed(origin, index + 1, &stored), &signature).is_err());
        assert!(key.verify(&leaf::signed("gauze/other", index, &stored), &signature).is_err());
    }
    assert!(Leaf::read(&hex(&v["entries"][0]["sealed"])).is_none());
}

#[test]
fn tree_and_checkpoint() {
    let v = vectors();
    let hashes: Vec<[u8; 32]> =
        v["entries"].as_array().unwrap().iter().map(|e| leaf::hash(&hex(&e["leaf"]))).collect();
    let mut grown = Tree::default();
    hashes.iter().for_each(|hash| grown.push(*hash));
    assert_eq!(grown.root().to_vec(), hex(&v["root"]));
    let path: Vec<[u8; 32]> =
        v["inclusion_of_4"].as_array().unwrap().iter().map(|h| hex(h).try_into().unwrap()).collect();
    assert_eq!(tree::inclusion(&hashes, 4), path);
    assert!(tree::includes(&grown.root(), 7, 4, hashes[4], &path));
    assert!(!tree::includes(&grown.root(), 7, 5, hashes[4], &path));
    let public = hex(&v["public"]);
    let note = v["checkpoint"].as_str().unwrap();
    let expected =
        Checkpoint { origin: v["origin"].as_str().unwrap().to_owned(), size: 7, root: grown.root() };
    assert_eq!(Checkpoint::open(note, &public).unwrap(), expected);
    let refused = v["refused_checkpoints"].as_array().unwrap();
    assert_eq!(refused.len(), 6);
    for note in refused {
        assert!(Checkpoint::open(note.as_str().unwrap(), &public).is_err(), "{note}");
    }
}

#[test]
fn broken_bodies_are_refused() {
    let v = vectors();
    let refused = v["refused_bodies"].as_array().unwrap();
    assert_eq!(refused.len(), 8);
    for bytes in refused {
        assert!(body::decode(&hex(bytes)).is_err(), "{bytes}");
    }
}

/// Bodies of what was put right, from the words of docs/formats/ledger.md by Python's own few lines of RFC 8949.
#[test]
fn what_was_put_right_is_written_as_it_was() {
    let envelope = |actor: &str| ledger::Envelope {
        time: 1_795_507_200_000_000_000,
        seq: 9,
        tenant: "main".to_owned(),
        actor: actor.to_owned(),
        ..ledger::Envelope::default()
    };
    let done = ledger::Event::PutRight {
        change: 3,
        act: "merge".to_owned(),
        undone: true,
        reason: "two cards, one person".to_owned(),
        studies: 2,
        objects: 300,
        corrections: [0xCD; 32],
        ignored: 1,
    };
    let of_study = ledger::Envelope {
        patient: Some(model::Id([2; 16])),
        study: "1.2.3".to_owned(),
        ..envelope("officer")
    };
    let refused =
        ledger::Event::PutRightRefused { act: "undo".to_owned(), cause: "other-version".to_owned() };
    for (event, envelope, golden) in [
        (done, of_study, include_str!("golden/put-right-1.hex")),
        (refused, envelope(""), include_str!("golden/put-right-refused-1.hex")),
    ] {
        let got: String =
            ledger::body::encode(&event, &envelope).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(got, golden.trim());
    }
}

#[test]
fn relations_are_written_as_they_were() {
    let envelope = |actor: &str| ledger::Envelope {
        time: 1_795_507_200_000_000_000,
        seq: 9,
        tenant: "main".to_owned(),
        actor: actor.to_owned(),
        ..ledger::Envelope::default()
    };
    let changed = ledger::Event::RelationChanged {
        kind: "delegation".to_owned(),
        source: "hand".to_owned(),
        user: "vera".to_owned(),
        start: "2026-11-24T08:00:00.000Z".to_owned(),
        end: "2026-12-01T08:00:00.000Z".to_owned(),
        reason: "on leave".to_owned(),
    };
    let silent = ledger::Event::FeedSilent {
        source: "index".to_owned(),
        since: "2026-11-23T08:00:00.000Z".to_owned(),
    };
    let refused = ledger::Event::RelationRefused { source: "adt".to_owned(), cause: "future".to_owned() };
    for (event, actor, golden) in [
        (changed, "officer", include_str!("golden/relation-changed-1.hex")),
        (silent, "", include_str!("golden/feed-silent-1.hex")),
        (refused, "", include_str!("golden/relation-refused-1.hex")),
    ] {
        let got = ledger::body::encode(&event, &envelope(actor));
        let got: String = got.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(got, golden.trim());
    }
}
