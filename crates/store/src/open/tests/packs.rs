//! Objects in packs: moved, killed, replaced, destroyed, restored; and a home of version 1.

use super::*;
use crate::{ObjectPart, ObjectPlace, PackUse, pack};
use std::collections::HashMap;

fn wait(store: &Store, done: impl Fn(&Store) -> bool) {
    for _ in 0..500 {
        if done(store) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not done within 5 s");
}

fn id(n: u64) -> Id {
    Id(u128::from(n).to_be_bytes())
}

fn stored(store: &Store, n: u64) {
    let _ = store.submit(commit(store, n)).unwrap().wait().unwrap();
}

fn sidecar(store: &Store, n: u64, bytes: &[u8]) {
    let mut commit = Commit::new(store.epoch());
    commit.sidecars.push((Tenant::main(), id(n), bytes.to_vec()));
    let _ = store.submit(commit).unwrap().wait().unwrap();
}

fn places(store: &Store) -> HashMap<(Id, ObjectPart), ObjectPlace> {
    let mut out = HashMap::new();
    store.each_object(&mut |_, id, part, place| drop(out.insert((id, part), place.clone()))).unwrap();
    out
}

fn bytes_at(place: &ObjectPlace) -> Vec<u8> {
    match place {
        ObjectPlace::File { path, .. } => std::fs::read(path).unwrap(),
        ObjectPlace::Packed { path, at, len, .. } => {
            std::fs::read(path).unwrap()[*at as usize..(*at + *len) as usize].to_vec()
        }
    }
}

fn unmoved(folder: &Path) -> usize {
    segment::numbers(&folder.join("intake")).unwrap().len()
}

#[test]
fn small_objects_stay_where_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    (0..50).for_each(|n| stored(&store, n));
    sidecar(&store, 7, b"mosaic");
    let mut read = [0; 3];
    let before = store.object(&Tenant::main(), id(3)).unwrap();
    // Moved while the segment stays open for more: silence makes no pack of a few objects.
    wait(&store, |store| store.shared.overlay().rows.is_empty());
    assert_eq!((unmoved(folder.path()), pack::list(folder.path()).unwrap()), (1, vec![]));
    assert!((0..50).all(|n| whole(&store, n)));
    assert_eq!(store.sidecar(&Tenant::main(), id(7)).unwrap(), b"mosaic");
    stored(&store, 50);
    drop(store);
    assert_eq!((unmoved(folder.path()), pack::list(folder.path()).unwrap()), (0, vec![0]));
    assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0, "no file of its own");
    before.read(0, &mut read).unwrap();
    assert_eq!(read, [3; 3], "an open object survives its move");
    let store = open(folder.path()).unwrap();
    assert!((0..51).all(|n| whole(&store, n)));
    let all = places(&store);
    assert_eq!(all.len(), 52);
    assert_eq!(bytes_at(&all[&(id(7), ObjectPart::Sidecar)]), b"mosaic");
    assert_eq!(bytes_at(&all[&(id(9), ObjectPart::Object)]), vec![9; 1009]);
    assert!(matches!(store.object(&Tenant::main(), id(99)), Err(Error::Missing)));
    assert!(matches!(store.sidecar(&Tenant::main(), id(8)), Err(Error::Missing)));
}

#[test]
fn each_object_is_named_once_in_the_log_and_in_packs() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path().to_path_buf());
    (options.reserve_bytes, options.segment_bytes) = (1 << 20, 20_000);
    // The newest segment stays where it is: what moves meanwhile is named at both places.
    options.idle = std::time::Duration::from_secs(3600);
    let store = Store::open(options, Lines::new(folder.path())).unwrap();
    (0..2500).for_each(|n| drop(store.submit(commit(&store, n)).unwrap()));
    stored(&store, 2500);
    // A commit is durable before its full segment is closed.
    std::thread::sleep(std::time::Duration::from_millis(300));
    wait(&store, |store| store.shared.unmoved.load(Ordering::SeqCst) == 0);
    let mut count = 0;
    // The callback may ask the store.
    let mut each = |tenant: &Tenant, id: Id, _: ObjectPart, place: &ObjectPlace| {
        count += 1;
        let object = store.object(tenant, id).unwrap();
        let mut bytes = vec![0; object.len() as usize];
        object.read(0, &mut bytes).unwrap();
        if count % 50 == 0 {
            assert!(bytes_at(place) == bytes);
        }
    };
    store.each_object(&mut each).unwrap();
    assert_eq!(count, 2501);
}

