//! Every option cell of PS3.15 Table E.1-1 carried out. The expected side is the table as text, `testdata/standard/annex-e.tsv`, and of
//! the basic profile `basic-by-iod.tsv`; see the README there.

use super::*;
use crate::options::Done;
use std::collections::BTreeMap;

const TABLE: &str = include_str!("../../../../../testdata/standard/annex-e.tsv");
const BASIC: &str = include_str!("../../../../../testdata/standard/basic-by-iod.tsv");

/// Row, option and letter of each cell that is not empty.
fn cells() -> Vec<(&'static str, ProfileOption, &'static str)> {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    let cells = rows.flat_map(|line| {
        let mut fields = line.split('\t');
        let (row, _) = (fields.next().unwrap(), fields.next().unwrap());
        fields.map(move |cell| {
            let (option, letter) = cell.split_once('=').unwrap();
            (row, option.parse().unwrap(), letter)
        })
    });
    cells.collect()
}

/// By SOP class and tag the basic profile's letter.
fn basic() -> BTreeMap<&'static str, BTreeMap<Tag, &'static str>> {
    let mut out: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for line in BASIC.lines().filter(|line| !line.starts_with('#')) {
        let [class, letter, list] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let tags = list.split(',').map(|tag| (Tag::from_str_radix(tag, 16).unwrap(), letter));
        out.entry(class).or_default().extend(tags);
    }
    out
}

fn run(object: &InMemDicomObject, options: Options) -> InMemDicomObject {
    let mut object = object.clone();
    deidentify_with(&mut object, &KEY, options, &mut |_, _| {}).unwrap();
    object
}

fn tags_of(row: &str) -> Tag {
    Tag::from_str_radix(&row.replacen("xx", "02", 1).replace("xxxx", "0020"), 16).unwrap()
}

/// An attribute with a value of its VR that tells of somebody.
fn sample(tag: Tag) -> InMemElement {
    let text = match dummy::vr(tag).unwrap_or(VR::LO) {
        VR::SQ => return sequence(tag, vec![item(tag)]),
        VR::OB | VR::OW => {
            return DataElement::new(core(tag), VR::OB, PrimitiveValue::from(b"77SECRET".to_vec()));
        }
        vr @ (VR::US | VR::SS | VR::UL | VR::FD | VR::FL | VR::SL) => {
            return DataElement::new(core(tag), vr, PrimitiveValue::from(77u16));
        }
        VR::UI => "1.2.826.0.1.77",
        VR::DA => "20260615",
        VR::DT => "20260615101112.5+0800",
        VR::TM => "101112.5",
        VR::AS => "045Y",
        VR::DS => "77.5",
        VR::IS => "77",
        VR::AE => "CT77",
        VR::PN => "SECRET^77",
        VR::CS => "SECRET",
        VR::SH if tag == 0x0008_0201 => "+0800",
        _ => "THORAX SECRET 4711",
    };
    DataElement::new(core(tag), dummy::vr(tag).unwrap_or(VR::LO), PrimitiveValue::from(text))
}

/// An item with a name, a UID, a coded entry of a private scheme, and what the sequence is made of.
fn item(tag: Tag) -> InMemDicomObject {
    let mut code = InMemDicomObject::new_empty();
    text(&mut code, 0x0008_0100, VR::SH, "SECRET");
    text(&mut code, 0x0008_0102, VR::SH, "99SECRET");
    text(&mut code, 0x0008_0104, VR::LO, "of SECRET");
    let mut item = InMemDicomObject::new_empty();
    text(&mut item, 0x0008_1155, VR::UI, "1.2.826.0.1.77");
    text(&mut item, 0x0010_0010, VR::PN, "SECRET^77");
    text(&mut item, 0x0010_4000, VR::LT, "SECRET");
    match tag {
        0x0040_A730 | 0x0040_0555 => {
            text(&mut item, 0x0040_A040, VR::CS, "TEXT");
            text(&mut item, 0x0040_A160, VR::UT, "liver of SECRET");
            item.put(sequence(0x0040_A043, vec![code]));
        }
        0x0070_0001 => {
            let mut object = InMemDicomObject::new_empty();
            text(&mut object, 0x0070_0006, VR::ST, "liver of SECRET");
            item.put(sequence(0x0070_0008, vec![object]));
        }
        _ => item.put(sequence(0x0008_2218, vec![code])).map_or((), drop),
    }
    item
}

/// What the basic profile's letter asks, of a value that tells of somebody.
fn as_basic(letter: &str, found: Option<&InMemElement>, before: &InMemElement) -> bool {
    let said = format!("{found:?}");
    let len = found.map(|e| e.items().map_or_else(|| e.to_str().map_or(1, |t| t.len()), <[_]>::len));
    match letter {
        "X" => found.is_none(),
        "Z" => len == Some(0),
        _ => {
            len.is_some_and(|len| len > 0)
                && said != format!("{:?}", Some(before))
                && !said.contains("SECRET")
        }
    }
}

