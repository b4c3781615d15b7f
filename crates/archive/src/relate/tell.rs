//! What feeds tell: checked, kept and recorded in one commit, or refused and recorded.

use super::record::{Heard, Number, PatientRecord, Refusal};
use super::{Held, keep};
use crate::context::{About, Context};
use crate::sealing::Kind;
use crate::vault::{Vault, lock};
use ledger::Event;
use model::Role;
use policy::Right;
use port::putright::PatientNumber;
use port::ties::{Answer, Episode, News, Step};
use port::{Code, Fault};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Episodes of one message.
const TOGETHER: usize = 100;
/// Characters of a number or of who gave it.
const NUMBER: usize = 128;
/// Characters of the numbers of staff in one entry.
const NAMED: usize = 512;

type Records = BTreeMap<Number, (PatientRecord, u64)>;

/// Takes a feed's news: all or none.
pub async fn tell(vault: &Vault, context: &Context, mut news: Vec<News>) -> Result<Answer, Fault> {
    let feed = feed(vault, context).await?.to_owned();
    for right in rights(&news) {
        vault.may(context, right).await?;
    }
    if !news.iter().all(fits) || news.len() > TOGETHER {
        return refused(vault, context, news.first(), "too-long").await;
    }
    // That two numbers are one person's is said for good and of all who care for either: not by who may tell of orders only, in
    // whose messages a wrong one may stand.
    if vault.right(context, Right::PutRight).is_err() {
        news.iter_mut().for_each(|one| one.others.clear());
    }
    let turn = Arc::clone(&vault.relate.turn).lock_owned().await;
    // A machine that brings reports only is no feed of relations: its silence is no news.
    if super::tells(&context.standing.may) {
        lock(&vault.relate.held).spoke(&feed, context.now);
    }
    let mut records = Records::new();
    let mut changed = Vec::new();
    for one in &news {
        let (record, _) = record(vault, &mut records, &one.patient)?;
        let rules = &vault.options.relating;
        match record.hear(&Heard { news: one, feed: &feed, now: context.now, rules }) {
            Ok(true) => changed.push(one),
            Ok(false) => {}
            Err(refusal) => return refused(vault, context, Some(one), word(refusal)).await,
        }
    }
    let patients: Vec<&PatientNumber> = changed.iter().map(|one| &one.patient).collect();
    records.retain(|number, _| patients.iter().any(|p| p.issuer == number.0 && p.number == number.1));
    let count = changed.len() as u64;
    if count > 0 {
        let offset = vault.options.relating.utc_offset_s;
        let events =
            changed.into_iter().map(|one| (about(vault, &one.patient), entry(one, offset))).collect();
        write(vault, context, turn, (records, events)).await?;
    }
    Ok(Answer::Told(count))
}

/// Two numbers are one person's. Not found: nobody tells anything of the one that ends.
pub async fn same(
    vault: &Vault,
    context: &Context,
    from: &PatientNumber,
    into: &PatientNumber,
) -> Result<Answer, Fault> {
    let feed = feed(vault, context).await?.to_owned();
    vault.may(context, Right::PutRight).await?;
    let turn = Arc::clone(&vault.relate.turn).lock_owned().await;
    lock(&vault.relate.held).spoke(&feed, context.now);
    let mut records = Records::new();
    let gone = record(vault, &mut records, from)?.0.clone();
    if gone.episodes.is_empty() || from == into {
        let event = Event::RelationRefused { source: "adt".to_owned(), cause: "merge-of-nobody".to_owned() };
        vault.record(context, About::nothing(), event).await?;
        return Err(Code::NotFound.into());
    }
    let (stays, _) = record(vault, &mut records, into)?;
    let before = stays.clone();
    stays.join(&gone);
    if *stays == before {
        return Ok(Answer::Told(0));
    }
    // Each row names the other: what was told of either number is of both.
    record(vault, &mut records, from)?.0.join(&before);
    let event = Event::RelationChanged {
        kind: "merge".to_owned(),
        source: "adt".to_owned(),
        user: String::new(),
        start: String::new(),
        end: String::new(),
        reason: String::new(),
    };
    write(vault, context, turn, (records, vec![(about(vault, into), event)])).await?;
    Ok(Answer::Told(1))
}

/// A message that nobody can read is counted: who may send floods nothing but a number.
pub async fn garbled(vault: &Vault, context: &Context) -> Result<Answer, Fault> {
    feed(vault, context).await?;
    lock(&vault.refusals).note(&context.arrival.peer, context.now);
    Ok(Answer::Told(0))
}

/// The machine that tells.
async fn feed<'a>(vault: &Vault, context: &'a Context) -> Result<&'a str, Fault> {
    match context.caller.role {
        Role::Device if context.operator.is_none() => Ok(&context.caller.user),
        _ => vault.not_allowed(context, "tell", vec!["machine".to_owned()]).await,
    }
}

