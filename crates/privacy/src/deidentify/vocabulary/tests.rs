use super::*;
use crate::deidentify::put;
use dicom_core::VR;
use dicom_object::InMemDicomObject;

fn identity() -> Identity {
    let mut object = InMemDicomObject::new_empty();
    put(&mut object, 0x0010_0010, VR::PN, "Hand^Jane=张^胸");
    put(&mut object, 0x0010_0020, VR::LO, "47");
    put(&mut object, 0x0008_0080, VR::LO, "Chest Hospital");
    Identity::of(&object, |_| false)
}

/// By hand: what tells of nobody stays, whatever may tell of somebody goes.
#[test]
fn only_words_of_the_vocabulary_stay_and_nobodys_name() {
    let (words, who) = (Vocabulary::all().unwrap(), identity());
    for (text, expected) in [
        ("CT ABDOMEN/PELVIS WITH CONTRAST", Some("CT ABDOMEN/PELVIS WITH CONTRAST")),
        ("Thorax p.a.", Some("Thorax")),
        ("Abdomen of Smith", Some("Abdomen of")),
        ("Foot of Jane", Some("Foot of")),
        ("Left hand", Some("Left")),
        ("Chest PA", Some("PA")),
        ("t1 tse sag 5mm 1.5T", Some("t1 tse sag 5mm 1.5T")),
        ("slice 0.625 mm", Some("slice 0.625 mm")),
        ("thorax 2 views", Some("thorax 2 views")),
        ("thorax 47 views", Some("thorax views")),
        ("thorax 12.05.78", Some("thorax")),
        ("thorax 12 05 78", Some("thorax")),
        ("thorax 12/05", Some("thorax")),
        ("thorax 45y", Some("thorax")),
        ("thorax 45m", Some("thorax")),
        ("thorax, aged 45", Some("thorax")),
        ("thorax 4711", Some("thorax")),
        ("thorax for Dr. Foot", None),
        ("patient: Foot", None),
        ("for J. Doe", Some("for")),
        ("头颅正位", Some("头颅正位")),
        ("胸部正位", None),
        ("腹部平扫", Some("腹部平扫")),
        ("李四腹部平扫", None),
        ("左", None),
        ("腹部 李医生", None),
        ("Schädel", None),
        ("", None),
        ("---", None),
        ("liver@home", Some("liver")),
    ] {
        assert_eq!(words.clean(text, &who).as_deref(), expected, "{text}");
    }
}

/// Meanings of PS3.16, and what somebody typed in their place.
#[test]
fn meanings_of_codes_are_words_of_the_standard() {
    let (words, who) = (Vocabulary::all().unwrap(), identity());
    for (text, expected) in [
        ("Imaging Measurement Report", true),
        ("Person Observer Name", true),
        ("Left ventricle 17 segment", true),
        ("Measurement of Smith", false),
        ("Hand", false),
        ("4711", false),
        ("", false),
    ] {
        assert_eq!(words.is_meaning(text, &who), expected, "{text}");
    }
}

proptest::proptest! {
    /// Whatever comes in: every word that comes out is of the vocabulary, every number short or before a unit.
    #[test]
    fn nothing_comes_out_that_is_not_listed(text in "([a-zA-Z]{1,6}|[0-9.]{1,5}|[ ./_-]|\\PC|lung|mm|胸部|胸){0,12}") {
        let words = Vocabulary::all().unwrap();
        let out = words.clean(&text, &identity()).unwrap_or_default().to_lowercase();
        for word in out.split(|c: char| !c.is_alphanumeric() && c != '.').map(|w| w.trim_matches('.')).filter(|w| !w.is_empty()) {
            let listed = words.words.contains(word) || words.units.contains(word) || words.measure(word);
            let number = word.split('.').all(|part| part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()));
            let parts = word.split('.').all(|part| part.is_empty() || words.words.contains(part));
            let chinese = tokens(word).iter().all(|token| words.chinese(token.text()) || words.words.contains(token.text()));
            proptest::prop_assert!(listed || number || parts || chinese, "{text}: {word}");
            proptest::prop_assert!(!identity().knows(word), "{text}: {word}");
        }
    }
}
