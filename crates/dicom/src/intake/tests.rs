use super::*;

/// An explicit little endian element by hand (PS3.5 Table 7.1-2).
fn short(tag: u32, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let (group, element) = ((tag >> 16) as u16, tag as u16);
    let len = value.len() as u16;
    [&group.to_le_bytes()[..], &element.to_le_bytes(), vr, &len.to_le_bytes(), value].concat()
}

fn file(syntax: &[u8], extra: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    out.extend(short(0x0002_0010, b"UI", syntax));
    out.extend(short(0x0008_0016, b"UI", b"1.2.840.10008.5.1.4.1.1.7\0"));
    out.extend(short(0x0008_0018, b"UI", b"1.2.3\0"));
    out.extend(short(0x0010_0010, b"PN", b"Doe^Jo"));
    out.extend(short(0x0020_000D, b"UI", b"1.2.4\0"));
    out.extend(short(0x0020_000E, b"UI", b"1.2.5\0"));
    out.extend(extra);
    out
}

fn image(pixels: &[u8]) -> Vec<u8> {
    let us = |tag, n: u16| short(tag, b"US", &n.to_le_bytes());
    let mut extra = us(0x0028_0002, 1);
    extra.extend(short(0x0028_0004, b"CS", b"MONOCHROME2 "));
    extra.extend(short(0x0028_0008, b"IS", b"2 "));
    extra.extend([us(0x0028_0010, 2), us(0x0028_0011, 2), us(0x0028_0100, 8), us(0x0028_0101, 8)].concat());
    extra.extend(pixels);
    extra
}

const LE: &[u8] = b"1.2.840.10008.1.2.1\0";

fn parse(bytes: &[u8], chunk: usize) -> Result<Parsed> {
    let mut intake = Intake::new();
    for part in bytes.chunks(chunk) {
        intake.push(part)?;
    }
    intake.finish()
}

#[test]
fn every_chunk_size_gives_the_same() {
    let pixels = [&[0xE0, 0x7F, 0x10, 0, b'O', b'W', 0, 0, 8, 0, 0, 0][..], &[7; 8]].concat();
    let bytes = file(LE, &image(&pixels));
    let whole = parse(&bytes, bytes.len()).unwrap();
    assert_eq!(whole.head.len(), bytes.len() - 20);
    let start = (bytes.len() - 8) as u64;
    let span = |offset, len| vec![model::FrameSpan { offset, len }];
    assert_eq!(whole.facts.frames, [span(start, 4), span(start + 4, 4)]);
    assert_eq!(whole.facts.patient.first(model::tags::PATIENT_NAME), "Doe^Jo");
    for chunk in [1, 2, 3, 7, 131, 133] {
        assert_eq!(parse(&bytes, chunk).as_ref(), Ok(&whole), "chunk {chunk}");
    }
}

#[test]
fn fragments_become_frames() {
    let item = |body: &[u8]| [&[0xFE, 0xFF, 0, 0xE0][..], &(body.len() as u32).to_le_bytes(), body].concat();
    let start = [0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 255, 255, 255, 255];
    let end = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    // Three fragments, two frames: the table says the second frame starts at the third item (2 × (8 + 2) = 20).
    let table = item(&[0, 0, 0, 0, 20, 0, 0, 0]);
    let pixels = [&start[..], &table, &item(b"aa"), &item(b"bb"), &item(b"cc"), &end].concat();
    let parsed = parse(&file(b"1.2.840.10008.1.2.4.50", &image(&pixels)), 5).unwrap();
    assert_eq!(parsed.facts.frames.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    let cut = file(b"1.2.840.10008.1.2.4.50", &image(&pixels[..pixels.len() - 8]));
    assert_eq!(parse(&cut, 9), Err(Error::Truncated("the pixel data")));
}

/// No offset table: frames begin where a codestream does, and only when there are as many as frames.
#[test]
fn codestreams_tell_frames_apart() {
    let item = |body: &[u8]| [&[0xFE, 0xFF, 0, 0xE0][..], &(body.len() as u32).to_le_bytes(), body].concat();
    let start = [0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 255, 255, 255, 255];
    let end = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    let frames = |bodies: &[&[u8]]| {
        let items: Vec<u8> = bodies.iter().flat_map(|body| item(body)).collect();
        let pixels = [&start[..], &item(b""), &items, &end].concat();
        let bytes = file(b"1.2.840.10008.1.2.4.50", &image(&pixels));
        let lens =
            |chunk| parse(&bytes, chunk).unwrap().facts.frames.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lens(1), lens(bytes.len()));
        lens(7)
    };
    let (soi, soc, more): (&[u8], &[u8], &[u8]) = (b"\xFF\xD8aa", b"\xFF\x4F\xFF\x51", b"bb");
    assert_eq!(frames(&[soi, more, soi]), [2, 1]);
    assert_eq!(frames(&[soc, soc, more, more]), [1, 3]);
    for unclear in [&[more, soi, soi][..], &[soi, more, more], &[soi, soi, soi]] {
        assert_eq!(frames(unclear), Vec::<usize>::new());
    }
}

