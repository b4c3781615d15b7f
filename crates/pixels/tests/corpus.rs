//! Hostile files through the head, every plan: refused or written so that they can be read, never a panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use dicom::{Intake, Parsed, read_head};
use model::tags;
use port::pixels::{HeadForm, HeadLease, WordsPlan};
use std::io::Read;

fn corpus() -> Vec<(String, Vec<u8>)> {
    let packed: &[u8] = include_bytes!("../../../testdata/malformed/corpus.tar.gz");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let (name, mut bytes) = (entry.path().unwrap().display().to_string(), Vec::new());
        entry.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

fn parse(bytes: &[u8]) -> Option<Parsed> {
    let mut intake = Intake::new();
    intake.push(bytes).ok()?;
    intake.finish().ok()
}

fn plans(parsed: &Parsed) -> Vec<HeadLease> {
    let plan = |pseudonymous: bool, masked, json| HeadLease {
        words: if pseudonymous { WordsPlan::Pseudonymous { project_key: [5; 32] } } else { WordsPlan::Full },
        masked,
        form: if json { HeadForm::Json { bulk: "/bulk/".to_owned(), pixels: None } } else { HeadForm::File },
        image: parsed.facts.image.clone(),
        sop_uid: parsed.facts.sop_uid.clone(),
        derived_uid: "2.25.7".parse().ok(),
        corrections: None,
    };
    [(false, false, true), (false, true, true), (false, true, false), (true, true, true), (true, true, false)]
        .map(|(words, masked, json)| plan(words, masked, json))
        .into()
}

#[test]
fn hostile_heads_are_refused_or_come_out_readable() {
    let (mut written, mut refused) = (0, 0);
    for (name, bytes) in corpus() {
        let Some(parsed) = parse(&bytes) else { continue };
        for lease in plans(&parsed) {
            let Ok((_, out)) = pixels::head(&lease, &parsed.head) else {
                refused += 1;
                continue;
            };
            written += 1;
            if matches!(lease.form, HeadForm::Json { .. }) {
                assert!(serde_json::from_slice::<serde_json::Value>(&out).unwrap().is_object(), "{name}");
                continue;
            }
            // What we write, our own strict reader takes.
            let end = out.len() - 12;
            let again = read_head(&out[..end]).unwrap_or_else(|e| panic!("{name}: {e}"));
            let uid = again.object.get(dicom::json::tag(tags::SOP_INSTANCE_UID)).unwrap().to_str().unwrap();
            assert_eq!(uid.trim_end_matches('\0'), "2.25.7", "{name}");
            if matches!(lease.words, WordsPlan::Pseudonymous { .. }) {
                let patient = parsed.facts.patient.first(tags::PATIENT_NAME).as_bytes();
                let long = patient.len() >= 5 && !b"REMOVED".windows(5).any(|w| patient.starts_with(w));
                assert!(!long || !out.windows(patient.len()).any(|w| w == patient), "{name}: name");
            }
        }
    }
    println!("{written} written, {refused} refused");
    assert!(written > 500, "{written}");
}

/// Seeded mutations of heads: about three seconds.
#[test]
fn mutated_heads_never_panic() {
    let seeds: Vec<Parsed> =
        corpus().iter().filter_map(|(_, bytes)| parse(bytes)).filter(|p| p.head.len() < 4000).collect();
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..8_000 {
        let parsed = &seeds[round % seeds.len()];
        let mut bytes = parsed.head.clone();
        for _ in 0..1 + next(3) {
            let at = 132 + next(bytes.len() - 132);
            bytes[at] = next(256) as u8;
        }
        let leases = plans(parsed);
        let _ = pixels::head(&leases[next(leases.len())], &bytes);
    }
}
