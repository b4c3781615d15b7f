//! What objects that are made here of masks have in common: words, equipment, and small ways to write elements.

use crate::dataset::core_tag;
use crate::json;
use crate::{IMPLEMENTATION_VERSION, Result};
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, Length, PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use model::{Attributes, MaskPlanes, MaskedImage, Tag, Time, tags};

/// Patient and study attributes that must be there, with or without a value (PS3.3 C.7.1.1, C.7.2.1, C.7.3.1).
const ALWAYS: &[(Tag, VR)] = &[
    (tags::STUDY_DATE, VR::DA),
    (tags::STUDY_TIME, VR::TM),
    (tags::ACCESSION_NUMBER, VR::SH),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
    (tags::PATIENT_NAME, VR::PN),
    (tags::PATIENT_ID, VR::LO),
    (tags::PATIENT_BIRTH_DATE, VR::DA),
    (tags::PATIENT_SEX, VR::CS),
    (tags::STUDY_ID, VR::SH),
];

/// A data set under construction.
pub trait Put {
    /// Text, values joined by backslashes.
    fn text(&mut self, tag: Tag, vr: VR, text: &str);
    /// US.
    fn us(&mut self, tag: Tag, value: u32) -> Result<()>;
    /// SQ.
    fn sequence(&mut self, tag: Tag, items: Vec<InMemDicomObject>);
}

impl Put for InMemDicomObject {
    fn text(&mut self, tag: Tag, vr: VR, text: &str) {
        self.put(DataElement::new(core_tag(tag), vr, PrimitiveValue::from(text)));
    }

    fn us(&mut self, tag: Tag, value: u32) -> Result<()> {
        let value = u16::try_from(value).map_err(|_| crate::Error::TooLarge("number"))?;
        self.put(DataElement::new(core_tag(tag), VR::US, PrimitiveValue::from(value)));
        Ok(())
    }

    fn sequence(&mut self, tag: Tag, items: Vec<InMemDicomObject>) {
        let value = DataSetSequence::new(items, Length::UNDEFINED);
        self.put(DataElement::new(core_tag(tag), VR::SQ, value));
    }
}

/// An item of a sequence.
pub fn item(fill: impl FnOnce(&mut InMemDicomObject)) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    fill(&mut item);
    item
}

/// A code (PS3.3 §8.8).
pub fn code([value, scheme, meaning]: [&str; 3]) -> InMemDicomObject {
    item(|item| {
        item.text(tags::CODE_VALUE, VR::SH, value);
        item.text(0x0008_0102, VR::SH, scheme);
        item.text(0x0008_0104, VR::LO, meaning);
    })
}

/// SOP class and instance of an image.
pub fn reference(image: &MaskedImage) -> InMemDicomObject {
    item(|item| {
        item.text(0x0008_1150, VR::UI, image.sop_class.as_str());
        item.text(0x0008_1155, VR::UI, image.sop_uid.as_str());
    })
}

/// Patient, study, series and equipment of an object of this class and modality. Dates and times are UTC.
pub fn begin(planes: &MaskPlanes, class: &str, modality: &str) -> Result<InMemDicomObject> {
    let known = |wanted: &[Tag]| {
        let mut out = Attributes::new();
        let there = wanted.iter().filter_map(|tag| Some((*tag, planes.words.get(*tag)?)));
        there.for_each(|(tag, attribute)| out.copy(tag, attribute));
        out
    };
    let mut words = known(tags::PATIENT);
    words.extend(&known(tags::STUDY));
    let mut object = json::to_object(&json::from_attributes(&words), &|_| None)?;
    for (tag, vr) in ALWAYS {
        if words.get(*tag).is_none() {
            object.put(DataElement::new(core_tag(*tag), *vr, PrimitiveValue::Empty));
        }
    }
    let [series, instance, _] = &planes.made_as;
    let (date, time) = date_time(planes.made);
    for (tag, vr, text) in [
        (tags::SOP_CLASS_UID, VR::UI, class),
        (tags::SOP_INSTANCE_UID, VR::UI, instance.as_str()),
        (0x0008_0012, VR::DA, &date),
        (0x0008_0013, VR::TM, &time),
        (tags::MODALITY, VR::CS, modality),
        (0x0008_0070, VR::LO, "GAUZE"),
        (0x0008_1090, VR::LO, "GAUZE"),
        (0x0018_1000, VR::LO, "0"),
        (0x0018_1020, VR::LO, IMPLEMENTATION_VERSION),
        (tags::STUDY_INSTANCE_UID, VR::UI, planes.study.as_str()),
        (tags::SERIES_INSTANCE_UID, VR::UI, series.as_str()),
        (tags::SERIES_NUMBER, VR::IS, "1"),
        (tags::INSTANCE_NUMBER, VR::IS, "1"),
        (0x0070_0080, VR::CS, "MASK"),
        (0x0070_0081, VR::LO, "What is hidden from others"),
    ] {
        object.text(tag, vr, text);
    }
    object.put(DataElement::new(core_tag(0x0070_0084), VR::PN, PrimitiveValue::Empty));
    Ok(object)
}

/// DA and TM.
pub fn date_time(time: Time) -> (String, String) {
    let text: String = time.rfc3339().chars().filter(char::is_ascii_digit).collect();
    let (date, rest) = text.split_at(text.len().min(8));
    (date.to_owned(), rest.get(..6).unwrap_or("000000").to_owned())
}
