//! Signing in and out.

use super::{SESSION_COOKIE, VIEWING_COOKIE};
use crate::http::{Ask, Body, Problem, Reply, json, reply};
use hyper::StatusCode;
use hyper::header::{HeaderValue, SET_COOKIE};
use port::{Code, Request, Response};
use serde::Deserialize;
use serde_json::json as value;

/// Bytes of a name and a password: anybody may send them.
const SIGN_IN_BYTES: usize = 4 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    user: String,
    password: String,
}

/// `POST /auth/sign-in`.
pub async fn sign_in(mut ask: Ask) -> Result<Reply, Problem> {
    let SignIn { user, password } = ask.json_of_anybody(&["application/json"], SIGN_IN_BYTES).await?;
    let answer = ask.answer(Request::SignIn { user, password }).await?;
    let Response::SignedIn { session, account, expires_in_s } = answer else {
        return Err(Code::Internal.into());
    };
    let body = value!({
        "user": account.user,
        "name": account.name,
        "role": account.role.as_str(),
        "organisation": account.organisation,
        "expires_in": expires_in_s,
    });
    let mut out = json(StatusCode::OK, &body)?;
    out.headers_mut().append(SET_COOKIE, cookie(SESSION_COOKIE, &session)?);
    // Whatever another session had opened in this browser is not this one's.
    out.headers_mut().append(SET_COOKIE, ended(VIEWING_COOKIE)?);
    Ok(out)
}

/// `POST /auth/sign-out`.
pub async fn sign_out(ask: Ask) -> Result<Reply, Problem> {
    ask.answer(Request::SignOut).await?;
    let mut out = reply(StatusCode::NO_CONTENT, Body::empty());
    for name in [SESSION_COOKIE, VIEWING_COOKIE] {
        out.headers_mut().append(SET_COOKIE, ended(name)?);
    }
    Ok(out)
}

/// Sets the viewing set's cookie.
///
/// # Errors
/// 500 for a value that cannot stand in a header.
pub fn viewing_cookie(out: &mut Reply, viewing: &str) -> Result<(), Problem> {
    out.headers_mut().append(SET_COOKIE, cookie(VIEWING_COOKIE, viewing)?);
    Ok(())
}

fn cookie(name: &str, value: &str) -> Result<HeaderValue, Problem> {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::from_str(&text).map_err(|_| Code::Internal.into())
}

fn ended(name: &str) -> Result<HeaderValue, Problem> {
    let text = format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    HeaderValue::from_str(&text).map_err(|_| Code::Internal.into())
}
