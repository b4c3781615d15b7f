//! What became of each attribute of one object: no value, only tags, what was done, and how often.

use crate::deidentify::number;
use crate::options::{Done, Options, ProfileOption};
use crate::profile::{Cell, Cells};
use dicom_object::InMemDicomObject;
use model::Tag;
use std::collections::{BTreeMap, BTreeSet};

/// The option that decides about an attribute; nothing: the profile does.
#[must_use]
pub fn deciding(options: Options, tag: Tag) -> Option<ProfileOption> {
    Cells::all()?.of(options, tag).map(|(Cell::Keep(option) | Cell::Clean(option))| option)
}

/// Attributes by their place (tags of the sequences around them, then their own) and by what was done; how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account(BTreeMap<(Vec<Tag>, Done), u64>);

impl Account {
    /// One more.
    pub fn note(&mut self, path: &[Tag], done: Done) {
        *self.0.entry((path.to_vec(), done)).or_default() += 1;
    }

    /// The account against what is written: what masking took away beside the profile is gone, too, and what it says itself in
    /// place of something else is another value.
    pub fn settle(&mut self, object: &InMemDicomObject) {
        let mut there = BTreeSet::new();
        places(object, &mut Vec::new(), &mut there);
        let told = std::mem::take(&mut self.0);
        let stays: BTreeSet<Vec<Tag>> =
            told.keys().filter(|(_, done)| *done != Done::Removed).map(|(path, _)| path.clone()).collect();
        for ((path, done), times) in told {
            let done = match (there.contains(&path), done) {
                (false, _) => Done::Removed,
                (true, Done::Removed) if !stays.contains(&path) => Done::Replaced,
                (true, done) => done,
            };
            *self.0.entry((path, done)).or_default() += times;
        }
    }

    /// Place, what was done, how often; in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[Tag], Done, u64)> {
        self.0.iter().map(|((path, done), times)| (path.as_slice(), *done, *times))
    }
}

fn places(object: &InMemDicomObject, at: &mut Vec<Tag>, there: &mut BTreeSet<Vec<Tag>>) {
    for element in object.iter() {
        at.push(number(element));
        if !there.contains(at) {
            there.insert(at.clone());
        }
        for item in element.items().unwrap_or_default() {
            places(item, at, there);
        }
        at.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom::json::tag as core;
    use dicom_core::{DataElement, VR};

    #[test]
    fn the_account_says_what_is_written() {
        let mut object = InMemDicomObject::new_empty();
        for tag in [0x0008_0060, 0x0008_2111] {
            object.put(DataElement::empty(core(tag), VR::CS));
        }
        let mut account = Account::default();
        for (tag, done) in [
            (0x0008_0060, Done::Kept),
            (0x0008_0060, Done::Kept),
            (0x0028_0106, Done::Kept),
            (0x0008_2111, Done::Removed),
            (0x0010_1000, Done::Removed),
        ] {
            account.note(&[tag], done);
        }
        account.settle(&object);
        let said: Vec<_> = account.iter().map(|(path, done, times)| (path[0], done, times)).collect();
        let expected = [
            (0x0008_0060, Done::Kept, 2),
            (0x0008_2111, Done::Replaced, 1),
            (0x0010_1000, Done::Removed, 1),
            (0x0028_0106, Done::Removed, 1),
        ];
        assert_eq!(said, expected);
    }
}