#[test]
fn a_newer_sidecar_and_a_destroyed_object_leave_dead_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    stored(&store, 1);
    stored(&store, 2);
    sidecar(&store, 1, b"old one");
    drop(store);
    let store = open(folder.path()).unwrap();
    let use_of = |bytes, dead| PackUse { number: 0, bytes, dead };
    assert_eq!(store.packs().unwrap(), [use_of(1001 + 1002 + 7, 0)]);
    sidecar(&store, 1, b"newer");
    wait(&store, |store| store.packs().unwrap() == [use_of(2010, 7)]);
    assert_eq!(store.sidecar(&Tenant::main(), id(1)).unwrap(), b"newer");
    let gone = |n| {
        let mut commit = Commit::new(store.epoch());
        commit.gone.push((Tenant::main(), id(n)));
        let _ = store.submit(commit).unwrap().wait().unwrap();
    };
    gone(2);
    assert!(store.object(&Tenant::main(), id(1)).is_ok());
    wait(&store, |store| store.packs().unwrap() == [use_of(2010, 7 + 1002)]);
    assert!(matches!(store.object(&Tenant::main(), id(2)), Err(Error::Missing)));
    gone(1);
    wait(&store, |store| store.packs().unwrap().is_empty());
    wait(&store, |_| !pack::path(folder.path(), 0).exists());
    drop(store);
    // Nothing comes back, and no number is used twice.
    let store = open(folder.path()).unwrap();
    assert!(matches!(store.object(&Tenant::main(), id(1)), Err(Error::Missing)));
    stored(&store, 3);
    drop(store);
    assert!(whole(&open(folder.path()).unwrap(), 3));
}

/// Tables of an older backup: what is in newer packs is found again.
#[test]
fn packs_that_the_tables_do_not_know_are_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let tables = ["rows.sqlite", "rows.sqlite-wal"];
    let store = open(folder.path()).unwrap();
    stored(&store, 1);
    drop(store);
    let kept: Vec<_> = tables.map(|name| std::fs::read(folder.path().join(name)).ok()).into();
    let store = open(folder.path()).unwrap();
    stored(&store, 2);
    drop(store);
    for (name, bytes) in tables.iter().zip(kept) {
        let path = folder.path().join(name);
        match bytes {
            Some(bytes) => File::create(&path).unwrap().write_all(&bytes).unwrap(),
            None => drop(std::fs::remove_file(&path)),
        }
    }
    let store = open(folder.path()).unwrap();
    assert!(store.object(&Tenant::main(), id(2)).is_ok());
    assert_eq!(store.packs().unwrap().len(), 2);
}

#[test]
fn a_missing_or_cut_pack_costs_its_own_objects_only() {
    let folder = tempfile::tempdir().unwrap();
    for n in 1..=3 {
        stored(&open(folder.path()).unwrap(), n);
    }
    std::fs::remove_file(pack::path(folder.path(), 0)).unwrap();
    let second = File::options().write(true).open(pack::path(folder.path(), 1)).unwrap();
    second.set_len(200).unwrap();
    let store = open(folder.path()).unwrap();
    let read = |n| {
        let object = store.object(&Tenant::main(), id(n))?;
        object.read(0, &mut vec![0; object.len() as usize])
    };
    assert!(matches!(read(1), Err(Error::Missing)));
    assert!(matches!(read(2), Err(Error::Io(_))));
    assert!(read(3).is_ok());
    stored(&store, 4);
    assert!(read(4).is_ok());
    // Put back from a backup that keeps a file each: read there, named once.
    let own = blob::path(&folder.path().join("blobs"), &Tenant::main(), id(1), blob::Part::Object);
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    File::create(&own).unwrap().write_all(&vec![1; 1001]).unwrap();
    assert!(whole(&store, 1));
    let mut named = Vec::new();
    store.each_object(&mut |_, id, _, place| named.push((id, place.clone()))).unwrap();
    named.retain(|(of, _)| *of == id(1));
    assert_eq!(named, [(id(1), ObjectPlace::File { path: own, len: 1001 })]);
}