fn rights(news: &[News]) -> Vec<Right> {
    let needs = |one: &News| match one.episode {
        Episode::Visit | Episode::CareTeam => Right::PutRight,
        Episode::Order | Episode::Appointment => Right::Schedule,
    };
    let mut all: Vec<Right> = news.iter().map(needs).collect();
    all.dedup();
    all
}

fn fits(news: &News) -> bool {
    let short = |text: &str| text.chars().count() <= NUMBER;
    let patient = |p: &PatientNumber| !p.number.is_empty() && short(&p.number) && short(&p.issuer);
    let carers = news.carers.iter();
    patient(&news.patient)
        && news.others.iter().all(patient)
        && short(&news.number)
        && carers.map(|c| &c.staff).all(|s| !s.number.is_empty() && short(&s.number) && short(&s.issuer))
}

const fn word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Future => "future",
        Refusal::Backwards => "ends-before-it-begins",
    }
}

fn key(patient: &PatientNumber) -> Number {
    (patient.issuer.clone(), patient.number.clone())
}

/// The record of a patient: in hand, in memory, on the disk, or a new one.
fn record<'a>(
    vault: &Vault,
    records: &'a mut Records,
    patient: &PatientNumber,
) -> Result<&'a mut (PatientRecord, u64), Fault> {
    let number = key(patient);
    let known = || -> crate::Result<(PatientRecord, u64)> {
        if let Some(known) = lock(&vault.relate.held).patient(&number) {
            return Ok(known.clone());
        }
        let name = vault.sealing.name(Kind::Episodes, &[number.0.as_bytes(), number.1.as_bytes()]);
        let fresh = PatientRecord { patient: number.clone(), ..PatientRecord::default() };
        match vault.store.row(&name)? {
            // One that was lost, and was let go (`gauze check`): what is told from now on counts.
            Some(row) => Ok((vault.sealing.open_row(&row).unwrap_or(fresh), row.version)),
            None => Ok((fresh, 0)),
        }
    };
    if !records.contains_key(&number) {
        let known = tokio::task::block_in_place(known)?;
        records.insert(number.clone(), known);
    }
    records.get_mut(&number).ok_or_else(|| Code::Internal.into())
}

fn about(vault: &Vault, patient: &PatientNumber) -> About {
    About { patient: vault.known_patient(&key(patient)), ..About::nothing() }
}

fn entry(news: &News, offset_s: i32) -> Event {
    let mut user = String::new();
    for carer in &news.carers {
        let part = super::record::kind(carer.part).as_str();
        let one = format!("{}{part} {}", if user.is_empty() { "" } else { ", " }, carer.staff.number);
        if user.len() + one.len() <= NAMED {
            user += &one;
        }
    }
    let time = |stamp: Option<port::ties::Stamp>| stamp.map(|s| s.time(offset_s).rfc3339());
    Event::RelationChanged {
        kind: news.episode.as_str().to_owned(),
        source: news.via.as_str().to_owned(),
        user,
        start: time(news.start).unwrap_or_default(),
        end: time(news.end).unwrap_or_default(),
        reason: happened(news.step).to_owned(),
    }
}

const fn happened(step: Step) -> &'static str {
    match step {
        Step::Open => "begins",
        Step::Transfer => "transferred",
        Step::Close => "ends",
        Step::Update => "updated",
        Step::CancelOpen => "cancelled",
        Step::CancelTransfer => "transfer cancelled",
        Step::CancelClose => "end cancelled",
    }
}

async fn refused(
    vault: &Vault,
    context: &Context,
    news: Option<&News>,
    cause: &str,
) -> Result<Answer, Fault> {
    let source = news.map_or("", |one| one.via.as_str()).to_owned();
    let event = Event::RelationRefused { source, cause: cause.to_owned() };
    vault.record(context, About::nothing(), event).await?;
    Err(Code::BadRequest.into())
}

async fn write(
    vault: &Vault,
    context: &Context,
    turn: tokio::sync::OwnedMutexGuard<()>,
    (records, events): (Records, Vec<(About, Event)>),
) -> Result<(), Fault> {
    let room = {
        let mut held = lock(&vault.relate.held);
        let new = records.keys().filter(|number| held.patient(number).is_none()).count();
        held.room(&context.caller.user, new, context.now, &vault.options.relating)
    };
    if !room {
        return Err(Code::StorageFull.into());
    }
    let mut rows = Vec::new();
    for (number, (record, version)) in &records {
        let name = vault.sealing.name(Kind::Episodes, &[number.0.as_bytes(), number.1.as_bytes()]);
        rows.push(vault.sealing.row(Kind::Episodes, name, version + 1, record)?);
    }
    let events = events.into_iter().map(|(about, event)| (vault.envelope(context, &about), event)).collect();
    let (now, rules) = (context.now, vault.options.relating);
    let then = move |held: &mut Held| {
        let changed =
            |(record, version): (PatientRecord, u64)| held.changed((record, version + 1), now, &rules);
        records.into_values().map(changed).collect()
    };
    keep(vault, turn, (rows, events), then).await
}
