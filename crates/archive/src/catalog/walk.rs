//! Studies in the order of answers, a few at a time: nobody holds the catalog while a thousand are compared.

use super::card::{Card, Depth, whole};
use super::{Catalog, Of, Slot, Study, Words, pack};
use crate::Result;
use model::{PatientRef, Uid};
use std::cmp::Reverse;
use std::ops::Bound;
use std::sync::Arc;

/// A study that was found, to be looked at without the catalog's lock.
#[derive(Debug, Clone)]
pub enum Found {
    /// Packed.
    Packed(Arc<[u8]>),
    /// Whole.
    Whole(Arc<Study>),
}

impl Found {
    /// As matching sees it.
    ///
    /// # Errors
    /// Damage.
    pub fn card(&self, words: &Words, depth: Depth) -> Result<Card> {
        match self {
            Self::Packed(bytes) => whole(pack::unpack(bytes, words, depth)),
            Self::Whole(study) => Ok(Card::of(study, depth)),
        }
    }
}

/// Where a walk stands.
#[derive(Debug)]
pub enum Cursor {
    /// These slots, in order.
    Listed(std::vec::IntoIter<u32>),
    /// All days from the first key to the last, newest first.
    Days { after: Option<(Reverse<u64>, u32)>, from: u64, to: u64 },
    /// All, in the order of their pseudonyms.
    Pseudonyms { after: Option<Uid> },
}

impl Catalog {
    /// All studies, newest first.
    pub const fn all() -> Cursor {
        Cursor::Days { after: None, from: 0, to: u64::MAX }
    }

    /// Those of the days from one to the other, both inclusive, as numbers `YYYYMMDD`.
    pub const fn days(from: u64, to: u64) -> Cursor {
        Cursor::Days {
            after: None,
            from: from.saturating_mul(1_000_000),
            to: to.saturating_mul(1_000_000).saturating_add(999_999),
        }
    }

    /// Those that may have one of these identifiers.
    pub fn with<'a>(&self, of: Of, wanted: impl IntoIterator<Item = &'a [u8]>) -> Cursor {
        self.listed(wanted.into_iter().flat_map(|bytes| self.prints.find(of, bytes)).collect())
    }

    /// None.
    pub fn nobody() -> Cursor {
        Cursor::Listed(Vec::new().into_iter())
    }

    /// How many a cursor has before it, pending ones among them.
    pub fn left(&self, cursor: &Cursor) -> usize {
        match cursor {
            Cursor::Listed(slots) => slots.len(),
            Cursor::Days { .. } | Cursor::Pseudonyms { .. } => self.days.len(),
        }
    }

    /// A patient's own.
    pub fn of_patient(&self, patient: &PatientRef) -> Cursor {
        self.with(Of::Patient, [&patient.0[..]])
    }

    /// Those in whose line all of these stand; nothing when lines cannot tell.
    pub fn typed(&self, needles: &[&str]) -> Option<Cursor> {
        let longest = needles.iter().max_by_key(|needle| needle.len()).filter(|needle| !needle.is_empty())?;
        let mut slots = self.lines.candidates(longest)?;
        slots.retain(|slot| needles.iter().all(|needle| self.lines.line(*slot).contains(needle)));
        Some(self.listed(slots))
    }

    /// The one whose pseudonym this is.
    pub fn named(&mut self, pseudonym: &Uid, of: &dyn Fn(&Uid) -> Uid) -> Cursor {
        self.need_pseudonyms(of);
        let slot = self.pseudonyms.as_ref().and_then(|known| known.get(pseudonym)).copied();
        self.listed(slot.into_iter().collect())
    }

    fn listed(&self, mut slots: Vec<u32>) -> Cursor {
        slots.sort_unstable_by_key(|slot| (Reverse(self.day_of.get(*slot as usize).copied()), *slot));
        slots.dedup();
        Cursor::Listed(slots.into_iter())
    }

    /// The next ones, at most so many are looked at; nothing: there are no more.
    pub fn next(&self, cursor: &mut Cursor, many: usize) -> Option<Vec<Found>> {
        let slots: Vec<u32> = match cursor {
            Cursor::Listed(slots) => slots.take(many).collect(),
            Cursor::Days { after, from, to } => {
                let start = after.map_or(Bound::Included((Reverse(*to), 0)), Bound::Excluded);
                let end = Bound::Included((Reverse(*from), u32::MAX));
                // A range that ends before it begins has nothing in it; the set's own would panic.
                let days = (from <= to).then(|| self.days.range((start, end)));
                let next: Vec<_> = days.into_iter().flatten().take(many).copied().collect();
                *after = next.last().copied().or(*after);
                next.into_iter().map(|(_, slot)| slot).collect()
            }
            Cursor::Pseudonyms { after } => {
                let start = after.clone().map_or(Bound::Unbounded, Bound::Excluded);
                let known =
                    self.pseudonyms.iter().flat_map(|all| all.range((start.clone(), Bound::Unbounded)));
                let next: Vec<_> = known.take(many).collect();
                *after = next.last().map(|(uid, _)| (*uid).clone()).or(after.take());
                next.into_iter().map(|(_, slot)| *slot).collect()
            }
        };
        if slots.is_empty() {
            return None;
        }
        Some(slots.into_iter().filter_map(|slot| self.found(slot)).collect())
    }

    fn found(&self, slot: u32) -> Option<Found> {
        match self.slots.get(slot as usize)? {
            Slot::Packed(bytes) => {
                let visible = pack::visible(bytes, &super::words_of(&self.words));
                visible.then(|| Found::Packed(Arc::clone(bytes)))
            }
            Slot::Whole(study, _) => study.visible().then(|| Found::Whole(Arc::clone(study))),
            Slot::Gone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_end_before_they_begin_are_none() {
        let catalog = Catalog::default();
        for (from, to) in [(2, 1), (u64::MAX, 0), (0, u64::MAX)] {
            assert!(catalog.next(&mut Catalog::days(from, to), 9).is_none());
        }
    }
}
