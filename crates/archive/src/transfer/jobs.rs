//! Jobs: work for a gateway that outlives associations and restarts. Only the gateway opens sockets; it leases a job, performs
//! it and reports. A lease that nobody renews ends, and the job is given out again.

use super::records::{JobRecord, Kept, TaskRecord};
use crate::context::{About, Context};
use crate::journal::{new_id, promises};
use crate::sealing::{Kind, fault};
use crate::vault::{Device, Vault, lock};
use crate::{Error, who};
use ledger::{Envelope, Event};
use model::{Arrival, Door, Id, Time};
use port::transfer::{Job, Peer, Progress};
use port::{Code, Fault, Request, Response};
use std::collections::BTreeMap;
use store::Commit;

/// Jobs at the same time.
const JOBS: u32 = 1024;
/// Of these, one machine's: another one's requests must not wait for a day behind reports that nobody takes.
const JOBS_OF_ONE: usize = 64;
/// A lease lasts this long after the last sign of life.
const LEASE_S: i64 = 90;
/// Between attempts, times the number of attempts.
const PAUSE_S: i64 = 60;
/// After this many attempts or this long it is given up.
const ATTEMPTS: u32 = 20;
const LIFE_S: i64 = 24 * 3600;

/// All jobs.
#[derive(Debug, Default)]
pub struct Jobs {
    slots: BTreeMap<u32, Slot>,
}

#[derive(Debug, Clone)]
struct Slot {
    job: Option<Kept>,
    version: u64,
    /// Until then somebody works on it, or makes it; monotonic.
    leased: Option<Time>,
}

impl Jobs {
    /// From their rows.
    pub fn of(rows: Vec<(JobRecord, u64)>) -> Self {
        let slot = |(record, version): (JobRecord, u64)| {
            (record.slot, Slot { job: record.job, version, leased: None })
        };
        Self { slots: rows.into_iter().map(slot).collect() }
    }

    fn reserve(&mut self, now: Time, until: Time, task: &TaskRecord) -> Option<(u32, u64)> {
        let whose =
            |slot: &&Slot| slot.job.as_ref().is_some_and(|job| job.task.asked_by() == task.asked_by());
        if self.slots.values().filter(whose).count() >= JOBS_OF_ONE {
            return None;
        }
        let free = |slot: &Slot| slot.job.is_none() && slot.leased.is_none_or(|until| until < now);
        let number = (0..JOBS).find(|n| self.slots.get(n).is_none_or(free))?;
        let slot = self.slots.entry(number).or_insert(Slot { job: None, version: 0, leased: None });
        slot.leased = Some(until);
        Some((number, slot.version))
    }

    fn find(&mut self, id: Id) -> Option<(u32, &mut Slot)> {
        let mut all = self.slots.iter_mut().map(|(number, slot)| (*number, slot));
        all.find(|(_, slot)| slot.job.as_ref().is_some_and(|job| job.id == id))
    }

    fn put(&mut self, number: u32, job: Option<Kept>, leased: Option<Time>) {
        if let Some(slot) = self.slots.get_mut(&number) {
            (slot.job, slot.version, slot.leased) = (job, slot.version + 1, leased);
        }
    }

    fn free(&mut self, number: u32) {
        if let Some(slot) = self.slots.get_mut(&number) {
            slot.leased = None;
        }
    }

    /// The first one that is due and that nobody works on.
    fn next(&mut self, now: Time, monotonic: Time) -> Option<Kept> {
        let waits = |slot: &&mut Slot| {
            slot.leased.is_none_or(|until| until < monotonic)
                && slot.job.as_ref().is_some_and(|j| j.due <= now)
        };
        let slot = self.slots.values_mut().find(waits)?;
        slot.leased = Some(monotonic.plus_seconds(LEASE_S));
        slot.job.clone()
    }
}

/// Makes a job, leased to the gateway that asks; durable on return, with its entry.
pub async fn make(
    vault: &Vault,
    context: &Context,
    task: TaskRecord,
    event: impl FnOnce(Id) -> Event,
) -> Result<Kept, Fault> {
    let id = new_id(&*vault.sealing.random)?;
    let (made, until) = (vault.clock.now(), vault.clock.monotonic().plus_seconds(LEASE_S));
    let kept = Kept { id, made, attempts: 0, due: made, task };
    let now = vault.clock.monotonic();
    let (slot, version) = lock(&vault.jobs).reserve(now, until, &kept.task).ok_or(Code::Unavailable)?;
    let envelope = vault.envelope(context, &About::nothing());
    let done = keep(vault, (slot, version), (Some(kept.clone()), Some(until)), (envelope, event(id))).await;
    if let Err(fault) = done {
        lock(&vault.jobs).free(slot);
        return Err(fault);
    }
    Ok(kept)
}

