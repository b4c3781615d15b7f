//! A FHIR R4 Consent as a proposal. Every element that is not known here refuses the whole, so that nothing is dropped unsaid.

use super::dates::{after, first};
use super::words::{self, purpose, recipient};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Bounds, ConsentFault, Says, Uid};
use port::archive::Proposal;
use port::putright::PatientNumber;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Consent {
    #[serde(rename = "resourceType")]
    resource: String,
    meta: Option<Meta>,
    status: String,
    scope: Concept,
    category: Vec<Concept>,
    patient: Reference,
    date_time: String,
    performer: Option<Vec<Reference>>,
    organization: Option<Vec<Reference>>,
    source_attachment: Option<Attachment>,
    policy: Option<Vec<Policy>>,
    provision: Provision,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Meta {
    profile: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Concept {
    coding: Vec<Coding>,
    #[serde(rename = "text")]
    _text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Coding {
    system: String,
    code: String,
    #[serde(rename = "display")]
    _display: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    #[serde(rename = "type")]
    _kind: Option<String>,
    identifier: Option<Identifier>,
    #[serde(rename = "display")]
    _display: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifier {
    system: Option<String>,
    value: String,
    assigner: Option<Assigner>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assigner {
    display: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Attachment {
    content_type: String,
    data: Option<String>,
    #[serde(rename = "title")]
    _title: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Provision {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    modifier_extension: Vec<Mark>,
    period: Option<Period>,
    actor: Vec<Actor>,
    purpose: Vec<Coding>,
    #[serde(default)]
    data: Vec<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Mark {
    url: String,
    value_code: Option<String>,
    value_positive_int: Option<u32>,
    value_boolean: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Period {
    start: Option<String>,
    end: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Actor {
    role: Concept,
    reference: Reference,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    meaning: String,
    reference: Reference,
}

const LOST: ConsentFault = ConsentFault::NotRepresentable;

/// What a resource proposes, or says: `own`, of the caller herself.
pub fn proposal(body: Value, own: bool) -> Result<Proposal, ConsentFault> {
    let consent: Consent = serde_json::from_value(body).map_err(|_| LOST)?;
    let witnessed = match (consent.status.as_str(), own) {
        ("active", own) => !own,
        ("proposed", false) => false,
        ("draft" | "proposed" | "rejected" | "inactive" | "entered-in-error", _) => return Err(LOST),
        _ => return Err(ConsentFault::UnknownCode),
    };
    framed(&consent)?;
    by_herself(&consent, own)?;
    let dated = first(&consent.date_time).zip(after(&consent.date_time));
    let says = match consent.provision.kind.as_str() {
        "permit" => Says::Permit,
        "deny" => Says::Deny,
        _ => return Err(ConsentFault::UnknownCode),
    };
    let provision = consent.provision;
    let bounds = bounds(&provision)?;
    // A no has no boundaries: it would say that beyond them nothing is refused.
    if says == Says::Deny && bounds != Bounds::default() {
        return Err(LOST);
    }
    let study = study(&provision.data)?;
    Ok(Proposal {
        all: study.is_none(),
        study,
        patient: patient(&consent.patient, own)?,
        witnessed,
        dated: Some(dated.ok_or(ConsentFault::ContradictoryDates)?),
        purpose: only(&provision.purpose)
            .and_then(|coding| purpose(&coding.system, &coding.code).ok_or(ConsentFault::UnknownCode))?,
        recipient: Some(actor(&provision.actor)?),
        says,
        bounds,
        text: consent.source_attachment.map_or_else(|| Ok(String::new()), words_of)?,
    })
}

/// What is the same in all that are kept here.
fn framed(consent: &Consent) -> Result<(), ConsentFault> {
    let is = |concept: &Concept, system, code| {
        only(&concept.coding).is_ok_and(|coding| (&*coding.system, &*coding.code) == (system, code))
    };
    let profiles = consent.meta.iter().flat_map(|meta| meta.profile.iter().flatten());
    let known = consent.resource == "Consent"
        && is(&consent.scope, words::SCOPE, "patient-privacy")
        && only(&consent.category).is_ok_and(|category| is(category, words::LOINC, "59284-0"))
        && profiles.into_iter().all(|profile| profile == words::PROFILE)
        && consent.policy.iter().flatten().all(|policy| policy.uri == words::POLICY);
    let one = |list: &Option<Vec<Reference>>| list.as_ref().is_none_or(|list| list.len() == 1);
    if !known {
        return Err(ConsentFault::UnknownCode);
    }
    if one(&consent.performer) && one(&consent.organization) { Ok(()) } else { Err(LOST) }
}

/// Who performs it is its patient: another's word is not hers, and that it is another's is not kept here.
fn by_herself(consent: &Consent, own: bool) -> Result<(), ConsentFault> {
    let hers = patient(&consent.patient, own)?;
    let is_she = |one: &Reference| patient(one, own).is_ok_and(|performer| performer == hers);
    if consent.performer.iter().flatten().all(is_she) { Ok(()) } else { Err(LOST) }
}

/// Two purposes or recipients are two consents.
fn only<T>(list: &[T]) -> Result<&T, ConsentFault> {
    match list {
        [one] => Ok(one),
        _ => Err(LOST),
    }
}

fn patient(reference: &Reference, own: bool) -> Result<Option<PatientNumber>, ConsentFault> {
    let identifier = reference.identifier.as_ref();
    match identifier {
        Some(identifier) if identifier.system.as_deref() == Some(words::PATIENT) => {
            let me = own && identifier.value == "me";
            if me { Ok(None) } else { Err(ConsentFault::ForeignPatient) }
        }
        Some(Identifier { system: None, value, assigner }) => {
            let issuer = assigner.as_ref().map(|assigner| assigner.display.clone()).unwrap_or_default();
            Ok(Some(PatientNumber { issuer, number: value.clone() }))
        }
        // Numbers of another system are nobody's here.
        Some(_) => Err(ConsentFault::ForeignPatient),
        None => Err(LOST),
    }
}

fn actor(actors: &[Actor]) -> Result<model::Recipient, ConsentFault> {
    let actor = only(actors)?;
    let role = only(&actor.role.coding)?;
    if (&*role.system, &*role.code) != (words::PARTICIPATION, "IRCP") {
        return Err(ConsentFault::UnknownCode);
    }
    let identifier = actor.reference.identifier.as_ref().ok_or(LOST)?;
    let system = identifier.system.as_deref().unwrap_or_default();
    recipient(system, &identifier.value).ok_or(ConsentFault::UnknownCode)
}

fn study(data: &[Data]) -> Result<Option<Uid>, ConsentFault> {
    let one = match data {
        [] => return Ok(None),
        [one] if one.meaning == "instance" => one,
        _ => return Err(LOST),
    };
    let identifier = one.reference.identifier.as_ref().ok_or(LOST)?;
    if identifier.system.as_deref() != Some(words::DICOM_UID) {
        return Err(ConsentFault::UnknownCode);
    }
    let uid = identifier.value.strip_prefix("urn:oid:").unwrap_or_default();
    uid.parse().map(Some).map_err(|_| ConsentFault::UnknownCode)
}

fn bounds(provision: &Provision) -> Result<Bounds, ConsentFault> {
    let mut out = Bounds::default();
    for mark in &provision.modifier_extension {
        match (mark.url.as_str(), &mark.value_code, mark.value_positive_int, mark.value_boolean) {
            (words::HIDDEN, Some(kind), None, None) => {
                out.hidden.push(kind.parse().map_err(|_| ConsentFault::UnknownRegion)?);
            }
            (words::LONGEST_SIDE, None, Some(side), None) if out.longest_side.is_none() => {
                out.longest_side = Some(side);
            }
            (words::IDENTIFIED, None, None, Some(said)) => out.identified = said,
            (words::ABROAD, None, None, Some(said)) => out.abroad = said,
            _ => return Err(LOST),
        }
    }
    if let Some(period) = &provision.period {
        let time = |text: &Option<String>, read: &dyn Fn(&str) -> Option<model::Time>| {
            let read = |text: &String| read(text).ok_or(ConsentFault::ContradictoryDates);
            text.as_ref().map(read).transpose()
        };
        out.from = time(&period.start, &first)?;
        out.until = time(&period.end, &after)?;
    }
    Ok(out)
}

fn words_of(attachment: Attachment) -> Result<String, ConsentFault> {
    if !matches!(
        &*attachment.content_type.replace(' ', "").to_lowercase(),
        "text/plain" | "text/plain;charset=utf-8"
    ) {
        return Err(LOST);
    }
    let Some(data) = attachment.data else { return Ok(String::new()) };
    let bytes = STANDARD.decode(data).map_err(|_| LOST)?;
    String::from_utf8(bytes).map_err(|_| LOST)
}
