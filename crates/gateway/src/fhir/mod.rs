//! FHIR R4 (4.0.1). Consent, read, searched and created (IHE PCF, ITI-108): what a resource says and is not kept here is
//! refused, never dropped. Encounter, ServiceRequest and CareTeam as a feed of relations: as far as they tell the archive what
//! it needs. Errors are an OperationOutcome.

pub mod dates;
mod feed;
mod read;
mod when;
mod words;
mod write;

pub use feed::{care_team, encounter, service_request};
pub use when::when;

use crate::api::consents::{asked, named};
use crate::http::{Ask, Body, Problem, Reply, json, reply};
use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use model::ConsentFault;
use port::Code;
use port::archive::{ConsentAsk, ConsentView};
use serde_json::{Value, json as value};

/// Media type of FHIR in JSON (FHIR R4 §2.6).
const FHIR: &str = "application/fhir+json";

/// `GET /fhir/Consent/{consent}`.
pub async fn consent(ask: Ask) -> Result<Reply, Problem> {
    let found = asked(&ask, ConsentAsk::Read(named(&ask)?)).await?;
    resource(StatusCode::OK, &write::consent(found.first().ok_or(Code::NotFound)?))
}

/// `GET /fhir/Consent`: all that the caller is a side of; `patient=me`: of those, the caller's own.
pub async fn consents(ask: Ask) -> Result<Reply, Problem> {
    let own = match ask.query.as_slice() {
        [] => false,
        [(name, value)] if name == "patient" && value == "me" => true,
        _ => return Err(Problem::bad("`patient=me` is the only parameter that is known here")),
    };
    let found = asked(&ask, ConsentAsk::List).await?;
    let found: Vec<&ConsentView> = found.iter().filter(|consent| consent.own || !own).collect();
    let entry = |consent: &&ConsentView| {
        value!({
            "fullUrl": format!("{}/fhir/Consent/{}", ask.origin(), consent.id.hex()),
            "resource": write::consent(consent),
            "search": { "mode": "match" },
        })
    };
    let mut bundle = value!({ "resourceType": "Bundle", "type": "searchset", "total": found.len() });
    // An empty list is not allowed in FHIR (R4 §2.6.2).
    if let (Some(map), false) = (bundle.as_object_mut(), found.is_empty()) {
        map.insert("entry".to_owned(), found.iter().map(entry).collect());
    }
    resource(StatusCode::OK, &bundle)
}

/// `POST /fhir/Consent`.
pub async fn create_consent(mut ask: Ask) -> Result<Reply, Problem> {
    let body = ask.json_as::<Value>(&[FHIR, "application/json"]).await?;
    let own = match ask.answer(port::Request::Whoami).await? {
        port::Response::Account(account) => account.role == model::Role::Patient,
        _ => return Err(Code::Internal.into()),
    };
    let begun = match read::proposal(body, own) {
        Ok(proposal) => ConsentAsk::Propose(proposal),
        Err(word) => ConsentAsk::Nonsense(word),
    };
    let made = asked(&ask, begun).await?;
    let made = made.first().ok_or(Code::NotFound)?;
    let mut out = resource(StatusCode::CREATED, &write::consent(made))?;
    let place = format!("{}/fhir/Consent/{}/_history/{}", ask.origin(), made.id.hex(), made.steps.len());
    out.headers_mut().insert(LOCATION, HeaderValue::from_str(&place).map_err(|_| Code::Internal)?);
    Ok(out)
}

fn resource(status: StatusCode, resource: &Value) -> Result<Reply, Problem> {
    let mut out = json(status, resource)?;
    out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FHIR));
    Ok(out)
}

/// A problem as an OperationOutcome (FHIR R4 §2.28.4), with the stable word as text and the request's id as diagnostics.
pub fn outcome(problem: &Problem, request: &str) -> Reply {
    let kind = match problem.code {
        Code::NotSignedIn | Code::SignInFailed | Code::SecondFactorNeeded | Code::SecondFactorFailed => {
            "login"
        }
        Code::NotAllowed | Code::ReasonNeeded | Code::OpenAnew => "forbidden",
        Code::NotFound => "not-found",
        Code::SlowDown => "throttled",
        Code::VersionConflict => "conflict",
        Code::TooLarge => "too-long",
        Code::Unsupported => "not-supported",
        Code::BadRequest | Code::BadObject => "invalid",
        Code::StorageFull | Code::Unavailable | Code::Cut => "transient",
        Code::WrongVersion | Code::Internal => "exception",
    };
    let kind =
        if problem.detail == Some(ConsentFault::NotRepresentable.as_str()) { "not-supported" } else { kind };
    let text = problem.detail.unwrap_or(problem.code.as_str());
    let issue = value!({
        "severity": "error",
        "code": kind,
        "details": { "coding": [{ "system": words::PROBLEMS, "code": problem.code.as_str() }], "text": text },
        "diagnostics": request,
    });
    let body = value!({ "resourceType": "OperationOutcome", "issue": [issue] });
    // Status and headers are those of any other problem.
    let plain = problem.reply(request);
    let mut out = reply(plain.status(), Body::full(body.to_string()));
    for name in [WWW_AUTHENTICATE, RETRY_AFTER, ALLOW] {
        plain.headers().get(&name).cloned().map(|value| out.headers_mut().insert(name, value));
    }
    out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FHIR));
    out
}

#[cfg(test)]
mod tests;
