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
