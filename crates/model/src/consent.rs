//! What a patient may agree to, and how far (FHIR R4 Consent; IHE PCF).

use crate::{RegionKind, Role, Time, limits};
use serde::{Deserialize, Serialize};

/// Shortest longest side that a consent may name, pixels: less shows nothing.
pub const LEAST_SIDE: u32 = 16;

crate::caller::words! {
    /// Why nothing was agreed or changed.
    ConsentFault, "reason",
    /// It ends before it begins, or has ended.
    ContradictoryDates = "contradictory-dates",
    /// A word or code that is not known here, or not one of secondary use.
    UnknownCode = "unknown-code",
    /// Not a part of the body that can be hidden by name.
    UnknownRegion = "unknown-region",
    /// A longest side that shows nothing, or hides nothing.
    NoSize = "no-size",
    /// Longer than a text may be, or empty.
    TextLength = "text-length",
    /// Not a patient or study that the caller may name.
    ForeignPatient = "foreign-patient",
    /// An answer may take away and add nothing.
    NotNarrower = "not-narrower",
    /// Not this side's turn, or it is settled.
    NotNow = "not-now",
    /// The room for consents, steps or texts of one patient is full.
    TooMany = "too-many",
    /// It says something that is not kept here: it would be lost.
    NotRepresentable = "not-representable",
}

/// Whom a consent is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Recipient {
    /// One account, or one machine by its name.
    Account(String),
    /// Everybody who acts for it.
    Organisation(String),
    /// Everybody of a role.
    Role(Role),
}

impl Recipient {
    /// Who works under this name, for this house, in this role is meant.
    #[must_use]
    pub fn is(&self, user: &str, organisation: &str, role: Role) -> bool {
        match self {
            Self::Account(named) => folded(named) == folded(user),
            Self::Organisation(named) => folded(named) == folded(organisation),
            Self::Role(named) => *named == role,
        }
    }

    /// As it is compared: `Li ` is `li`, or a no to her would be a no to nobody.
    #[must_use]
    pub fn folded(&self) -> Self {
        match self {
            Self::Account(named) => Self::Account(folded(named)),
            Self::Organisation(named) => Self::Organisation(folded(named)),
            Self::Role(named) => Self::Role(*named),
        }
    }

    /// For the record: `account:li`, `organisation:institute`, `role:researcher`.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Account(user) => format!("account:{user}"),
            Self::Organisation(name) => format!("organisation:{name}"),
            Self::Role(role) => format!("role:{role}"),
        }
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Says {
    /// `permit`.
    Permit,
    /// `deny`.
    Deny,
}

/// How far a yes goes. Boundaries only take away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// First moment; nothing: at once.
    pub from: Option<Time>,
    /// First moment after it; nothing: until withdrawn.
    pub until: Option<Time>,
    /// Parts that are hidden wherever they may be seen ([`RegionKind::PARTS`]), beside what recognition finds.
    pub hidden: Vec<RegionKind>,
    /// Longest side of a picture at most, pixels; nothing else of pixels leaves then.
    pub longest_side: Option<u32>,
    /// Masked, under the patient's own name; else de-identified.
    pub identified: bool,
    /// Also for who works abroad.
    pub abroad: bool,
}

impl Bounds {
    /// They make sense.
    ///
    /// # Errors
    /// What does not.
    pub fn checked(mut self, now: Time) -> Result<Self, ConsentFault> {
        let empty = matches!((self.from, self.until), (Some(from), Some(until)) if until <= from);
        if empty || self.until.is_some_and(|until| until <= now) {
            return Err(ConsentFault::ContradictoryDates);
        }
        if self.hidden.iter().any(|kind| !RegionKind::PARTS.contains(kind)) {
            return Err(ConsentFault::UnknownRegion);
        }
        if self.longest_side.is_some_and(|side| !(LEAST_SIDE..=limits::RENDERED_SIDE).contains(&side)) {
            return Err(ConsentFault::NoSize);
        }
        self.hidden.sort_unstable();
        self.hidden.dedup();
        Ok(self)
    }

