//! The worklist: studies that a doctor reads or treats, with what he needs to choose. A find with facts beside it.

use crate::Result;
use crate::catalog::{Card, Catalog, Cursor, Depth, Of, line};
use crate::context::{About, Context};
use crate::find::{self, Scope, name_key};
use crate::vault::{Vault, lock};
use ledger::Event;
use model::{Attributes, Uid, Words, limits};
use port::archive::StudyLine;
use port::{Fault, Response};
use std::collections::BTreeSet;

/// Words of a search that are looked for.
const WORDS: usize = 8;

/// Lists studies, those with an order first, then the newest.
pub async fn worklist(
    vault: &Vault,
    context: &Context,
    search: &str,
    limit: usize,
    offset: usize,
) -> std::result::Result<Response, Fault> {
    let permit = vault.may_find(context).await?;
    let (studies, total) = tokio::task::block_in_place(|| -> std::result::Result<_, Fault> {
        let own = find::own_only(vault, context, &permit)?;
        let (absent, project) = (find::absent(vault, context, permit.words(), own), vault.project());
        let scope = Scope {
            words: permit.words(),
            patient: own.map(|own| own.patient),
            absent: &*absent,
            pseudonyms: &project,
        };
        let folded = name_key(search);
        let words = folded.split_whitespace().take(WORDS).map(str::to_owned).collect();
        let page = Page { vault, context, scope: &scope, words };
        Ok(page.list(limit.min(limits::MATCHES), offset)?)
    })?;
    let keys_hash = vault.sealing.text_hash("query", search);
    vault.record(context, About::nothing(), Event::Queried { keys_hash, hits: total as u64 }).await?;
    Ok(Response::Studies { studies, total })
}

struct Page<'a> {
    vault: &'a Vault,
    context: &'a Context,
    scope: &'a Scope<'a>,
    words: Vec<String>,
}

impl Page<'_> {
    /// One page and how many there are in all.
    fn list(&self, limit: usize, offset: usize) -> Result<(Vec<StudyLine>, usize)> {
        let ordered = self.ordered()?;
        let first: BTreeSet<Uid> = ordered.iter().map(|(uid, _)| uid.clone()).collect();
        let mut page: Vec<StudyLine> =
            ordered.into_iter().map(|(_, line)| line).skip(offset).take(limit).collect();
        let (cursor, counted) = self.cursor();
        let (mut skip, mut rest) = (offset.saturating_sub(first.len()), 0);
        find::walk(self.vault, cursor, Depth::Study, |card| {
            let Some(attributes) = self.fits(&card) else { return Ok(true) };
            if first.contains(&card.uid) {
                return Ok(true);
            }
            rest += 1;
            if skip > 0 {
                skip -= 1;
            } else if page.len() < limit {
                page.push(self.line(&card, attributes));
            }
            // What is left is only counted, and the index may have done that.
            Ok(counted.is_none() || page.len() < limit)
        })?;
        Ok((page, counted.unwrap_or(rest + first.len())))
    }

    /// Studies that this caller has an order for, newest first: the one with an order may be the oldest of the house.
    fn ordered(&self) -> Result<Vec<(Uid, StudyLine)>> {
        if self.scope.words != Words::Full {
            return Ok(Vec::new());
        }
        let orders =
            lock(&self.vault.ties).get(&self.context.caller.user).map(|(ties, _)| ties.orders.clone());
        let orders = orders.unwrap_or_default();
        let uids = orders.iter().filter_map(|order| order.study.as_ref()).map(|uid| uid.as_str().as_bytes());
        let numbers = orders.iter().filter(|order| order.study.is_none());
        let numbers = numbers.map(|order| order.accession.as_bytes()).filter(|number| !number.is_empty());
        let cursors = {
            let catalog = self.vault.catalog();
            [catalog.with(Of::Study, uids), catalog.with(Of::Accession, numbers)]
        };
        let mut found: Vec<(u64, Uid, StudyLine)> = Vec::new();
        for cursor in cursors {
            find::walk(self.vault, cursor, Depth::Study, |card| {
                if let Some(attributes) = self.fits(&card) {
                    let line = self.line(&card, attributes);
                    if line.order && !found.iter().any(|(_, uid, _)| *uid == card.uid) {
                        found.push((card.day(), card.uid, line));
                    }
                }
                Ok(true)
            })?;
        }
        found.sort_by_key(|(day, ..)| std::cmp::Reverse(*day));
        Ok(found.into_iter().map(|(_, uid, line)| (uid, line)).collect())
    }

    /// Where to look, and how many that is when each of them fits: not so for a machine of secondary use, which does not find
    /// what was refused to it.
    fn cursor(&self) -> (Cursor, Option<usize>) {
        let every = self.context.standing.purpose.is_none_or(|purpose| !purpose.secondary());
        let mut catalog = self.vault.catalog();
        if let Some(patient) = self.scope.patient {
            return (catalog.of_patient(&patient), None);
        }
        if self.scope.words == Words::Pseudonymous {
            catalog.need_pseudonyms(&|uid| self.scope.pseudonyms.uid(uid));
            return (Cursor::Pseudonyms { after: None }, None);
        }
        if self.words.is_empty() {
            let all = Catalog::all();
            let count = catalog.left(&all);
            return (all, every.then_some(count));
        }
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        match catalog.typed(&words) {
            Some(typed) => {
                let count = catalog.left(&typed);
                (typed, every.then_some(count))
            }
            None => (Catalog::all(), None),
        }
    }

    /// The words that the caller may have of a study, when it is there for him and every word of the search is in its name
    /// (pinyin and initials too), its number, its accession number or its description.
    fn fits(&self, card: &Card) -> Option<Attributes> {
        let attributes = self.scope.clean(&card.answer()).filter(|_| self.scope.holds(card))?;
        if self.words.is_empty() {
            return Some(attributes);
        }
        let text = line([&attributes]);
        self.words.iter().all(|word| text.contains(word.as_str())).then_some(attributes)
    }

    fn line(&self, card: &Card, attributes: Attributes) -> StudyLine {
        if self.scope.words != Words::Full {
            return StudyLine { attributes, order: false, related: false, looked: 0, mask_version: 0 };
        }
        let (user, now) = (&self.context.caller.user, self.context.now);
        let of = (&card.patient_attributes, &card.attributes);
        let (relations, order) = self.vault.ties_of(user, &card.uid, of, now);
        let related = relations.iter().any(|relation| relation.holds_at(now));
        StudyLine { attributes, order, related, looked: 0, mask_version: card.masks }
    }
}

#[cfg(test)]
mod tests;
