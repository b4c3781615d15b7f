//! Relations by hand: by the privacy officer, and a doctor's own for a colleague. Each has an end, a reason and an entry.

use super::record::Number;
use super::{Ended, Held, keep, tied};
use crate::context::{About, Context};
use crate::sealing::Kind;
use crate::vault::{Vault, lock};
use ledger::Event;
use model::{Role, Time, limits};
use policy::{Relation, RelationKind, Right};
use port::ties::{Answer, ByHand, Tie};
use port::{Code, Fault};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const DAY_S: i64 = 24 * 3600;
/// The longest one that the officer sets.
const LONGEST_S: i64 = 366 * DAY_S;
/// The longest one that a doctor gives.
const DELEGATED_S: i64 = 7 * DAY_S;
/// Of one account; those that ended long ago go first.
const OF_ONE: usize = 256;
const KEPT_S: i64 = 90 * DAY_S;

/// Where they are known from.
pub const SOURCE: &str = "hand";

/// What was set by hand for an account: one sealed row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HandRecord {
    user: String,
    last: u64,
    ties: Vec<Hand>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Hand {
    number: u64,
    patient: Option<Number>,
    covers: Option<String>,
    kind: RelationKind,
    start: Time,
    end: Time,
    by: String,
    reason: String,
}

impl Hand {
    /// Whose relations it gives.
    fn giver(&self) -> Option<&String> {
        let delegates = self.kind == RelationKind::Delegation;
        self.covers.as_ref().or(Some(&self.by).filter(|_| delegates))
    }

    fn with(&self, keys: &[Number]) -> bool {
        self.patient.as_ref().map_or(self.covers.is_none(), |patient| keys.contains(patient))
    }

    fn relation(&self) -> Relation {
        Relation { kind: self.kind, source: SOURCE.to_owned(), start: self.start, end: Some(self.end) }
    }
}

impl HandRecord {
    /// With the patient of these numbers, or with everybody; ended ones too. Not what rests on what another account has.
    pub fn relations(&self, keys: &[Number]) -> Vec<Relation> {
        let own = self.ties.iter().filter(|hand| hand.giver().is_none() && hand.with(keys));
        own.map(Hand::relation).collect()
    }

    /// Colleagues who are covered for now, or who gave what they have to the patient of these numbers.
    pub fn given(&self, keys: &[Number], now: Time) -> Vec<(String, Relation)> {
        let given = self.ties.iter().filter(|hand| hand.covers.is_some() || hand.with(keys));
        let given = given.filter_map(|hand| Some((hand.giver()?.clone(), hand.relation())));
        given.filter(|(_, relation)| relation.holds_at(now)).collect()
    }

    /// It gives what one of these accounts has.
    pub fn rests_on(&self, users: &BTreeSet<String>) -> bool {
        self.ties.iter().filter_map(Hand::giver).any(|giver| users.contains(giver))
    }

    /// For people.
    pub fn told(&self) -> Vec<Tie> {
        let tie = |hand: &Hand| Tie {
            number: Some(hand.number),
            by: hand.by.clone(),
            reason: hand.reason.clone(),
            covers: hand.covers.clone(),
            ..tied(hand.patient.as_ref(), &hand.relation())
        };
        self.ties.iter().map(tie).collect()
    }

    fn add(&mut self, new: Hand, now: Time) -> Result<u64, Code> {
        self.ties.retain(|hand| hand.end.plus_seconds(KEPT_S) > now);
        if self.ties.len() >= OF_ONE {
            return Err(Code::TooLarge);
        }
        self.last += 1;
        self.ties.push(Hand { number: self.last, ..new });
        Ok(self.last)
    }
}

/// Makes one.
pub async fn make(vault: &Vault, context: &Context, ask: ByHand) -> Result<Answer, Fault> {
    let kind = RelationKind::ALL.iter().find(|kind| kind.as_str() == ask.kind).copied();
    let patient = ask.patient.as_ref().map(|p| (p.issuer.clone(), p.number.clone()));
    // Decided by the rules; what the words mean is judged only after that, so that a refusal says nothing.
    let related = tokio::task::block_in_place(|| gives(vault, context, patient.as_ref(), kind));
    vault.may_related(context, Right::Relate, related.is_some()).await?;
    let ends = match context.caller.role {
        Role::Officer => context.now.plus_seconds(LONGEST_S),
        _ => related.flatten().unwrap_or(Time(i64::MAX)).min(context.now.plus_seconds(DELEGATED_S)),
    };
    let checked = kind.ok_or("kind").and_then(|kind| sound(vault, context, &ask, (kind, ends)));
    let (kind, user) = match checked {
        Ok(checked) => checked,
        Err(cause) => return refused(vault, context, cause).await,
    };
    let new = Hand {
        number: 0,
        patient,
        covers: ask.covers.map(|colleague| colleague.to_lowercase()),
        kind,
        start: context.now,
        end: ask.until,
        by: context.caller.user.clone(),
        reason: ask.reason.trim().to_owned(),
    };
    let event = changed(&new, &user);
    let about = about(vault, new.patient.as_ref());
    let now = context.now;
    change(vault, context, &user, (about, event, None), move |record| record.add(new, now))
        .await
        .map(Answer::Made)
}

