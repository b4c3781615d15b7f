//! Putting right: what an officer may ask to be changed of what the index says, and how it is told back.

use model::{Attributes, Rejection, Time, Uid};
use serde::{Deserialize, Serialize};

/// A patient as her number says: issuer (may be empty) and PatientID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PatientNumber {
    /// (0010,0021).
    pub issuer: String,
    /// (0010,0020), not empty.
    pub number: String,
}

/// What is to be changed. The stored objects stay as they came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// Two numbers are one person: what is and will be filed under `from` is `into`'s.
    Merge {
        /// The number that ends.
        from: PatientNumber,
        /// The number that stays.
        into: PatientNumber,
        /// Name, birth date, sex, for a number that the archive does not know yet; not looked at for one that it knows.
        demographics: Attributes,
    },
    /// These studies are another patient's.
    MoveStudies {
        /// Which.
        studies: Vec<Uid>,
        /// Whose; a number that the archive does not know is a new patient.
        to: PatientNumber,
        /// Name, birth date, sex of a new patient; empty for a known one.
        demographics: Attributes,
    },
    /// These series belong to another study.
    MoveSeries {
        /// Where they are.
        study: Uid,
        /// Which.
        series: Vec<Uid>,
        /// Where they go.
        to: Destination,
    },
    /// A patient's demographics are these, in all her studies.
    CorrectPatient {
        /// Whose.
        patient: PatientNumber,
        /// Attributes of [`CORRECTABLE_OF_PATIENT`]; without values: emptied.
        set: Attributes,
    },
    /// A study's attributes are these.
    CorrectStudy {
        /// Which.
        study: Uid,
        /// Attributes of [`CORRECTABLE_OF_STUDY`]; without values: emptied.
        set: Attributes,
    },
    /// These instances are not to be seen any more (IHE RAD TF-2, IOCM).
    Reject {
        /// The study that they are in.
        study: Uid,
        /// All of this series.
        series: Option<Uid>,
        /// These; with none and no series: all of the study.
        instances: Vec<Uid>,
        /// Why.
        code: Rejection,
    },
    /// Somebody else's merge or move is right: the patient sees as her own what it made hers.
    Confirm {
        /// Number of the change.
        change: u64,
    },
}

impl Act {
    /// The word on the wire and in the ledger.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Merge { .. } => "merge",
            Self::MoveStudies { .. } => "move-studies",
            Self::MoveSeries { .. } => "move-series",
            Self::CorrectPatient { .. } => "correct-patient",
            Self::CorrectStudy { .. } => "correct-study",
            Self::Reject { .. } => "reject",
            Self::Confirm { .. } => "confirm",
        }
    }
}

/// Where series go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// A study that is there.
    Study(Uid),
    /// A new study of this patient, or of the same one.
    NewStudy(Option<PatientNumber>),
}

/// What may be corrected of a patient. Her number is not corrected: her studies are moved, or she is merged.
pub const CORRECTABLE_OF_PATIENT: &[model::Tag] =
    &[model::tags::PATIENT_NAME, model::tags::PATIENT_BIRTH_DATE, model::tags::PATIENT_SEX];
/// What may be corrected of a study.
pub const CORRECTABLE_OF_STUDY: &[model::Tag] = &[
    model::tags::ACCESSION_NUMBER,
    model::tags::STUDY_DATE,
    model::tags::STUDY_TIME,
    model::tags::STUDY_DESCRIPTION,
    model::tags::STUDY_ID,
    model::tags::REFERRING_PHYSICIAN_NAME,
];

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLine {
    /// Its number, from 1.
    pub number: u64,
    /// Word of the act.
    pub act: String,
    /// When.
    pub at: Time,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Studies that it names, as they are called now.
    pub studies: Vec<Uid>,
    /// The patients' numbers that it names, from and to; empty for who may not look patients up.
    pub patients: Vec<PatientNumber>,
    /// It was taken back: when, by whom, why.
    pub undone: Option<(Time, String, String)>,
    /// Somebody else said yes to it: when, who.
    pub confirmed: Option<(Time, String)>,
    /// It made films somebody's own and nobody else has said yes to it: she does not see them as her own yet.
    pub waits: bool,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Put something right (merge, move, correct, reject).
    Make {
        /// What.
        act: Act,
        /// Why, in words.
        reason: String,
        /// The version of all changes that the caller saw.
        expect_version: u64,
    },
    /// Take a change back, as if it had never been made.
    Undo {
        /// Number of the change.
        change: u64,
        /// Why, in words.
        reason: String,
        /// The version of all changes that the caller saw.
        expect_version: u64,
    },
    /// The changes, newest first.
    Changes {
        /// At most.
        limit: usize,
        /// Before this number.
        before: Option<u64>,
    },
    /// A patient's studies in the words that match a film to a person, to be sure before something is put right.
    LookUp {
        /// By her exact number.
        patient: PatientNumber,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Of [`Ask::Make`] and [`Ask::Undo`].
    Done {
        /// Number of the change.
        change: u64,
        /// Version of all changes now.
        version: u64,
        /// Studies that it touched.
        studies: u64,
        /// Objects whose keys were wrapped anew.
        objects: u64,
    },
    /// Of [`Ask::Changes`].
    Changes {
        /// Version of all changes now.
        version: u64,
        /// Newest first.
        changes: Vec<ChangeLine>,
        /// Give this as `before` for the next page.
        next: Option<u64>,
    },
    /// Of [`Ask::LookUp`].
    LookedUp {
        /// Version of all changes now.
        version: u64,
        /// Each study with its series, cleaned.
        studies: Vec<LookedUp>,
    },
}

/// A study that was looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookedUp {
    /// Patient and study level.
    pub study: Attributes,
    /// Series level, each.
    pub series: Vec<Attributes>,
}
