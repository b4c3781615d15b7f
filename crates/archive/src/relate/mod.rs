//! relate: Caller → Permit → Episodes → Recorded. Who has to do with whom, as the hospital's feeds say it and as people set it by
//! hand. What follows from it is decided by policy only.

mod ended;
mod hand;
mod held;
mod record;
mod staff;
mod tell;
#[cfg(test)]
mod tests;

pub use hand::HandRecord;
pub use held::Held;
pub use record::PatientRecord;

use crate::context::Context;
use crate::sealing::fault;
use crate::vault::{Device, Relating, Vault, lock};
use ended::Ended;
use ledger::{Envelope, Event};
use model::{Id, PatientRef, Role, Time};
use policy::{Relation, Right};
use port::putright::PatientNumber;
use port::ties::{Answer, Ask, StaffNumber, Tie};
use port::{Code, Fault, Response};
use record::Number;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use store::{Commit, RowWrite};

/// Relations of a vault. Locked after what the operator set, never before.
#[derive(Debug, Default)]
pub struct Relate {
    /// In memory.
    pub held: Mutex<Held>,
    /// Held while they are changed.
    pub turn: Arc<tokio::sync::Mutex<()>>,
    /// Ends of relations that each account had.
    ended: Mutex<HashMap<String, u64>>,
}

impl Relate {
    /// From their rows.
    pub fn load(
        &self,
        (now, rules, only_feed): (Time, &Relating, bool),
        staff: Vec<((String, Vec<StaffNumber>), u64)>,
        patients: Vec<(PatientRecord, u64)>,
        hands: Vec<(HandRecord, u64)>,
    ) {
        let mut held = lock(&self.held);
        held.only_feed = only_feed;
        staff::load(&mut held, staff);
        held.load(patients, now, rules);
        hand::load(&mut held, hands);
    }
}

/// Answers what is asked about relations.
pub async fn answer(vault: &Vault, context: &Context, ask: Ask) -> Result<Response, Fault> {
    let answer = match ask {
        Ask::Tell(news) => tell::tell(vault, context, news).await,
        Ask::Same { from, into } => tell::same(vault, context, &from, &into).await,
        Ask::Garbled => tell::garbled(vault, context).await,
        Ask::Feeds => {
            vault.may(context, Right::Verify).await?;
            Ok(Answer::Feeds(feeds(vault, context.now)))
        }
        Ask::Of { user } => {
            vault.may_related(context, Right::Relate, false).await?;
            Ok(Answer::Ties(tokio::task::block_in_place(|| of(vault, &user.to_lowercase(), context.now))))
        }
        Ask::Make(by_hand) => hand::make(vault, context, by_hand).await,
        Ask::End { user, number } => hand::end(vault, context, &user, number).await,
    };
    answer.map(Response::Ties)
}

/// What was agreed with a machine lets it tell of relations.
fn tells(may: &[String]) -> bool {
    may.iter().any(|word| word == "patients" || word == "orders")
}

/// Machines that may tell of relations.
pub fn feeds_told(devices: &[Device]) -> usize {
    devices.iter().filter(|device| tells(&device.may)).count()
}

/// Machines that may tell, and when each did last.
fn feeds(vault: &Vault, now: Time) -> Vec<port::ties::Feed> {
    let held = lock(&vault.relate.held);
    let machines = vault.options.devices.iter().filter(|device| tells(&device.may));
    machines.map(|device| held.feed(&device.name, now, &vault.options.relating)).collect()
}

/// All relations of an account.
fn of(vault: &Vault, user: &str, now: Time) -> Vec<Tie> {
    let set = lock(&vault.ties).get(user).map(|(record, _)| record.relations.clone()).unwrap_or_default();
    let set = set.into_iter().map(|r| {
        let relation = Relation { kind: r.kind, source: r.source, start: r.start, end: r.end };
        tied(r.patient.as_ref(), &relation)
    });
    let held = lock(&vault.relate.held);
    let fed = held.of_staff(user, now, &vault.options.relating).into_iter();
    let fed = fed.map(|(patient, relation)| tied(Some(&patient), &relation));
    let hand = held.hands.get(user).map(|(record, _)| record.told()).unwrap_or_default();
    set.chain(fed).chain(hand).take(model::limits::MATCHES).collect()
}

/// A relation for people.
fn tied(patient: Option<&Number>, relation: &Relation) -> Tie {
    let number = |(issuer, number): &Number| PatientNumber { issuer: issuer.clone(), number: number.clone() };
    Tie {
        number: None,
        patient: patient.map(number),
        covers: None,
        kind: relation.kind.as_str().to_owned(),
        source: relation.source.clone(),
        start: relation.start,
        end: relation.end,
        by: String::new(),
        reason: String::new(),
    }
}

