//! An older archive gives up what it has by DICOMweb (PS3.18 §10.4, §10.6, as user agent): its studies are searched for, and
//! each is retrieved as files, as they are stored there.

use super::stow::multipart::{Multipart, Step, is_boundary};
use super::{Fed, Outcome};
use crate::dimse::{Brought, Refused};
use crate::http::accept::Media;
use crate::http::agent::{Agent, Outgoing, piece, whole};
use crate::{Error, Options};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use model::{Arrival, Door, Uid};
use port::{Archive, Call, Credential};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

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
    agent: Agent,
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
        let agent = Agent::new(base, authorities)?;
        let software = options.software.clone();
        Ok(Self { archive, agent, authorization, software, told: HashMap::new() })
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
                StatusCode::OK => {
                    let page = whole(answer.into_body(), PAGE_BYTES).await.map_err(|()| Refused::Gone)?;
                    studies_of(&page)?
                }
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
                    Ok(Some(bytes)) => multipart.push(&bytes),
                    Ok(None) | Err(()) => return (brought, false),
                },
            }
        }
    }

    fn begin(&self) -> Store {
        let (sink, stream) = port::stream();
        let arrival = Arrival {
            door: Door::Command,
            peer: self.agent.authority().to_owned(),
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
        let mut request = Request::get(format!("{}{path}", self.agent.path()))
            .header(ACCEPT, accept)
            .header(HOST, self.agent.authority());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Outgoing::Empty).map_err(|_| Refused::Gone)?;
        self.agent.ask(request).await.ok_or(Refused::Gone)
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

fn boundary(answer: &Response<Incoming>) -> Option<String> {
    let media = Media::parse(answer.headers().get(CONTENT_TYPE)?.to_str().ok()?)?;
    let boundary = media.parameter("boundary").filter(|text| is_boundary(text))?;
    (media.name == "multipart/related").then(|| boundary.to_owned())
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
}
