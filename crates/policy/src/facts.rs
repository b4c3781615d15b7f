//! What is known when somebody asks: gathered by the caller of [`crate::decide`], judged only here.

pub(crate) mod cedar;

use crate::consent::ConsentFacts;
use model::{HoldsFor, Id, Organisation, PatientRef, Purpose, Role, Tenant, Time, limits};
use serde::{Deserialize, Serialize};

/// Relations looked at in one decision; facts with more are refused.
pub const RELATIONS: usize = 64;
/// Modalities or body parts of one study looked at in one decision; facts with more are refused.
pub const STUDY_WORDS: usize = 64;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Account name, or the device's name.
    pub user: String,
    /// What the account is for.
    pub role: Role,
    /// Whom the caller acts for.
    pub organisation: Organisation,
    /// Whose data the caller may ask about at all.
    pub tenant: Tenant,
    /// The patient that this account belongs to, for `patient` accounts.
    pub own_patient: Option<PatientRef>,
}

/// Why a caller has to do with a patient (DESIGN.md §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RelationKind {
    /// An order that the caller placed or performs.
    Order,
    /// An open visit or encounter.
    Visit,
    /// Member of the treating team.
    Team,
    /// A referral.
    Referral,
    /// The reading pool of a radiologist: a relation for no other role.
    Pool,
    /// Covers for a colleague.
    Cover,
    /// Delegated by a colleague.
    Delegation,
}

impl RelationKind {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Order, Self::Visit, Self::Team, Self::Referral, Self::Pool, Self::Cover, Self::Delegation];

    /// The word in policies and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Visit => "visit",
            Self::Team => "team",
            Self::Referral => "referral",
            Self::Pool => "pool",
            Self::Cover => "cover",
            Self::Delegation => "delegation",
        }
    }
}

/// One relation between caller and patient. In force from `start` (inclusive) to `end` (exclusive).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Which.
    pub kind: RelationKind,
    /// Where it is known from (`adt`, `worklist`, `demo` …); for the record only.
    pub source: String,
    /// First moment.
    pub start: Time,
    /// First moment after it; `None`: until ended.
    pub end: Option<Time>,
}

impl Relation {
    /// In force at `now`.
    #[must_use]
    pub fn holds_at(&self, now: Time) -> bool {
        self.start <= now && self.end.is_none_or(|end| now < end)
    }
}

/// The study asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyFacts {
    /// Its reference.
    pub study: Id,
    /// Who owns it. A caller of another tenant is refused before any rule is asked.
    pub tenant: Tenant,
    /// Whose it is.
    pub patient: PatientRef,
    /// (0008,0060) of its series; at most [`STUDY_WORDS`].
    pub modalities: Vec<String>,
    /// (0018,0015) of its series; at most [`STUDY_WORDS`].
    pub body_parts: Vec<String>,
    /// 1..=5: how private it is; the highest of its objects. Anything else is refused.
    pub level: u8,
    /// Holds a class that is withheld by default: mammography, photographs.
    pub withheld_class: bool,
}

/// The mask set in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskFacts {
    /// Its version, at least 1.
    pub version: u64,
    /// For whom at most anything of it holds; nothing: it is empty.
    pub holds_for: Option<HoldsFor>,
}

/// What the operator agreed with a machine once and for all (DESIGN.md §3: certificate → AE → standing policy). People have
/// none: what they may is decided by role, purpose and relation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Name of the machine in the address book.
    pub ae: String,
    /// What it may do, in the words of `gauze.toml`: `store`, `find`, `retrieve`, `move-to`, `worklist`, `orders`, `patients`.
    pub may: Vec<String>,
    /// What it sees: `clear`, `masked`, `deidentified`; nothing: no picture and no name.
    pub sees: String,
    /// What it asks for.
    pub purpose: Option<Purpose>,
}

impl Standing {
    /// The words of [`Standing::may`].
    pub const ACTS: &'static [&'static str] =
        &["store", "find", "retrieve", "move-to", "worklist", "orders", "patients"];
    /// The words of [`Standing::sees`].
    pub const SEES: &'static [&'static str] = &["", "deidentified", "masked", "clear"];
}

/// Everything one decision rests on. Kept in the entry of the decision ([`crate::replay`]): a new field is read as its default
/// from an older entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Who.
    pub caller: Caller,
    /// Why; nothing is opened without a purpose.
    pub purpose: Option<Purpose>,
    /// All known relations to the patient, ended ones too; at most [`RELATIONS`].
    pub relations: Vec<Relation>,
    /// There is an order for this study under which this caller reports or treats.
    pub order_for_report: bool,
    /// What the caller wrote as a reason; blank or over-long counts as none.
    pub reason: Option<String>,
    /// What.
    pub study: StudyFacts,
    /// The site holds an approval for research on de-identified data.
    pub research_approval: bool,
    /// The patient objects to secondary use.
    pub objection: bool,
    /// The caller broke the glass for this patient: with a reason and a second factor, in this session; first moment after.
    #[serde(default)]
    pub glass_until: Option<Time>,
    /// What she has said of this use.
    #[serde(default)]
    pub consent: ConsentFacts,
    /// What was agreed with a machine.
    pub standing: Standing,
    /// When.
    pub now: Time,
    /// Seconds by which the site's clocks are ahead of UTC.
    #[serde(default)]
    pub utc_offset_s: i32,
    /// The mask set in force, if any.
    pub mask: Option<MaskFacts>,
}

impl Facts {
    /// Relations that count now. A reading pool relates a radiologist and nobody else.
    pub fn relations_now(&self) -> impl Iterator<Item = &Relation> {
        let reads = self.caller.role == Role::Radiologist;
        let counts = move |kind| kind != RelationKind::Pool || reads;
        self.relations.iter().filter(move |r| r.holds_at(self.now) && counts(r.kind))
    }

    /// At least one relation counts now.
    #[must_use]
    pub fn related(&self) -> bool {
        self.relations_now().next().is_some()
    }

    /// The caller is the patient.
    #[must_use]
    pub fn own(&self) -> bool {
        self.caller.own_patient == Some(self.study.patient)
    }

    /// `(day of the week, hour)` by the site's clocks: 1 for Monday to 7 for Sunday (ISO 8601), 0 to 23.
    #[must_use]
    pub fn local(&self) -> (i64, i64) {
        let seconds = self.now.seconds().saturating_add(self.utc_offset_s.into());
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // 1970-01-01 was a Thursday.
        ((days + 3).rem_euclid(7) + 1, rest / 3_600)
    }

    /// The glass is broken now.
    #[must_use]
    pub fn glass_broken(&self) -> bool {
        self.glass_until.is_some_and(|until| self.now < until)
    }

    /// The reason, trimmed, if there is a usable one.
    #[must_use]
    pub fn reason_given(&self) -> Option<&str> {
        let reason = self.reason.as_deref()?.trim();
        (!reason.is_empty() && reason.len() <= limits::REASON_BYTES).then_some(reason)
    }

    /// Within the bounds of this crate and about the caller's own tenant.
    pub(crate) fn sound(&self) -> bool {
        self.caller.tenant == self.study.tenant
            && self.relations.len() <= RELATIONS
            && self.study.modalities.len() <= STUDY_WORDS
            && self.study.body_parts.len() <= STUDY_WORDS
            && (1..=5).contains(&self.study.level)
    }
}

#[cfg(test)]
mod tests;
