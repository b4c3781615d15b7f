//! Appending, failing and appending again.

use super::*;

fn stored(n: u64) -> Stored {
    (n.to_be_bytes().to_vec(), vec![n as u8; 70])
}

#[test]
fn names_are_those_of_the_specification() {
    assert_eq!(number(5), "005");
    assert_eq!(number(1234), "x001/234");
    assert_eq!(number(1_234_067), "x001/x234/067");
}

#[test]
fn appending_is_idempotent_and_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<Stored> = (0..1300).map(stored).collect();
    let mut expected = Tree::default();
    all.iter().for_each(|s| expected.push(leaf::hash(&s.0)));
    let mut at = 0;
    for step in [1, 254, 1, 1, 255, 300, 488] {
        let mut writer = Writer::open(folder.path()).unwrap();
        assert_eq!(writer.size(), at);
        let again = at.saturating_sub(40);
        writer.append(again, &all[again as usize..(at + step) as usize]).unwrap();
        at += step;
    }
    let writer = Writer::open(folder.path()).unwrap();
    assert_eq!((writer.size(), writer.tree().root()), (1300, expected.root()));
    let reader = Reader::new(folder.path());
    assert_eq!(reader.entry(256).unwrap(), stored(256));
    assert_eq!(reader.tile(5, 1300 - 1280).unwrap()[3], leaf::hash(&stored(1283).0));
    assert!(folder.path().join("tile/1/000.p/5").is_file());
    assert!(!folder.path().join("tile/entries/000.p").exists());
}

/// A write that fails is made good by the next call with the same entries, wherever it failed.
#[test]
fn what_a_failed_write_left_out_comes_with_the_next() {
    let all: Vec<Stored> = (0..600).map(stored).collect();
    for block in [
        "tile/entries/001.p/44.tmp",
        "tile/entries/000.tmp",
        "tile/0/000.tmp",
        "tile/1/000.p/1.tmp",
        "body/001.tmp",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(folder.path()).unwrap();
        writer.append(0, &all[..100]).unwrap();
        std::fs::create_dir_all(folder.path().join(block)).unwrap();
        let failed = writer.append(100, &all[100..300]).and_then(|()| writer.append(300, &all[300..]));
        assert!(failed.is_err(), "{block}");
        std::fs::remove_dir(folder.path().join(block)).unwrap();
        let reader = Reader::new(folder.path());
        writer.append(100, &all[100..]).unwrap();
        assert_eq!((writer.size(), reader.size().unwrap()), (600, 600), "{block}");
        for (index, expected) in (0..).zip(&all) {
            assert_eq!(&reader.entry(index).unwrap(), expected, "{block}");
        }
        assert!(
            reader.tile(0, WIDTH).is_ok() && reader.tile(1, WIDTH).is_ok() && reader.tile(2, 88).is_ok(),
            "{block}"
        );
        assert_eq!(reader.hashes(1, 0, 2).unwrap().len(), 2, "{block}");
    }
}

#[test]
fn a_missing_tile_is_written_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<Stored> = (0..300).map(stored).collect();
    Writer::open(folder.path()).unwrap().append(0, &all).unwrap();
    let reader = Reader::new(folder.path());
    let expected = reader.tile(0, WIDTH).unwrap();
    std::fs::remove_file(folder.path().join("tile/0/000")).unwrap();
    drop(Writer::open(folder.path()).unwrap());
    assert_eq!(reader.tile(0, WIDTH).unwrap(), expected);
}

#[test]
fn other_entries_and_holes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<Stored> = (0..600).map(stored).collect();
    let mut writer = Writer::open(folder.path()).unwrap();
    writer.append(0, &all).unwrap();
    assert!(matches!(writer.append(0, &[stored(1)]), Err(Error::Damaged(_))));
    writer.append(590, &all[590..]).unwrap();
    std::fs::remove_file(folder.path().join("tile/entries/001")).unwrap();
    assert!(matches!(Reader::new(folder.path()).size(), Err(Error::Damaged(_))));
    assert!(Writer::open(folder.path()).is_err());
}
