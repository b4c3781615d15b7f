//! A typed query (PS3.4 §C.2.2.2, PS3.18 §8.3.4) and its answers.

use model::{Attributes, Tag};
use serde::{Deserialize, Serialize};

/// What the answers describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Instances.
    Instance,
    /// Patients (PS3.4 §C.6.1.1.2).
    Patient,
}

/// How a value is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Matching {
    /// The same value.
    Single(String),
    /// One of these (lists of UIDs; other lists by extended negotiation).
    List(Vec<String>),
    /// `*` and `?`.
    Wildcard(String),
    /// From, to; both inclusive, either may be open.
    Range(Option<String>, Option<String>),
    /// Anything; the key is returned.
    Universal,
    /// Absent or without a value.
    Empty,
}

/// An attribute, outermost sequence first; one tag for what stands at the top.
pub type Path = Vec<Tag>;

/// One matching key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The attribute.
    pub path: Path,
    /// The condition.
    pub matching: Matching,
}

impl Key {
    /// A key at the top of the data set.
    #[must_use]
    pub fn top(tag: Tag, matching: Matching) -> Self {
        Self { path: vec![tag], matching }
    }

    /// The tag, when the key stands at the top.
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        match *self.path.as_slice() {
            [tag] => Some(tag),
            _ => None,
        }
    }
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// What is asked for.
    pub level: Level,
    /// All must hold; keys of one sequence must hold in one item of it.
    pub keys: Vec<Key>,
    /// Further attributes wanted; `None`: all that the index has.
    pub include: Option<Vec<Path>>,
    /// Nothing but keys, unique identifiers and what `include` names: C-FIND returns what it was asked for
    /// (PS3.4 §C.4.1.1.3.2), QIDO-RS the attributes of its tables too.
    pub bare: bool,
    /// At most this many answers, never above [`model::limits::MATCHES`].
    pub limit: usize,
    /// Skip this many.
    pub offset: usize,
    /// Names match by the beginnings of their words, whatever case and accents, Chinese ones also by pinyin.
    pub fuzzy: bool,
    /// The ranges of a date and of its time are one range (PS3.4 §C.2.2.2.5.4), by extended negotiation.
    pub combined: bool,
}

impl Query {
    /// Everything of a level.
    #[must_use]
    pub fn all(level: Level) -> Self {
        Self {
            level,
            keys: Vec::new(),
            include: None,
            bare: false,
            limit: model::limits::MATCHES,
            offset: 0,
            fuzzy: false,
            combined: false,
        }
    }
}

/// Answers, in a stable order (newest study first).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// One set of attributes each.
    pub answers: Vec<Attributes>,
    /// There are more after the last.
    pub more: bool,
    /// Keys and wanted attributes that the index does not keep: they were not compared and are not returned. C-FIND says
    /// so with status FF01 (PS3.4 §C.4.1.1.4), QIDO-RS with a `Warning`.
    pub unsupported: Vec<Path>,
}
