//! How a no is said: one stable code for the door, the rules behind it for the ledger only.

/// What the door says. `unknown` and `forbidden` look the same (DESIGN.md §2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// As if absent.
    NotFound,
    /// It would be given for a reason, and none was.
    ReasonNeeded,
    /// The role may never do this; says nothing of any study.
    NotAllowed,
}

impl Code {
    /// The stable code on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::ReasonNeeded => "reason-needed",
            Self::NotAllowed => "not-allowed",
        }
    }
}

/// A no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: {}", code.as_str())]
pub struct Refusal {
    /// For the door.
    pub code: Code,
    /// For the ledger: ids of the rules that forbade, `error` when a rule failed, empty when nothing permitted.
    /// Never shown to the caller.
    pub rules: Vec<String>,
}

impl Refusal {
    /// The name recorded in [`Refusal::rules`] when a rule or a fact failed.
    pub const ERROR: &'static str = "error";

    pub(crate) fn new(code: Code, rules: Vec<String>) -> Self {
        Self { code, rules }
    }

    pub(crate) fn failed(code: Code) -> Self {
        Self { code, rules: vec![Self::ERROR.to_owned()] }
    }
}
