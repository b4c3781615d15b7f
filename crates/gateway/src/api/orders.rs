//! Orders as worklist items in DICOM JSON: what is scheduled, for machines that ask by DIMSE (PS3.4 Annex K).

use super::studies::page;
use crate::http::query::first;
use crate::http::{Ask, Body, Problem, Reply, json, reply};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use model::tags;
use port::find::{Key, Level, Matching, Query};
use port::{Code, Request, Response};
use serde_json::Value;

const DICOM_JSON: &str = "application/dicom+json";

/// `GET /api/v1/orders`: those not ended, as they will be done; by `accession`, `patient`, `date` (one, or a range).
pub async fn orders(ask: Ask) -> Result<Reply, Problem> {
    let (limit, offset) = page(&ask)?;
    let mut query = Query { limit, offset, ..Query::all(Level::Study) };
    for (name, tag) in [("accession", tags::ACCESSION_NUMBER), ("patient", tags::PATIENT_ID)] {
        let single = |text: &str| Key::top(tag, Matching::Single(text.to_owned()));
        query.keys.extend(first(&ask.query, name).map(single));
    }
    if let Some(date) = first(&ask.query, "date") {
        let end = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let matching = match date.split_once('-') {
            Some((from, to)) => Matching::Range(end(from), end(to)),
            None => Matching::Single(date.to_owned()),
        };
        let path = vec![tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_START_DATE];
        query.keys.push(Key { path, matching });
    }
    let Response::Found(found) = ask.answer(Request::Scheduled(query)).await? else {
        return Err(Code::Internal.into());
    };
    let items: Vec<Value> = found.answers.iter().map(dicom::json::from_attributes).collect();
    let mut out = json(StatusCode::OK, &items)?;
    out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(DICOM_JSON));
    Ok(out)
}

/// `POST /api/v1/orders`: a worklist item, or an array of them; `report_by` names the account that owes the report.
pub async fn place_orders(mut ask: Ask) -> Result<Reply, Problem> {
    let body: Value = ask.json_as(&[DICOM_JSON, "application/json"]).await?;
    let items = match body {
        Value::Array(items) => items,
        one => vec![one],
    };
    let read = |item: &Value| dicom::worklist::item(item).map_err(|e| Problem::bad(why(&e)));
    let orders = items.iter().map(read).collect::<Result<_, _>>()?;
    let report_by = first(&ask.query, "report_by").map(str::to_owned);
    ask.answer(Request::Schedule { orders, report_by }).await?;
    Ok(reply(StatusCode::NO_CONTENT, Body::empty()))
}

fn why(error: &dicom::Error) -> &'static str {
    match error {
        dicom::Error::TooLarge(_) => "a worklist item is above a limit",
        dicom::Error::Malformed(text) if text.starts_with("worklist") => {
            "a worklist item has an attribute that is not kept (PS3.4 Table K.6-1 says which may be)"
        }
        _ => "a worklist item is no DICOM JSON",
    }
}

/// `DELETE /api/v1/orders/{accession}`: done, or not to be done.
pub async fn end_order(ask: Ask) -> Result<Reply, Problem> {
    let accession = ask.param("accession").ok_or(Code::NotFound)?.to_owned();
    ask.answer(Request::EndOrder { accession, step: None }).await?;
    Ok(reply(StatusCode::NO_CONTENT, Body::empty()))
}
