//! Invented strings in every attribute that Table E.1-1 names, in private ones and in content items, at the top and nested, in five character
//! sets: the bytes that come out hold none of them but those in attributes that an option keeps (K).

use super::*;
use dicom::{Head, read_head, write_head};
use dicom_object::meta::FileMetaTableBuilder;
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("../../../../../testdata/standard/annex-e.tsv");
/// Numbers and UIDs that are tokens begin so; no pseudonym does.
const DIGITS: &str = "907310731";
const ASCII: &str = "QZX";
const ROOT: &str = "1.2.826.0.1.3680043.9.7731.";
/// Character set, a beginning of names in it, and its bytes in that set (ISO/IEC 8859-1, -5, GB 18030, ISO-2022-JP; computed apart).
const SETS: &[(&str, &str, &[u8])] = &[
    ("ISO_IR 100", "Qz\u{E9}", b"Qz\xE9"),
    ("ISO_IR 144", "\u{42A}\u{44B}\u{444}", b"\xCA\xEB\xE4"),
    ("GB18030", "\u{9F7E}\u{9F98}", b"\xFD\x85\xFD\x93"),
    ("ISO_IR 192", "Qz\u{17E}", b"Qz\xC5\xBE"),
    ("ISO 2022 IR 87", "\u{9B31}\u{9F9C}", b"\x1B$B]5s}"),
];

/// Makes tokens and remembers in which row each stands.
struct Tokens {
    mark: &'static str,
    of: BTreeMap<String, Tag>,
}

impl Tokens {
    fn next(&mut self, row: Tag, vr: VR) -> String {
        let number = self.of.len() + 1_000;
        let token = match vr {
            VR::UI => format!("{ROOT}{number}"),
            VR::DS | VR::IS => format!("{DIGITS}{number}"),
            // VRs of the default repertoire, whatever the character set is (PS3.5 §6.1.2.2).
            VR::AE | VR::AS | VR::CS | VR::DA | VR::DT | VR::TM => format!("{ASCII}{number:04}"),
            _ => format!("{}{number:04}", self.mark),
        };
        self.of.insert(token.clone(), row);
        token
    }

    /// Every attribute of the table with a token; of sequences in which it is alone.
    fn rows(&mut self, object: &mut InMemDicomObject, depth: usize) {
        for row in
            TABLE.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').next().unwrap())
        {
            let Ok(tag) = Tag::from_str_radix(&row.replacen("xx", "04", 1), 16) else { continue };
            let identifies = [0x0008_0016, 0x0008_0018, 0x0020_000D, 0x0020_000E].contains(&tag);
            if tag >> 16 <= 2 || tag == 0x0008_0005 || depth == 0 && identifies {
                continue;
            }
            match dummy::vr(tag).unwrap_or(VR::LO) {
                VR::SQ => {
                    let mut item = InMemDicomObject::new_empty();
                    for (tag, vr) in [(0x0010_0010, VR::PN), (0x0008_1030, VR::LO), (0x0008_0080, VR::LO)] {
                        text(&mut item, tag, vr, &self.next(tag, vr));
                    }
                    self.code(&mut item);
                    object.put(sequence(tag, vec![item]));
                }
                vr @ (VR::US | VR::SS | VR::UL | VR::SL | VR::FD | VR::FL | VR::AT) => {
                    object.put(DataElement::new(core(tag), vr, PrimitiveValue::from(7u16)));
                }
                vr @ (VR::OB | VR::OW | VR::UN) => {
                    let token = self.next(tag, vr).into_bytes();
                    object.put(DataElement::new(core(tag), VR::OB, PrimitiveValue::from(token)));
                }
                vr => text(object, tag, vr, &self.next(tag, vr)),
            }
        }
    }

    /// A coded entry that somebody typed.
    fn code(&mut self, item: &mut InMemDicomObject) {
        let mut code = InMemDicomObject::new_empty();
        text(&mut code, 0x0008_0100, VR::SH, "4711");
        text(&mut code, 0x0008_0102, VR::SH, "99X");
        text(&mut code, 0x0008_0104, VR::LO, &self.next(0x0008_0104, VR::LO));
        item.put(sequence(0x0008_2218, vec![code]));
    }