    /// No boundary is wider than the other's.
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        let begins = other.from.is_none_or(|theirs| self.from.is_some_and(|ours| ours >= theirs));
        let ends = other.until.is_none_or(|theirs| self.until.is_some_and(|ours| ours <= theirs));
        let small = other.longest_side.is_none_or(|theirs| self.longest_side.is_some_and(|o| o <= theirs));
        begins
            && ends
            && small
            && other.hidden.iter().all(|kind| self.hidden.contains(kind))
            && (other.identified || !self.identified)
            && (other.abroad || !self.abroad)
    }

    /// In force.
    #[must_use]
    pub fn holds_at(&self, now: Time) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// The next moment at which it begins or ends.
    #[must_use]
    pub fn turns(&self, now: Time) -> Option<Time> {
        [self.from, self.until].into_iter().flatten().filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_795_507_200_000_000_000);

    #[test]
    fn a_name_is_one_however_it_is_typed() {
        let account = |name: &str| Recipient::Account(name.to_owned());
        let house = |name: &str| Recipient::Organisation(name.to_owned());
        let cases = [
            (account("li"), true),
            (account(" Li "), true),
            (account("lin"), false),
            (house("institute of images"), true),
            (house("INSTITUTE of Images\t"), true),
            (house("Institute"), false),
            (house("li"), false),
            (Recipient::Role(Role::Researcher), true),
            (Recipient::Role(Role::Referrer), false),
        ];
        for (recipient, meant) in cases {
            assert_eq!(recipient.is("li", "Institute of Images", Role::Researcher), meant, "{recipient:?}");
            assert_eq!(recipient.folded().is("li", "Institute of Images", Role::Researcher), meant);
        }
        assert_eq!(account(" Li ").folded(), account("li"));
    }

    #[test]
    fn boundaries_make_sense_or_say_why_not() {
        let at = |seconds| Some(NOW.plus_seconds(seconds));
        let cases = [
            (Bounds::default(), None),
            (Bounds { from: at(5), until: at(6), ..Bounds::default() }, None),
            (
                Bounds { from: at(5), until: at(5), ..Bounds::default() },
                Some(ConsentFault::ContradictoryDates),
            ),
            (Bounds { until: at(0), ..Bounds::default() }, Some(ConsentFault::ContradictoryDates)),
            (
                Bounds { hidden: vec![RegionKind::Marker], ..Bounds::default() },
                Some(ConsentFault::UnknownRegion),
            ),
            (Bounds { hidden: vec![RegionKind::Face, RegionKind::Face], ..Bounds::default() }, None),
            (Bounds { longest_side: Some(15), ..Bounds::default() }, Some(ConsentFault::NoSize)),
            (Bounds { longest_side: Some(16), ..Bounds::default() }, None),
            (Bounds { longest_side: Some(8193), ..Bounds::default() }, Some(ConsentFault::NoSize)),
        ];
        for (bounds, expected) in cases {
            assert_eq!(bounds.clone().checked(NOW).err(), expected, "{bounds:?}");
        }
    }

    #[test]
    fn narrower_in_every_boundary() {
        let wide = Bounds { identified: true, abroad: true, ..Bounds::default() };
        let at = |seconds| Some(NOW.plus_seconds(seconds));
        let narrow = [
            Bounds { identified: false, ..wide.clone() },
            Bounds { abroad: false, ..wide.clone() },
            Bounds { from: at(1), ..wide.clone() },
            Bounds { until: at(1), ..wide.clone() },
            Bounds { hidden: vec![RegionKind::Face], ..wide.clone() },
            Bounds { longest_side: Some(64), ..wide.clone() },
        ];
        assert!(wide.within(&wide));
        for bounds in &narrow {
            assert!(bounds.within(&wide) && !wide.within(bounds) && bounds.within(bounds), "{bounds:?}");
        }
        let longer = Bounds { until: at(2), ..wide.clone() };
        assert!(!longer.within(&Bounds { until: at(1), ..wide }));
    }
}
