//! Reading and writing frames.

use crate::{Code, Fault, VERSION};
use model::limits::MESSAGE_BYTES;
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Hello = 0,
    Call = 1,
    Body = 2,
    Reply = 3,
    Back = 4,
    Cancel = 5,
    BodyCredit = 6,
    BackCredit = 7,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Hello,
        Self::Call,
        Self::Body,
        Self::Reply,
        Self::Back,
        Self::Cancel,
        Self::BodyCredit,
        Self::BackCredit,
    ];
}

#[derive(Debug)]
pub(super) struct Frame {
    pub kind: Kind,
    pub call: u64,
    pub payload: Vec<u8>,
}

const HEAD: usize = 9;

impl Frame {
    pub fn new(kind: Kind, call: u64, payload: &impl Serialize) -> Result<Self, Fault> {
        let payload = postcard::to_stdvec(payload).map_err(|_| Code::Internal)?;
        if payload.len() + HEAD > MESSAGE_BYTES {
            return Err(Code::TooLarge.into());
        }
        Ok(Self { kind, call, payload })
    }

    pub const fn bare(kind: Kind, call: u64) -> Self {
        Self { kind, call, payload: Vec::new() }
    }

    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        match postcard::take_from_bytes(&self.payload) {
            Ok((value, [])) => Ok(value),
            _ => Err(Code::BadRequest.into()),
        }
    }
}

/// Reads one frame; nothing at a clean end. A length above the limit ends the connection before anything is allocated.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Frame>, Fault> {
    let mut len = [0u8; 4];
    match from.read_exact(&mut len).await {
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(_) => return Err(Code::Cut.into()),
    }
    let len = u32::from_be_bytes(len) as usize;
    if !(HEAD..=MESSAGE_BYTES).contains(&len) {
        return Err(Code::TooLarge.into());
    }
    let kind = from.read_u8().await.map_err(|_| Code::Cut)?;
    let call = from.read_u64().await.map_err(|_| Code::Cut)?;
    let kind = *Kind::ALL.get(usize::from(kind)).ok_or(Code::BadRequest)?;
    let mut payload = Vec::new();
    let wanted = len - HEAD;
    // Grows with what has come, not with what was announced.
    let got = from.take(wanted as u64).read_to_end(&mut payload).await.map_err(|_| Code::Cut)?;
    if got < wanted {
        return Err(Code::Cut.into());
    }
    Ok(Some(Frame { kind, call, payload }))
}

/// Greets, and checks the other side's greeting.
pub(super) async fn greet(
    read_half: &mut (impl AsyncRead + Unpin),
    out: &mpsc::Sender<Frame>,
) -> Result<(), Fault> {
    let hello = Frame::new(Kind::Hello, 0, &VERSION)?;
    out.send(hello).await.map_err(|_| Code::Cut)?;
    let frame = read(read_half).await?.ok_or(Code::Cut)?;
    match (frame.kind, frame.decode::<u16>()?) {
        (Kind::Hello, VERSION) => Ok(()),
        _ => Err(Code::WrongVersion.into()),
    }
}

/// Writes what comes through `frames` until all senders are gone.
pub(super) async fn write_all(mut to: impl AsyncWrite + Unpin, mut frames: mpsc::Receiver<Frame>) {
    while let Some(frame) = frames.recv().await {
        let Ok(len) = u32::try_from(frame.payload.len() + HEAD) else { return };
        let mut head = Vec::with_capacity(4 + HEAD);
        head.extend_from_slice(&len.to_be_bytes());
        head.push(frame.kind as u8);
        head.extend_from_slice(&frame.call.to_be_bytes());
        if to.write_all(&head).await.is_err() || to.write_all(&frame.payload).await.is_err() {
            return;
        }
        if frames.is_empty() && to.flush().await.is_err() {
            return;
        }
    }
    // The peer sees the end of the connection either way.
    let _ = to.shutdown().await;
}
