use super::*;
use crate::sealing::Kind;
use crate::testing::{House, facts, root};
use std::path::Path;

struct Quiet(u64);

impl Watch for Quiet {
    fn objects(&mut self, _: u64) {}

    fn whole(&mut self, _: Id) {
        self.0 += 1;
    }
}

fn ask(folder: &Path) -> Ask {
    Ask {
        data: folder.join("data"),
        root: root(),
        checkpoints: std::fs::read_to_string(folder.join("seen")).into_iter().collect(),
        settings: None,
        opened: HashSet::new(),
        accept: Accept::default(),
    }
}

fn look(folder: &Path) -> Report {
    check(ask(folder), &mut Quiet(0)).unwrap()
}

fn words(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|f| f.what.as_str()).collect()
}

/// A small archive, stopped.
async fn stopped() -> tempfile::TempDir {
    let house = House::new();
    for study in 1..4 {
        for n in 1..5 {
            let bytes = [study as u8, n as u8, 0, 1];
            house
                .store(facts(&format!("1.{study}"), &format!("1.{study}.1.{n}"), "A"), &bytes)
                .await
                .unwrap();
        }
    }
    house.store(facts("1.1", "1.1.1.1", "A"), b"else").await.unwrap();
    house.account("rosa", model::Role::Radiologist, None);
    house.stop().await
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut out) = (vec![folder.to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { out.push(path) }
        }
    }
    out.sort();
    out
}

