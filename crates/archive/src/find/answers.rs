//! From the index to answers: studies a few at a time, their lines cleaned, matched, cut. The catalog is held only while the
//! next few are fetched.

use super::clean::{Pseudonyms, clean};
use super::known::{known, required};
use super::matching::Conditions;
use super::plan;
use crate::Result;
use crate::catalog::{Card, CardSeries, Cursor, Depth, words_of};
use crate::vault::Vault;
use model::{Attributes, PatientRef, Tag, Words, limits, tags};
use port::find::{Found, Level, Path, Query};
use std::collections::HashSet;

/// Studies fetched at first, and at most, under one lock.
const FEW: usize = 64;
const MANY: usize = 2048;

/// What a caller may find.
pub struct Scope<'a> {
    /// Which words leave.
    pub words: Words,
    /// Only this patient's.
    pub patient: Option<PatientRef>,
    /// Studies that are as if absent for this caller.
    pub absent: &'a dyn Fn(&Card) -> bool,
    /// For pseudonymous words.
    pub pseudonyms: &'a dyn Pseudonyms,
}

impl Scope<'_> {
    /// The study is there for this caller. What the index named is believed only now.
    pub fn holds(&self, card: &Card) -> bool {
        self.patient.is_none_or(|patient| patient == card.patient) && !(self.absent)(card)
    }

    /// What the caller may have of a line.
    pub fn clean(&self, line: &Attributes) -> Option<Attributes> {
        clean(line, self.words, self.pseudonyms)
    }
}

/// Answers a query. Newest study first, pseudonyms in their own order; series and instances in order of arrival.
pub fn answers(vault: &Vault, query: &Query, scope: &Scope<'_>) -> Result<Found> {
    let limit = query.limit.min(limits::MATCHES);
    let conditions = Conditions::of(query, |key| known(query.level, &key.path));
    let cursor = plan::cursor(&mut vault.catalog(), query, scope);
    let mut lines = Lines { vault, scope, level: query.level, patients: HashSet::new() };
    let (mut skipped, mut answers, mut more) = (0, Vec::new(), false);
    walk(vault, cursor, depth(query.level), |card| {
        for line in lines.of(&card)? {
            let Some(line) = scope.clean(&line).filter(|line| conditions.hold(line)) else { continue };
            if skipped < query.offset {
                skipped += 1;
            } else if answers.len() < limit {
                answers.push(wanted(line, query));
            } else {
                more = true;
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    Ok(Found { answers, more, unsupported: unsupported(query, |path| known(query.level, path)) })
}

/// Calls `each` for the studies of a cursor until it says false.
pub fn walk(
    vault: &Vault,
    mut cursor: Cursor,
    depth: Depth,
    mut each: impl FnMut(Card) -> Result<bool>,
) -> Result<()> {
    let (words, mut many) = (vault.catalog().words(), FEW);
    loop {
        let Some(found) = vault.catalog().next(&mut cursor, many) else { return Ok(()) };
        for study in found {
            let card = study.card(&words_of(&words), depth)?;
            if !each(card)? {
                return Ok(());
            }
        }
        many = (many * 4).min(MANY);
    }
}

/// A patient's own studies.
pub fn of_patient(vault: &Vault, patient: &PatientRef, depth: Depth) -> Result<Vec<Card>> {
    let cursor = vault.catalog().of_patient(patient);
    let mut out = Vec::new();
    walk(vault, cursor, depth, |card| {
        if card.patient == *patient {
            out.push(card);
        }
        Ok(true)
    })?;
    Ok(out)
}

const fn depth(level: Level) -> Depth {
    match level {
        Level::Patient | Level::Study => Depth::Study,
        Level::Series => Depth::Series,
        Level::Instance => Depth::Instance,
    }
}

/// Keys and wanted attributes that are not kept.
pub fn unsupported(query: &Query, known: impl Fn(&Path) -> bool) -> Vec<Path> {
    let keys = query.keys.iter().map(|key| &key.path);
    let included = query.include.iter().flatten();
    let mut out: Vec<Path> = Vec::new();
    for path in keys.chain(included).filter(|path| !known(path)) {
        if !out.contains(path) {
            out.push(path.clone());
        }
    }
    out
}

struct Lines<'a> {
    vault: &'a Vault,
    scope: &'a Scope<'a>,
    level: Level,
    patients: HashSet<PatientRef>,
}

impl Lines<'_> {
    /// The lines that a study gives at a level; none when it is not there for this caller.
    fn of(&mut self, card: &Card) -> Result<Vec<Attributes>> {
        if !self.scope.holds(card) {
            return Ok(Vec::new());
        }
        let study = card.answer();
        Ok(match self.level {
            Level::Patient => self.patient(card)?.into_iter().collect(),
            Level::Study => vec![study],
            Level::Series => card
                .series
                .iter()
                .filter(|series| series.count > 0)
                .map(|series| series_line(series, &study))
                .collect(),
            Level::Instance => card.series.iter().flat_map(|series| instance_lines(series, &study)).collect(),
        })
    }

    /// One line a patient, where her first study stands, with what of hers this caller may find.
    fn patient(&mut self, card: &Card) -> Result<Option<Attributes>> {
        if !self.patients.insert(card.patient) {
            return Ok(None);
        }
        let own = of_patient(self.vault, &card.patient, Depth::Study)?;
        let own = || own.iter().filter(|card| self.scope.holds(card));
        let counts = [
            (tags::NUMBER_OF_PATIENT_RELATED_STUDIES, own().count()),
            (tags::NUMBER_OF_PATIENT_RELATED_SERIES, own().map(|c| c.counts.0).sum()),
            (tags::NUMBER_OF_PATIENT_RELATED_INSTANCES, own().map(|c| c.counts.1).sum()),
        ];
        let mut line = card.patient_attributes.clone();
        counts.into_iter().for_each(|(tag, count)| line.set(tag, *b"IS", [count.to_string()]));
        Ok(Some(line))
    }
}

fn series_line(series: &CardSeries, study: &Attributes) -> Attributes {
    let mut line = study.clone();
    line.extend(&series.attributes);
    line.set(tags::NUMBER_OF_SERIES_RELATED_INSTANCES, *b"IS", [series.count.to_string()]);
    line
}

fn instance_lines(series: &CardSeries, study: &Attributes) -> Vec<Attributes> {
    let above = series_line(series, study);
    let line = |attributes: &Attributes| {
        let mut line = above.clone();
        line.extend(attributes);
        line
    };
    series.instances.iter().map(|instance| line(&instance.attributes)).collect()
}

/// UIDs always stay; of the rest, what was asked for when the query names it.
fn wanted(line: Attributes, query: &Query) -> Attributes {
    let Some(include) = &query.include else { return line };
    let always = [tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID];
    let required = if query.bare { &[] } else { required(query.level) };
    let named = |tag: Tag| {
        let mut paths = include.iter().chain(query.keys.iter().map(|key| &key.path));
        paths.any(|path| path.first() == Some(&tag))
    };
    let mut out = Attributes::new();
    for (tag, attribute) in line.iter() {
        if named(tag) || always.contains(&tag) || required.contains(&tag) {
            out.copy(tag, attribute);
        }
    }
    out
}
