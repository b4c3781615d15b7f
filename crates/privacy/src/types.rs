//! Types of attributes by information object definition (PS3.3), of those whose action depends on it: `profiles/types.txt`.

use model::{Tag, Uid};
use std::collections::HashMap;
use std::sync::OnceLock;

/// PS3.5 §7.4; conditional ones count as if their condition held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// Has a value.
    One,
    /// May be empty.
    Two,
    /// May be absent; also what the definition does not have.
    Three,
}

/// The parent of what stands at the top level.
pub const TOP: Tag = 0;

/// Rows of the table of one attribute under one parent: Type, and the definitions that have it so.
type Rows = Vec<(Type, Vec<(u16, u16)>)>;

/// A parsed table.
#[derive(Debug, Default)]
pub struct Types {
    classes: HashMap<String, u16>,
    of: HashMap<(Tag, Tag), Rows>,
}

impl Types {
    /// The table; nothing when it is not whole.
    #[must_use]
    pub fn all() -> Option<&'static Self> {
        static ALL: OnceLock<Option<Types>> = OnceLock::new();
        ALL.get_or_init(|| Self::parse(include_str!("../profiles/types.txt"))).as_ref()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut out = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<&str> = line.split(' ').collect();
            match *words.as_slice() {
                ["S", uid, iod] => drop(out.classes.insert(uid.to_owned(), iod.parse().ok()?)),
                ["T", tag, parent, kind, iods] => {
                    let parent = if parent == "-" { TOP } else { Tag::from_str_radix(parent, 16).ok()? };
                    let kind = match kind {
                        "1" => Type::One,
                        "2" => Type::Two,
                        _ => return None,
                    };
                    let iods = iods.split(',').map(range).collect::<Option<Vec<_>>>()?;
                    let key = (Tag::from_str_radix(tag, 16).ok()?, parent);
                    out.of.entry(key).or_default().push((kind, iods));
                }
                _ => return None,
            }
        }
        (!out.classes.is_empty() && !out.of.is_empty()).then_some(out)
    }

    /// The definition of a SOP class; nothing: a private or a newer one.
    #[must_use]
    pub fn iod(&self, sop_class: &str) -> Option<u16> {
        sop_class.parse::<Uid>().ok().and_then(|uid| self.classes.get(uid.as_str()).copied())
    }

    /// The Type of an attribute in a sequence, or at the [`TOP`]. Of a definition that nobody knows, the strictest of all.
    #[must_use]
    pub fn of(&self, iod: Option<u16>, (tag, parent): (Tag, Tag)) -> Type {
        let rows = self.of.get(&(tag, parent)).map_or(&[][..], Vec::as_slice);
        let has = |iods: &[(u16, u16)]| {
            iod.is_none_or(|iod| iods.iter().any(|(from, to)| (*from..=*to).contains(&iod)))
        };
        rows.iter().filter(|(_, iods)| has(iods)).map(|(kind, _)| *kind).min().unwrap_or(Type::Three)
    }
}

/// `7` or `3-9`.
fn range(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Some((from.parse().ok()?, to.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand from PS3.3: General Series, Enhanced General Equipment, Multi-frame Functional Groups, SR Document Series.
    #[test]
    fn types_by_hand() {
        let types = Types::all().unwrap();
        let iod = |class| Some(types.iod(class).unwrap());
        let (dx, ct, enhanced_mr, pet, sr) = (
            iod("1.2.840.10008.5.1.4.1.1.1.1"),
            iod("1.2.840.10008.5.1.4.1.1.2"),
            iod("1.2.840.10008.5.1.4.1.1.4.1"),
            iod("1.2.840.10008.5.1.4.1.1.128"),
            iod("1.2.840.10008.5.1.4.1.1.88.33"),
        );
        for (iod, tag, expected) in [
            (dx, 0x0008_0021, Type::Three),        // Series Date
            (pet, 0x0008_0021, Type::One),         // PET Series
            (ct, 0x0018_1000, Type::Three),        // Device Serial Number
            (enhanced_mr, 0x0018_1000, Type::One), // Enhanced General Equipment
            (sr, 0x0008_0023, Type::One),          // Content Date of an SR document
            (dx, 0x0008_0020, Type::Two),          // Study Date
            (sr, 0x0008_1111, Type::Two),          // Referenced Performed Procedure Step Sequence
            (ct, 0x0099_0001, Type::Three),
        ] {
            assert_eq!(types.of(iod, (tag, TOP)), expected, "{tag:08X} {iod:?}");
        }
        assert_eq!(types.iod("1.2.3"), None);
        assert_eq!(types.of(None, (0x0018_1000, TOP)), Type::One, "of nobody knows what: what some ask for");
        assert_eq!(types.classes.len(), 180);
    }

    #[test]
    fn a_broken_table_is_none() {
        for text in [
            "",
            "S 1.2 0",
            "S 1.2 x\nT 00080020 - 1 0",
            "S 1.2 0\nT 00080020 - 3 0",
            "S 1.2 0\nT 00080020 - 1 a-b",
        ] {
            assert!(Types::parse(text).is_none(), "{text}");
        }
    }
}
