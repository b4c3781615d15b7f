//! Which films are a patient's own to open: those that are hers as they arrived, and as others agreed that they are. A change
//! that one account made by itself puts nothing before anybody's eyes: whoever merges a stranger's number into his own would
//! see her films as their patient does, and take it back.

use super::record::{Change, Deed};
use super::righted::{self, Changes, Righted};
use crate::context::Context;
use crate::vault::{Vault, lock};
use model::{Id, PatientRef, Uid};
use port::{Code, Fault};
use std::collections::{HashMap, HashSet};

/// The patient that an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// As the archive knows her, after merges.
    pub patient: PatientRef,
    /// What films of her number get when nothing was merged.
    arrived: PatientRef,
}

impl Deed {
    /// It makes films somebody else's.
    pub const fn gives(&self) -> bool {
        matches!(self, Self::Merge { .. } | Self::MoveStudies { .. } | Self::MoveSeries { .. })
    }
}

/// Who confirmed each change, in force, and when: somebody else than its author.
pub fn confirmed(changes: &Changes) -> HashMap<u64, &Change> {
    let by_others = changes.values().filter(|change| change.undone.is_none()).filter_map(|change| {
        let Deed::Confirm { change: of } = change.deed else { return None };
        (changes.get(&of)?.by != change.by).then_some((of, &**change))
    });
    by_others.collect()
}

impl Righted {
    /// What was changed and agreed: by the machine that keeps the house's index of patients, or by two persons.
    fn agreed(&self) -> Changes {
        let confirmed = confirmed(&self.changes);
        let agreed = |number: &u64, change: &Change| match change.deed {
            _ if confirmed.contains_key(number) => true,
            Deed::Contradiction { .. } => false,
            _ => !change.deed.gives() || self.machines.contains(&change.by),
        };
        let changes = self.changes.iter().filter(|(number, change)| agreed(number, change));
        changes.map(|(number, change)| (*number, change.clone())).collect()
    }

    /// Films of another patient in a study, in force: number, study of arrival, series.
    fn contradictions(&self) -> impl Iterator<Item = (u64, &Uid, &Uid)> {
        let all = self.changes.values().filter(|change| change.undone.is_none());
        all.filter_map(|change| match &change.deed {
            Deed::Contradiction { study, series, .. } => Some((change.number, study, series)),
            _ => None,
        })
    }

    /// It was noted before, taken back or not: who says that all is well is not overruled by the next film.
    pub fn noted_contradiction(&self, study: &Uid, series: &Uid) -> bool {
        let is = |deed: &Deed| matches!(deed, Deed::Contradiction { study: x, series: y, .. } if x == study && y == series);
        self.changes.values().any(|change| is(&change.deed))
    }

    /// Nobody but its author has said yes to it.
    pub fn waits(&self, change: &Change) -> bool {
        change.undone.is_none() && !self.agreed().contains_key(&change.number)
    }

    /// The study is her own; `patient`: whose it is.
    fn own(&self, own: Own, (study, patient): (&Uid, PatientRef)) -> bool {
        if own.patient != patient {
            return false;
        }
        let agreed = self.agreed();
        let then = righted::resolve(&agreed, own.arrived);
        let owner = |uid: &Uid| match self.arrived.get(uid) {
            Some(arrived) => Some(righted::placed(&agreed, arrived).patient),
            None => (uid == study).then_some(patient), // untouched: as it arrived
        };
        let moved_in = self.moved.iter().filter(|(_, home)| *home == study);
        let mut homes = moved_in.map(|((from, series), _)| righted::home(&agreed, from, series));
        let others = self.contradictions().any(|(number, from, series)| {
            !agreed.contains_key(&number) && self.goes_to(from, series) == *study
        });
        !others && owner(study) == Some(then) && homes.all(|home| owner(&home) == Some(then))
    }
}

impl Righted {
    /// Two references are of one person, as others agreed.
    pub fn agreed_same(&self, one: PatientRef, other: PatientRef) -> bool {
        one == other || {
            let agreed = self.agreed();
            righted::resolve(&agreed, one) == righted::resolve(&agreed, other)
        }
    }
}

impl Own {
    /// The reference under which she says something of all her films; nothing: the archive has none of hers.
    pub fn home(self) -> Option<PatientRef> {
        (self.arrived != NOBODY).then_some(self.arrived)
    }

    /// All references under which what was said is hers, for who asks about many.
    pub fn references(self, righted: &Righted) -> HashSet<PatientRef> {
        if self.arrived == NOBODY {
            return HashSet::new();
        }
        let agreed = righted.agreed();
        let she = righted::resolve(&agreed, self.arrived);
        let merged = righted::in_force(&agreed).filter_map(|deed| match deed {
            Deed::Merge { from, .. } if righted::resolve(&agreed, *from) == she => Some(*from),
            _ => None,
        });
        merged.chain([she, self.arrived]).collect()
    }

    /// What was said under this reference is hers.
    pub fn is(self, righted: &Righted, patient: PatientRef) -> bool {
        self.arrived != NOBODY && righted.agreed_same(self.arrived, patient)
    }
}

/// Whose the archive has no films.
const NOBODY: PatientRef = Id([0xFF; 16]);

impl Vault {
    /// Whom a reference names after merges.
    pub(crate) fn merged_into(&self, patient: PatientRef) -> PatientRef {
        righted::resolve(&lock(&self.righted).changes, patient)
    }

    /// The patient behind a number, as an account of hers; nobody's films when the archive has none of hers.
    pub(crate) fn own_by(&self, issuer: &str, number: &str) -> Own {
        let key = crate::catalog::PatientKey::Numbered(issuer.to_owned(), number.to_owned());
        let arrived = self.arrived_as(&self.catalog(), &key).unwrap_or(NOBODY);
        Own { patient: righted::resolve(&lock(&self.righted).changes, arrived), arrived }
    }

    /// The patient that the caller is.
    pub(crate) fn own(&self, context: &Context) -> std::result::Result<Own, Fault> {
        context.own.ok_or_else(|| Code::NotAllowed.into())
    }

    /// A study of this patient is her own.
    pub(crate) fn is_own(&self, own: Own, study: (&Uid, PatientRef)) -> bool {
        lock(&self.righted).own(own, study)
    }
}
