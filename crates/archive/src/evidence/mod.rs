//! evidence: Caller → Permit → Entries → Recorded. The patient reads who saw her films, the officer reads everything.

use crate::context::{About, Context};
use crate::vault::Vault;
use ledger::Event;
use model::Uid;
use policy::Right;
use port::archive::{Access, StudyLine};
use port::{Code, Fault, Response};

/// Entries on one page.
const PAGE: usize = 200;
/// Entries looked at for one page, newest first; more are on the next page.
const LOOKED_AT: u64 = 50_000;
/// What a patient is told of: acts on her films by others, not the archive's own work.
const FOR_PATIENTS: &[&str] =
    &["stored", "opened", "open-refused", "lifted", "released", "release-refused", "mask-changed"];

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
        let own = own_study(vault, context, ask.study.as_ref())?;
        return page(vault, context, ask, Some(own)).await;
    }
    page(vault, context, ask, None).await
}

/// The caller's own study; for her, no other one exists.
fn own_study(vault: &Vault, context: &Context, study: Option<&Uid>) -> Result<Uid, Fault> {
    let study = study.ok_or(Code::NotAllowed)?;
    let catalog = vault.catalog();
    let own = vault.own_patient(context, &catalog)?;
    let found = catalog.study(study).filter(|s| s.patient() == own);
    found.map(|s| s.record.uid.clone()).ok_or_else(|| Code::NotFound.into())
}

async fn page(vault: &Vault, context: &Context, ask: Ask, own: Option<Uid>) -> Result<Response, Fault> {
    let event = Event::AccessesRead { of_study: ask.study.is_some() };
    vault.record(context, about(vault, ask.study.as_ref()), event).await?;
    let wanted = own.clone().or_else(|| ask.study.clone());
    let end = ask.before.unwrap_or(u64::MAX).min(vault.ledger_size());
    let limit = ask.limit.clamp(1, PAGE);
    let (mut entries, mut next) = (Vec::new(), None);
    for index in (end.saturating_sub(LOOKED_AT)..end).rev() {
        let Some(access) = vault.entry(index)? else { continue };
        let told = own.is_none() || FOR_PATIENTS.contains(&access.kind.as_str());
        let of_kind = ask.kinds.is_empty() || ask.kinds.contains(&access.kind);
        if !told || !of_kind || (wanted.is_some() && access.study != wanted) {
            continue;
        }
        if entries.len() == limit {
            next = entries.last().map(|last: &Access| last.index);
            break;
        }
        entries.push(if own.is_some() { by_function(access) } else { access });
    }
    Ok(Response::Accesses { entries, next })
}

fn about(vault: &Vault, study: Option<&Uid>) -> About {
    study.and_then(|uid| vault.catalog().study(uid).map(About::study)).unwrap_or_default()
}

/// Patients see the function, not the name of staff, until the site's law profile says otherwise.
fn by_function(access: Access) -> Access {
    Access { actor: access.role.clone(), ..access }
}

/// The patient's own studies.
pub async fn my_studies(vault: &Vault, context: &Context) -> Result<Response, Fault> {
    vault.may(context, Right::FindOwn).await?;
    let studies: Vec<StudyLine> = {
        let catalog = vault.catalog();
        let own = vault.own_patient(context, &catalog)?;
        let line = |study: &crate::catalog::Study| StudyLine {
            attributes: study.answer(),
            order: false,
            related: true,
            looked: 0,
            mask_version: study.record.masks.version,
        };
        catalog.of_patient(&own).map(line).collect()
    };
    let event =
        Event::Queried { keys_hash: vault.sealing.text_hash("query", "own"), hits: studies.len() as u64 };
    vault.record(context, About::nothing(), event).await?;
    let counts = vault.looks()?;
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
