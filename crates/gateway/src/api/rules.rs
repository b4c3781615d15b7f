//! The rules of who may see and do what: read, tried, proposed, put in force.

use crate::http::{Ask, Body, Problem, Reply, json, reply};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use model::{Id, Uid};
use port::govern::{
    Answer, Ask as Asked, Change, MatrixLine, Outcome, Replayed, Rules, Shown, Which, WhoSees,
};
use port::{Code, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json as value};

/// Decisions replayed unless asked otherwise.
const DECISIONS: u64 = 1_000;
/// Of the reason why rules are refused, characters that are told.
const WHY: usize = 2_000;

/// `GET /api/v1/rules`.
pub async fn rules(ask: Ask) -> Result<Reply, Problem> {
    answered(&ask, Asked::Show).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    pictures: String,
    rights: String,
}

impl From<Texts> for Rules {
    fn from(given: Texts) -> Self {
        Self { pictures: given.pictures, rights: given.rights }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Propose {
    rules: Option<Texts>,
    put_back: Option<String>,
    reason: String,
    expect_version: String,
}

/// `POST /api/v1/rules`.
pub async fn propose(mut ask: Ask) -> Result<Reply, Problem> {
    let Propose { rules, put_back, reason, expect_version } = ask.json().await?;
    let asked = match (rules, put_back) {
        (Some(rules), None) => Asked::Propose { rules: rules.into(), reason, expect_version },
        (None, Some(version)) => Asked::PutBack { version, reason, expect_version },
        _ => return Err(Problem::bad("either `rules` or `put_back`")),
    };
    answered(&ask, asked).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    act: Verb,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Verb {
    Activate,
    Drop,
}

/// `POST /api/v1/rules/proposals/{proposal}`.
pub async fn decide(mut ask: Ask) -> Result<Reply, Problem> {
    let proposal = ask.param("proposal").and_then(|text| text.parse::<Id>().ok()).ok_or(Code::NotFound);
    let Act { act } = ask.json().await?;
    let proposal = proposal?;
    let asked = match act {
        Verb::Activate => Asked::Activate { proposal },
        Verb::Drop => Asked::Drop { proposal },
    };
    answered(&ask, asked).await
}

/// Which rules: given ones, a proposal's, else those in force.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tried {
    rules: Option<Texts>,
    proposal: Option<Id>,
    #[serde(default)]
    body_parts: Vec<String>,
    last: Option<u64>,
}

impl Tried {
    fn which(&mut self) -> Result<Which, Problem> {
        match (self.rules.take(), self.proposal) {
            (Some(rules), None) => Ok(Which::Given(rules.into())),
            (None, Some(id)) => Ok(Which::Proposal(id)),
            (None, None) => Ok(Which::InForce),
            _ => Err(Problem::bad("either `rules` or `proposal`")),
        }
    }
}

/// `POST /api/v1/rules/check`.
pub async fn check(mut ask: Ask) -> Result<Reply, Problem> {
    let which = ask.json::<Tried>().await?.which()?;
    answered(&ask, Asked::Check(which)).await
}

/// `POST /api/v1/rules/matrix`.
pub async fn matrix(mut ask: Ask) -> Result<Reply, Problem> {
    let mut tried: Tried = ask.json().await?;
    let which = tried.which()?;
    answered(&ask, Asked::Matrix { which, body_parts: tried.body_parts }).await
}

/// `POST /api/v1/rules/replay`.
pub async fn replay(mut ask: Ask) -> Result<Reply, Problem> {
    let mut tried: Tried = ask.json().await?;
    let which = tried.which()?;
    answered(&ask, Asked::Replay { which, last: tried.last.unwrap_or(DECISIONS) }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explain {
    study: Uid,
    user: Option<String>,
}

/// `POST /api/v1/rules/explain`.
pub async fn explain(mut ask: Ask) -> Result<Reply, Problem> {
    let Explain { study, user } = ask.json().await?;
    answered(&ask, Asked::Explain { study, user }).await
}

async fn answered(ask: &Ask, asked: Asked) -> Result<Reply, Problem> {
    let Response::Governed(answer) = ask.answer(Request::Govern(Box::new(asked))).await? else {
        return Err(Code::Internal.into());
    };
    match *answer {
        Answer::Faulty(why) => faulty(&why),
        answer => json(StatusCode::OK, &said(answer)),
    }
}

/// RFC 9457, with what is wrong in the author's own text.
fn faulty(why: &str) -> Result<Reply, Problem> {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let body = value!({
        "type": "about:blank",
        "title": "the rules are not taken",
        "status": status.as_u16(),
        "code": Code::BadRequest.as_str(),
        "detail": why.chars().take(WHY).collect::<String>(),
    });
    let mut out = reply(status, Body::full(body.to_string()));
    out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    Ok(out)
}

/// An answer as JSON; also what `gauze policy --json` prints.
#[must_use]
pub fn said(answer: Answer) -> Value {
    match answer {
        Answer::Shown(now) => shown(&now),
        Answer::Faulty(why) => value!({ "detail": why }),
        Answer::Checked { version, findings, questions, cut } => {
            let findings: Vec<Value> =
                findings.iter().map(|(rule, trouble)| value!({ "rule": rule, "trouble": trouble })).collect();
            value!({ "version": version, "findings": findings, "questions": questions, "constants_left_out": cut })
        }
        Answer::Matrix { version, lines } => {
            value!({ "version": version, "lines": lines.iter().map(matrix_line).collect::<Vec<_>>() })
        }
        Answer::Explained { version, lines, cut } => {
            let lines: Vec<Value> = lines.iter().map(who_sees).collect();
            value!({ "version": version, "lines": lines, "accounts_left_out": cut })
        }
        Answer::Replayed(replayed) => again(&replayed),
    }
}

fn texts(rules: &Rules) -> Value {
    value!({ "pictures": rules.pictures, "rights": rules.rights })
}

fn shown(now: &Shown) -> Value {
    let proposals: Vec<Value> = now
        .proposals
        .iter()
        .map(|p| {
            value!({
                "proposal": p.id.hex(), "version": p.version, "base": p.base, "rules": texts(&p.rules),
                "by": p.by, "at": p.at.rfc3339(), "reason": p.reason,
            })
        })
        .collect();
    let past: Vec<Value> =
        now.past.iter().map(|p| value!({ "version": p.version, "until": p.until.rfc3339() })).collect();
    value!({
        "version": now.version,
        "rules": texts(&now.rules),
        "since": now.since.map(model::Time::rfc3339),
        "proposals": proposals,
        "past": past,
    })
}

fn outcome(outcome: &Outcome) -> Value {
    value!({
        "sees": outcome.sees, "hides": outcome.hides, "may_lift": outcome.may_lift, "rules": outcome.rules,
    })
}

fn matrix_line(line: &MatrixLine) -> Value {
    value!({
        "role": line.role, "purpose": line.purpose, "tie": line.tie, "withheld_class": line.withheld_class,
        "body_parts": line.body_parts, "outcome": outcome(&line.outcome),
    })
}

fn who_sees(line: &WhoSees) -> Value {
    value!({
        "user": line.user, "role": line.role, "purpose": line.purpose, "ties": line.ties,
        "outcome": outcome(&line.outcome),
    })
}

fn again(replayed: &Replayed) -> Value {
    value!({
        "version": replayed.version,
        "decisions": replayed.decisions,
        "untold": replayed.untold,
        "confirmed": replayed.confirmed,
        "contradicted": replayed.contradicted,
        "changed": replayed.changed,
        "changes": replayed.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    value!({
        "index": change.index, "time": change.time.rfc3339(), "user": change.user, "role": change.role,
        "purpose": change.purpose, "study": change.study.as_ref().map(Uid::as_str), "before": change.before,
        "after": outcome(&change.after),
    })
}
