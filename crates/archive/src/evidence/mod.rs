//! evidence: Caller → Permit → Entries → Recorded. The patient reads who saw her films, the officer reads everything.

mod reviews;

pub use reviews::{review, reviews};

use crate::context::{About, Context};
use crate::find;
use crate::vault::Vault;
use ledger::Event;
use ledger::tiles::WIDTH;
use model::Uid;
use policy::Right;
use port::archive::{Access, StudyLine};
use port::{Code, Fault, Response};

/// Entries on one page.
const PAGE: usize = 200;
/// Entries looked at for one page, newest first; more are on the next page.
const LOOKED_AT: u64 = 50_000;

/// One page of entries.
pub struct Ask {
    /// One study.
    pub study: Option<Uid>,
    /// Kinds; empty: all.
    pub kinds: Vec<String>,
    /// At most.
    pub limit: usize,
    /// Before this index.
    pub before: Option<u64>,
}

/// Who looked.
pub async fn accesses(vault: &Vault, context: &Context, ask: Ask) -> Result<Response, Fault> {
    let all = vault.right(context, Right::ReadAllAccesses);
    if all.is_err() {
        vault.may(context, Right::ReadOwnAccesses).await?;
        let own = match own_study(vault, context, ask.study.as_ref()) {
            Ok(own) => own,
            Err(fault) => return refuse(vault, context, ask.study.as_ref(), fault).await,
        };
        read(vault, context, Some(&own)).await?;
        return own_page(vault, &own, &ask).await;
    }
    read(vault, context, ask.study.as_ref()).await?;
    page(vault, &ask)
}

/// The question itself is recorded first, refused ones too: who asks about whom is worth knowing.
async fn refuse<T>(vault: &Vault, context: &Context, study: Option<&Uid>, fault: Fault) -> Result<T, Fault> {
    let right = Right::ReadOwnAccesses.as_str().to_owned();
    let event = Event::NotAllowed { right, rules: vec![fault.code.as_str().to_owned()] };
    vault.record(context, about(vault, study), event).await?;
    Err(fault)
}

async fn read(vault: &Vault, context: &Context, study: Option<&Uid>) -> Result<(), Fault> {
    let event = Event::AccessesRead { of_study: study.is_some() };
    vault.record(context, about(vault, study), event).await.map(drop)
}

/// The caller's own study; for her, no other one exists.
fn own_study(vault: &Vault, context: &Context, study: Option<&Uid>) -> Result<Uid, Fault> {
    let study = study.ok_or(Code::NotAllowed)?;
    let own = vault.own(context)?;
    let found = vault.study(study)?.filter(|s| vault.is_own(own, (study, s.patient())));
    found.map(|s| s.record.uid.clone()).ok_or_else(|| Code::NotFound.into())
}

/// The patient's page: from the index, so that nothing else in the log, however much, stands between her and an entry.
async fn own_page(vault: &Vault, own: &Uid, ask: &Ask) -> Result<Response, Fault> {
    let told = crate::putright::told(vault, own).await?;
    let before = ask.before.unwrap_or(u64::MAX);
    let mut wanted = told.iter().rev().filter(|(index, kind)| *index < before && ask.wants(kind));
    let mut entries = Vec::new();
    let page: Vec<u64> = wanted.by_ref().take(ask.limit.clamp(1, PAGE)).map(|(index, _)| *index).collect();
    for index in &page {
        let access = tokio::task::block_in_place(|| vault.entry(*index))?;
        entries.extend(
            access.map(|access| if vault.options.staff_named { access } else { by_function(access) }),
        );
    }
    let next = page.last().copied().filter(|_| wanted.next().is_some());
    Ok(Response::Accesses { entries, next })
}

/// The officer's page. What was not looked at is on the next one, also when this one has nothing.
fn page(vault: &Vault, ask: &Ask) -> Result<Response, Fault> {
    let end = ask.before.unwrap_or(u64::MAX).min(vault.ledger_size());
    let from = end.saturating_sub(LOOKED_AT);
    let limit = ask.limit.clamp(1, PAGE);
    let (mut entries, mut end): (Vec<Access>, u64) = (Vec::new(), end);
    while end > from {
        let first = ((end - 1) / WIDTH * WIDTH).max(from);
        let bundle = tokio::task::block_in_place(|| vault.entries(first..end))?;
        for access in bundle.into_iter().rev() {
            let of_study = ask.study.is_none() || access.study == ask.study;
            if !of_study || !ask.wants(&access.kind) {
                continue;
            }
            if entries.len() == limit {
                let next = entries.last().map(|last| last.index);
                return Ok(Response::Accesses { entries, next });
            }
            entries.push(access);
        }
        end = first;
    }
    Ok(Response::Accesses { entries, next: (from > 0).then_some(from) })
}

impl Ask {
    fn wants(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind)
    }
}

fn about(vault: &Vault, study: Option<&Uid>) -> About {
    study.and_then(|uid| vault.study(uid).ok().flatten()).map(|s| About::study(&s)).unwrap_or_default()
}

/// The function, not the name, of staff.
fn by_function(access: Access) -> Access {
    Access { actor: access.role.clone(), ..access }
}

/// The patient's own studies.
pub async fn my_studies(vault: &Vault, context: &Context) -> Result<Response, Fault> {
    vault.may(context, Right::FindOwn).await?;
    let studies: Vec<StudyLine> = {
        let own = vault.own(context)?;
        let line = |card: crate::catalog::Card| StudyLine {
            attributes: card.answer(),
            order: false,
            related: true,
            looked: 0,
            mask_version: card.masks,
        };
        let all = find::of_patient(vault, &own.patient, crate::catalog::Depth::Study)?.into_iter();
        all.filter(|card| vault.is_own(own, (&card.uid, card.patient))).map(line).collect()
    };
    let event =
        Event::Queried { keys_hash: vault.sealing.text_hash("query", "own"), hits: studies.len() as u64 };
    vault.record(context, About::nothing(), event).await?;
    let counts = vault.looks().await?;
    let mut studies: Vec<StudyLine> = studies
        .into_iter()
        .map(|line| {
            let uid = line.attributes.first(model::tags::STUDY_INSTANCE_UID).to_owned();
            StudyLine { looked: counts.get(&uid).copied().unwrap_or(0), ..line }
        })
        .collect();
    studies.sort_by(|a, b| {
        b.attributes.first(model::tags::STUDY_DATE).cmp(a.attributes.first(model::tags::STUDY_DATE))
    });
    let total = studies.len();
    Ok(Response::Studies { studies, total })
}

#[cfg(test)]
mod tests;
