//! What is kept of rules: those in force, those proposed, and the texts of all that were in force.

use model::{Id, Time};
use policy::{Policies, Texts};
use serde::{Deserialize, Serialize};

/// Rules as they decide now.
#[derive(Debug)]
pub struct InForce {
    /// As they are read.
    pub texts: Texts,
    /// As they decide.
    pub policies: Policies,
}

impl InForce {
    /// # Errors
    /// Rules that do not parse or validate.
    pub fn of(texts: Texts) -> std::result::Result<Self, policy::Error> {
        Ok(Self { policies: Policies::of(&texts)?, texts })
    }
}

/// One sealed row: what was put in force by two persons, and what waits for the second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookRecord {
    /// Nothing: the files' rules are.
    pub active: Option<ActiveRecord>,
    /// Oldest first.
    pub proposals: Vec<ProposalRecord>,
    /// Versions that can be put in force again, oldest first.
    pub past: Vec<PastRecord>,
}

impl BookRecord {
    /// What decides at a start: what two persons put in force goes before the files, unless somebody changed these since.
    pub fn over(&self, files: &Texts) -> Texts {
        let active = self.active.as_ref().filter(|active| [&active.files, &active.texts].contains(&files));
        active.map_or(files, |active| &active.texts).clone()
    }
}

/// Rules that two persons put in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveRecord {
    /// They.
    pub texts: Texts,
    /// What the files said then. Files that say something else since are newer, and go first.
    pub files: Texts,
    /// Since when.
    pub since: Time,
}

/// Rules that wait for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalRecord {
    /// Names it.
    pub id: Id,
    /// They.
    pub texts: Texts,
    /// Version of the rules that it was made from.
    pub base: [u8; 32],
    /// Account that proposed it.
    pub by: String,
    /// When.
    pub at: Time,
    /// Why, in words.
    pub reason: String,
}

/// A version that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRecord {
    /// Which.
    pub version: [u8; 32],
    /// Until when.
    pub until: Time,
}
