//! Grants at rest (DESIGN.md §6): a versioned record, and [`readmit`], the only way back to a [`Grant`].

use super::{Grant, Hide, Obligation};
use crate::facts::Caller;
use crate::policies::PolicyVersion;
use model::{HoldsFor, Id, Pixels, Purpose, RegionKind, Time, Visibility};
use serde::{Deserialize, Serialize};

/// Version of the record's format. A record of another version does not come back: its viewer opens anew.
pub const RECORD_VERSION: u16 = 3;

/// Everything a grant says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) caller: Caller,
    pub(super) studies: Vec<Id>,
    pub(super) purpose: Option<Purpose>,
    pub(super) visibility: Visibility,
    pub(super) hide: Hide,
    pub(super) drawn_for: HoldsFor,
    pub(super) may_lift: bool,
    pub(super) lifted: bool,
    pub(super) obligations: Vec<Obligation>,
    pub(super) rules: Vec<String>,
    pub(super) made_at: Time,
    pub(super) ends_at: Time,
    pub(super) mask_version: u64,
    pub(super) policy_version: PolicyVersion,
    pub(super) consent_version: u64,
    pub(super) also_hidden: Vec<RegionKind>,
    pub(super) longest_side: Option<u32>,
}

/// A grant at rest. Opaque; whoever stores it must seal it, for a forged record is a forged grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRecord {
    version: u16,
    content: Content,
}

impl GrantRecord {
    pub(super) const fn of(content: Content) -> Self {
        Self { version: RECORD_VERSION, content }
    }

    /// First moment at which it no longer holds, so that a sweeper can drop it unopened.
    #[must_use]
    pub const fn ends_at(&self) -> Time {
        self.content.ends_at
    }

    /// The studies it covers, so that the one asked for and its mask version can be looked up.
    #[must_use]
    pub fn studies(&self) -> &[Id] {
        &self.content.studies
    }
}

/// What holds at the moment of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Current {
    /// The vault's clock.
    pub now: Time,
    /// The study that the request names.
    pub study: Id,
    /// Version of its mask set; 0: none.
    pub mask_version: u64,
    /// Version of what its patient has said of secondary use; 0: nothing. Grants for her care do not end with it.
    pub consent_version: u64,
    /// Version of the policies in force.
    pub policy_version: PolicyVersion,
    /// The session (or key, or certificate) is alive, and nobody revoked caller, patient or grant.
    pub session_alive: bool,
}

/// Why a stored grant no longer holds. For the ledger; at the door all but `OtherStudy` mean "open anew".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Lapse {
    /// Of another format version, or in contradiction with itself.
    #[error("grant record is not readable")]
    Malformed,
    /// Its session ended, or it was revoked.
    #[error("grant was revoked")]
    Revoked,
    /// Its end has come, or the clock stands before its beginning.
    #[error("grant has expired")]
    Expired,
    /// It does not cover the study asked for.
    #[error("grant is for another study")]
    OtherStudy,
    /// The rules changed.
    #[error("policy changed since the grant")]
    PolicyChanged,
    /// The mask set changed.
    #[error("mask changed since the grant")]
    MaskChanged,
    /// The patient agreed to something, refused or withdrew.
    #[error("consent changed since the grant")]
    ConsentChanged,
}

impl Lapse {
    /// The stable word for records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::OtherStudy => "other-study",
            Self::PolicyChanged => "policy-changed",
            Self::MaskChanged => "mask-changed",
            Self::ConsentChanged => "consent-changed",
        }
    }
}

/// Gives a stored grant back if it still holds for the study asked for.
///
/// # Errors
/// The first [`Lapse`] that applies, in the order in which they are declared.
pub fn readmit(record: GrantRecord, current: &Current) -> Result<Grant, Lapse> {
    let GrantRecord { version, content } = record;
    let secondary = content.purpose.is_some_and(Purpose::secondary);
    let alive = content.made_at <= current.now && current.now < content.ends_at;
    let lapses = [
        (version != RECORD_VERSION || !coherent(&content), Lapse::Malformed),
        (!current.session_alive, Lapse::Revoked),
        (!alive, Lapse::Expired),
        (!content.studies.contains(&current.study), Lapse::OtherStudy),
        (content.policy_version != current.policy_version, Lapse::PolicyChanged),
        (content.mask_version != current.mask_version, Lapse::MaskChanged),
        (secondary && content.consent_version != current.consent_version, Lapse::ConsentChanged),
    ];
    match lapses.into_iter().find(|(applies, _)| *applies) {
        Some((_, lapse)) => Err(lapse),
        None => Ok(Grant { content }),
    }
}

/// A grant that [`crate::decide`] could have made: hides nothing only when clear, is lifted only when clear.
fn coherent(content: &Content) -> bool {
    let hides = content.hide != Hide::Nothing;
    let bounded = !content.also_hidden.is_empty() || content.longest_side.is_some();
    match content.visibility.pixels {
        Pixels::None => false,
        Pixels::Clear => content.visibility == Visibility::CLEAR && !hides && !content.may_lift && !bounded,
        Pixels::Masked => hides && !content.lifted,
    }
}
