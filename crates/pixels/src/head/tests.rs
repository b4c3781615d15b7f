//! Demo films through the head: what leaves names nobody, and is what the standard says of derived objects.

use super::*;
use dicom::{Intake, Parsed};
use model::Photometric;
use port::Code;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

const KEY: [u8; 32] = [3; 32];

fn demo() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/demo")
}

fn films() -> Vec<(String, Vec<u8>)> {
    let packed = std::fs::File::open(demo().join("films.tar.gz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let (name, mut bytes) = (entry.path().unwrap().display().to_string(), Vec::new());
        entry.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

fn parse(bytes: &[u8]) -> Parsed {
    let mut intake = Intake::new();
    intake.push(bytes).unwrap();
    intake.finish().unwrap()
}

fn lease(parsed: &Parsed, words: WordsPlan, masked: bool, json: bool) -> HeadLease {
    HeadLease {
        words,
        masked,
        form: if json { HeadForm::Json { bulk: "/bulk/".to_owned(), pixels: None } } else { HeadForm::File },
        image: parsed.facts.image.clone(),
        sop_uid: parsed.facts.sop_uid.clone(),
        derived_uid: "2.25.424242".parse().ok(),
        corrections: None,
    }
}

fn pseudonymous() -> WordsPlan {
    WordsPlan::Pseudonymous { project_key: KEY }
}

/// The film's own line of films.toml: names, number, dates, accession.
fn invented(name: &str) -> BTreeSet<String> {
    let table: toml::Table = std::fs::read_to_string(demo().join("films.toml")).unwrap().parse().unwrap();
    let of = |list: &str, key: &str, value: &str| {
        let rows = table[list].as_array().unwrap();
        rows.iter().find(|r| r[key].as_str() == Some(value)).unwrap().clone()
    };
    let film = of("film", "file", name);
    let patient = of("patient", "id", film["patient"].as_str().unwrap());
    let mut out = BTreeSet::new();
    for text in ["name", "id", "birth"]
        .map(|k| &patient[k])
        .into_iter()
        .chain(["accession", "date", "time"].map(|k| &film[k]))
    {
        out.extend(text.as_str().unwrap().split(['^', '=']).map(str::to_owned));
    }
    let birth = patient["birth"].as_str().unwrap();
    let (y, m, d) = (&birth[..4], &birth[4..6], &birth[6..]);
    out.extend([format!("{d}.{m}.{y}"), format!("{y}-{m}-{d}")]);
    out
}

/// Every name, date and UID of the stored head, whoever wrote it.
fn stored(object: &dicom_object::InMemDicomObject, out: &mut BTreeSet<String>) {
    for element in object.iter() {
        if let Some(items) = element.items() {
            items.iter().for_each(|item| stored(item, out));
        }
        // Classes of objects, private ones of makers too, name no object.
        if [0x0016, 0x1150].contains(&element.header().tag.element()) {
            continue;
        }
        let Ok(texts) = element.to_multi_str() else { continue };
        let texts = texts.iter().map(|t| t.trim_matches([' ', '\0']));
        match element.vr().to_string() {
            "PN" => out.extend(texts.flat_map(|t| t.split(['^', '=', ' '])).map(str::to_owned)),
            "UI" => out.extend(texts.filter(|t| !t.starts_with("1.2.840.10008.")).map(str::to_owned)),
            "DA" | "DT" => out.extend(texts.map(str::to_owned)),
            _ => {}
        }
    }
}

/// The string in every coding that a data set may hold it in.
fn codings(text: &str) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for text in [text.to_owned(), text.to_uppercase(), text.to_lowercase()] {
        out.push(text.as_bytes().to_vec());
        out.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        out.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        if text.chars().all(|c| (c as u32) < 256) {
            out.push(text.chars().map(|c| c as u8).collect());
        }
    }
    // GB 18030 of the demo's Chinese names.
    let gb = [
        ("测试", [0xB2, 0xE2, 0xCA, 0xD4]),
        ("安娜", [0xB0, 0xB2, 0xC4, 0xC8]),
        ("示例", [0xCA, 0xBE, 0xC0, 0xFD]),
        ("小明", [0xD0, 0xA1, 0xC3, 0xF7]),
    ];
    out.extend(gb.iter().filter(|(name, _)| *name == text).map(|(_, bytes)| bytes.to_vec()));
    out
}

fn occurs(needle: &[u8], hay: &[u8]) -> bool {
    let letter = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    hay.windows(needle.len()).enumerate().any(|(at, window)| {
        // Three letters stand in many words: they must be a word of their own.
        window == needle
            && (needle.len() > 3
                || !(letter(hay.get(at + needle.len()))
                    || letter(at.checked_sub(1).and_then(|a| hay.get(a)))))
    })
}

#[test]
fn nothing_of_a_person_leaves_deidentified() {
    let (mut films_seen, mut strings) = (0, 0);
    for (name, bytes) in films() {
        let parsed = parse(&bytes);
        let mut identity = invented(&name);
        stored(&read_head(&parsed.head).unwrap().object, &mut identity);
        identity.retain(|text| text.chars().count() >= 3 || !text.is_ascii() && text.chars().count() >= 2);
        assert!(identity.len() > 8, "{name}: {identity:?}");
        // The search finds what is there: the name in the stored bytes.
        let patient = parsed.facts.patient.first(tags::PATIENT_ID).to_owned();
        assert!(codings(&patient).iter().any(|n| occurs(n, &parsed.head)), "{name}");
        for json in [false, true] {
            let (_, out) = head(&lease(&parsed, pseudonymous(), true, json), &parsed.head).unwrap();
            for text in &identity {
                let found = codings(text).iter().any(|n| occurs(n, &out));
                assert!(!found, "{name} (json {json}): {text}");
                strings += 1;
            }
        }
        films_seen += 1;
    }
    println!("{films_seen} films, {strings} searches");
    assert!(films_seen >= 13);
}

#[test]
fn a_masked_file_is_a_derived_object() {
    for (name, bytes) in films() {
        let parsed = parse(&bytes);
        let image = parsed.facts.image.clone().unwrap();
        let (outcome, out) = head(&lease(&parsed, WordsPlan::Full, true, false), &parsed.head).unwrap();
        assert!(out[..128].iter().all(|b| *b == 0) && &out[128..132] == b"DICM", "{name}");
        let Outcome::Head { len, attributes } = outcome else { panic!() };
        assert_eq!(len, out.len() as u64);
        assert_eq!(
            attributes.first(tags::PATIENT_NAME),
            parsed.facts.patient.first(tags::PATIENT_NAME),
            "{name}"
        );
        assert_eq!(attributes.first(tags::SOP_INSTANCE_UID), "2.25.424242");
        // Native pixel data of the frames' size, padded to even, ends the file (PS3.5 §7.1.2, §8.1.1).
        let pixels = image.rows as usize
            * image.columns as usize
            * usize::from(image.samples)
            * usize::from(image.bits_allocated.div_ceil(8))
            * image.frames as usize;
        let padded = pixels + pixels % 2;
        let start = [&[0xE0, 0x7F, 0x10, 0, b'O', b'W', 0, 0][..], &(padded as u32).to_le_bytes()].concat();
        assert!(out.ends_with(&start), "{name}");
        let again = parse(&[out, vec![0; padded]].concat());
        assert_eq!(again.facts.transfer_syntax.as_str(), "1.2.840.10008.1.2.1", "{name}");
        assert_eq!(again.facts.frames.len(), image.frames as usize, "{name}");
        assert_eq!(again.facts.study_uid, parsed.facts.study_uid);
        let left = read_head(&again.head).unwrap().object;
        let source = left.get(dicom::json::tag(0x0008_2112)).unwrap().items().unwrap();
        let source = source[0].get(dicom::json::tag(0x0008_1155)).unwrap().to_str().unwrap();
        assert_eq!(source.trim_end_matches('\0'), parsed.facts.sop_uid.as_str(), "{name}");
        assert!(again.facts.image.unwrap().image_type.starts_with("DERIVED\\SECONDARY"), "{name}");
        for gone in [0x0028_0106, 0x0028_0107, 0x0060_3000, 0x0088_0200] {
            assert!(left.get(dicom::json::tag(gone)).is_none(), "{name} {gone:08X}");
        }
        assert!(left.iter().all(|e| e.header().tag.group() % 2 == 0), "{name}: private attributes");
    }
}

#[test]
fn names_agree_with_what_the_index_shows() {
    let mut patients: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, bytes) in films() {
        let parsed = parse(&bytes);
        let facts = &parsed.facts;
        let (outcome, out) = head(&lease(&parsed, pseudonymous(), true, true), &parsed.head).unwrap();
        let Outcome::Head { attributes, .. } = outcome else { panic!() };
        for (tag, own) in [
            (tags::STUDY_INSTANCE_UID, &facts.study_uid),
            (tags::SERIES_INSTANCE_UID, &facts.series_uid),
            (tags::SOP_INSTANCE_UID, &facts.sop_uid),
        ] {
            assert_eq!(attributes.first(tag), privacy::pseudonymous_uid(&KEY, own).as_str(), "{name}");
        }
        let number = format!(
            "{}\\{}",
            facts.patient.first(tags::ISSUER_OF_PATIENT_ID),
            facts.patient.first(tags::PATIENT_ID)
        );
        assert_eq!(
            attributes.first(tags::PATIENT_ID),
            privacy::pseudonymous_patient(&KEY, &number),
            "{name}"
        );
        assert_eq!(attributes.first(tags::PATIENT_NAME), attributes.first(tags::PATIENT_ID));
        patients.entry(number).or_default().insert(attributes.first(tags::PATIENT_ID).to_owned());
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["00120062"]["Value"][0], "YES", "{name}");
        assert!(json.get("7FE00010").is_none() && json["00080018"]["Value"][0] != "2.25.424242");
    }
    assert!(patients.len() >= 6 && patients.values().all(|p| p.len() == 1));
}

