//! Breaking the glass, and looking into it afterwards.

use model::{Time, Uid};
use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Glass {
    /// Open a study clear in an emergency; answers with [`super::Response::Opened`].
    Break {
        /// Which.
        study: Uid,
        /// Why, in the caller's own words.
        reason: String,
        /// Of the second factor; empty: the glass is broken for this patient already.
        code: String,
    },
    /// What nobody looked into yet; answers with [`super::Response::Reviews`].
    Reviews,
    /// Somebody looked into it; answers with [`super::Response::Done`].
    Review {
        /// Index in the ledger of the entry that the glass was broken.
        entry: u64,
        /// What came out.
        outcome: Outcome,
        /// In words.
        note: String,
    },
}

/// What a review came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It had to be.
    Justified,
    /// To be asked about.
    Questioned,
    /// It should not have been.
    Misuse,
}

impl Outcome {
    /// The word in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Questioned => "questioned",
            Self::Misuse => "misuse",
        }
    }
}

/// Broken glass that nobody looked into yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Index in the ledger.
    pub entry: u64,
    /// When.
    pub time: Time,
    /// Until when somebody should have looked into it.
    pub deadline: Time,
    /// That is over.
    pub overdue: bool,
    /// Account.
    pub user: String,
    /// Role.
    pub role: String,
    /// For whom.
    pub organisation: String,
    /// Which study.
    pub study: Option<Uid>,
    /// What was given as the reason.
    pub reason: String,
    /// How often this account broke the glass in the last seven days, this time included.
    pub in_seven_days: u32,
}
