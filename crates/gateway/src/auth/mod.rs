//! What a caller shows, and signing in and out.

mod sessions;
mod token;

pub use sessions::{sign_in, sign_out, viewing_cookie};
pub use token::token;

use crate::http::{Problem, limits};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use hyper::{HeaderMap, Method, StatusCode};
use port::{Code, Credential};

/// Session cookie. `__Host-`: only from this host, only over TLS, for all paths (RFC 6265bis §4.1.3.2).
pub const SESSION_COOKIE: &str = "__Host-gauze-session";
/// Viewing set's cookie.
pub const VIEWING_COOKIE: &str = "__Host-gauze-view";

/// The credential of a request. A token in `Authorization` wins over cookies: somebody chose it for this request.
///
/// # Errors
/// 400 for a header that can be read in two ways; 401 for a scheme that is not served.
pub fn credential(headers: &HeaderMap) -> Result<Credential, Problem> {
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    if let Some(value) = authorizations.next() {
        if authorizations.next().is_some() {
            return Err(Problem::bad("`Authorization` given twice"));
        }
        let text = value.to_str().map_err(|_| Problem::bad("`Authorization` cannot be read"))?;
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem { detail: Some("the scheme is `Bearer`"), ..Code::NotSignedIn.into() });
        }
        return Ok(Credential::Bearer(checked(token.trim())?));
    }
    let session = cookie(headers, SESSION_COOKIE)?;
    let viewing = cookie(headers, VIEWING_COOKIE)?;
    Ok(session.map_or(Credential::None, |session| Credential::Cookies { session, viewing }))
}

/// A cookie's value. Two of one name: somebody planted one (cookie tossing), so neither is believed.
fn cookie(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let mut found = None;
    for header in headers.get_all(COOKIE) {
        // Another application's cookie may hold any bytes: only those of ours are read.
        for pair in header.as_bytes().split(|byte| *byte == b';') {
            let Ok(pair) = std::str::from_utf8(pair) else { continue };
            let Some((key, value)) = pair.trim().split_once('=') else { continue };
            if key == name && found.replace(checked(value)?).is_some() {
                return Err(Problem::bad("a cookie given twice"));
            }
        }
    }
    Ok(found)
}

fn checked(token: &str) -> Result<String, Problem> {
    let ok = (1..=limits::TOKEN_BYTES).contains(&token.len())
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~+/=".contains(&b));
    if ok { Ok(token.to_owned()) } else { Err(Problem::bad("a token cannot be read")) }
}

/// Writes that rest on cookies, and signing in, come from our own pages or from no browser at all (cross-site request
/// forgery). A form cannot send JSON or DICOM without a preflight, which is never answered.
///
/// # Errors
/// 403 for another site, 415 for a media type that a form can send.
pub fn same_site(
    method: &Method,
    headers: &HeaderMap,
    credential: &Credential,
    (authority, empty): (Option<&str>, bool),
) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD) || matches!(credential, Credential::Bearer(_)) {
        return Ok(());
    }
    let forbidden = || Problem { detail: Some("from another site"), ..Code::NotAllowed.into() };
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap_or("?").to_owned();
    let sites = headers.get_all("sec-fetch-site");
    if sites.iter().any(|value| value != "same-origin") {
        return Err(forbidden());
    }
    // HTTP/2 says the host in `:authority`, not in `Host` (RFC 9113 §8.3.1). An origin that nothing can be compared with
    // is another one.
    let host = authority.map(str::to_owned).or_else(|| headers.get(HOST).map(text)).unwrap_or_default();
    if headers.get_all(ORIGIN).iter().any(|origin| text(origin) != format!("https://{host}")) {
        return Err(forbidden());
    }
    let media = headers.get(CONTENT_TYPE).map(text).unwrap_or_default().to_ascii_lowercase();
    let form = ["", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded"];
    if !empty && form.contains(&media.split(';').next().unwrap_or_default().trim()) {
        return Err(Problem::door(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::BadRequest,
            "a media type that this path does not take",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
