//! What the tables hold is what the last entry says, or it is told.

use super::*;
use crate::commit::LeafSink;
use crate::overlay::Leaf;
use crate::{Commit, Fingerprint, NewObject, ObjectBytes, RowWrite, WrapWrite};

/// Leaves kept whole: their bytes are the state that they were given.
struct States(PathBuf, Vec<[u8; 32]>);

impl States {
    fn open(folder: &Path) -> Self {
        let path = folder.join("states");
        let bytes = std::fs::read(&path).unwrap_or_default();
        Self(path, bytes.as_chunks::<32>().0.to_vec())
    }
}

impl LeafSink for States {
    fn append(&mut self, first: u64, leaves: &[Leaf]) -> std::io::Result<()> {
        self.1.truncate(first as usize);
        self.1.extend(leaves.iter().map(|(leaf, _)| <[u8; 32]>::try_from(leaf.as_slice()).unwrap()));
        let mut file = std::fs::File::create(&self.0)?;
        std::io::Write::write_all(&mut file, &self.1.concat())
    }

    fn size(&self) -> u64 {
        self.1.len() as u64
    }
}

/// FNV-1a with a secret, stretched and mixed (splitmix64): enough to tell sums apart here.
fn print() -> Fingerprint {
    Fingerprint::new(|label, parts| {
        let mut out = [0; 32];
        for (at, byte) in out.iter_mut().enumerate() {
            let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ (at as u64 * 7919);
            for part in [b"secret".as_slice(), label.as_bytes()].iter().chain(parts) {
                part.iter().for_each(|b| hash = (hash ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
                hash = (hash ^ 0xFF).wrapping_mul(0x100_0000_01b3);
            }
            hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            *byte = (hash >> 40) as u8;
        }
        out
    })
}

fn options(folder: &Path) -> Options {
    let mut options = Options::new(folder.to_path_buf());
    (options.reserve_bytes, options.idle) = (1 << 20, Duration::from_millis(20));
    options.fingerprint = Some(print());
    options
}

fn open(folder: &Path) -> Store {
    Store::open(options(folder), Box::new(States::open(folder))).unwrap()
}

fn write(store: &Store, key: u8, expect: u64) -> Commit {
    let mut commit = Commit::new(store.epoch());
    commit.rows.push(RowWrite { key: [key; 32], kind: 1, expect, sealed: vec![key, expect as u8] });
    commit.wraps.push(WrapWrite { key: [key; 32], sealed: vec![key, expect as u8] });
    commit.leaves.push(Box::new(|at| (at.state.to_vec(), vec![])));
    commit
}

fn put(store: &Store, key: u8, expect: u64) {
    let _ = store.submit(write(store, key, expect)).unwrap().wait().unwrap();
}

fn last(folder: &Path) -> (u64, [u8; 32]) {
    let states = States::open(folder).1;
    (states.len() as u64 - 1, *states.last().unwrap())
}

/// Rows and wraps agree with the last entry, by what was counted at the start and anew.
fn agrees(folder: &Path) -> [(bool, bool); 2] {
    let at_start = {
        let store = open(folder);
        let (index, state) = last(folder);
        store.agrees(index, &state)
    };
    let (store, segments) = Store::look(options(folder)).unwrap();
    assert!(segments.is_empty());
    let (index, state) = last(folder);
    [at_start, store.count().unwrap().agrees(index, &state)]
}

fn sql(folder: &Path, file: &str, text: &str) {
    rusqlite::Connection::open(folder.join(file)).unwrap().execute_batch(text).unwrap();
}

#[test]
fn every_change_of_the_tables_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = open(folder);
    (1..40).for_each(|key| put(&store, key, 0));
    (1..20).for_each(|key| put(&store, key, 1));
    drop(store);
    assert_eq!(agrees(folder), [(true, true); 2]);
    let older = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let before = [older("rows.sqlite"), older("wraps.sqlite")];
    let store = open(folder);
    put(&store, 7, 2);
    drop(store);
    assert_eq!(agrees(folder), [(true, true); 2]);
    let now = [older("rows.sqlite"), older("wraps.sqlite")];
    let back = |which: [&Vec<u8>; 2]| {
        for (name, bytes) in ["rows.sqlite", "wraps.sqlite"].iter().zip(which) {
            for more in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.join(format!("{name}{more}")));
            }
            let mut file = std::fs::File::create(folder.join(name)).unwrap();
            std::io::Write::write_all(&mut file, bytes).unwrap();
        }
    };
    back([&before[0], &now[1]]);
    assert!(!agrees(folder)[0].0, "an older table of rows");
    back([&now[0], &before[1]]);
    assert_eq!(agrees(folder), [(true, false); 2], "an older table of wraps");
    for (file, text, rows) in [
        (
            "rows.sqlite",
            "DELETE FROM row WHERE key_hash = x'0303030303030303030303030303030303030303030303030303030303030303'",
            true,
        ),
        ("rows.sqlite", "UPDATE row SET version = 1 WHERE version = 2 AND seq < 50", true),
        ("rows.sqlite", "UPDATE row SET seq = seq + 1 WHERE version = 1", true),
        (
            "wraps.sqlite",
            "DELETE FROM wrap WHERE key_hash = x'0303030303030303030303030303030303030303030303030303030303030303'",
            false,
        ),
        ("wraps.sqlite", "UPDATE wrap SET sealed = x'0100'", false),
    ] {
        back([&now[0], &now[1]]);
        sql(folder, file, text);
        let expected = if rows { (false, true) } else { (true, false) };
        assert_eq!(agrees(folder), [expected; 2], "{text}");
    }
    back([&now[0], &now[1]]);
    assert_eq!(agrees(folder), [(true, true); 2]);
}

