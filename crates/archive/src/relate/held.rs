//! Relations in memory: patients of whom something is going on, by each of their numbers; feeds; staff; what was set by hand.

use super::hand::HandRecord;
use super::record::{Episode, Number, PatientRecord};
use crate::vault::Relating;
use model::Time;
use policy::Relation;
use port::ties::{Carer, Feed, StaffNumber};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Patients of whom something is going on.
pub const PATIENTS: usize = 200_000;
/// Those that one machine told of first: it does not fill the room of the others.
pub const SHARE: usize = PATIENTS / 2;

/// All of it.
#[derive(Debug, Default)]
pub struct Held {
    /// One machine alone may tell: all room is its own.
    pub only_feed: bool,
    patients: HashMap<Number, (PatientRecord, u64)>,
    /// Whose a number is, whoever gave it.
    numbers: HashMap<String, BTreeSet<Number>>,
    feeds: BTreeMap<String, Heard>,
    /// Numbers of staff by account.
    pub staff: HashMap<String, (Vec<StaffNumber>, u64)>,
    /// What was set by hand, by account.
    pub hands: HashMap<String, (HandRecord, u64)>,
}

/// A feed that spoke.
#[derive(Debug)]
struct Heard {
    last: Time,
    /// Its silence is in the ledger.
    told: bool,
}

impl Held {
    /// From the rows of patients; what is over stays on the disk only.
    pub fn load(&mut self, rows: Vec<(PatientRecord, u64)>, now: Time, rules: &Relating) {
        for (record, version) in rows {
            for episode in &record.episodes {
                self.spoke(&episode.feed, episode.heard);
            }
            if !record.over(now, rules) {
                self.put(record, version);
            }
        }
    }

    /// A patient's record and the version of its row.
    pub fn patient(&self, number: &Number) -> Option<&(PatientRecord, u64)> {
        self.patients.get(number)
    }

    /// As its row says now.
    pub fn put(&mut self, record: PatientRecord, version: u64) {
        for number in record.others.iter().chain([&record.patient]) {
            self.numbers.entry(number.1.clone()).or_default().insert(record.patient.clone());
        }
        self.patients.insert(record.patient.clone(), (record, version));
    }

    /// Room for so many more of a feed.
    pub fn room(&mut self, feed: &str, more: usize, now: Time, rules: &Relating) -> bool {
        if !self.fits(feed, more) {
            self.forget(now, rules);
        }
        self.fits(feed, more)
    }

    fn fits(&self, feed: &str, more: usize) -> bool {
        let (all, of) = (self.patients.len(), |e: &Episode| e.feed == feed);
        // Counted only when it may be too many.
        let own =
            || self.patients.values().filter(|(record, _)| record.episodes.first().is_some_and(of)).count();
        more == 0
            || all + more <= SHARE
            || all + more <= PATIENTS && (self.only_feed || own() + more <= SHARE)
    }

    fn forget(&mut self, now: Time, rules: &Relating) {
        self.patients.retain(|_, (record, _)| !record.over(now, rules));
        let left = &self.patients;
        self.numbers.retain(|_, whose| {
            whose.retain(|number| left.contains_key(number));
            !whose.is_empty()
        });
    }

    /// Records of the patient of these numbers. A number without its giver is anybody's who has it; where several have it, nobody's.
    fn of_patient(&self, keys: &[Number]) -> BTreeSet<&Number> {
        keys.iter().flat_map(|key| self.of_number(key)).collect()
    }

    fn of_number(&self, key: &Number) -> Vec<&Number> {
        let Some(all) = self.numbers.get(&key.1) else { return Vec::new() };
        let bears = |whose: &&Number, named: &Number| self.borne(whose).any(|number| number == named);
        let exactly: Vec<&Number> = all.iter().filter(|whose| bears(whose, key)).collect();
        if !exactly.is_empty() {
            return exactly;
        }
        let givers: BTreeSet<&str> = all
            .iter()
            .flat_map(|whose| self.borne(whose))
            .filter(|(_, number)| *number == key.1)
            .map(|(issuer, _)| issuer.as_str())
            .collect();
        let vague = key.0.is_empty() || givers.contains("");
        if vague && givers.len() == 1 { all.iter().collect() } else { Vec::new() }
    }

    /// All numbers of a patient.
    fn borne(&self, whose: &Number) -> impl Iterator<Item = &Number> {
        let record = self.patients.get(whose).map(|(record, _)| record);
        record.into_iter().flat_map(|record| record.others.iter().chain([&record.patient]))
    }

