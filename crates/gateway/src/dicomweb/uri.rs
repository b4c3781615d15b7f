//! WADO-URI (PS3.18 §9): the same resources under query parameters.

use super::wado::View;
use super::wado::deliver::{self, Delivery, Shape};
use crate::http::query::{first, number};
use crate::http::{Ask, Problem, Reply};
use model::{Uid, limits};
use port::Code;
use port::archive::{Form, Retrieve};

/// Parameters that would need work that is not built; ignoring them would answer something else than was asked.
const UNBUILT: &[&str] = &["anonymize", "annotation", "region", "presentationUID", "presentationSeriesUID"];

/// `GET /wado`.
pub async fn uri(ask: Ask) -> Result<Reply, Problem> {
    let query = &ask.query;
    if first(query, "requestType") != Some("WADO") {
        return Err(Problem::bad("`requestType` is WADO"));
    }
    let uid = |key| -> Result<Uid, Problem> {
        let text = first(query, key).unwrap_or_default();
        text.parse().map_err(|_| Problem::bad("studyUID, seriesUID and objectUID are unique identifiers"))
    };
    let (study, series, instance) = (uid("studyUID")?, uid("seriesUID")?, uid("objectUID")?);
    if UNBUILT.iter().any(|key| first(query, key).is_some()) {
        return Err(Code::Unsupported.into());
    }
    let form = form(query)?;
    let retrieve =
        Retrieve { study, series: Some(series), instance: Some(instance), form, first: false, syntax: None };
    deliver::deliver(ask, retrieve, Delivery { shape: Shape::Single, syntax: None }).await
}

fn form(query: &[(String, String)]) -> Result<Form, Problem> {
    let media = first(query, "contentType").unwrap_or("image/jpeg");
    match media {
        "application/dicom" => {
            if first(query, "transferSyntax").is_some() {
                return Err(Code::Unsupported.into());
            }
            return Ok(Form::Instances);
        }
        "image/jpeg" | "image/png" => {}
        _ => return Err(Problem::not_acceptable()),
    }
    let frame = number(query, "frameNumber", 1)?;
    let frame = u32::try_from(frame).ok().filter(|n| (1..=limits::FRAMES).contains(n));
    let frame = frame.ok_or_else(|| Problem::bad("`frameNumber` counts from 1"))?;
    let mut view: Vec<(String, String)> = Vec::new();
    let mut put = |key: &str, value: String| view.push((key.to_owned(), value));
    if let Some(quality) = first(query, "imageQuality") {
        put("quality", quality.to_owned());
    }
    match (first(query, "windowCenter"), first(query, "windowWidth")) {
        (Some(centre), Some(width)) => put("window", format!("{centre},{width},linear")),
        (None, None) => {}
        _ => return Err(Problem::bad("windowCenter and windowWidth come together")),
    }
    match (first(query, "columns"), first(query, "rows")) {
        (None, None) => {}
        (Some(side), None) | (None, Some(side)) => put("viewport", format!("{side},{side}")),
        (Some(columns), Some(rows)) => put("viewport", format!("{columns},{rows}")),
    }
    let view = View::of(&view)?;
    Ok(view.form(vec![frame], media, view.side.unwrap_or(limits::RENDERED_SIDE)))
}
