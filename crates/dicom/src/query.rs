//! QIDO-RS queries (PS3.18 §8.3.4) into typed, bounded matches (PS3.4 C.2.2.2); [`kind`] reads one key for C-FIND too.

mod points;

use crate::{Error, Result, bounds};
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use model::{Tag, limits, tags};

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Instances.
    Instance,
}

/// How one attribute is matched (PS3.4 C.2.2.2.1 to .8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The value itself.
    Single(String),
    /// Any of these: unique identifiers, or other values by extended negotiation.
    List(Vec<String>),
    /// `*` any characters, `?` one.
    Wildcard(String),
    /// From and to, inclusive; an empty end is open.
    Range(String, String),
    /// Anything: the attribute is only asked back.
    Universal,
    /// No value.
    Empty,
}

/// An attribute, outermost sequence first.
pub type Path = Vec<Tag>;

/// One matching key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Attribute.
    pub path: Path,
    /// How.
    pub kind: Kind,
}

/// Attributes asked back beside the default ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Include {
    /// These.
    Paths(Vec<Path>),
    /// All that the index keeps.
    All,
}

/// Ways of matching that a caller must ask for (PS3.4 C.5.1.1, PS3.18 §8.3.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Two quotation marks match what has no value (PS3.4 C.2.2.2.7).
    pub empty_value: bool,
    /// Several values separated by `\` match any of them (PS3.4 C.2.2.2.8).
    pub multiple_value: bool,
}

/// One search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is searched.
    pub level: Level,
    /// Keys, each attribute once.
    pub matches: Vec<Match>,
    /// Attributes asked back.
    pub include: Include,
    /// Most answers, at most [`limits::MATCHES`].
    pub limit: usize,
    /// Answers skipped.
    pub offset: usize,
    /// Fuzzy matching of names asked for.
    pub fuzzy: bool,
}

impl Query {
    /// Parses decoded pairs of key and value.
    ///
    /// # Errors
    /// [`Error::Query`] for unknown keys, duplicates, bad values; [`Error::TooLarge`] above a bound.
    pub fn parse<'a>(level: Level, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let include = Include::Paths(Vec::new());
        let mut query =
            Self { level, matches: Vec::new(), include, limit: limits::MATCHES, offset: 0, fuzzy: false };
        let (mut options, mut keys) = (Options::default(), Vec::new());
        for (count, (key, value)) in pairs.into_iter().enumerate() {
            if count >= bounds::QUERY_KEYS {
                return Err(Error::TooLarge("query keys"));
            }
            if value.len() > bounds::QUERY_VALUE_BYTES.max(bounds::QUERY_LIST * 65) {
                return Err(Error::TooLarge("query value"));
            }
            match key {
                "limit" => query.limit = number(value)?.min(limits::MATCHES),
                "offset" => query.offset = number(value)?,
                "fuzzymatching" => query.fuzzy = truth(value)?,
                "emptyvaluematching" => options.empty_value = truth(value)?,
                "multiplevaluematching" => options.multiple_value = truth(value)?,
                "includefield" => query.include(value)?,
                _ => keys.push((path(key)?, value)),
            }
        }
        // Options hold wherever they stand, so keys are read last.
        for (path, value) in keys {
            query.key(path, value, options)?;
        }
        Ok(query)
    }

    fn key(&mut self, path: Path, value: &str, options: Options) -> Result<()> {
        if self.matches.iter().any(|m| m.path == path) {
            return Err(Error::Query("attribute given twice"));
        }
        // It says how values are coded and is never matched (PS3.4 C.2.2.2); here all is UTF-8.
        if path == [tags::SPECIFIC_CHARACTER_SET] {
            return Ok(());
        }
        let tag = path.last().copied().unwrap_or(0);
        self.matches.push(Match { kind: kind(tag, value, options)?, path });
        Ok(())
    }

    fn include(&mut self, value: &str) -> Result<()> {
        for word in value.split(',') {
            if word == "all" {
                self.include = Include::All;
                return Ok(());
            }
            let path = path(word)?;
            if let Include::Paths(paths) = &mut self.include {
                if paths.len() >= bounds::QUERY_LIST {
                    return Err(Error::TooLarge("included fields"));
                }
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        Ok(())
    }
}

fn truth(value: &str) -> Result<bool> {
    value.parse().map_err(|_| Error::Query("an option is true or false"))
}

fn number(value: &str) -> Result<usize> {
    let digits = (1..=9).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    if digits {
        value.parse().map_err(|_| Error::Query("not a number"))
    } else {
        Err(Error::Query("not a number"))
    }
}

/// Attributes of one path, sequences included.
const PATH: usize = 4;

/// `{attributeID}.{attributeID}…` (PS3.18 §8.3.4.1): all but the last are sequences.
fn path(words: &str) -> Result<Path> {
    let path = words.split('.').take(PATH + 1).map(tag).collect::<Result<Path>>()?;
    let sequences = path.iter().rev().skip(1).all(|tag| vr(*tag) == "SQ");
    if path.len() <= PATH && sequences { Ok(path) } else { Err(Error::Query("not a path of sequences")) }
}

fn tag(word: &str) -> Result<Tag> {
    if word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return u32::from_str_radix(word, 16).map_err(|_| Error::Query("unknown attribute"));
    }
    let entry = StandardDataDictionary.by_name(word).ok_or(Error::Query("unknown attribute"))?;
    let tag = entry.tag();
    Ok(crate::dataset::number(tag))
}

