//! Breaking the glass, and the officer's reviews.

use super::studies::{checked, opened};
use crate::http::{Ask, Body, Problem, Reply, json, reply};
use hyper::StatusCode;
use port::archive::{Glass, Outcome, Review};
use port::{Code, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json as value};

/// A code of a second factor as typed, bytes: six digits, and spaces that people put in between.
const CODE_BYTES: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Break {
    reason: String,
    #[serde(default)]
    code: String,
}

/// `POST /api/v1/studies/{study}/break-glass`.
pub async fn break_glass(mut ask: Ask) -> Result<Reply, Problem> {
    let study = ask.study()?;
    let Break { reason, code } = ask.json().await?;
    if code.len() > CODE_BYTES {
        return Err(Problem::bad("the code is too long"));
    }
    let (reason, code) = (checked(reason)?, code.split_whitespace().collect());
    opened(ask.answer(Request::Glass(Glass::Break { study, reason, code })).await?)
}

/// `GET /api/v1/reviews`.
pub async fn reviews(ask: Ask) -> Result<Reply, Problem> {
    let Response::Reviews { reviews, total } = ask.answer(Request::Glass(Glass::Reviews)).await? else {
        return Err(Code::Internal.into());
    };
    let reviews: Vec<Value> = reviews.iter().map(line).collect();
    json(StatusCode::OK, &value!({ "reviews": reviews, "total": total }))
}

fn line(review: &Review) -> Value {
    value!({
        "entry": review.entry,
        "time": review.time.rfc3339(),
        "deadline": review.deadline.rfc3339(),
        "overdue": review.overdue,
        "user": review.user,
        "role": review.role,
        "organisation": review.organisation,
        "study": review.study.as_ref().map(|uid| uid.as_str()),
        "reason": review.reason,
        "in_seven_days": review.in_seven_days,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    outcome: Outcome,
    #[serde(default)]
    note: String,
}

/// `POST /api/v1/reviews/{entry}`.
pub async fn review(mut ask: Ask) -> Result<Reply, Problem> {
    let entry = ask.param("entry").and_then(|text| text.parse().ok());
    let entry = entry.ok_or_else(|| Problem::bad("not the number of an entry"))?;
    let Reviewed { outcome, note } = ask.json().await?;
    let note = checked(note)?;
    ask.answer(Request::Glass(Glass::Review { entry, outcome, note })).await?;
    Ok(reply(StatusCode::NO_CONTENT, Body::empty()))
}
