//! Who has to do with a patient: what the hospital's systems say of visits, appointments, orders and teams, and what people set
//! by hand.

use crate::putright::PatientNumber;
use model::Time;
use serde::{Deserialize, Serialize};

/// A clinician as feeds name her: the number of staff, and who gave it (may be empty). HL7 v2.5.1 XCN-1 and XCN-9.1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StaffNumber {
    /// Who gave the number.
    pub issuer: String,
    /// The number, not empty.
    pub number: String,
}

impl StaffNumber {
    /// Reads `NUMBER` or `NUMBER^ISSUER`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (number, issuer) = text.split_once('^').unwrap_or((text, ""));
        let (number, issuer) = (number.trim(), issuer.trim());
        let fits = |part: &str| part.chars().count() <= 64 && !part.contains('^');
        (!number.is_empty() && fits(number) && fits(issuer))
            .then(|| Self { issuer: issuer.to_owned(), number: number.to_owned() })
    }

    /// The same person: who names no giver means any.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.number == other.number
            && (self.issuer == other.issuer || self.issuer.is_empty() || other.issuer.is_empty())
    }
}

/// Why somebody has to do with a patient; the words of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// Attends.
    Visit,
    /// Admitted.
    Admission,
    /// Of the treating team: consults.
    Team,
    /// Referred her.
    Referral,
    /// Ordered something for her.
    Order,
}

/// A clinician's part in an episode.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Carer {
    /// Who.
    pub staff: StaffNumber,
    /// As what.
    pub part: Part,
}

/// The kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Via {
    /// HL7 v2 ADT.
    Adt,
    /// HL7 v2 ORM, OMG, OMI.
    Orm,
    /// HL7 v2 SIU.
    Siu,
    /// FHIR R4.
    Fhir,
}

impl Via {
    /// The word in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adt => "adt",
            Self::Orm => "orm",
            Self::Siu => "siu",
            Self::Fhir => "fhir",
        }
    }
}

/// What goes on between clinicians and a patient for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Episode {
    /// A stay or a visit.
    Visit,
    /// An appointment.
    Appointment,
    /// An order.
    Order,
    /// A care team.
    CareTeam,
}

impl Episode {
    /// The word in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Appointment => "appointment",
            Self::Order => "order",
            Self::CareTeam => "care-team",
        }
    }
}

/// What happened to it; events of HL7 v2.5.1 chapter 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// It begins (A01, A04).
    Open,
    /// Others take over (A02).
    Transfer,
    /// It ends (A03).
    Close,
    /// It is as this message says (A08).
    Update,
    /// It never was (A11).
    CancelOpen,
    /// Others did not take over (A12).
    CancelTransfer,
    /// It goes on (A13).
    CancelClose,
}

/// A time as its sender wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Seconds since 1970 as if it were UTC.
    pub local_s: i64,
    /// Seconds east of UTC, where the sender says so.
    pub offset_s: Option<i32>,
}

impl Part {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Visit, Self::Admission, Self::Team, Self::Referral, Self::Order];
}

impl Stamp {
    /// The moment; `offset_s`: of senders that do not say theirs.
    #[must_use]
    pub fn time(self, offset_s: i32) -> Time {
        let offset = self.offset_s.unwrap_or(offset_s);
        Time(0).plus_seconds(self.local_s.saturating_sub(offset.into()))
    }
}

/// What a feed says of one episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// By what message.
    pub via: Via,
    /// Whose, by the number that the house goes by.
    pub patient: PatientNumber,
    /// Her other numbers.
    pub others: Vec<PatientNumber>,
    /// What.
    pub episode: Episode,
    /// Its number; empty: the one that has none.
    pub number: String,
    /// What happened.
    pub step: Step,
    /// When the sender recorded it; nothing: now.
    pub at: Option<Stamp>,
    /// Its begin, where it is said.
    pub start: Option<Stamp>,
    /// Its end, where it is said.
    pub end: Option<Stamp>,
    /// Who cares from now on.
    pub carers: Vec<Carer>,
    /// The parts of which that is all; who has another part keeps it.
    pub parts: Vec<Part>,
}

/// What is asked about relations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// A feed's news; by a machine.
    Tell(Vec<News>),
    /// Two numbers are one person's, of whom there is no film; by a machine.
    Same {
        /// The number that ends.
        from: PatientNumber,
        /// The number that stays.
        into: PatientNumber,
    },
    /// A message that could not be read was refused; by a machine.
    Garbled,
    /// When each feed spoke last.
    Feeds,
    /// All relations of an account.
    Of {
        /// Name of the account.
        user: String,
    },
    /// One by hand.
    Make(ByHand),
    /// It ends now.
    End {
        /// Name of the account.
        user: String,
        /// Which of hers ([`Tie::number`]).
        number: u64,
    },
}

/// A relation to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByHand {
    /// Name of the account.
    pub user: String,
    /// With whom; nobody: a reading pool, or all patients of a covered colleague.
    pub patient: Option<PatientNumber>,
    /// `order`, `visit`, `team`, `referral`, `pool`, `cover`, `delegation`.
    pub kind: String,
    /// The colleague who is covered.
    pub covers: Option<String>,
    /// Until.
    pub until: Time,
    /// Why.
    pub reason: String,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Done; the number of what was made.
    Made(u64),
    /// What was told changed so many episodes; the others are as they were.
    Told(u64),
    /// Of [`Ask::Feeds`].
    Feeds(Vec<Feed>),
    /// Of [`Ask::Of`].
    Ties(Vec<Tie>),
}

/// A feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Name of the machine.
    pub name: String,
    /// Its last message since the archive knows it; nothing: never.
    pub last: Option<Time>,
    /// Silent for longer than agreed.
    pub silent: bool,
    /// Patients whose relations rest on it.
    pub patients: u64,
}

/// A relation of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tie {
    /// Names it, where it was made by hand.
    pub number: Option<u64>,
    /// With whom.
    pub patient: Option<PatientNumber>,
    /// The colleague who is covered.
    pub covers: Option<String>,
    /// Kind.
    pub kind: String,
    /// Where it is known from.
    pub source: String,
    /// From.
    pub start: Time,
    /// Until.
    pub end: Option<Time>,
    /// By whom, and why, where it was made by hand.
    pub by: String,
    /// Why.
    pub reason: String,
}
