//! What the index keeps at each level (docs/finding.md says the same): anything else is not compared and not returned, and
//! the answer says so (PS3.4 §C.2.2.1.3).

use model::{Tag, tags};
use port::find::{Level, Path};

/// An attribute, or what is in a sequence, that a query of this level may name.
pub fn known(level: Level, path: &Path) -> bool {
    match *path.as_slice() {
        [tag] => tag == tags::RETRIEVE_URL || lists(level).iter().any(|list| list.contains(&tag)),
        [sequence, tag] => {
            lists(level).iter().any(|list| list.contains(&sequence))
                && tags::of_items(sequence).contains(&tag)
        }
        _ => false,
    }
}

fn lists(level: Level) -> &'static [&'static [Tag]] {
    const SERIES: &[Tag] = &[tags::NUMBER_OF_SERIES_RELATED_INSTANCES];
    match level {
        Level::Patient => &[tags::PATIENT, tags::COUNTED_OF_PATIENT],
        Level::Study => &[tags::PATIENT, tags::STUDY, tags::COUNTED_OF_STUDY],
        Level::Series => &[tags::PATIENT, tags::STUDY, tags::COUNTED_OF_STUDY, tags::SERIES, SERIES],
        Level::Instance => {
            &[tags::PATIENT, tags::STUDY, tags::COUNTED_OF_STUDY, tags::SERIES, SERIES, tags::INSTANCE]
        }
    }
}

/// Returned without being asked for (PS3.18 Tables 10.6.3-3 to 10.6.3-5; patients: PS3.4 Table C.6-1).
pub const fn required(level: Level) -> &'static [Tag] {
    match level {
        Level::Patient => tags::PATIENT,
        Level::Study => &[
            tags::STUDY_DATE,
            tags::STUDY_TIME,
            tags::ACCESSION_NUMBER,
            tags::INSTANCE_AVAILABILITY,
            tags::MODALITIES_IN_STUDY,
            tags::REFERRING_PHYSICIAN_NAME,
            tags::PATIENT_NAME,
            tags::PATIENT_ID,
            tags::PATIENT_BIRTH_DATE,
            tags::PATIENT_SEX,
            tags::STUDY_ID,
            tags::NUMBER_OF_STUDY_RELATED_SERIES,
            tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
        ],
        Level::Series => &[
            tags::MODALITY,
            tags::SERIES_DESCRIPTION,
            tags::SERIES_NUMBER,
            tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
            tags::PERFORMED_PROCEDURE_STEP_START_DATE,
            tags::PERFORMED_PROCEDURE_STEP_START_TIME,
            tags::REQUEST_ATTRIBUTES_SEQUENCE,
        ],
        Level::Instance => &[
            tags::SOP_CLASS_UID,
            tags::INSTANCE_AVAILABILITY,
            tags::INSTANCE_NUMBER,
            tags::ROWS,
            tags::COLUMNS,
            tags::BITS_ALLOCATED,
            tags::NUMBER_OF_FRAMES,
        ],
    }
}
