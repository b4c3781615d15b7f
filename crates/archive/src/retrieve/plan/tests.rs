use super::*;
use crate::testing::image;

/// Mammography, photographs and unknown kinds are withheld before anybody looked (DESIGN.md, Recognition); a film is not.
#[test]
fn what_examining_must_withhold_is_withheld_before_it() {
    let private = [
        image("MG", "1.2.840.10008.5.1.4.1.1.1.2"),
        image("XC", "1.2.840.10008.5.1.4.1.1.7"),
        image("MG", "1.2.840.10008.5.1.4.1.1.7"),
        image("ES", "1.2.840.10008.5.1.4.1.1.77.1.1"),
        image("", "1.2.3"),
    ];
    for image in &private {
        assert!(withheld_by_header(image, false, false) && withheld_by_header(image, true, true));
        assert!(!withheld_by_header(image, true, false), "who treats the patient sees that it is there");
    }
    assert!(!withheld_by_header(&image("DX", "1.2.840.10008.5.1.4.1.1.1.1"), false, true));
}

/// What was drawn on a film is hidden on its unprocessed twin, too; not on another view, another size or a slice.
#[test]
fn twins_of_a_film_are_the_same_view() {
    let film = |modality: &str, class: &str, view: &str, rows: u32| ImageInfo {
        rows,
        view_position: view.to_owned(),
        body_part: "CHEST".to_owned(),
        ..image(modality, class)
    };
    const SHOWN: &str = "1.2.840.10008.5.1.4.1.1.1.1";
    const FOR_PROCESSING: &str = "1.2.840.10008.5.1.4.1.1.1.1.1";
    let drawn = film("DX", SHOWN, "PA", 2500);
    for (twin, expected) in [
        (film("DX", FOR_PROCESSING, "PA", 2500), true),
        (film("CR", "1.2.840.10008.5.1.4.1.1.1", "PA", 2500), true),
        (film("DX", SHOWN, "LL", 2500), false),
        (film("DX", SHOWN, "PA", 1250), false),
        (film("CT", "1.2.840.10008.5.1.4.1.1.2", "PA", 2500), false),
    ] {
        assert_eq!(same_view(&drawn, &twin), expected, "{twin:?}");
    }
    let slice = film("CT", "1.2.840.10008.5.1.4.1.1.2", "", 512);
    assert!(!same_view(&slice, &slice.clone()), "a region of one slice says nothing of the next");
}
