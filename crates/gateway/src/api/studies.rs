//! Lists of studies, and opening one.

use crate::auth::viewing_cookie;
use crate::http::query::{first, number};
use crate::http::{Ask, Problem, Reply, json};
use hyper::StatusCode;
use model::{Purpose, limits};
use port::archive::{Opened, StudyLine};
use port::{Code, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json as value};

/// Lines of one answer unless asked otherwise.
const LINES: u64 = 100;
/// A search as typed, bytes.
const SEARCH_BYTES: usize = 256;

/// `GET /api/v1/worklist`.
pub async fn worklist(ask: Ask) -> Result<Reply, Problem> {
    let search = first(&ask.query, "search").unwrap_or_default();
    if search.len() > SEARCH_BYTES {
        return Err(Problem::bad("the search is too long"));
    }
    let (limit, offset) = page(&ask)?;
    let request = Request::Worklist { search: search.to_owned(), limit, offset };
    lines(ask.answer(request).await?)
}

/// `GET /api/v1/my-studies`.
pub async fn my_studies(ask: Ask) -> Result<Reply, Problem> {
    lines(ask.answer(Request::MyStudies).await?)
}

/// Limit and offset; more than the bound is the bound, as in QIDO-RS.
pub fn page(ask: &Ask) -> Result<(usize, usize), Problem> {
    let limit = number(&ask.query, "limit", LINES)?.min(limits::MATCHES as u64);
    let small = |n: u64| usize::try_from(n).map_err(|_| Problem::bad("not a number"));
    Ok((small(limit)?, small(number(&ask.query, "offset", 0)?)?))
}

fn lines(answer: Response) -> Result<Reply, Problem> {
    let Response::Studies { studies, total } = answer else { return Err(Code::Internal.into()) };
    let studies: Vec<Value> = studies.iter().map(line).collect();
    json(StatusCode::OK, &value!({ "studies": studies, "total": total }))
}

fn line(study: &StudyLine) -> Value {
    value!({
        "attributes": dicom::json::from_attributes(&study.attributes),
        "order": study.order,
        "related": study.related,
        "looked": study.looked,
        "mask_version": study.mask_version,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    purpose: String,
    reason: Option<String>,
}

/// `POST /api/v1/studies/{study}/open`.
pub async fn open(mut ask: Ask) -> Result<Reply, Problem> {
    let study = ask.study()?;
    let Open { purpose, reason } = ask.json().await?;
    let purpose: Purpose = purpose.parse().map_err(|_| Problem::bad("not a known purpose"))?;
    let reason = reason.map(checked).transpose()?;
    opened(ask.answer(Request::Open { study, purpose, reason }).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lift {
    reason: String,
}

/// `POST /api/v1/studies/{study}/lift`.
pub async fn lift(mut ask: Ask) -> Result<Reply, Problem> {
    let study = ask.study()?;
    let reason = checked(ask.json::<Lift>().await?.reason)?;
    opened(ask.answer(Request::Lift { study, reason }).await?)
}

/// A reason that fits.
///
/// # Errors
/// 400.
pub fn checked(reason: String) -> Result<String, Problem> {
    let fits = reason.len() <= limits::REASON_BYTES && !reason.chars().any(|c| c.is_control() && c != '\n');
    if fits { Ok(reason) } else { Err(Problem::bad("the reason is too long or holds control characters")) }
}

/// A grant, with the viewing cookie.
///
/// # Errors
/// 500.
pub fn opened(answer: Response) -> Result<Reply, Problem> {
    let Response::Opened(opened) = answer else { return Err(Code::Internal.into()) };
    let Opened { token, viewing, expires_in_s, visibility, mask_version, may_lift, lifted } = opened;
    let body = value!({
        "token": token,
        "token_type": "Bearer",
        "expires_in": expires_in_s,
        "visibility": visibility,
        "mask_version": mask_version,
        "may_lift": may_lift,
        "lifted": lifted,
    });
    let mut out = json(StatusCode::OK, &body)?;
    viewing_cookie(&mut out, &viewing)?;
    Ok(out)
}
