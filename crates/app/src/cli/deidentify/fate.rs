//! What is to be done of each input, when all of them were read: outputs have the names of instances, and several files may be one
//! instance.

use super::journal::Mark;
use std::collections::HashMap;

/// An input that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Name of its output.
    pub name: String,
    /// Its content.
    pub mark: Mark,
    /// SHA-256 of it.
    pub digest: [u8; 32],
    /// The output of this name is there, and made of this content.
    pub held: bool,
}

/// What becomes of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its output is to be made.
    Make,
    /// Its output is there.
    Done,
    /// Another input has the same content.
    Same,
    /// Another input is the same instance with other content: that one has the output.
    Other,
}

/// The fate of each, in order; nothing where it was not read. Of several contents of one instance the one whose output is there stays,
/// else the first one is taken.
pub fn fates<E>(looked: &[Result<Looked, E>], again: bool) -> Vec<Option<Fate>> {
    let mut chosen: HashMap<&str, usize> = HashMap::new();
    for held in [true, false] {
        for (at, one) in looked.iter().enumerate() {
            if let Ok(one) = one
                && one.held == held
            {
                chosen.entry(&one.name).or_insert(at);
            }
        }
    }
    let mark = |at: usize| looked.get(at).and_then(|one| one.as_ref().ok()).map(|one| one.mark);
    let fate = |(at, one): (usize, &Result<Looked, E>)| {
        let one = one.as_ref().ok()?;
        let first = chosen.get(one.name.as_str()).copied()?;
        Some(match first == at {
            true if one.held && !again => Fate::Done,
            true => Fate::Make,
            false if mark(first) == Some(one.mark) => Fate::Same,
            false => Fate::Other,
        })
    };
    looked.iter().enumerate().map(fate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, mark: u8, held: bool) -> Result<Looked, ()> {
        Ok(Looked { name: name.to_owned(), mark: [mark; 16], digest: [mark; 32], held })
    }

    #[test]
    fn one_output_an_instance_and_nothing_is_taken_for_done() {
        use Fate::{Done, Make, Other, Same};
        let check = |looked: &[Result<Looked, ()>], again, expected: &[Option<Fate>]| {
            assert_eq!(fates(looked, again), expected, "{looked:?}");
        };
        check(&[one("a", 1, false), one("b", 2, true)], false, &[Some(Make), Some(Done)]);
        check(&[one("a", 1, false), one("b", 2, true)], true, &[Some(Make), Some(Make)]);
        check(&[one("a", 1, false), one("a", 1, false)], false, &[Some(Make), Some(Same)]);
        check(&[one("a", 1, false), one("a", 2, false)], false, &[Some(Make), Some(Other)]);
        // A copy of other content that came later, and stands first: the output stays that of the content it was made of.
        check(&[one("a", 2, false), one("a", 1, true)], false, &[Some(Other), Some(Done)]);
        check(&[Err(()), one("a", 1, true), one("a", 1, true)], true, &[None, Some(Make), Some(Same)]);
    }
}
