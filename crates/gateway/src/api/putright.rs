//! Putting right: looking up, changing, taking back.

use crate::http::query::{first, number};
use crate::http::{Ask, Problem, Reply, json};
use hyper::StatusCode;
use model::{Attributes, Rejection, Tag, Uid, limits, tags};
use port::putright::{Act, Answer, Ask as Asked, ChangeLine, Destination, LookedUp, PatientNumber};
use port::{Code, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::collections::BTreeMap;

/// Changes of one answer unless asked otherwise.
const CHANGES: u64 = 50;

/// `GET /api/v1/changes`.
pub async fn changes(ask: Ask) -> Result<Reply, Problem> {
    let limit = number(&ask.query, "limit", CHANGES)?.min(limits::MATCHES as u64);
    let limit = usize::try_from(limit).map_err(|_| Problem::bad("not a number"))?;
    let before = first(&ask.query, "before").map(|_| number(&ask.query, "before", 0)).transpose()?;
    let Answer::Changes { version, changes, next } = answered(&ask, Asked::Changes { limit, before }).await?
    else {
        return Err(Code::Internal.into());
    };
    let changes: Vec<Value> = changes.iter().map(line).collect();
    json(StatusCode::OK, &value!({ "version": version, "changes": changes, "next": next }))
}

fn line(change: &ChangeLine) -> Value {
    let undone = change
        .undone
        .as_ref()
        .map(|(at, by, reason)| value!({ "at": at.rfc3339(), "by": by, "reason": reason }));
    let confirmed = change.confirmed.as_ref().map(|(at, by)| value!({ "at": at.rfc3339(), "by": by }));
    let patients: Vec<Value> =
        change.patients.iter().map(|p| value!({ "issuer": p.issuer, "number": p.number })).collect();
    value!({
        "number": change.number,
        "act": change.act,
        "at": change.at.rfc3339(),
        "by": change.by,
        "reason": change.reason,
        "studies": change.studies.iter().map(Uid::as_str).collect::<Vec<_>>(),
        "patients": patients,
        "undone": undone,
        "confirmed": confirmed,
        "waits": change.waits,
    })
}

/// `POST /api/v1/look-up`: a number in an address would stand in logs.
pub async fn look_up(mut ask: Ask) -> Result<Reply, Problem> {
    let patient = ask.json::<Number>().await?.into();
    let Answer::LookedUp { version, studies } = answered(&ask, Asked::LookUp { patient }).await? else {
        return Err(Code::Internal.into());
    };
    let studies: Vec<Value> = studies.iter().map(looked_up).collect();
    json(StatusCode::OK, &value!({ "version": version, "studies": studies }))
}

fn looked_up(found: &LookedUp) -> Value {
    let series: Vec<Value> = found.series.iter().map(dicom::json::from_attributes).collect();
    value!({ "study": dicom::json::from_attributes(&found.study), "series": series })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Make {
    expect_version: u64,
    reason: String,
    act: Wanted,
}

/// A patient's number as bodies name it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Number {
    #[serde(default)]
    issuer: String,
    number: String,
}

impl From<Number> for PatientNumber {
    fn from(given: Number) -> Self {
        Self { issuer: given.issuer, number: given.number }
    }
}

/// Values by keyword (PS3.6), one each; an empty one empties.
type Words = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Wanted {
    #[serde(rename_all = "snake_case")]
    Merge { from: Number, into: Number },
    #[serde(rename_all = "snake_case")]
    MoveStudies {
        studies: Vec<Uid>,
        to: Number,
        #[serde(default)]
        demographics: Words,
    },
    #[serde(rename_all = "snake_case")]
    MoveSeries { study: Uid, series: Vec<Uid>, to_study: Option<Uid>, to_patient: Option<Number> },
    #[serde(rename_all = "snake_case")]
    CorrectPatient { patient: Number, set: Words },
    #[serde(rename_all = "snake_case")]
    CorrectStudy { study: Uid, set: Words },
    #[serde(rename_all = "snake_case")]
    Reject {
        study: Uid,
        series: Option<Uid>,
        #[serde(default)]
        instances: Vec<Uid>,
        code: String,
    },
    #[serde(rename_all = "snake_case")]
    Confirm { change: u64 },
}

/// `POST /api/v1/changes`.
pub async fn make(mut ask: Ask) -> Result<Reply, Problem> {
    let Make { expect_version, reason, act } = ask.json().await?;
    let (act, reason) = (checked(act)?, said(reason)?);
    righted(answered(&ask, Asked::Make { act, reason, expect_version }).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    expect_version: u64,
    reason: String,
}

/// `POST /api/v1/changes/{change}/undo`.
pub async fn undo(mut ask: Ask) -> Result<Reply, Problem> {
    let change = ask.param("change").and_then(|text| text.parse().ok());
    let change: u64 = change.ok_or_else(|| Problem::bad("not a number"))?;
    let Undo { expect_version, reason } = ask.json().await?;
    let reason = said(reason)?;
    righted(answered(&ask, Asked::Undo { change, reason, expect_version }).await?)
}

async fn answered(ask: &Ask, asked: Asked) -> Result<Answer, Problem> {
    match ask.answer(Request::PutRight(asked)).await? {
        Response::PutRight(answer) => Ok(answer),
        _ => Err(Code::Internal.into()),
    }
}

fn righted(answer: Answer) -> Result<Reply, Problem> {
    let Answer::Done { change, version, studies, objects } = answer else {
        return Err(Code::Internal.into());
    };
    let body = value!({ "change": change, "version": version, "studies": studies, "objects": objects });
    json(StatusCode::OK, &body)
}

fn said(reason: String) -> Result<String, Problem> {
    let fits = reason.len() <= limits::REASON_BYTES && !reason.chars().any(|c| c.is_control() && c != '\n');
    if fits { Ok(reason) } else { Err(Problem::bad("the reason is too long or holds control characters")) }
}

fn checked(act: Wanted) -> Result<Act, Problem> {
    Ok(match act {
        Wanted::Merge { from, into } => {
            Act::Merge { from: from.into(), into: into.into(), demographics: Attributes::new() }
        }
        Wanted::MoveStudies { studies, to, demographics } => {
            bounded(studies.len(), limits::RIGHTED_STUDIES)?;
            Act::MoveStudies { studies, to: to.into(), demographics: words(demographics)? }
        }
        Wanted::MoveSeries { study, series, to_study, to_patient } => {
            bounded(series.len(), limits::RIGHTED_STUDIES)?;
            let to = match (to_study, to_patient) {
                (Some(study), None) => Destination::Study(study),
                (None, patient) => Destination::NewStudy(patient.map(Into::into)),
                _ => return Err(Problem::bad("a study that is there has its patient")),
            };
            Act::MoveSeries { study, series, to }
        }
        Wanted::Confirm { change } => Act::Confirm { change },
        Wanted::CorrectPatient { patient, set } => {
            Act::CorrectPatient { patient: patient.into(), set: words(set)? }
        }
        Wanted::CorrectStudy { study, set } => Act::CorrectStudy { study, set: words(set)? },
        Wanted::Reject { study, series, instances, code } => {
            bounded(instances.len(), limits::REJECTED)?;
            let code: Rejection = code.parse().map_err(|_| Problem::bad("not a known reason to reject"))?;
            Act::Reject { study, series, instances, code }
        }
    })
}

fn bounded(count: usize, limit: usize) -> Result<(), Problem> {
    if count > limit { Err(Code::TooLarge.into()) } else { Ok(()) }
}

/// Keywords of what may be corrected; the vault decides of which level, and how a value must look.
const KEYWORDS: &[(&str, Tag)] = &[
    ("PatientName", tags::PATIENT_NAME),
    ("PatientBirthDate", tags::PATIENT_BIRTH_DATE),
    ("PatientSex", tags::PATIENT_SEX),
    ("AccessionNumber", tags::ACCESSION_NUMBER),
    ("StudyDate", tags::STUDY_DATE),
    ("StudyTime", tags::STUDY_TIME),
    ("StudyDescription", tags::STUDY_DESCRIPTION),
    ("StudyID", tags::STUDY_ID),
    ("ReferringPhysicianName", tags::REFERRING_PHYSICIAN_NAME),
];

fn words(given: Words) -> Result<Attributes, Problem> {
    let mut out = Attributes::new();
    for (keyword, text) in given {
        let known = KEYWORDS.iter().find(|(word, _)| *word == keyword);
        let (_, tag) = known.ok_or_else(|| Problem::bad("not an attribute that can be corrected"))?;
        if text.len() > limits::INDEXED_VALUE_BYTES {
            return Err(Code::TooLarge.into());
        }
        out.set(*tag, *b"UN", Some(text).filter(|text| !text.is_empty()));
    }
    Ok(out)
}
