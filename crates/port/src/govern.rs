//! Rules: read, tried, proposed, put in force.

use model::{Id, Time, Uid};
use serde::{Deserialize, Serialize};

/// The two texts of a set, in Cedar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Who sees what of a picture.
    pub pictures: String,
    /// Who may do what beside.
    pub rights: String,
}

/// Which rules a question is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Which {
    /// Those that decide now.
    InForce,
    /// Those of a proposal.
    Proposal(Id),
    /// These.
    Given(Rules),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// What is in force, what waits, what was.
    Show,
    /// Rules that never hold, that another one overrules, that change nothing.
    Check(Which),
    /// Who sees what, as a table.
    Matrix {
        /// Of these rules.
        which: Which,
        /// With these body parts apart.
        body_parts: Vec<String>,
    },
    /// Who would see what of a study, and by which rules.
    Explain {
        /// Which.
        study: Uid,
        /// One account or machine; nothing: everybody who would see something.
        user: Option<String>,
    },
    /// The newest decisions in the ledger again: what would be different.
    Replay {
        /// Under these rules.
        which: Which,
        /// So many decisions.
        last: u64,
    },
    /// Propose rules; a second person puts them in force.
    Propose {
        /// They.
        rules: Rules,
        /// Why.
        reason: String,
        /// Version of those that they were made from.
        expect_version: String,
    },
    /// Propose a version that was in force before.
    PutBack {
        /// Which, 64 hexadecimal digits.
        version: String,
        /// Why.
        reason: String,
        /// Version of those in force now.
        expect_version: String,
    },
    /// Put a proposal of somebody else in force.
    Activate {
        /// Which.
        proposal: Id,
    },
    /// Take a proposal back.
    Drop {
        /// Which.
        proposal: Id,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Of [`Ask::Show`] and of every act: how things are now.
    Shown(Box<Shown>),
    /// The given rules do not parse or validate; why, for their author.
    Faulty(String),
    /// Of [`Ask::Check`].
    Checked {
        /// Version of the rules.
        version: String,
        /// Rule and trouble: `never-holds`, `overruled`, `idle`.
        findings: Vec<(String, String)>,
        /// Questions that were asked of them.
        questions: u64,
        /// They name more constants than were tried.
        cut: bool,
    },
    /// Of [`Ask::Matrix`].
    Matrix {
        /// Version of the rules.
        version: String,
        /// Without what is withheld.
        lines: Vec<MatrixLine>,
    },
    /// Of [`Ask::Explain`].
    Explained {
        /// Version of the rules.
        version: String,
        /// One for each account or machine and purpose.
        lines: Vec<WhoSees>,
        /// Accounts beyond the bound were left out.
        cut: bool,
    },
    /// Of [`Ask::Replay`].
    Replayed(Box<Replayed>),
}

/// How things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// 64 hexadecimal digits, as in openings and grants.
    pub version: String,
    /// Their texts.
    pub rules: Rules,
    /// Since when, where two persons put them in force; nothing: the home's files.
    pub since: Option<Time>,
    /// What waits for a second person, oldest first.
    pub proposals: Vec<Proposal>,
    /// What can be put in force again, oldest first.
    pub past: Vec<Past>,
}

/// Rules that wait for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Names it.
    pub id: Id,
    /// The version that they would be.
    pub version: String,
    /// The version that they were made from.
    pub base: String,
    /// They.
    pub rules: Rules,
    /// Account that proposed them.
    pub by: String,
    /// When.
    pub at: Time,
    /// Why.
    pub reason: String,
}

/// A version that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Which.
    pub version: String,
    /// Until when.
    pub until: Time,
}

/// What comes of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the visibility, `reason-needed`, or `withheld`.
    pub sees: String,
    /// `nothing`, `drawn`, `found`, `all`; empty for a no.
    pub hides: String,
    /// A mask can be lifted.
    pub may_lift: bool,
    /// The rules that made it.
    pub rules: Vec<String>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixLine {
    /// Who.
    pub role: String,
    /// What for.
    pub purpose: String,
    /// `none`, `relation`, `order`, `own`, or what was agreed with a machine.
    pub tie: String,
    /// Of a class that is withheld by default.
    pub withheld_class: bool,
    /// Body parts; empty: all.
    pub body_parts: Vec<String>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// Who would see what of a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoSees {
    /// Account or machine.
    pub user: String,
    /// Role.
    pub role: String,
    /// What for.
    pub purpose: String,
    /// Relations that hold now, and `order`.
    pub ties: Vec<String>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// Decisions again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// Version of the rules that were tried.
    pub version: String,
    /// Decisions looked at, newest first.
    pub decisions: u64,
    /// Of these, those whose entry says too little to decide again.
    pub untold: u64,
    /// Under the rules of their own time: how many came out as they are recorded, and otherwise (none should).
    pub confirmed: u64,
    /// See above.
    pub contradicted: u64,
    /// Those that would come out otherwise.
    pub changed: u64,
    /// The newest of them.
    pub changes: Vec<Change>,
}

/// A decision that would come out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Index in the ledger.
    pub index: u64,
    /// When.
    pub time: Time,
    /// Who.
    pub user: String,
    /// As what.
    pub role: String,
    /// What for.
    pub purpose: String,
    /// Which study.
    pub study: Option<Uid>,
    /// What it was.
    pub before: String,
    /// What it would be.
    pub after: Outcome,
}
