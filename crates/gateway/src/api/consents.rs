//! Consents of secondary use: proposals, answers, withdrawals.

use super::putright::Number;
use crate::fhir::dates::{after, first};
use crate::http::{Ask, Problem, Reply, json};
use hyper::StatusCode;
use model::{Bounds, ConsentFault, Id, Recipient, RegionKind, Says, Time, Uid};
use port::archive::{ConsentAct, ConsentAsk, ConsentStep, ConsentView, Copies, Party, Proposal};
use port::{Code, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json as value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    study: Option<Uid>,
    #[serde(default)]
    all: bool,
    patient: Option<Number>,
    #[serde(default)]
    witnessed: bool,
    purpose: String,
    recipient: Option<Whom>,
    #[serde(default)]
    deny: bool,
    #[serde(default)]
    bounds: Limits,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Whom {
    Account(String),
    Organisation(String),
    Role(String),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    from: Option<String>,
    until: Option<String>,
    hidden: Vec<String>,
    longest_side: Option<u32>,
    identified: bool,
    abroad: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    act: String,
    #[serde(default)]
    text: String,
    bounds: Option<Limits>,
    deleted: Option<bool>,
}

/// `GET /api/v1/consents`.
pub async fn consents(ask: Ask) -> Result<Reply, Problem> {
    let consents: Vec<Value> = asked(&ask, ConsentAsk::List).await?.iter().map(told).collect();
    json(StatusCode::OK, &value!({ "consents": consents }))
}

/// `GET /api/v1/consents/{consent}`: with who has copies.
pub async fn consent(ask: Ask) -> Result<Reply, Problem> {
    one(StatusCode::OK, &asked(&ask, ConsentAsk::Read(named(&ask)?)).await?)
}

/// `POST /api/v1/consents`.
pub async fn begin_consent(mut ask: Ask) -> Result<Reply, Problem> {
    let begun = match ask.json::<Begin>().await?.proposal() {
        Ok(proposal) => ConsentAsk::Propose(proposal),
        Err(word) => ConsentAsk::Nonsense(word),
    };
    one(StatusCode::CREATED, &asked(&ask, begun).await?)
}

/// `POST /api/v1/consents/{consent}`.
pub async fn answer_consent(mut ask: Ask) -> Result<Reply, Problem> {
    let step = ask.json::<Step>().await?;
    let id = named(&ask)?;
    let act = match step.act() {
        Ok(act) => ConsentAsk::Act { id, act },
        Err(word) => ConsentAsk::Nonsense(word),
    };
    one(StatusCode::OK, &asked(&ask, act).await?)
}

/// The consent of the path; what is no reference names nothing.
pub fn named(ask: &Ask) -> Result<Id, Problem> {
    ask.param("consent").and_then(|text| text.parse().ok()).ok_or_else(|| Code::NotFound.into())
}

/// Asks the vault; a refusal in words becomes a problem with that word.
pub async fn asked(ask: &Ask, asked: ConsentAsk) -> Result<Vec<ConsentView>, Problem> {
    match ask.answer(Request::Consent(asked)).await? {
        Response::Consents(consents) => Ok(consents),
        Response::ConsentRefused(word) => Err(refused(word)),
        _ => Err(Code::Internal.into()),
    }
}

fn refused(word: ConsentFault) -> Problem {
    let code = match word {
        ConsentFault::ForeignPatient => Code::NotFound,
        ConsentFault::NotNow => Code::VersionConflict,
        ConsentFault::TooMany | ConsentFault::TextLength => Code::TooLarge,
        _ => Code::BadRequest,
    };
    Problem { detail: Some(word.as_str()), ..code.into() }
}

fn one(status: StatusCode, consents: &[ConsentView]) -> Result<Reply, Problem> {
    let consent = consents.first().ok_or(Code::NotFound)?;
    json(status, &told(consent))
}

impl Begin {
    fn proposal(self) -> Result<Proposal, ConsentFault> {
        Ok(Proposal {
            study: self.study,
            all: self.all,
            patient: self.patient.map(Into::into),
            witnessed: self.witnessed,
            dated: None,
            purpose: self.purpose.parse().map_err(|_| ConsentFault::UnknownCode)?,
            recipient: self.recipient.map(Whom::recipient).transpose()?,
            says: if self.deny { Says::Deny } else { Says::Permit },
            bounds: self.bounds.bounds()?,
            text: self.text,
        })
    }
}

impl Whom {
    fn recipient(self) -> Result<Recipient, ConsentFault> {
        Ok(match self {
            Self::Account(user) => Recipient::Account(user),
            Self::Organisation(name) => Recipient::Organisation(name),
            Self::Role(role) => Recipient::Role(role.parse().map_err(|_| ConsentFault::UnknownCode)?),
        })
    }
}

impl Limits {
    /// A day that something lasts until is its last; an instant is the first moment after it.
    fn bounds(self) -> Result<Bounds, ConsentFault> {
        let until = |text: &String| if text.contains('T') { first(text) } else { after(text) };
        let time = |text: Option<String>, read: &dyn Fn(&String) -> Option<Time>| {
            text.map(|text| read(&text).ok_or(ConsentFault::ContradictoryDates)).transpose()
        };
        let part = |word: &String| word.parse::<RegionKind>().map_err(|_| ConsentFault::UnknownRegion);
        Ok(Bounds {
            from: time(self.from, &|text| first(text))?,
            until: time(self.until, &until)?,
            hidden: self.hidden.iter().take(64).map(part).collect::<Result<_, _>>()?,
            longest_side: self.longest_side,
            identified: self.identified,
            abroad: self.abroad,
        })
    }
}

impl Step {
    fn act(self) -> Result<ConsentAct, ConsentFault> {
        let text = self.text;
        Ok(match (self.act.as_str(), self.bounds, self.deleted) {
            ("accept", None, None) if text.is_empty() => ConsentAct::Accept,
            ("refuse", None, None) => ConsentAct::Refuse { text },
            ("counter", Some(limits), None) => ConsentAct::Counter { text, bounds: limits.bounds()? },
            ("withdraw", None, None) => ConsentAct::Withdraw { text },
            ("answer-deletion", None, Some(deleted)) => ConsentAct::AnswerDeletion { deleted, text },
            _ => return Err(ConsentFault::UnknownCode),
        })
    }
}

fn told(consent: &ConsentView) -> Value {
    let digest: String = consent.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    value!({
        "id": consent.id.hex(),
        "own": consent.own,
        "proposed": consent.proposed,
        "by": party(&consent.by),
        "purpose": consent.purpose.as_str(),
        "recipient": recipient(&consent.recipient),
        "study": consent.study.as_ref().map(Uid::as_str),
        "deny": consent.says == Says::Deny,
        "state": consent.state,
        "bounds": bounds(&consent.bounds),
        "digest": digest,
        "next": consent.next,
        "steps": consent.steps.iter().map(step).collect::<Vec<_>>(),
        "copies": consent.copies.iter().map(copies).collect::<Vec<_>>(),
    })
}

fn party(party: &Party) -> Value {
    value!({ "name": party.name, "role": party.role.as_str(), "organisation": party.organisation })
}

fn recipient(recipient: &Recipient) -> Value {
    match recipient {
        Recipient::Account(user) => value!({ "account": user }),
        Recipient::Organisation(name) => value!({ "organisation": name }),
        Recipient::Role(role) => value!({ "role": role.as_str() }),
    }
}

fn bounds(bounds: &Bounds) -> Value {
    value!({
        "from": bounds.from.map(Time::rfc3339),
        "until": bounds.until.map(Time::rfc3339),
        "hidden": bounds.hidden.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "longest_side": bounds.longest_side,
        "identified": bounds.identified,
        "abroad": bounds.abroad,
    })
}

fn step(step: &ConsentStep) -> Value {
    value!({
        "act": step.act,
        "by": party(&step.by),
        "at": step.at.rfc3339(),
        "text": step.text,
        "bounds": bounds(&step.bounds),
    })
}

fn copies(copies: &Copies) -> Value {
    let answer = copies
        .answer
        .as_ref()
        .map(|(deleted, text, at)| value!({ "deleted": deleted, "text": text, "at": at.rfc3339() }));
    value!({
        "own": copies.own,
        "role": copies.role.as_str(),
        "organisation": copies.organisation,
        "studies": copies.studies.iter().map(Uid::as_str).collect::<Vec<_>>(),
        "releases": copies.releases,
        "last": copies.last.rfc3339(),
        "asked": copies.asked.map(Time::rfc3339),
        "answer": answer,
    })
}
