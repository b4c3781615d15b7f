//! Bodies that flow beside a message: bounded, cancelled by dropping, and never mistaken for complete when cut.

use crate::{Code, Fault};
use bytes::Bytes;
use model::{InstanceFacts, MaskFault, Uid};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// Items that may wait between sender and receiver.
pub const WINDOW: usize = 16;
/// Bytes of one chunk.
pub const CHUNK_BYTES: usize = 64 << 10;

/// One step of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Item {
    /// A new part begins; chunks until the next one belong to it.
    Part(Part),
    /// At most [`CHUNK_BYTES`] bytes.
    Chunk(Bytes),
    /// What is known only after the bytes.
    Trailer(Box<Trailer>),
    /// The sender is done; without it the stream was cut.
    End,
}

/// Head of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Media type without parameters, e.g. `application/dicom`.
    pub media: String,
    /// Transfer syntax of the bytes, for DICOM and frames.
    pub transfer_syntax: Option<Uid>,
    /// Series and SOP Instance UID as the caller may know them.
    pub instance: Option<(Uid, Uid)>,
    /// 1-based frame number (PS3.18 §8.2).
    pub frame: Option<u32>,
    /// Which of a value's bytes these are, when a part of them was asked for.
    pub span: Option<Box<Span>>,
    /// An object that was made of the one asked for, under a UID of its own.
    #[serde(default)]
    pub derived: bool,
}

/// A part of a value's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub from: u64,
    /// The one after the last.
    pub to: u64,
    /// Bytes of the whole value.
    pub total: u64,
}

/// What follows the bytes of an upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "an item holds it in a box")]
pub enum Trailer {
    /// What the door read in the object that just passed.
    Facts(InstanceFacts),
    /// The rest of the planes could not be read.
    Unread(MaskFault),
}

/// The sending end.
#[derive(Debug)]
pub struct Sink(mpsc::Sender<Result<Item, Fault>>);

/// The receiving end. Dropping it cancels the sender.
#[derive(Debug)]
pub struct Stream {
    receiver: mpsc::Receiver<Result<Item, Fault>>,
    ended: bool,
}

/// A new stream.
#[must_use]
pub fn stream() -> (Sink, Stream) {
    let (sender, receiver) = mpsc::channel(WINDOW);
    (Sink(sender), Stream { receiver, ended: false })
}

/// A stream without items.
#[must_use]
pub fn empty() -> Stream {
    let (sender, receiver) = mpsc::channel(1);
    let full = sender.try_send(Ok(Item::End)).is_err();
    debug_assert!(!full, "a new channel of one has room for one");
    Stream { receiver, ended: false }
}

/// A stream of one run of bytes, cut into chunks.
#[must_use]
pub fn of_bytes(bytes: Bytes) -> Stream {
    let chunks = bytes.len().div_ceil(CHUNK_BYTES);
    let (sender, receiver) = mpsc::channel(chunks + 1);
    let items = (0..chunks).map(|i| {
        let end = bytes.len().min((i + 1) * CHUNK_BYTES);
        Item::Chunk(bytes.slice(i * CHUNK_BYTES..end))
    });
    for item in items.chain([Item::End]) {
        if sender.try_send(Ok(item)).is_err() {
            break; // cannot be: the channel was made with room for all
        }
    }
    Stream { receiver, ended: false }
}

impl Sink {
    /// Sends one item, waiting for room.
    ///
    /// # Errors
    /// `cut` when the receiver is gone: the caller stops working.
    pub async fn send(&self, item: Item) -> Result<(), Fault> {
        self.0.send(Ok(item)).await.map_err(|_| Code::Cut.into())
    }

    /// Sends bytes as chunks of the right size.
    ///
    /// # Errors
    /// As [`Sink::send`].
    pub async fn bytes(&self, mut bytes: Bytes) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(CHUNK_BYTES));
            self.send(Item::Chunk(chunk)).await?;
        }
        Ok(())
    }

    /// The same from a thread without a runtime.
    ///
    /// # Errors
    /// As [`Sink::send`].
    pub fn blocking_send(&self, item: Item) -> Result<(), Fault> {
        self.0.blocking_send(Ok(item)).map_err(|_| Code::Cut.into())
    }

    /// Ends the stream well.
    ///
    /// # Errors
    /// As [`Sink::send`].
    pub async fn finish(self) -> Result<(), Fault> {
        self.send(Item::End).await
    }

    /// Ends the stream with a fault.
    pub async fn fail(self, fault: Fault) {
        // The receiver may be gone, which ends the stream just as well.
        let _ = self.0.send(Err(fault)).await;
    }

    /// Waits until the receiver is gone.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

impl Stream {
    /// The next item; nothing after a well-ended stream.
    ///
    /// # Errors
    /// The sender's fault, or `cut` when it went away before the end.
    pub async fn next(&mut self) -> Result<Option<Item>, Fault> {
        if self.ended {
            return Ok(None);
        }
        let item = self.receiver.recv().await;
        self.step(item)
    }

    /// The same from a thread without a runtime.
    ///
    /// # Errors
    /// As [`Stream::next`].
    pub fn blocking_next(&mut self) -> Result<Option<Item>, Fault> {
        if self.ended {
            return Ok(None);
        }
        let item = self.receiver.blocking_recv();
        self.step(item)
    }

    fn step(&mut self, item: Option<Result<Item, Fault>>) -> Result<Option<Item>, Fault> {
        match item {
            Some(Ok(Item::End)) => {
                self.ended = true;
                Ok(None)
            }
            Some(Ok(Item::Chunk(chunk))) if chunk.len() > CHUNK_BYTES => Err(Code::TooLarge.into()),
            Some(Ok(item)) => Ok(Some(item)),
            Some(Err(fault)) => Err(fault),
            None => Err(Code::Cut.into()),
        }
    }

    /// All chunks together, up to `limit` bytes; parts and trailers are skipped.
    ///
    /// # Errors
    /// As [`Stream::next`]; `too-large` above the limit.
    pub async fn collect(mut self, limit: usize) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        while let Some(item) = self.next().await? {
            if let Item::Chunk(chunk) = item {
                if out.len() + chunk.len() > limit {
                    return Err(Code::TooLarge.into());
                }
                out.extend_from_slice(&chunk);
            }
        }
        Ok(out)
    }
}
