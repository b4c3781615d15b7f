//! Pixel work on a bounded number of threads, viewing before examining.

use crate::{Deadline, Examiner, frame, head};
use bytes::Bytes;
use model::{ImageInfo, limits};
use port::pixels::{FrameLease, HeadLease};
use port::{Code, Fault, Item, Lease, Outcome, PixelWork, Stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Time of one frame's decoding. The largest frame of honest senders takes a few seconds.
const FRAME_TIME: Duration = Duration::from_secs(60);

/// Room made for a frame at once, so that it is not copied while it grows; a larger one grows.
const RESERVED_BYTES: usize = 64 << 20;

/// A pool. Dropping a call ends it: at once while it waits or its body flows, else at the next row of the frame in work,
/// whose place stays taken until then.
pub struct Pool {
    /// Places to work.
    places: Arc<Semaphore>,
    /// Places that examining may take: one is always left for somebody who waits at a screen.
    examining: Arc<Semaphore>,
}

impl Pool {
    /// A pool of so many threads, at least one. With one, examining and viewing take turns frame by frame.
    #[must_use]
    pub fn new(threads: usize) -> Arc<Self> {
        let threads = threads.clamp(1, 1024);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(threads)),
            examining: Arc::new(Semaphore::new((threads - 1).max(1))),
        })
    }

    async fn frame(&self, lease: Box<FrameLease>, body: Stream) -> Result<(Outcome, Stream), Fault> {
        let (stored, encoded) = head_and_frame(body, &lease.image).await?;
        let job = move |over: &AtomicBool| {
            let over = || over.load(Ordering::Relaxed);
            frame(&lease, &stored, &encoded, &Deadline::new(&over))
        };
        let (outcome, bytes) = self.work(job).await??;
        Ok((outcome, port::stream::of_bytes(Bytes::from(bytes))))
    }

    async fn head(&self, lease: Box<HeadLease>, body: Stream) -> Result<(Outcome, Stream), Fault> {
        let stored = body.collect(limits::HEADER_BYTES).await?;
        let (outcome, bytes) = self.work(move |_| head(&lease, &stored)).await??;
        Ok((outcome, port::stream::of_bytes(Bytes::from(bytes))))
    }

    async fn examine(
        &self,
        (image, noise, glance): (Box<ImageInfo>, [u8; 32], bool),
        mut body: Stream,
    ) -> Result<(Outcome, Stream), Fault> {
        let bound = encoded_bound(&image);
        let mut examiner = Examiner::new(&image, noise, glance);
        let mut open: Option<(u32, Vec<u8>)> = None;
        loop {
            let item = body.next().await?;
            match item {
                Some(Item::Chunk(chunk)) => {
                    let (_, bytes) = open.as_mut().ok_or(Code::BadRequest)?;
                    if bytes.len() + chunk.len() > bound {
                        return Err(Code::TooLarge.into());
                    }
                    bytes.extend_from_slice(&chunk);
                }
                Some(Item::Part(ref part)) => {
                    let number = part.frame.ok_or(Code::BadRequest)?;
                    let room = Vec::with_capacity(image.frame_bytes().unwrap_or(0).min(RESERVED_BYTES));
                    if let Some(frame) = open.replace((number, room)) {
                        examiner = self.look(examiner, frame, |examiner| examiner).await?;
                    }
                }
                None => {
                    let examined = match open.take() {
                        Some(frame) => self.look(examiner, frame, Examiner::finish).await?,
                        None => self.examining(move |_| examiner.finish()).await?,
                    };
                    return Ok((Outcome::Examined(Box::new(examined)), port::empty()));
                }
                Some(_) => return Err(Code::BadRequest.into()),
            }
        }
    }

    /// One frame, and what is to be done after it in the same turn.
    async fn look<T: Send + 'static>(
        &self,
        mut examiner: Examiner,
        (number, bytes): (u32, Vec<u8>),
        then: fn(Examiner) -> T,
    ) -> Result<T, Fault> {
        self.examining(move |over| {
            let over = || over.load(Ordering::Relaxed);
            examiner.frame(number, &bytes, &Deadline::new(&over));
            then(examiner)
        })
        .await
    }

    /// One turn of examining. Turns are given in the order asked for, a frame each: a long object delays a short one by a
    /// frame at a time.
    async fn examining<T: Send + 'static>(
        &self,
        job: impl FnOnce(&AtomicBool) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let _turn = place(&self.examining).await?;
        self.work(job).await
    }

    /// Runs on a thread of its own when a place is free. What panics there is the object's fault and fails this call
    /// only: the same bytes would do it again.
    ///
    /// The job is told when its time is over, and when nobody waits for it any more.
    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&AtomicBool) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let place = place(&self.places).await?;
        let end = Ending(Arc::default());
        let over = Arc::clone(&end.0);
        let mut done = tokio::task::spawn_blocking(move || {
            let _place = place;
            job(&over)
        });
        if let Ok(done) = tokio::time::timeout(FRAME_TIME, &mut done).await {
            return finished(done);
        }
        end.0.store(true, Ordering::Relaxed);
        finished(done.await)
    }
}

fn finished<T>(done: Result<T, tokio::task::JoinError>) -> Result<T, Fault> {
    done.map_err(|error| Fault::from(if error.is_panic() { Code::BadObject } else { Code::Unavailable }))
}

/// Says "over" when it is dropped: the caller went away.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The body of a frame lease: the head as a part without a frame number, when there is one, then the frame.
async fn head_and_frame(mut body: Stream, image: &ImageInfo) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let bound = encoded_bound(image);
    let (mut head, mut encoded) = (Vec::new(), Vec::new());
    let mut in_head = false;
    while let Some(item) = body.next().await? {
        match item {
            Item::Part(part) => in_head = part.frame.is_none(),
            Item::Chunk(chunk) => {
                let (to, most) =
                    if in_head { (&mut head, limits::HEADER_BYTES) } else { (&mut encoded, bound) };
                if to.len() + chunk.len() > most {
                    return Err(Code::TooLarge.into());
                }
                if to.is_empty() && !in_head {
                    to.reserve(image.frame_bytes().unwrap_or(0).min(RESERVED_BYTES));
                }
                to.extend_from_slice(&chunk);
            }
            _ => return Err(Code::BadRequest.into()),
        }
    }
    Ok((head, encoded))
}

async fn place(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Fault> {
    Arc::clone(semaphore).acquire_owned().await.map_err(|_| Code::Unavailable.into())
}

/// Encoded frames are bounded; a native one is as large as it is decoded.
fn encoded_bound(image: &ImageInfo) -> usize {
    limits::ENCODED_FRAME_BYTES.max(image.frame_bytes().unwrap_or(0) + 1)
}

#[async_trait::async_trait]
impl PixelWork for Pool {
    async fn work(&self, lease: Lease, body: Stream) -> Result<(Outcome, Stream), Fault> {
        match lease {
            Lease::Examine { image, noise, glance } => self.examine((image, noise, glance), body).await,
            Lease::Frame(lease) => self.frame(lease, body).await,
            Lease::Head(lease) => self.head(lease, body).await,
        }
    }
}
