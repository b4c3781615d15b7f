//! Rows, wraps and policies that are older than the ledger do not start (docs/decisions/0072-tally.md): the last entry says
//! what the tables hold behind it, and a row says which policies were in force, in order.

use super::{Vault, lock};
use crate::consent::ConsentRecord;
use crate::journal::promises;
use crate::masks::WishRecord;
use crate::putright::Righted;
use crate::schedule::Orders;
use crate::sealing::Kind;
use crate::transfer::Jobs;
use crate::who::accounts::AccountRecord;
use crate::{Error, Result};
use crypto::Ladder;
use ledger::{Envelope, Event};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use store::{Commit, Fingerprint, Store};

/// What the operator takes as it is, although the ledger knows newer. Each is an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accept {
    /// Rows and wraps.
    pub tables: bool,
    /// Policies.
    pub policies: bool,
}

/// Kinds of rows that are held in memory beside the index.
const HELD: [Kind; 15] = [
    Kind::Account,
    Kind::Factor,
    Kind::Ties,
    Kind::Site,
    Kind::Order,
    Kind::Policies,
    Kind::Rules,
    Kind::Job,
    Kind::Change,
    Kind::Arrived,
    Kind::Wishes,
    Kind::Staff,
    Kind::Episodes,
    Kind::Hand,
    Kind::Consents,
];

/// Policy versions remembered; older ones count as new when they come back.
const POLICIES: usize = 10_000;

/// Policy versions in the order in which they came into force; the last one is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyLog(pub Vec<[u8; 32]>);

impl PolicyLog {
    /// This version is in force from now on.
    pub fn add(&mut self, now: [u8; 32]) {
        self.0.retain(|version| *version != now);
        self.0.push(now);
        let excess = self.0.len().saturating_sub(POLICIES);
        self.0.drain(..excess);
    }
}

/// The keyed hash of rows and wraps.
pub fn fingerprint(ladder: &Ladder) -> Result<Fingerprint> {
    let key = ladder.tally_key()?;
    Ok(Fingerprint::new(move |label, parts| key.mac(label, parts)))
}

/// The tables are those that the last entry names.
pub(super) fn check_tables(store: &Store, folder: &std::path::Path, size: u64) -> Result<()> {
    let Some(index) = size.checked_sub(1) else { return Ok(()) };
    let reader = ledger::Reader::new(folder);
    let leaf = ledger::tiles::leaf_of(&reader.entry(index)?).ok_or(Error::Internal("leaf"))?;
    // An entry of an older program says nothing of them; the next one will.
    let Some(state) = leaf.state() else { return Ok(()) };
    let which = match store.agrees(index, &state) {
        (true, true) => return Ok(()),
        (false, true) => "rows.sqlite",
        (true, false) => "wraps.sqlite",
        (false, false) => "rows.sqlite and wraps.sqlite",
    };
    Err(Error::Tables { which, entry: index })
}