    /// What an account has to do with the patient of these numbers by feeds and by hand, without what others gave it.
    pub fn own(&self, user: &str, keys: &[Number], now: Time, rules: &Relating) -> Vec<Relation> {
        let mut out = Vec::new();
        if let Some((staff, _)) = self.staff.get(user) {
            let silent = |feed: &str| self.silent(feed, now, rules);
            let records = self.of_patient(keys).into_iter().filter_map(|number| self.patients.get(number));
            records.for_each(|(record, _)| out.extend(record.relations(staff, rules, silent)));
        }
        if let Some((hand, _)) = self.hands.get(user) {
            out.extend(hand.relations(keys));
        }
        out
    }

    /// Who has to do with a patient now, as feeds say.
    pub fn carers(&self, patient: &Number, now: Time, rules: &Relating) -> BTreeSet<Carer> {
        let silent = |feed: &str| self.silent(feed, now, rules);
        let record = self.patients.get(patient);
        record.map(|(record, _)| record.carers(now, rules, silent)).unwrap_or_default()
    }

    /// Colleagues whom an account covers for now, or who gave it theirs, each with what it then has to do with the patient.
    pub fn given(&self, user: &str, keys: &[Number], now: Time) -> Vec<(String, Relation)> {
        self.hands.get(user).map(|(hand, _)| hand.given(keys, now)).unwrap_or_default()
    }

    /// All episodes of an account, with whose they are.
    pub fn of_staff(&self, user: &str, now: Time, rules: &Relating) -> Vec<(Number, Relation)> {
        let Some((staff, _)) = self.staff.get(user) else { return Vec::new() };
        let silent = |feed: &str| self.silent(feed, now, rules);
        let of = |(record, _): &(PatientRecord, u64)| {
            let all = record.relations(staff, rules, silent);
            all.into_iter().map(|relation| (record.patient.clone(), relation)).collect::<Vec<_>>()
        };
        self.patients.values().flat_map(of).collect()
    }

    /// The account of a number of staff.
    pub fn account_of(&self, number: &StaffNumber) -> Option<&str> {
        let has = |(_, (own, _)): &(&String, &(Vec<StaffNumber>, u64))| own.iter().any(|one| one.is(number));
        self.staff.iter().find(has).map(|(user, _)| user.as_str())
    }

    /// A feed spoke.
    pub fn spoke(&mut self, feed: &str, at: Time) {
        let heard = self.feeds.entry(feed.to_owned()).or_insert(Heard { last: at, told: false });
        if at >= heard.last {
            *heard = Heard { last: at, told: false };
        }
    }

    /// Since when a feed says nothing, if that is for longer than agreed.
    pub fn silent(&self, feed: &str, now: Time, rules: &Relating) -> Option<Time> {
        let last = self.feeds.get(feed)?.last;
        (rules.silent_s > 0 && last.plus_seconds(rules.silent_s) < now).then_some(last)
    }

    /// Feeds that fell silent and of which this was not said yet.
    pub fn newly_silent(&mut self, now: Time, rules: &Relating) -> Vec<(String, Time)> {
        let names: Vec<String> = self.feeds.keys().cloned().collect();
        let silent = names.into_iter().filter_map(|name| Some((self.silent(&name, now, rules)?, name)));
        let silent: Vec<_> = silent.map(|(since, name)| (name, since)).collect();
        let new = |(name, _): &(String, Time)| {
            self.feeds.get_mut(name).is_some_and(|heard| !std::mem::replace(&mut heard.told, true))
        };
        silent.into_iter().filter(new).collect()
    }

    /// What is known of a feed.
    pub fn feed(&self, name: &str, now: Time, rules: &Relating) -> Feed {
        let of = |(record, _): &&(PatientRecord, u64)| record.episodes.iter().any(|e| e.feed == name);
        Feed {
            name: name.to_owned(),
            last: self.feeds.get(name).map(|heard| heard.last),
            silent: self.silent(name, now, rules).is_some(),
            patients: self.patients.values().filter(of).count() as u64,
        }
    }

    /// Feeds that are silent now.
    pub fn silent_count(&self, now: Time, rules: &Relating) -> usize {
        self.feeds.keys().filter(|name| self.silent(name, now, rules).is_some()).count()
    }
}

/// What somebody has by a colleague's relation: hers while it holds, at most until the cover or the delegation ends.
pub fn by_gift(gift: &Relation, theirs: &Relation) -> Relation {
    Relation {
        kind: gift.kind,
        source: gift.source.clone(),
        start: gift.start.max(theirs.start),
        end: [gift.end, theirs.end].into_iter().flatten().min(),
    }
}
