//! Consents at rest: one sealed row a patient, with all that was said.

use super::turns::{Act, Side, State};
use crypto::sha256;
use model::{Bounds, ConsentFault, Id, PatientRef, Purpose, Recipient, Role, Says, Time, Uid};
use policy::consent::Consent;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Consents of one patient.
pub const CONSENTS: usize = 64;
/// Of these, those that others than she began; not what they saw her say.
pub const OF_OTHERS: usize = 48;
/// Of these, those that one account began.
pub const OF_ONE: usize = 8;
/// Consents of a patient, a no among the last: never too many to say no.
pub const NOES: usize = 1024;
/// Steps of one consent.
pub const STEPS: usize = 64;
/// A text, bytes of UTF-8.
pub const TEXT_BYTES: usize = 4 << 10;
/// All texts of one patient, bytes of UTF-8.
pub const TEXTS_BYTES: usize = 256 << 10;
/// Who has copies, of one consent.
pub const COPIES: usize = 64;

/// All consents that were given, or proposed, under one reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// Whose.
    pub patient: PatientRef,
    /// Of the row, from 1.
    pub version: u64,
    /// Oldest first.
    pub consents: Vec<Agreement>,
}

/// One consent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Its reference.
    pub id: Id,
    /// What for.
    pub purpose: Purpose,
    /// For whom.
    pub recipient: Recipient,
    /// Of one study; nothing: of all films.
    pub study: Option<OfStudy>,
    /// Yes or no.
    pub says: Says,
    /// Where it stands.
    pub state: State,
    /// When it came there.
    pub decided: Time,
    /// At least one: who began it.
    pub steps: Vec<Step>,
    /// The releases of before its end were looked for.
    pub looked: bool,
    /// Who has copies, once it was withdrawn.
    pub copies: Vec<CopyRecord>,
}

/// The study of a consent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfStudy {
    /// Its reference.
    pub id: Id,
    /// Its own UID.
    pub uid: Uid,
    /// As who proposed it knows it.
    pub asked: Uid,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Account.
    pub user: String,
    /// Name of the person then.
    pub name: String,
    /// Role then.
    pub role: Role,
    /// For whom.
    pub organisation: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What.
    pub act: Act,
    /// By whom.
    pub by: Person,
    /// When.
    pub at: Time,
    /// In plain words.
    pub text: String,
    /// How far, after it.
    pub bounds: Bounds,
}

/// Copies that left under a consent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CopyRecord {
    /// Account.
    pub user: String,
    /// Its role then.
    pub role: Role,
    /// For whom.
    pub organisation: String,
    /// Own UID, and the UID under which it left; at most [`COPIES`].
    pub studies: Vec<(Uid, Uid)>,
    /// Entries.
    pub releases: u64,
    /// The last one's time.
    pub last: Time,
    /// When it was asked to delete them.
    pub asked: Time,
    /// Deleted or not, in what words, when.
    pub answer: Option<(bool, String, Time)>,
}

impl ConsentRecord {
    /// Nothing was said yet.
    pub const fn empty(patient: PatientRef) -> Self {
        Self { patient, version: 0, consents: Vec::new() }
    }

    /// Makes it fit the bounds of this module; what says nothing any more goes first, the ledger keeps that it was said.
    /// `no`: a no was added, for which there is room that nothing else fills.
    pub fn bounded(&mut self, no: bool) -> Result<(), ConsentFault> {
        while !self.fits() {
            let spent = |(place, one): &(usize, &Agreement)| self.spent(*place, one);
            let Some((place, _)) = self.consents.iter().enumerate().find(spent) else {
                let room = no && self.consents.len() <= NOES;
                return if room { Ok(()) } else { Err(ConsentFault::TooMany) };
            };
            self.consents.remove(place);
        }
        Ok(())
    }

    fn fits(&self) -> bool {
        let others: Vec<&Agreement> = self.consents.iter().filter(|one| one.by_others()).collect();
        let of = |user: &str| others.iter().filter(|one| one.begun_by().user == user).count();
        let texts: usize = self.consents.iter().map(Agreement::text_bytes).sum();
        self.consents.len() <= CONSENTS
            && others.len() <= OF_OTHERS
            && others.iter().all(|one| of(&one.begun_by().user) <= OF_ONE)
            && self.consents.iter().all(|one| one.steps.len() <= STEPS)
            && texts <= TEXTS_BYTES
    }

