//! Commits, conflicts, replay, kills.

use super::*;
use crate::blob;
use crate::segment::{self, Cursor, End};
use crate::{NewObject, ObjectBytes, RowWrite};
use model::{Id, Tenant};
use std::io::{BufRead, Write as _};

mod faults;
mod packs;

/// Leaves in a file of their own, enough for these tests: `index leaf` a line.
struct Lines(PathBuf, u64);

impl Lines {
    fn new(folder: &Path) -> Box<Self> {
        let path = folder.join("leaves.txt");
        let size = std::fs::read_to_string(&path).map_or(0, |t| t.lines().count() as u64);
        Box::new(Self(path, size))
    }
}

impl LeafSink for Lines {
    fn append(&mut self, first: u64, leaves: &[Leaf]) -> std::io::Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.0)?;
        for (index, (leaf, _)) in (first..).zip(leaves) {
            if index >= self.1 {
                assert_eq!(index, self.1, "a gap");
                writeln!(file, "{index} {}", String::from_utf8_lossy(leaf))?;
                self.1 += 1;
            }
        }
        file.sync_all()
    }

    fn size(&self) -> u64 {
        self.1
    }
}

fn open(folder: &Path) -> Result<Store> {
    let mut options = Options::new(folder.to_path_buf());
    options.reserve_bytes = 1 << 20;
    options.idle = Duration::from_millis(20);
    Store::open(options, Lines::new(folder))
}

fn commit(store: &Store, n: u64) -> Commit {
    let mut commit = Commit::new(store.epoch());
    let id = Id(u128::from(n).to_be_bytes());
    let bytes = vec![n as u8; 1000 + n as usize % 50_000];
    commit.object = Some(NewObject { tenant: Tenant::main(), id, bytes: ObjectBytes::Inline(bytes) });
    let mut key = [0; 32];
    key[..8].copy_from_slice(&n.to_be_bytes());
    commit.rows.push(RowWrite { key, kind: 1, expect: 0, sealed: n.to_string().into_bytes() });
    commit.wraps.push(crate::WrapWrite { key, sealed: b"wrap".to_vec() });
    commit.leaves.push(Box::new(move |at| (format!("{n}@{}/{}", at.index, at.seq).into_bytes(), vec![])));
    commit
}

fn whole(store: &Store, n: u64) -> bool {
    let id = Id(u128::from(n).to_be_bytes());
    let mut key = [0; 32];
    key[..8].copy_from_slice(&n.to_be_bytes());
    let row = store.row(&key).unwrap();
    let wrap = store.wrap(&key).unwrap();
    let object = store.object(&Tenant::main(), id);
    let parts = [row.is_some(), wrap.is_some(), object.is_ok()];
    assert!(parts.iter().all(|p| *p == parts[0]), "commit {n} is half there: {parts:?}");
    if let Ok(object) = object {
        let mut bytes = vec![0; object.len() as usize];
        object.read(0, &mut bytes).unwrap();
        assert_eq!(bytes, vec![n as u8; 1000 + n as usize % 50_000], "object {n}");
        assert_eq!(row.unwrap().sealed, n.to_string().into_bytes());
    }
    parts[0]
}

#[test]
fn commits_are_readable_at_once_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let pending: Vec<_> = (0..200).map(|n| store.submit(commit(&store, n)).unwrap()).collect();
    for (n, pending) in pending.into_iter().enumerate() {
        let durable = pending.wait().unwrap();
        assert_eq!((durable.seq(), durable.leaf()), (n as u64, n as u64));
        assert!(whole(&store, n as u64));
    }
    drop(store);
    let store = open(folder.path()).unwrap();
    assert!((0..200).all(|n| whole(&store, n)));
    assert_eq!(store.leaves_at_start(), 200);
    let durable = store.submit(commit(&store, 200)).unwrap().wait().unwrap();
    assert_eq!((durable.seq(), durable.leaf()), (200, 200));
}

