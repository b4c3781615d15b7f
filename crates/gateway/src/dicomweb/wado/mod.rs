//! WADO-RS (PS3.18 §10.4): only a grant opens anything; what it covers is the vault's matter, the form of it ours.

pub mod deliver;
mod picture;

pub use picture::{View, rendered, thumbnail};

use crate::http::accept::{Media, accepted, choose};
use crate::http::{Ask, Problem, Reply};
use deliver::{Delivery, Shape};
use model::{Uid, limits};
use port::archive::{Form, Retrieve};

/// The default of uncompressed frames (PS3.18 Table 8.7.3-5).
const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";

/// What the path names, to be fetched in a form.
pub fn named(ask: &Ask, form: Form) -> Result<Retrieve, Problem> {
    let (series, instance) = (ask.uid("series")?, ask.uid("instance")?);
    Ok(Retrieve { study: ask.study()?, series, instance, form, first: false, syntax: None })
}

/// `GET` of a study, series or instance: DICOM files.
pub async fn instances(ask: Ask) -> Result<Reply, Problem> {
    let single = ask.param("instance").is_some();
    let retrieve = named(&ask, Form::Instances)?;
    let ranges = accepted(ask.headers(), &ask.query)?;
    let delivery =
        ranges.iter().find_map(|range| files(range, single)).ok_or_else(Problem::not_acceptable)?;
    deliver::deliver(ask, retrieve, delivery).await
}

/// How a range wants files, if they are what it wants.
fn files(range: &Media, single: bool) -> Option<Delivery> {
    const DICOM: &str = "application/dicom";
    let shape = match range.name.as_str() {
        "application/dicom" if single => Shape::Single,
        "*/*" | "multipart/*" => Shape::Multipart(DICOM),
        "multipart/related" if range.parameter("type").is_none_or(|t| t.eq_ignore_ascii_case(DICOM)) => {
            Shape::Multipart(DICOM)
        }
        _ => return None,
    };
    Some(Delivery { shape, syntax: syntax(range)? })
}

/// The transfer syntax that a range insists on; the outer nothing: not a UID.
fn syntax(range: &Media) -> Option<Option<Uid>> {
    match range.parameter("transfer-syntax") {
        None | Some("*") => Some(None),
        Some(text) => text.parse().ok().map(Some),
    }
}

/// `GET …/metadata`.
pub async fn metadata(ask: Ask) -> Result<Reply, Problem> {
    let retrieve = named(&ask, Form::Metadata)?;
    let ranges = accepted(ask.headers(), &ask.query)?;
    let media = choose(&ranges, &["application/dicom+json", "application/json"])?;
    deliver::deliver(ask, retrieve, Delivery { shape: Shape::Json(media), syntax: None }).await
}

/// `GET …/frames/{frames}`.
pub async fn frames(ask: Ask) -> Result<Reply, Problem> {
    let numbers = numbers(&ask)?;
    let ranges = accepted(ask.headers(), &ask.query)?;
    let chosen = ranges.iter().find_map(|range| octets(range, numbers.len() == 1));
    let (delivery, stored) = chosen.ok_or_else(Problem::not_acceptable)?;
    let retrieve = named(&ask, Form::Frames { numbers, stored })?;
    deliver::deliver(ask, retrieve, delivery).await
}

/// How a range wants frames, and whether it takes them as they are stored.
fn octets(range: &Media, single: bool) -> Option<(Delivery, bool)> {
    const OCTETS: &str = "application/octet-stream";
    let shape = match range.name.as_str() {
        "application/octet-stream" if single => Shape::Single,
        "*/*" | "multipart/*" => Shape::Multipart(OCTETS),
        "multipart/related"
            if matches!(range.parameter("type"), None | Some("*/*" | "application/*" | OCTETS)) =>
        {
            Shape::Multipart(OCTETS)
        }
        _ => return None,
    };
    let syntax = syntax(range)?;
    let any = range.parameter("transfer-syntax") == Some("*");
    let other = syntax.as_ref().is_some_and(|uid| uid.as_str() != EXPLICIT_LITTLE_ENDIAN);
    Some((Delivery { shape, syntax }, any || other))
}

/// The frame list of the path (PS3.18 §10.1.1.4), 1-based.
pub fn numbers(ask: &Ask) -> Result<Vec<u32>, Problem> {
    let Some(list) = ask.param("frames") else { return Ok(Vec::new()) };
    let bad = || Problem::bad("frames are whole numbers from 1, with commas between them");
    let mut out = Vec::new();
    for word in list.split(',') {
        if out.len() >= limits::FRAMES_PER_REQUEST {
            return Err(Problem::bad("too many frames in one request"));
        }
        let digits = (1..=6).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
        let number: u32 = word.parse().map_err(|_| bad())?;
        if !digits || !(1..=limits::FRAMES).contains(&number) {
            return Err(bad());
        }
        if out.contains(&number) {
            return Err(Problem::bad("a frame named twice"));
        }
        out.push(number);
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
