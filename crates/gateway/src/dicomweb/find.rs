//! QIDO-RS (PS3.18 §10.6): the caller's session decides what is found.

use super::resource;
use crate::http::accept::{accepted, choose};
use crate::http::{Ask, Body, Problem, Reply, reply};
use dicom::query::{Include, Kind, Level as Wanted, Match};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use model::{Attributes, Tag, tags};
use port::find::{Found, Key, Level, Matching, Query};
use port::{Code, Request, Response};
use serde_json::Value;

/// Query parameters that are no matching keys.
const NO_KEYS: &[&str] = &["accept", "charset"];

/// `GET /dicom-web/studies`.
pub async fn find_studies(ask: Ask) -> Result<Reply, Problem> {
    find(ask, Wanted::Study).await
}

/// `GET …/series`.
pub async fn find_series(ask: Ask) -> Result<Reply, Problem> {
    find(ask, Wanted::Series).await
}

/// `GET …/instances`.
pub async fn find_instances(ask: Ask) -> Result<Reply, Problem> {
    find(ask, Wanted::Instance).await
}

async fn find(ask: Ask, level: Wanted) -> Result<Reply, Problem> {
    let ranges = accepted(ask.headers(), &ask.query)?;
    let media = choose(&ranges, &["application/dicom+json", "application/json"])?;
    let query = query(&ask, level)?;
    let level = query.level;
    let Response::Found(Found { answers, more, unsupported }) = ask.answer(Request::Find(query)).await?
    else {
        return Err(Code::Internal.into());
    };
    let mut out = if answers.is_empty() {
        reply(StatusCode::NO_CONTENT, Body::empty())
    } else {
        let origin = ask.origin();
        let lines: Vec<Value> = answers.into_iter().map(|line| answer(line, level, &origin)).collect();
        let mut out = crate::http::json(StatusCode::OK, &lines)?;
        out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
        out
    };
    if more {
        let text = "299 gauze \"There are additional results that can be requested\"";
        out.headers_mut().append("warning", HeaderValue::from_static(text));
    }
    if !unsupported.is_empty() {
        // PS3.18 §8.3.4.1.1 and PS3.4 §C.2.2.1.3: not compared and not returned, and the caller is told.
        let names: Vec<String> = unsupported.iter().map(|path| name(path)).collect();
        let text = format!("299 gauze \"These attributes are not kept in the index: {}\"", names.join(" "));
        out.headers_mut().append("warning", HeaderValue::from_str(&text).map_err(|_| Code::Internal)?);
    }
    Ok(out)
}

/// A path as the query would name it.
fn name(path: &[Tag]) -> String {
    path.iter().map(|tag| format!("{tag:08X}")).collect::<Vec<_>>().join(".")
}

/// The typed query; study and series of the path are keys like any other.
fn query(ask: &Ask, level: Wanted) -> Result<Query, Problem> {
    let path = [("study", "StudyInstanceUID"), ("series", "SeriesInstanceUID")];
    for (name, _) in path {
        ask.uid(name)?;
    }
    let fixed = path.iter().filter_map(|(name, key)| ask.param(name).map(|value| (*key, value)));
    let given = ask.query.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let pairs = fixed.chain(given.filter(|(key, _)| !NO_KEYS.contains(key)));
    let parsed = dicom::Query::parse(level, pairs).map_err(|error| {
        let refusal = error.refusal();
        let code = if refusal.http == 413 { Code::TooLarge } else { Code::BadRequest };
        Problem { detail: Some(refusal.text), ..code.into() }
    })?;
    let include = match parsed.include {
        Include::All => None,
        Include::Paths(paths) => Some(paths),
    };
    let level = match parsed.level {
        Wanted::Study => Level::Study,
        Wanted::Series => Level::Series,
        Wanted::Instance => Level::Instance,
    };
    let keys = parsed.matches.into_iter().map(key).collect();
    let (limit, offset, fuzzy) = (parsed.limit, parsed.offset, parsed.fuzzy);
    // QIDO-RS has no negotiation: a date and its time are always one range (PS3.18 §8.3.4.1.1).
    Ok(Query { keys, include, limit, offset, fuzzy, combined: true, ..Query::all(level) })
}

fn key(Match { path, kind }: Match) -> Key {
    let end = |text: String| (!text.is_empty()).then_some(text);
    let matching = match kind {
        Kind::Single(value) => Matching::Single(value),
        Kind::List(values) => Matching::List(values),
        Kind::Wildcard(value) => Matching::Wildcard(value),
        Kind::Range(from, to) => Matching::Range(end(from), end(to)),
        Kind::Universal => Matching::Universal,
        Kind::Empty => Matching::Empty,
    };
    Key { path, matching }
}

/// One answer with its Retrieve URL (PS3.18 Table 10.6.3-3).
fn answer(mut line: Attributes, level: Level, origin: &str) -> Value {
    let uid = |tag| Some(line.first(tag)).filter(|uid| !uid.is_empty());
    let (study, series) = (uid(tags::STUDY_INSTANCE_UID), uid(tags::SERIES_INSTANCE_UID));
    let path = match (level, study) {
        (_, None) => None,
        (Level::Study | Level::Patient, Some(study)) => Some(resource(study, None, None)),
        (Level::Series, Some(study)) => Some(resource(study, series, None)),
        (Level::Instance, Some(study)) => Some(resource(study, series, uid(tags::SOP_INSTANCE_UID))),
    };
    if let Some(path) = path {
        line.set(tags::RETRIEVE_URL, *b"UR", [format!("{origin}{path}")]);
    }
    dicom::json::from_attributes(&line)
}