impl Vault {
    /// All that is held in memory, from its rows.
    pub(super) fn load(&self, accept: Accept) -> Result<()> {
        let mut held = self.held()?;
        let mut rows_of = |kind: Kind| held.remove(&(kind as u8)).unwrap_or_default();
        // Before the index: it leaves out what is rejected.
        let machines = self.options.devices.iter().map(|device| device.name.clone()).collect();
        let (changes, arrived) =
            (self.records(&rows_of(Kind::Change)), self.records(&rows_of(Kind::Arrived)));
        let mut righted = Righted::load(changes, arrived, machines);
        righted.taken = righted.changes.last_key_value().map_or(0, |(number, _)| *number);
        while self
            .store
            .row(&self.sealing.name(Kind::Change, &[&(righted.taken + 1).to_be_bytes()]))?
            .is_some()
        {
            righted.taken += 1;
        }
        *lock(&self.righted) = righted;
        let wishes = self.records(&rows_of(Kind::Wishes)).into_iter();
        *lock(&self.wishes) =
            wishes.map(|(record, _): (WishRecord, _)| (record.patient, Arc::new(record))).collect();
        let consents = self.records(&rows_of(Kind::Consents)).into_iter();
        *lock(&self.consents) =
            consents.map(|(record, _): (ConsentRecord, _)| (record.patient, Arc::new(record))).collect();
        if let Some(site) = self.records(&rows_of(Kind::Site)).pop() {
            *lock(&self.site) = site;
        }
        if let Some(book) = self.records(&rows_of(Kind::Rules)).pop() {
            *lock(&self.book) = book;
        }
        let rows = lock(&self.lost).len() as u64;
        // Any other row that is missing denies; these would show what was hidden or refused, name whom it does not show, or bring
        // older rules into force.
        if rows > 0 && !accept.tables {
            return Err(Error::PutRightLost { rows });
        }
        self.load_index()?;
        *lock(&self.accounts) = self
            .records(&rows_of(Kind::Account))
            .into_iter()
            .map(|(r, v): (AccountRecord, _)| (r.user.clone(), (r, v)))
            .collect();
        *lock(&self.factors) = crate::who::factor::of_rows(self.records(&rows_of(Kind::Factor)));
        let ties = self.records(&rows_of(Kind::Ties)).into_iter();
        *lock(&self.ties) = ties.map(|((user, r), v)| (user, (r, v))).collect();
        *lock(&self.orders) = Orders::of(self.records(&rows_of(Kind::Order)));
        self.relate.load(
            (self.clock.now(), &self.options.relating, crate::relate::feeds_told(&self.options.devices) < 2),
            self.records(&rows_of(Kind::Staff)),
            self.records(&rows_of(Kind::Episodes)),
            self.records(&rows_of(Kind::Hand)),
        );
        *lock(&self.jobs) = Jobs::of(self.records(&rows_of(Kind::Job)));
        if let Some(log) = self.records(&rows_of(Kind::Policies)).pop() {
            *lock(&self.policy_log) = log;
        }
        Ok(())
    }

    /// Rows of what is held in memory, by kind, in one pass: all but the index's.
    fn held(&self) -> Result<HashMap<u8, Vec<store::Row>>> {
        let mut out = HashMap::<u8, Vec<store::Row>>::new();
        let kinds = HELD.map(|kind| kind as u8);
        self.store.each_row(&kinds, &mut |row| out.entry(row.kind).or_default().push(row))?;
        Ok(out)
    }

    /// Rows of what was put right that do not open are lost from now on, with this entry: the next start goes without them.
    pub(crate) fn let_go(&self, accepted: Event) -> Result<()> {
        let mut commit = Commit::new(self.store.epoch());
        for (name, version) in std::mem::take(&mut *lock(&self.lost)) {
            commit.rows.push(self.sealing.row(Kind::Lost, name, version + 1, &())?);
        }
        let envelope = Envelope {
            time: self.clock.now().0,
            tenant: self.tenant.as_str().to_owned(),
            ..Envelope::default()
        };
        self.entry_into(&mut commit, envelope, accepted)?;
        let (names, leaves) = promises(&commit);
        let durable = self.store.submit(commit)?.wait()?;
        self.kept(&names, durable.leaf() + leaves);
        Ok(())
    }

    /// Policies that were in force once and were replaced do not come back unsaid.
    pub(super) fn check_policies(&self, accept: Accept) -> Result<()> {
        let now = self.rules().policies.version().0;
        let log = lock(&self.policy_log).0.clone();
        match log.0.iter().rposition(|version| *version == now) {
            Some(at) if at + 1 < log.0.len() && !accept.policies => {
                Err(Error::OlderPolicies { found: self.rules().policies.version().hex() })
            }
            _ => Ok(()),
        }
    }

    /// Remembers the policies in force, with an entry.
    ///
    /// # Errors
    /// Storage.
    pub(crate) fn keep_policies(&self) -> Result<()> {
        let now = self.rules().policies.version();
        let (mut log, before) = lock(&self.policy_log).clone();
        if log.0.last() == Some(&now.0) {
            return Ok(());
        }
        log.add(now.0);
        let name = self.sealing.name(Kind::Policies, &[]);
        self.keep(Kind::Policies, name, before + 1, &log, "policies", &now.hex())?;
        *lock(&self.policy_log) = (log, before + 1);
        Ok(())
    }
}