/// Characters of a value with wildcards: a component group of a name (PS3.5 §6.2).
const PATTERN_CHARS: usize = 64;

/// Reads the value of a key, as its attribute's VR says.
///
/// # Errors
/// [`Error::Query`] for values that the VR cannot have; [`Error::TooLarge`] above a bound.
pub fn kind(tag: Tag, value: &str, options: Options) -> Result<Kind> {
    if value.is_empty() || value == "*" {
        return Ok(Kind::Universal);
    }
    if options.empty_value && value == "\"\"" {
        return Ok(Kind::Empty);
    }
    let vr = vr(tag);
    match vr {
        "UI" => uids(value),
        "SQ" => Err(Error::Query("a sequence is matched by what is in it")),
        "DA" | "TM" | "DT" => points::read(vr, value),
        _ if value.len() > bounds::QUERY_VALUE_BYTES => Err(Error::TooLarge("query value")),
        _ if value.chars().any(char::is_control) => Err(Error::Query("control character")),
        _ if tag == tags::MODALITIES_IN_STUDY && value.contains([',', '\\']) => list(value, &[',', '\\']),
        _ if options.multiple_value && value.contains('\\') => list(value, &['\\']),
        "AE" | "CS" | "LO" | "LT" | "PN" | "SH" | "ST" | "UC" | "UR" | "UT" if value.contains(['*', '?']) => {
            // Matching costs pattern times text, and many are matched in one query.
            if value.chars().count() > PATTERN_CHARS {
                return Err(Error::TooLarge("pattern"));
            }
            Ok(Kind::Wildcard(value.to_owned()))
        }
        _ => Ok(Kind::Single(value.to_owned())),
    }
}

fn vr(tag: Tag) -> &'static str {
    crate::dataset::dictionary_vr(tag)
}

fn list(value: &str, separators: &[char]) -> Result<Kind> {
    let words: Vec<String> =
        value.split(separators).take(bounds::QUERY_LIST + 1).map(|word| word.trim().to_owned()).collect();
    if words.len() > bounds::QUERY_LIST {
        return Err(Error::TooLarge("list of values"));
    }
    if words.iter().any(|word| word.contains(['*', '?'])) {
        return Err(Error::Query("wildcards in a list"));
    }
    Ok(Kind::List(words.into_iter().filter(|word| !word.is_empty()).collect()))
}

fn uids(value: &str) -> Result<Kind> {
    let mut uids = Vec::new();
    for word in value.split([',', '\\']) {
        if uids.len() >= bounds::QUERY_LIST {
            return Err(Error::TooLarge("list of unique identifiers"));
        }
        let uid: model::Uid = word.parse().map_err(|_| Error::Query("not a unique identifier"))?;
        uids.push(String::from(uid));
    }
    match uids.as_slice() {
        [one] => Ok(Kind::Single(one.clone())),
        _ => Ok(Kind::List(uids)),
    }
}

#[cfg(test)]
mod tests;
