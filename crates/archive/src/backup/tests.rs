use super::*;
use crate::check::{Ask, Report, Watch, check};
use crate::testing::{House, facts, root};
use crate::vault::Accept;
use std::collections::HashSet;

struct Quiet;

impl Watch for Quiet {
    fn objects(&mut self, _: u64) {}
    fn whole(&mut self, _: model::Id) {}
}

fn compared(data: PathBuf) -> Report {
    let (checkpoints, opened) = (vec![], HashSet::new());
    let ask = Ask { data, root: root(), checkpoints, settings: None, opened, accept: Accept::default() };
    check(ask, &mut Quiet).unwrap()
}

fn target(folder: &Path) -> Target {
    Target { data: folder.join("backup"), wraps: folder.join("wraps") }
}

async fn fill(house: &House, studies: std::ops::Range<u32>) {
    for study in studies {
        for n in 1..5 {
            let sop = format!("1.{study}.1.{n}");
            house.store(facts(&format!("1.{study}"), &sop, "A"), b"film").await.unwrap();
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let list = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        list.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_archive_comes_back_whole() {
    let (house, place) = (House::new(), tempfile::tempdir().unwrap());
    let target = target(place.path());
    fill(&house, 1..6).await;
    let first = house.vault.backup(target.clone(), |_, _| {}).await.unwrap();
    assert_eq!((first.files, first.added), (20, 20));
    // While objects come: whatever it has by then is consistent.
    let vault = std::sync::Arc::clone(&house.vault);
    let again = {
        let target = target.clone();
        tokio::spawn(async move { vault.backup(target, |_, _| {}).await })
    };
    fill(&house, 6..30).await;
    let second = again.await.unwrap().unwrap();
    assert_eq!(second.files - 20, second.added, "only what is new is copied");
    let third = house.vault.backup(target.clone(), |_, _| {}).await.unwrap();
    assert_eq!(third.files, 29 * 4);
    drop(house);
    let source = Source::open(&target.data).unwrap();
    let state = source.newest().unwrap();
    assert_eq!(state.manifest, third);
    let data = place.path().join("home/data");
    let restored = restore((&source, &state), &target.wraps, (&data, &root()), &mut |_, _| {}).unwrap();
    assert_eq!(restored.entries, third.entries);
    let report = compared(data.clone());
    assert_eq!((report.findings.as_slice(), report.objects), (&[][..], 29 * 4));
    // Interrupted and run again: what lies there already is not copied again.
    std::fs::remove_file(data.join("key-mark")).unwrap();
    let again = restore((&source, &state), &target.wraps, (&data, &root()), &mut |_, _| {}).unwrap();
    assert_eq!(again.files, 0);
    assert_eq!(compared(data).findings, []);
}

/// An older state restored: its tables are those of its own last entry, so it is whole by itself; that it is older is told by
/// what was seen.
#[tokio::test(flavor = "multi_thread")]
async fn wraps_are_apart_and_end() {
    let (house, place) = (House::new(), tempfile::tempdir().unwrap());
    let target = target(place.path());
    fill(&house, 1..3).await;
    house.vault.backup(target.clone(), |_, _| {}).await.unwrap();
    let none: Vec<_> = crate_files(&target.data).into_iter().filter(|p| p.ends_with(WRAPS_FILE)).collect();
    assert_eq!(none, [] as [PathBuf; 0], "wraps are not in the data's backup");
    house.pass(20 * 86_400);
    house.vault.backup(target.clone(), |_, _| {}).await.unwrap();
    assert_eq!(names(&target.wraps), ["00000001", "00000002", MARK]);
    house.pass(16 * 86_400);
    house.vault.backup(target.clone(), |_, _| {}).await.unwrap();
    assert_eq!(names(&target.wraps), ["00000002", "00000003", MARK], "36 days are more than 35");
    let source = Source::open(&target.data).unwrap();
    let first = State { number: 1, manifest: source::manifest(&source.state(1)).unwrap() };
    let data = place.path().join("home/data");
    let refused = restore((&source, &first), &target.wraps, (&data, &root()), &mut |_, _| {});
    assert!(refused.unwrap_err().to_string().contains("35 days"));
}

fn crate_files(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut out) = (vec![folder.to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { out.push(path) }
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_folders_and_keys_are_refused() {
    let (house, place) = (House::new(), tempfile::tempdir().unwrap());
    fill(&house, 1..2).await;
    let occupied = Target { data: place.path().to_path_buf(), wraps: place.path().join("w") };
    std::fs::create_dir(place.path().join("something")).unwrap();
    assert!(house.vault.backup(occupied, |_, _| {}).await.is_err());
    let target = Target { data: place.path().join("b"), wraps: place.path().join("w") };
    house.vault.backup(target.clone(), |_, _| {}).await.unwrap();
    let source = Source::open(&target.data).unwrap();
    let state = source.newest().unwrap();
    let data = place.path().join("home/data");
    let other = crypto::Key::from_bytes([8; 32]);
    assert!(restore((&source, &state), &target.wraps, (&data, &other), &mut |_, _| {}).is_err());
    assert!(!data.exists(), "nothing is touched with a wrong key");
    let mut forged = state;
    forged.manifest.checkpoint = forged.manifest.checkpoint.replacen("gauze/", "gauze/x", 1);
    assert!(restore((&source, &forged), &target.wraps, (&data, &root()), &mut |_, _| {}).is_err());
}

fn rot(path: &Path, bytes: &[u8]) {
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), bytes).unwrap();
}

/// Ended between its two last names: the next one has another number. A bundle that rotted in the backup is written anew; one
/// that rotted in the archive makes no backup.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_one_is_followed_by_a_whole_one() {
    let (house, place) = (House::new(), tempfile::tempdir().unwrap());
    let target = target(place.path());
    fill(&house, 1..80).await;
    house.vault.backup(target.clone(), |_, _| {}).await.unwrap();
    let states = target.data.join("states");
    std::fs::rename(states.join("00000001"), states.join("00000001.part")).unwrap();
    let bundle = target.data.join("ledger/00000000");
    rot(&bundle, b"half");
    let made = house.vault.backup(target.clone(), |_, _| {}).await.unwrap();
    assert_eq!(Source::open(&target.data).unwrap().newest().unwrap().number, 2);
    let source = Source::open(&target.data).unwrap();
    let state = source.newest().unwrap();
    let data = place.path().join("home/data");
    restore((&source, &state), &target.wraps, (&data, &root()), &mut |_, _| {}).unwrap();
    assert_eq!((compared(data).findings, made.unreadable), (vec![], 0));
    let entries = house.data().join("ledger/tile/entries/000");
    let mut bytes = std::fs::read(&entries).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    rot(&entries, &bytes);
    assert!(house.vault.backup(target, |_, _| {}).await.is_err(), "a second history");
}
