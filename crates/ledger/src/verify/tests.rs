//! A forger with the whole folder and time, but without the key.

use super::*;
use crate::{Leaf, Writer};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

const ORIGIN: &str = "gauze/test";

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap()
}

fn entries(count: u64) -> Vec<Stored> {
    let key = key();
    let make = |index: u64| {
        let sealed = vec![index as u8; 40];
        let leaf = Leaf::new(50, index as i64, (&[1; 16], b"body"), &sealed).0.to_vec();
        let signature = key.sign(&signed(ORIGIN, index, &leaf));
        (leaf, [signature.as_ref(), &sealed].concat())
    };
    (0..count).map(make).collect()
}

/// Writes the entries as a log with tiles that fit them, as a forger would.
fn report(entries: &[Stored], tail: &Tail, checkpoints: &[Checkpoint]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    Writer::open(folder.path()).unwrap().append(0, entries).unwrap();
    let reader = Reader::new(folder.path());
    verify(&reader, tail, (ORIGIN, key().public_key().as_ref()), checkpoints, &mut |_| {}).unwrap()
}

fn checkpoint(entries: &[Stored]) -> Checkpoint {
    let mut tree = Tree::default();
    entries.iter().for_each(|e| tree.push(leaf::hash(&e.0)));
    Checkpoint { origin: ORIGIN.into(), size: tree.size(), root: tree.root() }
}

fn check(name: &str, entries: &[Stored], checkpoints: &[Checkpoint], index: u64, what: What) {
    assert_eq!(report(entries, &vec![], checkpoints).fault, Some(Fault { index, what }), "{name}");
}

#[test]
fn a_good_log_is_good_with_its_tail() {
    let all = entries(600);
    let tail: Tail = (550..600).map(|i| (i, all[i as usize].clone())).collect();
    let got = report(&all[..550], &tail, &[checkpoint(&all[..300]), checkpoint(&all)]);
    assert_eq!((got.entries, got.fault), (600, None));
    assert_eq!(got.root, checkpoint(&all).root);
}

#[test]
fn the_first_fault_is_named_even_when_all_hashes_were_made_anew() {
    let good = entries(600);
    let saved = [checkpoint(&good)];
    let with = |change: &dyn Fn(&mut Vec<Stored>)| {
        let mut all = good.clone();
        change(&mut all);
        all
    };
    check("changed", &with(&|e| e[417].0[8] ^= 1), &saved, 417, What::Changed);
    check("removed", &with(&|e| drop(e.remove(300))), &saved, 300, What::Removed);
    check("swapped", &with(&|e| e.swap(10, 500)), &saved, 10, What::Swapped);
    check("body", &with(&|e| e[599].1[80] ^= 1), &saved, 599, What::Body);
    check(
        "inserted",
        &with(&|e| {
            let copy = e[5].clone();
            e.insert(20, copy)
        }),
        &saved,
        20,
        What::Swapped,
    );
    check("cut off", &with(&|e| e.truncate(590)), &saved, 590, What::CutOff);
    check("older copy", &good[..100], &saved, 100, What::CutOff);
    let mut forged = checkpoint(&good[..200]);
    forged.root = [0; 32];
    check("another past", &good, &[forged], 199, What::Tree);
}

#[test]
fn tiles_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let all = entries(300);
    Writer::open(folder.path()).unwrap().append(0, &all).unwrap();
    let path = folder.path().join("tile/0/000");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[32 * 77] ^= 1;
    std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), &bytes).unwrap();
    let reader = Reader::new(folder.path());
    let got = verify(&reader, &vec![], (ORIGIN, key().public_key().as_ref()), &[], &mut |_| {}).unwrap();
    assert_eq!(got.fault, Some(Fault { index: 77, what: What::Tree }));
}

/// A running archive: the partial bundle that was there when the size was read may have grown, or become full.
#[test]
fn a_log_that_grows_while_it_is_read_raises_no_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let all = entries(600);
    let mut writer = Writer::open(folder.path()).unwrap();
    writer.append(0, &all[..10]).unwrap();
    writer.append(10, &all[10..300]).unwrap();
    let reader = Reader::new(folder.path());
    let public = key().public_key().as_ref().to_vec();
    let mut later = Some(writer);
    let grow = &mut |_| {
        if let Some(mut writer) = later.take() {
            writer.append(300, &all[300..400]).unwrap();
            writer.append(400, &all[400..]).unwrap();
        }
    };
    let got = verify(&reader, &vec![], (ORIGIN, &public), &[checkpoint(&all[..280])], grow).unwrap();
    assert_eq!((got.entries, got.fault), (300, None));
}

#[test]
fn holes_and_upper_tiles_are_named() {
    let all = entries(600);
    for (path, expected) in [("tile/1/000.p/2", (0, What::Tree)), ("tile/entries/001", (256, What::Removed))]
    {
        let folder = tempfile::tempdir().unwrap();
        Writer::open(folder.path()).unwrap().append(0, &all).unwrap();
        std::fs::remove_file(folder.path().join(path)).unwrap();
        let reader = Reader::new(folder.path());
        let got = verify(&reader, &vec![], (ORIGIN, key().public_key().as_ref()), &[], &mut |_| {}).unwrap();
        let fault = got.fault.map(|f| (f.index, f.what));
        assert_eq!(fault, Some(expected), "{path}");
    }
}
