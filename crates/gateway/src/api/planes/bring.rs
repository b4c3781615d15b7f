//! A segmentation comes in: its bits flow to the vault while they come. What is wrong with it is told to the vault, too, which
//! records that nothing was changed.

use crate::api::masks;
use crate::http::accept::Media;
use crate::http::{Ask, Body, Incoming, Problem, Reply};
use dicom::segmentation::{Brought, Planes, Reader};
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use model::{MaskFault, Uid};
use port::archive::BringPlanes;
use port::{Call, Code, Fault, Item, Request, Response, Sink, Trailer};

/// `POST /api/v1/studies/{study}/series/{series}/segmentation`.
pub async fn bring(mut ask: Ask) -> Result<Reply, Problem> {
    let outcome = brought(&mut ask).await;
    if outcome.is_err() {
        ask.body.drain().await;
    }
    outcome
}

async fn brought(ask: &mut Ask) -> Result<Reply, Problem> {
    let study = ask.study()?;
    let series = ask.uid("series")?.ok_or_else(|| Problem::bad("not a unique identifier"))?;
    let Response::Account(account) = ask.answer(Request::Whoami).await? else {
        return Err(Code::Internal.into());
    };
    let media = ask.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).and_then(Media::parse);
    if media.is_none_or(|media| media.name != "application/dicom") {
        let text = "the body is one segmentation, `application/dicom`";
        return Err(Problem::door(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadRequest, text));
    }
    // Whoever may not draw takes no turn, and nothing of the body is read.
    ask.answer(Request::Masks { study: study.clone() }).await?;
    let turn = ask.door.uploads.take(&account.user).await;
    let _turn = turn.ok_or(Fault { code: Code::Unavailable, retry_after_s: Some(5) })?;
    let mut body = std::mem::replace(&mut ask.body, Incoming::new(Body::empty(), None));
    let outcome = of_body(ask, (study, series), &mut body).await;
    ask.body = body;
    match outcome? {
        Response::PlanesRefused(fault) => Err(told(fault)),
        answer => masks::answered(answer),
    }
}

async fn of_body(ask: &Ask, (study, series): (Uid, Uid), body: &mut Incoming) -> Result<Response, Problem> {
    let (sheet, planes) = match said(body).await? {
        Ok((sheet, planes, first)) => (sheet, Ok((planes, first))),
        Err(fault) => (Brought { rows: 1, columns: 1, frames: Vec::new() }, Err(fault)),
    };
    let Brought { rows, columns, frames } = sheet;
    let request = Request::BringPlanes(BringPlanes { study, series, rows, columns, frames });
    let call = Call { credential: ask.credential.clone(), arrival: ask.arrival.clone(), request };
    let (sink, stream) = port::stream();
    let feed = async {
        match planes {
            Ok((planes, first)) => feed(body, planes, first, sink).await,
            Err(fault) => unread(sink, fault).await,
        }
    };
    let (answer, fed) = tokio::join!(ask.door.archive.call(call, stream), feed);
    fed?;
    Ok(answer?.0)
}

/// What the head says, and the first bits.
type Head = (Brought, Planes, Vec<u8>);

async fn said(body: &mut Incoming) -> Result<Result<Head, MaskFault>, Problem> {
    let mut reader = Reader::default();
    while let Some(piece) = body.next().await? {
        // Reading a head of many megabytes is no work for an async thread.
        match tokio::task::block_in_place(|| reader.push(&piece)) {
            Ok(None) => {}
            Ok(Some(head)) => return Ok(Ok(head)),
            Err(fault) => return Ok(Err(fault)),
        }
    }
    Ok(Err(MaskFault::Unreadable))
}

async fn feed(body: &mut Incoming, mut planes: Planes, first: Vec<u8>, sink: Sink) -> Result<(), Problem> {
    let mut bytes = first;
    loop {
        // The vault answered already; its word counts.
        if sink.bytes(bytes.into()).await.is_err() {
            return Ok(());
        }
        bytes = match body.next().await {
            Ok(Some(piece)) => planes.push(&piece),
            Ok(None) => break,
            Err(problem) => {
                sink.fail(problem.code.into()).await;
                return Err(problem);
            }
        };
    }
    if let Err(fault) = planes.finish() {
        return unread(sink, fault).await;
    }
    // Nobody waits for the end any more, or somebody has it.
    let _ = sink.finish().await;
    Ok(())
}

async fn unread(sink: Sink, fault: MaskFault) -> Result<(), Problem> {
    if sink.send(Item::Trailer(Box::new(Trailer::Unread(fault)))).await.is_ok() {
        // As above.
        let _ = sink.finish().await;
    }
    Ok(())
}

/// In words for who sent it.
fn told(fault: MaskFault) -> Problem {
    let (code, text) = match fault {
        MaskFault::Unreadable => {
            (Code::BadObject, "unreadable: no DICOM object, or one that contradicts itself")
        }
        MaskFault::NoSegmentation => (
            Code::BadObject,
            "no-segmentation: not a binary or fractional segmentation in a plain transfer syntax",
        ),
        MaskFault::OtherSize => (Code::BadObject, "other-size: rows or columns are not those of the image"),
        MaskFault::NoReference => (Code::BadObject, "no-reference: a frame does not name its source image"),
        MaskFault::OtherImage => {
            (Code::BadObject, "other-image: a frame is about an image that is not of this series")
        }
        MaskFault::NoSuchFrame => (Code::BadObject, "no-such-frame: the image does not have the frame"),
        MaskFault::TooMany => {
            (Code::TooLarge, "too-many: more frames, references, bits or shapes than are kept")
        }
        MaskFault::Truncated => (Code::BadObject, "truncated: the bits are not as many as the frames"),
        MaskFault::Empty => (Code::BadObject, "empty: nothing is marked"),
    };
    Problem { detail: Some(text), ..code.into() }
}