/// Ends one: the officer any, and who gave it her own.
pub async fn end(vault: &Vault, context: &Context, user: &str, number: u64) -> Result<Answer, Fault> {
    let user = user.to_lowercase();
    let known = {
        let held = lock(&vault.relate.held);
        let ties = held.hands.get(&user).map(|(record, _)| record.ties.clone()).unwrap_or_default();
        ties.into_iter().find(|hand| hand.number == number)
    };
    let own = known.as_ref().is_some_and(|hand| hand.by == context.caller.user);
    vault.may_related(context, Right::Relate, own).await?;
    let Some(known) = known.filter(|hand| hand.end > context.now) else { return Err(Code::NotFound.into()) };
    let now = context.now;
    let event = changed(&Hand { end: now, reason: "ended".to_owned(), ..known.clone() }, &user);
    let about = about(vault, known.patient.as_ref());
    let ends = move |record: &mut HandRecord| {
        let hand = record.ties.iter_mut().find(|hand| hand.number == number).ok_or(Code::NotFound)?;
        hand.end = now;
        Ok(number)
    };
    change(vault, context, &user, (about, event, Some(known)), ends).await.map(Answer::Made)
}

/// Whether a doctor has something to give, and until when: her own, not what she was given or reads from a pool.
fn gives(
    vault: &Vault,
    context: &Context,
    patient: Option<&Number>,
    kind: Option<RelationKind>,
) -> Option<Option<Time>> {
    let key = patient.filter(|_| kind == Some(RelationKind::Delegation))?;
    let given = [RelationKind::Delegation, RelationKind::Cover, RelationKind::Pool];
    let own = vault.relations_of(&context.caller.user, &vault.all_numbers(key.clone()), context.now);
    let own = own.into_iter().filter(|r| r.holds_at(context.now) && !given.contains(&r.kind));
    own.map(|relation| relation.end).reduce(|one, other| Some(one?.max(other?)))
}

/// What makes no sense, by a word.
fn sound(
    vault: &Vault,
    context: &Context,
    ask: &ByHand,
    (kind, ends): (RelationKind, Time),
) -> Result<(RelationKind, String), &'static str> {
    let user = ask.user.to_lowercase();
    let person = |user: &str| {
        let accounts = lock(&vault.accounts);
        let doctor = |role| matches!(role, Role::Radiologist | Role::Referrer);
        accounts.get(user).is_some_and(|(account, _)| !account.disabled && doctor(account.role))
    };
    let colleague = ask.covers.as_ref().map(|name| name.to_lowercase());
    let named = ask
        .patient
        .as_ref()
        .is_none_or(|p| !p.number.is_empty() && p.number.len() <= 256 && p.issuer.len() <= 256);
    let whom = match kind {
        RelationKind::Pool => ask.patient.is_none() && colleague.is_none(),
        RelationKind::Cover => ask.patient.is_some() != colleague.is_some(),
        _ => ask.patient.is_some() && colleague.is_none(),
    };
    let reason = ask.reason.trim();
    let faults = [
        (!person(&user), "user"),
        (colleague.as_ref().is_some_and(|name| !person(name) || *name == user), "covers"),
        // Nobody gives it to herself.
        (user == context.caller.user, "user"),
        (!whom || !named, "patient"),
        (reason.is_empty() || reason.len() > limits::REASON_BYTES, "reason"),
        (ask.until <= context.now || ask.until > ends, "until"),
    ];
    match faults.into_iter().find(|(wrong, _)| *wrong) {
        Some((_, cause)) => Err(cause),
        None => Ok((kind, user)),
    }
}

async fn refused(vault: &Vault, context: &Context, cause: &str) -> Result<Answer, Fault> {
    let event = Event::RelationRefused { source: SOURCE.to_owned(), cause: cause.to_owned() };
    vault.record(context, About::nothing(), event).await?;
    Err(Code::BadRequest.into())
}

fn changed(hand: &Hand, user: &str) -> Event {
    Event::RelationChanged {
        kind: hand.kind.as_str().to_owned(),
        source: SOURCE.to_owned(),
        user: user.to_owned(),
        start: hand.start.rfc3339(),
        end: hand.end.rfc3339(),
        reason: hand.reason.clone(),
    }
}

fn about(vault: &Vault, patient: Option<&Number>) -> About {
    About { patient: patient.and_then(|number| vault.known_patient(number)), ..About::nothing() }
}

/// `gone`: what ends by it.
async fn change(
    vault: &Vault,
    context: &Context,
    user: &str,
    (about, event, gone): (About, Event, Option<Hand>),
    change: impl FnOnce(&mut HandRecord) -> Result<u64, Code>,
) -> Result<u64, Fault> {
    let turn = std::sync::Arc::clone(&vault.relate.turn).lock_owned().await;
    let (mut record, before) = lock(&vault.relate.held).hands.get(user).cloned().unwrap_or_default();
    user.clone_into(&mut record.user);
    let number = change(&mut record)?;
    let name = vault.sealing.name(Kind::Hand, &[user.as_bytes()]);
    let version = tokio::task::block_in_place(|| vault.next_version(before, &name))?;
    let row = vault.sealing.row(Kind::Hand, name, version, &record)?;
    let events = vec![(vault.envelope(context, &about), event)];
    let then = move |held: &mut Held| {
        let user = record.user.clone();
        held.hands.insert(user.clone(), (record, version));
        let users = held.with_heirs(BTreeSet::from([user]));
        let ended = |hand: Hand| Ended { users, patients: hand.patient.map(|number| vec![number]) };
        gone.map(ended).into_iter().collect()
    };
    keep(vault, turn, (vec![row], events), then).await?;
    Ok(number)
}

/// From their rows.
pub fn load(held: &mut Held, rows: Vec<(HandRecord, u64)>) {
    held.hands = rows.into_iter().map(|(record, version)| (record.user.clone(), (record, version))).collect();
}