#[test]
fn refusals() {
    let deep = |n: usize| {
        let level = [
            &[0x08, 0, 0x40, 0x11, b'S', b'Q', 0, 0, 255, 255, 255, 255][..],
            &[0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255],
        ]
        .concat();
        level.repeat(n)
    };
    let deepest = parse(&file(LE, &deep(limits::SEQUENCE_DEPTH)), 64);
    assert_eq!(deepest, Err(Error::Truncated("the data set")));
    assert_eq!(
        parse(&file(LE, &deep(limits::SEQUENCE_DEPTH + 1)), 64),
        Err(Error::TooLarge("depth of sequences"))
    );
    assert_eq!(parse(&[0; 200], 10), Err(Error::NotPart10));
    assert_eq!(parse(b"DICM", 10), Err(Error::NotPart10));
    assert_eq!(parse(&file(b"1.2.3.4\0", b""), 10), Err(Error::TransferSyntax));
    let twice = file(LE, &short(0x0010_0010, b"PN", b"Roe^Jo"));
    assert_eq!(parse(&twice, 10), Err(Error::Malformed("attribute given twice")));
    assert_eq!(
        parse(&file(LE, &short(0x0020_0013, b"XX", b"1 ")), 10),
        Err(Error::Malformed("value representation"))
    );
    let undefined = [0xE0, 0x7F, 0x12, 0, b'O', b'B', 0, 0, 255, 255, 255, 255];
    assert_eq!(parse(&file(LE, &undefined), 10), Err(Error::Malformed("undefined length")));
    let huge = [0x09, 0, 0x10, 0, b'O', b'B', 0, 0, 0, 0, 0, 0x7F];
    assert_eq!(parse(&file(LE, &huge), 10), Err(Error::TooLarge("element")));
}

/// A value and a half: another reader would take the rest for the next element (PS3.5 Table 6.2-1).
#[test]
fn lengths_of_numbers_are_whole_values() {
    for (vr, odd) in [(b"US", 3), (b"SS", 5), (b"UL", 6), (b"AT", 2), (b"FL", 7), (b"FD", 12)] {
        let bytes = file(LE, &short(0x0028_9999, vr, &vec![0; odd]));
        assert_eq!(parse(&bytes, 10), Err(Error::Malformed("length of a value")), "{odd}");
    }
}

#[test]
fn a_head_at_the_bound_and_one_above() {
    let base = file(LE, b"").len() + 12;
    for (len, good) in [(limits::HEADER_BYTES - base, true), (limits::HEADER_BYTES - base + 1, false)] {
        let header = [&[0x09, 0, 0x10, 0x10, b'O', b'B', 0, 0][..], &(len as u32).to_le_bytes()].concat();
        let bytes = file(LE, &[header, vec![0; len]].concat());
        assert_eq!(parse(&bytes, 1 << 20).is_ok(), good, "{len}");
    }
}

