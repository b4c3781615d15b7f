//! Every file, every kind of damage.

use super::*;
use crate::mend::mend;
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
        let state = [index as u8; 32];
        let leaf = Leaf::with_state(50, index as i64, (&[1; 16], b"body"), &sealed, &state).0;
        let signature = key.sign(&signed(ORIGIN, index, &leaf));
        (leaf, [signature.as_ref(), &sealed].concat())
    };
    (0..count).map(make).collect()
}

/// A log that grew in steps, so that narrower copies lie about.
fn log(count: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(folder.path()).unwrap();
    let all = entries(count);
    for (n, some) in all.chunks(97).enumerate() {
        writer.append(n as u64 * 97, some).unwrap();
    }
    folder
}

fn look(root: &Path, checkpoints: &[Checkpoint]) -> (Inspection, u64) {
    let mut whole = 0;
    let key = key();
    let public = key.public_key().as_ref();
    let got = inspect(root, &vec![], (ORIGIN, public), checkpoints, &mut |_, _| whole += 1).unwrap();
    (got, whole)
}

fn all_files(root: &Path) -> Vec<String> {
    let mut out = Vec::new();
    walk(root, "", &mut |relative, _| out.push(relative.to_owned())).unwrap();
    out
}

#[test]
fn a_good_log_has_no_flaw() {
    let folder = log(700);
    let (got, whole) = look(folder.path(), &[]);
    assert_eq!((got.entries, got.found.as_slice(), whole), (700, &[][..], 700));
    assert!(
        all_files(folder.path()).iter().any(|f| f.contains(".p/")),
        "there are narrower copies to look at"
    );
}

/// In every file, at some places each: named with the file or the entry; what the log can put right itself is right again.
#[test]
fn every_flipped_bit_is_named() {
    let folder = log(300);
    let root = folder.path();
    let (mut flipped, mut mended) = (0, 0);
    for file in all_files(root) {
        let path = root.join(&file);
        let good = std::fs::read(&path).unwrap();
        for step in 0..6_usize {
            let bit = (step * 7919 + file.len() * 31) % (good.len() * 8);
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            crate::tiles::write(&path, &bad).unwrap();
            let (got, whole) = look(root, &[]);
            assert!(!got.found.is_empty(), "{file} bit {bit}");
            assert!(whole >= 300 - WIDTH, "{file}: what is not damaged is still looked at");
            let flaws = got.found;
            let key = key();
            let done = mend(root, (ORIGIN, key.public_key().as_ref()), &flaws).unwrap();
            flipped += 1;
            if done.iter().all(|done| *done) {
                mended += 1;
                assert_eq!(look(root, &[]).0.found, [], "{file} bit {bit}: {flaws:?}");
            }
            crate::tiles::write(&path, &good).unwrap();
            // What was taken away as a copy lies there again.
            assert_eq!(look(root, &[]).0.found, [], "{file} bit {bit}");
        }
    }
    assert!(mended * 10 > flipped * 9, "{mended} of {flipped}");
}

#[test]
fn what_is_missing_or_strange_is_named() {
    let folder = log(600);
    let root = folder.path();
    let flaws = |checkpoints: &[Checkpoint]| -> Vec<Flaw> {
        look(root, checkpoints).0.found.into_iter().map(|f| f.flaw).collect()
    };
    crate::tiles::write(&root.join("body/note"), b"x").unwrap();
    assert_eq!(flaws(&[]), [Flaw::Unknown]);
    std::fs::remove_file(root.join("body/note")).unwrap();
    let ahead = Checkpoint { origin: ORIGIN.into(), size: 601, root: [0; 32] };
    assert_eq!(flaws(&[ahead]), [Flaw::CutOff]);
    let other = Checkpoint { origin: ORIGIN.into(), size: 300, root: [0; 32] };
    assert_eq!(flaws(&[other]), [Flaw::Other]);
    std::fs::remove_file(root.join("tile/entries/001")).unwrap();
    let (got, whole) = look(root, &[]);
    assert!(got.found.iter().any(|f| f.flaw == Flaw::Bundle && f.entries.0 == 256), "{:?}", got.found);
    assert_eq!((got.entries, whole), (600, 344), "its hashes keep the tree whole");
}

/// What an interrupted write left is no damage; names that no log can have end neither the look nor the start.
#[test]
fn strays_are_told_and_leftovers_are_not() {
    let folder = log(300);
    std::fs::File::create(folder.path().join("tile/entries/000.tmp")).unwrap();
    assert_eq!(look(folder.path(), &[]).0.found, []);
    let mut deep = folder.path().join("tile/entries");
    for _ in 0..9 {
        deep = deep.join("x999");
        std::fs::create_dir(&deep).unwrap();
    }
    std::fs::File::create(deep.join("999")).unwrap();
    std::fs::File::create(folder.path().join("tile/entries/x999/999")).unwrap();
    let flaws: Vec<Flaw> = look(folder.path(), &[]).0.found.iter().map(|found| found.flaw).collect();
    assert_eq!(flaws, [Flaw::Unknown, Flaw::Unknown]);
    assert!(Reader::new(folder.path()).size().is_err(), "something lies behind a hole");
}
