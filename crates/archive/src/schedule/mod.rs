//! schedule: Caller → Permit → Orders → Recorded, and Caller → Permit → Query → Matches → Recorded. What is ordered, and what
//! of it a modality asks for (PS3.4 Annex K).

mod records;

pub use records::Orders;

use crate::Result as Outcome;
use crate::context::{About, Context};
use crate::find;
use crate::journal::new_uid;
use crate::putright::Righted;
use crate::sealing::{Kind, fault};
use crate::vault::{Vault, lock};
use crate::who::ties::{OrderRecord as Owed, same_patient};
use ledger::Event;
use model::{Attribute, Attributes, Item, Plain, Tag, Vr, first_of, limits, tags};
use policy::Right;
use port::find::{Found, Query};
use port::{Code, Fault, Response};
use records::{OrderRecord, Step};
use std::sync::Arc;
use store::Commit;

/// Orders of one request.
const TOGETHER: usize = 1000;
/// Orders that are not ended.
const ORDERS: usize = 200_000;
/// Characters of an accession number and of a step's id (VR SH; PS3.5 §6.2).
const SHORT: usize = 16;

/// Answers a worklist query: by date and time, as they will be done.
pub async fn scheduled(vault: &Vault, context: &Context, query: Query) -> Result<Response, Fault> {
    vault.may(context, Right::Worklist).await?;
    let found = tokio::task::block_in_place(|| matches(vault, &query));
    let keys_hash = vault.sealing.text_hash("query", &format!("worklist {:?}", query.keys));
    let event = Event::Queried { keys_hash, hits: found.answers.len() as u64 };
    vault.record(context, About::nothing(), event).await?;
    Ok(Response::Found(found))
}

fn matches(vault: &Vault, query: &Query) -> Found {
    let conditions = find::Conditions::of(query, |key| known(&key.path));
    let limit = query.limit.min(limits::MATCHES);
    let orders = lock(&vault.orders);
    let mut fitting = orders.open().filter(|order| conditions.hold(order)).skip(query.offset);
    let answers: Vec<Attributes> = fitting.by_ref().take(limit).cloned().collect();
    let more = fitting.next().is_some();
    Found { answers, more, unsupported: find::unsupported(query, |path| known(path)) }
}

/// An attribute that orders keep.
fn known(path: &[Tag]) -> bool {
    match *path {
        [tag] => tags::SCHEDULED.contains(&tag),
        [sequence, tag] => tags::SCHEDULED.contains(&sequence) && tags::of_items(sequence).contains(&tag),
        _ => false,
    }
}

/// Places orders; one of the same accession number and step is replaced. All of them or none.
pub async fn place(
    vault: &Vault,
    context: &Context,
    orders: Vec<Attributes>,
    report_by: Option<String>,
) -> Result<Response, Fault> {
    vault.may(context, Right::Schedule).await?;
    if orders.is_empty() || orders.len() > TOGETHER {
        return Err(if orders.is_empty() { Code::BadRequest } else { Code::TooLarge }.into());
    }
    let mut steps: Vec<(Step, Option<Attributes>)> = Vec::new();
    for mut order in orders {
        // Steps of one number are one study, also when they come together.
        let number = order.first(tags::ACCESSION_NUMBER);
        let earlier =
            steps.iter().find(|(step, _)| step.accession == number).and_then(|(_, order)| order.as_ref());
        if let Some(study) = earlier.and_then(|earlier| earlier.get(tags::STUDY_INSTANCE_UID))
            && order.first(tags::STUDY_INSTANCE_UID).is_empty()
        {
            order.copy(tags::STUDY_INSTANCE_UID, study);
        }
        let (step, order) = checked(vault, order)?;
        let clashes = |(other, earlier): &(Step, Option<Attributes>)| {
            let hers = earlier.as_ref().is_none_or(|earlier| same_patient(&whose(earlier), &whose(&order)));
            *other == step || other.accession == step.accession && !hers
        };
        if steps.iter().any(clashes) {
            return Err(Code::BadRequest.into());
        }
        steps.push((step, Some(order)));
    }
    if let Some(user) = &report_by
        && !lock(&vault.accounts).contains_key(&user.to_lowercase())
    {
        return Err(Code::BadRequest.into());
    }
    let owed: Vec<(String, Number)> = steps
        .iter()
        .filter_map(|(step, order)| Some((step.accession.clone(), whose(order.as_ref()?))))
        .collect();
    keep(vault, context, steps, "order").await?;
    if let Some(user) = report_by {
        tokio::task::block_in_place(|| owe(vault, &user, &owed))?;
    }
    Ok(Response::Done)
}