#[test]
fn two_gigabytes_pass_in_bounded_memory() {
    let len = 2u32 << 30;
    let header = [&[0xE0, 0x7F, 0x10, 0, b'O', b'W', 0, 0][..], &len.to_le_bytes()].concat();
    let head = file(LE, &image(&header));
    let mut intake = Intake::new();
    assert_eq!(intake.push(&head), Ok(Progress::Pixels));
    let chunk = vec![0; 1 << 20];
    for _ in 0..2048 {
        intake.push(&chunk).unwrap();
        assert!(intake.head.capacity() <= 1 << 16);
    }
    let parsed = intake.finish().unwrap();
    assert_eq!(parsed.head.len(), head.len() - 12);
}

#[test]
fn a_file_that_is_only_looked_at_may_lack_its_names() {
    let mut bytes = vec![0; 128];
    bytes.extend_from_slice(b"DICM");
    // (0002,0010) Explicit VR Little Endian, (0008,0060) CS "CT": PS3.10 §7.1, and no identifier at all.
    bytes.extend_from_slice(b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00");
    bytes.extend_from_slice(b"\x08\x00\x60\x00CS\x02\x00CT");
    let mut strict = Intake::new();
    strict.push(&bytes).unwrap();
    assert_eq!(strict.finish().unwrap_err(), Error::Missing("SOP class"));
    let mut loose = Intake::of_a_file_that_stays();
    loose.push(&bytes).unwrap();
    let facts = loose.finish().unwrap().facts;
    assert_eq!((facts.study_uid.as_str(), facts.sop_class.as_str()), (NO_UID, NO_UID));
}

/// A Key Object Selection by hand: its title, and two instances in the evidence, of one series.
fn key_objects(title: &[u8], scheme: &[u8], class: &[u8]) -> Vec<u8> {
    let sequence = |tag: u32, items: &[Vec<u8>]| {
        let items: Vec<u8> = items
            .iter()
            .flat_map(|item| [&[0xFE, 0xFF, 0, 0xE0][..], &(item.len() as u32).to_le_bytes(), item].concat())
            .collect();
        let (group, element) = ((tag >> 16) as u16, tag as u16);
        let len = items.len() as u32;
        [&group.to_le_bytes()[..], &element.to_le_bytes(), b"SQ\0\0", &len.to_le_bytes(), &items].concat()
    };
    let code = [short(0x0008_0100, b"SH", title), short(0x0008_0102, b"SH", scheme)].concat();
    let instance = |uid: &[u8]| short(0x0008_1155, b"UI", uid);
    let series = sequence(0x0008_1199, &[instance(b"1.2.30"), instance(b"1.2.31")]);
    let study = sequence(0x0008_1115, &[series]);
    let extra = [sequence(0x0040_A043, &[code]), sequence(0x0040_A375, &[study])].concat();
    let mut bytes = file(LE, &extra);
    let at = bytes.windows(26).position(|w| w == b"1.2.840.10008.5.1.4.1.1.7\0").unwrap();
    bytes.splice(at..at + 26, class.iter().copied());
    bytes[at - 2..at].copy_from_slice(&(class.len() as u16).to_le_bytes());
    bytes
}

#[test]
fn a_note_says_what_it_rejects() {
    const KOS: &[u8] = b"1.2.840.10008.5.1.4.1.1.88.59\0";
    let rejects = |bytes: &[u8]| parse(bytes, bytes.len()).unwrap().facts.rejects;
    let note = rejects(&key_objects(b"113037", b"DCM ", KOS)).unwrap();
    assert_eq!(note.code, model::Rejection::Safety);
    assert_eq!(note.instances.iter().map(Uid::as_str).collect::<Vec<_>>(), ["1.2.30", "1.2.31"]);
    assert_eq!(rejects(&key_objects(b"113000", b"DCM ", KOS)), None, "of interest");
    assert_eq!(rejects(&key_objects(b"113037", b"99X ", KOS)), None, "somebody's own code");
    assert_eq!(
        rejects(&key_objects(b"113037", b"DCM ", b"1.2.840.10008.5.1.4.1.1.88.33\0")),
        None,
        "a report"
    );
}