/// Writes a job's row with its entry: the last entry says what all rows are, so none is written without one.
async fn keep(
    vault: &Vault,
    (slot, version): (u32, u64),
    (job, leased): (Option<Kept>, Option<Time>),
    (envelope, event): (Envelope, Event),
) -> Result<(), Fault> {
    let name = vault.sealing.name(Kind::Job, &[&slot.to_be_bytes()]);
    let record = JobRecord { slot, job };
    for _ in 0..4 {
        let mut commit = Commit::new(vault.store.epoch());
        commit.rows.push(vault.sealing.row(Kind::Job, name, version + 1, &record)?);
        vault.entry_into(&mut commit, envelope.clone(), event.clone())?;
        let promises = promises(&commit);
        let pending = tokio::task::block_in_place(|| vault.store.submit(commit)).map_err(Error::from)?;
        let job = record.job.clone();
        // Memory follows also when whoever asked has gone away meanwhile.
        let settled = vault.settled(promises, pending, move |vault, durable| {
            if durable.is_ok() {
                lock(&vault.jobs).put(slot, job, leased);
            }
            Ok(durable)
        });
        match settled.await? {
            Err(store::Error::Stale) => {}
            Err(error) => return Err(fault(&error)),
            Ok(_) => return Ok(()),
        }
    }
    Err(Code::Unavailable.into())
}

/// What the gateway asks by itself.
pub async fn job(vault: &Vault, request: Request) -> Result<Response, Fault> {
    match request {
        Request::LeaseJob => lease(vault).await.map(Response::Job),
        Request::JobProgress { job, progress: Progress::Alive } => {
            let until = vault.clock.monotonic().plus_seconds(LEASE_S);
            let mut jobs = lock(&vault.jobs);
            let (_, slot) = jobs.find(job).ok_or(Code::NotFound)?;
            slot.leased = Some(until);
            Ok(Response::Done)
        }
        Request::JobProgress { job, progress } => {
            report(vault, job, progress).await?;
            Ok(Response::Done)
        }
        _ => Err(Code::NotAllowed.into()),
    }
}

/// The next job that nobody performs; what cannot be performed any more is ended on the way.
async fn lease(vault: &Vault) -> Result<Option<Job>, Fault> {
    for _ in 0..JOBS {
        let now = vault.clock.now();
        let Some(kept) = lock(&vault.jobs).next(now, vault.clock.monotonic()) else { return Ok(None) };
        let over =
            kept.attempts >= ATTEMPTS || kept.made.plus_seconds(LIFE_S) < now || unreachable(vault, &kept);
        let job = if over { None } else { performed(vault, &kept).await? };
        match job {
            Some(job) => return Ok(Some(job)),
            None if over => end(vault, kept.id, ("given-up", 0, 0)).await?,
            None => {
                // Nobody can be called for it now: it waits for its time.
                if let Some((_, slot)) = lock(&vault.jobs).find(kept.id)
                    && let Some(job) = &mut slot.job
                {
                    (job.due, slot.leased) = (now.plus_seconds(PAUSE_S), None);
                }
            }
        }
    }
    Ok(None)
}

/// The job with what it needs; nothing while its peer has no address.
async fn performed(vault: &Vault, kept: &Kept) -> Result<Option<Job>, Fault> {
    match &kept.task {
        TaskRecord::Report { to, .. } => {
            Ok(device(vault, to).map(|device| kept.leased(Some(peer(&device)), Vec::new())))
        }
        TaskRecord::Move { wanted, done, .. } => {
            let Ok((device, context)) = receiver(vault, kept.id, &by_itself()) else { return Ok(None) };
            let mut lines = super::lines(vault, (&context, None), wanted, "C-MOVE resumed").await?;
            lines.retain(|line| !done.contains(&line.study));
            Ok(Some(kept.leased(Some(peer(&device)), lines)))
        }
    }
}

/// A report for a machine without an address goes out on the association that asked, or never.
fn unreachable(vault: &Vault, kept: &Kept) -> bool {
    match &kept.task {
        TaskRecord::Report { to, .. } => device(vault, to).is_none_or(|device| device.address.is_empty()),
        TaskRecord::Move { .. } => false,
    }
}

