//! leave: Two callers → Permits → Grant → Compared → Recorded → Delivered. All films as they are, for another archive.

use super::{Proof, Release, admit, check, deliver, picked, standing};
use crate::context::{About, Context};
use crate::find;
use crate::open::{Ask, facts};
use crate::vault::Vault;
use crate::who;
use crypto::Digest;
use ledger::Event;
use model::limits::CHUNK_BYTES;
use model::{Arrival, Purpose, Uid, limits, tags};
use policy::{Action, Grant, Lapse, Permit, Right};
use port::archive::{Away, Form, Leave, Lot};
use port::find::{Level, Query};
use port::{Code, Credential, Fault, Response, Stream};
use std::collections::HashSet;
use std::sync::Arc;

/// Two persons, signed in, who have the right; each by an account of her own.
pub struct Two {
    first: (Context, Permit),
    second: (Context, Permit),
}

/// One step of leaving.
pub async fn leave(vault: &Arc<Vault>, arrival: &Arrival, ask: Leave) -> Result<(Response, Stream), Fault> {
    let two = two(vault, arrival, &ask).await?;
    let answer = |lot| (Response::Lot(lot), port::empty());
    match ask.away {
        Away::Studies { offset } => studies(vault, offset).map(answer),
        Away::Instances { study } => instances(vault, &study).map(answer),
        Away::Files { study, instances } => files(vault, &two, &study, instances).await,
        Away::Done { files, failed, digest } => {
            let event = Event::Left { second: two.second_user(), files, failed, digest };
            vault.record(&two.first.0, About::nothing(), event).await?;
            Ok((Response::Done, port::empty()))
        }
    }
}

impl Two {
    fn second_user(&self) -> String {
        self.second.0.caller.user.clone()
    }
}

async fn two(vault: &Vault, arrival: &Arrival, ask: &Leave) -> Result<Two, Fault> {
    let person = |session: &String| {
        let shown = Credential::Cookies { session: session.clone(), viewing: None };
        who::authenticate(vault, &shown, arrival)
    };
    let (first, second) = (person(&ask.first)?, person(&ask.second)?);
    if first.caller.user == second.caller.user {
        let event = Event::NotAllowed { right: "leave".to_owned(), rules: vec!["two-persons".to_owned()] };
        vault.record(&first, About::nothing(), event).await?;
        return Err(Code::NotAllowed.into());
    }
    let permits = (vault.may(&first, Right::Leave).await?, vault.may(&second, Right::Leave).await?);
    Ok(Two { first: (first, permits.0), second: (second, permits.1) })
}

fn studies(vault: &Vault, offset: usize) -> Result<Lot, Fault> {
    let query = Query { bare: true, offset, limit: limits::MATCHES, ..Query::all(Level::Study) };
    let found = find::unseen(vault, &query)?;
    let uid = |line: &model::Attributes| line.first(tags::STUDY_INSTANCE_UID).parse().ok();
    Ok(Lot { uids: found.answers.iter().filter_map(uid).collect(), more: found.more, behind: 0 })
}

fn instances(vault: &Vault, study: &Uid) -> Result<Lot, Fault> {
    let study = vault.study(study)?.ok_or(Code::NotFound)?;
    let all = || study.series.iter().flat_map(|series| &series.instances);
    let others: usize = all().map(|i| i.record.others.len()).sum();
    let rejected = all().filter(|i| i.rejected).count();
    let uids = study.instances().map(|(_, i)| i.record.sop_uid.clone()).collect();
    Ok(Lot { uids, more: false, behind: (others + rejected) as u64 })
}

async fn files(
    vault: &Arc<Vault>,
    two: &Two,
    uid: &Uid,
    instances: Vec<Uid>,
) -> Result<(Response, Stream), Fault> {
    let wanted: HashSet<&Uid> = instances.iter().collect();
    if instances.is_empty() || instances.len() > Away::FILES || wanted.len() != instances.len() {
        return Err(Code::BadRequest.into());
    }
    let (first, permit) = &two.first;
    let Some(study) = vault.study(uid)? else {
        return admit::refuse(vault, first, None, "unknown-study", Code::NotFound).await;
    };
    let ask = Ask { study: uid.clone(), action: Action::Open, purpose: Purpose::Maintenance, reason: None };
    let facts = facts::gather(vault, first, &study, &ask);
    let grant =
        Grant::of_two(&facts, permit, (&two.second.0.caller, &two.second.1)).ok_or(Code::NotAllowed)?;
    let chosen = picked(vault, &grant, &study, &standing::whole(&study), &|_, i| wanted.contains(i));
    let proof = Proof::Two(Box::new([first.clone(), two.second.0.clone()]));
    let (asked, form, syntaxes) = (uid.clone(), Form::Instances, Vec::new());
    let mut release = Release { proof, grant, study, asked, chosen, form, syntaxes };
    if release.chosen.len() != wanted.len() {
        return admit::refuse(vault, first, Some(&release.study), "unknown-instance", Code::NotFound).await;
    }
    if let Err((cause, code)) = check::givable(&mut release, false) {
        return admit::refuse(vault, first, Some(&release.study), cause, code).await;
    }
    for chosen in &release.chosen {
        if compared(vault, &release, chosen).await.is_err() {
            return admit::refuse(vault, first, Some(&release.study), "damaged", Code::BadObject).await;
        }
    }
    let event = Event::TakenAway {
        second: two.second_user(),
        objects: release.chosen.iter().map(|c| c.instance.record.object).collect(),
        corrected: release.chosen.iter().filter(|c| c.corrections.is_some()).count() as u64,
    };
    let receipt = vault.record_all(first, About::study(&release.study), vec![event]).await?;
    let parts = Response::Parts { fallback: false, tag: String::new() };
    Ok((parts, deliver::deliver(Arc::clone(vault), release, receipt)))
}

/// The object opens whole and is what was stored.
async fn compared(vault: &Vault, release: &Release, chosen: &super::Chosen) -> Result<(), Fault> {
    let record = &chosen.instance.record;
    let object = vault.open_object(release.study.patient(), record).await?;
    let (mut digest, mut at) = (Digest::new(), 0);
    while at < object.len() {
        let to = object.len().min(at + 16 * CHUNK_BYTES as u64);
        digest.update(&object.read(at..to).await?);
        at = to;
    }
    if digest.finish() == record.digest { Ok(()) } else { Err(Code::BadObject.into()) }
}

/// Whether such a release may go on.
pub fn still(vault: &Vault, both: &[Context; 2], release: &Release) -> Result<(), Lapse> {
    let known = vault.study(&release.study.record.uid).ok().flatten().ok_or(Lapse::Revoked)?;
    if !both.iter().all(|person| who::acts(vault, person)) || known.righted != release.study.righted {
        return Err(Lapse::Revoked);
    }
    Ok(())
}
