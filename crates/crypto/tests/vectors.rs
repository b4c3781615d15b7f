//! Sealed objects, rows, wraps and names against vectors that were made from docs/formats without this code
//! (testdata/formats/make.py).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use crypto::seal::{FOOTER, HEADER, Opener, Sealer};
use crypto::{Error, Key, Ladder, PatientKey, Random, row, seal};
use model::{FrameSpan, Id};
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../testdata/formats/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().as_bytes();
    text.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

/// The nonce of the vectors: 100, 101 …
struct Fixed;

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        out.iter_mut().zip(100..).for_each(|(to, from)| *to = from);
        Ok(())
    }
}

fn plain() -> Vec<u8> {
    (0..66_000u32).map(|i| (i * 31 % 251) as u8).collect()
}

fn file() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats/sealed-object.bin")).unwrap()
}

fn open(v: &Value, file: &[u8]) -> Result<Vec<u8>, Error> {
    let footer = file.get(file.len().saturating_sub(FOOTER)..).unwrap();
    let span = Opener::trailer_span(file.len() as u64, footer)?;
    let trailer = file[span.start as usize..span.end as usize].to_vec();
    let (key, object) = (Key::from_bytes(array(&v["key"])), Id(array(&v["object"])));
    let header = file.get(..HEADER).ok_or(Error::Broken)?;
    let opener = Opener::new(&key, ("main", object), header, trailer, file.len() as u64)?;
    let frames: Vec<Vec<[u64; 2]>> = serde_json::from_value(v["frames"].clone()).unwrap();
    let found: Vec<Vec<[u64; 2]>> =
        opener.trailer().frames.iter().map(|f| f.iter().map(|s| [s.offset, s.len]).collect()).collect();
    assert_eq!(found, frames);
    assert_eq!(opener.trailer().head_len, v["head_len"].as_u64().unwrap());
    assert_eq!(opener.trailer().digest.to_vec(), hex(&v["sha256"]));
    let mut out = Vec::new();
    for number in opener.chunks(&(0..opener.trailer().len))? {
        let span = opener.chunk_span(number);
        let mut chunk = file[span.start as usize..span.end as usize].to_vec();
        let len = opener.open_chunk(number, &mut chunk)?;
        out.extend_from_slice(&chunk[..len]);
    }
    Ok(out)
}

#[test]
fn a_sealed_object_is_the_same_byte_for_byte() {
    let v = vectors("sealed-object.json");
    assert_eq!(open(&v, &file()).unwrap(), plain());
    let mut out = Vec::new();
    let (key, object) = (Key::from_bytes(array(&v["key"])), Id(array(&v["object"])));
    let mut sealer = Sealer::new(&key, "main", object, &mut out).unwrap();
    plain().chunks(997).for_each(|piece| sealer.push(piece, &mut out).unwrap());
    let frames: Vec<Vec<[u64; 2]>> = serde_json::from_value(v["frames"].clone()).unwrap();
    let span = |s: &[u64; 2]| FrameSpan { offset: s[0], len: s[1] };
    let frames = frames.iter().map(|f| f.iter().map(span).collect()).collect();
    sealer.finish(300, frames, &mut out).unwrap();
    assert!(out == file(), "sealing gives the vector's bytes");
    assert_eq!(seal::sidecar_key(&key, object).unwrap().dangerous_expose().to_vec(), hex(&v["sidecar_key"]));
    assert_eq!(seal::noise_key(&key, object).unwrap().dangerous_expose().to_vec(), hex(&v["noise_key"]));
}

