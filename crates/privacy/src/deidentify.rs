//! The words of a data set without the person (PS3.15 Annex E, basic profile and options): every attribute goes through the table,
//! whatever the table does not know stays only when the dictionary knows it and it can carry no person.

mod codes;
mod content;
mod dates;
mod dummy;
mod graphics;
mod identity;
mod private;
mod references;
mod retain;
mod vocabulary;
mod work;

use crate::options::{Options, ProfileOption, Sink};
use crate::profile::{Cell, Cells, Profile};
use crate::pseudonym::{pseudonymous_days, pseudonymous_patient};
use crate::types::{TOP, Types};
use dicom::json::tag as core;
use dicom::{Error, Result};
use dicom_core::header::Header as _;
use dicom_core::value::{DataSetSequence, Value};
use dicom_core::{DataElement, Length, PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use identity::Identity;
use model::{Tag, Uid, tags};
use std::collections::BTreeSet;
use vocabulary::Vocabulary;
use work::{Place, Work};

/// What a project's number of a patient is made of. Without a number of her own she is a patient of this study only, else all
/// such would be one.
#[must_use]
pub fn patient_name(issuer: &str, number: &str, study: &str) -> String {
    if number.is_empty() { format!("\\\\{study}") } else { format!("{issuer}\\{number}") }
}

/// De-identifies a data set in place by the basic profile without options; see [`deidentify_with`].
///
/// # Errors
/// As [`deidentify_with`].
pub fn deidentify(object: &mut InMemDicomObject, project_key: &[u8; 32]) -> Result<()> {
    deidentify_with(object, project_key, Options::basic(), &mut |_, _| {})
}

/// De-identifies a data set in place by the basic profile and options, and tells `sink` what became of each attribute. Unless they
/// are retained, study, series, instance and every other UID become the project's; patient name and number always become the
/// project's number of the patient, by issuer and PatientID. Dates that move do so by a number of days that is hers in the project.
///
/// # Errors
/// [`Error::Malformed`] when a table of the profile is not whole; [`Error::Missing`] without the UIDs of an instance.
pub fn deidentify_with(
    object: &mut InMemDicomObject,
    project_key: &[u8; 32],
    options: Options,
    sink: &mut Sink<'_>,
) -> Result<()> {
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
    let cells = Cells::all().ok_or(Error::Malformed("table of options"))?;
    let types = Types::all().ok_or(Error::Malformed("table of types"))?;
    let retained = |tag| matches!(cells.of(options, tag), Some(Cell::Keep(_)));
    let mut work = Work {
        profile: Profile::basic().ok_or(Error::Malformed("confidentiality profile"))?,
        cells,
        types,
        words: Vocabulary::all().ok_or(Error::Malformed("vocabulary"))?,
        options,
        iod: types.iod(&first(object, tags::SOP_CLASS_UID)),
        key: project_key,
        days: pseudonymous_days(project_key, &issuer_and_id),
        identity: Identity::of(object, retained),
        place: Place::Plain,
        safe: BTreeSet::new(),
        uid_stays: false,
        path: Vec::new(),
        sink,
    };
    *object = work.data_set(std::mem::replace(object, InMemDicomObject::new_empty()), TOP);
    put(object, tags::PATIENT_NAME, VR::PN, &patient);
    put(object, tags::PATIENT_ID, VR::LO, &patient);
    declare(object, options);
    Ok(())
}

/// What profile and options ask to be said (PS3.15 E.1.1, E.2, E.3): that it was done, how, by which options (PS3.16 CID 7050), and what
/// became of dates, of writing in the picture and of faces.
fn declare(object: &mut InMemDicomObject, options: Options) {
    put(object, tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    put(object, 0x0012_0062, VR::CS, "YES");
    let method = ["GAUZE: PS3.15 2025a Table E.1-1 Basic Profile"].into_iter().map(str::to_owned);
    let method = method.chain(options.iter().map(|option| option.name().to_owned())).collect();
    object.put(DataElement::new(core(0x0012_0063), VR::LO, PrimitiveValue::Strs(method)));
    let codes = [("113100", "Basic Application Confidentiality Profile")].into_iter();
    let codes =
        codes.chain(options.iter().map(ProfileOption::code)).map(|(value, meaning)| code(value, meaning));
    object.put(sequence(0x0012_0064, codes.collect()));
    let dates = match () {
        () if options.has(ProfileOption::RetainFullDates) => "UNMODIFIED",
        () if options.has(ProfileOption::RetainModifiedDates) => "MODIFIED",
        () => "REMOVED",
    };
    put(object, 0x0028_0303, VR::CS, dates);
    let cleaned =
        [(ProfileOption::CleanPixelData, 0x0028_0301), (ProfileOption::CleanVisualFeatures, 0x0028_0302)];
    for (_, tag) in cleaned.into_iter().filter(|(option, _)| options.has(*option)) {
        put(object, tag, VR::CS, "NO");
    }
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
