//! Confidentiality profiles as tables (PS3.15 Annex E), one text file each in `profiles/`.

mod cells;

use crate::types::Type;
use model::Tag;
use std::sync::OnceLock;

pub use cells::{Cell, Cells};

/// What the table asks of one attribute (PS3.15 Table E.1-1a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// X.
    Remove,
    /// Z: of no length, or a dummy.
    Empty,
    /// X/Z: of no length where the IOD has it as Type 2.
    RemoveOrEmpty,
    /// D: a dummy.
    Dummy,
    /// U: another UID, the same for the same one.
    Uid,
    /// X/D: removed, or a dummy where the IOD has it as Type 1.
    RemoveOrDummy,
    /// X/Z/D: the same, of no length where the IOD has it as Type 2.
    RemoveEmptyOrDummy,
    /// Z/D: of no length, or a dummy where the IOD has it as Type 1.
    EmptyOrDummy,
    /// X/Z/U*: a sequence of references stays with other UIDs.
    References,
}

impl Action {
    /// Of the table's letters.
    fn of(letters: &str) -> Option<Self> {
        Some(match letters {
            "X" => Self::Remove,
            "Z" => Self::Empty,
            "X/Z" => Self::RemoveOrEmpty,
            "D" => Self::Dummy,
            "Z/D" => Self::EmptyOrDummy,
            "U" => Self::Uid,
            "X/D" => Self::RemoveOrDummy,
            "X/Z/D" => Self::RemoveEmptyOrDummy,
            "X/Z/U*" => Self::References,
            _ => return None,
        })
    }

    /// What is left to do of an attribute of this Type: [`Action::Remove`], [`Action::Empty`], [`Action::Dummy`],
    /// [`Action::Uid`] or [`Action::References`]. Whatever the table lets be empty is a dummy where the IOD asks for a value.
    #[must_use]
    pub const fn of_type(self, kind: Type) -> Self {
        match (self, kind) {
            (Self::Remove | Self::Dummy | Self::Uid | Self::References, _) => self,
            (_, Type::One) | (Self::RemoveOrDummy, Type::Two) => Self::Dummy,
            (Self::Empty | Self::EmptyOrDummy, _) | (_, Type::Two) => Self::Empty,
            (Self::RemoveOrEmpty | Self::RemoveOrDummy | Self::RemoveEmptyOrDummy, Type::Three) => {
                Self::Remove
            }
        }
    }
}

/// A parsed table.
#[derive(Debug)]
pub struct Profile {
    rows: Vec<(Tag, Action)>,
}

/// Rows of the basic profile: 621, of which four name groups (`50xx`, `60xx` twice, odd ones) that are always removed.
const BASIC_ROWS: usize = 621;
const BASIC_GROUPS: usize = 4;

impl Profile {
    /// The basic profile, or nothing when the table is not whole: with half a table nothing may leave.
    #[must_use]
    pub fn basic() -> Option<&'static Self> {
        static BASIC: OnceLock<Option<Profile>> = OnceLock::new();
        BASIC.get_or_init(|| Self::parse(include_str!("../profiles/basic.txt"))).as_ref()
    }

    fn parse(text: &str) -> Option<Self> {
        let (mut rows, mut groups) = (Vec::with_capacity(BASIC_ROWS), 0);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (tag, rest) = line.split_once(' ')?;
            let action = Action::of(rest.split(' ').next()?)?;
            match Tag::from_str_radix(tag, 16) {
                Ok(tag) => rows.push((tag, action)),
                Err(_) if action == Action::Remove => groups += 1,
                Err(_) => return None,
            }
        }
        rows.sort_by_key(|(tag, _)| *tag);
        let whole = rows.len() + groups == BASIC_ROWS && groups == BASIC_GROUPS;
        whole.then_some(Self { rows })
    }

    /// What the table says of an attribute; nothing when it has no row.
    #[must_use]
    pub fn action(&self, tag: Tag) -> Option<Action> {
        if removed_group(tag) {
            return Some(Action::Remove);
        }
        let at = self.rows.binary_search_by_key(&tag, |(tag, _)| *tag).ok()?;
        self.rows.get(at).map(|(_, action)| *action)
    }
}

/// Curves, overlays and private attributes. Of an overlay the table removes data and comments; what is left would be a
/// broken overlay, so the whole group goes.
#[must_use]
pub fn removed_group(tag: Tag) -> bool {
    let group = tag >> 16;
    group % 2 == 1 || matches!(group >> 8, 0x50 | 0x60)
}

#[cfg(test)]
mod tests;
