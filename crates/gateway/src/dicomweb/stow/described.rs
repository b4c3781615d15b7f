//! Objects as DICOM JSON with their bulk data beside it (PS3.18 §10.5.2, §8.6.1.2.2): the first part describes all of
//! them, the others are values, found by their `Content-Location`. Short values are held until their object is complete;
//! pixel data flow, so they come after the other values of their object.

use super::made::{Coding, Made};
use super::multipart::Headers;
use super::part::Outcome;
use super::report::Report;
use super::{NO_DICOM, Reader, Source, Step, To};
use crate::http::limits::STOW_JSON_BYTES;
use crate::http::{Incoming, Problem};
use bytes::Bytes;
use dicom::json;
use model::Uid;
use model::limits::{HEADER_BYTES, STOW_PARTS};
use port::Code;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
const RLE: &str = "1.2.840.10008.1.2.5";

/// Bytes of values in all objects of one request, pixel data apart.
const COPIED_BYTES: usize = 256 << 20;

/// Objects in one JSON text, without bulk data.
pub async fn alone(to: &To<'_>, body: &mut Incoming, report: &mut Report) -> Result<(), Problem> {
    let text = body.collect(STOW_JSON_BYTES).await?;
    let _turn = to.turn().await?;
    let mut all = Described::read(text.to_vec()).await?;
    all.store_ready(to, report).await?;
    all.give_up(report);
    Ok(())
}

/// Objects with bulk data.
pub async fn with_bulk(to: &To<'_>, parts: &mut Reader<'_>, report: &mut Report) -> Result<(), Problem> {
    let first = loop {
        match parts.step().await? {
            Step::Part(headers) => break headers,
            Step::Done => return Err(Problem::bad("no part")),
            Step::Data(_) | Step::PartEnd | Step::More => {}
        }
    };
    if first.media.is_some_and(|media| media != "application/dicom+json") {
        return Err(Problem::bad("the first part is `application/dicom+json`"));
    }
    let text = parts.collect(STOW_JSON_BYTES).await?;
    let _turn = to.turn().await?;
    let mut all = Described::read(text).await?;
    all.store_ready(to, report).await?;
    let mut count = 0;
    loop {
        let headers = match parts.step().await? {
            Step::Part(headers) => headers,
            Step::Done => break,
            Step::Data(_) | Step::PartEnd | Step::More => continue,
        };
        count += 1;
        if count > STOW_PARTS {
            return Err(Problem { detail: Some("too many parts"), ..Code::TooLarge.into() });
        }
        let location = headers.location.clone().unwrap_or_default();
        if let Some(at) = all.with_pixels(&location) {
            let outcome = all.store_pixels(to, at, &headers, parts).await?;
            report.add(outcome);
        } else if all.wants(&location) {
            let bytes = parts.collect(HEADER_BYTES.saturating_sub(all.held)).await?;
            all.came(location, bytes.into());
            all.store_ready(to, report).await?;
        } else {
            // Nobody asked for it.
            parts.skip().await?;
        }
    }
    all.give_up(report);
    Ok(())
}

struct Described {
    objects: Vec<Object>,
    /// Values that came and that an object waits for, by address.
    values: HashMap<String, Bytes>,
    /// Bytes of them.
    held: usize,
    /// Objects by the addresses of the values that they name, and how many of them are not done; without any, it is not there.
    waiting: HashMap<String, (Vec<usize>, usize)>,
    /// Objects that are not done, by the address of their pixel data.
    pixels: HashMap<String, VecDeque<usize>>,
    /// Objects that have all their values and wait for no pixel data.
    ready: Vec<usize>,
    /// Bytes that may still be copied from them into objects.
    room: usize,
}

/// One object.
struct Object {
    value: Arc<Value>,
    /// Addresses of its values, as often as it names them.
    needs: Vec<String>,
    /// Of those, each once: how many have not come.
    lacks: usize,
    pixels: Option<String>,
    done: bool,
}

impl Object {
    fn new(value: Value) -> Self {
        let (mut needs, pixels) = json::references(&value);
        needs.sort_unstable();
        let mut one = Self { value: Arc::new(value), needs, lacks: 0, pixels, done: false };
        one.lacks = one.addresses().count();
        one
    }

