//! `POST /auth/token`: OAuth 2.0 client credentials (RFC 6749 §4.4) for machines.

use crate::http::{Ask, Problem, Reply, json, query};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use port::{Code, Request, Response};
use serde_json::json as value;

/// Bytes of a request: a name, a secret, a grant type.
const FORM_BYTES: usize = 4 << 10;

/// Client and secret.
type Client = (String, String);

/// Why not, in the words of RFC 6749 §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    InvalidRequest,
    InvalidClient,
    UnsupportedGrantType,
    InvalidScope,
}

/// A token for a machine's name and secret.
pub async fn token(mut ask: Ask) -> Result<Reply, Problem> {
    let media = ask.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let form = media.split(';').next().unwrap_or_default().trim();
    if !form.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return refused(Refusal::InvalidRequest);
    }
    let mut headers = ask.headers().get_all(AUTHORIZATION).iter();
    let header = headers.next().map(|value| value.to_str().unwrap_or("?").to_owned());
    if headers.next().is_some() {
        return refused(Refusal::InvalidRequest);
    }
    let body = ask.body.collect(FORM_BYTES).await?;
    let (client, secret) = match asked(header.as_deref(), &body) {
        Ok(client) => client,
        Err(refusal) => return refused(refusal),
    };
    match ask.answer(Request::MachineToken { client, secret }).await {
        Ok(Response::MachineToken { token, expires_in_s }) => {
            let body = value!({ "access_token": token, "token_type": "Bearer", "expires_in": expires_in_s });
            unkept(json(StatusCode::OK, &body)?)
        }
        Ok(_) => Err(Code::Internal.into()),
        Err(problem) if problem.code == Code::SignInFailed => refused(Refusal::InvalidClient),
        Err(problem) => Err(problem),
    }
}

/// Who asks for what. One way of showing who one is, each parameter once (§2.3, §3.2).
fn asked(header: Option<&str>, body: &[u8]) -> Result<Client, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::InvalidRequest)?;
    let form = query::pairs(Some(text)).map_err(|_| Refusal::InvalidRequest)?;
    let once = |key: &str| {
        let mut values = form.iter().filter(|(name, _)| name == key).map(|(_, value)| value.clone());
        let value = values.next();
        if values.next().is_some() { Err(Refusal::InvalidRequest) } else { Ok(value) }
    };
    let (id, secret) = (once("client_id")?, once("client_secret")?);
    let client = match (header, id, secret) {
        (Some(header), id, None) => {
            let client = basic(header)?;
            if id.is_some_and(|id| id != client.0) {
                return Err(Refusal::InvalidRequest);
            }
            client
        }
        (None, Some(id), Some(secret)) => (id, secret),
        (Some(_), _, Some(_)) => return Err(Refusal::InvalidRequest),
        (None, ..) => return Err(Refusal::InvalidClient),
    };
    match once("grant_type")?.as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::UnsupportedGrantType),
        None => return Err(Refusal::InvalidRequest),
    }
    // What a machine may is agreed in the archive, not asked for.
    if once("scope")?.is_some_and(|scope| !scope.is_empty()) {
        return Err(Refusal::InvalidScope);
    }
    Ok(client)
}

/// `Basic`, both words form-encoded (§2.3.1).
fn basic(header: &str) -> Result<Client, Refusal> {
    let (scheme, text) = header.split_once(' ').ok_or(Refusal::InvalidClient)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Refusal::InvalidClient);
    }
    let bytes = STANDARD.decode(text.trim()).map_err(|_| Refusal::InvalidClient)?;
    let text = String::from_utf8(bytes).map_err(|_| Refusal::InvalidClient)?;
    let (id, secret) = text.split_once(':').ok_or(Refusal::InvalidClient)?;
    let word = |text: &str| query::decode(text, true).map_err(|_| Refusal::InvalidClient);
    Ok((word(id)?, word(secret)?))
}

fn refused(refusal: Refusal) -> Result<Reply, Problem> {
    let (status, error) = match refusal {
        Refusal::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request"),
        Refusal::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
        Refusal::UnsupportedGrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        Refusal::InvalidScope => (StatusCode::BAD_REQUEST, "invalid_scope"),
    };
    let mut out = json(status, &value!({ "error": error }))?;
    if refusal == Refusal::InvalidClient {
        let basic = HeaderValue::from_static("Basic realm=\"gauze\", charset=\"UTF-8\"");
        out.headers_mut().insert(WWW_AUTHENTICATE, basic);
    }
    unkept(out)
}

fn unkept(mut reply: Reply) -> Result<Reply, Problem> {
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Basic texts made by hand with `printf … | base64`; the last one is `ct%3A1:a%2Bb`.
    #[test]
    fn who_asks_is_read_once() {
        const CT: &str = "Basic Y3Q6c2VjcmV0";
        let grant = "grant_type=client_credentials";
        let ok = |id: &str, secret: &str| Ok((id.to_owned(), secret.to_owned()));
        for (header, body, expected) in [
            (Some(CT), grant.to_owned(), ok("ct", "secret")),
            (Some(CT), format!("{grant}&client_id=ct"), ok("ct", "secret")),
            (None, format!("{grant}&client_id=ct&client_secret=a%2Bb"), ok("ct", "a+b")),
            (Some("basic Y3QlM0ExOmElMkJi"), grant.to_owned(), ok("ct:1", "a+b")),
            (Some(CT), format!("{grant}&client_id=mr"), Err(Refusal::InvalidRequest)),
            (Some(CT), format!("{grant}&client_secret=x"), Err(Refusal::InvalidRequest)),
            (Some(CT), format!("{grant}&{grant}"), Err(Refusal::InvalidRequest)),
            (Some(CT), String::new(), Err(Refusal::InvalidRequest)),
            (Some(CT), "grant_type=password".to_owned(), Err(Refusal::UnsupportedGrantType)),
            (Some(CT), format!("{grant}&scope=all"), Err(Refusal::InvalidScope)),
            (Some(CT), format!("{grant}&access_token=x"), Err(Refusal::InvalidRequest)),
            (Some("Basic !"), grant.to_owned(), Err(Refusal::InvalidClient)),
            (Some("Basic Y3Q="), grant.to_owned(), Err(Refusal::InvalidClient)),
            (Some("Bearer x"), grant.to_owned(), Err(Refusal::InvalidClient)),
            (None, grant.to_owned(), Err(Refusal::InvalidClient)),
            (None, format!("{grant}&client_id=ct"), Err(Refusal::InvalidClient)),
            (None, "%".to_owned(), Err(Refusal::InvalidRequest)),
        ] {
            assert_eq!(asked(header, body.as_bytes()), expected, "{header:?} {body}");
        }
        assert_eq!(asked(None, b"\xFF"), Err(Refusal::InvalidRequest));
    }
}
