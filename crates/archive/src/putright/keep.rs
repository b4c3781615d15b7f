//! Change → Recorded: rows, wraps and entries in one commit, and memory only when it is durable. The index stays locked
//! while the disk syncs: nobody sees a study whose keys are not yet its patient's.

use super::plan::{Plan, affected, plan};
use super::record::{Arrived, Change, Deed};
use super::righted::{self, Changes, Rejections, Righted};
use crate::catalog::{Catalog, StudyRecord, Touched};
use crate::context::Context;
use crate::journal::promises;
use crate::sealing::{Kind, fault};
use crate::vault::{Vault, lock};
use crate::{Error, Result};
use ledger::{Envelope, Event};
use model::{Uid, limits};
use port::{Code, Fault};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use store::{Commit, WrapWrite};

/// How often it is tried anew when something else changed in between, and how long each waits.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// A change to make, or one to take back.
pub struct Wanted {
    /// With the number that it gets; taken back: as it is from now on.
    pub change: Change,
    /// A study that it makes.
    pub new: Option<StudyRecord>,
    /// References of a note that were not believed.
    pub ignored: u64,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Number of the change.
    pub change: u64,
    /// Version of all changes now.
    pub version: u64,
    /// Studies touched.
    pub studies: u64,
    /// Objects whose keys were wrapped anew.
    pub objects: u64,
}

/// Why it was not done: a word for the ledger, and a code.
pub type Refusal = (&'static str, Code);

enum Attempt {
    Done(Done),
    Again,
    Refused(Refusal),
}

/// Keeps a change. `needs`: studies that must be whole to say what is wanted. `wanted` is asked anew in every attempt, at last
/// under the lock, so that it rests on what is.
pub async fn keep(
    vault: &Vault,
    context: &Context,
    needs: impl Fn(&Catalog) -> Vec<Uid>,
    wanted: impl Fn(&Catalog, &Righted) -> std::result::Result<Wanted, Refusal>,
) -> std::result::Result<std::result::Result<Done, Refusal>, Fault> {
    for _ in 0..TRIES {
        match tokio::task::block_in_place(|| attempt(vault, context, &needs, &wanted))? {
            Attempt::Done(done) => return Ok(Ok(done)),
            Attempt::Refused(refusal) => return Ok(Err(refusal)),
            Attempt::Again => tokio::time::sleep(PAUSE).await,
        }
    }
    Err(Code::Unavailable.into())
}

/// What is wanted, what the changes are then, the studies that it is about.
type Looked = (Wanted, Changes, BTreeSet<Uid>);

fn attempt(
    vault: &Vault,
    context: &Context,
    needs: &impl Fn(&Catalog) -> Vec<Uid>,
    wanted: &impl Fn(&Catalog, &Righted) -> std::result::Result<Wanted, Refusal>,
) -> std::result::Result<Attempt, Fault> {
    let look = |catalog: &Catalog, now: &Righted| -> std::result::Result<Looked, Refusal> {
        let wanted = wanted(catalog, now)?;
        let mut after = now.changes.clone();
        after.insert(wanted.change.number, Arc::new(wanted.change.clone()));
        let affected = affected(catalog, now, &after, &wanted.change.deed).map_err(|_| THERE)?;
        Ok((wanted, after, affected))
    };
    let planned = |catalog: &Catalog, now: &Righted, (wanted, after, affected): &Looked| {
        let of = (&wanted.change.deed, affected);
        plan(catalog, now, after, of, wanted.new.as_ref()).map_err(|_| THERE).and_then(bounded)
    };
    let mut held = Held { vault, studies: Vec::new() };
    let needed = needs(&vault.catalog());
    held.all(&needed)?;
    let now = lock(&vault.righted).clone();
    let first = look(&vault.catalog(), &now);
    let first = match first {
        Ok(first) if first.2.len() > limits::RIGHTED_STUDIES => return Ok(Attempt::Refused(TOO_MANY)),
        Ok(first) => first,
        Err(refusal) => return Ok(Attempt::Refused(refusal)),
    };
    held.all(&first.2)?;
    let plan = match planned(&vault.catalog(), &now, &first) {
        Ok(plan) if plan.waits => return Ok(Attempt::Again),
        Ok(plan) => plan,
        Err(refusal) => return Ok(Attempt::Refused(refusal)),
    };
    // Thousands of keys take a while: they are wrapped before anybody has to wait.
    let mut commit = Commit::new(0);
    rewrap(vault, &mut commit, &plan)?;
    let mut catalog = vault.catalog();
    let now = lock(&vault.righted).clone();
    let second = match look(&catalog, &now) {
        Ok(second) if second.2 != first.2 => return Ok(Attempt::Again),
        Ok(second) => second,
        Err(refusal) => return Ok(Attempt::Refused(refusal)),
    };
    let last = match planned(&catalog, &now, &second) {
        Ok(last) if last.waits || last.wraps != plan.wraps => return Ok(Attempt::Again),
        Ok(last) => last,
        Err(refusal) => return Ok(Attempt::Refused(refusal)),
    };
    commit.epoch = catalog.epoch;
    let before = catalog.epoch;
    let (wanted, after, _) = second;
    match change(vault, context, (&mut catalog, commit), (&now, after, &wanted), &last) {
        Ok(done) => {
            // Still under the lock: no new look at these studies comes before their old grants have ended.
            {
                let mut sessions = vault.sessions();
                let theirs = merges_into(&now, &wanted.change.deed).map(|into| catalog.all_of_patient(&into));
                last.touched.iter().chain(theirs.iter().flatten()).for_each(|uid| sessions.end_study(uid));
            }
            drop(catalog);
            vault.examine_shown(&last);
            Ok(Attempt::Done(done))
        }
        Err(error) => {
            // Memory is ahead of what is durable: it is read anew before anybody sees it.
            vault.take_back(&mut catalog)?;
            match error {
                Error::Store(store::Error::Stale) if before != catalog.epoch => Ok(Attempt::Again),
                Error::Store(error) => Err(fault(&error)),
                error => Err(error.into()),
            }
        }
    }
}

/// Whose films nothing was changed of, but what is wished of them: what merges into her brings its wishes and takes them away.
fn merges_into(now: &Righted, deed: &Deed) -> Option<model::PatientRef> {
    match deed {
        Deed::Merge { into, .. } => Some(righted::resolve(&now.changes, into.patient)),
        _ => None,
    }
}

const THERE: Refusal = ("series-there", Code::BadRequest);
const TOO_MANY: Refusal = ("too-many", Code::TooLarge);

/// Studies that are kept whole while they are worked with; let go when this is dropped, after the index is.
struct Held<'a> {
    vault: &'a Vault,
    studies: Vec<(u64, Uid)>,
}

