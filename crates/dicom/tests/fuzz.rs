//! Seeded mutation of everything that reads bytes from outside: no target may panic, whatever it answers. Targets are
//! `fn(&[u8])`, so that another fuzzer can drive them too. Rounds are set for about three seconds a target.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use dicom::dimse::identifier::{Negotiated, Search, Wanted};
use dicom::dimse::{
    Association, EXPLICIT, IMPLICIT, Options, Terms, answer, classes, commitment, dataset, p10_meta,
};
use dicom::recode::Recoder;
use dicom::{Intake, Query, query::Level, read_head, write_head};
use std::io::Read;

/// xorshift64*: the same inputs on every machine and run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Lengths and markers that parsers trip over.
const TOKENS: &[&[u8]] = &[
    &[0xFF, 0xFF, 0xFF, 0xFF],
    &[0xFF, 0xFF, 0xFF, 0x7F],
    &[0, 0, 0, 0],
    &[0xFE, 0xFF, 0x00, 0xE0],
    &[0xFE, 0xFF, 0x0D, 0xE0],
    &[0xFE, 0xFF, 0xDD, 0xE0],
    &[0xE0, 0x7F, 0x10, 0x00],
    b"SQ\0\0",
    b"UN\0\0",
    b"\x1B$)C",
    b"ISO 2022 IR 149",
    b"1.2.840.10008.1.2.1.99",
    b"*?\\-%",
];

fn mutate(random: &mut Random, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= 1 << (at % 8)),
            1 => bytes.truncate(at),
            2 => {
                let token = TOKENS[random.below(TOKENS.len())];
                bytes.iter_mut().skip(at).zip(token).for_each(|(to, from)| *to = *from);
            }
            3 => {
                let from = random.below(other.len());
                let piece: Vec<u8> = other.iter().skip(from).take(random.below(64)).copied().collect();
                bytes.splice(at..at, piece);
            }
            4 => {
                let end = (at + random.below(32)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => bytes.iter_mut().skip(at).take(1).for_each(|b| *b = b.wrapping_add(1)),
        }
    }
    bytes
}

fn drive(name: &str, seeds: &[Vec<u8>], rounds: usize, target: fn(&[u8])) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..rounds {
        let (seed, other) = (&seeds[round % seeds.len()], &seeds[random.below(seeds.len())]);
        target(&mutate(&mut random, seed, other));
    }
    println!("{name}: {rounds} rounds");
}

fn files() -> Vec<Vec<u8>> {
    let packed: &[u8] = include_bytes!("../../../testdata/malformed/corpus.tar.gz");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut bytes = Vec::new();
        entry.unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let mut out: Vec<Vec<u8>> = archive.entries().unwrap().map(read).collect();
    out.retain(|bytes| (140..6000).contains(&bytes.len()));
    out
}

/// Pieces of 1 to 251 bytes, by the input itself.
fn intake(bytes: &[u8]) {
    let mut intake = Intake::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let size = 1 + rest.len() * 31 % 251;
        let (piece, tail) = rest.split_at(size.min(rest.len()));
        if intake.push(piece).is_err() {
            assert!(intake.push(piece).is_err(), "a refusal stands");
            return;
        }
        rest = tail;
    }
    if let Ok(parsed) = intake.finish() {
        assert!(parsed.head.len() <= bytes.len());
    }
}

/// What is written is read again as it was.
fn head(bytes: &[u8]) {
    let Ok(head) = read_head(bytes) else { return };
    let json = dicom::json::from_object(&head.object, Some("/bulk/"));
    assert!(json.is_object());
    if let Ok(written) = write_head(&head) {
        assert!(read_head(&written).is_ok(), "what we write we can read");
    }
}