#[test]
fn clear_metadata_is_as_stored() {
    let (_, bytes) = films().into_iter().find(|(name, _)| name == "anna-chest.dcm").unwrap();
    let parsed = parse(&bytes);
    let (_, out) = head(&lease(&parsed, WordsPlan::Full, false, true), &parsed.head).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let name = &json["00100010"]["Value"][0];
    assert_eq!(
        (name["Alphabetic"].as_str(), name["Ideographic"].as_str()),
        (Some("Probe^Anna"), Some("测试^安娜"))
    );
    assert_eq!(json["00080018"]["Value"][0], parsed.facts.sop_uid.as_str());
    assert_eq!(json["00100020"]["Value"][0], "GZ-1001");
    assert!(json.get("00082112").is_none());
}

#[test]
fn errors_deny() {
    let (_, bytes) = films().remove(0);
    let parsed = parse(&bytes);
    let good = lease(&parsed, pseudonymous(), true, false);
    let code = |lease: &HeadLease, head: &[u8]| port::Fault::from(super::head(lease, head).unwrap_err()).code;
    assert_eq!(code(&good, &parsed.head[..parsed.head.len() - 1]), Code::BadObject);
    assert_eq!(code(&good, b"no head"), Code::BadObject);
    let other = HeadLease { sop_uid: "1.2.3".parse().unwrap(), ..good.clone() };
    assert_eq!(code(&other, &parsed.head), Code::BadObject);
    assert_eq!(code(&HeadLease { image: None, ..good.clone() }, &parsed.head), Code::Unsupported);
    let image = parsed.facts.image.clone().unwrap();
    let huge = ImageInfo { rows: 16_384, columns: 16_384, bits_allocated: 16, frames: 8, ..image.clone() };
    assert_eq!(code(&HeadLease { image: Some(huge.clone()), ..good.clone() }, &parsed.head), Code::TooLarge);
    let largest = ImageInfo { frames: 7, ..huge };
    assert!(super::head(&HeadLease { image: Some(largest), ..good }, &parsed.head).is_ok());
}

