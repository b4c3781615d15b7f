//! examine: Queued → Opened → Seen → Regions + Sidecar → Recorded. Runs behind every store and never in its way; who asks
//! for pixels moves their instance to the front.

mod arrivals;
mod queue;
mod series;
mod tries;

pub use arrivals::Arrivals;
pub use queue::Queue;
pub use tries::{FOLDER, Tries};

use crate::catalog::{InstanceRecord, Seen, Study};
use crate::object::ObjectReader;
use crate::retrieve::fragments;
use crate::vault::Vault;
use ledger::Event;
use model::{Mosaic, Uid, limits};
use port::archive::Retrieve;
use port::pixels::{Examined, UNKNOWN};
use port::{Code, Fault, Item, Lease, Outcome, Part, Stream, stream};
use std::sync::Arc;
use std::time::Duration;

/// How long a first request for pixels waits (DESIGN.md §3, Recognition).
const PATIENCE: Duration = Duration::from_secs(1);
/// An object of at most so many frames is looked at frame by frame: a name may stand on any of them.
const FRAMES_LOOKED_AT: u32 = 2_000;
/// Of one with more only the first are, for its class; the finder, which was not shown the rest, then hides all.
const FRAMES_OF_LONG: u32 = 16;
/// Objects examined at the same time, besides those that somebody waits for. The worker takes turns frame by frame, so
/// that a long one does not hold up the others.
const TOGETHER: usize = 2;

/// Examines what is queued, until the vault goes away: some of any kind, and always one more that somebody waits for.
pub async fn run(vault: Arc<Vault>) {
    let waiting = vault.catalog().unexamined();
    for uid in waiting {
        vault.queue.push(uid);
    }
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..=TOGETHER {
        lanes.spawn(run_lane(Arc::clone(&vault), lane == TOGETHER));
    }
    // Dropped with this call, the set ends its lanes.
    while lanes.join_next().await.is_some() {}
}

async fn run_lane(vault: Arc<Vault>, awaited_only: bool) {
    loop {
        if !awaited_only {
            vault.queue.some().await;
            vault.arrivals.quiet().await;
        }
        let uid = vault.queue.next(awaited_only).await;
        if let Err(fault) = examine(&vault, &uid).await {
            tracing::warn!(code = fault.code.as_str(), "an instance could not be examined");
        }
        vault.queue.done(&uid);
    }
}

/// Examines one instance; what cannot be looked at is marked so, and then withheld from masked grants.
async fn examine(vault: &Vault, uid: &Uid) -> Result<(), Fault> {
    let found = tokio::task::block_in_place(|| vault.instance(uid))?;
    let Some((study, record)) = found else { return Ok(()) };
    if record.seen.is_some() && !vault.queue.again(uid) {
        return Ok(());
    }
    let Some(begun) = vault.tries.begin(record.object) else {
        tracing::error!(object = %record.object, "in work when the archive died, twice: it is not looked at again");
        return keep(vault, study, record, unseen()).await;
    };
    let examined = match look(vault, &study, &record).await {
        Ok(examined) => examined,
        Err(fault) if matches!(fault.code, Code::Unavailable | Code::Cut) => return Err(fault),
        Err(_) => unseen(),
    };
    drop(begun);
    keep(vault, study, record, examined).await
}

async fn look(vault: &Vault, study: &Study, record: &InstanceRecord) -> Result<Examined, Fault> {
    let image = record.image.clone().ok_or(Code::Unsupported)?;
    let object = vault.open_object(study.patient(), record).await?;
    let noise = vault.noise_key(study.patient(), record.object)?;
    let body = frames(object, image.frames);
    let glance = series::bears_no_words(study, record, &image);
    let (outcome, _) =
        vault.pixels.work(Lease::Examine { image: Box::new(image), noise, glance }, body).await?;
    match outcome {
        Outcome::Examined(examined) if examined.regions.len() <= limits::REGIONS => Ok(*examined),
        _ => Err(Code::Internal.into()),
    }
}

/// Nothing could be said: the highest level, and no pixel for a masked grant.
fn unseen() -> Examined {
    Examined {
        regions: Vec::new(),
        fallback: true,
        class: UNKNOWN.to_owned(),
        level: 5,
        withheld: true,
        mosaics: Vec::new(),
        maskable: false,
    }
}

/// How many frames are looked at, from the first.
const fn looked_at(count: u32) -> u32 {
    if count > FRAMES_LOOKED_AT { FRAMES_OF_LONG } else { count }
}

fn frames(object: ObjectReader, count: u32) -> Stream {
    let (sink, body) = stream();
    tokio::spawn(async move {
        for number in 1..=looked_at(count) {
            let bytes = match fragments(&object, number).await {
                Ok(bytes) => bytes,
                Err(fault) => return sink.fail(fault).await,
            };
            let head = Part {
                media: String::new(),
                transfer_syntax: None,
                instance: None,
                frame: Some(number),
                span: None,
                derived: false,
            };
            if sink.send(Item::Part(head)).await.is_err() || sink.bytes(bytes).await.is_err() {
                return;
            }
        }
        drop(sink.finish().await);
    });
    body
}

/// Regions into the index, the mosaic layer into the sealed sidecar, both with the entry in one commit.
async fn keep(
    vault: &Vault,
    study: Arc<Study>,
    record: Arc<InstanceRecord>,
    examined: Examined,
) -> Result<(), Fault> {
    let Examined { regions, fallback, class, level, withheld, mosaics, maskable } = examined;
    let event = Event::Examined {
        object: record.object,
        regions: regions.len() as u64,
        fallback,
        class: class.clone(),
        level,
        mosaic_digest: mosaic_digest(&mosaics),
    };
    let seen = Seen { regions, fallback, class, level, withheld, maskable, mosaic: !mosaics.is_empty() };
    vault.keep_seen(study, &record, seen, &mosaics, event).await?;
    // Behind the change: what is searched again must see that its series bears words. Whatever was in work meanwhile sees
    // it here, on its own account.
    let now = tokio::task::block_in_place(|| vault.instance(&record.sop_uid))?;
    vault.queue.search_again(now.map_or_else(Vec::new, |(study, record)| series::to_search(&study, &record)));
    Ok(())
}

fn mosaic_digest(mosaics: &[Mosaic]) -> [u8; 32] {
    let bytes = postcard::to_stdvec(mosaics).unwrap_or_default();
    crypto::sha256(&bytes)
}

impl Vault {
    /// The study as it is when the instances asked for were examined, or after a second.
    pub async fn examined(&self, study: Arc<Study>, ask: &Retrieve) -> Arc<Study> {
        let waits = |study: &Study| -> Vec<Uid> {
            let open = study.instances().filter(|(_, i)| i.record.seen.is_none() && i.record.image.is_some());
            let asked =
                open.filter(|(_, i)| ask.instance.as_ref().is_none_or(|uid| *uid == i.record.sop_uid));
            asked.map(|(_, i)| i.record.sop_uid.clone()).collect()
        };
        let waiting = waits(&study);
        if waiting.is_empty() {
            return study;
        }
        for uid in waiting {
            self.queue.first(uid);
        }
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            let progress = self.queue.progress();
            let now = self.study(&study.record.uid).ok().flatten().unwrap_or_else(|| Arc::clone(&study));
            if waits(&now).is_empty() {
                return now;
            }
            tokio::select! {
                () = progress => {}
                () = &mut patience => return now,
            }
        }
    }
}

#[cfg(test)]
mod tests;
