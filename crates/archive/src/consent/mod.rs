//! consent: Caller → Permit → ConsentRecord → Recorded. What a patient agrees to in secondary use is proposed, negotiated and
//! withdrawn here; what follows for a picture is decided by the rules (policies/default.cedar), from what [`said`] tells them.
//! A change moves the version that every grant of secondary use carries: the next request and the next chunk end it.

mod begin;
mod copies;
mod record;
mod turns;
mod view;

pub use record::ConsentRecord;

use crate::catalog::{Card, Study};
use crate::context::{About, Context};
use crate::journal::promises;
use crate::sealing::{Kind, fault};
use crate::vault::{Vault, lock};
use ledger::Event;
use model::{ConsentFault, Id, PatientRef, Purpose, Role, Says, Uid};
use policy::consent::Asked;
use policy::{ConsentFacts, Grant, Right};
use port::archive::{ConsentAct, ConsentAsk};
use port::{Code, Fault, Response};
use record::{Agreement, Person, Step, TEXT_BYTES};
use std::sync::Arc;
use store::Commit;
use turns::{Act, State, after};

/// Why nothing changed: a word for the person, or a cause like any other.
pub enum No {
    Word(ConsentFault),
    Fault(Fault),
}

impl From<ConsentFault> for No {
    fn from(word: ConsentFault) -> Self {
        Self::Word(word)
    }
}

