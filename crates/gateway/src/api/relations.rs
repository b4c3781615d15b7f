//! Relations by hand, and the state of the feeds that tell of others.

use super::putright::Number;
use crate::fhir::when;
use crate::http::query::first;
use crate::http::{Ask, Body, Problem, Reply, json, reply};
use hyper::StatusCode;
use port::ties::{Answer, Ask as Asked, ByHand, Feed, Tie};
use port::{Code, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json as value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: String,
    patient: Option<Number>,
    kind: String,
    covers: Option<String>,
    until: String,
    reason: String,
}

/// `GET /api/v1/relations?user=`: all of an account.
pub async fn relations(ask: Ask) -> Result<Reply, Problem> {
    let user = first(&ask.query, "user").unwrap_or_default().to_owned();
    let Answer::Ties(ties) = answered(&ask, Asked::Of { user }).await? else {
        return Err(Code::Internal.into());
    };
    let relations: Vec<Value> = ties.iter().map(line).collect();
    json(StatusCode::OK, &value!({ "relations": relations }))
}

fn line(tie: &Tie) -> Value {
    let patient = tie.patient.as_ref().map(|p| value!({ "issuer": p.issuer, "number": p.number }));
    value!({
        "number": tie.number,
        "patient": patient,
        "covers": tie.covers,
        "kind": tie.kind,
        "source": tie.source,
        "start": tie.start.rfc3339(),
        "end": tie.end.map(model::Time::rfc3339),
        "by": tie.by,
        "reason": tie.reason,
    })
}

/// `POST /api/v1/relations`: one by hand.
pub async fn relate(mut ask: Ask) -> Result<Reply, Problem> {
    let wanted: Wanted = ask.json().await?;
    let until = when(&wanted.until).filter(|until| until.offset_s.is_some());
    let until =
        until.ok_or_else(|| Problem::bad("`until` is no date and time with a time zone (RFC 3339)"))?;
    let by_hand = ByHand {
        user: wanted.user,
        patient: wanted.patient.map(Into::into),
        kind: wanted.kind,
        covers: wanted.covers,
        until: until.time(0),
        reason: wanted.reason,
    };
    let Answer::Made(number) = answered(&ask, Asked::Make(by_hand)).await? else {
        return Err(Code::Internal.into());
    };
    json(StatusCode::CREATED, &value!({ "number": number }))
}

/// `DELETE /api/v1/relations/{user}/{relation}`: it ends now.
pub async fn unrelate(ask: Ask) -> Result<Reply, Problem> {
    let user = ask.param("user").unwrap_or_default().to_owned();
    let number = ask.param("relation").and_then(|text| text.parse().ok());
    let number = number.ok_or_else(|| Problem::bad("not the number of a relation"))?;
    answered(&ask, Asked::End { user, number }).await?;
    Ok(reply(StatusCode::NO_CONTENT, Body::empty()))
}

/// `GET /api/v1/feeds`: when each machine that tells of relations and orders did last.
pub async fn feeds(ask: Ask) -> Result<Reply, Problem> {
    let Answer::Feeds(feeds) = answered(&ask, Asked::Feeds).await? else { return Err(Code::Internal.into()) };
    let feeds: Vec<Value> = feeds.iter().map(feed).collect();
    json(StatusCode::OK, &value!({ "feeds": feeds }))
}

fn feed(feed: &Feed) -> Value {
    let state = match (feed.last, feed.silent) {
        (None, _) => "never-heard",
        (_, true) => "silent",
        _ => "speaks",
    };
    value!({
        "source": feed.name,
        "last": feed.last.map(model::Time::rfc3339),
        "state": state,
        "patients": feed.patients,
    })
}

async fn answered(ask: &Ask, asked: Asked) -> Result<Answer, Problem> {
    match ask.answer(Request::Ties(asked)).await? {
        Response::Ties(answer) => Ok(answer),
        _ => Err(Code::Internal.into()),
    }
}
