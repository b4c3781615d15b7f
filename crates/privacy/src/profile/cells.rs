//! The options' columns of PS3.15 Table E.1-1: `profiles/options.txt`.

use crate::options::{Options, ProfileOption};
use model::Tag;
use std::sync::OnceLock;

/// Cells of the table that are not empty.
const CELLS: usize = 602;

/// What an option asks of one attribute instead of the profile's action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// K.
    Keep(ProfileOption),
    /// C.
    Clean(ProfileOption),
}

/// The parsed columns.
#[derive(Debug)]
pub struct Cells {
    columns: Vec<(Cell, Vec<Tag>)>,
}

impl Cells {
    /// The columns; nothing when they are not whole.
    #[must_use]
    pub fn all() -> Option<&'static Self> {
        static ALL: OnceLock<Option<Cells>> = OnceLock::new();
        ALL.get_or_init(|| Self::parse(include_str!("../../profiles/options.txt"))).as_ref()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut columns = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once(' ')?;
            let (letter, tags) = rest.split_once(' ')?;
            let option = name.parse().ok()?;
            let cell = match letter {
                "K" => Cell::Keep(option),
                "C" => Cell::Clean(option),
                _ => return None,
            };
            let mut tags = tags.split(',').map(row).collect::<Option<Vec<Tag>>>()?;
            tags.sort_unstable();
            columns.push((cell, tags));
        }
        let count: usize = columns.iter().map(|(_, tags)| tags.len()).sum();
        (count == CELLS).then_some(Self { columns })
    }

    /// What the options say of an attribute; nothing: the profile decides. What is to be retained is retained (E.1.1, 3), but for
    /// moved dates: one that stayed beside them would tell by how much they were moved.
    #[must_use]
    pub fn of(&self, options: Options, tag: Tag) -> Option<Cell> {
        let key = key(tag);
        let chosen = self.columns.iter().filter(|(cell, tags)| {
            let (Cell::Keep(option) | Cell::Clean(option)) = cell;
            options.has(*option) && tags.binary_search(&key).is_ok()
        });
        chosen.map(|(cell, _)| *cell).min_by_key(|cell| match cell {
            Cell::Clean(ProfileOption::RetainModifiedDates) => 0,
            Cell::Keep(_) => 1,
            Cell::Clean(_) => 2,
        })
    }
}

/// Private attributes, curves and overlays have one row each, under these keys.
const PRIVATE: Tag = 0x0001_0000;
const CURVE: Tag = 0x5000_0000;
const OVERLAY: Tag = 0x6000_0000;

fn row(text: &str) -> Option<Tag> {
    match text {
        "private" => Some(PRIVATE),
        "50xxxxxx" => Some(CURVE),
        _ => Tag::from_str_radix(&text.replacen("xx", "00", 1), 16).ok(),
    }
}

const fn key(tag: Tag) -> Tag {
    match tag >> 16 {
        group if group % 2 == 1 => PRIVATE,
        group if group >> 8 == 0x50 => CURVE,
        group if group >> 8 == 0x60 => OVERLAY | tag & 0xFFFF,
        _ => tag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_table_is_none() {
        let text = include_str!("../../profiles/options.txt");
        assert!(Cells::parse(text).is_some());
        assert!(Cells::parse("").is_none());
        assert!(Cells::parse(&text.replace(",0008003F", "").replace("00700001,", "")).is_none());
        assert!(Cells::parse(&text.replace(" C ", " U ")).is_none());
        assert!(Cells::parse(&text.replace("clean-graphics", "clean")).is_none());
    }

    /// Table E.1-1, by hand: Device UID, Date of Last Calibration, Patient State.
    #[test]
    fn of_several_options_what_is_retained_stays_but_no_date_beside_moved_ones() {
        let of = |names: &[&str], tag| {
            Cells::all().unwrap().of(Options::parse(names.iter().copied()).unwrap(), tag)
        };
        assert_eq!(of(&[], 0x0018_1002), None);
        assert_eq!(
            of(&["retain-device-identity"], 0x0018_1002),
            Some(Cell::Keep(ProfileOption::RetainDeviceIdentity))
        );
        assert_eq!(
            of(&["retain-device-identity", "retain-modified-dates"], 0x0018_1200),
            Some(Cell::Clean(ProfileOption::RetainModifiedDates))
        );
        assert_eq!(
            of(&["clean-descriptors"], 0x0038_0500),
            Some(Cell::Clean(ProfileOption::CleanDescriptors))
        );
        assert_eq!(of(&["clean-graphics"], 0x6002_3000), Some(Cell::Clean(ProfileOption::CleanGraphics)));
        assert_eq!(of(&["clean-graphics"], 0x6002_0010), None);
    }
}
