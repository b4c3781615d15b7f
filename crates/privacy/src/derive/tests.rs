//! Expected values from PS3.3 C.7.6.1 and C.7.6.3 and PS3.16 CID 7202 and 7203, by hand.

use super::*;
use dicom_core::dicom_value;

fn image(photometric: Photometric, samples: u8) -> ImageInfo {
    ImageInfo {
        transfer_syntax: "1.2.840.10008.1.2.4.50".parse().unwrap(),
        samples,
        photometric,
        bits_allocated: 16,
        bits_stored: 12,
        high_bit: 15,
        planar: true,
        ..crate::testing::image((4, 6), "1.2.840.10008.5.1.4.1.1.1.1", "DX")
    }
}

fn object() -> InMemDicomObject {
    let mut o = InMemDicomObject::new_empty();
    put(&mut o, 0x0008_0008, VR::CS, "ORIGINAL\\PRIMARY\\\\AXIAL");
    put(&mut o, 0x0008_0016, VR::UI, "1.2.840.10008.5.1.4.1.1.1.1");
    put(&mut o, 0x0008_0018, VR::UI, "1.2.3");
    put(&mut o, 0x0010_0010, VR::PN, "Doe^Jane");
    put(&mut o, 0x0028_0301, VR::CS, "YES");
    put(&mut o, 0x0028_0302, VR::CS, "NO");
    o.put(DataElement::new(core(0x0028_0006), VR::US, dicom_value!(U16, [1])));
    o.put(DataElement::new(core(0x0028_0102), VR::US, dicom_value!(U16, [15])));
    o
}

fn value(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    object.get(core(tag)).map(|e| e.to_str().unwrap().into_owned())
}

#[test]
fn a_masked_file_says_so() {
    let (image, instance) = (image(Photometric::Monochrome2, 1), "2.25.99".parse().unwrap());
    let mut o = object();
    let how =
        Derivation { image: Some(&image), instance: Some(&instance), masked: true, ..Derivation::default() };
    derive(&mut o, &how).unwrap();
    for (tag, expected) in [
        (0x0008_0008, Some("DERIVED\\SECONDARY\\\\AXIAL")),
        (0x0008_0018, Some("2.25.99")),
        (0x0010_0010, Some("Doe^Jane")),
        (0x0028_0002, Some("1")),
        (0x0028_0004, Some("MONOCHROME2")),
        (0x0028_0006, None),
        (0x0028_0100, Some("16")),
        (0x0028_0101, Some("12")),
        (0x0028_0102, Some("11")),
        (0x0028_0103, Some("0")),
        (0x0028_0301, Some("YES")), // full words: whether all text was hidden is not known here
        (0x0028_0302, None),
        (0x0028_2110, Some("01")), // JPEG baseline
    ] {
        assert_eq!(value(&o, tag).as_deref(), expected, "{tag:08X}");
    }
    let source = &o.get(core(0x0008_2112)).unwrap().items().unwrap()[0];
    assert_eq!(value(source, 0x0008_1155).as_deref(), Some("1.2.3"));
    assert_eq!(value(source, 0x0008_1150).as_deref(), Some("1.2.840.10008.5.1.4.1.1.1.1"));
    let purpose = &source.get(core(0x0040_A170)).unwrap().items().unwrap()[0];
    assert_eq!(value(purpose, 0x0008_0100).as_deref(), Some("121322"));
    let code = &o.get(core(0x0008_9215)).unwrap().items().unwrap()[0];
    assert_eq!(value(code, 0x0008_0100).as_deref(), Some("113047"));
}

#[test]
fn metadata_keeps_the_uid_asked_for() {
    let image = image(Photometric::Rgb, 3);
    let mut o = object();
    let how = Derivation { image: Some(&image), masked: true, deidentified: true, ..Derivation::default() };
    derive(&mut o, &how).unwrap();
    assert_eq!(value(&o, 0x0008_0018).as_deref(), Some("1.2.3"));
    assert_eq!(value(&o, 0x0028_0006).as_deref(), Some("0"), "pixel by pixel");
    assert_eq!(value(&o, 0x0028_0301).as_deref(), Some("NO"));
    assert!(o.get(core(0x0008_2112)).is_none());
}