#[test]
fn rows_change_by_version_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let row =
        |expect, text: &str| RowWrite { key: [1; 32], kind: 2, expect, sealed: text.as_bytes().to_vec() };
    let put = |rows: Vec<RowWrite>| {
        let mut commit = Commit::new(store.epoch());
        commit.rows = rows;
        store.submit(commit).unwrap().wait()
    };
    assert!(put(vec![row(0, "a")]).is_ok());
    assert!(matches!(put(vec![row(0, "b")]), Err(Error::Conflict)));
    let other = RowWrite { key: [2; 32], kind: 2, expect: 0, sealed: vec![] };
    assert!(matches!(put(vec![other.clone(), row(3, "c")]), Err(Error::Conflict)));
    assert!(store.row(&[2; 32]).unwrap().is_none(), "all rows or none");
    assert!(put(vec![row(1, "d"), other]).is_ok());
    assert_eq!(store.row(&[1; 32]).unwrap().unwrap().sealed, b"d");
    std::thread::sleep(Duration::from_millis(200));
    let mut seen = Vec::new();
    store.each_row(&[2], &mut |row| seen.push((row.key[0], row.version))).unwrap();
    seen.sort_unstable();
    assert_eq!(seen, [(1, 2), (2, 1)], "moved to the table");
}

/// Whoever rests on a refused commit's rows is refused, too; entries without rows go on.
#[test]
fn a_refused_commit_ends_the_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let epoch = store.epoch();
    let row = |key: u8, expect| RowWrite { key: [key; 32], kind: 2, expect, sealed: vec![] };
    let put = |epoch, rows| {
        let mut commit = Commit::new(epoch);
        commit.rows = rows;
        commit.leaves.push(Box::new(|at| (at.index.to_string().into_bytes(), vec![])));
        store.submit(commit).unwrap()
    };
    // Submitted one after the other, so that some batch may hold several.
    let pending = [
        put(epoch, vec![row(1, 0)]),
        put(epoch, vec![row(2, 7)]),
        put(epoch, vec![row(2, 8)]),
        put(epoch, vec![row(3, 0)]),
        put(epoch, vec![]),
    ];
    let results: Vec<_> = pending.into_iter().map(Pending::wait).collect();
    assert!(results[0].is_ok() && results[4].is_ok(), "{results:?}");
    assert!(matches!(results[1], Err(Error::Conflict)), "{results:?}");
    assert!(matches!((&results[2], &results[3]), (Err(Error::Stale), Err(Error::Stale))), "{results:?}");
    assert_eq!(store.epoch(), epoch + 1);
    assert!(store.row(&[1; 32]).unwrap().is_some() && store.row(&[3; 32]).unwrap().is_none());
    assert!(put(store.epoch(), vec![row(3, 0)]).wait().is_ok());
}

#[test]
fn a_folder_has_one_master_and_no_newer_version() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(Error::Locked)));
    drop(store);
    std::fs::File::create(folder.path().join("VERSION")).unwrap().write_all(b"4\n").unwrap();
    assert!(matches!(open(folder.path()), Err(Error::NewerData(4))));
}

#[test]
fn large_objects_are_spooled() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let id = Id([9; 16]);
    let mut spool = store.spool(&Tenant::main(), id).unwrap();
    for _ in 0..200 {
        spool.write(&[5; 64 << 10]).unwrap();
    }
    spool.finish().unwrap();
    let mut commit = Commit::new(store.epoch());
    commit.object = Some(NewObject { tenant: Tenant::main(), id, bytes: ObjectBytes::Spooled(spool) });
    let _ = store.submit(commit).unwrap().wait().unwrap();
    assert_eq!(store.object(&Tenant::main(), id).unwrap().len(), 200 * (64 << 10));
    drop(store.spool(&Tenant::main(), Id([8; 16])).unwrap());
    drop(store);
    let store = open(folder.path()).unwrap();
    assert_eq!(store.object(&Tenant::main(), id).unwrap().len(), 200 * (64 << 10));
    assert!(matches!(store.object(&Tenant::main(), Id([8; 16])), Err(Error::Missing)));
}

