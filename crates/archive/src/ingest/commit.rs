//! Labelled → Committed: the index under its lock, wraps, rows and entry in one commit, visible when durable.

use super::check::Checked;
use super::receive::Received;
use crate::Result;
use crate::catalog::{Catalog, InstanceRecord, MaskSet, NewInstance, PatientKey, StudyRecord, Touched};
use crate::context::{About, Context};
use crate::journal::{Promises, new_id, promises};
use crate::sealing::fault;
use crate::vault::Vault;
use ledger::Event;
use model::{PatientRef, Uid};
use port::archive::Stored;
use port::{Code, Fault};
use std::time::Duration;
use store::{Commit, NewObject, Pending};

/// How long an arrival waits for another one of the same UID.
const TURNS: u32 = 2000;
/// Other bytes kept of one UID: each makes its page's row longer, so a sender that changes a byte each time would fill it.
const OTHERS: usize = 64;

enum Attempt {
    /// Submitted: study, instance or nothing new of it, version.
    Submitted(Box<Submitted>),
    /// The same bytes are here.
    Duplicate(Stored),
    /// Another arrival of the same UID is under way.
    Wait(Received),
    /// It names another patient than its study has: that is to be noted first.
    Contradicts(Received),
}

/// A commit under way.
struct Submitted {
    epoch: u64,
    study: Uid,
    digest: [u8; 32],
    promises: Promises,
    pending: Pending,
    stored: Stored,
}