/// One row of the leak table each, at the top and one level down.
#[test]
fn telltales_go_at_every_depth() {
    let tags = [
        0x0028_0106,
        0x0028_0107,
        0x0028_0108,
        0x0028_0109,
        0x0028_7FE0,
        0x0060_3000,
        0x0088_0200,
        0x0400_0500,
        0x0400_0550,
        0x0400_0561,
        0x4FFE_0001,
        0xFFFA_FFFA,
        0xFFFC_FFFC,
        0x0042_0011,
        0x5400_0100,
        0x6000_3000,
        0x6000_0010,
        0x5002_3000,
        0x0009_0010,
        0x7053_1000,
        0x0070_0001,
    ];
    let fill = |o: &mut InMemDicomObject| {
        for tag in tags {
            o.put(DataElement::new(core(tag), VR::OB, PrimitiveValue::from(vec![1u8, 2])));
        }
        o.put(DataElement::new(core(0x0018_9999), VR::UN, PrimitiveValue::from(vec![1u8, 2])));
    };
    let mut item = InMemDicomObject::new_empty();
    fill(&mut item);
    put(&mut item, 0x0008_9007, VR::CS, "ORIGINAL\\PRIMARY\\VOLUME\\NONE");
    let mut frame_type = InMemDicomObject::new_empty();
    frame_type.put(sequence(0x0018_9329, vec![item]));
    let mut o = object();
    fill(&mut o);
    o.put(sequence(0x5200_9229, vec![frame_type]));
    derive(&mut o, &Derivation { masked: true, ..Derivation::default() }).unwrap();
    let shared = &o.get(core(0x5200_9229)).unwrap().items().unwrap()[0];
    let deep = &shared.get(core(0x0018_9329)).unwrap().items().unwrap()[0];
    for tag in tags.into_iter().chain([0x0018_9999]) {
        assert!(o.get(core(tag)).is_none() && deep.get(core(tag)).is_none(), "{tag:08X}");
    }
    assert_eq!(value(deep, 0x0008_9007).as_deref(), Some("DERIVED\\SECONDARY\\VOLUME\\NONE"));
}

/// What no list names goes; what viewers need stays. By hand from PS3.5 6.2, PS3.6 and PS3.3 C.7.6.3, C.7.9, C.11.
#[test]
fn only_what_is_known_stays_beside_masked_pixels() {
    let bytes = || PrimitiveValue::from(vec![7u8; 64]);
    let text = || PrimitiveValue::from("a copy of the film".repeat(4));
    let gone = [
        (0x7F02_0010, VR::OW, bytes()), // private-like, not in PS3.6
        (0x7F00_0010, VR::OB, bytes()), // variable pixel data, retired
        (0x7FE0_0020, VR::OW, bytes()), // coefficients SDVN, retired
        (0x7FE0_0001, VR::OV, bytes()), // extended offset table
        (0x0018_9998, VR::UT, text()),  // not in PS3.6
        (0x0028_9998, VR::LT, text()),
        (0x0018_9998 + 2, VR::US, dicom_value!(U16, [1, 2])),
        (0x0020_4000, VR::OB, bytes()), // a known tag with bytes for text
        (0x0028_1408, VR::OW, bytes()), // blending weight constant's neighbour
        (0x0028_0020, VR::OW, bytes()),
        (0x0066_0101, VR::LT, text()),                 // tracks
        (0x0064_0009, VR::OF, bytes()),                // deformation grid
        (0x1000_0010, VR::US, dicom_value!(U16, [1])), // zonal map, retired
        (0x1010_0004, VR::US, dicom_value!(U16, [1])),
        (0x0018_1065, VR::DS, PrimitiveValue::from("1\\".repeat(40_000))), // a picture as numbers
        (0x0008_1030, VR::UT, text()), // study description as unbounded text
    ];
    let kept = [
        (0x0028_3006, VR::OW),
        (0x0028_1201, VR::OW),
        (0x0028_1203, VR::OW),
        (0x0028_1221, VR::OW),
        (0x0028_2000, VR::OB),
    ];
    let mut o = object();
    for (tag, vr, value) in &gone {
        o.put(DataElement::new(core(*tag), *vr, value.clone()));
    }
    for (tag, vr) in kept {
        o.put(DataElement::new(core(tag), vr, bytes()));
    }
    put(&mut o, 0x0020_4000 + 0x10000, VR::LT, "not in PS3.6");
    put(&mut o, 0x0010_4000, VR::LT, "patient comments");
    put(&mut o, 0x0018_1063, VR::DS, "33.3");
    put(&mut o, 0x0028_1050, VR::DS, "40");
    derive(&mut o, &Derivation { masked: true, ..Derivation::default() }).unwrap();
    for (tag, ..) in gone {
        assert!(o.get(core(tag)).is_none(), "{tag:08X}");
    }
    assert!(o.get(core(0x0021_4000)).is_none());
    for tag in kept.into_iter().map(|(t, _)| t).chain([0x0010_4000, 0x0018_1063, 0x0028_1050, 0x0010_0010]) {
        assert!(o.get(core(tag)).is_some(), "{tag:08X}");
    }
}

