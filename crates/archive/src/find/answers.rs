//! From the catalog to answers: attributes of the level asked for and those above, cleaned, matched, sorted, cut.

use super::clean::{Pseudonyms, clean};
use super::matching::matches;
use crate::catalog::{Catalog, Instance, Series, Study};
use model::{Attributes, PatientRef, Tag, Uid, Words, limits, tags};
use port::find::{Found, Key, Level, Matching, Query};

/// What a caller may find.
pub struct Scope<'a> {
    /// Which words leave.
    pub words: Words,
    /// Only this patient's.
    pub patient: Option<PatientRef>,
    /// Studies that are as if absent for this caller, by their own UID.
    pub absent: &'a dyn Fn(&Study) -> bool,
    /// For pseudonymous words.
    pub pseudonyms: &'a dyn Pseudonyms,
}

/// Answers a query. Newest study first, pseudonyms in their own order; series and instances in order of arrival.
pub fn answers(catalog: &Catalog, query: &Query, scope: &Scope<'_>) -> Found {
    let limit = query.limit.min(limits::MATCHES);
    let studies = ordered(catalog, &query.keys, scope);
    let all = studies.iter().flat_map(|(study, answer)| lines(study, answer, query.level));
    let cleaned = all.filter_map(|line| clean(&line, scope.words, scope.pseudonyms));
    let mut hits = cleaned.filter(|line| matches(line, &query.keys)).skip(query.offset);
    let found: Vec<Attributes> = hits.by_ref().take(limit).map(|line| wanted(line, query)).collect();
    Found { more: hits.next().is_some(), answers: found, unsupported: Vec::new() }
}

/// All studies of a scope that fit, cleaned, in the order of [`answers`], uncut: for lists that are sorted once more.
pub fn listed(catalog: &Catalog, scope: &Scope<'_>, fits: impl Fn(&Attributes) -> bool) -> Vec<Attributes> {
    let studies = ordered(catalog, &[], scope);
    let cleaned = studies.iter().filter_map(|(_, line)| clean(line, scope.words, scope.pseudonyms));
    cleaned.filter(|line| fits(line)).collect()
}

fn ordered<'a>(catalog: &'a Catalog, keys: &[Key], scope: &Scope<'_>) -> Vec<(&'a Study, Attributes)> {
    let found = candidates(catalog, keys, scope).into_iter().filter(|s| !(scope.absent)(s));
    let mut studies: Vec<(&Study, Attributes)> = found.map(|s| (s, s.answer())).collect();
    if scope.words == Words::Pseudonymous {
        // The newest first would tell an order of dates that a pseudonymous answer does not have.
        studies.sort_by_cached_key(|(study, _)| String::from(scope.pseudonyms.uid(&study.record.uid)));
        return studies;
    }
    studies.sort_by(|(a, left), (b, right)| {
        let day =
            |x: &Attributes| (x.first(tags::STUDY_DATE).to_owned(), x.first(tags::STUDY_TIME).to_owned());
        day(right).cmp(&day(left)).then_with(|| a.record.uid.cmp(&b.record.uid))
    });
    studies
}

/// Studies worth looking at: one by its UID, the patient's, or all.
fn candidates<'a>(catalog: &'a Catalog, keys: &[Key], scope: &Scope<'_>) -> Vec<&'a Study> {
    if let Some(patient) = scope.patient {
        return catalog.of_patient(&patient).collect();
    }
    let uid = |tag: Tag| {
        keys.iter().find(|k| k.tag() == Some(tag)).and_then(|k| match &k.matching {
            Matching::Single(uid) => uid.parse::<Uid>().ok(),
            _ => None,
        })
    };
    if scope.words == Words::Pseudonymous {
        return match uid(tags::STUDY_INSTANCE_UID) {
            Some(uid) => catalog.by_pseudonym(&uid).into_iter().collect(),
            None => catalog.studies().collect(),
        };
    }
    match (uid(tags::STUDY_INSTANCE_UID), uid(tags::SOP_INSTANCE_UID)) {
        (Some(uid), _) => catalog.study(&uid).into_iter().collect(),
        (None, Some(uid)) => {
            catalog.place(&uid).and_then(|place| catalog.study(&place.study)).into_iter().collect()
        }
        _ => catalog.studies().collect(),
    }
}

fn lines<'a>(study: &'a Study, answer: &'a Attributes, level: Level) -> Vec<Attributes> {
    match level {
        Level::Study | Level::Patient => vec![answer.clone()],
        Level::Series => study.series.iter().filter_map(|s| series_line(s, answer)).collect(),
        Level::Instance => {
            let of = |series: &'a Series| {
                let line = series_line(series, answer);
                series
                    .instances
                    .iter()
                    .filter(|i| !i.pending)
                    .filter_map(move |i| line.as_ref().map(|line| instance_line(i, line)))
            };
            study.series.iter().flat_map(of).collect()
        }
    }
}

fn series_line(series: &Series, study: &Attributes) -> Option<Attributes> {
    let count = series.instances.iter().filter(|i| !i.pending).count();
    if count == 0 {
        return None;
    }
    let mut line = study.clone();
    line.extend(&series.attributes);
    line.set(tags::NUMBER_OF_SERIES_RELATED_INSTANCES, *b"IS", [count.to_string()]);
    Some(line)
}

fn instance_line(instance: &Instance, series: &Attributes) -> Attributes {
    let mut line = series.clone();
    line.extend(&instance.record.attributes);
    line
}

/// UIDs always stay; of the rest, what was asked for when the query names it.
fn wanted(line: Attributes, query: &Query) -> Attributes {
    let Some(include) = &query.include else { return line };
    let always = [tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID];
    let required = required(query.level);
    let mut out = Attributes::new();
    for (tag, attribute) in line.iter() {
        let asked = include.iter().any(|p| *p == [tag]) || query.keys.iter().any(|k| k.tag() == Some(tag));
        if asked || always.contains(&tag) || required.contains(&tag) {
            out.set(tag, attribute.vr.0, attribute.values.iter().cloned());
        }
    }
    out
}

/// Returned without being asked for (PS3.18 Tables 10.6.3-3 to 10.6.3-5).
fn required(level: Level) -> &'static [Tag] {
    match level {
        Level::Study | Level::Patient => &[
            tags::STUDY_DATE,
            tags::STUDY_TIME,
            tags::ACCESSION_NUMBER,
            tags::INSTANCE_AVAILABILITY,
            tags::MODALITIES_IN_STUDY,
            tags::REFERRING_PHYSICIAN_NAME,
            tags::PATIENT_NAME,
            tags::PATIENT_ID,
            tags::PATIENT_BIRTH_DATE,
            tags::PATIENT_SEX,
            tags::STUDY_ID,
            tags::NUMBER_OF_STUDY_RELATED_SERIES,
            tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
        ],
        Level::Series => &[
            tags::MODALITY,
            tags::SERIES_DESCRIPTION,
            tags::SERIES_NUMBER,
            tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
            tags::PERFORMED_PROCEDURE_STEP_START_DATE,
            tags::PERFORMED_PROCEDURE_STEP_START_TIME,
        ],
        Level::Instance => &[
            tags::SOP_CLASS_UID,
            tags::INSTANCE_AVAILABILITY,
            tags::INSTANCE_NUMBER,
            tags::ROWS,
            tags::COLUMNS,
            tags::BITS_ALLOCATED,
            tags::NUMBER_OF_FRAMES,
        ],
    }
}
