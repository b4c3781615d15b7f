//! WADO-RS (PS3.18 §10.4): only a grant opens anything; what it covers is the vault's matter, the form of it ours.

mod condition;
pub mod deliver;
pub mod offer;
mod picture;

pub use picture::{View, decimal, rendered, thumbnail};

use crate::http::accept::{accepted, choose};
use crate::http::{Ask, Problem, Reply};
use deliver::Delivery;
use model::limits;
use port::archive::{Form, Retrieve};

/// What the path names, to be fetched in a form.
pub fn named(ask: &Ask, form: Form) -> Result<Retrieve, Problem> {
    let (series, instance) = (ask.uid("series")?, ask.uid("instance")?);
    let (syntaxes, known) = (Vec::new(), Vec::new());
    Ok(Retrieve { study: ask.study()?, series, instance, form, first: false, syntaxes, known })
}

/// `GET` of a study, series or instance: DICOM files.
pub async fn instances(ask: Ask) -> Result<Reply, Problem> {
    let retrieve = named(&ask, Form::Instances)?;
    let offers = offer::files(&accepted(ask.headers(), &ask.query)?, retrieve.instance.is_some())?;
    deliver::deliver(ask, retrieve, Delivery::Offers(offers)).await
}

/// `GET …/metadata`.
pub async fn metadata(ask: Ask) -> Result<Reply, Problem> {
    let studies = format!("{}/dicom-web/studies", ask.origin());
    let retrieve = named(&ask, Form::Metadata { studies })?;
    let ranges = accepted(ask.headers(), &ask.query)?;
    let media = choose(&ranges, &["application/dicom+json", "application/json"])?;
    deliver::deliver(ask, retrieve, Delivery::Json(media)).await
}

/// `GET …/frames/{frames}`, and all frames under `…/pixeldata`.
pub async fn frames(ask: Ask) -> Result<Reply, Problem> {
    let numbers = numbers(&ask)?;
    let single = numbers.len() == 1;
    let retrieve = named(&ask, Form::Frames { numbers })?;
    let offers = offer::pixels(&accepted(ask.headers(), &ask.query)?, single, false)?;
    deliver::deliver(ask, retrieve, Delivery::Offers(offers)).await
}

/// `GET …/bulkdata/{path}`: one binary value, or a range of it.
pub async fn bulk(ask: Ask) -> Result<Reply, Problem> {
    let path = ask.param("path").unwrap_or_default().to_ascii_uppercase();
    let offers = offer::pixels(&accepted(ask.headers(), &ask.query)?, true, true)?;
    // Ranges are of one value; among parts nobody could say of which.
    let range = condition::range(ask.headers()).filter(|_| offers.first().is_some_and(|o| o.single));
    let retrieve = named(&ask, Form::Bulk { path, range })?;
    deliver::deliver(ask, retrieve, Delivery::Offers(offers)).await
}

/// The frame list of the path (PS3.18 §10.1.1.4), 1-based.
pub fn numbers(ask: &Ask) -> Result<Vec<u32>, Problem> {
    let Some(list) = ask.param("frames") else { return Ok(Vec::new()) };
    let bad = || Problem::bad("frames are whole numbers from 1, with commas between them");
    let mut out = Vec::new();
    for word in list.split(',') {
        if out.len() >= limits::FRAMES_PER_REQUEST {
            return Err(Problem::bad("too many frames in one request"));
        }
        let digits = (1..=6).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
        let number: u32 = word.parse().map_err(|_| bad())?;
        if !digits || !(1..=limits::FRAMES).contains(&number) {
            return Err(bad());
        }
        if out.contains(&number) {
            return Err(Problem::bad("a frame named twice"));
        }
        out.push(number);
    }
    Ok(out)
}

/// Whatever these headers hold is read without a panic.
#[cfg(test)]
pub fn fuzzed_headers(bytes: &[u8]) {
    use hyper::header::{HeaderMap, HeaderValue, IF_NONE_MATCH, RANGE};
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers: HeaderMap = [(RANGE, value.clone()), (IF_NONE_MATCH, value)].into_iter().collect();
    let _ = (condition::range(&headers), condition::known(&headers));
    let pairs = |key: &str| vec![(key.to_owned(), String::from_utf8_lossy(bytes).into_owned())];
    let _ = (View::of(&pairs("window")), View::of(&pairs("viewport")), View::of(&pairs("annotation")));
}

#[cfg(test)]
mod tests;