/// Ends the steps of an accession number, or of an order that its placer or filler knows by it: all, or the one that is named;
/// none of it open: not found.
pub async fn end(
    vault: &Vault,
    context: &Context,
    (number, step): (&str, Option<&str>),
) -> Result<Response, Fault> {
    vault.may(context, Right::Schedule).await?;
    let (steps, owed) = {
        let orders = lock(&vault.orders);
        let mut steps = orders.steps_of(number);
        if steps.is_empty() {
            steps = orders.steps_known_as(number);
        }
        steps.retain(|one| step.is_none_or(|step| one.id == step));
        let owed: Vec<(String, Number)> = steps
            .iter()
            .filter_map(|step| Some((step.accession.clone(), whose(orders.order(step)?))))
            .collect();
        (steps, owed)
    };
    if steps.is_empty() {
        return Err(Code::NotFound.into());
    }
    keep(vault, context, steps.into_iter().map(|step| (step, None)).collect(), "order-ended").await?;
    tokio::task::block_in_place(|| no_longer_owed(vault, &owed))?;
    Ok(Response::Done)
}

/// A patient's issuer and number.
type Number = (String, String);

fn whose(order: &Attributes) -> Number {
    (order.first(tags::ISSUER_OF_PATIENT_ID).to_owned(), order.first(tags::PATIENT_ID).to_owned())
}

/// An order with all that a worklist item must have (PS3.4 Table K.6-1, return keys of type 1): whose, what number, one step
/// with an id, a modality and a date; a Study Instance UID is made where none was given.
fn checked(vault: &Vault, mut order: Attributes) -> Result<(Step, Attributes), Fault> {
    let bad = || Fault::from(Code::BadRequest);
    let plain = |(_, attribute): (Tag, &Attribute)| attribute.values.iter().all(|v| fits(attribute.vr, v));
    let inner = |item: &Item| item.values().all(|plain| plain.values.iter().all(|v| fits(plain.vr, v)));
    let kept = |(tag, attribute): (Tag, &Attribute)| {
        tags::SCHEDULED.contains(&tag) && attribute.items.iter().all(inner)
    };
    if !order.iter().all(|one| kept(one) && plain(one)) {
        return Err(bad());
    }
    let accession = order.first(tags::ACCESSION_NUMBER).to_owned();
    let named = !order.first(tags::PATIENT_ID).is_empty() && !order.first(tags::PATIENT_NAME).is_empty();
    let [item] = order.get(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE).map_or(&[][..], |a| &a.items) else {
        return Err(bad());
    };
    let mut item: Item = item.clone();
    let date = first_of(&item, tags::SCHEDULED_PROCEDURE_STEP_START_DATE);
    let day = date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
    let short = |text: &str| (1..=SHORT).contains(&text.chars().count());
    if !named || !short(&accession) || !day || first_of(&item, tags::MODALITY).is_empty() {
        return Err(bad());
    }
    let mut put = |tag: Tag, vr: [u8; 2], text: &str| {
        if first_of(&item, tag).is_empty() {
            item.insert(tag, Plain { vr: Vr(vr), values: vec![text.to_owned()] });
        }
    };
    put(tags::SCHEDULED_PROCEDURE_STEP_ID, *b"SH", &accession);
    put(tags::SCHEDULED_PROCEDURE_STEP_STATUS, *b"CS", "SCHEDULED");
    let id = first_of(&item, tags::SCHEDULED_PROCEDURE_STEP_ID).to_owned();
    if !short(&id) {
        return Err(bad());
    }
    order.set_items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, [item]);
    if order.first(tags::REQUESTED_PROCEDURE_ID).is_empty() {
        order.set(tags::REQUESTED_PROCEDURE_ID, *b"SH", [accession.clone()]);
    }
    let step = Step { accession, id };
    if order.first(tags::STUDY_INSTANCE_UID).is_empty() {
        // Another patient's order of this number is refused below, under the lock.
        let known = lock(&vault.orders).study_of(&step.accession);
        let uid = match known {
            Some(uid) => uid,
            None => new_uid(&*vault.sealing.random)?.as_str().to_owned(),
        };
        order.set(tags::STUDY_INSTANCE_UID, *b"UI", [uid]);
    } else if order.first(tags::STUDY_INSTANCE_UID).parse::<model::Uid>().is_err() {
        return Err(bad());
    }
    Ok((step, order))
}

/// A value has room in its VR and is one value (PS3.5 Table 6.2-1, §6.4): a modality takes an answer or leaves it as a whole.
fn fits(vr: Vr, value: &str) -> bool {
    let room = match &vr.0 {
        b"AE" | b"CS" | b"SH" | b"TM" => SHORT,
        b"DA" => 8,
        b"LO" | b"UI" => 64,
        b"PN" => 3 * 64,
        _ => limits::INDEXED_VALUE_BYTES,
    };
    value.chars().count() <= room && !value.contains('\\') && !value.chars().any(char::is_control)
}

