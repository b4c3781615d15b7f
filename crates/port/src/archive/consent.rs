//! Secondary use: proposed, negotiated, agreed to, withdrawn.

use crate::putright::PatientNumber;
use model::{Bounds, ConsentFault, Id, Purpose, Recipient, Role, Says, Time, Uid};
use serde::{Deserialize, Serialize};

/// What is asked about consents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ConsentAsk {
    /// All that the caller is a side of, newest first.
    List,
    /// One of them.
    Read(Id),
    /// Propose a use; of a patient: say it, which settles it.
    Propose(Proposal),
    /// A step of the negotiation, or after it.
    Act {
        /// Which.
        id: Id,
        /// What.
        act: ConsentAct,
    },
    /// It could not be read at the door: recorded, nothing changes.
    Nonsense(ConsentFault),
}

/// A use of a patient's films.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// One of her studies, by the name that the caller knows it by.
    pub study: Option<Uid>,
    /// Of all her films, not of this study only.
    pub all: bool,
    /// She, by her number: for who may look her up.
    pub patient: Option<PatientNumber>,
    /// She said so herself, on paper: the privacy officer is her witness.
    pub witnessed: bool,
    /// When she said it, as it is dated: first moment, and first after it. Nothing: now.
    pub dated: Option<(Time, Time)>,
    /// What for.
    pub purpose: Purpose,
    /// For whom; nothing: for the caller.
    pub recipient: Option<Recipient>,
    /// Yes or no.
    pub says: Says,
    /// How far.
    pub bounds: Bounds,
    /// In plain words, for her.
    pub text: String,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ConsentAct {
    /// As it stands.
    Accept,
    /// Not at all.
    Refuse {
        /// In plain words; may be empty.
        text: String,
    },
    /// With these boundaries.
    Counter {
        /// In plain words.
        text: String,
        /// How far.
        bounds: Bounds,
    },
    /// No longer.
    Withdraw {
        /// In plain words; may be empty.
        text: String,
    },
    /// Of who has copies.
    AnswerDeletion {
        /// They are gone.
        deleted: bool,
        /// In plain words.
        text: String,
    },
}

/// A side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Name of the person; empty: the patient, to everybody else.
    pub name: String,
    /// Role.
    pub role: Role,
    /// For whom.
    pub organisation: String,
}

/// One step, as both sides see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsentStep {
    /// `propose`, `record`, `witness`, `accept`, `refuse`, `counter`, `withdraw`.
    pub act: String,
    /// Whose.
    pub by: Party,
    /// When.
    pub at: Time,
    /// In plain words.
    pub text: String,
    /// How far, after it.
    pub bounds: Bounds,
}

/// Who has copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// The caller himself.
    pub own: bool,
    /// Role.
    pub role: Role,
    /// For whom.
    pub organisation: String,
    /// Studies, by the names under which they left; to the patient by their own.
    pub studies: Vec<Uid>,
    /// Entries in the ledger by which something left.
    pub releases: u64,
    /// The last of them.
    pub last: Time,
    /// Asked to delete them.
    pub asked: Option<Time>,
    /// Deleted or not, in what words, when.
    pub answer: Option<(bool, String, Time)>,
}

/// A consent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsentView {
    /// Its reference.
    pub id: Id,
    /// The caller is its patient.
    pub own: bool,
    /// The caller proposed it.
    pub proposed: bool,
    /// Who proposed or said it.
    pub by: Party,
    /// What for.
    pub purpose: Purpose,
    /// For whom.
    pub recipient: Recipient,
    /// Of one study, by the name that the caller knows it by; nothing: of all films.
    pub study: Option<Uid>,
    /// Yes or no.
    pub says: Says,
    /// `proposed`, `countered`, `accepted`, `refused`, `declined`, `withdrawn`.
    pub state: String,
    /// How far now.
    pub bounds: Bounds,
    /// SHA-256 of text and boundaries as they stand (docs/consent.md).
    pub digest: [u8; 32],
    /// What the caller may do next: words of [`ConsentStep::act`].
    pub next: Vec<String>,
    /// All steps, oldest first.
    pub steps: Vec<ConsentStep>,
    /// Who has copies: to the patient all, to others their own.
    pub copies: Vec<Copies>,
}
