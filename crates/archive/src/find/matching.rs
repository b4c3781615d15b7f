//! Matching as in PS3.4 §C.2.2.2. A query is made ready once and then held against many sets of attributes.

use super::names::{begins, name_key, wildcard, words};
use super::points::Span;
use model::{Attributes, Item, Tag, Vr, tags};
use port::find::{Key, Matching, Query};

/// Dates with their times: two ranges that are one range when they are combined (PS3.4 §C.2.2.2.5.4).
const PAIRS: &[(Tag, Tag)] = &[
    (tags::STUDY_DATE, tags::STUDY_TIME),
    (tags::SERIES_DATE, tags::SERIES_TIME),
    (tags::CONTENT_DATE, tags::CONTENT_TIME),
    (tags::PERFORMED_PROCEDURE_STEP_START_DATE, tags::PERFORMED_PROCEDURE_STEP_START_TIME),
];

/// All keys of a query, ready.
pub struct Conditions<'a> {
    top: Vec<(Tag, Condition<'a>)>,
    /// By sequence: all of one must hold in one item.
    items: Vec<(Tag, Vec<(Tag, Condition<'a>)>)>,
    combined: Vec<Combined>,
}

/// One key.
struct Condition<'a> {
    matching: &'a Matching,
    /// The names that are looked for, by their groups, folded.
    folded: Vec<Vec<String>>,
    /// The beginnings of words that are looked for; nothing: names are compared whole.
    fuzzy: Option<Vec<String>>,
}

struct Combined {
    tags: (Tag, Tag),
    from: Option<Span>,
    to: Option<Span>,
}

impl<'a> Conditions<'a> {
    /// Of the keys of a query that `known` says may be compared.
    pub fn of(query: &'a Query, known: impl Fn(&Key) -> bool) -> Self {
        let mut out = Self { top: Vec::new(), items: Vec::new(), combined: Vec::new() };
        let keys: Vec<&Key> = query.keys.iter().filter(|key| known(key)).collect();
        let mut done: Vec<Tag> = Vec::new();
        if query.combined {
            for combined in PAIRS.iter().filter_map(|pair| Combined::of(*pair, &keys)) {
                done.extend([combined.tags.0, combined.tags.1]);
                out.combined.push(combined);
            }
        }
        for key in keys {
            let condition = Condition::of(&key.matching, query.fuzzy);
            match *key.path.as_slice() {
                [tag] if !done.contains(&tag) => out.top.push((tag, condition)),
                [sequence, tag] => match out.items.iter_mut().find(|(of, _)| *of == sequence) {
                    Some((_, all)) => all.push((tag, condition)),
                    None => out.items.push((sequence, vec![(tag, condition)])),
                },
                _ => {}
            }
        }
        out
    }

    /// All of them hold.
    pub fn hold(&self, attributes: &Attributes) -> bool {
        self.top.iter().all(|(tag, condition)| {
            let attribute = attributes.get(*tag);
            condition.holds(attribute.map(|a| (a.vr, a.values.as_slice())))
        }) && self.combined.iter().all(|combined| combined.holds(attributes))
            && self.items.iter().all(|(sequence, all)| {
                let items = attributes.get(*sequence).map_or(&[][..], |a| a.items.as_slice());
                in_one_item(items, all)
            })
    }
}

/// PS3.4 §C.2.2.2.6: an item in which all keys match. A sequence without items has no values at all.
fn in_one_item(items: &[Item], all: &[(Tag, Condition<'_>)]) -> bool {
    let none = Item::new();
    let items = if items.is_empty() { std::slice::from_ref(&none) } else { items };
    items.iter().any(|item| {
        all.iter().all(|(tag, condition)| {
            condition.holds(item.get(tag).map(|plain| (plain.vr, plain.values.as_slice())))
        })
    })
}

impl<'a> Condition<'a> {
    fn of(matching: &'a Matching, fuzzy: bool) -> Self {
        let groups = |text: &String| text.split('=').map(name_key).collect();
        let folded = match matching {
            Matching::Single(text) | Matching::Wildcard(text) => vec![groups(text)],
            Matching::List(list) => list.iter().map(groups).collect(),
            _ => Vec::new(),
        };
        let fuzzy = match matching {
            Matching::Single(text) | Matching::Wildcard(text) if fuzzy => Some(words(text)),
            _ => None,
        };
        Self { matching, folded, fuzzy }
    }

    fn holds(&self, found: Option<(Vr, &[String])>) -> bool {
        let (vr, values) = found.unwrap_or((Vr(*b"UN"), &[]));
        match self.matching {
            Matching::Universal => true,
            Matching::Empty => values.iter().all(|value| value.trim().is_empty()),
            _ if &vr.0 == b"PN" => values.iter().any(|value| self.names(value)),
            _ => values.iter().any(|value| !value.is_empty() && one(value.trim(), vr.0, self.matching)),
        }
    }

    /// Case, accents and width do not count (PS3.4 §C.2.2.2.1 lets us). A key of one group is held against each group of the
    /// name, one of several against the groups in their places.
    fn names(&self, value: &str) -> bool {
        let found: Vec<String> = value.split('=').map(name_key).collect();
        let is = |wanted: &String, group: &String| match self.matching {
            Matching::Wildcard(_) => wildcard(wanted, group),
            _ => wanted == group,
        };
        let whole = self.folded.iter().any(|wanted| match wanted.as_slice() {
            [one] => found.iter().any(|group| !group.is_empty() && is(one, group)),
            many => many
                .iter()
                .enumerate()
                .all(|(at, one)| one.is_empty() || found.get(at).is_some_and(|group| is(one, group))),
        });
        whole || self.fuzzy.as_ref().is_some_and(|words| !words.is_empty() && begins(words, value))
    }
}

fn one(value: &str, vr: [u8; 2], matching: &Matching) -> bool {
    match matching {
        Matching::Universal => true,
        Matching::Empty => value.is_empty(),
        Matching::Single(wanted) => same(value, wanted.trim(), vr),
        Matching::List(list) => list.iter().any(|wanted| same(value, wanted.trim(), vr)),
        Matching::Wildcard(pattern) => wildcard(pattern.trim(), value),
        Matching::Range(from, to) => {
            let end = |text: &Option<String>| text.as_deref().map(|text| Span::of(vr, text));
            match (Span::of(vr, value), end(from), end(to)) {
                (None, _, _) | (_, Some(None), _) | (_, _, Some(None)) => false,
                (Some(value), from, to) => value.within(from.flatten(), to.flatten()),
            }
        }
    }
}

/// One value is another: by what it means where there are several ways to write it (PS3.4 §C.2.2.2.1, CP-2305).
fn same(value: &str, wanted: &str, vr: [u8; 2]) -> bool {
    if value == wanted {
        return true;
    }
    match &vr {
        b"IS" | b"DS" => match (value.parse::<f64>(), wanted.parse::<f64>()) {
            (Ok(value), Ok(wanted)) => value.total_cmp(&wanted).is_eq(),
            _ => false,
        },
        b"DA" | b"TM" | b"DT" => match (Span::of(vr, value), Span::of(vr, wanted)) {
            (Some(value), Some(wanted)) => value.within(Some(wanted), Some(wanted)),
            _ => false,
        },
        _ => false,
    }
}

impl Combined {
    /// Two ranges with the same ends open. Others are compared apart: half a point in time is none.
    fn of(tags: (Tag, Tag), keys: &[&Key]) -> Option<Self> {
        let range = |tag: Tag| {
            keys.iter().find(|key| key.tag() == Some(tag)).and_then(|key| match &key.matching {
                Matching::Range(from, to) => Some((from.as_deref(), to.as_deref())),
                _ => None,
            })
        };
        let (days, times) = (range(tags.0)?, range(tags.1)?);
        let point = |day: Option<&str>, time: Option<&str>| match (day, time) {
            (None, None) => Some(None),
            (Some(day), Some(time)) => {
                Some(Some(Span::at(Span::of(*b"DA", day)?, Some(Span::of(*b"TM", time)?))))
            }
            _ => None,
        };
        Some(Self { tags, from: point(days.0, times.0)?, to: point(days.1, times.1)? })
    }

    fn holds(&self, attributes: &Attributes) -> bool {
        let Some(day) = Span::of(*b"DA", attributes.first(self.tags.0)) else { return false };
        Span::at(day, Span::of(*b"TM", attributes.first(self.tags.1))).within(self.from, self.to)
    }
}

#[cfg(test)]
mod tests;