/// Commits. Once it is submitted nothing takes it back, also when the sender goes away: what became durable is queued and
/// visible.
pub async fn commit(
    vault: &Vault,
    context: &Context,
    checked: Checked,
) -> std::result::Result<Stored, Fault> {
    let mut received = checked.0;
    for _ in 0..TURNS {
        match tokio::task::block_in_place(|| attempt(vault, context, received))? {
            Attempt::Wait(back) => {
                received = back;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Attempt::Contradicts(back) => {
                crate::putright::contradicted(vault, context, &back.facts).await?;
                received = back;
            }
            Attempt::Duplicate(stored) => {
                let about = About::nothing();
                vault.record(context, about, event(context, &stored, (0, [0; 32]), "")).await?;
                return Ok(stored);
            }
            Attempt::Submitted(submitted) => return settle(vault, *submitted).await,
        }
    }
    Err(Code::Unavailable.into())
}

async fn settle(vault: &Vault, submitted: Submitted) -> std::result::Result<Stored, Fault> {
    let Submitted { epoch, study, digest, promises, pending, stored } = submitted;
    let then = move |vault: &Vault, durable| match durable {
        Ok(_) => {
            vault.catalog().settle(epoch, &study, Some((&stored.instance, &digest)));
            vault.queue.push(stored.instance.clone());
            Ok(stored)
        }
        Err(error) => {
            vault.resync()?;
            Err(fault(&error))
        }
    };
    vault.settled(promises, pending, then).await
}

fn attempt(vault: &Vault, context: &Context, received: Received) -> std::result::Result<Attempt, Fault> {
    let facts = &received.facts;
    // Its series may have been moved, and may be moved before the lock is there.
    let home = vault.goes_to(&facts.study_uid, &facts.series_uid);
    let mut catalog = vault.catalog_for(&home, &facts.sop_uid)?;
    if vault.goes_to(&facts.study_uid, &facts.series_uid) != home {
        return Ok(Attempt::Wait(received));
    }
    let mut stored = Stored {
        study: facts.study_uid.clone(),
        series: facts.series_uid.clone(),
        instance: facts.sop_uid.clone(),
        sop_class: facts.sop_class.clone(),
        version: 1,
        duplicate: false,
    };
    if let Some((study, series, instance)) = catalog.instance(&facts.sop_uid) {
        if instance.pending || instance.under_way.contains(&received.trailer.digest) {
            return Ok(Attempt::Wait(received));
        }
        // The same instance in another study or series is a contradiction, not a version.
        if study.record.uid != home || series.uid != facts.series_uid {
            return Err(Code::BadObject.into());
        }
        let same = |digest: &[u8; 32]| *digest == received.trailer.digest;
        let others = &instance.record.others;
        if same(&instance.record.digest) || others.iter().any(|(_, digest)| same(digest)) {
            stored.duplicate = true;
            return Ok(Attempt::Duplicate(stored));
        }
        if others.len() >= OTHERS {
            return Err(Code::TooLarge.into());
        }
        stored.version = u32::try_from(others.len()).unwrap_or(u32::MAX).saturating_add(2);
    }
    match submit(vault, context, &mut catalog, (received, home), stored) {
        Ok(attempt) => Ok(attempt),
        Err(error) => {
            vault.take_back(&mut catalog)?;
            Err(error.into())
        }
    }
}

fn submit(
    vault: &Vault,
    context: &Context,
    catalog: &mut Catalog,
    (received, home): (Received, Uid),
    stored: Stored,
) -> Result<Attempt> {
    let mut commit = Commit::new(catalog.epoch);
    let (mut patient, contradicts) = patient(vault, catalog, &received, &home)?;
    if !contradicts.is_empty() && !vault.knows_contradiction(&received.facts) {
        return Ok(Attempt::Contradicts(received));
    }
    let Received { object, key, facts, trailer, bytes } = received;
    let event = event(context, &stored, (trailer.len, trailer.digest), contradicts);
    let (uid, touched): (Uid, Touched) = if stored.version > 1 {
        vault.wrap_into(&mut commit, patient, object, &key)?;
        let added = catalog.add_other(&facts.sop_uid, (object, trailer.digest));
        added.ok_or(crate::Error::Internal("instance"))?
    } else {
        let mut study = StudyRecord {
            id: new_id(&*vault.sealing.random)?,
            uid: home,
            patient,
            patient_attributes: facts.patient.clone(),
            attributes: facts.study.clone(),
            arrived: context.now,
            masks: MaskSet::default(),
        };
        if catalog.whole(&study.uid).is_none()
            && let Some(arrived) = vault.arriving(&mut study)
        {
            commit.rows.push(vault.arrived_row(&arrived)?);
            patient = study.patient;
        }
        let record = InstanceRecord {
            object,
            sop_uid: facts.sop_uid.clone(),
            sop_class: facts.sop_class.clone(),
            transfer_syntax: facts.transfer_syntax.clone(),
            attributes: facts.instance.clone(),
            image: facts.image.clone(),
            head_len: facts.head_len,
            len: trailer.len,
            digest: trailer.digest,
            arrived: context.now,
            others: Vec::new(),
            seen: None,
        };
        vault.wrap_into(&mut commit, patient, object, &key)?;
        catalog.add(NewInstance {
            study,
            series_uid: facts.series_uid.clone(),
            series: facts.series.clone(),
            record,
        })
    };
    commit.object = Some(NewObject { tenant: vault.tenant.clone(), id: object, bytes });
    if touched.study {
        vault.remember(catalog, &uid);
    }
    if vault.rejects(&facts.study_uid, &facts.sop_uid) {
        catalog.set_rejected(&facts.sop_uid, true);
    }
    vault.rows_into(&mut commit, catalog, &uid, &touched)?;
    let about = About { patient: Some(patient), study: Some(uid.clone()), object: Some(object) };
    vault.entry_into(&mut commit, vault.envelope(context, &about), event)?;
    let promises = promises(&commit);
    let pending = vault.store.submit(commit)?;
    let (epoch, digest) = (catalog.epoch, trailer.digest);
    Ok(Attempt::Submitted(Box::new(Submitted { epoch, study: uid, digest, promises, pending, stored })))
}

/// Whose the object is, and what it contradicts. A study has one patient, hers whose film came first: a later one that names
/// another is kept with it, so that no film is kept from care, and its entry says so, so that people can put it right.
fn patient(
    vault: &Vault,
    catalog: &Catalog,
    received: &Received,
    home: &Uid,
) -> Result<(PatientRef, &'static str)> {
    let key = PatientKey::of(&received.facts.patient, &received.facts.study_uid);
    if let Some(known) = catalog.whole(home).map(|study| &study.record) {
        let same = vault.same_patient(known, &key);
        return Ok((known.patient, if same { "" } else { "patient" }));
    }
    let known = vault.arrived_as(catalog, &key);
    Ok((known.map_or_else(|| new_id(&*vault.sealing.random), Ok)?, ""))
}

/// An arrival with its circumstances: what is not recorded now can never be proved (DESIGN.md §3, Ledger).
fn event(context: &Context, stored: &Stored, (size, digest): (u64, [u8; 32]), contradicts: &str) -> Event {
    let [certificate, calling_ae, called_ae, software] = ledger::event::circumstances(&context.arrival);
    Event::Stored {
        sop_uid: stored.instance.as_str().to_owned(),
        sop_class: stored.sop_class.as_str().to_owned(),
        size,
        digest,
        version: stored.version.into(),
        duplicate: stored.duplicate,
        certificate,
        calling_ae,
        called_ae,
        software,
        operator: context.operator_user(),
        order: String::new(),
        contradicts: contradicts.to_owned(),
    }
}
