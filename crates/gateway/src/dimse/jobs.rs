//! Jobs that no association waits for: leased from the vault, performed, reported. After a restart everything that was asked
//! for and not finished comes back this way.

use super::Peers;
use super::call;
use super::commit;
use super::moving::Moving;
use super::wire::End;
use crate::http::serve::stopped;
use dicom::dimse::{Role, classes};
use model::{Arrival, Door, Id};
use port::transfer::{Job, Progress, Task};
use port::{Call, Credential, Fault, Request, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// The vault is asked this often.
const PAUSE: Duration = Duration::from_secs(5);
/// Performed at the same time.
const TOGETHER: usize = 4;

/// Performs jobs until the door closes.
pub async fn run(peers: Arc<Peers>) {
    let mut stop = peers.stop.clone();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.try_join_next().is_some() {}
        while under_way.len() < TOGETHER {
            let Some(job) = lease(&peers).await else { break };
            under_way.spawn(perform(Arc::clone(&peers), job));
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Performs one job that was leased already, beside everything else.
pub fn later(peers: &Arc<Peers>, job: Job) {
    tokio::spawn(perform(Arc::clone(peers), job));
}

async fn perform(peers: Arc<Peers>, job: Job) {
    let Some(peer) = job.peer.clone() else { return };
    match job.task.clone() {
        Task::Move { originator, message, lines } => {
            let mut moving = Moving::new(&peers, (job.id, peer), (originator, message), lines);
            if moving.sender.more() && moving.begin().await.is_err() {
                return moving.report(Progress::Failed).await;
            }
            while moving.sender.more() {
                moving.step().await;
            }
            moving.over(false).await;
        }
        Task::Report(_) => {
            let told = report(&peers, &job).await.unwrap_or(false);
            let progress = if told { DONE } else { Progress::Failed };
            // The vault gives it out again when this is lost.
            let _ = ask(&peers, Request::JobProgress { job: job.id, progress }).await;
        }
    }
}

const DONE: Progress = Progress::Done { completed: 1, failed: 0 };

/// PS3.4 §J.3.3: we are the provider, so we propose to be it.
async fn report(peers: &Peers, job: &Job) -> Result<bool, End> {
    let Some(peer) = &job.peer else { return Ok(false) };
    let syntaxes = classes::PLAIN_SYNTAXES.iter().map(|s| (*s).to_owned()).collect();
    let proposal = (classes::COMMITMENT.to_owned(), syntaxes);
    let role = Role { class: classes::COMMITMENT.to_owned(), scu: false, scp: true };
    let mut wire = call::call(peers, peer, &[proposal], &[role]).await?;
    let told = commit::tell(&mut wire, job).await;
    wire.release().await;
    told
}

/// A report was taken.
pub async fn done(peers: &Peers, job: Id) {
    // The vault gives it out again when this is lost: a report may come twice, never not at all.
    let _ = ask(peers, Request::JobProgress { job, progress: DONE }).await;
}

async fn lease(peers: &Peers) -> Option<Job> {
    match ask(peers, Request::LeaseJob).await {
        Ok(Response::Job(job)) => job,
        _ => None,
    }
}

async fn ask(peers: &Peers, request: Request) -> Result<Response, Fault> {
    let arrival = Arrival {
        door: Door::Dimse,
        peer: String::new(),
        certificate: String::new(),
        calling_ae: peers.title().to_owned(),
        called_ae: String::new(),
        software: String::new(),
        request: String::new(),
    };
    let call = Call { credential: Credential::Gateway, arrival, request };
    Ok(peers.archive.call(call, port::empty()).await?.0)
}
