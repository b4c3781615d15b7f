//! A decision again: its facts as its entry keeps them, and what some set of rules says to them.

use crate::decide::{Action, decide};
use crate::facts::Facts;
use crate::grant::{Grant, Hide, Obligation};
use crate::policies::Policies;
use crate::refusal::Code;
use model::{Role, Words};
use serde::{Deserialize, Serialize};

/// Facts in an entry, bytes; longer ones are not kept, and their decision cannot be replayed.
pub const FACTS_BYTES: usize = 4 << 10;

/// A question as its entry keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What was asked.
    pub action: Action,
    /// With what.
    #[serde(flatten)]
    pub facts: Facts,
}

impl Asked {
    /// From an entry; nothing when an entry has none that this program can read.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// What this set of rules says to it.
    #[must_use]
    pub fn outcome(&self, policies: &Policies) -> Outcome {
        outcome(policies, self.action, &self.facts)
    }
}

impl Facts {
    /// As the entry of a decision keeps them: JSON, without relations that do not count, and without the reason's words, which
    /// the entry has beside it.
    #[must_use]
    pub fn written(&self, action: Action) -> String {
        let reason = self.reason_given().map(|_| GIVEN.to_owned());
        let relations = self.relations_now().cloned().collect();
        let asked = Asked { action, facts: Self { reason, relations, ..self.clone() } };
        let text = serde_json::to_string(&asked).unwrap_or_default();
        if text.len() > FACTS_BYTES { String::new() } else { text }
    }
}

/// Stands for a reason that was given.
const GIVEN: &str = "given";

/// What a set of rules says, in words that can be compared and shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Name of the visibility, `reason-needed`, or `withheld`.
    pub word: String,
    /// What of it is hidden: `nothing`, `drawn`, `found`, `all`; nothing for a no.
    pub hides: &'static str,
    /// A mask can be lifted.
    pub lift: bool,
    /// Rules that made it, or that forbade.
    pub rules: Vec<String>,
}

/// Decides again.
#[must_use]
pub fn outcome(policies: &Policies, action: Action, facts: &Facts) -> Outcome {
    match decide(policies, action, facts) {
        // A machine finds a study under one name: what would leave under the other one does not (archive, `retrieve::standing`).
        Ok(grant) if other_name(&grant, facts) => {
            Outcome { word: WITHHELD.to_owned(), hides: "", lift: false, rules: grant.rules().to_vec() }
        }
        Ok(grant) => {
            let owed = grant.obligations().contains(&Obligation::Reason);
            Outcome {
                word: if owed { Code::ReasonNeeded.as_str().to_owned() } else { grant.visibility().name() },
                hides: hides(grant.hide()),
                lift: grant.may_lift(),
                rules: grant.rules().to_vec(),
            }
        }
        Err(refusal) => Outcome {
            word: match refusal.code {
                Code::ReasonNeeded => Code::ReasonNeeded.as_str().to_owned(),
                Code::NotFound | Code::NotAllowed => WITHHELD.to_owned(),
            },
            hides: "",
            lift: false,
            rules: refusal.rules,
        },
    }
}

fn other_name(grant: &Grant, facts: &Facts) -> bool {
    let pseudonymous = grant.visibility().words == Words::Pseudonymous;
    facts.caller.role == Role::Device && pseudonymous != (facts.standing.sees == "deidentified")
}

/// The word of a no.
pub const WITHHELD: &str = "withheld";

const fn hides(hide: Hide) -> &'static str {
    match hide {
        Hide::Nothing => "nothing",
        Hide::Drawn => "drawn",
        Hide::Found => "found",
        Hide::All => "all",
    }
}

#[cfg(test)]
mod tests;
