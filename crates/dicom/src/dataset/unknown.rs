//! Values that a sender wrote as UN though the standard knows their VR (PS3.5 §6.2.2 note 2: some archives that do not
//! know an attribute store it so). They are read again in implicit VR little endian, which is how UN is coded.

use super::{core_tag, dictionary_vr};
use dicom_core::VR;
use dicom_core::header::Header as _;
use dicom_encoding::text::SpecificCharacterSet;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use dicom_transfer_syntax_registry::entries;
use model::{limits, tags};

/// Gives known attributes their VR, nested ones too. Private ones, sequences (nobody bounded their depth) and what does not
/// read stay UN.
pub fn resolve(object: &mut InMemDicomObject) {
    let charset = object.get(core_tag(tags::SPECIFIC_CHARACTER_SET)).and_then(|e| e.to_str().ok());
    let charset = charset
        .and_then(|text| SpecificCharacterSet::from_code(text.split('\\').next().unwrap_or_default().trim()));
    resolve_at(object, &charset.unwrap_or_default(), 0);
}

fn resolve_at(object: &mut InMemDicomObject, charset: &SpecificCharacterSet, depth: usize) {
    if depth > limits::SEQUENCE_DEPTH {
        return;
    }
    let nested: Vec<_> = object.iter().filter(|e| e.items().is_some()).map(|e| e.tag()).collect();
    for tag in nested {
        object.update_value(tag, |value| {
            for item in value.items_mut().into_iter().flatten() {
                resolve_at(item, charset, depth + 1);
            }
        });
    }
    let known: Vec<InMemElement> = object.iter().filter_map(|e| again(e, charset)).collect();
    for element in known {
        object.put(element);
    }
}

fn again(element: &InMemElement, charset: &SpecificCharacterSet) -> Option<InMemElement> {
    let tag = super::number(element.tag());
    if element.vr() != VR::UN || matches!(dictionary_vr(tag), "UN" | "SQ") {
        return None;
    }
    let value = element.value().primitive()?.to_bytes();
    // Longer ones are UN because their own VR has a length of 16 bits only (PS3.5 §6.2.2).
    if value.len() > 0xFFFE {
        return None;
    }
    let (group, number) = (element.tag().group(), element.tag().element());
    let len = u32::try_from(value.len()).ok()?;
    let bytes = [&group.to_le_bytes()[..], &number.to_le_bytes(), &len.to_le_bytes(), &value].concat();
    let syntax = entries::IMPLICIT_VR_LITTLE_ENDIAN.erased();
    let read = InMemDicomObject::read_dataset_with_ts_cs(bytes.as_slice(), &syntax, charset.clone()).ok()?;
    read.get(element.tag()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_core::{DataElement, PrimitiveValue};

    #[test]
    fn known_attributes_get_their_vr_and_others_stay() {
        let mut object = InMemDicomObject::new_empty();
        let mut put = |tag: model::Tag, bytes: &[u8]| {
            object.put(DataElement::new(core_tag(tag), VR::UN, PrimitiveValue::U8(bytes.into())));
        };
        put(0x0008_0016, b"1.2.3\0");
        put(0x0028_0010, &[0, 2]);
        put(0x0009_1001, b"private ");
        put(0x0008_1140, &[0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0]);
        resolve(&mut object);
        let vr = |tag| object.get(core_tag(tag)).unwrap().vr();
        assert_eq!(
            [0x0008_0016, 0x0028_0010, 0x0009_1001, 0x0008_1140].map(vr),
            [VR::UI, VR::US, VR::UN, VR::UN]
        );
        assert_eq!(object.get(core_tag(0x0028_0010)).unwrap().to_int::<u16>().unwrap(), 512);
    }
}