/// Every state in which a stop can leave a closed segment: the next start makes the same pack of it, once.
#[test]
fn a_pack_is_finished_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path().to_path_buf());
    (options.reserve_bytes, options.idle) = (1 << 20, Duration::from_secs(600));
    let store = Store::open(options, Box::new(Stuck)).unwrap();
    (0..5).for_each(|n| stored(&store, n));
    drop(store);
    let path = segment::path(&folder.path().join("intake"), 0);
    let whole_segment = std::fs::read(&path).unwrap();
    drop(open(folder.path()).unwrap());
    let finished = std::fs::read(pack::path(folder.path(), 0)).unwrap();
    let states: [(&str, Vec<u8>); 4] = [
        ("not begun", whole_segment.clone()),
        ("directory cut", finished[..whole_segment.len() + 30].to_vec()),
        ("directory whole", [&whole_segment[..], &finished[whole_segment.len()..]].concat()),
        ("not renamed", finished.clone()),
    ];
    for (name, mut state) in states {
        if name == "directory cut" {
            state[..whole_segment.len()].copy_from_slice(&whole_segment);
        }
        std::fs::remove_file(pack::path(folder.path(), 0)).unwrap();
        File::create(&path).unwrap().write_all(&state).unwrap();
        let store = open(folder.path()).unwrap();
        assert!((0..5).all(|n| whole(&store, n)), "{name}");
        drop(store);
        assert!(std::fs::read(pack::path(folder.path(), 0)).unwrap() == finished, "{name}");
        assert!(!path.exists(), "{name}");
    }
}

/// Lazy commits ride with others, in order; alone they wait a moment and no longer.
#[test]
fn lazy_commits_cost_no_sync_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let lazy = |n| {
        let mut commit = commit(&store, n);
        commit.lazy = true;
        store.submit(commit).unwrap()
    };
    let before = store.syncs();
    let waiting: Vec<_> = (0..20).map(lazy).collect();
    let durable = store.submit(commit(&store, 20)).unwrap().wait().unwrap();
    assert_eq!((durable.seq(), store.syncs()), (20, before + 1));
    for (n, pending) in (0..).zip(waiting) {
        assert_eq!(pending.wait().unwrap().seq(), n);
    }
    assert!(lazy(21).wait().is_ok());
}

struct From(u64);

impl LeafSink for From {
    fn append(&mut self, first: u64, leaves: &[Leaf]) -> std::io::Result<()> {
        self.0 = first + leaves.len() as u64;
        Ok(())
    }

    fn size(&self) -> u64 {
        self.0
    }
}

