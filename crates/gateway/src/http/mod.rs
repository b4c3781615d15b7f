//! One request: id, route, credential, handler behind a panic fence, headers that every answer carries.

pub mod accept;
pub mod activity;
pub mod agent;
pub mod body;
pub mod cors;
pub mod limits;
pub mod problem;
pub mod query;
pub mod serve;
pub mod tls;
pub mod turns;

pub use body::{Body, Incoming, Outlet, Reply, reply};
pub use problem::Problem;
pub use turns::Turns;

use crate::routes::{self, Params};
use crate::{auth, ui};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, StatusCode};
use model::{Arrival, Uid};
use port::{Archive, Call, Code, Credential, Fault, Request as Wish, Response as Answer, Stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

/// What all requests share.
pub struct Door {
    /// The vault.
    pub archive: Arc<dyn Archive>,
    /// Turns of uploads.
    pub uploads: Turns,
    /// Other sites that may use DICOMweb with a token.
    pub origins: Vec<String>,
}

impl Door {
    /// In front of a vault.
    #[must_use]
    pub fn new(archive: Arc<dyn Archive>, origins: Vec<String>) -> Arc<Self> {
        Arc::new(Self { archive, uploads: Turns::default(), origins })
    }
}

/// A routed request.
pub struct Ask {
    /// Shared.
    pub door: Arc<Door>,
    /// Method, address, headers.
    pub head: Request<()>,
    /// Body.
    pub body: Incoming,
    /// Names of the path.
    pub params: Params,
    /// Query, decoded.
    pub query: Vec<(String, String)>,
    /// From where.
    pub arrival: Arrival,
    /// What the caller shows.
    pub credential: Credential,
}

impl Ask {
    /// Headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// A name of the path.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }

    /// A UID of the path, when the path has one.
    ///
    /// # Errors
    /// 400 when it is none.
    pub fn uid(&self, name: &str) -> Result<Option<Uid>, Problem> {
        self.param(name)
            .map(|text| text.parse().map_err(|_| Problem::bad("not a unique identifier")))
            .transpose()
    }

    /// The study of the path.
    ///
    /// # Errors
    /// 400 when it is no UID.
    pub fn study(&self) -> Result<Uid, Problem> {
        self.uid("study")?.ok_or_else(|| Problem::bad("not a unique identifier"))
    }

    /// The body as JSON with known fields only, of somebody who is known here: before that, nothing of it is read.
    ///
    /// # Errors
    /// Those of who is nobody here; 415, 413 or 400.
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        self.json_as(&["application/json"]).await
    }

    /// The same under one of these media types.
    ///
    /// # Errors
    /// As [`Ask::json`].
    pub async fn json_as<T: DeserializeOwned>(&mut self, types: &[&str]) -> Result<T, Problem> {
        if let Err(problem) = self.answer(Wish::Whoami).await {
            self.body.drain().await;
            return Err(problem);
        }
        self.json_of_anybody(types, model::limits::JSON_BODY_BYTES).await
    }

    /// The same of who has nothing to show yet.
    ///
    /// # Errors
    /// 415, 413 or 400.
    pub async fn json_of_anybody<T: DeserializeOwned>(
        &mut self,
        types: &[&str],
        most: usize,
    ) -> Result<T, Problem> {
        let media =
            self.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).and_then(accept::Media::parse);
        if media.is_none_or(|media| !types.contains(&media.name.as_str())) {
            return Err(Problem::door(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Code::BadRequest,
                "`Content-Type` is none that is expected here; `application/json` is",
            ));
        }
        let bytes = self.body.collect(most).await?;
        serde_json::from_slice(&bytes)
            .map_err(|_| Problem::bad("the body is not the JSON that is expected here"))
    }

    /// Asks the vault, as this caller.
    ///
    /// # Errors
    /// The vault's; `unavailable` when it does not answer in time.
    pub async fn call(&self, request: Wish, body: Stream) -> Result<(Answer, Stream), Fault> {
        let call = Call { credential: self.credential.clone(), arrival: self.arrival.clone(), request };
        let answer = tokio::time::timeout(limits::CALL, self.door.archive.call(call, body)).await;
        answer.unwrap_or_else(|_| Err(Code::Unavailable.into()))
    }

    /// Asks for an answer without a stream.
    ///
    /// # Errors
    /// As [`Ask::call`].
    pub async fn answer(&self, request: Wish) -> Result<Answer, Problem> {
        Ok(self.call(request, port::empty()).await?.0)
    }

    /// `https://host` as the client sees us, when it said so in plain characters; else nothing: addresses then start
    /// with `/`.
    #[must_use]
    pub fn origin(&self) -> String {
        let said = self.head.uri().authority().map(|a| a.as_str());
        let said = said.or_else(|| self.headers().get(HOST).and_then(|v| v.to_str().ok()));
        let plain = |host: &&str| {
            (1..=255).contains(&host.len())
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
        };
        said.filter(plain).map_or_else(String::new, |host| format!("https://{host}"))
    }
}

/// JSON with a status; a value of ours that cannot be written is our fault.
///
/// # Errors
/// 500.
pub fn json(status: StatusCode, value: &impl Serialize) -> Result<Reply, Problem> {
    let bytes = serde_json::to_vec(value).map_err(|_| Code::Internal)?;
    let mut out = reply(status, Body::full(bytes));
    out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(out)
}