/// A torn or changed tail ends the log; what was before it stays.
#[test]
fn torn_tails_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0000000000000003.seg");
    let meta = |seq| segment::Meta {
        seq,
        object: Some((Tenant::main(), Id([7; 16]), Some(segment::Span::of(b"blob")))),
        sidecars: vec![],
        rows: vec![],
        wraps: vec![],
        first_leaf: seq,
        leaves: vec![(vec![seq as u8; 10], vec![])],
        gone: vec![],
    };
    let mut bytes = segment::header(3).to_vec();
    let mut sum = 0;
    let mut ends = vec![];
    for seq in 0..3 {
        let framed = segment::frame(sum, &meta(seq)).unwrap();
        sum = framed.checksum;
        bytes.extend_from_slice(&framed.front);
        bytes.extend_from_slice(b"blob");
        ends.push(bytes.len());
    }
    let count = |bytes: &[u8]| {
        File::create(&path).unwrap().write_all(bytes).unwrap();
        let mut count = 0;
        let read = segment::read(&path, 3, Cursor::START, End::Torn, |_| {
            count += 1;
            Ok(())
        });
        assert!(matches!(read, Ok(_) | Err(Error::Segment { .. })), "{read:?}");
        count
    };
    for cut in segment::HEADER..=bytes.len() {
        assert_eq!(count(&bytes[..cut]), ends.iter().filter(|e| **e <= cut).count(), "cut at {cut}");
    }
    for at in segment::HEADER..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(count(&changed) <= ends.iter().filter(|e| **e <= at).count(), "changed at {at}");
    }
}

/// `kill -9` at random moments: the child prints what was acknowledged; all of it is there afterwards.
#[test]
fn kills_lose_nothing_that_was_acknowledged() {
    if let Ok(folder) = std::env::var("GAUZE_STORE_KILL") {
        let from: u64 = std::env::var("GAUZE_STORE_FROM").unwrap().parse().unwrap();
        return child(Path::new(&folder), from);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<u64> = Vec::new();
    for round in 0..20u64 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "open::tests::kills_lose_nothing_that_was_acknowledged", "--nocapture"])
            .env("GAUZE_STORE_KILL", folder.path())
            .env("GAUZE_STORE_FROM", (round * 1_000_000).to_string())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            lines
                .map_while(|l| l.ok())
                .filter_map(|l| l.strip_prefix("ack ")?.parse().ok())
                .collect::<Vec<u64>>()
        });
        std::thread::sleep(Duration::from_millis(60 + round * 37 % 300));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());
        let store = open(folder.path()).unwrap();
        for n in &acknowledged {
            assert!(whole(&store, *n), "{n} was acknowledged and is lost");
        }
        let from = round * 1_000_000;
        (from..from + 5_000).for_each(|n| {
            whole(&store, n);
        });
    }
    assert!(acknowledged.len() > 100, "the test stored too little: {}", acknowledged.len());
}

fn child(folder: &Path, from: u64) {
    let store = open(folder).unwrap();
    for first in (from..).step_by(8) {
        let pending: Vec<_> =
            (first..first + 8).map(|n| (n, store.submit(commit(&store, n)).unwrap())).collect();
        for (n, pending) in pending {
            let _ = pending.wait().unwrap();
            println!("ack {n}");
        }
    }
}

/// A sink that never takes anything.
struct Stuck;

impl LeafSink for Stuck {
    fn append(&mut self, _: u64, _: &[Leaf]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn size(&self) -> u64 {
        0
    }
}

/// Many segments that cannot be moved: commits go on, the store closes at once, and the next start has all.
#[test]
fn a_segment_that_cannot_be_moved_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path().to_path_buf());
    (options.reserve_bytes, options.segment_bytes) = (1 << 20, 1000);
    options.idle = Duration::from_millis(20);
    let store = Store::open(options, Box::new(Stuck)).unwrap();
    let (sender, done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for n in 0..30 {
            let _ = store.submit(commit(&store, n)).unwrap().wait().unwrap();
        }
        let _ = sender.send(());
        drop(store);
        let _ = sender.send(());
    });
    done.recv_timeout(Duration::from_secs(30)).expect("commits go on");
    done.recv_timeout(Duration::from_secs(1)).expect("the store closes");
    let store = open(folder.path()).unwrap();
    assert!((0..30).all(|n| whole(&store, n)));
}

