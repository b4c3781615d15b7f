//! STOW-RS (PS3.18 §10.5): each part flows into a store call of its own while it comes; a refused part costs no other.

mod described;
mod made;
pub mod multipart;
mod part;
mod report;

use crate::http::accept::{Media, accepted, choose};
use crate::http::turns::Turn;
use crate::http::{Ask, Incoming, Problem, Reply};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use model::{Uid, limits::STOW_PARTS};
use multipart::{Multipart, Step};
pub use part::{Fed, Outcome, dimse_status};
use part::{of_the_caller, store_part};
use port::{Code, Fault, Request, Response};
use report::Report;

/// A part that is no DICOM object: data set does not match.
const NO_DICOM: u16 = 0xA900;

/// `POST /dicom-web/studies[/{study}]`.
pub async fn store(mut ask: Ask) -> Result<Reply, Problem> {
    let (study, shape, media) = match asked(&ask) {
        Ok(asked) => asked,
        Err(problem) => {
            ask.body.drain().await;
            return Err(problem);
        }
    };
    let caller = match storing(&ask, study.as_ref()).await {
        Ok(caller) => caller,
        Err(problem) => {
            ask.body.drain().await;
            return Err(problem);
        }
    };
    let mut body = std::mem::replace(&mut ask.body, Incoming::new(crate::http::Body::empty(), None));
    let mut report = Report::default();
    let to = To { ask: &ask, study: study.as_ref(), caller: &caller };
    let outcome = match shape {
        Shape::One => one(&to, &mut body, &mut report).await,
        Shape::Many(boundary) => many(&to, &mut body, &boundary, &mut report).await,
        Shape::Described => described::alone(&to, &mut body, &mut report).await,
        Shape::WithBulk(boundary) => {
            let mut parts = Reader { multipart: Multipart::new(&boundary), body: &mut body };
            described::with_bulk(&to, &mut parts, &mut report).await
        }
    };
    if let Err(problem) = outcome {
        body.drain().await;
        // What is durable is told, whatever broke behind it (PS3.18 §10.5.3).
        if !report.stored() {
            return Err(problem);
        }
        report.add(Outcome::other(dimse_status(problem.code)));
    }
    report.reply(&ask.origin(), study.as_ref(), media)
}

/// Who stores. Whoever may not takes no turn, and no more of his body is read than he needs to see the answer.
async fn storing(ask: &Ask, study: Option<&Uid>) -> Result<String, Problem> {
    match ask.call(Request::Whoami, port::empty()).await {
        Ok((Response::Account(account), _)) if account.stores => Ok(account.user),
        // The vault says no, and records it.
        Ok((Response::Account(_), _)) => {
            let refused = ask.call(Request::Store { study: study.cloned() }, port::empty()).await;
            Err(refused.err().unwrap_or_else(|| Code::NotAllowed.into()).into())
        }
        Err(fault) if of_the_caller(fault.code) => Err(fault.into()),
        // The store itself says what is wrong, part by part.
        Ok(_) | Err(_) => Ok(String::new()),
    }
}

/// Where objects of a request go.
struct To<'a> {
    ask: &'a Ask,
    study: Option<&'a Uid>,
    caller: &'a str,
}

impl To<'_> {
    /// A turn, taken when objects begin to flow: who sends slowly what is read first holds up nobody.
    async fn turn(&self) -> Result<Turn, Problem> {
        let turn = self.ask.door.uploads.take(self.caller).await;
        turn.ok_or_else(|| Fault { code: Code::Unavailable, retry_after_s: Some(5) }.into())
    }

    async fn store(&self, source: Source<'_, '_>) -> Result<Outcome, Problem> {
        store_part(self.ask, self.study, source).await
    }
}

/// What the request's head says, before anything of the body is read.
fn asked(ask: &Ask) -> Result<(Option<Uid>, Shape, &'static str), Problem> {
    let study = ask.uid("study")?;
    let ranges = accepted(ask.headers(), &ask.query)?;
    let media = choose(&ranges, &["application/dicom+json", "application/json", "application/dicom+xml"])?;
    Ok((study, shape(ask)?, media))
}

enum Shape {
    /// One file.
    One,
    /// Files.
    Many(String),
    /// DICOM JSON.
    Described,
    /// DICOM JSON and bulk data.
    WithBulk(String),
}

