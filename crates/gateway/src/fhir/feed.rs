//! Who has to do with a patient, as FHIR R4 tells it: Encounter, ServiceRequest, CareTeam. The archive keeps what follows from
//! them for relations and no resource; of the persons it needs identifiers, not names.

use super::when;
use crate::http::{Ask, Body, Problem, Reply, reply};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use port::putright::PatientNumber;
use port::ties::{Ask as Tied, Carer, Episode, News, Part, StaffNumber, Stamp, Step, Via};
use port::{Code, Request};
use serde::Deserialize;
use serde_json::{Value, json as value};

const FHIR_JSON: &str = "application/fhir+json";
/// Clinicians of one resource that are looked at.
const CARERS: usize = 64;
/// Identifiers of one resource that are looked at.
const NUMBERS: usize = 16;

/// `POST /fhir/Encounter`, `PUT /fhir/Encounter/{id}`.
pub async fn encounter(ask: Ask) -> Result<Reply, Problem> {
    take(ask, "Encounter", encountered).await
}

/// `POST /fhir/ServiceRequest`, `PUT /fhir/ServiceRequest/{id}`.
pub async fn service_request(ask: Ask) -> Result<Reply, Problem> {
    take(ask, "ServiceRequest", requested).await
}

/// `POST /fhir/CareTeam`, `PUT /fhir/CareTeam/{id}`.
pub async fn care_team(ask: Ask) -> Result<Reply, Problem> {
    take(ask, "CareTeam", team).await
}

/// Why a resource is not taken.
type Wrong = &'static str;

async fn take(
    mut ask: Ask,
    kind: &'static str,
    read: fn(&Resource) -> Result<Option<News>, Wrong>,
) -> Result<Reply, Problem> {
    let body: Value = ask.json_as(&[FHIR_JSON, "application/json"]).await?;
    let id = ask.param("id").map(str::to_owned);
    let news = match Resource::of(body, kind, id.as_deref()).and_then(|r| Ok((read(&r)?, r.number()))) {
        Ok((news, number)) => (news, number),
        Err(wrong) => {
            ask.answer(Request::Ties(Tied::Garbled)).await?;
            return outcome(StatusCode::UNPROCESSABLE_ENTITY, ("error", "invalid", wrong));
        }
    };
    let (news, number) = news;
    match ask.answer(Request::Ties(Tied::Tell(news.into_iter().collect()))).await {
        Ok(_) => {}
        Err(problem) if problem.code == Code::BadRequest => {
            let why = "a time that is to come, an end before its begin, or a number that is too long";
            return outcome(StatusCode::UNPROCESSABLE_ENTITY, ("error", "business-rule", why));
        }
        Err(problem) => return Err(problem),
    }
    let status = if id.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let mut out = outcome(status, ("information", "informational", "taken"))?;
    let at = id.or(number).and_then(|id| HeaderValue::from_str(&format!("/fhir/{kind}/{id}")).ok());
    if let (StatusCode::CREATED, Some(at)) = (status, at) {
        out.headers_mut().insert(LOCATION, at);
    }
    Ok(out)
}

fn outcome(status: StatusCode, (severity, code, text): (&str, &str, &str)) -> Result<Reply, Problem> {
    let issue = value!({ "severity": severity, "code": code, "diagnostics": text });
    let body = value!({ "resourceType": "OperationOutcome", "issue": [issue] });
    let bytes = serde_json::to_vec(&body).map_err(|_| Code::Internal)?;
    let mut out = reply(status, Body::full(bytes));
    out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
    Ok(out)
}