fn put(path: &Path, bytes: &[u8]) {
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_archive_has_no_findings() {
    let folder = stopped().await;
    let report = look(folder.path());
    assert_eq!(report.findings, []);
    assert_eq!(report.objects, 13, "the other bytes of a known UID are looked at, too");
    assert!(report.good() && report.entries > 13 && report.rows >= 7, "{report:?}");
    let mut watch = Quiet(0);
    let known = ask(folder.path());
    let one = model::Id([0; 16]);
    check(Ask { opened: HashSet::from([one]), ..known }, &mut watch).unwrap();
    assert_eq!(watch.0, 13);
}

/// One flipped bit at several places of every file: named, or nothing that anybody reads.
#[tokio::test(flavor = "multi_thread")]
async fn flipped_bits_are_named() {
    let folder = stopped().await;
    let data = folder.path().join("data");
    let (mut flipped, mut quiet) = (0, Vec::new());
    for path in files(&data) {
        let name = path.strip_prefix(&data).unwrap().to_string_lossy().into_owned();
        let good = std::fs::read(&path).unwrap();
        // The reserve is room and nothing else; the lock is empty.
        if good.is_empty() || name.ends_with("reserve") {
            continue;
        }
        for step in 0..5_usize {
            let bit = (step * 104_729 + name.len() * 7919) % (good.len() * 8);
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            put(&path, &bad);
            flipped += 1;
            match check(ask(folder.path()), &mut Quiet(0)) {
                Ok(report) if report.findings.is_empty() => quiet.push(name.clone()),
                // Named, or the database does not even open and says so.
                Ok(_) | Err(Error::Store(store::Error::Rows(_))) => {}
                Err(error) => panic!("{name} bit {bit}: {error}"),
            }
            for more in ["rows.sqlite-wal", "rows.sqlite-shm", "wraps.sqlite-wal", "wraps.sqlite-shm"] {
                let _ = std::fs::remove_file(data.join(more));
            }
            put(&path, &good);
        }
    }
    assert!(flipped >= 40, "{flipped}");
    // Free room in a page of the database, and what stands between objects in a pack: the objects are opened all the same.
    let unread = |name: &String| name.ends_with(".sqlite") || name.starts_with("packs/");
    assert!(quiet.iter().all(unread), "{quiet:?}");
    assert_eq!(look(folder.path()).findings, []);
}

/// Sealed bytes of all objects, as a backup has them.
struct Copies(HashMap<Id, Vec<u8>>);

impl Copies {
    fn of(data: &Path) -> Self {
        let (store, _) = Store::look(store::Options::new(data.to_path_buf())).unwrap();
        let mut names = Vec::new();
        store.list_objects(false, &mut |tenant, id| names.push((tenant, id))).unwrap();
        let bytes = |(tenant, id): (Tenant, Id)| {
            let reader = store.object(&tenant, id).unwrap();
            let mut bytes = vec![0; usize::try_from(reader.len()).unwrap()];
            reader.read(0, &mut bytes).unwrap();
            (id, bytes)
        };
        Self(names.into_iter().map(bytes).collect())
    }
}

impl Spare for Copies {
    fn bytes(&self, object: Id, sidecar: bool) -> Option<Vec<u8>> {
        self.0.get(&object).filter(|_| !sidecar).cloned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_with_what_it_affects() {
    let folder = stopped().await;
    let data = folder.path().join("data");
    let copies = Copies::of(&data);
    assert_eq!(copies.0.len(), 13);
    files(&data.join("packs")).iter().for_each(|pack| std::fs::remove_file(pack).unwrap());
    let fan = data.join("blobs/main/00");
    std::fs::create_dir_all(&fan).unwrap();
    put(&fan.join("0".repeat(32)), b"nobody's");
    let report = look(folder.path());
    let mut found = words(&report);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, ["object-missing", "object-stray", "pack-missing"]);
    let missing = report.findings.iter().find(|f| f.what == What::ObjectMissing).unwrap();
    assert!(missing.affects.iter().any(|a| a.starts_with("study 1.")), "{missing:?}");
    assert!(!report.good());
    let mut report = report;
    repair(ask(folder.path()), &mut report, Some(&copies)).unwrap();
    assert!(report.good(), "{report:?}");
    assert_eq!(look(folder.path()).findings, []);
    assert!(data.join("quarantine").join("0".repeat(32)).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_and_ledger_are_put_right() {
    let folder = stopped().await;
    let data = folder.path().join("data");
    put(&data.join("VERSION"), b"9\n");
    put(&data.join("key-mark"), b"x\n");
    let tile = files(&data.join("ledger/tile/0")).pop().unwrap();
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[5] ^= 4;
    put(&tile, &bytes);
    let mut report = look(folder.path());
    let mut found = words(&report);
    found.sort_unstable();
    found.dedup();
    assert!(found.contains(&"version") && found.contains(&"key-mark"), "{found:?}");
    assert!(found.contains(&"ledger-tile") || found.contains(&"ledger-copy"), "{found:?}");
    repair(ask(folder.path()), &mut report, None).unwrap();
    assert!(report.good(), "{report:?}");
    assert_eq!(look(folder.path()).findings, []);
    House::open(folder).unwrap();
}

/// Each table put back to what it was before something was withdrawn: neither starts, and the check says which and when.
#[tokio::test(flavor = "multi_thread")]
async fn older_tables_do_not_start() {
    let folder = stopped().await;
    let names = ["rows.sqlite", "wraps.sqlite"];
    let data = folder.path().join("data");
    let before = names.map(|name| std::fs::read(data.join(name)).unwrap());
    let house = House::open(folder).unwrap();
    assert!(tokio::task::block_in_place(|| house.vault.disable_account("rosa")).unwrap());
    house.store(facts("1.9", "1.9.1.1", "B"), b"late").await.unwrap();
    let folder = house.stop().await;
    let data = folder.path().join("data");
    let now = names.map(|name| std::fs::read(data.join(name)).unwrap());
    for back in [[true, false], [false, true], [true, true]] {
        for ((name, back), (old, new)) in names.iter().zip(back).zip(before.iter().zip(&now)) {
            put(&data.join(name), if back { old } else { new });
        }
        let report = look(folder.path());
        let expected = [("rows-not-as-recorded", back[0]), ("wraps-not-as-recorded", back[1])];
        for (word, there) in expected {
            let found = report.findings.iter().find(|f| f.what.as_str() == word);
            assert_eq!(found.is_some(), there, "{word} {:?}", words(&report));
            if let Some(found) = found {
                assert!(found.affects.iter().any(|a| a.contains("left it")), "{found:?}");
            }
        }
    }
    let parts = |accept| (House::parts(folder.path()), accept);
    let (refused, accept) = parts(Accept::default());
    assert!(matches!(crate::Vault::open_accepting(refused, accept), Err(Error::Tables { .. })));
    // The way out: taken as they are, and the ledger says so.
    let (taken, accept) = parts(Accept { tables: true, policies: false });
    let vault = crate::Vault::open_accepting(taken, accept).unwrap();
    vault.record_check(&Report::default(), accept).await.unwrap();
    drop(vault);
    assert!(House::open(folder).is_ok(), "the last entry names them now");
}

/// The sealed bytes of a row of this kind, in the file itself, with one bit flipped.
fn rot(folder: &Path, kind: Kind) {
    let check = Check::open(ask(folder)).unwrap();
    let mut sealed = Vec::new();
    check
        .store
        .all_rows(&mut |row| {
            if row.kind == kind as u8 {
                sealed = row.sealed;
            }
        })
        .unwrap();
    drop(check);
    let path = folder.join("data").join(store::ROWS_FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let needle = &sealed[sealed.len() - 24..];
    let at = bytes.windows(24).position(|window| window == needle).unwrap();
    bytes[at + 20] ^= 1;
    put(&path, &bytes);
}

/// A rejection whose row rotted must not come undone unsaid.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_right_is_not_lost_unsaid() {
    let house = House::open(stopped().await).unwrap();
    let officer = house.context("officer", model::Role::Officer, None);
    let reject = |study: &str, version| port::putright::Ask::Make {
        act: port::putright::Act::Reject {
            study: crate::testing::uid(study),
            series: None,
            instances: Vec::new(),
            code: model::Rejection::Quality,
        },
        reason: "blurred".to_owned(),
        expect_version: version,
    };
    crate::putright::answer(&house.vault, &officer, reject("1.1", 0)).await.unwrap();
    let folder = house.stop().await;
    rot(folder.path(), Kind::Change);
    let refused = crate::Vault::open(House::parts(folder.path()));
    assert!(matches!(refused, Err(Error::PutRightLost { rows: 1 })), "{:?}", refused.err());
    let accept = Accept { tables: true, policies: false };
    let vault = crate::Vault::open_accepting(House::parts(folder.path()), accept).unwrap();
    vault.record_check(&Report::default(), accept).await.unwrap();
    while std::sync::Arc::strong_count(&vault) > 1 {
        tokio::task::yield_now().await;
    }
    drop(vault);
    // From then on it starts, and the next change does not take the lost one's number.
    let house = House::open(folder).unwrap();
    let officer = house.context("officer", model::Role::Officer, None);
    crate::putright::answer(&house.vault, &officer, reject("1.2", 0)).await.unwrap();
    let changes = crate::vault::lock(&house.vault.righted).changes.clone();
    assert_eq!(changes.keys().copied().collect::<Vec<_>>(), [2]);
    let folder = house.stop().await;
    assert!(House::open(folder).is_ok());
}

/// What she wished hidden does not open: nobody gets her films without it, unless the operator says so.
#[tokio::test(flavor = "multi_thread")]
async fn wishes_are_not_lost_unsaid() {
    let house = House::open(stopped().await).unwrap();
    let officer = house.context("officer", model::Role::Officer, None);
    let wanted = port::archive::Standing {
        holds_for: model::HoldsFor::Related,
        parts: vec![model::RegionKind::Breast],
        shapes: Vec::new(),
    };
    let change = port::archive::Redraw { wanted, drop_others: false, expect_version: 0 };
    crate::masks::wish(&house.vault, &officer, &crate::testing::uid("1.1"), change).await.unwrap();
    let folder = house.stop().await;
    rot(folder.path(), Kind::Wishes);
    let refused = crate::Vault::open(House::parts(folder.path()));
    assert!(matches!(refused, Err(Error::PutRightLost { rows: 1 })), "{:?}", refused.err());
    let accept = Accept { tables: true, policies: false };
    assert!(crate::Vault::open_accepting(House::parts(folder.path()), accept).is_ok());
}

struct Spares(Vec<u8>);

impl Spare for Spares {
    fn bytes(&self, _: Id, _: bool) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }
}

/// A copy that is damaged, or another object's, does not take the place of anything.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_very_object_is_put_back() {
    let folder = stopped().await;
    let (object, whole) = {
        let check = Check::open(ask(folder.path())).unwrap();
        let mut ids = Vec::new();
        check.store.list_objects(false, &mut |_, id| ids.push(id)).unwrap();
        let blob = check.store.object(&check.tenant, ids[0]).unwrap();
        let mut bytes = vec![0; usize::try_from(blob.len()).unwrap()];
        blob.read(0, &mut bytes).unwrap();
        (ids[0], bytes)
    };
    let named = Finding::new(What::Object, format!("object {object}, its digest"));
    let asked = |bytes: Vec<u8>| {
        let mut report = Report { findings: vec![named.clone()], ..Report::default() };
        repair(ask(folder.path()), &mut report, Some(&Spares(bytes))).unwrap();
        report.findings[0].mended
    };
    let mut rotten = whole.clone();
    rotten[100] ^= 1;
    assert!(!asked(rotten), "damaged");
    assert!(!asked(Vec::new()), "nothing");
    assert!(asked(whole), "the very bytes");
    assert_eq!(look(folder.path()).findings, []);
}

/// Killed while a segment is moved: the ledger's files are ahead of the tables, and the log has the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_a_move_is_no_roll_back() {
    let house = House::open(stopped().await).unwrap();
    house.store(facts("1.9", "1.9.1.1", "B"), b"late").await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    for empty in ["blobs", "packs", "spool"] {
        std::fs::create_dir_all(copy.path().join("data").join(empty)).unwrap();
    }
    let all = |from: &Path, part: &str| {
        for path in files(&from.join(part)) {
            let to = copy.path().join(path.strip_prefix(from).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(&path, &to).unwrap();
        }
    };
    all(house.data().parent().unwrap(), "data");
    let folder = house.stop().await;
    all(folder.path(), "data/ledger");
    std::fs::copy(folder.path().join("seen"), copy.path().join("seen")).unwrap();
    let entries = |folder: &Path| Reader::new(&folder.join("data/ledger")).size().unwrap();
    assert_eq!(entries(copy.path()), entries(folder.path()));
    let report = look(copy.path());
    assert_eq!(report.findings, [], "{:?}", words(&report));
    let house = House::open(copy).unwrap();
    assert!(house.vault.instance(&crate::testing::uid("1.9.1.1")).unwrap().is_some());
}