/// Answers one request. Never fails and never panics: whatever goes wrong becomes a problem with the request's id.
pub async fn answer(door: &Arc<Door>, peer: SocketAddr, request: Request<()>, body: Incoming) -> Reply {
    let id = request_id();
    let (method, head) = (request.method().clone(), request.method() == Method::HEAD);
    let shared = cors::shared(&door.origins, &request);
    let (template, outcome) = match id.clone() {
        Some(_) if shared.is_some() && cors::is_preflight(&request) => ("", Ok(cors::preflight())),
        Some(id) => routed(door, peer, request, body, id).await,
        None => ("", Err(Code::Internal.into())),
    };
    let id = id.unwrap_or_default();
    let mut reply = outcome.unwrap_or_else(|problem: Problem| match template.starts_with("/fhir/") {
        true => crate::fhir::outcome(&problem, &id),
        false => problem.reply(&id),
    });
    let status = reply.status().as_u16();
    if reply.status().is_server_error() {
        tracing::warn!(request = id, %method, route = template, status, "request failed");
    } else {
        tracing::debug!(request = id, %method, route = template, status, "request");
    }
    if head {
        *reply.body_mut() = Body::empty();
    }
    everywhere(reply.headers_mut(), &id);
    if let Some(origin) = shared {
        cors::share(reply.headers_mut(), origin);
    }
    reply
}

async fn routed(
    door: &Arc<Door>,
    peer: SocketAddr,
    request: Request<()>,
    mut body: Incoming,
    id: String,
) -> (&'static str, Result<Reply, Problem>) {
    let uri = request.uri();
    if let Err(long) = bounded(&request) {
        return ("", Err(long));
    }
    let (route, serve, params) = match routes::find(request.method(), uri.path()) {
        Ok(found) => found,
        Err(problem) => return ("", methods(&request, problem)),
    };
    let outcome = async {
        let (query, credential) = match checked(&request, route.path, body.done()) {
            Ok(checked) => checked,
            Err(problem) => {
                body.drain().await;
                return Err(problem);
            }
        };
        let door_word = if route.path.starts_with("/dicom-web") || route.path == "/wado" {
            model::Door::Dicomweb
        } else {
            model::Door::Pages
        };
        let arrival = Arrival {
            door: door_word,
            peer: peer.to_string(),
            certificate: String::new(),
            calling_ae: String::new(),
            called_ae: String::new(),
            software: software(request.headers()),
            request: id,
        };
        serve(Ask { door: Arc::clone(door), head: request, body, params, query, arrival, credential }).await
    };
    (route.path, fenced(outcome).await)
}

/// hyper compares the head's length between two reads only: what came in one of them may be longer.
fn bounded(request: &Request<()>) -> Result<(), Problem> {
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > limits::URI_BYTES {
        return Err(Problem::door(StatusCode::URI_TOO_LONG, Code::TooLarge, "the address is too long"));
    }
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    if fields.sum::<usize>() > limits::HEAD_BYTES {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Problem::door(status, Code::TooLarge, "the headers are too long"));
    }
    Ok(())
}

/// `OPTIONS` of a path that is there says its methods (RFC 9110 §9.3.7).
fn methods(request: &Request<()>, problem: Problem) -> Result<Reply, Problem> {
    let Some(allow) = problem.allow.as_deref().filter(|_| *request.method() == Method::OPTIONS) else {
        return Err(problem);
    };
    let mut out = reply(StatusCode::NO_CONTENT, Body::empty());
    let all = HeaderValue::from_str(&format!("{allow}, OPTIONS")).map_err(|_| Code::Internal)?;
    out.headers_mut().insert(ALLOW, all);
    Ok(out)
}

/// Where machines show their secret, by `Basic` or as a form.
const TOKEN_PATH: &str = "/auth/token";

/// Query and credential of a request that may have come from our own pages or from no browser.
fn checked(
    request: &Request<()>,
    path: &str,
    empty: bool,
) -> Result<(Vec<(String, String)>, Credential), Problem> {
    let query = query::pairs(request.uri().query())?;
    // A machine's secret is the proof here: no cookie counts, so nobody's browser can be made to send one.
    if path == TOKEN_PATH {
        return Ok((query, Credential::None));
    }
    let credential = auth::credential(request.headers())?;
    let authority = request.uri().authority().map(|a| a.as_str());
    auth::same_site(request.method(), request.headers(), &credential, (authority, empty))?;
    Ok((query, credential))
}

/// A panic in a handler ends this request only, and tells nobody why.
async fn fenced(outcome: impl Future<Output = Result<Reply, Problem>>) -> Result<Reply, Problem> {
    let mut outcome = Box::pin(outcome);
    poll_fn(move |cx| {
        // After a panic the future is dropped unpolled, so its broken state is never seen.
        match catch_unwind(AssertUnwindSafe(|| outcome.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(_) => Poll::Ready(Err(Code::Internal.into())),
        }
    })
    .await
}

/// 16 random hexadecimal characters; nothing when the system has no randomness, which fails the request.
pub fn request_id() -> Option<String> {
    random::<8>().map(|bytes| hex(&bytes))
}

/// Random bytes.
pub fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn software(headers: &HeaderMap) -> String {
    let text = headers.get(USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(limits::SOFTWARE_BYTES).collect()
}

/// Headers of every answer, errors too.
fn everywhere(headers: &mut HeaderMap, id: &str) {
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=63072000"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // An answer that is no page may do nothing at all, should a browser show it as one.
    headers.entry("content-security-policy").or_insert(HeaderValue::from_static(ui::NO_PAGE));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", id);
    }
}
