//! The words of a data set without the person (PS3.15 Annex E, basic profile): every attribute goes through the table,
//! whatever the table does not know stays only when the dictionary knows it and it can carry no person.

mod codes;
mod dummy;
mod identity;
mod references;

use crate::profile::{Action, Profile};
use crate::types::{TOP, Types};
use crate::{pseudonymous_patient, pseudonymous_uid};
use dicom::json::tag as core;
use dicom::{Error, Result};
use dicom_core::header::Header as _;
use dicom_core::value::{DataSetSequence, Value};
use dicom_core::{DataElement, Length, PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use identity::Identity;
use model::{Tag, Uid, tags};

const SOP_CLASS_LIKE: &[Tag] = &[
    0x0008_0016, // SOP Class
    0x0008_001A, // Related General SOP Class
    0x0008_001B, // Original Specialized SOP Class
    0x0008_010C, // Coding Scheme
    0x0008_0117, // Context
    0x0008_0118, // Mapping Resource
    0x0008_1150, // Referenced SOP Class
];

/// What a project's number of a patient is made of. Without a number of her own she is a patient of this study only, else all
/// such would be one.
#[must_use]
pub fn patient_name(issuer: &str, number: &str, study: &str) -> String {
    if number.is_empty() { format!("\\\\{study}") } else { format!("{issuer}\\{number}") }
}

/// De-identifies a data set in place. Study, series, instance and every other UID become the project's; patient name and
/// number become the project's number of the patient, by issuer and PatientID.
///
/// # Errors
/// [`Error::Malformed`] when the profile's table is not whole; [`Error::Missing`] without the UIDs of an instance.
pub fn deidentify(object: &mut InMemDicomObject, project_key: &[u8; 32]) -> Result<()> {
    let profile = Profile::basic().ok_or(Error::Malformed("confidentiality profile"))?;
    for (tag, what) in [
        (tags::STUDY_INSTANCE_UID, "study"),
        (tags::SERIES_INSTANCE_UID, "series"),
        (tags::SOP_INSTANCE_UID, "SOP instance"),
    ] {
        first(object, tag).parse::<Uid>().map_err(|_| Error::Missing(what))?;
    }
    let issuer_and_id = patient_name(
        &first(object, tags::ISSUER_OF_PATIENT_ID),
        &first(object, tags::PATIENT_ID),
        &first(object, tags::STUDY_INSTANCE_UID),
    );
    let patient = pseudonymous_patient(project_key, &issuer_and_id);
    let types = Types::all().ok_or(Error::Malformed("table of types"))?;
    let iod = types.iod(&first(object, tags::SOP_CLASS_UID));
    let work = Work { profile, types, iod, key: project_key, identity: Identity::of(object) };
    *object = work.data_set(std::mem::replace(object, InMemDicomObject::new_empty()), TOP);
    put(object, tags::PATIENT_NAME, VR::PN, &patient);
    put(object, tags::PATIENT_ID, VR::LO, &patient);
    declare(object);
    Ok(())
}

/// What the profile asks to be said (PS3.15 E.2): that it was done, how, by which options, and that dates are gone.
fn declare(object: &mut InMemDicomObject) {
    put(object, tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    put(object, 0x0012_0062, VR::CS, "YES");
    put(object, 0x0012_0063, VR::LO, "GAUZE: PS3.15 2025a Table E.1-1 Basic Profile");
    let code = code("113100", "Basic Application Confidentiality Profile");
    object.put(sequence(0x0012_0064, vec![code]));
    put(object, 0x0028_0303, VR::CS, "REMOVED");
}

struct Work<'a> {
    profile: &'static Profile,
    types: &'static Types,
    iod: Option<u16>,
    key: &'a [u8; 32],
    identity: Identity,
}

impl Work<'_> {
    fn data_set(&self, mut object: InMemDicomObject, parent: Tag) -> InMemDicomObject {
        codes::clean(&mut object);
        let elements = object.into_iter().filter_map(|element| self.element(element, parent));
        InMemDicomObject::from_element_iter(elements)
    }

    fn element(&self, element: InMemElement, parent: Tag) -> Option<InMemElement> {
        let tag = number(&element);
        // Group lengths lie after any change; command and file meta groups have no place here.
        if tag & 0xFFFF == 0 || tag >> 16 <= 2 || tag == tags::SPECIFIC_CHARACTER_SET {
            return None;
        }
        match self.profile.action(tag).map(|action| action.of_type(self.types.of(self.iod, (tag, parent)))) {
            Some(Action::Empty) => Some(DataElement::empty(element.tag(), dummy::vr(tag)?)),
            Some(Action::Dummy) => self.dummy(element),
            Some(Action::Uid) => self.uids(element, well_known_frame),
            Some(Action::References) => self.references(element),
            None => self.kept(element),
            Some(_) => None,
        }
    }

    fn dummy(&self, element: InMemElement) -> Option<InMemElement> {
        let tag = number(&element);
        match dummy::vr(tag)? {
            VR::UI => self.uids(element, well_known_frame),
            VR::SQ => {
                // A dummy of a sequence: the form of its first item, nothing of its values.
                let item = element.into_value().into_items().and_then(|items| items.into_iter().next());
                let hollow = item.map(|item| {
                    let parts = item.into_iter().filter_map(|e| self.hollow(e));
                    InMemDicomObject::from_element_iter(parts)
                });
                Some(sequence(tag, hollow.into_iter().collect()))
            }
            vr => Some(DataElement::new(core(tag), vr, dummy::value(vr))),
        }
    }

    fn hollow(&self, element: InMemElement) -> Option<InMemElement> {
        let tag = number(&element);
        let gone = tag & 0xFFFF == 0 || matches!(self.profile.action(tag), Some(Action::Remove));
        if gone || tag == tags::SPECIFIC_CHARACTER_SET { None } else { self.dummy(element) }
    }

    fn references(&self, element: InMemElement) -> Option<InMemElement> {
        let tag = number(&element);
        let items = element.into_value().into_items()?;
        let items = items.into_iter().map(|item| self.data_set(references::only(item, self.profile), tag));
        Some(sequence(tag, items.collect()))
    }

    /// An attribute that stays, as far as it can be seen to carry no person.
    fn kept(&self, element: InMemElement) -> Option<InMemElement> {
        let (tag, vr) = (number(&element), element.vr());
        if !dummy::fits(tag, vr) {
            return None;
        }
        match vr {
            VR::SQ => {
                let items = element.into_value().into_items()?;
                Some(sequence(tag, items.into_iter().map(|item| self.data_set(item, tag)).collect()))
            }
            VR::UI if SOP_CLASS_LIKE.contains(&tag) => self.uids(element, |_| true),
            VR::UI => self.uids(element, |uid| uid.starts_with("1.2.840.10008.")),
            // The table names every date and person of the standard; one that it does not know is a newer one.
            VR::DA | VR::DT | VR::TM | VR::PN => Some(DataElement::empty(element.tag(), vr)),
            VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => {
                dummy::needed_binary(tag).then_some(element)
            }
            _ => {
                let free = matches!(vr, VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT);
                Some(match self.identity.occurs_in(&element) {
                    false => element,
                    // It may be of Type 1, and a word in its place is as good as none.
                    true if free => DataElement::new(element.tag(), vr, dummy::value(vr)),
                    true => DataElement::empty(element.tag(), vr),
                })
            }
        }
    }

    fn uids(&self, element: InMemElement, keep: impl Fn(&str) -> bool) -> Option<InMemElement> {
        let texts = element.to_str().ok()?.into_owned();
        let others = texts.split('\\').filter_map(|text| text.trim_matches([' ', '\0']).parse::<Uid>().ok());
        let others = others.map(|uid| {
            if keep(uid.as_str()) { uid } else { pseudonymous_uid(self.key, &uid) }.as_str().to_owned()
        });
        let value = PrimitiveValue::Strs(others.collect());
        Some(DataElement::new(element.tag(), VR::UI, value))
    }
}