#[test]
fn colours_as_the_decoder_gives_them() {
    let (_, bytes) = films().remove(0);
    let image = parse(&bytes).facts.image.unwrap();
    let after = |photometric, syntax: &str| {
        decoded(&ImageInfo { photometric, transfer_syntax: syntax.parse().unwrap(), ..image.clone() })
            .photometric
    };
    assert_eq!(after(Photometric::YbrFull422, "1.2.840.10008.1.2.4.50"), Photometric::Rgb);
    assert_eq!(after(Photometric::YbrRct, "1.2.840.10008.1.2.4.90"), Photometric::Rgb);
    assert_eq!(after(Photometric::YbrFull422, EXPLICIT_LITTLE_ENDIAN), Photometric::YbrFull);
    assert_eq!(after(Photometric::PaletteColor, "1.2.840.10008.1.2.5"), Photometric::PaletteColor);
}

/// For other programs (pydicom, dciodvfy): `GAUZE_HEADS_DIR=… cargo test -- --ignored heads_to_a_folder`.
#[test]
#[ignore = "needs a folder to write to"]
fn heads_to_a_folder() {
    let Some(folder) = std::env::var_os("GAUZE_HEADS_DIR").map(std::path::PathBuf::from) else { return };
    for (name, bytes) in films() {
        let parsed = parse(&bytes);
        for (plan, words) in [("masked", WordsPlan::Full), ("deidentified", pseudonymous())] {
            let (_, out) = head(&lease(&parsed, words, true, false), &parsed.head).unwrap();
            let len = u32::from_le_bytes(*out.last_chunk::<4>().unwrap()) as usize;
            let mut file = std::fs::File::create(folder.join(format!("{plan}-{name}"))).unwrap();
            std::io::Write::write_all(&mut file, &[out, vec![0; len]].concat()).unwrap();
        }
    }
}

