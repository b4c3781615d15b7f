//! A bucket of an S3 server, as far as copies of backups need it: list, put, get, delete (Amazon S3 API Reference,
//! 2006-03-01), each request signed (AWS Signature Version 4), addressed by path.

mod sign;

use crate::Error;
use crate::http::agent::{Agent, Outgoing, piece, whole};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use model::Time;
use sign::{Signer, encoded};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Of one answer that is read whole.
const ANSWER_BYTES: usize = 8 << 20;
/// SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// Under which the digest of an object's bytes is kept beside it.
const DIGEST: &str = "x-amz-meta-sha256";

/// Where a bucket is, and with what it is opened.
#[derive(Clone)]
pub struct Place {
    /// `https://host[:port]`.
    pub endpoint: String,
    /// Authorities of its certificate (PEM).
    pub authorities: Option<String>,
    /// Region that requests are signed for.
    pub region: String,
    /// Access key.
    pub access: String,
    /// Secret key.
    pub secret: String,
    /// Bucket.
    pub bucket: String,
    /// What all names begin with; empty, or with a slash at its end.
    pub prefix: String,
}

/// Why a bucket did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody answers, or an answer was cut.
    #[error("the S3 server does not answer")]
    Gone,
    /// What the server says (its status and code).
    #[error("the S3 server says {0} {1}")]
    Status(u16, String),
    /// What came is not what was put.
    #[error("{0} in the bucket is not what was put there")]
    Altered(String),
    /// Of a file of this machine.
    #[error("{0}")]
    File(#[from] io::Error),
}

/// A bucket.
pub struct Bucket {
    agent: Agent,
    signer: Signer,
    place: Place,
    clock: fn() -> Time,
}

impl Bucket {
    /// Not called yet. `clock`: a request is signed for the time when it is made.
    ///
    /// # Errors
    /// As [`Agent::new`].
    pub fn new(place: Place, clock: fn() -> Time) -> Result<Self, Error> {
        let agent = Agent::new(&place.endpoint, place.authorities.as_deref())?;
        let signer = Signer::new(&place.region, &place.access, &place.secret);
        Ok(Self { agent, signer, place, clock })
    }

    /// Names below the prefix, and bytes of each.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn list(&self) -> Result<BTreeMap<String, u64>, Refused> {
        let (mut out, mut more) = (BTreeMap::new(), None::<String>);
        loop {
            let mut query = vec![("list-type", "2".to_owned()), ("prefix", self.place.prefix.clone())];
            query.extend(more.take().map(|token| ("continuation-token", token)));
            let answer = self.send(Method::GET, "", &query, Outgoing::Empty, EMPTY).await?;
            let text = whole(answer.into_body(), ANSWER_BYTES).await.map_err(|()| Refused::Gone)?;
            let text = String::from_utf8(text).map_err(|_| Refused::Gone)?;
            for entry in between(&text, "Contents") {
                let (Some(key), Some(size)) = (between(entry, "Key").next(), between(entry, "Size").next())
                else {
                    return Err(Refused::Gone);
                };
                let key = plain(key);
                let name = key.strip_prefix(&self.place.prefix).unwrap_or(&key).to_owned();
                out.insert(name, size.trim().parse().map_err(|_| Refused::Gone)?);
            }
            if between(&text, "IsTruncated").next() != Some("true") {
                return Ok(out);
            }
            more = Some(between(&text, "NextContinuationToken").next().map(plain).ok_or(Refused::Gone)?);
        }
    }

    /// Puts a file, with its digest beside it.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn put(&self, name: &str, path: &Path) -> Result<(), Refused> {
        let (digest, len) = sign::digest_of(&mut File::open(path)?)?;
        let body = Outgoing::File(File::open(path)?, len);
        self.send(Method::PUT, name, &[], body, &digest).await.map(drop)
    }

    /// Fetches a file whole, or leaves none; what came is compared with its digest.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn get(&self, name: &str, path: &Path) -> Result<(), Refused> {
        let answer = self.send(Method::GET, name, &[], Outgoing::Empty, EMPTY).await?;
        let digest = answer.headers().get(DIGEST).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let part = path.with_extension("part");
        let mut file = File::create(&part)?;
        let mut body = answer.into_body();
        while let Some(bytes) = piece(&mut body).await.map_err(|()| Refused::Gone)? {
            file.write_all(&bytes)?;
        }
        file.sync_data()?;
        let (came, _) = sign::digest_of(&mut File::open(&part)?)?;
        if digest.as_deref() != Some(came.as_str()) {
            std::fs::remove_file(&part)?;
            return Err(Refused::Altered(name.to_owned()));
        }
        Ok(std::fs::rename(&part, path)?)
    }

    /// Deletes one.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn delete(&self, name: &str) -> Result<(), Refused> {
        self.send(Method::DELETE, name, &[], Outgoing::Empty, EMPTY).await.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        name: &str,
        query: &[(&str, String)],
        body: Outgoing,
        digest: &str,
    ) -> Result<Response<Incoming>, Refused> {
        let Place { bucket, prefix, .. } = &self.place;
        let key = if name.is_empty() { String::new() } else { format!("{prefix}{name}") };
        let path = format!("{}/{}/{}", self.agent.path(), encoded(bucket, true), encoded(&key, false));
        let path = path.trim_end_matches('/');
        let mut pairs: Vec<String> = query
            .iter()
            .map(|(key, value)| format!("{}={}", encoded(key, true), encoded(value, true)))
            .collect();
        pairs.sort();
        let query = pairs.join("&");
        let put = method == Method::PUT;
        let mut headers =
            vec![("host", self.agent.authority().to_owned()), ("x-amz-content-sha256", digest.to_owned())];
        if put {
            headers.push((DIGEST, digest.to_owned()));
        }
        let signed = self.signer.sign((self.clock)(), (method.as_str(), path, &query), headers, digest);
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in signed {
            request = request.header(name, value);
        }
        let request = request.body(body).map_err(|_| Refused::Gone)?;
        let answer = self.agent.ask(request).await.ok_or(Refused::Gone)?;
        match answer.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(answer),
            status => {
                let text = whole(answer.into_body(), ANSWER_BYTES).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&text).into_owned();
                let code = between(&text, "Code").next().unwrap_or_default();
                let code = code.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
                Err(Refused::Status(status.as_u16(), code))
            }
        }
    }
}

/// Contents of all elements of a name, which hold none of their own name.
fn between<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (inner, left) = after.split_once(&close)?;
        rest = left;
        Some(inner)
    })
}

/// XML 1.0 §4.6.
fn plain(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}