#[test]
fn a_segment_that_cannot_be_made_fails_one_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    std::fs::create_dir(segment::path(&folder.path().join("intake"), 0)).unwrap();
    assert!(store.submit(commit(&store, 1)).unwrap().wait().is_err());
    assert!(store.submit(commit(&store, 1)).unwrap().wait().is_ok());
}

#[test]
fn a_refused_spool_goes_and_a_commit_too_large_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let id = Id([9; 16]);
    let mut spool = store.spool(&Tenant::main(), id).unwrap();
    spool.finish().unwrap();
    let mut refused = commit(&store, 1);
    refused.object = Some(NewObject { tenant: Tenant::main(), id, bytes: ObjectBytes::Spooled(spool) });
    refused.rows[0].expect = 7;
    assert!(matches!(store.submit(refused).unwrap().wait(), Err(Error::Conflict)));
    assert!(!blob::spool_path(folder.path(), &Tenant::main(), id).exists());
    let mut large = Commit::new(store.epoch());
    large.sidecars.push((Tenant::main(), id, vec![0; segment::BLOB_BYTES + 1]));
    let large = store.submit(large).unwrap();
    let good = store.submit(commit(&store, 2)).unwrap();
    assert!(matches!(large.wait(), Err(Error::TooLarge)));
    assert!(good.wait().is_ok());
}

#[test]
fn a_snapshot_is_whole_or_the_old_one() {
    use crate::SNAPSHOT_BLOCK_BYTES;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    assert!(store.snapshot().unwrap().is_none());
    let read = || {
        let (mut reader, mut out) = (store.snapshot().unwrap().unwrap(), Vec::new());
        while let Some(block) = reader.block().unwrap() {
            out.push(block);
        }
        out
    };
    let mut writer = store.new_snapshot(10).unwrap();
    writer.block(b"one").unwrap();
    writer.block(&vec![7; SNAPSHOT_BLOCK_BYTES]).unwrap();
    assert!(matches!(writer.block(&vec![7; SNAPSHOT_BLOCK_BYTES + 1]), Err(Error::TooLarge)));
    writer.finish().unwrap();
    let mut unfinished = store.new_snapshot(10).unwrap();
    unfinished.block(b"two").unwrap();
    drop(unfinished);
    assert_eq!(read(), [b"one".to_vec(), vec![7; SNAPSHOT_BLOCK_BYTES]]);
    assert!(matches!(store.new_snapshot(u64::MAX), Err(Error::Full)), "room for ledger entries is not taken");
}

#[test]
fn rows_since_a_commit_are_those_that_it_and_later_ones_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!(store.next_seq(), 0);
    for n in 0..5 {
        let durable = store.submit(commit(&store, n)).unwrap().wait().unwrap();
        assert_eq!(durable.seq(), n);
    }
    assert_eq!(store.next_seq(), 5);
    drop(store);
    let store = open(folder.path()).unwrap();
    assert_eq!(store.next_seq(), 5);
    let mut seen = Vec::new();
    store.each_row_since(3, &mut |row| seen.push((row.seq, row.sealed))).unwrap();
    seen.sort();
    assert_eq!(seen, [(3, b"3".to_vec()), (4, b"4".to_vec())]);
}

#[test]
fn a_keepsake_is_there_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let name = [7; 32];
    assert_eq!(store.keepsake(&name), None);
    store.keep(&name, b"one").unwrap();
    store.keep(&name, b"two").unwrap();
    assert_eq!(store.keepsake(&name).as_deref(), Some(b"two".as_slice()));
    let large = vec![0; crate::KEEPSAKE_BYTES + 1];
    assert!(matches!(store.keep(&name, &large), Err(Error::TooLarge)));
    store.keep(&name, &large[1..]).unwrap();
    assert_eq!(store.keepsake(&name).map(|found| found.len()), Some(crate::KEEPSAKE_BYTES));
}
