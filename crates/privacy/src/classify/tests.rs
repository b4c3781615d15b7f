//! The expected side is written by hand from DESIGN.md §3 and research §8.23: mammography, photographs and documents
//! withheld, chest of a woman or of nobody knows whom 4, unknown withheld at 5.

use super::*;

const DX: &str = "1.2.840.10008.5.1.4.1.1.1.1";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const MR_ENHANCED: &str = "1.2.840.10008.5.1.4.1.1.4.1";
const SC: &str = "1.2.840.10008.5.1.4.1.1.7";

fn image(sop: &str, modality: &str, part: &str, view: &str, sex: &str) -> ImageInfo {
    ImageInfo {
        body_part: part.to_owned(),
        view_position: view.to_owned(),
        sex: sex.to_owned(),
        ..crate::testing::image((16, 16), sop, modality)
    }
}

/// What the header says, then level and whether it is withheld.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, u8, bool);

#[test]
fn classes() {
    let cases: &[Case] = &[
        // SOP class, modality, part, view, sex → name, level, withheld
        (DX, "DX", "CHEST", "PA", "F", "projection", 4, false),
        (DX, "DX", "CHEST", "PA", "", "projection", 4, false),
        (DX, "DX", "CHEST", "PA", "M", "projection", 3, false),
        (DX, "DX", "", "", "M", "projection", 4, false),
        (DX, "DX", "HAND", "PA", "F", "projection", 2, false),
        (DX, "DX", "PENIS", "", "M", "projection", 5, true),
        ("1.2.840.10008.5.1.4.1.1.1.2", "MG", "BREAST", "MLO", "F", "mammography", 5, true),
        (SC, "MG", "BREAST", "", "F", "mammography", 5, true),
        (DX, "MG", "", "", "F", "mammography", 5, true),
        (CT, "CT", "CHEST", "", "F", "ct", 3, false),
        (CT, "CT", "HEAD", "", "F", "ct", 4, false),
        (CT, "CT", "", "", "F", "ct", 4, false),
        (MR_ENHANCED, "MR", "BREAST", "", "F", "mr", 3, true),
        (SC, "OT", "", "", "", "capture", 4, false),
        (SC, "CT", "HEAD", "", "M", "capture", 4, false),
        (SC, "XC", "", "", "", "photograph", 5, true),
        ("1.2.840.10008.5.1.4.1.1.77.1.1", "ES", "", "", "", "photograph", 5, true),
        ("1.2.840.10008.5.1.4.1.1.6.1", "US", "", "", "F", "ultrasound", 3, false),
        ("1.2.840.10008.5.1.4.1.1.6.1", "US", "BREAST", "", "F", "ultrasound", 5, true),
        ("1.2.840.10008.5.1.4.1.1.77.1.6", "SM", "", "", "", "slide", 2, false),
        ("1.2.840.10008.5.1.4.1.1.104.1", "DOC", "", "", "", "document", 4, true),
        ("1.2.3.4", "", "", "", "", "unknown", 5, true),
        ("1.2.3.4", "ZZ", "CHEST", "", "M", "unknown", 5, true),
        ("1.2.840.10008.5.1.4.1.1.20000", "", "", "", "", "unknown", 5, true),
    ];
    for (sop, modality, part, view, sex, name, level, withheld) in cases {
        let class = classify(&image(sop, modality, part, view, sex));
        let told = (class.name, class.level, class.withheld);
        assert_eq!(told, (*name, *level, *withheld), "{sop} {modality} {part} {sex}");
    }
}

#[test]
fn where_to_look() {
    let kind = |part: &str, view: &str| classify(&image(DX, "DX", part, view, "F")).kind;
    assert_eq!(kind("CHEST", "PA"), Kind::Projection(Part::Chest));
    assert_eq!(kind("CHEST", "LL"), Kind::Projection(Part::ChestLateral));
    assert_eq!(kind("", "PA"), Kind::Projection(Part::Unknown));
    assert_eq!(kind("LSPINE", "AP"), Kind::Projection(Part::Pelvis));
    // `FOREARM` and `HUMERUS` hold pieces of other words: the longest word wins.
    assert_eq!(kind("FOREARM", "AP"), Kind::Projection(Part::Limb));
    let slices = |part: &str| classify(&image(CT, "CT", part, "", "F")).kind;
    assert_eq!(slices("HEAD"), Kind::Slices { ct: true, head: Some(true) });
    assert_eq!(slices("PANCREAS"), Kind::Slices { ct: true, head: Some(false) });
    assert_eq!(slices(""), Kind::Slices { ct: true, head: None });
    assert_eq!(slices("CHEST"), Kind::Slices { ct: true, head: Some(false) });
    // PS3.16 Annex L: what holds a neck or a brain beside something else is a head; what only sounds like one is none.
    for part in
        ["NECKCHEST", "NECKCHESTABDOMEN", "NECKCHESTABDPELV", "HEADNECK", "CTSPINE", "HIPPOCAMPUS", "EAR"]
    {
        assert_eq!(slices(part), Kind::Slices { ct: true, head: Some(true) }, "{part}");
    }
    for part in ["HEART", "FOREARM", "CHESTABDPELVIS", "TSPINE"] {
        assert_eq!(slices(part), Kind::Slices { ct: true, head: Some(false) }, "{part}");
    }
    let capture = |modality: &str, part: &str| classify(&image(SC, modality, part, "", "F")).kind;
    for (modality, part, head) in
        [("OT", "", true), ("CT", "", true), ("CT", "HEAD", true), ("CT", "CHEST", false)]
    {
        assert_eq!(capture(modality, part), Kind::Capture { head }, "{modality} {part}");
    }
}

#[test]
fn a_claim_of_burned_in_words_is_believed_and_a_denial_is_not() {
    let mut film = image(DX, "DX", "CHEST", "PA", "F");
    film.burned_in = Some(false);
    let denied = classify(&film);
    film.burned_in = None;
    assert_eq!(denied, classify(&film));
    film.burned_in = Some(true);
    assert!(classify(&film).wordy);
}