fn by_itself() -> Arrival {
    Arrival {
        door: Door::Dimse,
        peer: who::GATEWAY.to_owned(),
        certificate: String::new(),
        calling_ae: String::new(),
        called_ae: String::new(),
        software: String::new(),
        request: String::new(),
    }
}

/// What the gateway says of a job that it leased.
async fn report(vault: &Vault, id: Id, progress: Progress) -> Result<(), Fault> {
    match progress {
        Progress::Done { completed, failed } => end(vault, id, ("done", completed, failed)).await,
        Progress::Cancelled { completed } => end(vault, id, ("cancelled", completed, 0)).await,
        Progress::Study(study) => {
            change(vault, id, true, |job| {
                if let TaskRecord::Move { done, .. } = &mut job.task {
                    done.push(study);
                }
            })
            .await
        }
        Progress::Alive => Ok(()),
        Progress::Failed => {
            let now = vault.clock.now();
            change(vault, id, false, |job| {
                job.attempts += 1;
                job.due = now.plus_seconds(PAUSE_S * i64::from(job.attempts));
            })
            .await
        }
    }
}

async fn change(vault: &Vault, id: Id, goes_on: bool, change: impl FnOnce(&mut Kept)) -> Result<(), Fault> {
    let (number, version, mut job) = known(vault, id)?;
    change(&mut job);
    let envelope = Envelope {
        time: vault.clock.now().0,
        tenant: vault.tenant.as_str().to_owned(),
        door: Door::Dimse.to_string(),
        ..Envelope::default()
    };
    let event = Event::JobWent { job: id, attempts: job.attempts.into() };
    let leased = goes_on.then(|| vault.clock.monotonic().plus_seconds(LEASE_S));
    keep(vault, (number, version), (Some(job), leased), (envelope, event)).await
}

fn known(vault: &Vault, id: Id) -> Result<(u32, u64, Kept), Fault> {
    let mut jobs = lock(&vault.jobs);
    let (number, slot) = jobs.find(id).ok_or(Code::NotFound)?;
    Ok((number, slot.version, slot.job.clone().ok_or(Code::NotFound)?))
}

/// A job is over: its slot is empty, and the entry says how it ended.
async fn end(vault: &Vault, id: Id, (how, completed, failed): (&str, u32, u32)) -> Result<(), Fault> {
    let (number, version, job) = known(vault, id)?;
    let (completed, failed, how) = (completed.into(), failed.into(), how.to_owned());
    let event = match job.task {
        TaskRecord::Move { destination, .. } => {
            Event::MoveEnded { destination, job: id, completed, failed, how }
        }
        TaskRecord::Report { report, .. } => {
            Event::CommitmentReported { transaction: report.transaction.into(), job: id, how }
        }
    };
    let envelope = Envelope {
        time: vault.clock.now().0,
        tenant: vault.tenant.as_str().to_owned(),
        actor: who::GATEWAY.to_owned(),
        door: Door::Dimse.to_string(),
        ..Envelope::default()
    };
    keep(vault, (number, version), (None, None), (envelope, event)).await
}

/// To whom a move's job sends, with its standing; the lease is renewed.
pub fn receiver(vault: &Vault, id: Id, arrival: &Arrival) -> Result<(Device, Context), Fault> {
    let until = vault.clock.monotonic().plus_seconds(LEASE_S);
    let (destination, operator) = {
        let mut jobs = lock(&vault.jobs);
        let (_, slot) = jobs.find(id).ok_or(Code::NotFound)?;
        slot.leased = Some(until);
        match slot.job.as_ref().map(|job| &job.task) {
            Some(TaskRecord::Move { destination, operator, .. }) => (destination.clone(), operator.clone()),
            _ => return Err(Code::NotFound.into()),
        }
    };
    who::receiver(vault, &destination, (arrival, &operator)).ok_or_else(|| Code::NotFound.into())
}

/// A machine by its name.
pub fn device(vault: &Vault, name: &str) -> Option<Device> {
    vault.options.devices.iter().find(|d| d.name == name).cloned()
}

/// As the gateway calls it.
pub fn peer(device: &Device) -> Peer {
    Peer {
        name: device.name.clone(),
        ae: device.ae.clone(),
        address: device.address.clone(),
        certificate: device.certificate.clone(),
    }
}
