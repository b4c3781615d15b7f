//! Commands on files, without an archive.

use crate::run::{Said, film_in, gauze, text, write};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|w| w == word.as_bytes())
}

#[test]
fn inspect_says_what_the_contract_names() {
    let folder = tempfile::tempdir().unwrap();
    let film = film_in(folder.path(), "anna-chest.dcm");
    let said = gauze(&["inspect", text(&film), "--json"]).ends_with(0);
    let line = lines(&said.out).remove(0);
    assert_eq!(line["file"], text(&film));
    assert_eq!((&line["ok"], &line["error"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(line["sop_class"], "1.2.840.10008.5.1.4.1.1.1.1");
    assert_eq!(line["modality"], "DX");
    assert!((1..=5).contains(&line["level"].as_u64().unwrap()));
    let regions = line["regions"].as_array().unwrap();
    let kinds: Vec<&str> = regions.iter().map(|r| r["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"text") && kinds.len() > 1, "name and number are burned in: {kinds:?}");
    for region in regions {
        assert!(!region["source"].as_str().unwrap().is_empty());
        assert!(region["frame"].is_null() || region["frame"].is_u64());
        assert!((0.0..=1.0).contains(&region["confidence"].as_f64().unwrap()));
        let polygon = region["polygon"].as_array().unwrap();
        assert!(polygon.len() >= 3 && polygon.iter().all(|p| p.as_array().is_some_and(|p| p.len() == 2)));
    }
}

#[test]
fn inspect_goes_on_after_a_bad_file() {
    let folder = tempfile::tempdir().unwrap();
    film_in(folder.path(), "anna-chest.dcm");
    write(&folder.path().join("a.dcm"), b"nothing", 0o644);
    let said = gauze(&["inspect", text(folder.path()), "--json"]).ends_with(1);
    let lines = lines(&said.out);
    let ok: Vec<bool> = lines.iter().map(|l| l["ok"].as_bool().unwrap()).collect();
    assert_eq!(ok, [false, true]);
    assert!(lines[0]["error"].is_string() && lines[0]["regions"] == serde_json::json!([]));
}

#[test]
fn render_writes_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let film = film_in(folder.path(), "anna-chest.dcm");
    let mut pictures = Vec::new();
    for visibility in ["masked", "clear"] {
        let out = folder.path().join(visibility);
        gauze(&["render", text(&film), text(&out), "--visibility", visibility]).ends_with(0);
        let bytes = std::fs::read(&out).unwrap();
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
        // IHDR: width and height (PNG §11.2.2).
        assert_eq!(bytes[16..24], [512u32.to_be_bytes(), 479u32.to_be_bytes()].concat());
        pictures.push(bytes);
    }
    assert_ne!(pictures[0], pictures[1]);
    let out = folder.path().join("second");
    gauze(&["render", text(&film), text(&out), "--visibility", "masked", "--frame", "2"]).ends_with(1);
}

/// A folder of films to de-identify, and what is beside it.
struct Set {
    folder: tempfile::TempDir,
}

impl Set {
    fn of(films: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let set = Self { folder };
        films.iter().for_each(|film| drop(film_in(&set.path("in"), film)));
        set
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, more: &[&str]) -> Said {
        self.run_into("out", more)
    }

    fn run_into(&self, out: &str, more: &[&str]) -> Said {
        let (input, out, key) = (self.path("in"), self.path(out), self.path("project.key"));
        let fixed =
            ["deidentify", text(&input), text(&out), "--profile", "basic", "--project-key", text(&key)];
        gauze(&[&fixed[..], more].concat())
    }

    fn outputs(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())
        };
        std::fs::read_dir(self.path(folder)).unwrap().map(read).collect()
    }
}

const DONE: &[&str] = &["made", "earlier", "same", "refused", "left"];

/// Numbers of the line that says what was done of the inputs.
fn counts(said: &Said) -> Vec<u64> {
    let line = said.out.lines().next().unwrap();
    let numbers: Vec<u64> =
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    assert_eq!(numbers.len(), DONE.len(), "{line}");
    numbers
}

#[test]
fn deidentify_leaves_no_word_and_links_by_key() {
    let set = Set::of(&["anna-chest.dcm", "anna-chest-2024.dcm"]);
    set.run(&[]).ends_with(0);
    assert_eq!(std::fs::read(set.path("project.key")).unwrap().len(), 32);
    let made = set.outputs("out");
    assert_eq!(made.len(), 2);
    for (name, bytes) in &made {
        assert_eq!(&bytes[128..132], b"DICM");
        for word in ["Probe", "安娜", "GZ-1001", "19780512", "A-2601", "20261120", "Gauze Demo Hospital"] {
            assert!(!contains(bytes, word), "{word}");
        }
        let uid = name.strip_suffix(".dcm").unwrap();
        assert!(uid.starts_with("2.25.") && contains(bytes, uid), "named by its own SOP Instance UID");
    }
    let (film, one, key) =
        (set.path("in").join("anna-chest.dcm"), set.path("one.dcm"), set.path("project.key"));
    gauze(&["deidentify", text(&film), text(&one), "--profile", "basic", "--project-key", text(&key)])
        .ends_with(0);
    let again = std::fs::read(&one).unwrap();
    assert!(made.values().any(|bytes| *bytes == again), "the same key gives the same bytes");
    let without = set.path("other.dcm");
    gauze(&["deidentify", text(&film), text(&without), "--profile", "basic"]).ends_with(0);
    assert_ne!(std::fs::read(&without).unwrap(), again);
}

#[test]
fn deidentify_goes_on_by_content_and_skips_nothing() {
    let set = Set::of(&["anna-chest.dcm", "max-chest.dcm"]);
    assert_eq!(counts(&set.run(&[]).ends_with(0)), [2, 0, 0, 0, 0]);
    let first = set.outputs("out");
    // A file that sorts before the others, a copy of one, and what is no film.
    let added = film_in(&set.path("in"), "anna-chest-2024.dcm");
    std::fs::rename(&added, set.path("in").join("0")).unwrap();
    std::fs::copy(set.path("in").join("max-chest.dcm"), set.path("in").join("1")).unwrap();
    std::fs::create_dir(set.path("in").join("Probe^Anna")).unwrap();
    write(&set.path("in").join("Probe^Anna/read.me"), b"nothing", 0o644);
    let list = set.path("refused.csv");
    let said = set.run(&["--errors", text(&list)]).ends_with(1);
    assert_eq!(counts(&said), [1, 2, 1, 1, 0]);
    let csv = std::fs::read_to_string(&list).unwrap();
    assert!(csv.lines().count() == 2 && csv.contains("read.me") && csv.contains("not-dicom"), "{csv}");
    std::fs::remove_file(set.path("in").join("Probe^Anna/read.me")).unwrap();
    let second = set.outputs("out");
    assert_eq!(second.len(), 3);
    assert!(
        first.iter().all(|(name, bytes)| second.get(name) == Some(bytes)),
        "what was done stays as it was"
    );
    assert!(second.keys().all(|name| !name.contains("anna") && !name.contains("Probe")));
    // Removed: its output is told of. An output that somebody changed or cut is made again.
    std::fs::remove_file(set.path("in").join("0")).unwrap();
    let (name, bytes) = first.iter().next().unwrap();
    std::fs::File::create(set.path("out").join(name)).unwrap().write_all(&bytes[..bytes.len() / 2]).unwrap();
    write(&set.path("out").join("2.25.1.dcm.part"), b"half", 0o644);
    assert_eq!(counts(&set.run(&[]).ends_with(0)), [1, 1, 1, 0, 1]);
    assert_eq!(set.outputs("out"), second);
    assert_eq!(counts(&set.run(&["--again"]).ends_with(0)), [2, 0, 1, 0, 1]);
    assert_eq!(set.outputs("out"), second);
}

#[test]
fn deidentify_does_a_changed_file_again_and_loses_none_of_one_instance() {
    let set = Set::of(&["anna-chest.dcm"]);
    set.run(&[]).ends_with(0);
    let first = set.outputs("out");
    // The last sample of the film: other content of the same instance.
    let film = set.path("in").join("anna-chest.dcm");
    let mut changed = std::fs::read(&film).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    let beside = set.path("in").join("a-copy");
    write(&beside, &changed, 0o644);
    let said = set.run(&[]).ends_with(1);
    assert_eq!(counts(&said), [0, 1, 0, 1, 0]);
    assert!(said.err.contains("a-copy") && said.err.contains("other content"), "{}", said.err);
    assert_eq!(set.outputs("out"), first, "the output stays that of the film that it was made of");
    std::fs::remove_file(&beside).unwrap();
    std::fs::File::create(&film).unwrap().write_all(&changed).unwrap();
    assert_eq!(counts(&set.run(&[]).ends_with(0)), [1, 0, 0, 0, 0]);
    assert_eq!(set.outputs("out").into_keys().collect::<Vec<_>>(), first.into_keys().collect::<Vec<_>>());
    assert_eq!(counts(&set.run(&[]).ends_with(0)), [0, 1, 0, 0, 0]);
}

#[test]
fn deidentify_killed_at_any_time_goes_on() {
    let films = ["anna-chest.dcm", "anna-chest-2024.dcm", "max-chest.dcm"];
    let set = Set::of(&films);
    set.run_into("whole", &[]).ends_with(0);
    let whole = set.outputs("whole");
    for milliseconds in [30, 150, 400, 900, 1600] {
        let out = format!("killed-{milliseconds}");
        let (input, folder, key) = (set.path("in"), set.path(&out), set.path("project.key"));
        let arguments =
            ["deidentify", text(&input), text(&folder), "--profile", "basic", "--project-key", text(&key)];
        let mut child = Command::new(env!("CARGO_BIN_EXE_gauze")).args(arguments).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = set.run_into(&out, &[]).ends_with(0);
        assert_eq!(counts(&said)[..2].iter().sum::<u64>(), 3);
        assert_eq!(set.outputs(&out), whole, "{milliseconds}");
    }
}

#[test]
fn deidentify_mixes_no_keys_and_hands_none_out() {
    let set = Set::of(&["anna-chest.dcm"]);
    let (input, out, inside) = (set.path("in"), set.path("out"), set.path("out/project.key"));
    let basic = ["deidentify", text(&input), text(&out), "--profile", "basic"];
    let with = |more: &[&str], status| gauze(&[&basic[..], more].concat()).ends_with(status);
    std::fs::create_dir(&out).unwrap();
    for flag in ["--project-key", "--errors", "--report"] {
        let said = with(&[flag, text(&inside)], 2);
        assert!(said.err.contains("handed out"), "{}", said.err);
        assert!(!inside.exists());
    }
    with(&[], 0);
    let said = with(&[], 1);
    assert!(said.err.contains("--project-key"), "{}", said.err);
    let said = set.run(&[]).ends_with(1);
    assert!(said.err.contains("not made with this project key"), "{}", said.err);
    set.run_into("mine", &[]).ends_with(0);
    let other = set.path("other.key");
    let mine = set.path("mine");
    let said = gauze(&[
        "deidentify",
        text(&input),
        text(&mine),
        "--profile",
        "basic",
        "--project-key",
        text(&other),
    ]);
    assert!(said.ends_with(1).err.contains("not made with this project key"));
    let below = set.path("in/out");
    gauze(&["deidentify", text(&input), text(&below), "--profile", "basic"]).ends_with(2);
    for (bytes, mode) in [(&[7u8; 32][..], 0o644), (&[7u8; 31][..], 0o600), (&[7u8; 33][..], 0o600)] {
        let bad = set.path("bad.key");
        write(&bad, bytes, mode);
        let fresh = set.path("fresh");
        let said = gauze(&[
            "deidentify",
            text(&input),
            text(&fresh),
            "--profile",
            "basic",
            "--project-key",
            text(&bad),
        ]);
        assert!(said.ends_with(1).err.contains("mode 0600"));
        std::fs::remove_file(&bad).unwrap();
    }
}

#[test]
fn deidentify_reports_each_attribute_without_a_value() {
    let set = Set::of(&["anna-chest.dcm"]);
    let report = set.path("report.jsonl");
    let said =
        set.run(&["--report", text(&report), "--option", "retain-patient-characteristics"]).ends_with(0);
    let told = std::fs::read_to_string(&report).unwrap();
    let output = set.outputs("out").into_keys().next().unwrap();
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |path: &str| lines.iter().find(|line| line["path"] == path).unwrap();
    assert!(lines.iter().all(|line| line["output"] == output.trim_end_matches(".dcm")));
    for (path, keyword, action, option) in [
        ("00100010", "PatientName", "replaced", Value::Null),
        ("00100030", "PatientBirthDate", "emptied", Value::Null),
        ("00100040", "PatientSex", "kept", Value::from("retain-patient-characteristics")),
        ("0020000D", "StudyInstanceUID", "uid", Value::Null),
        ("00280010", "Rows", "kept", Value::Null),
    ] {
        let line = of(path);
        assert_eq!((line["keyword"].as_str(), &line["option"]), (Some(keyword), &option), "{line}");
        assert!(line["action"] == action || path == "00100010", "{line}");
    }
    for word in ["Probe", "GZ-1001", "19780512"] {
        assert!(!told.contains(word), "{word}");
    }
    let sums: u64 = lines.iter().map(|line| line["count"].as_u64().unwrap()).sum();
    let said: u64 =
        said.out.lines().nth(1).unwrap().split(' ').filter_map(|word| word.parse::<u64>().ok()).sum();
    assert_eq!(sums, said);
    let both = ["--again", "--option", "retain-full-dates", "--option", "retain-modified-dates"];
    set.run(&both).ends_with(2);
    set.run(&["--option", "retain-everything"]).ends_with(2);
}