/// Well-known frames of reference (PS3.6 Table A-2) name no patient and mean something.
fn well_known_frame(uid: &str) -> bool {
    uid.starts_with("1.2.840.10008.1.4.")
}

pub(crate) fn number(element: &InMemElement) -> Tag {
    let tag = element.tag();
    Tag::from(tag.group()) << 16 | Tag::from(tag.element())
}

/// First value as text, trimmed as the index trims it.
pub(crate) fn first(object: &InMemDicomObject, tag: Tag) -> String {
    let text = object.get(core(tag)).and_then(|e| e.to_str().ok()).unwrap_or_default();
    text.split('\\').next().unwrap_or_default().replace('\0', "").trim().to_owned()
}

pub(crate) fn put(object: &mut InMemDicomObject, tag: Tag, vr: VR, text: &str) {
    object.put(DataElement::new(core(tag), vr, PrimitiveValue::from(text)));
}

pub(crate) fn sequence(tag: Tag, items: Vec<InMemDicomObject>) -> InMemElement {
    let value: Value<InMemDicomObject, Vec<u8>> = DataSetSequence::new(items, Length::UNDEFINED).into();
    DataElement::new(core(tag), VR::SQ, value)
}

/// A code of PS3.16's own scheme (PS3.3 §8.8).
pub(crate) fn code(value: &str, meaning: &str) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    put(&mut item, 0x0008_0100, VR::SH, value);
    put(&mut item, 0x0008_0102, VR::SH, "DCM");
    put(&mut item, 0x0008_0104, VR::LO, meaning);
    item
}

#[cfg(test)]
mod tests;
