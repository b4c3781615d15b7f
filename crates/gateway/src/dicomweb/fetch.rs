//! An older archive gives up what it has by DICOMweb (PS3.18 §10.4, §10.6, as user agent): its studies are searched for, and
//! each is retrieved as files, as they are stored there.

use super::stow::multipart::{Multipart, Step, is_boundary};
use super::{Fed, Outcome};
use crate::dimse::{Brought, Refused};
use crate::http::accept::Media;
use crate::http::tls;
use crate::{Error, Options};
use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use model::{Arrival, Door, Uid};
use port::{Archive, Call, Credential};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Until the other side takes the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Until it begins to answer, or goes on: it may read from tape.
const ANSWER: Duration = Duration::from_secs(900);
/// Studies asked for at once.
const PAGE: usize = 500;
/// Of one page of answers.
const PAGE_BYTES: usize = 16 << 20;
/// StudyInstanceUID and Number of Study Related Instances.
const STUDY: &str = "0020000D";
const INSTANCES: &str = "00201208";

/// An archive that speaks DICOMweb.
pub struct WebPartner {
    archive: Arc<dyn Archive>,
    base: Uri,
    tls: Option<Arc<ClientConfig>>,
    /// Value of `Authorization`; none: none is asked for.
    authorization: Option<String>,
    software: String,
    /// How many instances it says that its studies have.
    told: HashMap<Uid, u64>,
}

impl WebPartner {
    /// Not called yet. `base`: to which `/studies` is added; `authorities`: PEM text, for `https`.
    ///
    /// # Errors
    /// The address is none; authorities are missing, or it is not TLS and leads elsewhere than to this machine.
    pub fn new(
        archive: Arc<dyn Archive>,
        options: &Options,
        base: &str,
        (authorities, authorization): (Option<&str>, Option<String>),
    ) -> Result<Self, Error> {
        let base: Uri = base.trim_end_matches('/').parse().map_err(|_| Error::Address)?;
        let tls = match (base.scheme_str(), authorities) {
            (Some("https"), Some(authorities)) => Some(tls::user_agent(authorities)?),
            (Some("https"), None) => return Err(Error::Pem("certificate")),
            // Films and passwords do not travel in the clear (DESIGN.md §3).
            (Some("http"), _) if base.host().is_some_and(is_this_machine) => None,
            _ => return Err(Error::Address),
        };
        let software = options.software.clone();
        Ok(Self { archive, base, tls, authorization, software, told: HashMap::new() })
    }

