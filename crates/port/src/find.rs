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
}

/// How a value is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Matching {
    /// The same value.
    Single(String),
    /// One of these (lists of UIDs).
    List(Vec<String>),
    /// `*` and `?`.
    Wildcard(String),
    /// From, to; both inclusive, either may be open.
    Range(Option<String>, Option<String>),
    /// Anything; the key is returned.
    Universal,
}

/// One matching key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The attribute.
    pub tag: Tag,
    /// The condition.
    pub matching: Matching,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// What is asked for.
    pub level: Level,
    /// All must hold.
    pub keys: Vec<Key>,
    /// Further attributes wanted; `None`: all that the index has.
    pub include: Option<Vec<Tag>>,
    /// At most this many answers, never above [`model::limits::MATCHES`].
    pub limit: usize,
    /// Skip this many.
    pub offset: usize,
}

/// Answers, in a stable order (newest study first).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// One set of attributes each.
    pub answers: Vec<Attributes>,
    /// There are more after the last.
    pub more: bool,
}
