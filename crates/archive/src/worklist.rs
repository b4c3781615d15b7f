//! The worklist: studies that a doctor reads or treats, with what he needs to choose. A find with facts beside it.

use crate::catalog::Catalog;
use crate::context::{About, Context};
use crate::find::{self, Scope};
use crate::vault::Vault;
use ledger::Event;
use model::{Attributes, Uid, Words, limits, tags};
use port::archive::StudyLine;
use port::{Fault, Response};

/// Lists studies, those with an order first, then the newest.
pub async fn worklist(
    vault: &Vault,
    context: &Context,
    search: &str,
    limit: usize,
    offset: usize,
) -> Result<Response, Fault> {
    let permit = vault.may_find(context).await?;
    let lines = {
        let catalog = vault.catalog();
        let patient = if permit.own_only() { Some(vault.own_patient(context, &catalog)?) } else { None };
        let project = vault.project();
        let absent = find::absent(vault, permit.words());
        let scope = Scope { words: permit.words(), patient, absent: &*absent, pseudonyms: &project };
        // Cut only after orders came first: the one study with an order may be the oldest of the house.
        find::listed(&catalog, &scope, |line| fits(line, search))
    };
    let total = lines.len();
    let mut studies: Vec<StudyLine> = {
        let catalog = vault.catalog();
        lines.into_iter().map(|a| line(vault, &catalog, context, permit.words(), a)).collect()
    };
    studies.sort_by_key(|line| !line.order); // stable: the newest stay first
    let studies: Vec<StudyLine> = studies.into_iter().skip(offset).take(limit.min(limits::MATCHES)).collect();
    let keys_hash = vault.sealing.text_hash("query", search);
    vault.record(context, About::nothing(), Event::Queried { keys_hash, hits: total as u64 }).await?;
    Ok(Response::Studies { studies, total })
}

fn line(
    vault: &Vault,
    catalog: &Catalog,
    context: &Context,
    words: Words,
    attributes: Attributes,
) -> StudyLine {
    let uid: Option<Uid> = attributes.first(tags::STUDY_INSTANCE_UID).parse().ok();
    let study = uid.filter(|_| words == Words::Full).and_then(|uid| catalog.study(&uid));
    let (relations, order) =
        study.map(|s| vault.ties_of(&context.caller.user, s, context.now)).unwrap_or_default();
    let related = relations.iter().any(|r| r.holds_at(context.now));
    let mask_version = study.map_or(0, |s| s.record.masks.version);
    StudyLine { attributes, order, related, looked: 0, mask_version }
}

/// Every word of the search is in the name, the number, the accession number or the description.
fn fits(line: &Attributes, search: &str) -> bool {
    let fields = [tags::PATIENT_NAME, tags::PATIENT_ID, tags::ACCESSION_NUMBER, tags::STUDY_DESCRIPTION];
    let text = fields.map(|tag| find::name_key(line.first(tag))).join(" ");
    find::name_key(search).split_whitespace().take(8).all(|word| text.contains(word))
}

#[cfg(test)]
mod tests;
