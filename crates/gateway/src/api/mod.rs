//! The HTTP API of the pages.

mod accesses;
pub mod consents;
mod glass;
mod masks;
mod orders;
mod planes;
mod putright;
mod relations;
mod rules;
mod standing;
mod studies;

pub use accesses::accesses;
pub use glass::{break_glass, review, reviews};
pub use masks::{draw, masks};
pub use orders::{end_order, orders, place_orders};
pub use planes::{bring, presentation_state, segmentation};
pub use putright::{changes, look_up, make, undo};
pub use relations::{feeds, relate, relations, unrelate};
pub use rules::{check, decide, explain, matrix, propose, replay, rules, said};
pub use standing::{standing, wish};
pub use studies::{lift, my_studies, open, worklist};

use crate::http::{Ask, Body, Problem, Reply, json, reply};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use port::{Code, Request, Response};
use serde_json::json as value;

/// The description of this API, kept true by a test.
const OPENAPI: &str = include_str!("openapi.json");

/// `GET /healthz`: the process lives.
pub async fn healthz(_ask: Ask) -> Result<Reply, Problem> {
    Ok(reply(StatusCode::OK, Body::empty()))
}

/// `GET /readyz`: the vault answers.
pub async fn readyz(ask: Ask) -> Result<Reply, Problem> {
    let ready = ask.answer(Request::Ready).await.is_ok();
    Ok(reply(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Body::empty()))
}

/// `GET /metrics`: not configured.
pub async fn metrics(_ask: Ask) -> Result<Reply, Problem> {
    Err(Code::NotFound.into())
}

/// `GET /api/openapi.json`.
pub async fn openapi(_ask: Ask) -> Result<Reply, Problem> {
    let mut out = reply(StatusCode::OK, Body::full(OPENAPI));
    out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(out)
}

/// `GET /api/v1/me`.
pub async fn me(ask: Ask) -> Result<Reply, Problem> {
    let Response::Account(account) = ask.answer(Request::Whoami).await? else {
        return Err(Code::Internal.into());
    };
    let body = value!({
        "user": account.user,
        "name": account.name,
        "role": account.role.as_str(),
        "organisation": account.organisation,
    });
    json(StatusCode::OK, &body)
}

#[cfg(test)]
mod tests;