impl Vault {
    /// All relations of an account to the patient of these numbers, those that hold now first, within the bound of one decision.
    pub(crate) fn relations_of(&self, user: &str, keys: &[Number], now: Time) -> Vec<Relation> {
        let rules = &self.options.relating;
        let mut out = self.set_for(user, keys);
        let held = lock(&self.relate.held);
        out.extend(held.own(user, keys, now, rules));
        let gifts = held.given(user, keys, now);
        let fed = |colleague: &str| held.own(colleague, keys, now, rules);
        let theirs: Vec<_> = gifts.iter().map(|(colleague, _)| fed(colleague)).collect();
        drop(held);
        for ((colleague, gift), mut theirs) in gifts.into_iter().zip(theirs) {
            if gift.kind == policy::RelationKind::Delegation {
                match self.gives_as(&colleague) {
                    // The officer gives what she has not.
                    Some(Role::Officer) => out.push(gift.clone()),
                    Some(_) => {}
                    None => continue,
                }
            }
            theirs.extend(self.set_for(&colleague, keys));
            // What a colleague was given is not given on, and a pool is whoever reads in it.
            let given = |r: &Relation| {
                use policy::RelationKind::{Cover, Delegation, Pool};
                matches!(r.kind, Cover | Delegation | Pool)
            };
            theirs.retain(|relation| !given(relation) && relation.holds_at(now));
            out.extend(theirs.iter().map(|relation| held::by_gift(&gift, relation)));
        }
        out.sort_by_key(|relation| !relation.holds_at(now));
        out.truncate(policy::facts::RELATIONS);
        out
    }

    /// As what somebody gave a delegation; nothing: she has no account any more.
    fn gives_as(&self, user: &str) -> Option<Role> {
        let accounts = lock(&self.accounts);
        accounts.get(user).filter(|(account, _)| !account.disabled).map(|(account, _)| account.role)
    }

    fn set_for(&self, user: &str, keys: &[Number]) -> Vec<Relation> {
        lock(&self.ties).get(user).map(|(record, _)| record.to_patient(keys)).unwrap_or_default()
    }

    /// A number with those that were merged into its patient.
    pub(crate) fn all_numbers(&self, number: Number) -> Vec<Number> {
        let merged = lock(&self.righted).merged_into(&number);
        std::iter::once(number).chain(merged).collect()
    }

    /// The patient of a number, if there is a film of hers.
    fn known_patient(&self, (issuer, number): &Number) -> Option<PatientRef> {
        let patient = tokio::task::block_in_place(|| self.own_by(issuer, number).patient);
        (patient != Id([0xFF; 16])).then_some(patient)
    }

    /// Feeds that fell silent since this was asked last.
    pub(crate) async fn tell_silence(&self) -> Result<(), Fault> {
        let silent = lock(&self.relate.held).newly_silent(self.clock.now(), &self.options.relating);
        for (source, since) in silent {
            tracing::warn!(feed = source, "a feed of relations is silent");
            self.record_own(Event::FeedSilent { source, since: since.rfc3339() }).await?;
        }
        Ok(())
    }

    /// Feeds of relations that are silent for longer than agreed.
    #[must_use]
    pub fn silent_feeds(&self) -> usize {
        lock(&self.relate.held).silent_count(self.clock.now(), &self.options.relating)
    }
}

/// Rows and entries in one commit, then memory; then ends what rested on relations that are no more.
async fn keep(
    vault: &Vault,
    turn: tokio::sync::OwnedMutexGuard<()>,
    (rows, events): (Vec<RowWrite>, Vec<(Envelope, Event)>),
    then: impl FnOnce(&mut Held) -> Vec<Ended> + Send + 'static,
) -> Result<(), Fault> {
    let mut commit = Commit::new(vault.store.epoch());
    commit.rows = rows;
    for (envelope, event) in events {
        vault.entry_into(&mut commit, envelope, event)?;
    }
    let committed = vault.committed(commit, move |vault| {
        let _turn = turn;
        let ended = then(&mut lock(&vault.relate.held));
        ended.iter().for_each(|one| vault.end_opened(one));
    });
    match committed.await? {
        Err(store::Error::Stale) => Err(Code::Unavailable.into()),
        Err(error) => Err(fault(&error)),
        Ok(()) => Ok(()),
    }
}
