//! Confidentiality profiles as tables (PS3.15 Annex E), one text file each in `profiles/`.

use model::Tag;
use std::sync::OnceLock;

/// What the table asks of one attribute (PS3.15 Table E.1-1a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// X.
    Remove,
    /// Z: of no length, or a dummy.
    Empty,
    /// D: a dummy.
    Dummy,
    /// U: another UID, the same for the same one.
    Uid,
    /// X/D, X/Z/D: removed unless the IOD asks for it (Type 1 or 2).
    RemoveOrDummy,
    /// X/Z/U*: a sequence of references stays with other UIDs.
    References,
}

impl Action {
    /// Of the table's letters. Where two actions are free to choose, the one that keeps the IOD valid.
    fn of(letters: &str) -> Option<Self> {
        Some(match letters {
            "X" => Self::Remove,
            "Z" | "X/Z" => Self::Empty,
            "D" | "Z/D" => Self::Dummy,
            "U" => Self::Uid,
            "X/D" | "X/Z/D" => Self::RemoveOrDummy,
            "X/Z/U*" => Self::References,
            _ => return None,
        })
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