    /// It says nothing, or a later word about the same films replaces it; nobody has or may have copies under it.
    fn spent(&self, place: usize, one: &Agreement) -> bool {
        let later = |(at, other): (usize, &Agreement)| {
            other.about() == one.about()
                && other.settled().is_some()
                && (other.decided, at) > (one.decided, place)
        };
        match (one.state, one.says) {
            (State::Declined, _) => true,
            (State::Proposed | State::Countered, _) | (State::Accepted, Says::Permit) => false,
            (State::Withdrawn, _) if !one.looked || !one.copies.is_empty() => false,
            _ => self.consents.iter().enumerate().any(later),
        }
    }

    /// She, or who saw her say it, has since said something of the same purpose, recipient and films. At the same moment is
    /// since: nobody knows which came first.
    pub fn overtaken(&self, one: &Agreement) -> bool {
        self.said_of(one).iter().any(|said| said.decided >= one.decided)
    }

    /// What else is settled of all that one is about.
    fn said_of(&self, one: &Agreement) -> Vec<Consent> {
        let covers = |other: &&Agreement| {
            let ((purpose, whom, films), about) = (other.about(), one.about());
            other.id != one.id
                && (purpose, whom) == (about.0, about.1)
                && (films.is_none() || films == about.2)
        };
        self.consents.iter().filter(covers).filter_map(Agreement::settled).collect()
    }
}

impl Agreement {
    /// Who began it.
    pub fn begun_by(&self) -> &Person {
        static NOBODY: Person = Person {
            user: String::new(),
            name: String::new(),
            role: Role::Vendor,
            organisation: String::new(),
        };
        self.steps.first().map_or(&NOBODY, |step| &step.by)
    }

    /// How far, as it stands.
    pub fn bounds(&self) -> Bounds {
        self.steps.last().map(|step| step.bounds.clone()).unwrap_or_default()
    }

    /// The side of a caller; `own`: she is its patient.
    pub fn side(&self, user: &str, own: bool) -> Option<Side> {
        if own {
            return Some(Side::Patient);
        }
        (self.begun_by().user == user && self.begun_by().role != Role::Patient).then_some(Side::Proposer)
    }

    /// What for, for whom, and of which study.
    fn about(&self) -> (Purpose, Recipient, Option<Id>) {
        (self.purpose, self.recipient.folded(), self.study.as_ref().map(|study| study.id))
    }

    /// Somebody else than she began it; what an officer saw her say, she did.
    fn by_others(&self) -> bool {
        self.steps.first().is_some_and(|step| step.act != Act::Witness && step.by.role != Role::Patient)
    }

    fn text_bytes(&self) -> usize {
        self.steps.iter().map(|step| step.text.len()).sum()
    }

    /// What the rules are told of it; nothing while it is open.
    pub fn settled(&self) -> Option<Consent> {
        let (says, bounds) = match (self.state, self.says) {
            (State::Accepted, says) => (Some(says), self.bounds()),
            (State::Refused | State::Withdrawn, Says::Permit) => (Some(Says::Deny), Bounds::default()),
            (State::Withdrawn | State::Refused, Says::Deny) => (None, Bounds::default()),
            (State::Proposed | State::Countered | State::Declined, _) => return None,
        };
        Some(Consent {
            purpose: self.purpose,
            recipient: self.recipient.clone(),
            study: self.study.as_ref().map(|study| study.id),
            says,
            bounds,
            decided: self.decided,
        })
    }

    /// SHA-256 of the words that both sides see, as docs/consent.md lists them.
    pub fn digest(&self) -> [u8; 32] {
        let bounds = self.bounds();
        let time = |time: Option<Time>| time.map_or_else(|| "-".to_owned(), |time| time.rfc3339());
        let hidden: Vec<&str> = bounds.hidden.iter().map(|kind| kind.as_str()).collect();
        let says = if self.says == Says::Permit { "permit" } else { "deny" };
        let mut out = format!(
            "gauze-consent 1\n{}\n{}\n{}\n{says}\n{}\n{}\n{}\n{}\n{}\n{}\n",
            self.id.hex(),
            self.purpose,
            self.recipient.word(),
            time(bounds.from),
            time(bounds.until),
            hidden.join(","),
            bounds.longest_side.map_or_else(|| "-".to_owned(), |side| side.to_string()),
            if bounds.identified { "identified" } else { "deidentified" },
            if bounds.abroad { "abroad" } else { "domestic" },
        );
        for step in &self.steps {
            let _ = write!(out, "{} {}\n{}\n", step.act.as_str(), step.text.len(), step.text);
        }
        sha256(out.as_bytes())
    }
}
