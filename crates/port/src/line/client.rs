//! The asking side of a line.

use super::frame::{self, Frame, Kind};
use super::streams::{self, Inbox};
use crate::{Archive, Call, Code, Fault, Item, Lease, Outcome, PixelWork, Response, Stream};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc, oneshot};

struct Pending {
    reply: Option<oneshot::Sender<Frame>>,
    back: Inbox,
    body_credit: Arc<Semaphore>,
}

#[derive(Default)]
struct Calls {
    map: Mutex<HashMap<u64, Pending>>,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Pending>> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection to a vault (`Client<Call, Response>`) or a worker (`Client<Lease, Outcome>`).
pub struct Client<Ask, Answer> {
    out: mpsc::Sender<Frame>,
    calls: Arc<Calls>,
    next: AtomicU64,
    types: PhantomData<fn(Ask) -> Answer>,
}

impl<Ask: Serialize, Answer: DeserializeOwned> Client<Ask, Answer> {
    /// Starts a line over a connected byte stream.
    ///
    /// # Errors
    /// `wrong-version`, or `cut` when the other side is not there.
    pub async fn connect(socket: impl AsyncRead + AsyncWrite + Send + 'static) -> Result<Self, Fault> {
        let (mut read_half, write_half) = tokio::io::split(socket);
        let (out, frames) = mpsc::channel(super::CALLS);
        tokio::spawn(async move { frame::write_all(write_half, frames).await });
        frame::greet(&mut read_half, &out).await?;
        let calls = Arc::new(Calls::default());
        let reader = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok(Some(frame)) = frame::read(&mut read_half).await {
                if dispatch(&reader, frame).is_err() {
                    break;
                }
            }
            // Dropping the entries fails every call and stream with `cut` or `unavailable`.
            reader.lock().clear();
        });
        Ok(Self { out, calls, next: AtomicU64::new(1), types: PhantomData })
    }

    async fn ask(&self, ask: &Ask, body: Stream) -> Result<(Answer, Stream), Fault> {
        let call = self.next.fetch_add(1, Ordering::Relaxed);
        let mut guard = Cancel { call, out: self.out.clone(), calls: Arc::clone(&self.calls), armed: true };
        let (reply, answered) = oneshot::channel();
        let late = Cancel { call, out: self.out.clone(), calls: Arc::clone(&self.calls), armed: true };
        let (back, stream) = streams::receive(Kind::BackCredit, call, self.out.clone(), late);
        let body_credit = streams::credit();
        let credit = Arc::clone(&body_credit);
        self.calls.lock().insert(call, Pending { reply: Some(reply), back, body_credit });
        let frame = Frame::new(Kind::Call, call, ask)?;
        self.out.send(frame).await.map_err(|_| Code::Unavailable)?;
        tokio::spawn(streams::send(body, Kind::Body, call, credit, self.out.clone()));
        let frame = answered.await.map_err(|_| Code::Unavailable)?;
        let answer = frame.decode::<Result<Answer, Fault>>()?;
        if answer.is_ok() {
            guard.armed = false;
        }
        answer.map(|answer| (answer, stream))
    }
}

/// Tells the other side that nobody waits any more, unless disarmed.
struct Cancel {
    call: u64,
    out: mpsc::Sender<Frame>,
    calls: Arc<Calls>,
    armed: bool,
}

impl Drop for Cancel {
    fn drop(&mut self) {
        if self.armed && self.calls.lock().remove(&self.call).is_some() {
            let (out, call) = (self.out.clone(), self.call);
            // Without room the call ends with the connection.
            let _ = out.try_send(Frame::bare(Kind::Cancel, call));
        }
    }
}

fn dispatch(calls: &Calls, frame: Frame) -> Result<(), Fault> {
    let mut map = calls.lock();
    let Some(pending) = map.get_mut(&frame.call) else {
        return Ok(()); // cancelled a moment ago
    };
    match frame.kind {
        Kind::Reply => {
            if let Some(reply) = pending.reply.take() {
                // The asker may be gone; its guard cancels.
                let _ = reply.send(frame);
            }
            Ok(())
        }
        Kind::Back => {
            let item = frame.decode::<Result<Item, Fault>>()?;
            let last = matches!(item, Err(_) | Ok(Item::End));
            let sent = pending.back.try_send(item);
            if last {
                map.remove(&frame.call);
            }
            match sent {
                Err(mpsc::error::TrySendError::Full(_)) => Err(Code::BadRequest.into()),
                _ => Ok(()),
            }
        }
        Kind::BodyCredit => {
            pending.body_credit.add_permits(1);
            Ok(())
        }
        _ => Err(Code::BadRequest.into()),
    }
}

#[async_trait::async_trait]
impl Archive for Client<Call, Response> {
    async fn call(&self, call: Call, body: Stream) -> Result<(Response, Stream), Fault> {
        self.ask(&call, body).await
    }
}

#[async_trait::async_trait]
impl PixelWork for Client<Lease, Outcome> {
    async fn work(&self, lease: Lease, body: Stream) -> Result<(Outcome, Stream), Fault> {
        self.ask(&lease, body).await
    }
}