/// What a cell asks for, by the words of Table E.1-1a and E.3.
fn as_cell(
    option: ProfileOption,
    letter: &str,
    before: &InMemElement,
    found: Option<&InMemElement>,
) -> Option<bool> {
    let (vr, said) = (before.vr(), found.and_then(|e| e.to_str().ok()).unwrap_or_default().into_owned());
    let inside = format!("{found:?}");
    Some(match (letter, option, vr) {
        ("K", option, VR::SQ) => {
            // Cleaned for sequences: people go, what the option is of stays.
            let uid = option != ProfileOption::RetainUids || inside.contains("1.2.826.0.1.77");
            found.is_some_and(|e| e.items().is_some_and(|items| items.len() == 1))
                && uid
                && !inside.contains("SECRET^77")
        }
        ("K", ..) => {
            found.is_some_and(|e| (e.vr(), e.to_bytes().unwrap()) == (vr, before.to_bytes().unwrap()))
        }
        (_, ProfileOption::RetainModifiedDates, VR::DA) => said == shifted(),
        (_, ProfileOption::RetainModifiedDates, VR::DT) => said == format!("{}101112.5+0800", shifted()),
        (_, ProfileOption::RetainModifiedDates, VR::TM) => said == "101112.5",
        (_, ProfileOption::RetainDeviceIdentity, VR::AE) => {
            !said.is_empty() && said != "CT77" && said.len() <= 16
        }
        (_, ProfileOption::CleanDescriptors | ProfileOption::RetainPatientCharacteristics, vr) => match vr {
            VR::LO | VR::SH | VR::ST | VR::LT | VR::UT => said == "THORAX",
            VR::SQ => {
                found.is_some_and(|e| e.items().is_some_and(|i| i.len() == 1)) && !inside.contains("SECRET")
            }
            _ => return None,
        },
        (_, ProfileOption::CleanStructuredContent, _) => {
            found.is_some_and(|e| e.items().is_some_and(|i| i.len() == 1)) && !inside.contains("SECRET")
        }
        (_, ProfileOption::CleanGraphics, VR::SQ) => inside.contains("liver") && !inside.contains("SECRET"),
        // Nobody can see what is drawn in these, or signed: as without the option.
        _ => return None,
    })
}

/// The date of `sample`, moved: the difference of the two is checked by hand in `dates_move_and_stay_as_far_apart`.
fn shifted() -> String {
    let days = pseudonymous_days(&KEY, "\\4711-0815");
    dates::moved(VR::DA, "20260615", days).unwrap()
}

#[test]
fn every_option_cell_of_the_table_is_carried_out() {
    let (cells, basic, mut executed) = (cells(), basic(), 0);
    assert_eq!((cells.len(), basic.len()), (602, 6));
    for (row, option, letter) in &cells {
        let options = Options::of([*option]).unwrap();
        for (class, letters) in &basic {
            executed += 1;
            if *row == "private" {
                assert!(private_ones(class, options), "{class}");
                continue;
            }
            let tag = tags_of(row);
            let before = sample(tag);
            let mut object = film();
            text(&mut object, tags::SOP_CLASS_UID, VR::UI, class);
            object.put(before.clone());
            let out = run(&object, options);
            let found = out.get(core(tag));
            let good = match as_cell(*option, letter, &before, found) {
                // Of commands and file meta information nothing is in a data set, and the file's is written anew.
                _ if tag >> 16 <= 2 => found.is_none(),
                Some(good) => good,
                None => as_basic(letters.get(&tag).unwrap_or(&"X"), found, &before),
            };
            assert!(good, "{class} {row} {option} {letter}: {found:?}");
        }
    }
    assert_eq!(executed, 602 * 6);
}

fn private_ones(class: &str, options: Options) -> bool {
    let mut object = film();
    text(&mut object, tags::SOP_CLASS_UID, VR::UI, class);
    text(&mut object, 0x7053_0010, VR::LO, "Philips PET Private Group");
    text(&mut object, 0x7053_1000, VR::DS, "1.25");
    text(&mut object, 0x7053_1001, VR::DS, "1.25");
    text(&mut object, 0x7053_1009, VR::LO, "SECRET");
    let out = run(&object, options);
    let left: Vec<Tag> = out.iter().map(number).filter(|tag| tag >> 16 & 1 == 1).collect();
    left == [0x7053_0010, 0x7053_1000]
}

/// A row without a cell of an option is as without the option, whatever the option is.
#[test]
fn options_change_nothing_but_their_cells() {
    let (cells, mut compared) = (cells(), 0);
    for row in
        TABLE.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').next().unwrap())
    {
        if row == "private" {
            continue;
        }
        let mut object = film();
        let tag = tags_of(row);
        object.put(sample(tag));
        let plain = format!("{:?}", run(&object, Options::basic()).get(core(tag)));
        for option in ProfileOption::ALL {
            if !cells.iter().any(|(of, o, _)| *of == row && *o == option) && !elsewhere(tag) {
                let out = format!("{:?}", run(&object, Options::of([option]).unwrap()).get(core(tag)));
                assert_eq!(out, plain, "{row} {option}");
                compared += 1;
            }
        }
    }
    assert!(compared > 6_000, "{compared}");
}

