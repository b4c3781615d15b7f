//! A consent as a FHIR R4 Consent in the profile IHE PCF Intermediate. Who is not a side of it learns no name from it.

use super::dates::moment;
use super::words::{self, coded, identified};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Bounds, RegionKind, Says, Time};
use port::archive::ConsentView;
use serde_json::{Map, Value, json};

/// The resource.
pub fn consent(view: &ConsentView) -> Value {
    let (first, last) = (view.steps.first(), view.steps.last());
    let at = moment(last.map_or(Time(0), |step| step.at));
    let text = first.map(|step| step.text.as_str()).unwrap_or_default();
    let mut out = json!({
        "resourceType": "Consent",
        "id": view.id.hex(),
        "meta": { "versionId": view.steps.len().max(1).to_string(), "lastUpdated": at, "profile": [words::PROFILE] },
        "status": status(&view.state),
        "scope": concept(words::SCOPE, "patient-privacy"),
        "category": [concept(words::LOINC, "59284-0")],
        "patient": patient(view.own),
        "dateTime": at,
        "performer": [patient(view.own)],
        "organization": [{ "display": house(view) }],
        "sourceAttachment": { "contentType": "text/plain;charset=utf-8" },
        "policy": [{ "uri": words::POLICY }],
        "provision": provision(view),
    });
    // An attachment without words has a title, for an element is never empty.
    if let Some(source) = out.pointer_mut("/sourceAttachment").and_then(Value::as_object_mut) {
        match text.is_empty() {
            true => source.insert("title".to_owned(), json!("no words")),
            false => source.insert("data".to_owned(), json!(STANDARD.encode(text))),
        };
    }
    out
}

/// `Consent.status` (FHIR R4, ConsentState).
fn status(state: &str) -> &'static str {
    match state {
        "accepted" => "active",
        "refused" | "declined" => "rejected",
        "withdrawn" => "inactive",
        _ => "proposed",
    }
}

fn house(view: &ConsentView) -> &str {
    if view.by.organisation.is_empty() { "not told" } else { &view.by.organisation }
}

fn concept(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

fn patient(own: bool) -> Value {
    if own {
        json!({ "type": "Patient", "identifier": { "system": words::PATIENT, "value": "me" } })
    } else {
        json!({ "type": "Patient", "display": "not told" })
    }
}

fn provision(view: &ConsentView) -> Value {
    let mut out = Map::new();
    out.insert("type".to_owned(), json!(if view.says == Says::Permit { "permit" } else { "deny" }));
    let marks = marks(&view.bounds);
    if !marks.is_empty() {
        out.insert("modifierExtension".to_owned(), json!(marks));
    }
    if let Some(period) = period(&view.bounds) {
        out.insert("period".to_owned(), period);
    }
    let (system, value) = identified(&view.recipient);
    let reference = json!({ "identifier": { "system": system, "value": value } });
    let actor = json!({ "role": concept(words::PARTICIPATION, "IRCP"), "reference": reference });
    out.insert("actor".to_owned(), json!([actor]));
    if let Some((system, code)) = coded(view.purpose) {
        out.insert("purpose".to_owned(), json!([{ "system": system, "code": code }]));
    }
    if let Some(study) = &view.study {
        let identifier =
            json!({ "system": words::DICOM_UID, "value": format!("urn:oid:{}", study.as_str()) });
        let reference = json!({ "type": "ImagingStudy", "identifier": identifier });
        out.insert("data".to_owned(), json!([{ "meaning": "instance", "reference": reference }]));
    }
    Value::Object(out)
}

/// Boundaries that FHIR has no element for. Who overlooked them would show too much: they are modifiers (FHIR R4 §2.4.0.2).
fn marks(bounds: &Bounds) -> Vec<Value> {
    let hidden = |kind: &RegionKind| json!({ "url": words::HIDDEN, "valueCode": kind.as_str() });
    let mut out: Vec<Value> = bounds.hidden.iter().map(hidden).collect();
    out.extend(
        bounds.longest_side.map(|side| json!({ "url": words::LONGEST_SIDE, "valuePositiveInt": side })),
    );
    let yes = [(words::IDENTIFIED, bounds.identified), (words::ABROAD, bounds.abroad)];
    let yes = yes.into_iter().filter(|(_, said)| *said);
    out.extend(yes.map(|(url, _)| json!({ "url": url, "valueBoolean": true })));
    out
}

/// The end of a period is the last second within it (FHIR R4 §2.24.0.9).
fn period(bounds: &Bounds) -> Option<Value> {
    let mut out = Map::new();
    bounds.from.map(|from| out.insert("start".to_owned(), json!(moment(from))));
    bounds.until.map(|until| out.insert("end".to_owned(), json!(moment(until.plus_seconds(-1)))));
    (!out.is_empty()).then_some(Value::Object(out))
}