/// DICOM JSON from outside; what is read is written, and read again.
fn json_text(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    let _ = (
        dicom::json::references(&value),
        dicom::json::native_len(&value),
        dicom::json::inline_pixels(&value),
    );
    let Ok(object) = dicom::json::to_object(&value, &|uri| Some(uri.as_bytes().to_vec())) else { return };
    let again = dicom::json::from_object(&object, None);
    let _ = dicom::xml::from_json(&again);
    let _ = dicom::json::value_at(&object, &String::from_utf8_lossy(bytes));
    if let Ok(head) = dicom::new_head(object, "1.2.840.10008.1.2.1")
        && let Ok(written) = write_head(&head)
    {
        let _ = read_head(&written);
    }
}

/// Both sides of an association read the same bytes.
fn association(bytes: &[u8]) {
    let options = Options { called_ae: None, private_classes: Vec::new(), services: true, max_pdu: 1 << 17 };
    for mut side in
        [Association::accept(options), Association::request(Terms::ours("GAUZE", "MODALITY", 1 << 16))]
    {
        for piece in bytes.chunks(1 + bytes.len() % 61) {
            if side.push(piece).is_err() {
                break;
            }
        }
        assert!(side.output().len() < 1 << 20);
    }
}

/// Whatever reads as an identifier is answered in its shape and character set, and is written so that it reads the same.
fn identifier(bytes: &[u8]) {
    for syntax in [IMPLICIT, EXPLICIT] {
        let Ok(elements) = dataset::read(bytes, syntax) else { continue };
        let _ = Wanted::read(&elements, classes::PATIENT_GET, Negotiated::default());
        let _ = commitment::Commitment::read(&elements);
        let agreed = Negotiated { relational: true, ..Negotiated::default() };
        let Ok(search) = Search::read(elements, classes::PATIENT_FIND, agreed) else { continue };
        let mut found = model::Attributes::new();
        for element in &search.shape {
            found.set(element.tag, element.vr, ["12\u{5c71}^\u{fc}".to_owned()]);
        }
        let written = dataset::write(&answer(&search, &found, "GAUZE"), syntax);
        assert!(dataset::read(&written, syntax).is_ok(), "what we write we can read");
    }
}

/// Recoded there and back again it reads as before.
fn recode(bytes: &[u8]) {
    let meta = p10_meta(bytes).ok().flatten();
    let data = bytes.get(meta.map_or(0, |m| m.end)..).unwrap_or_default();
    let once = |from: &str, to: &str, data: &[u8]| -> Option<Vec<u8>> {
        let mut recoder = Recoder::new(from, to).ok()?;
        let mut out = Vec::new();
        for piece in data.chunks(1 + data.len() % 97) {
            out.extend(recoder.push(piece).ok()?);
        }
        out.extend(recoder.finish().ok()?);
        Some(out)
    };
    for (from, to) in [(IMPLICIT, EXPLICIT), (EXPLICIT, IMPLICIT)] {
        let Some(there) = once(from, to, data) else { continue };
        // A VR that lies about a sequence is lost in implicit VR; what came from there is not.
        let Some(back) = once(to, from, &there) else {
            assert_eq!(from, EXPLICIT, "what we write we can read");
            continue;
        };
        let again = once(from, to, &back).expect("and again");
        assert!(again == there || from == EXPLICIT, "nothing is lost");
    }
}

fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let pairs: Vec<(&str, &str)> = text.split('&').filter_map(|pair| pair.split_once('=')).collect();
    for level in [Level::Study, Level::Series, Level::Instance] {
        let _ = Query::parse(level, pairs.iter().copied());
    }
}

#[test]
fn intake_never_panics() {
    drive("intake", &files(), 40_000, intake);
}

#[test]
fn heads_and_json_never_panic() {
    drive("heads", &files(), 8_000, head);
}

