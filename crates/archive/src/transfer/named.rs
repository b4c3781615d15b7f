//! Which studies the unique keys of a retrieval name (PS3.4 §C.4.2.2.1), by the names that the receiver knows.

use crate::catalog::{Catalog, Study};
use crate::context::Context;
use crate::vault::Vault;
use model::{Uid, tags};
use port::transfer::Wanted;
use std::collections::BTreeSet;

/// Own UIDs of the studies, each once: as they were named, else in order of arrival.
pub fn studies(vault: &Vault, receiver: &Context, wanted: &Wanted) -> Vec<Uid> {
    let catalog = vault.catalog();
    let mut found = if receiver.pseudonymous() {
        // A pseudonym says nothing of series, instances or patients that could be looked up: the study is named.
        wanted.studies.iter().filter_map(|uid| catalog.by_pseudonym(uid)).collect()
    } else {
        by_keys(&catalog, wanted)
    };
    let mut seen = BTreeSet::new();
    found.retain(|study| seen.insert(study.record.uid.clone()));
    found.into_iter().map(|study| study.record.uid.clone()).collect()
}

fn by_keys<'a>(catalog: &'a Catalog, wanted: &Wanted) -> Vec<&'a Study> {
    let patient = |study: &&Study| {
        let number = study.record.patient_attributes.first(tags::PATIENT_ID);
        wanted.patient.as_ref().is_none_or(|wanted| *wanted == number)
    };
    if !wanted.studies.is_empty() {
        return wanted.studies.iter().filter_map(|uid| catalog.study(uid)).filter(patient).collect();
    }
    // Relational retrieval: levels above are not named.
    if !wanted.instances.is_empty() {
        let places = wanted.instances.iter().filter_map(|uid| catalog.place(uid));
        return places.filter_map(|place| catalog.study(&place.study)).filter(patient).collect();
    }
    let series = |study: &&Study| {
        wanted.series.is_empty() || study.series.iter().any(|series| wanted.series.contains(&series.uid))
    };
    let mut all: Vec<&Study> = catalog.studies().filter(patient).filter(series).collect();
    all.sort_by(|a, b| (a.record.arrived, &a.record.uid).cmp(&(b.record.arrived, &b.record.uid)));
    all
}
