//! The store instances response as DICOM JSON (PS3.18 §10.5.3, Annex I).

use super::part::Outcome;
use crate::dicomweb::{instance_path, resource};
use crate::http::{Body, Problem, Reply, json, reply};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use model::Uid;
use port::Code;
use serde_json::{Map, Value, json as value};

/// The response as XML (PS3.18 §10.5.3.2).
pub const XML: &str = "application/dicom+xml";
/// (0008,1196): other bytes of this instance are here and served, these are kept beside them. The standard's own codes
/// name no such case; of its range of warnings (PS3.4 Table B.2-1) this is `elements discarded`: what is not served.
const NOT_SERVED: u16 = 0xB006;

/// What became of all parts.
#[derive(Debug, Default)]
pub struct Report {
    outcomes: Vec<Outcome>,
}

impl Report {
    /// One more.
    pub fn add(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    /// Something is durable.
    pub fn stored(&self) -> bool {
        self.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Stored(_)))
    }

    /// 200: all, as they came; 202: some, or with a warning; 409: none (PS3.18 Table 10.5.3-1); 507 when none was because the disk is full.
    ///
    /// # Errors
    /// 507; 500 when the response cannot be written.
    pub fn reply(&self, origin: &str, study: Option<&Uid>, media: &'static str) -> Result<Reply, Problem> {
        let stored = self.outcomes.iter().filter(|o| matches!(o, Outcome::Stored(_))).count();
        let full = |o: &Outcome| matches!(o, Outcome::Failed { cause: Some(Code::StorageFull), .. });
        let status = match stored {
            0 if self.outcomes.iter().all(full) => return Err(Code::StorageFull.into()),
            0 => StatusCode::CONFLICT,
            all if all == self.outcomes.len() && !self.outcomes.iter().any(Outcome::warns) => StatusCode::OK,
            _ => StatusCode::ACCEPTED,
        };
        let data_set = self.data_set(origin, study);
        let mut out = if media == XML {
            reply(status, Body::full(dicom::xml::from_json(&data_set)))
        } else {
            json(status, &data_set)?
        };
        out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
        Ok(out)
    }

    /// PS3.18 Table 10.5.3-2.
    fn data_set(&self, origin: &str, study: Option<&Uid>) -> Value {
        let (mut stored, mut failed, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for outcome in &self.outcomes {
            match outcome {
                Outcome::Stored(s) => {
                    let url = format!("{origin}{}", instance_path(&s.study, &s.series, &s.instance));
                    let mut item = value!({
                        "00081150": element("UI", value!(s.sop_class.as_str())),
                        "00081155": element("UI", value!(s.instance.as_str())),
                        "00081190": element("UR", value!(url)),
                    });
                    if let Some(item) = item.as_object_mut().filter(|_| s.version > 1) {
                        item.insert("00081196".to_owned(), element("US", value!(NOT_SERVED)));
                    }
                    stored.push(item);
                }
                Outcome::Failed { names: Some((class, instance)), reason, .. } => failed.push(value!({
                    "00081150": element("UI", value!(class.as_str())),
                    "00081155": element("UI", value!(instance.as_str())),
                    "00081197": element("US", value!(reason)),
                })),
                // Other Failures Sequence: instances that cannot be told.
                Outcome::Failed { names: None, reason, .. } => {
                    others.push(value!({ "00081197": element("US", value!(reason)) }));
                }
            }
        }
        let mut out = Map::new();
        if let Some(study) = study.map(Uid::as_str).or_else(|| self.only_study()) {
            let url = format!("{origin}{}", resource(study, None, None));
            out.insert("00081190".to_owned(), element("UR", value!(url)));
        }
        for (tag, items) in [("00081198", failed), ("00081199", stored), ("0008119A", others)] {
            if !items.is_empty() {
                out.insert(tag.to_owned(), value!({ "vr": "SQ", "Value": items }));
            }
        }
        Value::Object(out)
    }

    /// The study, when all that was stored is of one.
    fn only_study(&self) -> Option<&str> {
        let mut studies = self.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Stored(stored) => Some(stored.study.as_str()),
            Outcome::Failed { .. } => None,
        });
        let first = studies.next()?;
        studies.all(|study| study == first).then_some(first)
    }
}

fn element(vr: &str, value: Value) -> Value {
    value!({ "vr": vr, "Value": [value] })
}
