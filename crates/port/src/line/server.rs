//! The answering side of a line.

use super::CALLS;
use super::frame::{self, Frame, Kind};
use super::streams::{self, Inbox};
use crate::{Archive, Call, Code, Credential, Fault, Item, Lease, Outcome, PixelWork, Response, Stream};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;

/// What answers on a line.
#[async_trait::async_trait]
pub trait Service: Send + Sync + 'static {
    /// The question.
    type Ask: DeserializeOwned + Send;
    /// The answer.
    type Answer: Serialize + Send;
    /// Answers one call.
    ///
    /// # Errors
    /// As the trait behind it.
    async fn answer(&self, ask: Self::Ask, body: Stream) -> Result<(Self::Answer, Stream), Fault>;
}

struct ArchiveService {
    archive: Arc<dyn Archive>,
    operator: bool,
}
struct PixelService(Arc<dyn PixelWork>);

#[async_trait::async_trait]
impl Service for ArchiveService {
    type Ask = Call;
    type Answer = Response;
    async fn answer(&self, ask: Call, body: Stream) -> Result<(Response, Stream), Fault> {
        // A gateway that was taken over must not be able to claim that it is the local operator.
        if ask.credential == Credential::Local && !self.operator {
            return Err(Code::NotSignedIn.into());
        }
        self.archive.call(ask, body).await
    }
}

#[async_trait::async_trait]
impl Service for PixelService {
    type Ask = Lease;
    type Answer = Outcome;
    async fn answer(&self, ask: Lease, body: Stream) -> Result<(Outcome, Stream), Fault> {
        self.0.work(ask, body).await
    }
}

/// Answers an archive's line until the peer goes away.
///
/// # Errors
/// `wrong-version`, `bad-request` or `too-large` when the peer breaks the rules; its calls are aborted.
pub async fn serve_archive(
    socket: impl AsyncRead + AsyncWrite + Send + 'static,
    archive: Arc<dyn Archive>,
) -> Result<(), Fault> {
    serve(socket, Arc::new(ArchiveService { archive, operator: false })).await
}

/// The same for the operator's own commands, which may claim [`Credential::Local`]: the caller vouches that nobody but
/// who can read the archive's keys reaches this socket.
///
/// # Errors
/// As [`serve_archive`].
pub async fn serve_operator(
    socket: impl AsyncRead + AsyncWrite + Send + 'static,
    archive: Arc<dyn Archive>,
) -> Result<(), Fault> {
    serve(socket, Arc::new(ArchiveService { archive, operator: true })).await
}

/// Answers a worker's line until the peer goes away.
///
/// # Errors
/// As [`serve_archive`].
pub async fn serve_pixels(
    socket: impl AsyncRead + AsyncWrite + Send + 'static,
    worker: Arc<dyn PixelWork>,
) -> Result<(), Fault> {
    serve(socket, Arc::new(PixelService(worker))).await
}

struct Running {
    body: Option<Inbox>,
    back_credit: Arc<Semaphore>,
    task: AbortHandle,
}

#[derive(Default)]
struct Calls {
    map: Mutex<HashMap<u64, Running>>,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Running>> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        for running in self.lock().values() {
            running.task.abort();
        }
    }
}

async fn serve<S: Service>(
    socket: impl AsyncRead + AsyncWrite + Send + 'static,
    service: Arc<S>,
) -> Result<(), Fault> {
    let (mut read_half, write_half) = tokio::io::split(socket);
    let (out, frames) = mpsc::channel(CALLS);
    tokio::spawn(async move { frame::write_all(write_half, frames).await });
    frame::greet(&mut read_half, &out).await?;
    let calls = Arc::new(Calls::default());
    let result = loop {
        match frame::read(&mut read_half).await {
            Ok(None) => break Ok(()),
            Ok(Some(frame)) => {
                if let Err(fault) = dispatch(&service, &calls, frame, &out).await {
                    break Err(fault);
                }
            }
            Err(fault) => break Err(fault),
        }
    };
    for (_, running) in calls.lock().drain() {
        running.task.abort();
    }
    result
}

