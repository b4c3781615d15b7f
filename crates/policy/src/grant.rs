//! A decision that said yes, its form at rest, and the one way back.

mod record;

pub use record::{Current, GrantRecord, Lapse, readmit};

use crate::facts::{Caller, Facts};
use crate::policies::PolicyVersion;
use crate::rights::{Permit, Right};
use model::{HoldsFor, Id, Pixels, Purpose, RegionKind, Time, Visibility};
use serde::{Deserialize, Serialize};

/// Seconds a grant lives before the viewer must ask again (it is then decided anew).
pub const GRANT_SECONDS: i64 = 300;

/// Which regions a grant hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Hide {
    /// None.
    Nothing,
    /// Only what a person drew.
    Drawn,
    /// All that was found, but not what a person drew.
    Found,
    /// All.
    All,
}

impl Hide {
    /// What either hides.
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (Self::Drawn, Self::Drawn) => Self::Drawn,
            (Self::Found, Self::Found) => Self::Found,
            _ => Self::All,
        }
    }

    /// What recognition found; markers are never hidden.
    const fn found(self) -> bool {
        matches!(self, Self::Found | Self::All)
    }

    /// What a person drew.
    const fn drawn(self) -> bool {
        matches!(self, Self::Drawn | Self::All)
    }
}

/// What a grant asks for in return; named in a rule's `@obliges`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Obligation {
    /// The viewer asks for a reason.
    Reason,
    /// The patient or the officer is told.
    Notice,
}

impl Obligation {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Reason, Self::Notice];

    /// The word in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reason => "reason",
            Self::Notice => "notice",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|o| o.as_str() == word)
    }
}

/// What the decision settled, before it becomes a grant.
pub(crate) struct Made {
    pub(crate) visibility: Visibility,
    pub(crate) hide: Hide,
    pub(crate) drawn_for: HoldsFor,
    pub(crate) may_lift: bool,
    pub(crate) lifted: bool,
    pub(crate) obligations: Vec<Obligation>,
    pub(crate) rules: Vec<String>,
}

/// A yes of the policy. Nobody outside this crate can make or change one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    content: record::Content,
}

impl Grant {
    pub(crate) fn made(facts: &Facts, policy_version: PolicyVersion, made: Made) -> Self {
        Self {
            content: record::Content {
                caller: facts.caller.clone(),
                studies: vec![facts.study.study],
                purpose: facts.purpose,
                visibility: made.visibility,
                hide: made.hide,
                drawn_for: made.drawn_for,
                may_lift: made.may_lift,
                lifted: made.lifted,
                obligations: made.obligations,
                rules: made.rules,
                made_at: facts.now,
                ends_at: end_of(facts),
                mask_version: facts.mask.map_or(0, |mask| mask.version),
                policy_version,
                consent_version: facts.consent.version,
                also_hidden: facts.consent.hidden.clone(),
                longest_side: facts.consent.longest_side,
            },
        }
    }