/// Rows and entry in one commit, then memory.
async fn keep(
    vault: &Vault,
    context: &Context,
    steps: Vec<(Step, Option<Attributes>)>,
    what: &str,
) -> Result<(), Fault> {
    // One change at a time: versions are read and written under it.
    let turn = Arc::clone(&vault.ordering).lock_owned().await;
    let versions: Vec<u64> = {
        let righted = lock(&vault.righted);
        let orders = lock(&vault.orders);
        let taken = |(step, order): &(Step, Option<Attributes>)| {
            order.as_ref().is_some_and(|order| anothers((&orders, &righted), step, order))
        };
        if steps.iter().any(taken) {
            return Err(Code::VersionConflict.into());
        }
        let new = steps.iter().filter(|(step, order)| order.is_some() && orders.version(step) == 0).count();
        if orders.len() + new > ORDERS {
            return Err(Code::StorageFull.into());
        }
        steps.iter().map(|(step, _)| orders.version(step) + 1).collect()
    };
    let mut whom: Vec<&str> = steps.iter().map(|(step, _)| step.accession.as_str()).collect();
    whom.dedup();
    let event =
        Event::Configured { what: what.to_owned(), whom: whom.join(" ").chars().take(1024).collect() };
    let mut commit = Commit::new(vault.store.epoch());
    for ((step, order), version) in steps.iter().zip(&versions) {
        let name = vault.sealing.name(Kind::Order, &[step.accession.as_bytes(), step.id.as_bytes()]);
        let record = OrderRecord { step: step.clone(), order: order.clone() };
        commit.rows.push(vault.sealing.row(Kind::Order, name, *version, &record)?);
    }
    vault.entry_into(&mut commit, vault.envelope(context, &About::nothing()), event)?;
    let committed = vault.committed(commit, move |vault| {
        let _turn = turn;
        let mut orders = lock(&vault.orders);
        let all = steps.into_iter().zip(versions);
        all.for_each(|((step, order), version)| orders.put(step, order, version));
    });
    match committed.await? {
        Err(store::Error::Stale) => Err(Code::Unavailable.into()),
        Err(error) => Err(fault(&error)),
        Ok(()) => Ok(()),
    }
}

/// Two systems gave one accession number to two patients, or one gave it twice: replaced, the first would vanish from its
/// modality, and beside it the second's films would be made under the first one's Study Instance UID.
fn anothers((orders, righted): (&Orders, &Righted), step: &Step, order: &Attributes) -> bool {
    let number = whose(order);
    let merged = righted.merged_into(&number);
    let hers: Vec<Number> = std::iter::once(number).chain(merged).collect();
    let theirs = orders.steps_of(&step.accession).into_iter().filter_map(|step| orders.order(&step));
    theirs.into_iter().any(|open| !hers.iter().any(|number| same_patient(number, &whose(open))))
}

/// The account owes the report of these: what a doctor with an order sees is decided by rule 1 about pictures.
fn owe(vault: &Vault, user: &str, orders: &[(String, Number)]) -> Outcome<()> {
    let start = vault.clock.now();
    vault.change_ties(user, |ties| {
        for order @ (accession, patient) in orders {
            let patient = Some(patient.clone());
            let new = Owed { study: None, accession: accession.clone(), patient, start, end: None };
            match ties.orders.iter_mut().find(|owed| is(owed, order)) {
                Some(owed) => *owed = Owed { start: owed.start, ..new },
                None => ties.orders.push(new),
            }
        }
    })
}

fn is(owed: &Owed, (accession, patient): &(String, Number)) -> bool {
    owed.accession == *accession && owed.patient.as_ref().is_some_and(|whose| same_patient(whose, patient))
}

/// What was ordered is done or not to be done: a doctor who still has to report on it keeps sight of it for this long.
const REPORTED_S: i64 = 30 * 24 * 3600;

fn no_longer_owed(vault: &Vault, orders: &[(String, Number)]) -> Outcome<()> {
    let end = vault.clock.now().plus_seconds(REPORTED_S);
    let ends = |owed: &Owed| owed.end.is_none() && orders.iter().any(|order| is(owed, order));
    let all: Vec<String> = {
        let ties = lock(&vault.ties);
        let theirs = ties.iter().filter(|(_, (record, _))| record.orders.iter().any(ends));
        theirs.map(|(user, _)| user.clone()).collect()
    };
    for user in all {
        vault.change_ties(&user, |ties| {
            ties.orders.iter_mut().filter(|owed| ends(owed)).for_each(|owed| owed.end = Some(end));
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