#[test]
fn clear_pixels_keep_their_words() {
    let mut o = object();
    o.put(DataElement::new(core(0x0028_0106), VR::US, dicom_value!(U16, [3])));
    derive(&mut o, &Derivation { ..Derivation::default() }).unwrap();
    assert_eq!(value(&o, 0x0028_0106).as_deref(), Some("3"));
    assert_eq!(value(&o, 0x0008_0008).as_deref(), Some("ORIGINAL\\PRIMARY\\\\AXIAL"));
}

#[test]
fn safe_private_attributes_stay_when_they_are_short() {
    for (safe_private, left) in [(true, [true, true, false, false]), (false, [false; 4])] {
        let mut o = InMemDicomObject::new_empty();
        put(&mut o, 0x0008_0016, VR::UI, "1.2.840.10008.5.1.4.1.1.4");
        put(&mut o, 0x0008_0018, VR::UI, "1.2.3");
        put(&mut o, 0x0019_0010, VR::LO, "SIEMENS MR HEADER");
        put(&mut o, 0x0019_100C, VR::IS, "800");
        put(&mut o, 0x0019_100D, VR::LT, &"x".repeat(4096));
        o.put(DataElement::new(core(0x0019_100E), VR::OB, PrimitiveValue::from(vec![1u8; 8])));
        let how = Derivation { masked: true, deidentified: true, safe_private, ..Derivation::default() };
        derive(&mut o, &how).unwrap();
        let there = [0x0019_0010, 0x0019_100C, 0x0019_100D, 0x0019_100E].map(|t| o.get(core(t)).is_some());
        assert_eq!(there, left);
    }
}

#[test]
fn one_bit_samples_come_back_as_bytes() {
    let image = ImageInfo { bits_allocated: 1, bits_stored: 1, ..image(Photometric::Monochrome2, 1) };
    let mut o = object();
    derive(&mut o, &Derivation { image: Some(&image), ..Derivation::default() }).unwrap();
    assert_eq!(
        ["8", "1", "0"].map(Some),
        [0x0028_0100, 0x0028_0101, 0x0028_0102].map(|t| value(&o, t)).each_ref().map(|v| v.as_deref())
    );
}

/// A JPEG of a screen with the rescale of the slice on it: a viewer that applied it would show black.
#[test]
fn colours_are_not_rescaled() {
    for (photometric, samples, left) in
        [(Photometric::Rgb, 3, None), (Photometric::Monochrome2, 1, Some("-1024"))]
    {
        let image = image(photometric, samples);
        let mut o = object();
        put(&mut o, 0x0028_1052, VR::DS, "-1024");
        put(&mut o, 0x0028_1050, VR::DS, "40");
        let how = Derivation { image: Some(&image), masked: true, ..Derivation::default() };
        derive(&mut o, &how).unwrap();
        assert_eq!(value(&o, 0x0028_1052).as_deref(), left);
        assert_eq!(value(&o, 0x0028_1050).is_some(), left.is_some());
    }
}
