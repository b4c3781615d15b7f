//! Message exchange against bytes laid out by hand from PS3.8 §9.3, PS3.7 §9.3 and Annex D, and PS3.4 Annexes C and J.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use dicom::bounds;
use dicom::dimse::identifier::{Level, Negotiated, Search, Wanted};
use dicom::dimse::{
    Association, Command, Context, Counts, EXPLICIT, Event, IMPLICIT, Options, Role, Terms, answer, classes,
    commitment, dataset, field,
};
use dicom::query::Kind;
use model::{Attributes, tags};

fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(value.len() as u16).to_be_bytes(), value].concat()
}

fn context(id: u8, class: &str, syntaxes: &[&str]) -> Vec<u8> {
    let mut inner = vec![id, 0, 0, 0];
    inner.extend(item(0x30, class.as_bytes()));
    syntaxes.iter().for_each(|s| inner.extend(item(0x40, s.as_bytes())));
    item(0x20, &inner)
}

fn request(contexts: &[Vec<u8>], user: &[Vec<u8>]) -> Vec<u8> {
    let mut body = [&[0, 1, 0, 0][..], b"GAUZE           ", b"MODALITY        ", &[0; 32]].concat();
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    contexts.iter().for_each(|c| body.extend(c));
    body.extend(item(0x50, &[&item(0x51, &[0, 0, 64, 0])[..], &user.concat()].concat()));
    [&[1, 0][..], &(body.len() as u32).to_be_bytes(), &body].concat()
}

fn echo_request() -> Vec<u8> {
    request(&[context(1, "1.2.840.10008.1.1", &[IMPLICIT])], &[])
}

fn options() -> Options {
    Options { called_ae: None, private_classes: Vec::new(), services: true, max_pdu: 1 << 17 }
}

/// An element of a command set.
fn put(element: u16, value: &[u8]) -> Vec<u8> {
    [&[0, 0][..], &element.to_le_bytes(), &(value.len() as u32).to_le_bytes(), value].concat()
}

fn pdu(context: u8, control: u8, value: &[u8]) -> Vec<u8> {
    let value = [&(value.len() as u32 + 2).to_be_bytes()[..], &[context, control], value].concat();
    [&[4, 0][..], &(value.len() as u32).to_be_bytes(), &value].concat()
}

fn echo_command() -> Vec<u8> {
    [put(2, b"1.2.840.10008.1.1\0"), put(0x100, &[0x30, 0]), put(0x110, &[7, 0]), put(0x800, &[1, 1])]
        .concat()
}

const RELEASE: [u8; 10] = [5, 0, 0, 0, 0, 4, 0, 0, 0, 0];

