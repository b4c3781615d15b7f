//! A socket under an association: reads with deadlines, writes what is to be sent, remembers who cancelled what.

use super::SEND;
use crate::http::serve::{Stop, stopped};
use dicom::bounds;
use dicom::dimse::{Association, Command, Event, field};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

/// Read at once.
const READ_BYTES: usize = 64 << 10;
/// Messages that may be cancelled before their turn comes.
const CANCELS: usize = 16;
/// A peer that took the end of an association, or is gone.
const FAREWELL: Duration = Duration::from_secs(2);

/// TCP or TLS.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Socket for S {}

/// Why there is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing came in time; the association stands.
    Silent,
    /// The peer is gone, broke a rule, or the door closes.
    Closed,
}

/// One association on its socket.
pub struct Wire<S> {
    socket: S,
    /// The protocol.
    pub association: Association,
    events: VecDeque<Event>,
    buffer: Vec<u8>,
    cancelled: VecDeque<u16>,
    closed: bool,
    stop: Stop,
}

impl<S: Socket> Wire<S> {
    /// Over a connected socket.
    pub fn new(socket: S, association: Association, stop: Stop) -> Self {
        Self {
            socket,
            association,
            events: VecDeque::new(),
            buffer: vec![0; READ_BYTES],
            cancelled: VecDeque::new(),
            closed: false,
            stop,
        }
    }

    /// Who works at the peer was found out: the association stands.
    pub fn admit(&mut self) {
        self.events.extend(self.association.admit());
    }

    /// The next event; what waits to be sent goes out before.
    pub async fn next(&mut self, patience: Duration) -> Result<Event, End> {
        self.next_by(Instant::now() + patience).await
    }

    /// The same with a deadline: a peer that sends byte by byte does not move it.
    pub async fn next_by(&mut self, until: Instant) -> Result<Event, End> {
        self.flush().await?;
        loop {
            while let Some(event) = self.events.pop_front() {
                if !self.cancels(&event) {
                    return Ok(event);
                }
            }
            if self.closed {
                return Err(End::Closed);
            }
            let read = tokio::select! {
                read = timeout_at(until, self.socket.read(&mut self.buffer)) => read,
                // Between two messages nothing is lost; during a store the peer gets no success and sends again.
                () = stopped(&mut self.stop) => return Err(End::Closed),
            };
            match read {
                Err(_) => return Err(End::Silent),
                Ok(read) => self.take(read.unwrap_or(0)).await,
            }
        }
    }

    /// C-CANCEL is kept aside: its message may be under way.
    fn cancels(&mut self, event: &Event) -> bool {
        let Event::Command { command: Command { field: field::CANCEL, message, .. }, .. } = event else {
            return false;
        };
        self.cancelled.push_back(*message);
        if self.cancelled.len() > CANCELS {
            self.cancelled.pop_front();
        }
        true
    }

    async fn take(&mut self, count: usize) {
        let bytes = self.buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            self.closed = true;
            return;
        }
        match self.association.push(bytes) {
            Ok(events) => self.events.extend(events),
            Err(error) => {
                tracing::info!(%error, "an association broke a rule");
                self.closed = true;
                // The peer is told by an abort.
                let _ = self.write().await;
            }
        }
    }

    /// Takes what came meanwhile without waiting, and says whether a message was cancelled or the peer is gone.
    pub async fn interrupted(&mut self, message: u16) -> Result<bool, End> {
        if self.events.len() < CANCELS && !self.closed {
            // Looked at once: a timer of no length still takes a millisecond.
            let came = {
                let mut read = pin!(self.socket.read(&mut self.buffer));
                poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await
            };
            if let Poll::Ready(read) = came {
                self.take(read.unwrap_or(0)).await;
            }
        }
        let mut others = VecDeque::new();
        while let Some(event) = self.events.pop_front() {
            if !self.cancels(&event) {
                others.push_back(event);
            }
        }
        self.events = others;
        let over = |event: &Event| matches!(event, Event::Released | Event::Aborted);
        if self.closed || self.events.iter().any(over) {
            return Err(End::Closed);
        }
        Ok(self.cancelled.contains(&message))
    }

    /// All data of the message that just came; nothing when the peer is gone or the data are above the limit.
    pub async fn data(&mut self, patience: Duration) -> Result<Vec<u8>, End> {
        let until = Instant::now() + patience;
        let mut out = Vec::new();
        loop {
            match self.next_by(until).await? {
                Event::Data(bytes) => {
                    if out.len() + bytes.len() > bounds::IDENTIFIER_BYTES {
                        return Err(End::Closed);
                    }
                    out.extend(bytes);
                }
                Event::DataEnd => return Ok(out),
                _ => return Err(End::Closed),
            }
        }
    }

    /// Reads past data that nobody wants.
    pub async fn skip(&mut self, patience: Duration) -> Result<(), End> {
        loop {
            match self.next(patience).await? {
                Event::Data(_) => {}
                Event::DataEnd => return Ok(()),
                _ => return Err(End::Closed),
            }
        }
    }

    /// Sends what waits to be sent.
    pub async fn flush(&mut self) -> Result<(), End> {
        if self.closed {
            return Err(End::Closed);
        }
        let sent = self.write().await;
        self.closed |= sent.is_err();
        sent
    }

    async fn write(&mut self) -> Result<(), End> {
        let output = self.association.output();
        if output.is_empty() {
            return Ok(());
        }
        let sent = timeout(SEND, async {
            self.socket.write_all(&output).await?;
            self.socket.flush().await
        });
        if matches!(sent.await, Ok(Ok(()))) { Ok(()) } else { Err(End::Closed) }
    }

    /// Answers a command; the answer goes out with the next flush.
    pub fn answer(&mut self, context: u8, command: &Command) {
        self.association.send(context, command);
    }

    /// Asks for the end of our own association and waits for it.
    pub async fn release(mut self) {
        self.association.release();
        while let Ok(event) = self.next(FAREWELL).await {
            if matches!(event, Event::Released | Event::Aborted) {
                break;
            }
        }
        self.shut().await;
    }

    /// The rest goes out, then the socket is closed: by the peer that opened it (PS3.8 §9.2.3, Sta13), or it may take our end
    /// for an abort.
    pub async fn close(mut self) {
        // The peer may be gone already.
        let _ = self.write().await;
        if !self.closed {
            let ended =
                async { while self.socket.read(&mut self.buffer).await.is_ok_and(|read| read > 0) {} };
            tokio::select! {
                _ = timeout(FAREWELL, ended) => {}
                () = stopped(&mut self.stop) => {}
            }
        }
        self.shut().await;
    }

    async fn shut(mut self) {
        let _ = self.write().await;
        let _ = timeout(FAREWELL, self.socket.shutdown()).await;
    }
}
