//! WADO-URI (PS3.18 §9): the same resources under query parameters.

use super::wado::deliver::{self, Delivery};
use super::wado::{View, decimal, offer};
use crate::http::accept::Media;
use crate::http::query::{first, number};
use crate::http::{Ask, Problem, Reply};
use model::view::Source;
use model::{Uid, limits};
use port::Code;
use port::archive::{Form, Retrieve};

/// Parameters that would need work that is not built; ignoring them would answer something else than was asked.
const UNBUILT: &[&str] = &["anonymize", "presentationUID", "presentationSeriesUID"];

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
    // A list of media types, best first (PS3.18 §9.4.1).
    let wanted = first(query, "contentType").unwrap_or("image/jpeg");
    let types = wanted.split(',').filter_map(Media::parse);
    let served = ["application/dicom", "image/jpeg", "image/png"];
    let media = types.flat_map(|range| served.into_iter().find(|media| range.covers(media))).next();
    let (form, delivery) = match media.ok_or_else(Problem::not_acceptable)? {
        "application/dicom" => {
            (Form::Instances, Delivery::Offers(offer::file_alone(first(query, "transferSyntax"))?))
        }
        media => (picture(query, media)?, Delivery::Single),
    };
    let retrieve = Retrieve {
        study,
        series: Some(series),
        instance: Some(instance),
        form,
        first: false,
        syntaxes: Vec::new(),
        known: Vec::new(),
    };
    deliver::deliver(ask, retrieve, delivery).await
}

fn picture(query: &[(String, String)], media: &str) -> Result<Form, Problem> {
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
    if let Some(words) = first(query, "annotation") {
        put("annotation", words.to_owned());
    }
    let mut view = View::of(&view)?;
    if let Some(text) = first(query, "region") {
        view = view.with_source(
            region(text).ok_or_else(|| Problem::bad("`region` is xmin,ymin,xmax,ymax from 0 to 1"))?,
        );
    }
    Ok(view.form(vec![frame], media))
}

/// Upper left and lower right corner, as shares of the sides.
fn region(text: &str) -> Option<Source> {
    let numbers: Vec<f64> = text.split(',').map(decimal).collect::<Option<_>>()?;
    let [left, top, right, bottom] = *numbers.as_slice() else { return None };
    let inside = numbers.iter().all(|n| (0.0..=1.0).contains(n)) && left < right && top < bottom;
    inside.then_some(Source { left, top, width: right - left, height: bottom - top, relative: true })
}