impl From<Fault> for No {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Code> for No {
    fn from(code: Code) -> Self {
        Self::Fault(code.into())
    }
}

impl From<crate::Error> for No {
    fn from(error: crate::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// Reads and changes.
pub async fn answer(vault: &Vault, context: &Context, ask: ConsentAsk) -> Result<Response, Fault> {
    let right =
        if context.caller.role == Role::Patient { Right::AnswerConsent } else { Right::ProposeConsent };
    vault.may(context, right).await?;
    let (act, done) = match ask {
        ConsentAsk::List => return view::list(vault, context, None).await,
        ConsentAsk::Read(id) => return view::list(vault, context, Some(id)).await,
        ConsentAsk::Propose(proposal) => ("propose", begin::begin(vault, context, proposal).await),
        ConsentAsk::Act { id, act: ConsentAct::AnswerDeletion { deleted, text } } => {
            ("answer-deletion", copies::answered(vault, context, id, (deleted, text)).await)
        }
        ConsentAsk::Act { id, act } => {
            let (act, text, bounds) = match act {
                ConsentAct::Refuse { text } => (Act::Refuse, text, None),
                ConsentAct::Counter { text, bounds } => (Act::Counter, text, Some(bounds)),
                ConsentAct::Withdraw { text } => (Act::Withdraw, text, None),
                ConsentAct::Accept | ConsentAct::AnswerDeletion { .. } => (Act::Accept, String::new(), None),
            };
            (act.as_str(), step(vault, context, id, (act, text, bounds)).await)
        }
        ConsentAsk::Nonsense(word) => ("read", Err(word.into())),
    };
    match done {
        Ok(id) => view::told(vault, context, id).await,
        Err(no) => refused(vault, context, act, no).await,
    }
}

async fn refused(vault: &Vault, context: &Context, act: &str, no: No) -> Result<Response, Fault> {
    let cause = match &no {
        No::Word(word) => word.as_str(),
        No::Fault(fault) => fault.code.as_str(),
    };
    let about = About { patient: context.own.map(|own| own.patient), ..About::nothing() };
    let event = Event::ConsentRefused { act: act.to_owned(), cause: cause.to_owned() };
    vault.record(context, about, event).await?;
    match no {
        No::Word(word) => Ok(Response::ConsentRefused(word)),
        No::Fault(fault) => Err(fault),
    }
}

/// A step of one side.
async fn step(
    vault: &Vault,
    context: &Context,
    id: Id,
    (act, text, bounds): (Act, String, Option<model::Bounds>),
) -> Result<Id, No> {
    let home = vault.consent_home(context, id).ok_or(Code::NotFound)?;
    change(vault, context, home, None, |record, own| {
        let overtaken = record.consents.iter().any(|one| one.id == id && record.overtaken(one));
        let consent = record.consents.iter_mut().find(|one| one.id == id).ok_or(Code::NotFound)?;
        let side = consent.side(&context.caller.user, own).ok_or(Code::NotFound)?;
        let state = after(consent.state, side, act).ok_or(ConsentFault::NotNow)?;
        let taken_up = (side, act) == (turns::Side::Proposer, Act::Accept);
        // What she offered is off the table once she has said something else of it.
        if taken_up && overtaken {
            return Err(ConsentFault::NotNow.into());
        }
        let now = consent.bounds();
        let bounds = bounds.map_or(Ok(now.clone()), |bounds| bounds.checked(context.now))?;
        if act == Act::Counter && side == turns::Side::Patient && !bounds.within(&now) {
            return Err(ConsentFault::NotNarrower.into());
        }
        // What ended while they talked is agreed by nobody.
        if state == State::Accepted && bounds.until.is_some_and(|until| until <= context.now) {
            return Err(ConsentFault::ContradictoryDates.into());
        }
        let text = text_of(text, act == Act::Counter)?;
        consent.steps.push(Step { act, by: person(context), at: context.now, text, bounds });
        consent.state = state;
        // Who takes up her offer adds nothing to what she said, and says it no later than she did.
        if !taken_up {
            consent.decided = context.now;
        }
        let entry = (changed(consent, act), consent.study.as_ref().map(|study| study.uid.clone()));
        // Room is never a reason to keep her from saying no.
        if !matches!(act, Act::Refuse | Act::Withdraw) {
            record.bounded(false)?;
        }
        Ok(vec![entry])
    })
    .await?;
    if act == Act::Withdraw {
        // It holds already. Who has copies is looked for after, and again when she reads it, should this fail.
        drop(copies::ask(vault, context, home, id).await);
    }
    Ok(id)
}

/// A text within its bounds; `needed`: not empty.
fn text_of(text: String, needed: bool) -> Result<String, ConsentFault> {
    let empty = text.trim().is_empty();
    if text.len() > TEXT_BYTES || needed && empty { Err(ConsentFault::TextLength) } else { Ok(text) }
}

fn person(context: &Context) -> Person {
    let caller = &context.caller;
    Person {
        user: caller.user.clone(),
        name: context.name.clone(),
        role: caller.role,
        organisation: caller.organisation.0.clone(),
    }
}

fn changed(consent: &Agreement, act: Act) -> Event {
    Event::ConsentChanged {
        consent: consent.id,
        act: act.as_str().to_owned(),
        state: consent.state.as_str().to_owned(),
        purpose: consent.purpose.to_string(),
        recipient: consent.recipient.word(),
        version: consent.steps.len() as u64,
        digest: consent.digest(),
    }
}

/// An entry, and the study that it is about.
type Entries = Vec<(Event, Option<Uid>)>;

/// One change of one patient's consents: row and entries in one commit, memory once it is durable. `righted`: the version of
/// what was put right under which she was found.
async fn change(
    vault: &Vault,
    context: &Context,
    home: PatientRef,
    righted: Option<u64>,
    with: impl FnOnce(&mut ConsentRecord, bool) -> Result<Entries, No>,
) -> Result<(), No> {
    // Until memory is as the row says, whoever asked goes away or not.
    let one = Arc::clone(&vault.consenting).lock_owned().await;
    let known = lock(&vault.consents).get(&home).cloned();
    let mut record = known.map_or_else(|| ConsentRecord::empty(home), |known| (*known).clone());
    let own = context.own.is_some_and(|own| own.is(&lock(&vault.righted), home));
    let entries = with(&mut record, own)?;
    let mut commit = Commit::new(vault.store.epoch());
    let name = vault.sealing.name(Kind::Consents, &[&home.0]);
    record.version = tokio::task::block_in_place(|| vault.next_version(record.version, &name))?;
    commit.rows.push(vault.sealing.row(Kind::Consents, name, record.version, &record)?);
    for (event, study) in entries {
        let about = About { patient: Some(home), study, object: None };
        vault.entry_into(&mut commit, vault.envelope(context, &about), event)?;
    }
    let promises = promises(&commit);
    let pending = {
        // What is put right holds the index until it is durable: none comes in between.
        let _index = vault.catalog();
        if righted.is_some_and(|version| lock(&vault.righted).version() != version) {
            return Err(Code::VersionConflict.into());
        }
        vault.store.submit(commit).map_err(crate::Error::from)?
    };
    let kept = vault.settled(promises, pending, move |vault, durable| {
        let _one = one;
        durable.map(drop).map_err(|error| fault(&error))?;
        lock(&vault.consents).insert(home, Arc::new(record));
        Ok(())
    });
    Ok(kept.await?)
}

/// What a study's patient has said of this use, for the rules. A merge that one account made by itself brings no yes along,
/// and takes no no away.
pub fn said(vault: &Vault, context: &Context, study: &Study, purpose: Purpose) -> ConsentFacts {
    said_of(vault, context, (&study.record.uid, study.record.id, study.patient()), purpose)
}

/// Secondary use does not find it: its patient refuses this caller, and lets him no other use of it.
pub fn hides(vault: &Vault, context: &Context, card: &Card) -> bool {
    let said = |who, purpose| said_of(vault, who, (&card.uid, card.id, card.patient), purpose);
    match (context.caller.role, context.standing.purpose) {
        (Role::Researcher, _) => {
            let lets = |purpose: &Purpose| said(context, *purpose).consented;
            said(context, Purpose::Research).refused && !Purpose::ALL.iter().any(lets)
        }
        (Role::Device, Some(purpose)) => {
            let person = context.operator.as_deref();
            [Some(context), person].into_iter().flatten().any(|who| said(who, purpose).refused)
        }
        _ => false,
    }
}

fn said_of(
    vault: &Vault,
    context: &Context,
    (uid, study, patient): (&Uid, Id, PatientRef),
    purpose: Purpose,
) -> ConsentFacts {
    if !purpose.secondary() {
        return ConsentFacts::default();
    }
    let records = vault.consents_of(patient);
    if records.is_empty() {
        return ConsentFacts::default();
    }
    let consents: Vec<_> = {
        let righted = lock(&vault.righted);
        let home = righted.unmerged_of(uid, patient);
        let counts = |record: &Arc<ConsentRecord>| {
            let hers = righted.agreed_same(record.patient, home);
            let settled: Vec<_> = record.consents.iter().filter_map(Agreement::settled).collect();
            settled.into_iter().filter(move |consent| hers || consent.says == Some(Says::Deny))
        };
        records.iter().flat_map(counts).collect()
    };
    let caller = &context.caller;
    let abroad = vault.options.abroad.contains(&caller.organisation.0);
    let asked = Asked { purpose, caller, abroad, study, now: context.now };
    ConsentFacts::of(version(&records), &consents, &asked)
}

fn version(records: &[Arc<ConsentRecord>]) -> u64 {
    records.iter().map(|record| record.version).sum()
}

impl Vault {
    /// Consents of a patient, under all the references that were merged into hers.
    fn consents_of(&self, patient: PatientRef) -> Vec<Arc<ConsentRecord>> {
        let consents = lock(&self.consents);
        if consents.is_empty() {
            return Vec::new();
        }
        let righted = lock(&self.righted);
        righted.references(patient).filter_map(|of| consents.get(&of).cloned()).collect()
    }

    /// Version of what a study's patient has said of secondary use.
    pub(crate) fn consent_version(&self, study: &Study) -> u64 {
        version(&self.consents_of(study.patient()))
    }

    /// She has said something since this grant of secondary use was made.
    pub(crate) fn consent_changed(&self, study: &Study, grant: &Grant) -> bool {
        let secondary = grant.purpose().is_some_and(Purpose::secondary);
        secondary && self.consent_version(study) != grant.consent_version()
    }

    /// Under whose reference a consent is kept that the caller may know of.
    fn consent_home(&self, context: &Context, id: Id) -> Option<PatientRef> {
        let consents = lock(&self.consents);
        let righted = lock(&self.righted);
        let record = consents.values().find(|record| record.consents.iter().any(|one| one.id == id))?;
        let consent = record.consents.iter().find(|one| one.id == id)?;
        let own = context.own.is_some_and(|own| own.is(&righted, record.patient));
        knows(context, own, consent).then_some(record.patient)
    }
}

/// Her own, begun by the caller, or asked of him to delete; the privacy officer knows all.
fn knows(context: &Context, own: bool, consent: &Agreement) -> bool {
    let user = &context.caller.user;
    own || consent.begun_by().user == *user && context.caller.role != Role::Patient
        || consent.copies.iter().any(|copy| copy.user == *user)
        || context.caller.role == Role::Officer
}

#[cfg(test)]
mod tests;
