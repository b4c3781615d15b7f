//! Hostile and valid files: every one is parsed or refused with a code, never a panic.

use dicom::{Error, Intake, Parsed, read_head, write_head};
use std::io::Read;
use std::path::Path;

fn parse(bytes: &[u8]) -> Result<Parsed, Error> {
    let mut intake = Intake::new();
    for part in bytes.chunks(4099) {
        intake.push(part)?;
    }
    intake.finish()
}

/// Parses, reads with dicom-rs, writes, and parses what was written.
fn whole(bytes: &[u8]) -> Result<Parsed, Error> {
    let parsed = parse(bytes)?;
    let head = read_head(&parsed.head)?;
    let written = write_head(&head)?;
    let again = parse(&written)?;
    assert_eq!(again.facts.sop_uid, parsed.facts.sop_uid);
    let _ = dicom::json::from_object(&head.object, &|_| None);
    Ok(parsed)
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let packed: &[u8] = include_bytes!("../testdata/malformed.tar.gz");
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

#[test]
fn malformed_files_are_parsed_or_refused() {
    let files = corpus();
    assert!(files.len() >= 380, "{}", files.len());
    let mut refused = std::collections::BTreeMap::new();
    for (name, bytes) in &files {
        let code = whole(bytes).map_or_else(|e| e.refusal().code, |_| "parsed");
        println!("{name} {code}");
        *refused.entry(code).or_insert(0) += 1;
    }
    println!("{refused:?}");
}

#[test]
fn mutations_never_panic() {
    let seeds: Vec<Vec<u8>> =
        corpus().into_iter().map(|f| f.1).filter(|b| (300..4000).contains(&b.len())).take(40).collect();
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..1 + next() % 4 {
            let at = 128 + next() % (bytes.len() - 128);
            bytes[at] = next() as u8;
        }
        let _ = whole(&bytes);
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
