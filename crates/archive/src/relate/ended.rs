//! What a relation opened ends with it: a grant lives for minutes, and a relation may be taken back at any moment.

use super::Held;
use super::record::{Number, PatientRecord};
use crate::catalog::PatientKey;
use crate::vault::{Relating, Vault, lock};
use model::{PatientRef, Time, Uid};
use port::ties::Carer;
use std::collections::BTreeSet;

/// Who lost a relation.
#[derive(Debug, Default)]
pub struct Ended {
    /// Accounts.
    pub users: BTreeSet<String>,
    /// Numbers of the patient; nothing: to everybody.
    pub patients: Option<Vec<Number>>,
}

impl Held {
    /// A patient is as her row says now; who loses a relation by that.
    pub fn changed(&mut self, (record, version): (PatientRecord, u64), now: Time, rules: &Relating) -> Ended {
        let patient = record.patient.clone();
        let numbers: Vec<Number> = record.others.iter().chain([&record.patient]).cloned().collect();
        let before = self.carers(&patient, now, rules);
        self.put(record, version);
        let after = self.carers(&patient, now, rules);
        let gone: BTreeSet<Carer> = before.difference(&after).cloned().collect();
        Ended { users: self.with_heirs(self.accounts_of(&gone)), patients: Some(numbers) }
    }

    /// Accounts that one of these names.
    fn accounts_of(&self, carers: &BTreeSet<Carer>) -> BTreeSet<String> {
        if carers.is_empty() {
            return BTreeSet::new();
        }
        let mut users = BTreeSet::new();
        for (user, (own, _)) in &self.staff {
            if own.iter().any(|number| carers.iter().any(|carer| number.is(&carer.staff))) {
                users.insert(user.clone());
            }
        }
        users
    }

    /// These accounts, and those that have by cover or delegation what these have. What was given is not given on.
    pub fn with_heirs(&self, mut users: BTreeSet<String>) -> BTreeSet<String> {
        if users.is_empty() {
            return users;
        }
        let heirs = self.hands.iter().filter(|(_, (record, _))| record.rests_on(&users));
        let heirs: Vec<String> = heirs.map(|(user, _)| user.clone()).collect();
        users.extend(heirs);
        users
    }
}

impl Vault {
    /// Ends what these accounts opened of these patients; who asks again is decided anew.
    pub(super) fn end_opened(&self, ended: &Ended) {
        if ended.users.is_empty() {
            return;
        }
        // Before the sessions: what is being decided from the relation as it was is not given after them.
        for user in &ended.users {
            *lock(&self.relate.ended).entry(user.clone()).or_default() += 1;
        }
        let films = ended.patients.as_ref().map(|numbers| self.films_of(numbers));
        self.sessions().end_grants(&ended.users, films.as_ref());
    }

    /// Ends what others opened by what this account gave them.
    pub(crate) fn end_given_by(&self, user: &str) {
        let users = lock(&self.relate.held).with_heirs(BTreeSet::from([user.to_owned()]));
        self.end_opened(&Ended { users, patients: None });
    }

    /// Counts the ends of an account's relations: what was decided before one of them may rest on it.
    pub(crate) fn relations_ended(&self, user: &str) -> u64 {
        lock(&self.relate.ended).get(user).copied().unwrap_or(0)
    }

    /// All films that may be of a patient of these numbers, merged ones too.
    fn films_of(&self, numbers: &[Number]) -> BTreeSet<Uid> {
        let catalog = self.catalog();
        let mut named = BTreeSet::<PatientRef>::new();
        for (issuer, number) in numbers {
            let key = PatientKey::Numbered(issuer.clone(), number.clone());
            named.extend(catalog.patients_like(&key).into_iter().chain(self.arrived_as(&catalog, &key)));
        }
        // Each once: a number may be that of thousands of films.
        let patients: BTreeSet<PatientRef> =
            named.into_iter().map(|patient| self.merged_into(patient)).collect();
        patients.iter().flat_map(|patient| catalog.all_of_patient(patient)).collect()
    }
}