/// An association request, an echo command and a release, by hand from PS3.8 §9.3 and PS3.7 §9.3.5.
#[test]
fn associations_never_panic() {
    let item = |kind: u8, value: &[u8]| [&[kind, 0][..], &(value.len() as u16).to_be_bytes(), value].concat();
    let syntaxes = [item(0x30, b"1.2.840.10008.1.1"), item(0x40, b"1.2.840.10008.1.2")].concat();
    let context = [&[1, 0, 0, 0][..], &syntaxes].concat();
    let mut body = [&[0, 1, 0, 0][..], b"GAUZE           ", b"MODALITY        ", &[0; 32]].concat();
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    body.extend(item(0x20, &context));
    body.extend(item(0x50, &item(0x51, &[0, 0, 64, 0])));
    let request = [&[1, 0][..], &(body.len() as u32).to_be_bytes(), &body].concat();
    let put = |e: u8, hi: u8, v: &[u8]| [&[0, 0, e, hi][..], &(v.len() as u32).to_le_bytes(), v].concat();
    let command =
        [put(2, 0, b"1.2.840.10008.1.1\0"), put(0, 1, &[0x30, 0]), put(0x10, 1, &[7, 0]), put(0, 8, &[1, 1])]
            .concat();
    let value = [&(command.len() as u32 + 2).to_be_bytes()[..], &[1, 3], &command].concat();
    let data = [&[4, 0][..], &(value.len() as u32).to_be_bytes(), &value].concat();
    let release = [5, 0, 0, 0, 0, 4, 0, 0, 0, 0].to_vec();
    let seeds = [request.clone(), [request, data, release].concat()];
    drive("associations", &seeds, 200_000, association);
}

#[test]
fn json_never_panics() {
    let seeds: Vec<Vec<u8>> = [
        r#"{"00080016":{"vr":"UI","Value":["1.2.3"]},"00080018":{"vr":"UI","Value":["1.2.4"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]}}"#,
        r#"{"00080018":{"vr":"UI","Value":["1.2"]},"00081140":{"vr":"SQ","Value":[{"00091001":{"vr":"UN","InlineBinary":"AAEC"}},null]},"00209165":{"vr":"AT","Value":["00280010"]}}"#,
        r#"{"00280010":{"vr":"US","Value":[512]},"00280008":{"vr":"IS","Value":["2"]},"00181050":{"vr":"DS","Value":[0.5]},"7FE00010":{"vr":"OW","BulkDataURI":"x"}}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    drive("json", &seeds, 60_000, json_text);
}

#[test]
fn queries_never_panic() {
    let seeds: Vec<Vec<u8>> = [
        "PatientName=Do*&StudyDate=20200101-20201231&includefield=all&limit=10&offset=3&fuzzymatching=true",
        "00100010=^&0020000D=1.2.3,1.2.4&StudyTime=0700-&includefield=00080060,StudyDescription",
        "PatientID=\\\u{6d4b}\u{8bd5}&ModalitiesInStudy=CT\\MR&AccessionNumber=A?1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    drive("queries", &seeds, 200_000, query);
}

#[test]
fn identifiers_never_panic() {
    let element = |tag: u32, value: &[u8]| {
        let [a, b, c, d] = tag.to_be_bytes();
        [&[b, a, d, c][..], &(value.len() as u32).to_le_bytes(), value].concat()
    };
    let seed = [
        element(0x0008_0005, b"\\ISO 2022 IR 87\\ISO 2022 IR 149 "),
        element(0x0008_0020, b"20200101-20201231 "),
        element(0x0008_0052, b"PATIENT "),
        element(0x0008_1032, &[0xFE, 0xFF, 0, 0xE0, 0x0A, 0, 0, 0, 8, 0, 0, 1, 2, 0, 0, 0, b'X', b'Y']),
        element(0x0010_0010, b"*=\x1B$B;3ED\x1B(B^*"),
        element(0x0010_0020, b"GZ-1"),
        element(0x0028_0010, &[0, 2]),
    ];
    let reference = [element(0x0008_1150, b"1.2\0"), element(0x0008_1155, b"1.3\0")].concat();
    let item = [&[0xFE, 0xFF, 0, 0xE0][..], &(reference.len() as u32).to_le_bytes(), &reference].concat();
    let commitment = [element(0x0008_1195, b"1.9\0"), element(0x0008_1199, &item)].concat();
    drive("identifiers", &[seed.concat(), commitment], 100_000, identifier);
}

#[test]
fn recoding_never_panics() {
    drive("recoding", &files(), 20_000, recode);
}
