//! Hostile and valid files: every one is parsed or refused with a code, never a panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use dicom::{Error, Intake, Parsed, read_head, write_head};
use std::io::Read;
use std::path::Path;

/// Pushes pieces of seeded sizes from one byte to a few thousand.
fn parse_in_pieces(bytes: &[u8], mut seed: u64) -> Result<Parsed, Error> {
    let mut intake = Intake::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = 1 + (seed >> 33) as usize % if seed.is_multiple_of(3) { 16 } else { 5000 };
        let (piece, tail) = rest.split_at(size.min(rest.len()));
        intake.push(piece)?;
        rest = tail;
    }
    intake.finish()
}

fn parse(bytes: &[u8]) -> Result<Parsed, Error> {
    parse_in_pieces(bytes, 1)
}

/// Parses, reads with dicom-rs, writes, and parses what was written.
fn whole(bytes: &[u8]) -> Result<Parsed, Error> {
    let parsed = parse(bytes)?;
    let head = read_head(&parsed.head)?;
    let written = write_head(&head)?;
    let again = parse(&written)?;
    assert_eq!(again.facts.sop_uid, parsed.facts.sop_uid);
    let _ = dicom::json::from_object(&head.object, Some("/bulk/"));
    Ok(parsed)
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let packed: &[u8] = include_bytes!("../../../testdata/malformed/corpus.tar.gz");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        let name = entry.path().unwrap().display().to_string();
        entry.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

/// Class of answer a file: testdata/malformed/expected.txt. A golden table: it says what changed, not what is right.
#[test]
fn malformed_files_are_parsed_or_refused() {
    let files = corpus();
    let expected = include_str!("../../../testdata/malformed/expected.txt");
    let expected: std::collections::BTreeMap<&str, &str> =
        expected.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(' ')).collect();
    let mut wrong = Vec::new();
    for (name, bytes) in &files {
        let code = whole(bytes).map_or_else(|e| e.refusal().code, |_| "parsed");
        for seed in 2..5 {
            let again = parse_in_pieces(bytes, seed).map(|p| p.facts);
            assert_eq!(again, parse(bytes).map(|p| p.facts), "{name}: pieces change the answer");
        }
        if expected.get(name.as_str()) != Some(&code) {
            wrong.push(format!("{name} {code}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((files.len(), expected.len()), (400, 400));
    #[cfg(target_os = "linux")]
    assert!(peak_mib() < 256, "{} MiB", peak_mib());
}

/// Peak resident memory of this process: files that claim gigabytes get none.
#[cfg(target_os = "linux")]
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

/// What the corpus itself calls valid, or at a bound and not above it, is taken.
#[test]
fn valid_ones_among_them_pass() {
    let names = ["BASELINE_valid", "exact_max"];
    let valid: Vec<_> = corpus().into_iter().filter(|(n, _)| names.iter().any(|v| n.contains(v))).collect();
    assert!(valid.len() > 5);
    for (name, bytes) in valid {
        let result = whole(&bytes).map(|_| ());
        assert!(result.is_ok(), "{name}: {result:?}");
    }
}

fn each(dir: &Path, seen: &mut dyn FnMut(&Path, Result<Parsed, Error>)) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each(&path, seen);
        } else if path.extension().is_some_and(|e| e == "dcm") {
            seen(&path, whole(&std::fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn valid_files_parse() {
    let mut bad = Vec::new();
    each(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dicom"), &mut |path, result| {
        if let Err(error) = result {
            bad.push((path.to_owned(), error));
        }
    });
    assert!(bad.is_empty(), "{bad:?}");
}

/// A folder of one's own: `GAUZE_DICOM_DIR=… cargo test -- --ignored --nocapture`.
#[test]
#[ignore = "needs a folder of files"]
fn a_folder_of_files() {
    let Some(dir) = std::env::var_os("GAUZE_DICOM_DIR") else { return };
    let (mut good, mut bad) = (0, 0);
    each(Path::new(&dir), &mut |path, result| match result {
        Ok(parsed) => {
            good += 1;
            println!(
                "{} {:?} {}",
                path.display(),
                parsed.facts.patient.first(0x0010_0010),
                parsed.facts.frames.len()
            );
        }
        Err(error) => {
            bad += 1;
            println!("REFUSED {} {error:?}", path.display());
        }
    });
    println!("good {good} bad {bad}");
}