    /// Studies of these days (a range `YYYYMMDD-YYYYMMDD`, empty: all) that it tells of, page by page.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn studies(&mut self, days: &str) -> Result<Vec<Uid>, Refused> {
        let mut found = BTreeSet::new();
        let mut offset = 0;
        loop {
            let day = if days.is_empty() { String::new() } else { format!("&StudyDate={days}") };
            let query = format!("/studies?includefield={INSTANCES}&limit={PAGE}&offset={offset}{day}");
            let answer = self.get(&query, "application/dicom+json").await?;
            let lines = match answer.status() {
                StatusCode::NO_CONTENT => Vec::new(),
                StatusCode::OK => studies_of(&whole(answer.into_body()).await?)?,
                status => return Err(Refused::Http(status.as_u16())),
            };
            offset += lines.len();
            let before = found.len();
            for (uid, instances) in lines {
                instances.and_then(|count| self.told.insert(uid.clone(), count));
                found.insert(uid);
            }
            // A server that knows no paging says the same again.
            if found.len() == before {
                return Ok(found.into_iter().collect());
            }
        }
    }

    /// How many instances it says that a study has.
    #[must_use]
    pub fn told(&self, study: &Uid) -> Option<u64> {
        self.told.get(study).copied()
    }

    /// Retrieves a study and stores what comes.
    ///
    /// # Errors
    /// [`Refused`] when nothing came.
    pub async fn bring(&mut self, study: &Uid) -> Result<Brought, Refused> {
        const FILES: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
        let answer = self.get(&format!("/studies/{study}"), FILES).await?;
        if answer.status() != StatusCode::OK {
            return Err(Refused::Http(answer.status().as_u16()));
        }
        let boundary = boundary(&answer).ok_or(Refused::Gone)?;
        let (mut brought, whole) = self.parts(answer.into_body(), &boundary).await;
        brought.failed = brought.failed.saturating_add(u16::from(!whole));
        Ok(brought.of(self.told(study)))
    }

    /// Stores each part; true: the body came to its end.
    async fn parts(&self, mut body: Incoming, boundary: &str) -> (Brought, bool) {
        let mut multipart = Multipart::new(boundary);
        let mut brought = Brought::default();
        let mut open: Option<Store> = None;
        loop {
            match multipart.step() {
                Ok(Step::Part(_)) => open = Some(self.begin()),
                Ok(Step::Data(bytes)) => {
                    if let Some(store) = &mut open {
                        store.fed.push(bytes).await;
                    }
                }
                Ok(Step::PartEnd) => {
                    if let Some(store) = open.take() {
                        let stored = store.end().await;
                        let count = if stored { &mut brought.completed } else { &mut brought.failed };
                        *count = count.saturating_add(1);
                    }
                }
                Ok(Step::Done) => return (brought, true),
                Err(_) => return (brought, false),
                // A store that is open is dropped: without its end the vault keeps nothing of it.
                Ok(Step::More) => match piece(&mut body).await {
                    Some(bytes) => multipart.push(&bytes),
                    None => return (brought, false),
                },
            }
        }
    }

    fn begin(&self) -> Store {
        let (sink, stream) = port::stream();
        let arrival = Arrival {
            door: Door::Command,
            peer: self.base.authority().map(ToString::to_string).unwrap_or_default(),
            certificate: String::new(),
            calling_ae: String::new(),
            called_ae: String::new(),
            software: self.software.clone(),
            request: "import".to_owned(),
        };
        let request = port::Request::Store { study: None };
        let call = Call { credential: Credential::Local, arrival, request };
        let archive = Arc::clone(&self.archive);
        let answer = tokio::spawn(async move { archive.call(call, stream).await.map(|(r, _)| r) });
        Store { fed: Fed::new(sink), answer }
    }

    async fn get(&self, path: &str, accept: &str) -> Result<Response<Incoming>, Refused> {
        let (host, port) = self.place().ok_or(Refused::Gone)?;
        let addresses = timeout(CONNECT, lookup_host((host, port))).await;
        let addresses = addresses.ok().and_then(Result::ok).ok_or(Refused::Gone)?;
        for address in addresses.filter(|a| self.tls.is_some() || a.ip().is_loopback()) {
            let Ok(Ok(socket)) = timeout(CONNECT, TcpStream::connect(address)).await else { continue };
            let request = self.request(path, accept)?;
            return match &self.tls {
                None => answered(socket, request).await,
                Some(config) => {
                    let name = ServerName::try_from(host.to_owned()).map_err(|_| Refused::Gone)?;
                    let connector = TlsConnector::from(Arc::clone(config));
                    let stream = timeout(CONNECT, connector.connect(name, socket)).await;
                    answered(stream.ok().and_then(Result::ok).ok_or(Refused::Gone)?, request).await
                }
            };
        }
        Err(Refused::Gone)
    }

    fn place(&self) -> Option<(&str, u16)> {
        let usual = if self.tls.is_some() { 443 } else { 80 };
        Some((self.base.host()?.trim_matches(['[', ']']), self.base.port_u16().unwrap_or(usual)))
    }

    fn request(&self, path: &str, accept: &str) -> Result<Request<String>, Refused> {
        let mut request = Request::get(format!("{}{path}", self.base.path().trim_end_matches('/')))
            .header(ACCEPT, accept)
            .header(HOST, self.base.authority().map_or("", hyper::http::uri::Authority::as_str));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(String::new()).map_err(|_| Refused::Gone)
    }
}