    fn content(&mut self) -> InMemDicomObject {
        let items = ["TEXT", "PNAME", "CODE", "UIDREF", "DATE", "NUM", "CONTAINER", "TABLE"].map(|kind| {
            let mut item = InMemDicomObject::new_empty();
            text(&mut item, 0x0040_A010, VR::CS, "CONTAINS");
            text(&mut item, 0x0040_A040, VR::CS, kind);
            let mut name = InMemDicomObject::new_empty();
            text(&mut name, 0x0008_0100, VR::SH, "121106");
            text(&mut name, 0x0008_0102, VR::SH, "DCM");
            text(&mut name, 0x0008_0104, VR::LO, &self.next(0x0008_0104, VR::LO));
            item.put(sequence(0x0040_A043, vec![name]));
            text(&mut item, 0x0040_A160, VR::UT, &self.next(0x0040_A160, VR::UT));
            let mut code = InMemDicomObject::new_empty();
            text(&mut code, 0x0008_0100, VR::SH, &self.next(0x0008_0100, VR::SH));
            text(&mut code, 0x0008_0102, VR::SH, &self.next(0x0008_0102, VR::SH));
            text(&mut code, 0x0008_0104, VR::LO, &self.next(0x0008_0104, VR::LO));
            item.put(sequence(0x0040_A168, vec![code]));
            self.rows(&mut item, 1);
            item
        });
        let mut root = InMemDicomObject::new_empty();
        text(&mut root, 0x0040_A040, VR::CS, "CONTAINER");
        root.put(sequence(0x0040_A730, items.into()));
        root
    }

    fn private(&mut self, object: &mut InMemDicomObject) {
        for group in (0x0011..0x0051).step_by(2) {
            let at = |element: Tag| group << 16 | element;
            // The last one's creator is known to be safe, its attributes have another VR.
            let known = if group == 0x0043 { "GEMS_PARM_01".to_owned() } else { self.next(1, VR::LO) };
            text(object, at(0x10), VR::LO, &known);
            text(object, at(0x1027), VR::UT, &self.next(1, VR::UT));
            text(object, at(0x1039), VR::UI, &self.next(1, VR::UI));
            let wide: Vec<u8> = self.next(1, VR::UN).encode_utf16().flat_map(u16::to_le_bytes).collect();
            object.put(DataElement::new(core(at(0x106F)), VR::UN, PrimitiveValue::from(wide)));
            let mut item = InMemDicomObject::new_empty();
            text(&mut item, 0x0010_0010, VR::PN, &self.next(1, VR::PN));
            let items = sequence(at(0x1070), vec![item]);
            object.put(items);
        }
    }
}