#[test]
fn refused_and_failed_commits_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = open(folder);
    // The segment cannot be made: the whole batch fails after its leaves were made.
    std::fs::create_dir(segment::path(&folder.join("intake"), 0)).unwrap();
    assert!(store.submit(write(&store, 3, 0)).unwrap().wait().is_err());
    put(&store, 1, 0);
    assert!(store.submit(write(&store, 2, 9)).unwrap().wait().is_err());
    put(&store, 3, 0);
    // The same wrap again, as a key ring sends it until it knows that it is durable.
    put(&store, 1, 1);
    let no_entry = Commit { leaves: vec![], ..write(&store, 4, 0) };
    assert!(matches!(store.submit(no_entry).unwrap().wait(), Err(Error::Damaged(_))));
    drop(store);
    let _ = std::fs::remove_dir(segment::path(&folder.join("intake"), 0));
    assert_eq!(agrees(folder), [(true, true); 2]);
}

#[test]
fn a_look_sees_what_the_log_has_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    {
        let mut options = options(folder);
        options.idle = Duration::from_secs(60);
        let store = Store::open(options, Box::new(States::open(folder))).unwrap();
        let mut commit = write(&store, 1, 0);
        let id = Id([4; 16]);
        commit.object =
            Some(NewObject { tenant: Tenant::main(), id, bytes: ObjectBytes::Inline(vec![1; 100]) });
        let _ = store.submit(commit).unwrap().wait().unwrap();
        let kept = segment::path(&folder.join("intake"), 0);
        std::fs::copy(&kept, folder.join("kept")).unwrap();
    }
    // As a kill leaves it: the segment is there again.
    std::fs::remove_file(folder.join("states")).unwrap();
    std::fs::rename(folder.join("kept"), segment::path(&folder.join("intake"), 0)).unwrap();
    let (store, segments) = Store::look(options(folder)).unwrap();
    assert!(matches!(segments.as_slice(), [one] if one.good == one.len && !one.damaged));
    let mut rows = 0;
    store.all_rows(&mut |_| rows += 1).unwrap();
    let mut objects = Vec::new();
    store.list_objects(false, &mut |_, id| objects.push(id)).unwrap();
    objects.dedup();
    assert_eq!((rows, objects), (1, vec![Id([4; 16]); 2].into_iter().take(1).collect()));
    drop(store);
    assert!(segment::path(&folder.join("intake"), 0).exists());
}

#[test]
fn tables_are_copied_between_two_moves() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, copies) = (folder.path(), tempfile::tempdir().unwrap());
    let store = open(folder);
    (1..30).for_each(|key| put(&store, key, 0));
    let (rows, wraps) = (copies.path().join("rows.sqlite"), copies.path().join("wraps.sqlite"));
    let copied = store.copy_tables(&rows, &wraps).unwrap();
    assert_eq!((copied.next_seq, copied.entries), (29, 29));
    put(&store, 1, 1);
    // What the store still writes is not read beside it.
    drop(store);
    let state = States::open(folder).1[28];
    let tables = Tables::open(copies.path(), Some(print())).unwrap();
    assert_eq!(print().state(28, 28, &tables.tally(false).unwrap()), state);
}
