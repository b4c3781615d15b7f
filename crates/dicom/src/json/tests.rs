use super::*;
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue};

fn put(object: &mut InMemDicomObject, tag: Tag, vr: VR, value: PrimitiveValue) {
    object.put(DataElement::new(core_tag(tag), vr, value));
}

fn bytes(len: usize) -> PrimitiveValue {
    PrimitiveValue::U8((0..len).map(|i| (i % 256) as u8).collect())
}

#[test]
fn binary_values_are_inline_or_named_and_found_again() {
    let mut inner = InMemDicomObject::new_empty();
    put(&mut inner, 0x5400_1010, VR::OW, bytes(2000));
    let mut object = InMemDicomObject::new_empty();
    put(&mut object, 0x0008_0005, VR::CS, PrimitiveValue::from("\\ISO 2022 IR 87"));
    put(&mut object, 0x0009_1001, VR::UN, bytes(3));
    put(
        &mut object,
        0x0020_9165,
        VR::AT,
        PrimitiveValue::Tags([core_tag(0x0018_9087)].into_iter().collect()),
    );
    put(&mut object, 0x0028_1201, VR::OW, bytes(INLINE_BYTES));
    put(&mut object, 0x0028_1202, VR::OW, bytes(INLINE_BYTES + 1));
    put(&mut object, 0x0042_0011, VR::OB, PrimitiveValue::Empty);
    object.put(DataElement::new(core_tag(0x5400_0100), VR::SQ, DataSetSequence::from(vec![inner])));
    let found = from_object(&object, Some("https://x/bulkdata/"));
    assert_eq!(found["00080005"]["Value"], json!(["ISO_IR 192"]));
    // RFC 4648 §4 by hand: 00 01 02.
    assert_eq!(found["00091001"], json!({"vr": "UN", "InlineBinary": "AAEC"}));
    assert_eq!(found["00209165"], json!({"vr": "AT", "Value": ["00189087"]}));
    assert!(found["00281201"]["InlineBinary"].is_string());
    assert_eq!(found["00281202"], json!({"vr": "OW", "BulkDataURI": "https://x/bulkdata/00281202"}));
    assert_eq!(found["00420011"], json!({"vr": "OB"}));
    let nested = &found["54000100"]["Value"][0]["54001010"];
    assert_eq!(*nested, json!({"vr": "OW", "BulkDataURI": "https://x/bulkdata/54000100.0.54001010"}));
    assert_eq!(from_object(&object, None)["00281202"], json!({"vr": "OW"}));
    assert_eq!(value_at(&object, "54000100.0.54001010").map(|v| v.len()), Some(2000));
    assert_eq!(value_at(&object, "00091001"), Some(vec![0, 1, 2]));
    for absent in [
        "54000100.1.54001010",
        "54000100.0",
        "00420011",
        "0028120",
        "00281202.",
        "00080005",
        "",
        "..",
        "+0281202",
    ] {
        assert_eq!(value_at(&object, absent), None, "{absent}");
    }
}
