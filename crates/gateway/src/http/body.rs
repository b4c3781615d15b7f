//! Bodies: what comes, with deadlines; what leaves, cut visibly when it fails.

use super::activity::{Activity, InFlight};
use super::limits;
use super::problem::Problem;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::{Response, StatusCode};
use port::Code;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// An answer.
pub type Reply = Response<Body>;

/// An answer with a status and a body.
#[must_use]
pub fn reply(status: StatusCode, body: Body) -> Reply {
    let mut out = Response::new(body);
    *out.status_mut() = status;
    out
}

/// The stream behind a body failed: the connection or HTTP/2 stream is cut, so that nobody takes the rest for the whole.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("body cut")]
pub struct Cut;

enum Step {
    Data(Bytes),
    End,
}

enum Kind {
    Empty,
    Full(Bytes),
    Flow(mpsc::Receiver<Step>),
}

/// A body that leaves.
pub struct Body {
    kind: Kind,
    in_flight: Option<InFlight>,
}

/// The writing end of a flowing body. Dropped without [`Outlet::end`], the body is cut.
pub struct Outlet(mpsc::Sender<Step>);

impl Body {
    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self { kind: Kind::Empty, in_flight: None }
    }

    /// All at once.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self { kind: Kind::Full(bytes.into()), in_flight: None }
    }

    /// Written while it is sent; dropping the body tells the writer to stop.
    #[must_use]
    pub fn flow() -> (Outlet, Self) {
        let (sender, receiver) = mpsc::channel(limits::WINDOW);
        (Outlet(sender), Self { kind: Kind::Flow(receiver), in_flight: None })
    }

    /// Counts the request as in flight until this body is gone.
    pub fn hold(&mut self, in_flight: InFlight) {
        self.in_flight = Some(in_flight);
    }
}

impl Outlet {
    /// Sends a piece, waiting for room.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub async fn send(&self, bytes: Bytes) -> Result<(), Cut> {
        self.0.send(Step::Data(bytes)).await.map_err(|_| Cut)
    }

    /// The body is complete.
    pub async fn end(self) {
        // Nobody reads any more: then nobody is misled either.
        let _ = self.0.send(Step::End).await;
    }

    /// Waits until nobody reads any more.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(in_flight) = &self.in_flight {
            in_flight.step();
        }
        match &mut self.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.kind = Kind::Empty;
                Poll::Ready((!bytes.is_empty()).then_some(Ok(Frame::data(bytes))))
            }
            Kind::Flow(receiver) => match std::task::ready!(receiver.poll_recv(cx)) {
                Some(Step::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::End) => {
                    self.kind = Kind::Empty;
                    Poll::Ready(None)
                }
                None => Poll::Ready(Some(Err(Cut))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Flow(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Flow(_) => SizeHint::default(),
        }
    }
}

trait Pull: Send + Sync {
    fn pull(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>>;
    fn done(&self) -> bool;
}

struct Source<B>(B);

impl<B: HttpBody<Data = Bytes> + Send + Sync + Unpin> Pull for Source<B> {
    fn pull(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        loop {
            match std::task::ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(Cut))),
                // Trailers say nothing that is used here.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(_) => continue,
                },
            }
        }
    }

    fn done(&self) -> bool {
        self.0.is_end_stream()
    }
}

/// A body that comes. Silence and crawling end it (slow POST attacks hold a connection for hours otherwise).
pub struct Incoming {
    source: Box<dyn Pull>,
    activity: Option<Arc<Activity>>,
    waited: Duration,
    received: u64,
}

impl Incoming {
    /// Reads `body`.
    #[must_use]
    pub fn new<B>(body: B, activity: Option<Arc<Activity>>) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + Sync + Unpin + 'static,
    {
        Self { source: Box::new(Source(body)), activity, waited: Duration::ZERO, received: 0 }
    }

    /// Nothing comes any more.
    #[must_use]
    pub fn done(&self) -> bool {
        self.source.done()
    }

    /// The next piece.
    ///
    /// # Errors
    /// Cut off (400) or too slow (408).
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let slow =
            || Problem::door(StatusCode::REQUEST_TIMEOUT, Code::Cut, "the request's body came too slowly");
        let since = tokio::time::Instant::now();
        let pulled = poll_fn(|cx| self.source.pull(cx));
        let piece = tokio::time::timeout(limits::BODY_SILENCE, pulled).await.map_err(|_| slow())?;
        self.waited += since.elapsed();
        let Some(piece) = piece else { return Ok(None) };
        let piece =
            piece.map_err(|_| Problem { detail: Some("the request's body was cut"), ..Problem::bad("") })?;
        self.received = self.received.saturating_add(piece.len() as u64);
        let earned = Duration::from_secs(self.received / limits::BODY_RATE);
        if self.waited > limits::BODY_GRACE.saturating_add(earned) {
            return Err(slow());
        }
        if let Some(activity) = &self.activity {
            activity.step();
        }
        Ok(Some(piece))
    }

    /// All of it, up to `limit` bytes.
    ///
    /// # Errors
    /// As [`Incoming::next`]; 413 above the limit.
    pub async fn collect(&mut self, limit: usize) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::new();
        while let Some(piece) = self.next().await? {
            if out.len() + piece.len() > limit {
                return Err(Code::TooLarge.into());
            }
            out.extend_from_slice(&piece);
        }
        Ok(out)
    }

    /// Reads a little of what nobody wants, so that a client that is still sending gets to read the refusal.
    pub async fn drain(&mut self) {
        let read = async {
            let start = self.received;
            while self.received - start < limits::DRAIN_BYTES && matches!(self.next().await, Ok(Some(_))) {}
        };
        // Whether it ended or not, the answer goes out now.
        let _ = tokio::time::timeout(limits::DRAIN, read).await;
    }
}