async fn dispatch<S: Service>(
    service: &Arc<S>,
    calls: &Arc<Calls>,
    frame: Frame,
    out: &mpsc::Sender<Frame>,
) -> Result<(), Fault> {
    match frame.kind {
        Kind::Call => start(service, calls, &frame, out).await,
        Kind::Body => body_item(calls, &frame),
        Kind::BackCredit => {
            if let Some(running) = calls.lock().get(&frame.call) {
                running.back_credit.add_permits(1);
            }
            Ok(())
        }
        Kind::Cancel => {
            if let Some(running) = calls.lock().remove(&frame.call) {
                running.task.abort();
            }
            Ok(())
        }
        _ => Err(Code::BadRequest.into()),
    }
}

async fn start<S: Service>(
    service: &Arc<S>,
    calls: &Arc<Calls>,
    frame: &Frame,
    out: &mpsc::Sender<Frame>,
) -> Result<(), Fault> {
    let call = frame.call;
    let full = {
        let map = calls.lock();
        if map.contains_key(&call) {
            return Err(Code::BadRequest.into());
        }
        map.len() >= CALLS
    };
    let ask = frame.decode::<S::Ask>();
    let refusal = if full { Some(Fault::from(Code::Unavailable)) } else { ask.as_ref().err().cloned() };
    if let Some(fault) = refusal {
        let reply = Frame::new(Kind::Reply, call, &Err::<S::Answer, Fault>(fault))?;
        return out.send(reply).await.map_err(|_| Code::Cut.into());
    }
    let (body, stream) = streams::receive(Kind::BodyCredit, call, out.clone(), ());
    let back_credit = streams::credit();
    let (service, weak, credit, out) =
        (Arc::clone(service), Arc::downgrade(calls), Arc::clone(&back_credit), out.clone());
    let mut map = calls.lock();
    let task = tokio::spawn(async move {
        if let Ok(ask) = ask {
            answer(&*service, ask, call, stream, credit, out).await;
        }
        if let Some(calls) = weak.upgrade() {
            calls.lock().remove(&call);
        }
    });
    map.insert(call, Running { body: Some(body), back_credit, task: task.abort_handle() });
    Ok(())
}

async fn answer<S: Service>(
    service: &S,
    ask: S::Ask,
    call: u64,
    body: Stream,
    credit: Arc<Semaphore>,
    out: mpsc::Sender<Frame>,
) {
    let (reply, back) = match service.answer(ask, body).await {
        Ok((answer, back)) => (Frame::new(Kind::Reply, call, &Ok::<_, Fault>(answer)), Some(back)),
        Err(fault) => (Frame::new(Kind::Reply, call, &Err::<S::Answer, _>(fault)), None),
    };
    let Ok(reply) = reply.or_else(|fault| Frame::new(Kind::Reply, call, &Err::<S::Answer, Fault>(fault)))
    else {
        return;
    };
    if out.send(reply).await.is_ok()
        && let Some(back) = back
    {
        streams::send(back, Kind::Back, call, credit, out).await;
    }
}

fn body_item(calls: &Calls, frame: &Frame) -> Result<(), Fault> {
    let item = frame.decode::<Result<Item, Fault>>()?;
    let mut map = calls.lock();
    let Some(running) = map.get_mut(&frame.call) else {
        return Ok(()); // answered or cancelled already
    };
    let last = matches!(item, Err(_) | Ok(Item::End));
    let sent = match &running.body {
        Some(inbox) => inbox.try_send(item),
        None => Ok(()),
    };
    if last {
        running.body = None;
    }
    match sent {
        Err(mpsc::error::TrySendError::Full(_)) => Err(Code::BadRequest.into()),
        _ => Ok(()),
    }
}