#[test]
fn echo_byte_by_byte_then_release() {
    let mut acceptor = Association::accept(Options { called_ae: Some("GAUZE".into()), ..options() });
    let mut events = Vec::new();
    for byte in [echo_request(), pdu(1, 3, &echo_command())].concat() {
        events.extend(acceptor.push(&[byte]).unwrap());
    }
    let [Event::Associated(peer), Event::Command { context: 1, command }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((peer.calling.as_str(), peer.called.as_str(), peer.max_pdu), ("MODALITY", "GAUZE", 16384));
    assert_eq!((command.field, command.message, command.has_data), (field::ECHO, 7, false));
    acceptor.send(1, &command.response(0));
    assert_eq!(acceptor.push(&RELEASE).unwrap(), [Event::Released]);
    let out = acceptor.output();
    assert_eq!((out[0], &out[out.len() - 10..]), (2, &[6, 0, 0, 0, 0, 4, 0, 0, 0, 0][..]));
    assert!(out.windows(10).any(|w| w == [0, 0, 0, 9, 2, 0, 0, 0, 0, 0]), "status success");
}

#[test]
fn another_called_title_and_lengths_that_lie() {
    let mut other = Association::accept(Options { called_ae: Some("OTHER".into()), ..options() });
    assert_eq!(other.push(&echo_request()), Ok(vec![Event::Rejected(7)]));
    assert_eq!(other.output(), [3, 0, 0, 0, 0, 4, 0, 1, 1, 7]);
    let mut huge = Association::accept(options());
    assert!(huge.push(&[1, 0, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    assert_eq!(huge.output().first(), Some(&7));
    // One more than the PDU that was offered, a value longer than its PDU, data without a command, an unknown context.
    for bad in [
        [&[4, 0][..], &((1u32 << 17) + 1).to_be_bytes()].concat(),
        vec![4, 0, 0, 0, 0, 6, 0, 0, 0, 9, 1, 3],
        pdu(1, 2, b"data"),
        pdu(3, 3, &echo_command()),
        vec![4, 0, 0, 0, 0, 5],
        vec![9, 0, 0, 0, 0, 0],
    ] {
        let mut acceptor = Association::accept(options());
        acceptor.push(&echo_request()).unwrap();
        acceptor.output();
        assert!(acceptor.push(&bad).is_err(), "{bad:?}");
        assert_eq!(acceptor.output(), [7, 0, 0, 0, 0, 4, 0, 0, 2, 0], "an abort");
    }
    let mut acceptor = Association::accept(options());
    acceptor.push(&echo_request()).unwrap();
    let long = pdu(1, 1, &vec![0; bounds::COMMAND_BYTES + 1]);
    assert!(acceptor.push(&long).is_err(), "one more than a command may have");
}

#[test]
fn contexts_roles_and_extended_negotiation() {
    let role = |class: &str, scu, scp| {
        let len = (class.len() as u16).to_be_bytes();
        item(0x54, &[&len[..], class.as_bytes(), &[scu, scp]].concat())
    };
    let extended = |class: &str, info: &[u8]| {
        let len = (class.len() as u16).to_be_bytes();
        item(0x56, &[&len[..], class.as_bytes(), info].concat())
    };
    let (ct, private) = ("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4");
    let proposed = [
        context(1, classes::STUDY_FIND, &["1.2.840.10008.1.2.2", EXPLICIT, IMPLICIT]),
        context(3, ct, &["1.2.9", "1.2.840.10008.1.2.4.90", EXPLICIT]),
        context(5, private, &[EXPLICIT]),
        context(7, classes::STUDY_GET, &["1.2.840.10008.1.2.4.50"]),
    ];
    let user = [
        role(ct, 1, 1),
        role(classes::COMMITMENT, 0, 1),
        extended(classes::STUDY_FIND, &[1, 1, 1, 1, 1]),
        extended(classes::STUDY_GET, &[1]),
        extended(ct, &[2, 0]),
    ];
    let judged = |options: Options| {
        let mut acceptor = Association::accept(options);
        acceptor.push(&request(&proposed, &user)).unwrap();
        let syntaxes = |a: &Association| -> Vec<Option<String>> {
            a.contexts().iter().map(|c| c.syntax().map(str::to_owned)).collect()
        };
        // What a requester reads of the answer is what the acceptor believes.
        let mut asked = Terms::ours("GAUZE", "MODALITY", 16384);
        asked.contexts = vec![
            Context::propose(1, classes::STUDY_FIND, &["1.2.840.10008.1.2.2", EXPLICIT, IMPLICIT]),
            Context::propose(3, ct, &["1.2.9", "1.2.840.10008.1.2.4.90", EXPLICIT]),
            Context::propose(5, private, &[EXPLICIT]),
            Context::propose(7, classes::STUDY_GET, &["1.2.840.10008.1.2.4.50"]),
        ];
        let mut requester = Association::request(asked);
        requester.output();
        let events = requester.push(&acceptor.output()).unwrap();
        assert!(matches!(&events[..], [Event::Associated(_)]));
        assert_eq!(syntaxes(&acceptor), syntaxes(&requester));
        (syntaxes(&acceptor), requester.agreed().roles.clone(), requester.agreed().extended.clone())
    };
    let (syntaxes, roles, extended) = judged(Options { private_classes: vec![private.into()], ..options() });
    let some = |s: &str| Some(s.to_owned());
    assert_eq!(syntaxes, [some(EXPLICIT), some("1.2.840.10008.1.2.4.90"), some(EXPLICIT), None]);
    assert_eq!(roles[0], Role { class: ct.into(), scu: true, scp: true });
    assert!(!roles[1].scp, "nobody commits to us");
    let infos: Vec<_> = extended.iter().map(|e| (e.class.as_str(), e.info.as_slice())).collect();
    assert_eq!(infos, [(classes::STUDY_FIND, &[1, 1, 1, 0, 0][..]), (classes::STUDY_GET, &[1][..])]);
    // Plain: storage only, no roles.
    let (syntaxes, roles, extended) = judged(Options { services: false, ..options() });
    assert_eq!(syntaxes, [None, some("1.2.840.10008.1.2.4.90"), None, None]);
    assert!(roles.iter().all(|r| !r.scp) && extended.is_empty());
}

#[test]
fn what_one_side_sends_the_other_reads() {
    let ct = "1.2.840.10008.5.1.4.1.1.2";
    let mut terms = Terms::ours("GAUZE", "READER", 4096);
    terms.contexts = vec![Context::propose(1, ct, &[EXPLICIT])];
    let mut user = Association::request(terms);
    let mut provider = Association::accept(options());
    provider.push(&user.output()).unwrap();
    user.push(&provider.output()).unwrap();
    let command = Command {
        field: field::STORE,
        message: 5,
        has_data: true,
        sop_class: ct.into(),
        sop_uid: "1.2.3".into(),
        originator: Some(("ASKER".into(), 9)),
        ..Command::default()
    };
    let data: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
    user.send(1, &command);
    user.send_data(1, &data[..70_000], false);
    user.send_data(1, &[], false);
    user.send_data(1, &data[70_000..], true);
    let (mut got, mut commands, mut ends) = (Vec::new(), Vec::new(), 0);
    for piece in user.output().chunks(333) {
        for event in provider.push(piece).unwrap() {
            match event {
                Event::Data(bytes) => got.extend(bytes),
                Event::Command { command, .. } => commands.push(command),
                Event::DataEnd => ends += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((commands, ends), (vec![command.clone()], 1));
    assert!(got == data);
    // Never above what the peer takes: it said 4096.
    let counts = Counts { remaining: Some(3), completed: 1, failed: 2, warning: 0 };
    let pending = Command { counts: Some(counts), has_data: true, ..command.response(0xFF00) };
    provider.send(1, &pending);
    provider.send_data(1, &data, true);
    let out = provider.output();
    let mut at = 0;
    while at < out.len() {
        let len = u32::from_be_bytes(out[at + 2..at + 6].try_into().unwrap()) as usize;
        assert!(len <= 4096);
        at += 6 + len;
    }
    let events = user.push(&out[..200]).unwrap();
    assert!(matches!(&events[0], Event::Command { command, .. } if *command == pending), "{events:?}");
    user.push(&out[200..]).unwrap();
    user.release();
    assert_eq!(user.output(), RELEASE);
    assert!(user.push(&[3, 0, 0, 0, 0, 4, 0, 1, 1, 7]).is_err(), "a rejection after the association");
}

/// Little endian, implicit.
/// PS3.8 Annex E: a fragment has an even length, however odd the pieces are that it is made of, and the peer's maximum.
#[test]
fn fragments_are_even() {
    let sent: Vec<u8> = (0..40_002u32).map(|n| n as u8).collect();
    for most in [16_383u32, 16_384, 4097] {
        let mut user = request(&[context(1, "1.2.840.10008.5.1.4.1.1.7", &[IMPLICIT])], &[]);
        let at = user.windows(8).position(|w| w == [0x51, 0, 0, 4, 0, 0, 64, 0]).unwrap();
        user[at + 4..at + 8].copy_from_slice(&most.to_be_bytes());
        let mut acceptor = Association::accept(options());
        acceptor.push(&user).unwrap();
        acceptor.output();
        let mut rest = &sent[..];
        for len in [1, 9_999, 3, 0, 20_001, 7] {
            let (now, later) = rest.split_at(len);
            acceptor.send_data(1, now, false);
            rest = later;
        }
        acceptor.send_data(1, rest, true);
        let (out, mut at, mut got) = (acceptor.output(), 0, Vec::new());
        while at < out.len() {
            let len = u32::from_be_bytes(out[at + 6..at + 10].try_into().unwrap()) as usize;
            let value = &out[at + 12..at + 10 + len];
            assert_eq!((out[at], value.len() % 2, len + 4 <= most as usize), (4, 0, true), "{most}");
            got.extend_from_slice(value);
            at += 10 + len;
        }
        assert!(got == sent, "{most}");
    }
}

fn element(tag: u32, value: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = tag.to_be_bytes();
    [&[b, a, d, c][..], &(value.len() as u32).to_le_bytes(), value].concat()
}

fn search(class: &str, elements: &[Vec<u8>], agreed: Negotiated) -> Result<Search, u32> {
    let read = dataset::read(&elements.concat(), IMPLICIT).unwrap();
    Search::read(read, class, agreed).map_err(|mismatch| mismatch.tag)
}

#[test]
fn identifiers_of_queries() {
    let level = |word: &str| element(0x0008_0052, word.as_bytes());
    let study = classes::STUDY_FIND;
    let found = search(
        study,
        &[
            element(0x0008_0005, b"\\ISO 2022 IR 87 "),
            element(0x0008_0020, b"20200101-"),
            level("STUDY "),
            element(0x0008_0061, b"CT\\MR "),
            element(0x0010_0010, b"*=\x1B$B;3ED\x1B(B^*"),
            element(0x0010_0020, b""),
            element(0x0010_0040, b"\"\""),
            element(0x0020_000D, b"1.2\\1.3"),
            element(0x0008_1032, &[0xFE, 0xFF, 0, 0xE0, 0x0A, 0, 0, 0, 8, 0, 0, 1, 2, 0, 0, 0, b'X', b'Y']),
        ],
        Negotiated::default(),
    )
    .unwrap();
    assert_eq!(found.level, Level::Study);
    let keys: Vec<_> = found.keys.iter().map(|k| (k.path.as_slice(), k.kind.clone())).collect();
    assert_eq!(keys[0], (&[tags::STUDY_DATE][..], Kind::Range("20200101".into(), String::new())));
    assert_eq!(keys[1], (&[tags::MODALITIES_IN_STUDY][..], Kind::List(vec!["CT".into(), "MR".into()])));
    assert_eq!(keys[2], (&[tags::PATIENT_NAME][..], Kind::Wildcard("*=山田^*".into())));
    assert_eq!(keys[3], (&[tags::PATIENT_ID][..], Kind::Universal));
    assert_eq!(keys[4], (&[tags::PATIENT_SEX][..], Kind::Empty));
    assert_eq!(keys[5], (&[tags::STUDY_INSTANCE_UID][..], Kind::List(vec!["1.2".into(), "1.3".into()])));
    assert_eq!(keys[6], (&[0x0008_1032, 0x0008_0100][..], Kind::Single("XY".into())));
    // A level that the root does not have, none at all, a missing and a repeated unique key of a level above.
    let check = |class: &str, elements: &[Vec<u8>], expected: Option<u32>| {
        assert_eq!(search(class, elements, Negotiated::default()).err(), expected);
    };
    check(study, &[level("PATIENT ")], Some(0x0008_0052));
    check(study, &[], Some(0x0008_0052));
    check(classes::PATIENT_FIND, &[level("PATIENT ")], None);
    check(classes::PATIENT_FIND, &[level("STUDY ")], Some(tags::PATIENT_ID));
    check(study, &[level("SERIES"), element(0x0020_000D, b"1.2\\1.3")], Some(tags::STUDY_INSTANCE_UID));
    check(study, &[level("SERIES"), element(0x0020_000D, b"1.2\0")], None);
    check(study, &[level("IMAGE "), element(0x0020_000D, b"1.2\0")], Some(tags::SERIES_INSTANCE_UID));
    check(study, &[element(0x0008_0020, b"today "), level("STUDY ")], Some(tags::STUDY_DATE));
    let agreed = Negotiated { relational: true, ..Negotiated::default() };
    assert!(search(study, &[level("IMAGE ")], agreed).is_ok(), "relational");
    assert_eq!(
        Negotiated::of(&[1, 0, 1]),
        Negotiated { relational: true, fuzzy: true, ..Negotiated::default() }
    );
}

#[test]
fn identifiers_of_retrievals() {
    let level = |word: &str| element(0x0008_0052, word.as_bytes());
    let wanted = |class: &str, elements: &[Vec<u8>], agreed: Negotiated| {
        let read = dataset::read(&elements.concat(), IMPLICIT).unwrap();
        Wanted::read(&read, class, agreed).map_err(|m| m.tag)
    };
    let none = Negotiated::default();
    let (study, series) = (element(0x0020_000D, b"1.2\0"), element(0x0020_000E, b"1.2.1\\1.2.2 "));
    let got = wanted(classes::STUDY_MOVE, &[level("SERIES"), study.clone(), series.clone()], none).unwrap();
    assert_eq!((got.studies.len(), got.series.len(), got.patient), (1, 2, None));
    let patient = element(0x0010_0020, b"GZ-1");
    let got = wanted(classes::PATIENT_GET, &[level("PATIENT "), patient.clone()], none).unwrap();
    assert_eq!(got.patient.as_deref(), Some("GZ-1"));
    for (class, elements, expected) in [
        (classes::STUDY_GET, vec![level("STUDY ")], tags::STUDY_INSTANCE_UID),
        (classes::STUDY_GET, vec![level("SERIES"), series.clone()], tags::STUDY_INSTANCE_UID),
        (classes::PATIENT_GET, vec![level("STUDY "), study.clone()], tags::PATIENT_ID),
        (classes::STUDY_GET, vec![level("STUDY "), study.clone(), series.clone()], tags::SERIES_INSTANCE_UID),
        (classes::STUDY_GET, vec![level("STUDY "), element(0x0020_000D, b"1.*\0")], tags::STUDY_INSTANCE_UID),
    ] {
        assert_eq!(wanted(class, &elements, none), Err(expected));
    }
    let agreed = Negotiated { relational: true, ..none };
    assert!(wanted(classes::STUDY_GET, &[level("SERIES"), series], agreed).is_ok());
    let many =
        element(0x0020_000D, "1.2\\".repeat(bounds::RETRIEVE_UIDS + 1).trim_end_matches('\\').as_bytes());
    assert_eq!(wanted(classes::STUDY_GET, &[level("STUDY "), many], none), Err(tags::STUDY_INSTANCE_UID));
}

#[test]
fn answers_have_the_shape_and_the_character_set_of_the_request() {
    let mut found = Attributes::new();
    found.set(tags::PATIENT_NAME, *b"PN", ["Yamada^Tarou=山田^太郎".to_owned()]);
    found.set(tags::PATIENT_ID, *b"LO", ["7".to_owned()]);
    found.set(tags::STUDY_INSTANCE_UID, *b"UI", ["1.2.3".to_owned()]);
    let ask = |charset: &[u8]| {
        let elements = [
            element(0x0008_0005, charset),
            element(0x0008_0052, b"STUDY "),
            element(0x0008_1030, b""),
            element(0x0010_0010, b""),
            element(0x0020_000D, b""),
        ];
        let search = search(classes::STUDY_FIND, &elements, Negotiated::default()).unwrap();
        dataset::write(&answer(&search, &found, "GAUZE"), IMPLICIT)
    };
    let expected = |charset: &[u8], name: &[u8]| {
        [
            element(0x0008_0005, charset),
            element(0x0008_0052, b"STUDY "),
            element(0x0008_0054, b"GAUZE "),
            element(0x0008_0056, b"ONLINE"),
            element(0x0008_1030, b""),
            element(0x0010_0010, name),
            element(0x0020_000D, b"1.2.3\0"),
        ]
        .concat()
    };
    // PS3.5 §H.3.1, example 1: the ideographic group of the name.
    let japanese = b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B";
    assert_eq!(ask(b"\\ISO 2022 IR 87 "), expected(b"\\ISO 2022 IR 87 ", japanese));
    // Latin 1 cannot say it: UTF-8 does.
    let utf8 = "Yamada^Tarou=山田^太郎 ".as_bytes();
    let utf8 = if utf8.len() % 2 == 1 { &utf8[..utf8.len() - 1] } else { utf8 };
    assert_eq!(ask(b"ISO_IR 100"), expected(b"ISO_IR 192", utf8));
    assert_eq!(ask(b"GB18030 "), expected(b"GB18030 ", b"Yamada^Tarou=\xC9\xBD\xCC\xEF^\xCC\xAB\xC0\xC9"));
    // PS3.5 §I.2, example 2 in Korean: each component has its own escape sequence.
    found.set(tags::PATIENT_NAME, *b"PN", ["Hong^Gildong=洪^吉洞=홍^길동".to_owned()]);
    let korean =
        b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF";
    let elements = [
        element(0x0008_0005, b"\\ISO 2022 IR 149"),
        element(0x0008_0052, b"STUDY "),
        element(0x0010_0010, b""),
    ];
    let search = search(classes::STUDY_FIND, &elements, Negotiated::default()).unwrap();
    let got = dataset::write(&answer(&search, &found, "GAUZE"), IMPLICIT);
    assert!(got.windows(korean.len()).any(|w| w == korean), "{got:?}");
}

#[test]
fn data_sets_are_bounded() {
    let deep = [&[8, 0, 0x40, 0x11][..], &[0xFF; 4], &[0xFE, 0xFF, 0, 0xE0], &[0xFF; 4]].concat().repeat(20);
    assert!(dataset::read(&deep, IMPLICIT).is_err(), "depth");
    assert!(
        dataset::read(&element(0x0008_0018, b"1.2").repeat(bounds::IDENTIFIER_ELEMENTS + 1), IMPLICIT)
            .is_err()
    );
    assert!(dataset::read(&vec![0; bounds::IDENTIFIER_BYTES + 1], IMPLICIT).is_err());
    assert!(dataset::read(&[8, 0, 0x18, 0, 0xFF, 0xFF, 0xFF, 0x7F], IMPLICIT).is_err());
    for syntax in [IMPLICIT, EXPLICIT] {
        let (uid, other) = ("1.2.3".parse().unwrap(), "1.2.4".parse().unwrap());
        let reference = |n: u32| -> commitment::Reference {
            ("1.2.840.10008.1.1".parse().unwrap(), format!("1.9.{n}").parse().unwrap())
        };
        let (kind, report) = commitment::report(&uid, &[reference(1)], &[(reference(2), 0x0112)]);
        assert_eq!(kind, commitment::FAILURES);
        let read = dataset::read(&dataset::write(&report, syntax), syntax).unwrap();
        let asked = commitment::Commitment::read(&read).unwrap();
        assert_eq!((&asked.transaction, &asked.references), (&uid, &vec![reference(1)]));
        assert_eq!(commitment::report(&other, &[reference(1)], &[]).0, commitment::COMMITTED);
    }
}