impl Held<'_> {
    fn all<'u>(&mut self, uids: impl IntoIterator<Item = &'u Uid>) -> Result<()> {
        for uid in uids {
            if self.studies.iter().any(|(_, held)| held == uid) {
                continue;
            }
            let mut catalog = self.vault.catalog_with(uid)?;
            if catalog.hold(uid) {
                self.studies.push((catalog.epoch, uid.clone()));
            }
        }
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut catalog = self.vault.catalog();
        self.studies.iter().for_each(|(epoch, uid)| catalog.release(*epoch, uid));
    }
}

fn bounded(plan: Plan) -> std::result::Result<Plan, Refusal> {
    let fits = plan.touched.len() <= limits::RIGHTED_STUDIES && plan.wraps.len() <= limits::RIGHTED_OBJECTS;
    if fits { Ok(plan) } else { Err(TOO_MANY) }
}

/// Opens each key as the old patient's and wraps it as the new one's. No object is touched.
fn rewrap(vault: &Vault, commit: &mut Commit, plan: &Plan) -> Result<()> {
    for (object, from, to) in &plan.wraps {
        let key = vault.object_key(*from, *object)?;
        vault.wrap_into(commit, *to, *object, &key)?;
    }
    // The patient's own key came along with each: once is enough.
    let mut seen = BTreeSet::new();
    commit.wraps.retain(|WrapWrite { key, .. }| seen.insert(*key));
    Ok(())
}

/// Memory, rows, entries, submit, durable; on an error the caller reads memory anew.
fn change(
    vault: &Vault,
    context: &Context,
    (catalog, mut commit): (&mut Catalog, Commit),
    (now, after, wanted): (&Righted, Changes, &Wanted),
    plan: &Plan,
) -> Result<Done> {
    let change = &wanted.change;
    let mut righted = Righted { changes: after, ..now.clone() };
    let version = righted.version();
    for (arrived, _) in &plan.studies {
        if righted.arrived.insert(arrived.uid.clone(), Arc::new(arrived.clone())).is_none() {
            commit.rows.push(vault.arrived_row(arrived)?);
        }
    }
    if let Some(new) = &wanted.new {
        catalog.replace_study(new.clone());
        vault.remember(catalog, &new.uid);
    }
    for uid in &plan.touched {
        catalog.hold(uid);
    }
    let pages = apply(catalog, plan);
    // Also the rows of studies of which only instances were rejected: who reads what changed reads them anew.
    for uid in &plan.touched {
        catalog.found_anew(uid);
        vault.rows_into(&mut commit, catalog, uid, &Touched { study: true, page: None })?;
    }
    for (uid, at, page) in pages {
        vault.rows_into(&mut commit, catalog, &uid, &Touched { study: false, page: Some((at, page)) })?;
    }
    let name = vault.sealing.name(Kind::Change, &[&change.number.to_be_bytes()]);
    let row_version = if change.undone.is_some() { 2 } else { 1 };
    commit.rows.push(vault.sealing.row(Kind::Change, name, row_version, change)?);
    righted.settle();
    righted.touched.extend(plan.touched.iter().map(|uid| (uid.clone(), version)));
    entries(vault, context, &mut commit, (catalog, &righted, wanted), plan)?;
    let (names, leaves) = promises(&commit);
    let epoch = commit.epoch;
    let durable = vault.store.submit(commit).and_then(store::Pending::wait)?;
    vault.kept(&names, durable.leaf() + leaves);
    for uid in &plan.touched {
        catalog.settle(epoch, uid, None);
        catalog.set_righted(uid, version);
    }
    let done = Done {
        change: change.number,
        version,
        studies: plan.touched.len() as u64,
        objects: plan.wraps.len() as u64,
    };
    *lock(&vault.righted) = righted;
    Ok(done)
}

