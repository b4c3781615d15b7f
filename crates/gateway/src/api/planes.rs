//! Masks as DICOM objects: segmentations go out and come in, presentation states go out.

mod bring;

pub use bring::bring;

use crate::http::{Ask, Body, Outlet, Problem, Reply, reply};
use bytes::Bytes;
use dicom::segmentation::{self, Packer};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use model::{MaskPlanes, Uid};
use port::archive::AskPlanes;
use port::{Code, Item, Request, Response, Stream};

/// Of every object that is made here (PS3.18 §8.7.3.5.2).
const MEDIA: HeaderValue = HeaderValue::from_static("application/dicom; transfer-syntax=1.2.840.10008.1.2.1");

/// `GET /api/v1/studies/{study}/series/{series}/segmentation`.
pub async fn segmentation(ask: Ask) -> Result<Reply, Problem> {
    let asked = asked(&ask, false)?;
    made(&ask, asked, segmentation::head).await
}

/// `GET /api/v1/studies/{study}/series/{series}/instances/{instance}/presentation-state`.
pub async fn presentation_state(ask: Ask) -> Result<Reply, Problem> {
    let asked = AskPlanes { instance: ask.uid("instance")?, ..asked(&ask, true)? };
    made(&ask, asked, dicom::shutter::head).await
}

fn asked(ask: &Ask, joined: bool) -> Result<AskPlanes, Problem> {
    let bad = || Problem::bad("not a unique identifier");
    let mut instance: Option<Uid> = None;
    for (name, value) in &ask.query {
        match name.as_str() {
            "instance" if instance.is_none() && !joined => instance = Some(value.parse().map_err(|_| bad())?),
            _ => return Err(Problem::bad("the query holds more than is known here")),
        }
    }
    let series = ask.uid("series")?.ok_or_else(bad)?;
    Ok(AskPlanes { study: ask.study()?, series, instance, joined })
}

async fn made(
    ask: &Ask,
    asked: AskPlanes,
    head: fn(&MaskPlanes) -> dicom::Result<Vec<u8>>,
) -> Result<Reply, Problem> {
    let (answer, planes) = ask.call(Request::MaskPlanes(asked), port::empty()).await?;
    let Response::MaskPlanes(sheet) = answer else { return Err(Code::Internal.into()) };
    let head = tokio::task::block_in_place(|| head(&sheet)).map_err(|_| Code::Unsupported)?;
    let (outlet, body) = Body::flow();
    let mut out = reply(StatusCode::OK, body);
    out.headers_mut().insert(CONTENT_TYPE, MEDIA);
    let packer = Packer::new(u64::from(sheet.rows) * u64::from(sheet.columns));
    tokio::spawn(send(head, packer, planes, outlet));
    Ok(out)
}

/// Ends the body only when all of it was sent: in every other case the outlet is dropped, which cuts it.
async fn send(head: Vec<u8>, mut packer: Packer, mut planes: Stream, outlet: Outlet) {
    let mut sent = 0u64;
    let mut bytes = Bytes::from(head);
    loop {
        if outlet.send(bytes).await.is_err() {
            return;
        }
        bytes = match planes.next().await {
            Ok(Some(Item::Chunk(chunk))) => packer.push(&chunk).into(),
            Ok(None) => break,
            Ok(Some(_)) | Err(_) => return,
        };
        sent += bytes.len() as u64;
    }
    let mut last: Vec<u8> = packer.finish().into_iter().collect();
    // PS3.5 §8.1.1: even length.
    if (sent + last.len() as u64) % 2 == 1 {
        last.push(0);
    }
    if last.is_empty() || outlet.send(last.into()).await.is_ok() {
        outlet.end().await;
    }
}