/// A file of one character set with tokens everywhere.
fn file((set, mark, coded): (&str, &'static str, &[u8])) -> (Vec<u8>, BTreeMap<String, Tag>) {
    let mut tokens = Tokens { mark, of: BTreeMap::new() };
    let mut object = film();
    text(&mut object, 0x0008_0005, VR::CS, set);
    tokens.rows(&mut object, 0);
    for outer in [0x0054_0016, 0x0008_2112, 0x0040_0275] {
        let (mut item, mut inner) = (InMemDicomObject::new_empty(), InMemDicomObject::new_empty());
        tokens.rows(&mut inner, 2);
        tokens.rows(&mut item, 1);
        item.put(sequence(0x0054_0016, vec![inner]));
        object.put(sequence(outer, vec![item]));
    }
    let report = tokens.content();
    object.put(sequence(0x0040_A730, vec![report]));
    tokens.private(&mut object);
    // What identifies her, in attributes that stay.
    for (tag, vr) in [(0x0010_0010, VR::PN), (0x0010_0020, VR::LO), (0x0008_0050, VR::SH)] {
        let named = value(&object, tag).unwrap();
        text(
            &mut object,
            if vr == VR::PN { 0x0018_1020 } else { 0x0008_1090 },
            VR::LO,
            &format!("for {named}"),
        );
    }
    let meta =
        FileMetaTableBuilder::new().transfer_syntax("1.2.840.10008.1.2.1").media_storage_sop_class_uid("1.2");
    let meta = meta.media_storage_sop_instance_uid("1.2").build().unwrap();
    let bytes = write_head(&Head { meta, object }).unwrap();
    assert!(bytes.windows(coded.len()).any(|w| w == coded), "{set}: is written in its character set");
    (bytes, tokens.of)
}

/// Tokens that stand in bytes as they are, in small letters, or two bytes a character.
fn found(bytes: &[u8], mark: &str, coded: &[u8], allowed: &BTreeSet<&str>) -> Option<String> {
    let mut plain = String::from_utf8_lossy(bytes).into_owned();
    let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let wide: Vec<u8> = mark.encode_utf16().flat_map(u16::to_le_bytes).collect();
    allowed.iter().for_each(|token| plain = plain.replace(token, ""));
    let small = plain.to_lowercase();
    let narrow = String::from_utf8_lossy(&narrow).into_owned();
    let texts = [mark.to_lowercase(), ASCII.to_lowercase(), DIGITS.to_owned(), ROOT.to_owned()];
    let in_text = texts.iter().find_map(|text| small.find(text).map(|at| (text.len() + 4, at)));
    if let Some((len, at)) = in_text {
        return Some(small.chars().skip(small[..at].chars().count()).take(len).collect());
    }
    let other = std::str::from_utf8(coded).is_err() || coded.starts_with(b"\x1B");
    let raw = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    (other && raw(coded) || raw(&wide) || allowed.is_empty() && narrow.contains(mark))
        .then(|| "coded".to_owned())
}

#[test]
fn no_invented_string_comes_out() {
    let kept: BTreeSet<(ProfileOption, Tag)> = (TABLE.lines().filter(|line| !line.starts_with('#')))
        .flat_map(|line| {
            let (row, cells) = line.split_once('\t').unwrap();
            let row = Tag::from_str_radix(&row.replacen("xx", "04", 1), 16).unwrap_or_default();
            let kept = cells.split('\t').filter_map(|cell| cell.strip_suffix("=K"));
            kept.map(move |name| (name.parse().unwrap(), row)).collect::<Vec<_>>()
        })
        .collect();
    let all = |dates| ProfileOption::ALL.into_iter().filter(move |option| *option != dates);
    let mut combinations = vec![vec![]];
    combinations.extend(ProfileOption::ALL.map(|option| vec![option]));
    combinations.push(all(ProfileOption::RetainFullDates).collect());
    combinations.push(all(ProfileOption::RetainModifiedDates).collect());
    let (mut injected, mut looked_for) = (0, 0);
    for (set, mark, coded) in SETS {
        let (bytes, tokens) = file((set, mark, coded));
        let read = read_head(&bytes).unwrap();
        assert!(
            found(&bytes, mark, coded, &BTreeSet::new()).is_some(),
            "{set}: the search finds what is there"
        );
        injected += tokens.len();
        for combination in &combinations {
            let mut head = Head { meta: read.meta.clone(), object: read.object.clone() };
            let options = Options::of(combination.iter().copied()).unwrap();
            deidentify_with(&mut head.object, &KEY, options, &mut |_, _| {}).unwrap();
            let out = write_head(&head).unwrap();
            let stays = |row: Tag| combination.iter().any(|option| kept.contains(&(*option, row)));
            // A coded entry in a sequence that is kept keeps its words.
            let coded_words = [ProfileOption::RetainDeviceIdentity, ProfileOption::RetainInstitutionIdentity];
            let words = coded_words.iter().any(|option| combination.contains(option));
            let allowed: BTreeSet<&str> = (tokens.iter())
                .filter(|(_, row)| stays(**row) || words && **row == 0x0008_0104)
                .map(|(token, _)| token.as_str())
                .collect();
            let stayed =
                allowed.iter().filter(|token| String::from_utf8_lossy(&out).contains(**token)).count();
            assert_eq!(stayed > 0, !allowed.is_empty(), "{set} {combination:?}");
            looked_for += tokens.len() - allowed.len();
            let leak = found(&out, mark, coded, &allowed);
            let place = leak
                .as_ref()
                .and_then(|leak| tokens.iter().find(|(token, _)| token.to_lowercase().starts_with(&**leak)));
            assert_eq!(leak, None, "{set} {combination:?} {place:08X?}");
        }
    }
    println!("{injected} tokens, {looked_for} searches");
    assert!(injected >= 10_000, "{injected}");
}
