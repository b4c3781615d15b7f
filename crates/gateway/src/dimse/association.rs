//! One association: bytes in, stores out. The vault's pace is the socket's: nothing is read while a chunk waits.

use super::{ARTIM, IDLE, MAX_PDU, Peers, SEND};
use crate::dicomweb::{Fed, Outcome, dimse_status};
use crate::http::request_id;
use crate::http::serve::{Stop, stopped};
use bytes::Bytes;
use dicom::dimse::{Acceptor, Event, Options, p10_prefix};
use model::{Arrival, Door};
use port::{Call, Code, Credential, Fault, Request, Response};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinHandle;

/// Read at once.
const READ_BYTES: usize = 64 << 10;
/// The vault's answer after the last byte of an object.
const ANSWER: Duration = Duration::from_secs(60);
/// PS3.7 §C.5.8: processing failure.
const PROCESSING_FAILURE: u16 = 0x0110;

/// A store under way.
struct Store {
    fed: Fed,
    answer: JoinHandle<Result<Response, Fault>>,
    named: (String, String),
}

struct Association<'a> {
    peers: &'a Peers,
    arrival: Arrival,
    store: Option<Store>,
}

/// Serves one peer until it releases, breaks a rule, falls silent, or the door closes.
pub async fn serve<S>(peers: &Peers, mut socket: S, peer: SocketAddr, certificate: String, stop: &mut Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let options = Options { called_ae: peers.called_ae.clone(), private_classes: false, max_pdu: MAX_PDU };
    let mut acceptor = Acceptor::new(options);
    let arrival = Arrival {
        door: Door::Dimse,
        peer: peer.to_string(),
        certificate,
        calling_ae: String::new(),
        called_ae: String::new(),
        software: String::new(),
        request: String::new(),
    };
    let mut association = Association { peers, arrival, store: None };
    // A deadline, not a silence: a request sent byte by byte does not move it.
    let artim = tokio::time::Instant::now() + ARTIM;
    let mut open = false;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let until = if open { tokio::time::Instant::now() + IDLE } else { artim };
        let read = tokio::select! {
            read = tokio::time::timeout_at(until, socket.read(&mut buffer)) => read,
            // Between two stores nothing is lost; during one the peer gets no success and sends again.
            () = stopped(stop) => break,
        };
        let Ok(Ok(count)) = read else { break };
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        let pushed = acceptor.push(bytes);
        let broken = pushed.is_err();
        let mut over = broken;
        for event in pushed.unwrap_or_default() {
            open |= matches!(event, Event::Associated { .. });
            over |= matches!(event, Event::Rejected | Event::Released | Event::Aborted);
            if let Some(status) = association.event(event).await {
                over |= acceptor.answer(status).is_err();
            }
        }
        let output = acceptor.output();
        let sent = tokio::time::timeout(SEND, async {
            socket.write_all(&output).await?;
            socket.flush().await
        });
        if !matches!(sent.await, Ok(Ok(()))) || over {
            break;
        }
    }
    association.abandon();
    // The peer may be gone already.
    let _ = tokio::time::timeout(Duration::from_secs(2), socket.shutdown()).await;
}

impl Association<'_> {
    /// Handles one event; a status: the answer to the store that just ended.
    async fn event(&mut self, event: Event) -> Option<u16> {
        match event {
            Event::Associated { calling, called, software } => {
                self.arrival.calling_ae = calling;
                self.arrival.called_ae = called;
                self.arrival.software = software;
                None
            }
            Event::StoreBegin { sop_class, sop_uid, transfer_syntax, move_originator: _ } => {
                self.begin(sop_class, sop_uid, &transfer_syntax).await;
                None
            }
            Event::Data(bytes) => {
                if let Some(store) = &mut self.store {
                    store.fed.push(Bytes::from(bytes)).await;
                }
                None
            }
            Event::StoreEnd => Some(self.end().await),
            Event::Echo | Event::Rejected | Event::Released | Event::Aborted => None,
        }
    }

    async fn begin(&mut self, sop_class: String, sop_uid: String, syntax: &str) {
        self.abandon();
        // Without an id the request cannot be found again in the log; without a prefix there is no file.
        let prefix = p10_prefix(&sop_class, &sop_uid, syntax, &self.arrival.calling_ae);
        let (Some(request), Ok(prefix)) = (request_id(), prefix) else { return };
        self.arrival.request = request;
        let (sink, stream) = port::stream();
        let call = Call {
            credential: Credential::Device,
            arrival: self.arrival.clone(),
            request: Request::Store { study: None },
        };
        let archive = std::sync::Arc::clone(&self.peers.archive);
        let answer =
            tokio::spawn(async move { archive.call(call, stream).await.map(|(response, _)| response) });
        let mut fed = Fed::new(sink);
        fed.push(Bytes::from(prefix)).await;
        self.store = Some(Store { fed, answer, named: (sop_class, sop_uid) });
    }

    async fn end(&mut self) -> u16 {
        let Some(Store { mut fed, answer, named }) = self.store.take() else { return PROCESSING_FAILURE };
        fed.end(Some((&named.0, &named.1))).await;
        let abort = answer.abort_handle();
        let answered = match tokio::time::timeout(ANSWER, answer).await {
            Ok(Ok(answered)) => answered,
            // A panic in the vault.
            Ok(Err(_)) => Err(Code::Internal.into()),
            Err(_) => {
                abort.abort();
                Err(Code::Unavailable.into())
            }
        };
        match fed.outcome(answered) {
            Outcome::Stored(_) => 0,
            Outcome::Failed { cause: Some(code), .. } => dimse_status(code),
            Outcome::Failed { reason, .. } => reason,
        }
    }

    /// A store that will not end: its stream is cut, so the vault keeps nothing of it and records that.
    fn abandon(&mut self) {
        self.store = None;
    }
}
