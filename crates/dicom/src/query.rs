//! QIDO-RS queries (PS3.18 §8.3.4) into typed, bounded matches (PS3.4 C.2.2.2).

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

/// How one attribute is matched (PS3.4 C.2.2.2.1 to .5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The value itself.
    Single(String),
    /// Any of these unique identifiers.
    List(Vec<String>),
    /// `*` any characters, `?` one.
    Wildcard(String),
    /// From and to, inclusive; an empty end is open.
    Range(String, String),
    /// Anything: the attribute is only asked back.
    Universal,
}

/// One matching key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Attribute.
    pub tag: Tag,
    /// How.
    pub kind: Kind,
}

/// Attributes asked back beside the default ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Include {
    /// These.
    Tags(Vec<Tag>),
    /// All that the index keeps.
    All,
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
    /// [`Error::Query`] for unknown keys, nested keys, duplicates, bad values; [`Error::TooLarge`] above a bound.
    pub fn parse<'a>(level: Level, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let include = Include::Tags(Vec::new());
        let mut query =
            Self { level, matches: Vec::new(), include, limit: limits::MATCHES, offset: 0, fuzzy: false };
        for (count, (key, value)) in pairs.into_iter().enumerate() {
            if count >= bounds::QUERY_KEYS {
                return Err(Error::TooLarge("query keys"));
            }
            if value.len() > bounds::QUERY_VALUE_BYTES.max(bounds::QUERY_LIST * 65) {
                return Err(Error::TooLarge("query value"));
            }
            query.pair(key, value)?;
        }
        Ok(query)
    }

    fn pair(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "limit" => self.limit = number(value)?.min(limits::MATCHES),
            "offset" => self.offset = number(value)?,
            "fuzzymatching" => {
                self.fuzzy = value.parse().map_err(|_| Error::Query("fuzzymatching is true or false"))?
            }
            "includefield" => self.include(value)?,
            _ => {
                let tag = tag(key)?;
                if self.matches.iter().any(|m| m.tag == tag) {
                    return Err(Error::Query("attribute given twice"));
                }
                self.matches.push(Match { tag, kind: kind(tag, value)? });
            }
        }
        Ok(())
    }

    fn include(&mut self, value: &str) -> Result<()> {
        for word in value.split(',') {
            if word == "all" {
                self.include = Include::All;
                return Ok(());
            }
            let tag = tag(word)?;
            if let Include::Tags(tags) = &mut self.include {
                if tags.len() >= bounds::QUERY_LIST {
                    return Err(Error::TooLarge("included fields"));
                }
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
        }
        Ok(())
    }
}

fn number(value: &str) -> Result<usize> {
    let digits = (1..=9).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    if digits {
        value.parse().map_err(|_| Error::Query("not a number"))
    } else {
        Err(Error::Query("not a number"))
    }
}

fn tag(word: &str) -> Result<Tag> {
    if word.contains('.') {
        return Err(Error::Query("keys inside sequences are not searched"));
    }
    if word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return u32::from_str_radix(word, 16).map_err(|_| Error::Query("unknown attribute"));
    }
    let entry = StandardDataDictionary.by_name(word).ok_or(Error::Query("unknown attribute"))?;
    let tag = entry.tag();
    Ok(u32::from(tag.group()) << 16 | u32::from(tag.element()))
}

/// Characters of a value with wildcards: a component group of a name (PS3.5 §6.2).
const PATTERN_CHARS: usize = 64;

fn kind(tag: Tag, value: &str) -> Result<Kind> {
    if value.is_empty() || value == "*" {
        return Ok(Kind::Universal);
    }
    let vr = vr(tag);
    match vr {
        "UI" => list(value),
        "DA" | "TM" | "DT" => range(vr, value),
        _ if value.len() > bounds::QUERY_VALUE_BYTES => Err(Error::TooLarge("query value")),
        "IS" | "DS" | "AS" | "US" | "UL" | "SS" | "SL" => Ok(Kind::Single(value.to_owned())),
        _ if value.chars().any(char::is_control) => Err(Error::Query("control character")),
        _ if tag == tags::MODALITIES_IN_STUDY && value.contains([',', '\\']) => {
            Ok(Kind::List(value.split([',', '\\']).take(bounds::QUERY_LIST).map(str::to_owned).collect()))
        }
        // Matching costs pattern times text, and many are matched under one lock.
        _ if value.contains(['*', '?']) && value.chars().count() > PATTERN_CHARS => {
            Err(Error::TooLarge("pattern"))
        }
        _ if value.contains(['*', '?']) => Ok(Kind::Wildcard(value.to_owned())),
        _ => Ok(Kind::Single(value.to_owned())),
    }
}

fn vr(tag: Tag) -> &'static str {
    crate::dataset::dictionary_vr(tag)
}

fn list(value: &str) -> Result<Kind> {
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

fn range(vr: &str, value: &str) -> Result<Kind> {
    let allowed = |b: u8| b.is_ascii_digit() || (vr != "DA" && matches!(b, b'.' | b':' | b'+'));
    if value.len() > 54 || !value.bytes().all(|b| allowed(b) || b == b'-') || value == "-" {
        return Err(Error::Query("not a date or time"));
    }
    let point = |s: &str| s.is_empty() || (vr != "DA" && s.len() >= 2) || s.len() == 8;
    match value.split_once('-') {
        None if point(value) => Ok(Kind::Single(value.to_owned())),
        Some((from, to))
            if point(from) && point(to) && !to.contains('-') && (to.is_empty() || from <= to) =>
        {
            Ok(Kind::Range(from.to_owned(), to.to_owned()))
        }
        _ => Err(Error::Query("not a date or time")),
    }
}

#[cfg(test)]
mod tests;