#[test]
fn changed_objects_are_refused() {
    let (v, file) = (vectors("sealed-object.json"), file());
    let refused = v["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 15);
    for edit in refused {
        let mut changed = file.clone();
        changed[edit["at"].as_u64().unwrap() as usize] ^= edit["xor"].as_u64().unwrap() as u8;
        assert!(open(&v, &changed).is_err(), "{}", edit["name"]);
    }
    for cut in [0, FOOTER, HEADER, file.len() / 2, file.len() - 1] {
        assert!(cut < FOOTER || open(&v, &file[..cut]).is_err(), "cut to {cut}");
    }
}

fn ladder(v: &Value) -> Ladder {
    Ladder::new(&Key::from_bytes(array(&v["root"]))).unwrap()
}

#[test]
fn names_rows_and_tokens() {
    let v = vectors("ladder.json");
    let ladder = ladder(&v);
    let parts: Vec<Vec<u8>> = v["name"]["parts"].as_array().unwrap().iter().map(hex).collect();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let name = ladder.name(v["name"]["kind"].as_str().unwrap(), &parts);
    assert_eq!(name.to_vec(), hex(&v["name"]["is"]));
    let key = ladder.row_key(&name).unwrap();
    assert_eq!(key.dangerous_expose().to_vec(), hex(&v["row_key"]));
    for one in v["rows"].as_array().unwrap() {
        let place: Vec<Vec<u8>> = one["place"].as_array().unwrap().iter().map(hex).collect();
        let place: Vec<&[u8]> = place.iter().map(Vec::as_slice).collect();
        let (plain, sealed) = (hex(&one["plain"]), hex(&one["sealed"]));
        assert_eq!(row::seal(&key, &Fixed, &place, &plain).unwrap(), sealed);
        assert_eq!(row::open(&key, &place, &sealed).unwrap(), plain);
        let newer = [&[2], &sealed[1..]].concat();
        assert!(row::open(&key, &place, &newer).is_err() && row::open(&key, &place[..2], &sealed).is_err());
    }
    let token = &v["token"];
    assert_eq!(ladder.token_hash(token["text"].as_str().unwrap()).to_vec(), hex(&token["hash"]));
    let project = ladder.project_key("main", "default").unwrap();
    assert_eq!(project.dangerous_expose().to_vec(), hex(&v["project_key"]));
    assert_eq!(ladder.signing_key().unwrap().public().to_vec(), hex(&v["signing_public"]));
}

#[test]
fn wraps() {
    let v = vectors("ladder.json");
    let (ladder, key) = (ladder(&v), Key::from_bytes([9; 32]));
    let patient: [u8; 16] = array(&v["object_wrap"]["patient"]);
    let sealed = hex(&v["wrap"]["sealed"]);
    assert_eq!(ladder.wrap(&Fixed, &[&patient], &key).unwrap(), sealed);
    assert_eq!(ladder.unwrap(&[&patient], &sealed).unwrap().dangerous_expose(), &[9; 32]);
    assert!(ladder.unwrap(&[&[3; 16]], &sealed).is_err());
    let object = array(&v["object_wrap"]["object"]);
    let place = ("main", &patient, &object);
    let hers = PatientKey::new(Key::from_bytes(array(&v["object_wrap"]["patient_key"])));
    let sealed = hex(&v["object_wrap"]["sealed"]);
    assert_eq!(hers.wrap(&Fixed, place, &key).unwrap(), sealed);
    assert_eq!(hers.unwrap(place, &sealed).unwrap().dangerous_expose(), &[9; 32]);
    assert!(hers.unwrap(("main", &[0; 16], &object), &sealed).is_err());
}

/// The seal of a ledger's body (docs/formats/ledger.md).
#[test]
fn ledger_bodies_open() {
    let v = vectors("ledger.json");
    let (key, name) = (Key::from_bytes(array(&v["body_key"])), hex(&v["body_key_name"]));
    for (index, entry) in (0u64..).zip(v["entries"].as_array().unwrap()) {
        let sealed = hex(&entry["sealed"]);
        assert!(sealed[0] == 1 && sealed[1..33] == name[..]);
        let context = |index: u64| [b"gauze/1/ledger-body\0", &name[..], &index.to_be_bytes()].concat();
        let plain = crypto::aead::open(&key, &context(index), &sealed[33..]).unwrap();
        assert_eq!(plain, [hex(&v["salt"]), hex(&entry["body"])].concat());
        assert!(crypto::aead::open(&key, &context(index + 1), &sealed[33..]).is_err(), "another place");
    }
}
