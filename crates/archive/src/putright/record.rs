//! What is kept of changes: one sealed row each, and one for each study that a change touched, as it arrived.

use model::{Attributes, PatientRef, Rejection, Time, Uid};
use port::putright::PatientNumber;
use serde::{Deserialize, Serialize};

/// A change. Never deleted: taken back it stays and says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// From 1, without gaps.
    pub number: u64,
    /// What.
    pub deed: Deed,
    /// When.
    pub at: Time,
    /// Account or device.
    pub by: String,
    /// In words.
    pub reason: String,
    /// Taken back: when, by whom, why.
    pub undone: Option<(Time, String, String)>,
}

/// What was changed. Variants are told apart by their place: new ones go to the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Deed {
    /// All that is the first patient's is the other's.
    Merge {
        /// The reference that ends.
        from: PatientRef,
        /// Her number.
        name: PatientNumber,
        /// Who stays.
        into: Target,
    },
    /// These studies are this patient's.
    MoveStudies {
        /// Which.
        studies: Vec<Uid>,
        /// Whose.
        to: Target,
    },
    /// These series are in this study: named by the study in which they arrived.
    MoveSeries {
        /// Study of arrival, series.
        series: Vec<(Uid, Uid)>,
        /// Where they are.
        to: Uid,
    },
    /// Demographics.
    CorrectPatient {
        /// Whose.
        patient: PatientRef,
        /// Her number, for people.
        name: PatientNumber,
        /// Without values: emptied.
        set: Attributes,
    },
    /// Study level.
    CorrectStudy {
        /// Which.
        study: Uid,
        /// Without values: emptied.
        set: Attributes,
    },
    /// Not to be seen.
    Reject {
        /// The study they were in.
        study: Uid,
        /// Why.
        code: Rejection,
        /// Which, of those that were there.
        instances: Vec<Uid>,
        /// Which, if they come to this study.
        to_come: Vec<Uid>,
        /// The note that said so; it is not to be seen either, in this study.
        note: Option<Uid>,
    },
    /// Somebody else says yes to a change: from then on the patient sees as her own what it made hers.
    Confirm {
        /// Its number.
        change: u64,
    },
    /// A film of another patient came into this study. Until somebody says that they are one person, moves it or takes this
    /// back, the study is nobody's own.
    Contradiction {
        /// The study of arrival.
        study: Uid,
        /// The series in it.
        series: Uid,
        /// Whose the film says it is.
        name: PatientNumber,
    },
}

/// A patient with the words that her films leave with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Reference.
    pub patient: PatientRef,
    /// Attributes of the patient level.
    pub attributes: Attributes,
}

/// A study as it arrived, before anything was put right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arrived {
    /// (0020,000D).
    pub uid: Uid,
    /// Whose.
    pub patient: PatientRef,
    /// Patient level.
    pub patient_attributes: Attributes,
    /// Study level.
    pub attributes: Attributes,
}

impl Deed {
    /// The word on the wire and in the ledger.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Merge { .. } => "merge",
            Self::MoveStudies { .. } => "move-studies",
            Self::MoveSeries { .. } => "move-series",
            Self::CorrectPatient { .. } => "correct-patient",
            Self::CorrectStudy { .. } => "correct-study",
            Self::Reject { .. } => "reject",
            Self::Confirm { .. } => "confirm",
            Self::Contradiction { .. } => "contradiction",
        }
    }
}
