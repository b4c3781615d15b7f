//! Which studies are worth looking at: the few that an identifier, a name or a day leads to, instead of all. More than match
//! may be named, never fewer.

use super::answers::Scope;
use super::known::known;
use super::names;
use crate::catalog::{Catalog, Cursor, Of};
use model::{Tag, Uid, Words, tags};
use port::find::{Key, Matching, Query};

/// Identifiers, the most telling first.
const NAMED: &[(Tag, Of)] = &[
    (tags::SOP_INSTANCE_UID, Of::Instance),
    (tags::SERIES_INSTANCE_UID, Of::Series),
    (tags::STUDY_INSTANCE_UID, Of::Study),
    (tags::ACCESSION_NUMBER, Of::Accession),
    (tags::PATIENT_ID, Of::Number),
];

/// Where to walk for a query.
pub fn cursor(catalog: &mut Catalog, query: &Query, scope: &Scope<'_>) -> Cursor {
    if let Some(patient) = scope.patient {
        return catalog.of_patient(&patient);
    }
    let keys: Vec<&Key> = query.keys.iter().filter(|key| known(query.level, &key.path)).collect();
    let matching = |tag: Tag| keys.iter().find(|key| key.tag() == Some(tag)).map(|key| &key.matching);
    if scope.words == Words::Pseudonymous {
        let of = |uid: &Uid| scope.pseudonyms.uid(uid);
        return match matching(tags::STUDY_INSTANCE_UID).and_then(one) {
            Some(uid) => uid.parse().map_or_else(|_| Catalog::nobody(), |uid| catalog.named(&uid, &of)),
            None => {
                // The newest first would tell an order of dates that a pseudonymous answer does not have.
                catalog.need_pseudonyms(&of);
                Cursor::Pseudonyms { after: None }
            }
        };
    }
    for (tag, of) in NAMED {
        if let Some(values) = matching(*tag).and_then(values) {
            return catalog.with(*of, values.iter().map(|value| value.trim().as_bytes()));
        }
    }
    let typed = matching(tags::PATIENT_NAME).and_then(|matching| typed(catalog, matching, query.fuzzy));
    typed.or_else(|| matching(tags::STUDY_DATE).and_then(days)).unwrap_or_else(Catalog::all)
}

fn one(matching: &Matching) -> Option<&str> {
    match matching {
        Matching::Single(value) => Some(value),
        _ => None,
    }
}

fn values(matching: &Matching) -> Option<&[String]> {
    match matching {
        Matching::Single(value) => Some(std::slice::from_ref(value)),
        Matching::List(values) => Some(values),
        _ => None,
    }
}

/// By what of a name must stand in it, wildcards or not.
fn typed(catalog: &Catalog, matching: &Matching, fuzzy: bool) -> Option<Cursor> {
    let (Matching::Single(text) | Matching::Wildcard(text)) = matching else { return None };
    let parts: Vec<String> = if fuzzy {
        names::words(text)
    } else {
        let groups = text.split('=').map(names::name_key);
        let parts = groups.flat_map(|group| group.split(['*', '?']).map(str::to_owned).collect::<Vec<_>>());
        parts.filter(|part| !part.is_empty()).collect()
    };
    catalog.typed(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

fn days(matching: &Matching) -> Option<Cursor> {
    let day = |text: &str| -> Option<u64> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|_| digits.len() == 8)
    };
    let end = |text: &Option<String>, open: u64| text.as_deref().map_or(Some(open), day);
    match matching {
        Matching::Single(text) => day(text).map(|day| Catalog::days(day, day)),
        Matching::Range(from, to) => Some(Catalog::days(end(from, 0)?, end(to, 99_999_999)?)),
        _ => None,
    }
}
