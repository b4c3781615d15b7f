//! From the vault's parts to a response that flows. What goes wrong before the first part is a status; after it, the
//! body is cut, so that nobody takes the beginning for the whole.

use crate::dicomweb::instance_path;
use crate::http::{Ask, Body, Outlet, Problem, Reply, hex, limits, random, reply};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use model::Uid;
use port::archive::Retrieve;
use port::{Code, Fault, Item, Part, Request, Response, Stream};

/// How parts become one body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `multipart/related` of this media type (PS3.18 §8.6.1.2).
    Multipart(&'static str),
    /// One part alone.
    Single,
    /// A JSON array of this media type.
    Json(&'static str),
}

/// What the client wants of a retrieve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Form of the body.
    pub shape: Shape,
    /// Only in this transfer syntax.
    pub syntax: Option<Uid>,
}

/// Asks the vault and starts sending.
pub async fn deliver(ask: Ask, retrieve: Retrieve, delivery: Delivery) -> Result<Reply, Problem> {
    let study = retrieve.study.clone();
    let retrieve = Retrieve { syntax: delivery.syntax.clone(), ..retrieve };
    let asked = ask.call(Request::Retrieve(retrieve), port::empty()).await;
    let (response, mut stream) = asked.map_err(|fault| delivery.refused(fault))?;
    let Response::Parts { fallback } = response else { return Err(Code::Internal.into()) };
    let first = tokio::time::timeout(limits::CALL, stream.next()).await.map_err(|_| Code::Unavailable)??;
    let first = match first {
        Some(Item::Part(part)) => part,
        None => return Err(Code::NotFound.into()),
        Some(_) => return Err(Code::Internal.into()),
    };
    delivery.check(&first)?;
    let boundary = random::<16>().map(|bytes| hex(&bytes)).ok_or(Code::Internal)?;
    let media = match delivery.shape {
        Shape::Multipart(media) => format!("multipart/related; type=\"{media}\"; boundary={boundary}"),
        Shape::Single => content_type(&first),
        Shape::Json(media) => media.to_owned(),
    };
    let (outlet, body) = Body::flow();
    let mut out = reply(StatusCode::OK, body);
    let headers = out.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(&media).map_err(|_| Code::Internal)?);
    if fallback {
        headers.insert("gauze-fallback", HeaderValue::from_static("1"));
    }
    let writer = Writer { delivery, boundary, study, outlet };
    tokio::spawn(writer.run(first, stream));
    Ok(out)
}

fn content_type(part: &Part) -> String {
    match &part.transfer_syntax {
        Some(uid) => format!("{}; transfer-syntax={uid}", part.media),
        None => part.media.clone(),
    }
}

impl Delivery {
    /// The vault has it in no transfer syntax that was asked for (PS3.18 §8.7.4).
    fn refused(&self, fault: Fault) -> Problem {
        if fault.code == Code::Unsupported && self.syntax.is_some() {
            return Problem::not_acceptable();
        }
        fault.into()
    }

    /// A part in another transfer syntax than the one asked for is not acceptable.
    fn check(&self, part: &Part) -> Result<(), Problem> {
        let fits = self.syntax.as_ref().is_none_or(|wanted| part.transfer_syntax.as_ref() == Some(wanted));
        if fits { Ok(()) } else { Err(Problem::not_acceptable()) }
    }
}

struct Writer {
    delivery: Delivery,
    boundary: String,
    study: Uid,
    outlet: Outlet,
}

impl Writer {
    /// Ends the body only when all of it was sent: in every other case the outlet is dropped, which cuts it.
    async fn run(self, first: Part, stream: Stream) {
        let gone = self.outlet.closed();
        let whole = tokio::select! {
            whole = self.parts(&first, stream) => whole,
            // The client left: dropping the stream stops the vault.
            () = gone => false,
        };
        if whole {
            self.outlet.end().await;
        }
    }

    async fn parts(&self, first: &Part, mut stream: Stream) -> bool {
        if !self.begin(first, true).await {
            return false;
        }
        loop {
            let sent = match stream.next().await {
                Ok(Some(Item::Chunk(bytes))) => self.send(bytes).await,
                Ok(Some(Item::Part(part))) => {
                    self.delivery.check(&part).is_ok() && self.begin(&part, false).await
                }
                Ok(None) => return self.finish().await,
                Ok(Some(Item::Trailer(_) | Item::End)) | Err(_) => false,
            };
            if !sent {
                return false;
            }
        }
    }

    async fn begin(&self, part: &Part, first: bool) -> bool {
        match self.delivery.shape {
            Shape::Multipart(_) => {
                let lead = if first { "" } else { "\r\n" };
                let mut head =
                    format!("{lead}--{}\r\nContent-Type: {}\r\n", self.boundary, content_type(part));
                if let Some((series, instance)) = &part.instance {
                    let path = instance_path(&self.study, series, instance);
                    let frame = part.frame.map(|n| format!("/frames/{n}")).unwrap_or_default();
                    head.push_str(&format!("Content-Location: {path}{frame}\r\n"));
                }
                head.push_str("\r\n");
                self.send(head.into()).await
            }
            Shape::Single => first,
            Shape::Json(_) => self.send(Bytes::from_static(if first { b"[" } else { b"," })).await,
        }
    }

    async fn finish(&self) -> bool {
        match self.delivery.shape {
            Shape::Multipart(_) => self.send(format!("\r\n--{}--\r\n", self.boundary).into()).await,
            Shape::Single => true,
            Shape::Json(_) => self.send(Bytes::from_static(b"]")).await,
        }
    }

    async fn send(&self, bytes: Bytes) -> bool {
        self.outlet.send(bytes).await.is_ok()
    }
}
