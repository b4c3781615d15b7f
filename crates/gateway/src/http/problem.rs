//! Errors as RFC 9457 problems. [`status`] is the only table from cause to HTTP status.

use super::body::{Body, Reply, reply};
use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use port::{Code, Fault};
use serde_json::json;

/// Why a request failed, in words that may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable word.
    pub code: Code,
    /// HTTP status.
    pub status: StatusCode,
    /// What to change; names no value of anybody.
    pub detail: Option<&'static str>,
    /// Seconds.
    pub retry_after_s: Option<u32>,
    /// Methods that this path has.
    pub allow: Option<String>,
}

/// The table. PS3.18 §8.5 leaves the choice where it names several.
#[must_use]
pub const fn status(code: Code) -> StatusCode {
    match code {
        // RFC 9110 §15.5.2: who you are is not known.
        Code::NotSignedIn | Code::SignInFailed => StatusCode::UNAUTHORIZED,
        // Known, but not with this right, reason or token: signing in again would not help.
        Code::NotAllowed
        | Code::ReasonNeeded
        | Code::SecondFactorNeeded
        | Code::SecondFactorFailed
        | Code::OpenAnew => StatusCode::FORBIDDEN,
        Code::SlowDown => StatusCode::TOO_MANY_REQUESTS,
        // Also what is forbidden to somebody who may not know that it is there.
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::BadRequest | Code::BadObject => StatusCode::BAD_REQUEST,
        Code::VersionConflict => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        // Not 406: another `Accept` would not help.
        Code::Unsupported => StatusCode::NOT_IMPLEMENTED,
        Code::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Code::Unavailable | Code::Cut => StatusCode::SERVICE_UNAVAILABLE,
        Code::WrongVersion | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let Fault { code, retry_after_s } = fault;
        Self { code, status: status(code), detail: None, retry_after_s, allow: None }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Fault::from(code).into()
    }
}

impl Problem {
    /// A request that makes no sense.
    #[must_use]
    pub fn bad(detail: &'static str) -> Self {
        Self { detail: Some(detail), ..Code::BadRequest.into() }
    }

    /// A status of the door's own.
    #[must_use]
    pub fn door(status: StatusCode, code: Code, detail: &'static str) -> Self {
        Self { status, detail: Some(detail), ..code.into() }
    }

    /// None of the acceptable media types is there.
    #[must_use]
    pub fn not_acceptable() -> Self {
        Self::door(
            StatusCode::NOT_ACCEPTABLE,
            Code::Unsupported,
            "none of the accepted media types is served here",
        )
    }

    /// The answer, with the request's id.
    #[must_use]
    pub fn reply(&self, request: &str) -> Reply {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "code": self.code.as_str(),
            "request": request,
        });
        if let Some(map) = body.as_object_mut() {
            if let Some(detail) = self.detail {
                map.insert("detail".to_owned(), json!(detail));
            }
            if let Some(seconds) = self.retry_after_s {
                map.insert("retry_after".to_owned(), json!(seconds));
            }
        }
        let mut out = reply(self.status, Body::full(body.to_string()));
        let headers = out.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gauze\""));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow.as_deref().and_then(|a| HeaderValue::from_str(a).ok()) {
            headers.insert(ALLOW, allow);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_status() {
        // By hand from RFC 9110, RFC 6585 and RFC 4918.
        let expected = [
            ("not-signed-in", 401),
            ("sign-in-failed", 401),
            ("slow-down", 429),
            ("not-found", 404),
            ("not-allowed", 403),
            ("reason-needed", 403),
            ("second-factor-needed", 403),
            ("second-factor-failed", 403),
            ("open-anew", 403),
            ("bad-request", 400),
            ("version-conflict", 409),
            ("too-large", 413),
            ("unsupported", 501),
            ("bad-object", 400),
            ("storage-full", 507),
            ("unavailable", 503),
            ("cut", 503),
            ("wrong-version", 500),
            ("internal", 500),
        ];
        let got: Vec<_> = Code::ALL.iter().map(|c| (c.as_str(), status(*c).as_u16())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn refusals_say_how_to_go_on() {
        let problem = Problem::from(Fault { code: Code::SlowDown, retry_after_s: Some(7) });
        assert_eq!(problem.reply("r").headers()[RETRY_AFTER], "7");
        let unknown = Problem::from(Code::NotSignedIn).reply("r");
        assert_eq!(unknown.headers()[WWW_AUTHENTICATE], "Bearer realm=\"gauze\"");
    }
}
