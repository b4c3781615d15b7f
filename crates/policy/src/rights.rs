//! Rights that are not about a picture: decided per request, by rules too.

use crate::facts::{Caller, Standing};
use crate::policies::{Answer, Policies, PolicyVersion};
use crate::refusal::{Code, Refusal};
use model::{Role, Words};

/// What may be asked of the archive, short of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Store objects (C-STORE, STOW-RS).
    Store,
    /// Find studies, all words.
    FindFull,
    /// Find studies, reduced words.
    FindReduced,
    /// Find studies under pseudonyms.
    FindPseudonymous,
    /// Find one's own studies.
    FindOwn,
    /// Ask to open a study; the study itself is then decided by [`crate::decide`].
    Open,
    /// Ask to break the glass with a reason and a second factor; what then opens is decided by [`crate::decide`].
    BreakGlass,
    /// Read who accessed one's own films.
    ReadOwnAccesses,
    /// Read all accesses.
    ReadAllAccesses,
    /// Draw what is hidden on a patient's films.
    ChangeMasks,
    /// Administer accounts and the machine.
    Administer,
    /// Import from files of the server.
    Import,
    /// Verify the ledger.
    Verify,
    /// Fetch objects as a machine (C-GET) or have them sent to one (C-MOVE).
    Retrieve,
    /// Be sent objects as a machine (destination of C-MOVE).
    Receive,
    /// Merge, move, correct, reject, and take it back.
    PutRight,
    /// Look a patient up by her exact number, to be sure before something is put right.
    LookUp,
    /// Reject what one's own machine made, by a note among the films.
    Reject,
    /// Find what is scheduled: the worklist of a machine.
    Worklist,
    /// Place, change and end orders.
    Schedule,
    /// Take all films away as they are; two persons at once.
    Leave,
    /// Read the rules, try others, propose them; and as a second person put them in force.
    Govern,
    /// Say by hand that somebody has to do with a patient.
    Relate,
    /// Propose a secondary use of a patient's films to her.
    ProposeConsent,
    /// Accept, refuse, narrow or withdraw that: the patient.
    AnswerConsent,
}

/// The rights, as Cedar actions.
pub(crate) const RIGHTS: &[&str] = &[
    "store",
    "find-full",
    "find-reduced",
    "find-pseudonymous",
    "find-own",
    "open",
    "break-glass",
    "read-own-accesses",
    "read-all-accesses",
    "change-masks",
    "administer",
    "import",
    "verify",
    "retrieve",
    "receive",
    "put-right",
    "look-up",
    "reject",
    "worklist",
    "schedule",
    "leave",
    "govern",
    "relate",
    "propose-consent",
    "answer-consent",
];

impl Right {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Store,
        Self::FindFull,
        Self::FindReduced,
        Self::FindPseudonymous,
        Self::FindOwn,
        Self::Open,
        Self::BreakGlass,
        Self::ReadOwnAccesses,
        Self::ReadAllAccesses,
        Self::ChangeMasks,
        Self::Administer,
        Self::Import,
        Self::Verify,
        Self::Retrieve,
        Self::Receive,
        Self::PutRight,
        Self::LookUp,
        Self::Reject,
        Self::Worklist,
        Self::Schedule,
        Self::Leave,
        Self::Govern,
        Self::Relate,
        Self::ProposeConsent,
        Self::AnswerConsent,
    ];

    /// The word in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::FindFull => "find-full",
            Self::FindReduced => "find-reduced",
            Self::FindPseudonymous => "find-pseudonymous",
            Self::FindOwn => "find-own",
            Self::Open => "open",
            Self::BreakGlass => "break-glass",
            Self::ReadOwnAccesses => "read-own-accesses",
            Self::ReadAllAccesses => "read-all-accesses",
            Self::ChangeMasks => "change-masks",
            Self::Administer => "administer",
            Self::Import => "import",
            Self::Verify => "verify",
            Self::Retrieve => "retrieve",
            Self::Receive => "receive",
            Self::PutRight => "put-right",
            Self::LookUp => "look-up",
            Self::Reject => "reject",
            Self::Worklist => "worklist",
            Self::Schedule => "schedule",
            Self::Leave => "leave",
            Self::Govern => "govern",
            Self::Relate => "relate",
            Self::ProposeConsent => "propose-consent",
            Self::AnswerConsent => "answer-consent",
        }
    }
}

