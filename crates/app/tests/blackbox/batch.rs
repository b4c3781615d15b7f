//! Commands on files, without an archive.

use crate::run::{film_in, gauze, text, write};
use serde_json::Value;

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

#[test]
fn deidentify_leaves_no_word_and_links_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), folder.path().join("out"));
    std::fs::create_dir(&input).unwrap();
    film_in(&input, "anna-chest.dcm");
    film_in(&input, "anna-chest-2024.dcm");
    let key = folder.path().join("project.key");
    let arguments =
        ["deidentify", text(&input), text(&out), "--profile", "basic", "--project-key", text(&key)];
    gauze(&arguments).ends_with(0);
    assert_eq!(std::fs::read(&key).unwrap().len(), 32);
    let made: Vec<_> = (1..=2).map(|n| std::fs::read(out.join(format!("{n:06}.dcm"))).unwrap()).collect();
    for bytes in &made {
        assert_eq!(&bytes[128..132], b"DICM");
        for word in ["Probe", "安娜", "GZ-1001", "19780512", "A-2601", "20261120", "Gauze Demo Hospital"] {
            assert!(!contains(bytes, word), "{word}");
        }
    }
    let name = folder.path().join("one.dcm");
    let film = input.join("anna-chest.dcm");
    gauze(&["deidentify", text(&film), text(&name), "--profile", "basic", "--project-key", text(&key)])
        .ends_with(0);
    let again = std::fs::read(&name).unwrap();
    // Files are taken in order of their names: the later film is the second one.
    assert_eq!(head(&again), head(&made[1]), "the same key gives the same pseudonyms");
}

/// Up to the pixel data: the mosaic's noise differs from run to run.
fn head(bytes: &[u8]) -> &[u8] {
    let at = bytes.windows(4).position(|w| w == [0xE0, 0x7F, 0x10, 0x00]).unwrap();
    &bytes[..at]
}
