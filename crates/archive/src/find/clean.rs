//! What of an answer's words a caller may have. Matching runs on the cleaned words: else a query for a name would tell
//! a de-identified caller which study is whose (DESIGN.md §6, Doors and rights).

use model::{Attributes, Uid, Words, tags};

/// Attributes that a pseudonymous answer keeps as they are (PS3.15 Table E.1-1 leaves them, or they are counts).
const KEPT: &[u32] = &[
    tags::MODALITY,
    tags::MODALITIES_IN_STUDY,
    tags::SOP_CLASS_UID,
    tags::BODY_PART_EXAMINED,
    tags::VIEW_POSITION,
    tags::LATERALITY,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::SERIES_NUMBER,
    tags::INSTANCE_NUMBER,
    tags::NUMBER_OF_PATIENT_RELATED_STUDIES,
    tags::NUMBER_OF_PATIENT_RELATED_SERIES,
    tags::NUMBER_OF_PATIENT_RELATED_INSTANCES,
    tags::NUMBER_OF_STUDY_RELATED_SERIES,
    tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
    tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
    tags::INSTANCE_AVAILABILITY,
];

/// What matches a film to a person besides [`KEPT`]: who she is and which examination it was; no physicians, no places.
const REDUCED: &[u32] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::ACCESSION_NUMBER,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::STUDY_DESCRIPTION,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::SOP_INSTANCE_UID,
];

/// Attributes whose value is a UID that is replaced.
const UIDS: &[u32] = &[tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID];

/// Gives pseudonyms; keyed, so that only the vault can.
pub trait Pseudonyms {
    /// The project's UID for one of ours.
    fn uid(&self, uid: &Uid) -> Uid;
    /// The project's number for a patient.
    fn patient(&self, attributes: &Attributes) -> String;
}

/// Cleans one answer; nothing when the caller may have no words.
pub fn clean(attributes: &Attributes, words: Words, pseudonyms: &dyn Pseudonyms) -> Option<Attributes> {
    match words {
        Words::Full => Some(attributes.clone()),
        Words::None => None,
        Words::Reduced => Some(reduced(attributes)),
        Words::Pseudonymous => Some(pseudonymous(attributes, pseudonyms)),
    }
}

fn reduced(attributes: &Attributes) -> Attributes {
    let mut out = Attributes::new();
    for (tag, attribute) in attributes.iter().filter(|(tag, _)| KEPT.contains(tag) || REDUCED.contains(tag)) {
        out.copy(tag, attribute);
    }
    out
}

fn pseudonymous(attributes: &Attributes, pseudonyms: &dyn Pseudonyms) -> Attributes {
    let mut out = Attributes::new();
    for (tag, attribute) in attributes.iter() {
        if KEPT.contains(&tag) {
            out.copy(tag, attribute);
        } else if UIDS.contains(&tag) {
            let uids = attribute.values.iter().filter_map(|v| v.parse::<Uid>().ok());
            out.set(tag, *b"UI", uids.map(|uid| pseudonyms.uid(&uid).into()));
        }
    }
    let patient = pseudonyms.patient(attributes);
    out.set(tags::PATIENT_ID, *b"LO", [patient.clone()]);
    out.set(tags::PATIENT_NAME, *b"PN", [patient]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Pseudonyms for Fixed {
        fn uid(&self, _: &Uid) -> Uid {
            "2.25.1".parse().unwrap()
        }
        fn patient(&self, _: &Attributes) -> String {
            "P1".into()
        }
    }

    #[test]
    fn a_pseudonymous_answer_names_nobody() {
        let mut given = Attributes::new();
        given.set(tags::PATIENT_NAME, *b"PN", ["Doe^Jane".to_owned()]);
        given.set(tags::PATIENT_ID, *b"LO", ["4711".to_owned()]);
        given.set(tags::PATIENT_BIRTH_DATE, *b"DA", ["19700101".to_owned()]);
        given.set(tags::STUDY_DATE, *b"DA", ["20200101".to_owned()]);
        given.set(tags::STUDY_DESCRIPTION, *b"LO", ["Thorax Doe".to_owned()]);
        given.set(tags::STUDY_INSTANCE_UID, *b"UI", ["1.2.3".to_owned()]);
        given.set(tags::MODALITY, *b"CS", ["CT".to_owned()]);
        given.set(tags::PATIENT_SEX, *b"CS", ["F".to_owned()]);
        given.set(tags::REFERRING_PHYSICIAN_NAME, *b"PN", ["Roe^Richard".to_owned()]);
        let out = clean(&given, Words::Pseudonymous, &Fixed).unwrap();
        let got: Vec<_> = out.iter().map(|(tag, a)| (tag, a.values.join("\\"))).collect();
        let expected = [
            (tags::MODALITY, "CT"),
            (tags::PATIENT_NAME, "P1"),
            (tags::PATIENT_ID, "P1"),
            (tags::STUDY_INSTANCE_UID, "2.25.1"),
        ];
        assert_eq!(got, expected.map(|(tag, text)| (tag, text.to_owned())));
        let reduced = clean(&given, Words::Reduced, &Fixed).unwrap();
        assert_eq!(reduced.len(), given.len() - 1);
        assert_eq!(reduced.get(tags::REFERRING_PHYSICIAN_NAME), None);
        assert_eq!(clean(&given, Words::None, &Fixed), None);
        assert_eq!(clean(&given, Words::Full, &Fixed), Some(given));
    }
}
