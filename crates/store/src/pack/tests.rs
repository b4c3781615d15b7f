//! A pack that was made from docs/formats/pack.md without this code (testdata/formats/make.py), and what finishing does.

use super::*;
use crate::segment::{self, Cursor, End};

fn vector() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats/pack.bin")).unwrap()
}

fn segment_vector() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats/intake-segment-2.bin"))
        .unwrap()
}

fn items_of(path: &Path) -> (u64, Vec<Item>) {
    let mut items = Vec::new();
    let end = segment::read(path, 3, Cursor::START, End::Torn, |found| {
        items.extend(found.meta.items(found.blob_at));
        Ok(())
    });
    (end.unwrap().at, items)
}

fn written(folder: &Path, bytes: &[u8]) -> PathBuf {
    let path = folder.join("intake/0000000000000003.seg");
    for name in ["intake", "packs"] {
        disk::make_folder(&folder.join(name)).unwrap();
    }
    std::io::Write::write_all(&mut File::create(&path).unwrap(), bytes).unwrap();
    path
}

/// Nothing of rows, wraps and entries is left: what is destroyed later is not in a pack.
#[test]
fn a_segment_becomes_the_packs_vector() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &segment_vector());
    let (good, items) = items_of(&path);
    finish(folder.path(), &path, 3, good, &items).unwrap();
    let pack = super::path(folder.path(), 3);
    let bytes = std::fs::read(&pack).unwrap();
    assert!(bytes == vector());
    assert!(!path.exists());
    for word in [&b"row"[..], b"wrap", b"leaf", b"body"] {
        assert!(!bytes.windows(word.len()).any(|w| w == word));
    }
    assert_eq!(directory(&File::open(&pack).unwrap(), 3).unwrap(), Some((good, items.clone())));
    // Again, as after a crash behind the rename.
    finish(folder.path(), &path, 3, good, &items).unwrap();
    assert_eq!(list(folder.path()).unwrap(), [3]);
}

/// Stopped after any byte of the directory, and after some of what follows it.
#[test]
fn finishing_may_stop_anywhere() {
    let (segment, pack) = (segment_vector(), vector());
    let good = segment.len();
    for cut in good..=pack.len() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = segment.clone();
        bytes.extend_from_slice(&pack[good..cut]);
        let path = written(folder.path(), &bytes);
        let (good, items) = match directory(&File::open(&path).unwrap(), 3).unwrap() {
            Some(whole) => whole,
            None => {
                std::io::Write::write_all(&mut File::create(&path).unwrap(), &segment).unwrap();
                let of = items_of(&path);
                std::io::Write::write_all(&mut File::create(&path).unwrap(), &bytes).unwrap();
                of
            }
        };
        finish(folder.path(), &path, 3, good, &items).unwrap();
        assert!(std::fs::read(super::path(folder.path(), 3)).unwrap() == pack, "cut at {cut}");
    }
}

#[test]
fn a_changed_directory_is_none() {
    let bytes = vector();
    let start = segment_vector().len();
    for at in start..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&changed, 0).unwrap();
        assert!(matches!(directory(&file, 3), Ok(None)), "byte {at}");
    }
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    assert!(directory(&file, 4).unwrap().is_none(), "of another number");
    assert!(directory(&file, 3).unwrap().is_some());
}

#[test]
fn items_lie_within_the_pack() {
    let item = |at, len| Item { part: OBJECT, tenant: Tenant::main(), id: Id([1; 16]), at, len, crc: 0 };
    for (at, len, good) in [(32, 68, true), (32, 69, false), (31, 1, false), (u64::MAX, 2, false)] {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&encode(3, 100, &[item(at, len)]), 100).unwrap();
        assert_eq!(directory(&file, 3).is_ok(), good, "{at} {len}");
    }
}