/// Facts of a request that names no study, or only one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Role of the caller.
    pub role: Role,
    /// The data asked about belong to the patient behind the caller's account.
    pub own: bool,
    /// A relation to the patient asked about holds now, or there is an order for the study.
    pub related: bool,
    /// The site holds a research approval.
    pub approval: bool,
    /// What was agreed with a machine.
    pub standing: Standing,
}

impl Default for Asker {
    /// A machine with which nothing was agreed.
    fn default() -> Self {
        Self {
            role: Role::Device,
            own: false,
            related: false,
            approval: false,
            standing: Standing::default(),
        }
    }
}

/// A yes to a right. Private fields: only this crate makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    right: Right,
    rules: Vec<String>,
    policy_version: PolicyVersion,
}

impl Permit {
    /// Which right.
    #[must_use]
    pub const fn right(&self) -> Right {
        self.right
    }
    /// Ids of the rules that permitted.
    #[must_use]
    pub fn rules(&self) -> &[String] {
        &self.rules
    }
    /// Version of the policies.
    #[must_use]
    pub const fn policy_version(&self) -> PolicyVersion {
        self.policy_version
    }
    /// For a find: which words leave; [`Words::None`] for any other right.
    #[must_use]
    pub const fn words(&self) -> Words {
        match self.right {
            Right::FindFull | Right::FindOwn => Words::Full,
            Right::FindReduced => Words::Reduced,
            Right::FindPseudonymous => Words::Pseudonymous,
            _ => Words::None,
        }
    }
    /// Holds only for data of the patient behind the account: the flow must narrow to `own_patient`.
    #[must_use]
    pub const fn own_only(&self) -> bool {
        matches!(self.right, Right::FindOwn | Right::ReadOwnAccesses)
    }
}

/// Whether `asker` has `right`.
///
/// # Errors
/// [`Code::NotAllowed`] when a rule forbids, a rule fails, or nothing permits.
pub fn may(policies: &Policies, right: Right, asker: &Asker) -> Result<Permit, Refusal> {
    match policies.ask_right(asker, right.as_str()) {
        Answer::Yes { rules, .. } => Ok(Permit { right, rules, policy_version: policies.version() }),
        Answer::No { rules } => Err(Refusal::new(Code::NotAllowed, rules)),
        Answer::Failed => Err(Refusal::failed(Code::NotAllowed)),
    }
}

/// The widest find that `caller` has: all words, reduced, pseudonymous, or only one's own.
///
/// # Errors
/// [`Code::NotAllowed`] without any.
pub fn may_find(
    policies: &Policies,
    caller: &Caller,
    approval: bool,
    standing: &Standing,
) -> Result<Permit, Refusal> {
    let own = caller.own_patient.is_some();
    let asker = Asker { role: caller.role, own, related: false, approval, standing: standing.clone() };
    let mut refusal = Refusal::new(Code::NotAllowed, Vec::new());
    for right in [Right::FindFull, Right::FindReduced, Right::FindPseudonymous, Right::FindOwn] {
        match may(policies, right, &asker) {
            Ok(permit) => return Ok(permit),
            // A wider find that failed must not become a narrower one by luck: an error denies.
            Err(no) if no.rules.iter().any(|r| r == Refusal::ERROR) => return Err(no),
            Err(no) => refusal.rules.extend(no.rules),
        }
    }
    Err(refusal)
}

/// The table of rights of a role with its own data and a research approval: what it could have at most.
#[must_use]
pub fn rights(policies: &Policies, role: Role) -> Vec<(Right, bool)> {
    let asker = Asker { role, own: true, related: true, approval: true, standing: Standing::default() };
    Right::ALL.iter().map(|right| (*right, may(policies, *right, &asker).is_ok())).collect()
}

#[cfg(test)]
mod tests;