/// A folder of version 1: a file an object, and a segment of that time that was not moved.
#[test]
fn a_home_of_version_1_opens() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path).unwrap().write_all(bytes).unwrap();
    };
    let old =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats/intake-segment.bin"));
    // Its first record; the vector leaves entries out between the two.
    let mut old = old.unwrap();
    let len = |at: usize| u32::from_be_bytes(old[at..at + 4].try_into().unwrap()) as usize;
    old.truncate(segment::HEADER + 8 + len(segment::HEADER) + len(segment::HEADER + 4) + 4);
    write("VERSION", b"1\n");
    write("intake/0000000000000003.seg", &old);
    write("blobs/main/09/09090909090909090909090909090909", b"earlier");
    write("blobs/main/09/09090909090909090909090909090909.side", b"earlier side");
    write("blobs/main/09/08090909090909090909090909090909.spool", b"never committed");
    for _ in 0..2 {
        let mut options = Options::new(folder.path().to_path_buf());
        options.reserve_bytes = 1 << 20;
        let store = Store::open(options, Box::new(From(410))).unwrap();
        let object = |id| {
            let reader = store.object(&Tenant::main(), Id([id; 16])).unwrap();
            let mut bytes = vec![0; reader.len() as usize];
            reader.read(0, &mut bytes).unwrap();
            bytes
        };
        assert_eq!((object(7), object(9)), (b"sealed object".to_vec(), b"earlier".to_vec()));
        assert_eq!(store.sidecar(&Tenant::main(), Id([7; 16])).unwrap(), b"side");
        assert_eq!(store.sidecar(&Tenant::main(), Id([9; 16])).unwrap(), b"earlier side");
        assert_eq!(store.row(&[4; 32]).unwrap().unwrap().sealed, b"row");
        assert_eq!(store.wrap(&[8; 32]).unwrap().unwrap(), b"wrap");
        assert_eq!(places(&store).len(), 4);
        drop(store);
        assert_eq!(std::fs::read_to_string(folder.path().join("VERSION")).unwrap(), "3\n");
        assert_eq!(std::fs::read_dir(folder.path().join("blobs/main/09")).unwrap().count(), 2);
    }
}

/// A folder of version 2: rows and their content in one table. Whoever only looks changes nothing of it.
#[test]
fn a_home_of_version_2_opens() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let mut options = Options::new(folder.path().to_path_buf());
        options.reserve_bytes = 1 << 20;
        Store::open(options, Box::new(From(0))).unwrap()
    };
    drop(open());
    let file = folder.path().join("rows.sqlite");
    let (names, later) = ([[4; 32], [5; 32]], [6; 32]);
    let sql = rusqlite::Connection::open(&file).unwrap();
    sql.execute_batch(
        "DROP TABLE row; DROP TABLE content; CREATE TABLE row (key_hash BLOB PRIMARY KEY, seq INTEGER NOT NULL, \
         generation INTEGER NOT NULL, version INTEGER NOT NULL, kind INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID; \
         CREATE INDEX row_seq ON row (seq);",
    )
    .unwrap();
    for (name, sealed) in names.iter().zip(["one", "two"]) {
        sql.execute(
            "INSERT INTO row VALUES (?1, 8, 1, 3, 2, ?2)",
            rusqlite::params![name.as_slice(), sealed.as_bytes()],
        )
        .unwrap();
    }
    drop(sql);
    File::create(folder.path().join("VERSION")).unwrap().write_all(b"2\n").unwrap();
    let contents = |store: &Store| {
        let mut out = Vec::new();
        store.each_row(&[2], &mut |row| out.push((row.key, row.version, row.seq, row.sealed))).unwrap();
        out
    };
    let wanted = vec![(names[0], 3, 8, b"one".to_vec()), (names[1], 3, 8, b"two".to_vec())];
    let before = std::fs::read(&file).unwrap();
    assert_eq!(contents(&Store::look(Options::new(folder.path().to_path_buf())).unwrap().0), wanted);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    for _ in 0..2 {
        let store = open();
        assert_eq!(contents(&store), wanted);
        assert!(store.row(&later).unwrap().is_none());
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("VERSION")).unwrap(), "3\n");
    // Content that was taken away is a row that does not open, not a row that is not there.
    let sql = rusqlite::Connection::open(&file).unwrap();
    sql.execute("DELETE FROM content WHERE key_hash = ?1", [names[0].as_slice()]).unwrap();
    drop(sql);
    assert_eq!(contents(&open()), [(names[0], 3, 8, vec![]), wanted[1].clone()]);
}