#[test]
fn corrections_come_before_all_else() {
    let films = films();
    let (_, film) = films.iter().find(|(name, _)| name == "anna-chest.dcm").unwrap();
    let parsed = parse(film);
    let mut set = Attributes::new();
    set.set(tags::PATIENT_NAME, *b"PN", ["Right^Put".to_owned()]);
    set.set(tags::PATIENT_ID, *b"LO", ["N-1".to_owned()]);
    set.set(tags::PATIENT_BIRTH_DATE, *b"DA", []);
    let corrections = Some(port::pixels::Corrections { set, other_patient: true });
    let with = |words, masked, json, as_stored| {
        let plain = lease(&parsed, words, masked, json);
        let form = if as_stored { HeadForm::Corrected } else { plain.form.clone() };
        HeadLease { corrections: corrections.clone(), form, ..plain }
    };
    let (_, json) = super::head(&with(WordsPlan::Full, false, true, false), &parsed.head).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["00100010"]["Value"][0]["Alphabetic"], "Right^Put");
    assert_eq!((&json["00100020"]["Value"][0], json["00100030"].get("Value")), (&"N-1".into(), None));
    // What the patient is called under a pseudonym follows from the number that she has now.
    let (_, json) = super::head(&with(pseudonymous(), true, true, false), &parsed.head).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let expected = privacy::pseudonymous_patient(&KEY, "\\N-1");
    assert_eq!(json["00100020"]["Value"][0], expected.as_str());
    // As stored: only in clear, same instance, nothing of the old name.
    let (_, bytes) = super::head(&with(WordsPlan::Full, false, false, true), &parsed.head).unwrap();
    let got = dicom::read_head(&bytes).unwrap();
    assert_eq!(text(&got, tags::SOP_INSTANCE_UID), parsed.facts.sop_uid.as_str());
    assert_eq!(text(&got, tags::PATIENT_NAME), "Right^Put");
    assert!(!bytes.windows(5).any(|w| w == b"Probe"));
    for bad in [with(WordsPlan::Full, true, false, true), with(pseudonymous(), false, false, true)] {
        assert!(super::head(&bad, &parsed.head).is_err(), "a grant that hides something");
    }
}
