//! What a power cut may leave: everything that was synced, and of the rest any part, or blocks of zeros.

use super::*;

const COMMITS: u64 = 40;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}

/// The log's length when each commit was acknowledged; nothing of it is moved.
fn logged(folder: &Path) -> Vec<u64> {
    let mut options = Options::new(folder.to_path_buf());
    (options.reserve_bytes, options.idle) = (1 << 16, Duration::from_secs(600));
    let store = Store::open(options, Box::new(Stuck)).unwrap();
    let path = segment::path(&folder.join("intake"), 0);
    let acknowledged = |n| {
        let _ = store.submit(commit(&store, n)).unwrap().wait().unwrap();
        std::fs::metadata(&path).unwrap().len()
    };
    (0..COMMITS).map(acknowledged).collect()
}

#[test]
fn a_power_cut_keeps_what_was_acknowledged_and_halves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ends = logged(folder.path());
    let whole_log = std::fs::read(segment::path(&folder.path().join("intake"), 0)).unwrap();
    assert_eq!(ends.last(), Some(&(whole_log.len() as u64)));
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for round in 0..50 {
        let synced = random(COMMITS);
        let safe = ends[synced as usize];
        let cut = safe + random(whole_log.len() as u64 - safe + 1);
        let mut left = whole_log[..cut as usize].to_vec();
        if round % 2 == 0 && cut > safe {
            // The length arrived, some block did not.
            let hole = safe + random(cut - safe);
            let end = cut.min(hole + 1 + random(4096));
            left[hole as usize..end as usize].fill(0);
        }
        let after = tempfile::tempdir().unwrap();
        copy(folder.path(), after.path());
        File::create(segment::path(&after.path().join("intake"), 0)).unwrap().write_all(&left).unwrap();
        match open(after.path()) {
            Ok(store) => {
                let there: Vec<bool> = (0..COMMITS).map(|n| whole(&store, n)).collect();
                let count = there.iter().take_while(|there| **there).count();
                assert!(count as u64 > synced, "round {round}: {synced} was acknowledged, {count} are there");
                assert!(there[count..].iter().all(|there| !there), "round {round}: a gap");
                assert_eq!(store.leaves_at_start(), count as u64, "round {round}");
                let next = store.submit(commit(&store, 100)).unwrap().wait().unwrap();
                assert_eq!(next.seq(), count as u64);
            }
            // Whole records stand behind a hole: that is not how a log ends, and nothing is thrown away unseen.
            Err(Error::Segment { good, .. }) => assert!(good >= safe, "round {round}"),
            Err(other) => panic!("round {round}: {other}"),
        }
    }
}
