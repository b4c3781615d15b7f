use super::*;
use model::Photometric;

fn image(modality: &str, sop_class: &str) -> ImageInfo {
    ImageInfo {
        transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
        sop_class: sop_class.parse().unwrap(),
        rows: 4,
        columns: 4,
        frames: 1,
        samples: 1,
        photometric: Photometric::Monochrome2,
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        signed: false,
        planar: false,
        rescale_slope: 1.0,
        rescale_intercept: 0.0,
        window: None,
        inverse: false,
        spacing: None,
        palette: None,
        modality: modality.to_owned(),
        body_part: String::new(),
        view_position: String::new(),
        image_type: String::new(),
        burned_in: None,
        age_years: None,
        sex: String::new(),
    }
}

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