/// Memory as it is after the change; answers the pages that it touched.
fn apply(catalog: &mut Catalog, plan: &Plan) -> BTreeSet<(Uid, usize, usize)> {
    for (arrived, effective) in &plan.studies {
        let Some(study) = catalog.whole(&arrived.uid) else { continue };
        let mut record = study.record.clone();
        record.patient = effective.patient;
        record.patient_attributes = effective.patient_attributes.clone();
        record.attributes = effective.attributes.clone();
        catalog.replace_study(record);
    }
    let pages = plan.moves.iter().filter_map(|(from, series, to)| catalog.relocate(from, series, to));
    let pages: BTreeSet<_> = pages.flatten().collect();
    plan.rejected.iter().for_each(|(uid, rejected)| catalog.set_rejected(uid, *rejected));
    pages
}

/// One entry for each study, so that its patient reads it too; at least one.
fn entries(
    vault: &Vault,
    context: &Context,
    commit: &mut Commit,
    (catalog, righted, wanted): (&Catalog, &Righted, &Wanted),
    plan: &Plan,
) -> Result<()> {
    let change = &wanted.change;
    let reason = change.undone.as_ref().map_or(&change.reason, |(_, _, reason)| reason);
    let event = |corrections| Event::PutRight {
        change: change.number,
        act: change.deed.as_str().to_owned(),
        undone: change.undone.is_some(),
        reason: reason.clone(),
        studies: plan.touched.len() as u64,
        objects: plan.wraps.len() as u64,
        corrections,
        ignored: wanted.ignored,
    };
    let envelope = vault.envelope(context, &crate::context::About::nothing());
    for uid in &plan.touched {
        let Some(study) = catalog.whole(uid) else { continue };
        let laid: Vec<_> = study.series.iter().map(|s| righted.corrections(study, &s.uid)).collect();
        let corrected = laid.iter().any(Option::is_some);
        let hash =
            if corrected { vault.sealing.text_hash("corrections", &format!("{laid:?}")) } else { [0; 32] };
        let study =
            Envelope { patient: Some(study.patient()), study: uid.as_str().to_owned(), ..envelope.clone() };
        vault.entry_into(commit, study, event(hash))?;
    }
    if plan.touched.is_empty() {
        vault.entry_into(commit, envelope, event([0; 32]))?;
    }
    Ok(())
}

impl Righted {
    /// What follows from the changes, once they are these.
    pub fn settle(&mut self) {
        self.rejections = Rejections::of(&self.changes);
        self.merged = righted::merged(&self.changes);
        self.keys = self.patients();
        let homes = righted::named_series(&self.changes).into_iter();
        let homes = homes.map(|(study, series)| {
            let home = righted::home(&self.changes, &study, &series);
            ((study, series), home)
        });
        self.moved = homes.filter(|((study, _), home)| study != home).collect();
    }
}

impl Vault {
    /// The row of a study as it arrived: written once.
    pub(crate) fn arrived_row(&self, arrived: &Arrived) -> Result<store::RowWrite> {
        let name = self.sealing.name(Kind::Arrived, &[arrived.uid.as_str().as_bytes()]);
        self.sealing.row(Kind::Arrived, name, 1, arrived)
    }

    /// What is shown again is examined if it was not.
    fn examine_shown(&self, plan: &Plan) {
        for (uid, rejected) in &plan.rejected {
            let found = self.instance(uid).ok().flatten();
            let open = found.is_some_and(|(_, i)| i.seen.is_none() && i.image.is_some());
            if !rejected && open {
                self.queue.push(uid.clone());
            }
        }
    }
}

/// The change as it is from now on, taken back.
pub fn taken_back(change: &Change, context: &Context, reason: &str) -> Change {
    let undone = Some((context.now, context.caller.user.clone(), reason.to_owned()));
    Change { undone, ..change.clone() }
}

/// A new change.
pub fn made(now: &Righted, context: &Context, deed: Deed, reason: &str) -> Change {
    Change {
        number: now.taken.max(now.changes.last_key_value().map_or(0, |(number, _)| *number)) + 1,
        deed,
        at: context.now,
        by: context.caller.user.clone(),
        reason: reason.to_owned(),
        undone: None,
    }
}