/// What the request says it holds. Metadata as XML are not read: its clients have JSON as well.
fn shape(ask: &Ask) -> Result<Shape, Problem> {
    let unsupported = || {
        let text =
            "the body is `application/dicom` or `application/dicom+json`, alone or as `multipart/related`";
        Problem::door(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::Unsupported, text)
    };
    let media = ask.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).and_then(Media::parse);
    let media = media.ok_or_else(unsupported)?;
    match media.name.as_str() {
        "application/dicom" => Ok(Shape::One),
        "application/dicom+json" => Ok(Shape::Described),
        "multipart/related" => {
            let kind = media.parameter("type").unwrap_or("application/dicom").to_ascii_lowercase();
            let boundary = media.parameter("boundary").filter(|b| multipart::is_boundary(b));
            let boundary = boundary.ok_or_else(|| Problem::bad("the boundary is missing or none"));
            match kind.as_str() {
                "application/dicom" => boundary.map(|b| Shape::Many(b.to_owned())),
                "application/dicom+json" => boundary.map(|b| Shape::WithBulk(b.to_owned())),
                _ => Err(unsupported()),
            }
        }
        _ => Err(unsupported()),
    }
}

async fn one(to: &To<'_>, body: &mut Incoming, report: &mut Report) -> Result<(), Problem> {
    let _turn = to.turn().await?;
    report.add(to.store(Source::Whole(body)).await?);
    Ok(())
}

async fn many(to: &To<'_>, body: &mut Incoming, boundary: &str, report: &mut Report) -> Result<(), Problem> {
    let _turn = to.turn().await?;
    let mut parts = Reader { multipart: Multipart::new(boundary), body };
    let mut count = 0;
    loop {
        let dicom = match parts.step().await? {
            Step::Part(headers) => headers.media.is_none_or(|media| media == "application/dicom"),
            Step::Done if count == 0 => return Err(Problem::bad("no part")),
            Step::Done => return Ok(()),
            Step::Data(_) | Step::PartEnd | Step::More => continue,
        };
        count += 1;
        if count > STOW_PARTS {
            return Err(Problem { detail: Some("too many parts"), ..Code::TooLarge.into() });
        }
        if dicom {
            report.add(to.store(Source::Part(&mut parts)).await?);
        } else {
            parts.skip().await?;
            report.add(Outcome::other(NO_DICOM));
        }
    }
}

/// Where the bytes of one object come from.
pub enum Source<'a, 'b> {
    /// The whole body.
    Whole(&'a mut Incoming),
    /// The part that just began.
    Part(&'a mut Reader<'b>),
    /// A file that is made here.
    Made(made::Made<'a, 'b>),
}

impl Source<'_, '_> {
    async fn feed(&mut self, fed: &mut Fed) -> Result<(), Problem> {
        while let Some(piece) = self.next().await? {
            fed.push(piece).await;
        }
        match self {
            Self::Made(made) if made.broken => fed.refuse(dicom::Error::Malformed("pixel data")).await,
            _ => fed.end(None).await,
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        match self {
            Self::Whole(body) => body.next().await,
            Self::Made(made) => made.next().await,
            Self::Part(reader) => match reader.step().await? {
                Step::Data(piece) => Ok(Some(piece)),
                Step::PartEnd => Ok(None),
                Step::Part(_) | Step::Done | Step::More => Err(Problem::bad("broken multipart")),
            },
        }
    }
}

/// Parts as they come.
pub struct Reader<'a> {
    multipart: Multipart,
    body: &'a mut Incoming,
}

impl Reader<'_> {
    async fn step(&mut self) -> Result<Step, Problem> {
        loop {
            match self.multipart.step().map_err(|broken| Problem::bad(broken.0))? {
                Step::More => match self.body.next().await? {
                    Some(piece) => self.multipart.push(&piece),
                    None => return Err(Problem::bad("the multipart body ends without its last boundary")),
                },
                step => return Ok(step),
            }
        }
    }

    /// All of the part, up to a bound.
    async fn collect(&mut self, most: usize) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::new();
        while let Step::Data(piece) = self.step().await? {
            if piece.len() > most.saturating_sub(out.len()) {
                return Err(Problem { detail: Some("a part is too large"), ..Code::TooLarge.into() });
            }
            out.extend_from_slice(&piece);
        }
        Ok(out)
    }

    async fn skip(&mut self) -> Result<(), Problem> {
        while !matches!(self.step().await?, Step::PartEnd) {}
        Ok(())
    }
}

#[cfg(test)]
pub use multipart::fuzzed;

#[cfg(test)]
mod tests;
