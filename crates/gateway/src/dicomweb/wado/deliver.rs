//! From the vault's parts to a response that flows. What goes wrong before the first part is a status; after it, the
//! body is cut, so that nobody takes the beginning for the whole.

use super::condition;
use super::offer::{self, Offer};
use crate::dicomweb::instance_path;
use crate::http::{Ask, Body, Outlet, Problem, Reply, limits, reply};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY};
use model::Uid;
use port::archive::{Form, Retrieve};
use port::{Code, Fault, Item, Part, Request, Response, Stream};

/// How parts become one body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The first of these that takes the first part.
    Offers(Vec<Offer>),
    /// `multipart/related` of this media type (PS3.18 §8.6.1.2).
    Multipart(&'static str),
    /// One part alone.
    Single,
    /// A JSON array of this media type.
    Json(&'static str),
}

/// The form of one body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Multipart(&'static str),
    Single,
    Json(&'static str),
}

/// Asks the vault and starts sending.
pub async fn deliver(ask: Ask, retrieve: Retrieve, delivery: Delivery) -> Result<Reply, Problem> {
    let study = retrieve.study.clone();
    let ranged = matches!(retrieve.form, Form::Bulk { range: Some(_), .. });
    let retrieve =
        Retrieve { syntaxes: delivery.syntaxes(), known: condition::known(ask.headers()), ..retrieve };
    let refused = |fault: Fault| delivery.refused(fault, ranged);
    let (response, mut stream) =
        ask.call(Request::Retrieve(retrieve), port::empty()).await.map_err(refused)?;
    let (fallback, tag) = match response {
        Response::Parts { fallback, tag } => (fallback, tag),
        Response::Unchanged { tag } => return unchanged(&tag),
        _ => return Err(Code::Internal.into()),
    };
    let first = tokio::time::timeout(limits::CALL, stream.next()).await.map_err(|_| Code::Unavailable)?;
    let first = match first.map_err(refused)? {
        Some(Item::Part(part)) => part,
        None => return Err(Code::NotFound.into()),
        Some(_) => return Err(Code::Internal.into()),
    };
    let shape = delivery.shape(&first)?;
    let (outlet, body) = Body::flow();
    let mut out = reply(StatusCode::OK, body);
    // The tag names the body byte for byte, so the boundary is its own: nobody knows it before it is sent, and no object
    // can hold it by design.
    let writer = Writer { delivery, shape, boundary: tag, study, outlet };
    writer.describe(&first, out.headers_mut())?;
    if let Some(span) = &first.span {
        *out.status_mut() = StatusCode::PARTIAL_CONTENT;
        let text = format!("bytes {}-{}/{}", span.from, span.to.saturating_sub(1), span.total);
        out.headers_mut().insert(CONTENT_RANGE, HeaderValue::from_str(&text).map_err(|_| Code::Internal)?);
    }
    if fallback {
        out.headers_mut().insert("gauze-fallback", HeaderValue::from_static("1"));
    }
    tokio::spawn(writer.run(first, stream));
    Ok(out)
}

fn unchanged(tag: &str) -> Result<Reply, Problem> {
    let mut out = reply(StatusCode::NOT_MODIFIED, Body::empty());
    out.headers_mut().insert(ETAG, quoted(tag)?);
    Ok(out)
}

fn quoted(tag: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&format!("\"{tag}\"")).map_err(|_| Code::Internal.into())
}

impl Delivery {
    fn syntaxes(&self) -> Vec<port::archive::Syntax> {
        match self {
            Self::Offers(offers) => offer::syntaxes(offers),
            Self::Multipart(_) | Self::Single | Self::Json(_) => Vec::new(),
        }
    }

    /// The vault has it in no transfer syntax that was asked for (PS3.18 §8.7.4), or not these bytes of it.
    fn refused(&self, fault: Fault, ranged: bool) -> Problem {
        match fault.code {
            Code::Unsupported if matches!(self, Self::Offers(_)) => Problem::not_acceptable(),
            Code::BadRequest if ranged => {
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                Problem::door(status, Code::BadRequest, "the value does not have these bytes")
            }
            _ => fault.into(),
        }
    }

    fn shape(&self, first: &Part) -> Result<Shape, Problem> {
        Ok(match self {
            Self::Offers(_) => {
                let offer = self.offer(first).ok_or_else(Problem::not_acceptable)?;
                if offer.single { Shape::Single } else { Shape::Multipart(offer.media) }
            }
            Self::Multipart(media) => Shape::Multipart(media),
            Self::Single => Shape::Single,
            Self::Json(media) => Shape::Json(media),
        })
    }

    fn offer(&self, part: &Part) -> Option<&Offer> {
        match self {
            Self::Offers(offers) => offers.iter().find(|offer| offer.takes(part.transfer_syntax.as_ref())),
            _ => None,
        }
    }

    /// Media type of a part; nothing when the client takes no such part.
    fn content_type(&self, part: &Part) -> Option<String> {
        let media = match self {
            Self::Offers(_) => self.offer(part)?.media,
            _ => part.media.as_str(),
        };
        Some(match &part.transfer_syntax {
            Some(uid) => format!("{media}; transfer-syntax={uid}"),
            None => media.to_owned(),
        })
    }
}

struct Writer {
    delivery: Delivery,
    shape: Shape,
    boundary: String,
    study: Uid,
    outlet: Outlet,
}

impl Writer {
    /// Headers of the answer.
    fn describe(&self, first: &Part, headers: &mut HeaderMap) -> Result<(), Problem> {
        let media = match self.shape {
            Shape::Multipart(media) => {
                format!("multipart/related; type=\"{media}\"; boundary={}", self.boundary)
            }
            Shape::Single => self.delivery.content_type(first).ok_or_else(Problem::not_acceptable)?,
            Shape::Json(media) => media.to_owned(),
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(&media).map_err(|_| Code::Internal)?);
        headers.insert(ETAG, quoted(&self.boundary)?);
        headers.insert(VARY, HeaderValue::from_static("accept, authorization, cookie"));
        if self.shape == Shape::Single
            && matches!(self.delivery, Delivery::Offers(_))
            && first.frame.is_none()
        {
            headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
        Ok(())
    }

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
                Ok(Some(Item::Part(part))) => self.begin(&part, false).await,
                Ok(None) => return self.finish().await,
                Ok(Some(Item::Trailer(_) | Item::End)) | Err(_) => false,
            };
            if !sent {
                return false;
            }
        }
    }

    async fn begin(&self, part: &Part, first: bool) -> bool {
        match self.shape {
            Shape::Multipart(_) => {
                let Some(media) = self.delivery.content_type(part) else { return false };
                let lead = if first { "" } else { "\r\n" };
                let mut head = format!("{lead}--{}\r\nContent-Type: {media}\r\n", self.boundary);
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
        match self.shape {
            Shape::Multipart(_) => self.send(format!("\r\n--{}--\r\n", self.boundary).into()).await,
            Shape::Single => true,
            Shape::Json(_) => self.send(Bytes::from_static(b"]")).await,
        }
    }

    async fn send(&self, bytes: Bytes) -> bool {
        self.outlet.send(bytes).await.is_ok()
    }
}
