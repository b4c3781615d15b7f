//! Moving stream items over a line: the sender holds one permit an item, the receiver gives it back when consumed.

use super::frame::{Frame, Kind};
use crate::stream::WINDOW;
use crate::{Code, Fault, Item, Sink, Stream};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// The sending side's permits.
pub(super) fn credit() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(WINDOW))
}

/// Items that came and were not consumed yet. A peer that sends more than its permits ends the connection.
pub(super) type Inbox = mpsc::Sender<Result<Item, Fault>>;

/// Sends all of `stream` as frames of `kind`; stops when the line or the credit is gone.
pub(super) async fn send(
    mut stream: Stream,
    kind: Kind,
    call: u64,
    credit: Arc<Semaphore>,
    out: mpsc::Sender<Frame>,
) {
    loop {
        let item: Result<Item, Fault> = match stream.next().await {
            Ok(Some(item)) => Ok(item),
            Ok(None) => Ok(Item::End),
            Err(fault) => Err(fault),
        };
        let last = matches!(item, Err(_) | Ok(Item::End));
        let Ok(permit) = credit.acquire().await else { return };
        permit.forget();
        let frame =
            Frame::new(kind, call, &item).or_else(|fault| Frame::new(kind, call, &Err::<Item, Fault>(fault)));
        let Ok(frame) = frame else { return };
        if out.send(frame).await.is_err() || last {
            return;
        }
    }
}

/// Makes the receiving side: an inbox for the reader and a stream for the consumer.
/// `guard` lives as long as the stream flows; dropped, it cancels what is still open.
pub(super) fn receive(
    credit_kind: Kind,
    call: u64,
    out: mpsc::Sender<Frame>,
    guard: impl Send + 'static,
) -> (Inbox, Stream) {
    let (inbox, mut items) = mpsc::channel::<Result<Item, Fault>>(WINDOW);
    let (sink, stream) = crate::stream();
    tokio::spawn(async move {
        // A consumer that went away is no fault: the guard tells the other side.
        let _ = forward(&mut items, sink, credit_kind, call, &out).await;
        drop(guard);
    });
    (inbox, stream)
}

async fn forward(
    items: &mut mpsc::Receiver<Result<Item, Fault>>,
    sink: Sink,
    credit_kind: Kind,
    call: u64,
    out: &mpsc::Sender<Frame>,
) -> Result<(), Fault> {
    loop {
        let item = tokio::select! {
            item = items.recv() => item,
            () = sink.closed() => return Err(Code::Cut.into()),
        };
        match item {
            Some(Ok(Item::End)) => return sink.finish().await,
            Some(Ok(item)) => sink.send(item).await?,
            Some(Err(fault)) => {
                sink.fail(fault).await;
                return Ok(());
            }
            // The connection ended: the consumer must not take this for the end of the stream.
            None => {
                sink.fail(Code::Cut.into()).await;
                return Ok(());
            }
        }
        out.send(Frame::bare(credit_kind, call)).await.map_err(|_| Code::Cut)?;
    }
}