/// What is looked at of a resource; what else it says is ignored, unless it changes the meaning (R4 §2.1.0.1).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Resource {
    resource_type: String,
    id: String,
    meta: Meta,
    implicit_rules: Option<Value>,
    modifier_extension: Option<Value>,
    contained: Vec<Contained>,
    identifier: Vec<Identifier>,
    status: String,
    intent: String,
    subject: Reference,
    requester: Reference,
    performer: Vec<Reference>,
    participant: Vec<Participant>,
    period: Period,
    authored_on: String,
    do_not_perform: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    last_updated: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Contained {
    id: String,
    identifier: Vec<Identifier>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Identifier {
    system: String,
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    reference: String,
    identifier: Option<Identifier>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Period {
    start: String,
    end: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Participant {
    #[serde(rename = "type")]
    kind: Vec<Concept>,
    /// Encounter.
    individual: Reference,
    /// `CareTeam`.
    member: Reference,
    period: Period,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Concept {
    coding: Vec<Coding>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Coding {
    code: String,
}

impl Resource {
    fn of(body: Value, kind: &str, id: Option<&str>) -> Result<Self, Wrong> {
        let mut read: Self =
            serde_json::from_value(body).map_err(|_| "an element is not of the type that R4 gives it")?;
        if read.resource_type != kind {
            return Err("resourceType is not that of the address");
        }
        if read.implicit_rules.is_some() || read.modifier_extension.is_some() {
            return Err("implicitRules or a modifierExtension that is not known here");
        }
        match id {
            Some(id) if !read.id.is_empty() && read.id != id => return Err("id is not that of the address"),
            Some(id) => id.clone_into(&mut read.id),
            None => {}
        }
        Ok(read)
    }

    /// The business identifier, else the id.
    fn number(&self) -> Option<String> {
        let own = self.identifier.iter().map(|one| &one.value).find(|value| !value.is_empty());
        own.or(Some(&self.id).filter(|id| !id.is_empty())).cloned()
    }

    /// Identifiers of whom a reference names: its own, or of the contained resource.
    fn identifiers(&self, reference: &Reference) -> Vec<Identifier> {
        if let Some(own) = reference.identifier.as_ref().filter(|own| !own.value.is_empty()) {
            return vec![own.clone()];
        }
        let Some(id) = reference.reference.strip_prefix('#') else { return Vec::new() };
        let within = self.contained.iter().find(|one| one.id == id);
        let all = within.map(|one| one.identifier.clone()).unwrap_or_default();
        all.into_iter().filter(|one| !one.value.is_empty()).take(NUMBERS).collect()
    }

    fn at(&self) -> Result<Option<Stamp>, Wrong> {
        time(&self.meta.last_updated, "meta.lastUpdated is no instant")
    }

    /// A clinician, unless her part is over.
    fn carer(&self, who: &Reference, part: Part, (period, at): (&Period, Option<Stamp>)) -> Option<Carer> {
        let over = when(&period.end).zip(at).is_some_and(|(end, at)| end.time(0) <= at.time(0));
        let one = self.identifiers(who).into_iter().next().filter(|_| !over)?;
        Some(Carer { staff: StaffNumber { issuer: one.system, number: one.value }, part })
    }

    fn news(&self, episode: Episode, step: Step, parts: Vec<Part>) -> Result<News, Wrong> {
        let number = |one: Identifier| PatientNumber { issuer: one.system, number: one.value };
        let mut numbers = self.identifiers(&self.subject).into_iter().map(number);
        Ok(News {
            via: Via::Fhir,
            patient: numbers
                .next()
                .ok_or("subject needs an identifier, its own or of a contained Patient")?,
            others: numbers.collect(),
            episode,
            number: self.number().ok_or("an identifier or an id is needed")?,
            step,
            at: self.at()?,
            start: time(&self.period.start, "period.start is no date and time with a time zone")?,
            end: time(&self.period.end, "period.end is no date and time with a time zone")?,
            carers: Vec::new(),
            parts,
        })
    }
}

fn time(text: &str, wrong: Wrong) -> Result<Option<Stamp>, Wrong> {
    if text.is_empty() { Ok(None) } else { when(text).map(Some).ok_or(wrong) }
}

/// R4 §8.11.3 and value set encounter-participant-type.
fn encountered(resource: &Resource) -> Result<Option<News>, Wrong> {
    let step = match resource.status.as_str() {
        "arrived" | "triaged" | "in-progress" | "onleave" => Step::Open,
        "finished" => Step::Close,
        "cancelled" | "entered-in-error" => Step::CancelOpen,
        "planned" | "unknown" => return Ok(None),
        _ => return Err("status is none of R4's for an Encounter"),
    };
    let at = resource.at()?;
    let part = |one: &Participant| {
        let codes = one.kind.iter().flat_map(|concept| &concept.coding).map(|coding| coding.code.as_str());
        let known = codes.filter_map(|code| match code {
            "ATND" | "PPRF" => Some(Part::Visit),
            "ADM" => Some(Part::Admission),
            "REF" => Some(Part::Referral),
            _ => None,
        });
        known.min().unwrap_or(Part::Team)
    };
    let all = resource.participant.iter().take(CARERS);
    let carers =
        all.filter_map(|one| resource.carer(&one.individual, part(one), (&one.period, at))).collect();
    let parts = vec![Part::Visit, Part::Admission, Part::Referral, Part::Team];
    Ok(Some(News { carers, ..resource.news(Episode::Visit, step, parts)? }))
}

/// R4 §8.11 request status and intent: what is no order is nobody's relation.
fn requested(resource: &Resource) -> Result<Option<News>, Wrong> {
    let step = match resource.status.as_str() {
        "active" | "on-hold" => Step::Open,
        "completed" => Step::Close,
        "revoked" | "entered-in-error" => Step::CancelOpen,
        "draft" | "unknown" => return Ok(None),
        _ => return Err("status is none of R4's for a ServiceRequest"),
    };
    match resource.intent.as_str() {
        "order" | "original-order" | "reflex-order" | "filler-order" | "instance-order" => {}
        "proposal" | "plan" | "directive" | "option" => return Ok(None),
        _ => return Err("intent is none of R4's for a ServiceRequest"),
    }
    if resource.do_not_perform {
        return Ok(None);
    }
    let all = std::iter::once(&resource.requester).chain(&resource.performer).take(CARERS);
    let carers = all.filter_map(|one| resource.carer(one, Part::Order, (&Period::default(), None))).collect();
    let news = resource.news(Episode::Order, step, vec![Part::Order])?;
    let start = time(&resource.authored_on, "authoredOn is no date and time with a time zone")?;
    Ok(Some(News { carers, start, ..news }))
}

/// R4 §9.9.3.
fn team(resource: &Resource) -> Result<Option<News>, Wrong> {
    let step = match resource.status.as_str() {
        "active" => Step::Open,
        "suspended" | "inactive" => Step::Close,
        "entered-in-error" => Step::CancelOpen,
        "proposed" => return Ok(None),
        _ => return Err("status is none of R4's for a CareTeam"),
    };
    let at = resource.at()?;
    let all = resource.participant.iter().take(CARERS);
    let carers = all.filter_map(|one| resource.carer(&one.member, Part::Team, (&one.period, at))).collect();
    Ok(Some(News { carers, ..resource.news(Episode::CareTeam, step, vec![Part::Team])? }))
}

#[cfg(test)]
mod tests;