/// A store under way.
struct Store {
    fed: Fed,
    answer: tokio::task::JoinHandle<Result<port::Response, port::Fault>>,
}

impl Store {
    async fn end(mut self) -> bool {
        self.fed.end(None).await;
        let answer = self.answer.await.unwrap_or(Err(port::Code::Internal.into()));
        matches!(self.fed.outcome(answer), Outcome::Stored(_))
    }
}

async fn answered(
    socket: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    request: Request<String>,
) -> Result<Response<Incoming>, Refused> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(|_| Refused::Gone)?;
    // It ends with the answer's body.
    tokio::spawn(connection);
    let answer = timeout(ANSWER, sender.send_request(request)).await;
    answer.ok().and_then(Result::ok).ok_or(Refused::Gone)
}

fn is_this_machine(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

fn boundary(answer: &Response<Incoming>) -> Option<String> {
    let media = Media::parse(answer.headers().get(CONTENT_TYPE)?.to_str().ok()?)?;
    let boundary = media.parameter("boundary").filter(|text| is_boundary(text))?;
    (media.name == "multipart/related").then(|| boundary.to_owned())
}

/// The next bytes; nothing at the end, or when the other side is silent.
async fn piece(body: &mut Incoming) -> Option<Bytes> {
    loop {
        let frame = timeout(ANSWER, poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).await.ok()??;
        // Trailers say nothing.
        if let Ok(bytes) = frame.ok()?.into_data() {
            return Some(bytes);
        }
    }
}

async fn whole(mut body: Incoming) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::new();
    while let Some(bytes) = piece(&mut body).await {
        if out.len() + bytes.len() > PAGE_BYTES {
            return Err(Refused::Gone);
        }
        out.extend_from_slice(&bytes);
    }
    Ok(out)
}

/// UID and number of instances of each answer (PS3.18 Annex F).
fn studies_of(body: &[u8]) -> Result<Vec<(Uid, Option<u64>)>, Refused> {
    let lines: Vec<Value> = serde_json::from_slice(body).map_err(|_| Refused::Gone)?;
    let value = |line: &Value, tag: &str| line.get(tag)?.get("Value")?.get(0).cloned();
    let study = |line: &Value| {
        let uid = value(line, STUDY)?.as_str()?.parse().ok()?;
        // Some servers write numbers as texts.
        let instances = value(line, INSTANCES)
            .and_then(|n| n.as_u64().or_else(|| n.as_str().and_then(|text| text.trim().parse().ok())));
        Some((uid, instances))
    };
    Ok(lines.iter().filter_map(study).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_servers_write_them() {
        let body = br#"[{"0020000D":{"vr":"UI","Value":["1.2"]},"00201208":{"vr":"IS","Value":[7]}},
            {"0020000D":{"vr":"UI","Value":["1.3"]},"00201208":{"vr":"IS","Value":["12 "]}},
            {"0020000D":{"vr":"UI","Value":["1.4"]}}, {"0020000D":{"vr":"UI","Value":["../x"]}}, {}]"#;
        let uid = |text: &str| text.parse::<Uid>().unwrap();
        let expected = [(uid("1.2"), Some(7)), (uid("1.3"), Some(12)), (uid("1.4"), None)];
        assert_eq!(studies_of(body).unwrap(), expected);
        assert_eq!(studies_of(b"<html>"), Err(Refused::Gone));
    }

    #[test]
    fn only_this_machine_is_asked_in_the_clear() {
        for near in ["127.0.0.1", "localhost", "[::1]"] {
            assert!(is_this_machine(near));
        }
        for far in ["10.0.0.1", "pacs", "127.0.0.1.example", "0.0.0.0"] {
            assert!(!is_this_machine(far));
        }
    }
}
