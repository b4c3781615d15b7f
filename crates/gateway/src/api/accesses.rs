//! Who looked.

use crate::http::query::{first, number};
use crate::http::{Ask, Problem, Reply, json};
use hyper::StatusCode;
use model::limits;
use port::archive::Access;
use port::{Code, Request, Response};
use serde_json::{Map, Value, json as value};

/// Event kinds of one request.
const KINDS: usize = 64;
/// Entries of one answer unless asked otherwise.
const ENTRIES: u64 = 100;

/// `GET /api/v1/accesses`.
pub async fn accesses(ask: Ask) -> Result<Reply, Problem> {
    let study = first(&ask.query, "study").map(str::parse).transpose();
    let study = study.map_err(|_| Problem::bad("not a unique identifier"))?;
    let kinds: Vec<String> = first(&ask.query, "kind")
        .unwrap_or_default()
        .split(',')
        .filter(|kind| !kind.is_empty())
        .map(str::to_owned)
        .collect();
    if kinds.len() > KINDS {
        return Err(Problem::bad("too many kinds"));
    }
    let limit = number(&ask.query, "limit", ENTRIES)?.min(limits::MATCHES as u64);
    let limit = usize::try_from(limit).map_err(|_| Problem::bad("not a number"))?;
    let before = first(&ask.query, "before").map(|_| number(&ask.query, "before", 0)).transpose()?;
    match ask.answer(Request::Accesses { study, kinds, limit, before }).await? {
        Response::Accesses { entries, next } => {
            let entries: Vec<Value> = entries.iter().map(entry).collect();
            json(StatusCode::OK, &value!({ "entries": entries, "next": next }))
        }
        _ => Err(Code::Internal.into()),
    }
}

fn entry(access: &Access) -> Value {
    let details: Map<String, Value> = access.details.iter().map(|(k, v)| (k.clone(), value!(v))).collect();
    value!({
        "index": access.index,
        "time": access.time.rfc3339(),
        "kind": access.kind,
        "actor": access.actor,
        "role": access.role,
        "organisation": access.organisation,
        "details": details,
        "study": access.study.as_ref().map(|uid| uid.as_str()),
    })
}
