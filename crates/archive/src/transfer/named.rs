//! Which studies the unique keys of a retrieval name (PS3.4 §C.4.2.2.1), by the names that the receiver knows.

use crate::context::Context;
use crate::find;
use crate::vault::Vault;
use model::{Tag, Uid, limits, tags};
use port::find::{Key, Level, Matching, Query};
use port::transfer::Wanted;
use port::{Code, Fault};
use std::collections::BTreeSet;

/// Own UIDs of the studies, each once: as they were named, else the newest first.
pub fn studies(vault: &Vault, receiver: &Context, wanted: &Wanted) -> Result<Vec<Uid>, Fault> {
    let found = if receiver.pseudonymous() {
        // A pseudonym says nothing of series, instances or patients that could be looked up: the study is named.
        wanted.studies.iter().filter_map(|uid| vault.by_pseudonym(uid)).collect()
    } else {
        by_keys(vault, wanted)?
    };
    let mut seen = BTreeSet::new();
    Ok(found.into_iter().filter(|uid| seen.insert(uid.clone())).collect())
}

fn by_keys(vault: &Vault, wanted: &Wanted) -> Result<Vec<Uid>, Fault> {
    let mut keys = Vec::new();
    if let Some(patient) = &wanted.patient {
        keys.push(Key::top(tags::PATIENT_ID, Matching::Single(patient.clone())));
        match &wanted.issuer {
            Some(issuer) => keys.push(Key::top(tags::ISSUER_OF_PATIENT_ID, Matching::Single(issuer.clone()))),
            None => one_issuer(vault, &keys)?,
        }
    }
    if !wanted.studies.is_empty() {
        return named(vault, wanted, &keys);
    }
    // Relational retrieval: levels above are not named.
    let list =
        |tag: Tag, uids: &[Uid]| Key::top(tag, Matching::List(uids.iter().map(Uid::to_string).collect()));
    let mut level = Level::Study;
    if !wanted.series.is_empty() {
        keys.push(list(tags::SERIES_INSTANCE_UID, &wanted.series));
        level = Level::Series;
    }
    if !wanted.instances.is_empty() {
        keys.push(list(tags::SOP_INSTANCE_UID, &wanted.instances));
        level = Level::Instance;
    }
    all(vault, Query { keys, bare: true, ..Query::all(level) })
}

/// A number that two issuers gave names nobody: the films of one must not go where the other's were asked for.
fn one_issuer(vault: &Vault, keys: &[Key]) -> Result<(), Fault> {
    let include = Some(vec![vec![tags::ISSUER_OF_PATIENT_ID]]);
    let query = Query { keys: keys.to_vec(), include, bare: true, ..Query::all(Level::Patient) };
    let found = find::unseen(vault, &query)?;
    let issuers: BTreeSet<&str> = found
        .answers
        .iter()
        .map(|line| line.first(tags::ISSUER_OF_PATIENT_ID))
        .filter(|i| !i.is_empty())
        .collect();
    if issuers.len() > 1 { Err(Code::BadRequest.into()) } else { Ok(()) }
}

/// The studies that are named and here, when they are the patient's.
fn named(vault: &Vault, wanted: &Wanted, keys: &[Key]) -> Result<Vec<Uid>, Fault> {
    if keys.is_empty() {
        return Ok(wanted.studies.clone());
    }
    let of_patient: BTreeSet<Uid> =
        all(vault, Query { keys: keys.to_vec(), ..Query::all(Level::Study) })?.into_iter().collect();
    Ok(wanted.studies.iter().filter(|uid| of_patient.contains(uid)).cloned().collect())
}

/// The studies of all lines that fit.
fn all(vault: &Vault, mut query: Query) -> Result<Vec<Uid>, Fault> {
    let mut out = Vec::new();
    loop {
        let found = find::unseen(vault, &query)?;
        out.extend(
            found.answers.iter().filter_map(|line| line.first(tags::STUDY_INSTANCE_UID).parse::<Uid>().ok()),
        );
        query.offset += limits::MATCHES;
        if !found.more {
            return Ok(out);
        }
    }
}