/// PS3.15 E.1.1 (6), E.2, E.3.1, E.3.2, E.3.6 and PS3.16 CID 7050, by hand.
#[test]
fn what_was_done_is_declared() {
    for (names, codes, dates) in [
        (&[][..], &["113100"][..], "REMOVED"),
        (&["retain-full-dates", "retain-uids"], &["113100", "113106", "113110"], "UNMODIFIED"),
        (&["retain-modified-dates", "clean-descriptors"], &["113100", "113105", "113107"], "MODIFIED"),
        (
            &["clean-pixel-data", "clean-recognizable-visual-features", "retain-institution-identity"],
            &["113100", "113101", "113102", "113112"],
            "REMOVED",
        ),
    ] {
        let out = run(&film(), Options::parse(names.iter().copied()).unwrap());
        let method = out.get(core(0x0012_0064)).unwrap().items().unwrap();
        let said: Vec<String> = method.iter().map(|code| value(code, 0x0008_0100).unwrap()).collect();
        assert_eq!(said, codes);
        assert!(method.iter().all(|code| value(code, 0x0008_0102).as_deref() == Some("DCM")));
        assert_eq!(value(&out, 0x0028_0303).as_deref(), Some(dates));
        assert_eq!(value(&out, 0x0012_0062).as_deref(), Some("YES"));
        let no = names.contains(&"clean-pixel-data").then_some("NO");
        assert_eq!(
            [0x0028_0301, 0x0028_0302].map(|tag| value(&out, tag)),
            [no, no].map(|n| n.map(str::to_owned))
        );
    }
}

/// By the calendar: a study and another 41 days after it, of one patient, over the end of a leap February.
#[test]
fn dates_move_and_stay_as_far_apart() {
    let at = |key: &[u8; 32], day: &str, patient: &str| {
        let mut object = film();
        text(&mut object, 0x0008_0020, VR::DA, day);
        text(&mut object, tags::PATIENT_ID, VR::LO, patient);
        let options = Options::parse(["retain-modified-dates"]).unwrap();
        deidentify_with(&mut object, key, options, &mut |_, _| {}).unwrap();
        let date = value(&object, 0x0008_0020).unwrap();
        // Days by month lengths, counted apart from the code under test.
        let (year, month, day): (u32, usize, u32) =
            (date[..4].parse().unwrap(), date[4..6].parse().unwrap(), date[6..].parse().unwrap());
        let leap = |y: u32| match (y.is_multiple_of(4), y.is_multiple_of(100), y.is_multiple_of(400)) {
            (true, false, _) | (_, _, true) => 1,
            _ => 0,
        };
        let months = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        (1..year).map(|y| 365 + leap(y)).sum::<u32>() + months[..month - 1].iter().sum::<u32>() + day
    };
    let (one, two) = (at(&KEY, "20240210", "4711"), at(&KEY, "20240322", "4711"));
    assert_eq!(two - one, 41);
    let true_day = 738_926; // 10 February 2024 by `date +%s`: 19,763 days after 1970, which is day 719,163.
    let by = i64::from(one) - true_day;
    assert!(by != 0 && (-365..=365).contains(&by), "{by}");
    assert_ne!(at(&KEY, "20240210", "4712"), one, "another patient");
    assert_ne!(at(&[8; 32], "20240210", "4711"), one, "another project");
}

/// The sink hears of every attribute what became of it, by its path.
#[test]
fn each_attribute_is_told() {
    let mut reference = InMemDicomObject::new_empty();
    text(&mut reference, 0x0008_1155, VR::UI, "1.2.826.0.1.9");
    let mut object = film();
    object.put(sequence(0x0008_1140, vec![reference]));
    let tags: Vec<Tag> = object.iter().map(number).collect();
    let mut told = BTreeMap::new();
    let options = Options::parse(["clean-descriptors", "retain-modified-dates"]).unwrap();
    deidentify_with(&mut object, &KEY, options, &mut |path, done| {
        told.insert(path.to_vec(), done);
    })
    .unwrap();
    assert!(tags.iter().all(|tag| told.contains_key(&vec![*tag])));
    for (path, done) in [
        (&[0x0008_0020][..], Done::Cleaned),
        (&[0x0008_0050], Done::Emptied),
        (&[0x0008_0060], Done::Kept),
        (&[0x0008_0080], Done::Removed),
        (&[0x0008_1030], Done::Cleaned),
        (&[0x0008_0018], Done::Uid),
        (&[0x0018_1020], Done::Replaced),
        (&[0x0020_0052], Done::Kept),
        (&[0x0008_1140, 0x0008_1155], Done::Uid),
    ] {
        assert_eq!(told.get(path), Some(&done), "{path:08X?}");
    }
}