    /// Of its values, each once.
    fn addresses(&self) -> impl Iterator<Item = &String> {
        self.needs.chunk_by(|a, b| a == b).filter_map(<[String]>::first)
    }

    fn names(&self) -> Option<(Uid, Uid)> {
        let uid = |key| json::first_text(&self.value, key)?.parse().ok();
        Some((uid("00080016")?, uid("00080018")?))
    }

    fn failed(&self, reason: u16) -> Outcome {
        Outcome::Failed { names: self.names(), reason, cause: None }
    }
}

impl Described {
    async fn read(text: Vec<u8>) -> Result<Self, Problem> {
        // Megabytes of JSON are no work for an async thread.
        let read = tokio::task::spawn_blocking(move || {
            let value: Value = serde_json::from_slice(&text).ok()?;
            let objects = match value {
                Value::Array(objects) => objects,
                object @ Value::Object(_) => vec![object],
                _ => return None,
            };
            Some(objects.into_iter().map(Object::new).collect::<Vec<_>>())
        });
        let objects = read.await.map_err(|_| Code::Internal)?;
        let objects = objects.ok_or_else(|| Problem::bad("not the DICOM JSON model (PS3.18 Annex F)"))?;
        if objects.is_empty() {
            return Err(Problem::bad("no object"));
        }
        if objects.len() > STOW_PARTS {
            return Err(Problem { detail: Some("too many parts"), ..Code::TooLarge.into() });
        }
        Ok(Self::of(objects))
    }

    fn of(objects: Vec<Object>) -> Self {
        let mut waiting = HashMap::<String, (Vec<usize>, usize)>::new();
        let mut pixels = HashMap::<String, VecDeque<usize>>::new();
        for (at, one) in objects.iter().enumerate() {
            for uri in one.addresses() {
                let (all, left) = waiting.entry(uri.clone()).or_default();
                all.push(at);
                *left += 1;
            }
            if let Some(uri) = &one.pixels {
                pixels.entry(uri.clone()).or_default().push_back(at);
            }
        }
        let is_ready = |(at, one): (usize, &Object)| (one.lacks == 0 && one.pixels.is_none()).then_some(at);
        let ready = objects.iter().enumerate().filter_map(is_ready).collect();
        Self { objects, values: HashMap::new(), held: 0, waiting, pixels, ready, room: COPIED_BYTES }
    }

    fn wants(&self, location: &str) -> bool {
        self.waiting.contains_key(location)
    }

    /// The next object whose pixel data have this address.
    fn with_pixels(&mut self, location: &str) -> Option<usize> {
        self.pixels.get_mut(location)?.pop_front()
    }

    /// A value that somebody waits for; one that comes again takes the place of the first.
    fn came(&mut self, location: String, bytes: Bytes) {
        self.held += bytes.len();
        let waiting = self.waiting.get(&location).into_iter().flat_map(|(all, _)| all);
        if let Some(before) = self.values.insert(location.clone(), bytes) {
            self.held -= before.len();
            return;
        }
        for at in waiting {
            let Some(one) = self.objects.get_mut(*at) else { continue };
            one.lacks -= 1;
            if one.lacks == 0 && one.pixels.is_none() {
                self.ready.push(*at);
            }
        }
    }

    /// It is stored or refused; values that nobody else waits for go.
    fn done(&mut self, at: usize) {
        let Some(one) = self.objects.get_mut(at) else { return };
        one.done = true;
        for uri in one.addresses() {
            let Some((_, left)) = self.waiting.get_mut(uri) else { continue };
            *left -= 1;
            if *left == 0 {
                self.waiting.remove(uri);
                self.held -= self.values.remove(uri).map_or(0, |bytes| bytes.len());
            }
        }
    }