    /// Who may use it.
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.content.caller
    }
    /// Studies it covers.
    #[must_use]
    pub fn studies(&self) -> &[Id] {
        &self.content.studies
    }
    /// Whether it covers `study`.
    #[must_use]
    pub fn covers(&self, study: Id) -> bool {
        self.content.studies.contains(&study)
    }
    /// What for.
    #[must_use]
    pub const fn purpose(&self) -> Option<Purpose> {
        self.content.purpose
    }
    /// What it lets out.
    #[must_use]
    pub const fn visibility(&self) -> Visibility {
        self.content.visibility
    }
    /// Which regions it hides.
    #[must_use]
    pub const fn hide(&self) -> Hide {
        self.content.hide
    }
    /// The caller may lift the mask for a reason.
    #[must_use]
    pub const fn may_lift(&self) -> bool {
        self.content.may_lift
    }
    /// The least that what a person drew must hold for to be hidden from this caller.
    #[must_use]
    pub const fn drawn_for(&self) -> HoldsFor {
        self.content.drawn_for
    }
    /// Whether a region that recognition found is hidden. Markers never are.
    #[must_use]
    pub const fn hides_found(&self, kind: RegionKind) -> bool {
        self.content.hide.found() && !matches!(kind, RegionKind::Marker)
    }
    /// Whether what a person hid from these is hidden.
    #[must_use]
    pub fn hides_drawn(&self, holds_for: HoldsFor) -> bool {
        self.content.hide.drawn() && holds_for >= self.content.drawn_for
    }
    /// Version of what the patient had said of secondary use; 0: nothing.
    #[must_use]
    pub const fn consent_version(&self) -> u64 {
        self.content.consent_version
    }
    /// Parts that the patient wants hidden in this use wherever they may be seen.
    #[must_use]
    pub fn also_hidden(&self) -> &[RegionKind] {
        &self.content.also_hidden
    }
    /// Longest side of a picture at most, pixels; pixels leave in no other form then.
    #[must_use]
    pub const fn longest_side(&self) -> Option<u32> {
        self.content.longest_side
    }
    /// Another grant shows the same of a picture: what was made ready under one may flow on under the other.
    #[must_use]
    pub fn shows_as(&self, other: &Self) -> bool {
        let of = |grant: &Self| (grant.visibility(), grant.hide(), grant.drawn_for(), grant.lifted());
        of(self) == of(other)
            && self.also_hidden() == other.also_hidden()
            && self.longest_side() == other.longest_side()
    }
    /// The mask is lifted.
    #[must_use]
    pub const fn lifted(&self) -> bool {
        self.content.lifted
    }
    /// What is still asked of the caller or the archive.
    #[must_use]
    pub fn obligations(&self) -> &[Obligation] {
        &self.content.obligations
    }
    /// Ids of the rules that made it.
    #[must_use]
    pub fn rules(&self) -> &[String] {
        &self.content.rules
    }
    /// When it was decided.
    #[must_use]
    pub const fn made_at(&self) -> Time {
        self.content.made_at
    }
    /// First moment at which it no longer holds.
    #[must_use]
    pub const fn ends_at(&self) -> Time {
        self.content.ends_at
    }
    /// Version of the mask set it was decided under; 0: none.
    #[must_use]
    pub const fn mask_version(&self) -> u64 {
        self.content.mask_version
    }
    /// Version of the policies that made it.
    #[must_use]
    pub const fn policy_version(&self) -> PolicyVersion {
        self.content.policy_version
    }

    /// What two persons together may take away of a study, as it is. Nothing when they are one, or either has another right.
    #[must_use]
    pub fn of_two(facts: &Facts, first: &Permit, (second, also): (&Caller, &Permit)) -> Option<Self> {
        let leave = |permit: &Permit| permit.right() == Right::Leave;
        let two = facts.caller.user != second.user && facts.caller.tenant == second.tenant;
        (two && leave(first) && leave(also) && facts.sound()).then(|| {
            let made = Made {
                visibility: Visibility::CLEAR,
                hide: Hide::Nothing,
                drawn_for: HoldsFor::Everyone,
                may_lift: false,
                lifted: false,
                obligations: Vec::new(),
                rules: first.rules().iter().chain(also.rules()).cloned().collect(),
            };
            Self::made(facts, first.policy_version(), made)
        })
    }

    /// What both this grant and another one of the same study let out; nothing when they call the study by different names.
    #[must_use]
    pub fn narrowed(self, by: Self) -> Option<Self> {
        let (mine, other) = (self.content, by.content);
        if mine.studies != other.studies || mine.visibility.words != other.visibility.words {
            return None;
        }
        let masked = |content: &record::Content| content.visibility.pixels == Pixels::Masked;
        // A clear grant says nothing of what a masked one would withhold.
        let may_lift = match (masked(&mine), masked(&other)) {
            (true, true) => mine.may_lift && other.may_lift,
            (true, false) => mine.may_lift,
            (false, _) => other.may_lift,
        };
        let rules = mine.rules.iter().chain(&other.rules).cloned().collect();
        let obligations = mine.obligations.iter().chain(&other.obligations).copied().collect();
        let mut also_hidden = [mine.also_hidden, other.also_hidden.clone()].concat();
        also_hidden.sort_unstable();
        also_hidden.dedup();
        let visibility = Visibility {
            pixels: mine.visibility.pixels.min(other.visibility.pixels),
            words: mine.visibility.words,
        };
        Some(Self {
            content: record::Content {
                visibility,
                hide: mine.hide.and(other.hide),
                drawn_for: mine.drawn_for.min(other.drawn_for),
                may_lift,
                lifted: mine.lifted && other.lifted,
                obligations,
                rules,
                also_hidden,
                longest_side: [mine.longest_side, other.longest_side].into_iter().flatten().min(),
                ends_at: mine.ends_at.min(other.ends_at),
                ..other
            },
        })
    }

    /// The form in which it is kept (sealed, under HMAC(token)).
    #[must_use]
    pub fn to_record(&self) -> GrantRecord {
        GrantRecord::of(self.content.clone())
    }
}

/// [`GRANT_SECONDS`] from now, and not past the end of any relation that counted or of broken glass, nor past the moment at which
/// a consent begins or ends: then it is decided anew.
fn end_of(facts: &Facts) -> Time {
    let full = facts.now.plus_seconds(GRANT_SECONDS);
    let glass = facts.glass_until.filter(|_| facts.glass_broken());
    let others = glass.into_iter().chain(facts.consent.until);
    facts.relations_now().filter_map(|r| r.end).chain(others).fold(full, Time::min)
}

#[cfg(test)]
mod tests;