    /// Stores what has all its values and waits for no pixel data.
    async fn store_ready(&mut self, to: &To<'_>, report: &mut Report) -> Result<(), Problem> {
        for at in std::mem::take(&mut self.ready) {
            let Some(one) = self.objects.get(at) else { break };
            let pixels = json::inline_pixels(&one.value);
            let head = self.head(at, EXPLICIT_LITTLE_ENDIAN).await;
            let coding = match (&head, pixels) {
                (Ok(_), Some(bytes)) => self.native(at).map(|coding| Some((coding, bytes))),
                _ => Some(None),
            };
            let outcome = match (head, coding) {
                (Ok(head), Some(pixels)) => to.store(Source::Made(Made::whole(head, pixels))).await?,
                (Err(reason), _) => self.failed(at, reason),
                (Ok(_), None) => self.failed(at, NO_DICOM),
            };
            self.done(at);
            report.add(outcome);
        }
        Ok(())
    }

    /// Stores the object whose pixel data are the part that just began.
    async fn store_pixels(
        &mut self,
        to: &To<'_>,
        at: usize,
        headers: &Headers,
        parts: &mut Reader<'_>,
    ) -> Result<Outcome, Problem> {
        let syntax = headers.syntax.as_deref().unwrap_or(EXPLICIT_LITTLE_ENDIAN);
        let octets = headers.media.as_deref().is_none_or(|media| media == "application/octet-stream");
        let coding = match syntax {
            EXPLICIT_LITTLE_ENDIAN if octets => self.native(at),
            RLE => Some(Coding::Fragments(Vec::new())),
            _ if syntax.starts_with("1.2.840.10008.1.2.4.") => Some(Coding::Fragments(Vec::new())),
            _ => None,
        };
        // One frame is told from the next by nothing here, so several are only taken as samples.
        let coding = coding.filter(|c| matches!(c, Coding::Native(_)) || self.frames(at) == 1);
        let ready = self.objects.get(at).is_some_and(|one| one.lacks == 0);
        let head = if ready { self.head(at, syntax).await } else { Err(NO_DICOM) };
        self.done(at);
        match (head, coding) {
            (Ok(head), Some(coding)) => to.store(Source::Made(Made::flowing(head, coding, parts))).await,
            (head, _) => {
                parts.skip().await?;
                Ok(self.failed(at, head.err().unwrap_or(NO_DICOM)))
            }
        }
    }

    /// The file's bytes before its pixel data, or a reason (0008,1197).
    async fn head(&mut self, at: usize, syntax: &str) -> Result<Vec<u8>, u16> {
        let one = self.objects.get(at).ok_or(NO_DICOM)?;
        let (value, syntax) = (Arc::clone(&one.value), syntax.to_owned());
        let needs: HashMap<String, Bytes> =
            one.needs.iter().filter_map(|uri| Some((uri.clone(), self.values.get(uri)?.clone()))).collect();
        // One value may be named a hundred thousand times, by an object and by many; each name is a copy of it.
        let len = |uri: &String| needs.get(uri).map_or(0, Bytes::len);
        let copied: usize = one.needs.iter().map(len).sum();
        if copied > HEADER_BYTES || copied > self.room {
            return Err(dicom::Error::TooLarge("bulk data of one object").refusal().dimse);
        }
        self.room -= copied;
        let made = tokio::task::spawn_blocking(move || {
            let object = json::to_object(&value, &|uri| needs.get(uri).map(|bytes| bytes.to_vec()))?;
            dicom::write_head(&dicom::new_head(object, &syntax)?)
        });
        made.await.unwrap_or(Err(dicom::Error::Unreadable)).map_err(|error| error.refusal().dimse)
    }

    fn native(&self, at: usize) -> Option<Coding> {
        let len = json::native_len(&self.objects.get(at)?.value)?;
        (len > 0 && len < u64::from(u32::MAX) - 1).then_some(Coding::Native(len))
    }

    fn frames(&self, at: usize) -> u32 {
        let text = self.objects.get(at).and_then(|one| json::first_text(&one.value, "00280008"));
        text.map_or(1, |text| text.trim().parse().unwrap_or(0))
    }

    fn failed(&self, at: usize, reason: u16) -> Outcome {
        self.objects.get(at).map_or(Outcome::other(reason), |one| one.failed(reason))
    }

    /// Objects whose values never came.
    fn give_up(&self, report: &mut Report) {
        for one in self.objects.iter().filter(|one| !one.done) {
            report.add(one.failed(NO_DICOM));
        }
    }
}
