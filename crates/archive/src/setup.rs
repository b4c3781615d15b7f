//! What the operator sets on the machine itself: accounts, relations, orders, approvals. Each is a sealed row with its
//! entry. Later feeds (HL7, worklist, FHIR) write the same rows.

use crate::catalog;
use crate::journal::promises;
use crate::sealing::Kind;
use crate::vault::{Vault, lock};
use crate::who::accounts::{AccountRecord, PasswordRecord};
use crate::who::ties::{OrderRecord, RelationRecord, SiteRecord, TiesRecord};
use crate::{Error, Result};
use ledger::{Envelope, Event};
use model::{Role, Time, Uid};
use policy::RelationKind;
use serde::Serialize;
use store::Commit;

/// An account to make.
pub struct NewAccount {
    /// Name of the account.
    pub user: String,
    /// Name of the person.
    pub name: String,
    /// Role.
    pub role: Role,
    /// For whom.
    pub organisation: String,
    /// Issuer and number of the patient that the account is.
    pub patient: Option<(String, String)>,
    /// Checked for strength.
    pub password: String,
}

/// A relation to make.
pub struct NewRelation {
    /// Account.
    pub user: String,
    /// Issuer and number; nobody: all patients.
    pub patient: Option<(String, String)>,
    /// Kind.
    pub kind: RelationKind,
    /// Where it is known from.
    pub source: String,
    /// Until.
    pub end: Option<Time>,
}

/// An order to make.
pub struct NewOrder {
    /// Account.
    pub user: String,
    /// The study, when it is known.
    pub study: Option<Uid>,
    /// Accession number, before.
    pub accession: String,
    /// Until.
    pub end: Option<Time>,
}

impl Vault {
    /// Makes an account.
    ///
    /// # Errors
    /// [`Error::WeakPassword`]; storage.
    pub fn add_account(&self, new: NewAccount) -> Result<()> {
        let mut salt = [0; 16];
        self.sealing.random.fill(&mut salt)?;
        let hints = [new.user.as_str(), new.name.as_str(), new.organisation.as_str()];
        let password = PasswordRecord::new(&new.password, salt, &hints)?;
        let NewAccount { user, name, role, organisation, patient, .. } = new;
        let user = user.to_lowercase();
        let record = AccountRecord {
            user: user.clone(),
            name,
            role,
            organisation,
            patient,
            disabled: false,
            password,
        };
        self.keep_account(record, "account")
    }

    /// Ends an account: it may not sign in, and what it opened ends.
    ///
    /// # Errors
    /// Storage.
    pub fn disable_account(&self, user: &str) -> Result<bool> {
        let user = user.to_lowercase();
        let Some((record, _)) = lock(&self.accounts).get(&user).cloned() else { return Ok(false) };
        self.keep_account(AccountRecord { disabled: true, ..record }, "account-disabled")?;
        self.sessions().end_user(&user);
        self.end_given_by(&user);
        Ok(true)
    }

    fn keep_account(&self, record: AccountRecord, what: &str) -> Result<()> {
        let user = record.user.clone();
        let before = lock(&self.accounts).get(&user).map_or(0, |(_, v)| *v);
        let name = self.sealing.name(Kind::Account, &[user.as_bytes()]);
        self.keep(Kind::Account, name, before + 1, &record, what, &user)?;
        lock(&self.accounts).insert(user, (record, before + 1));
        Ok(())
    }

    /// Makes a relation.
    ///
    /// # Errors
    /// Storage.
    pub fn add_relation(&self, new: NewRelation) -> Result<()> {
        let NewRelation { user, patient, kind, source, end } = new;
        let record = RelationRecord { patient, kind, source, start: self.clock.now(), end };
        self.change_ties(&user, |ties| ties.relations.push(record))
    }

    /// Makes an order.
    ///
    /// # Errors
    /// Storage.
    pub fn add_order(&self, new: NewOrder) -> Result<()> {
        let NewOrder { user, study, accession, end } = new;
        let record = OrderRecord { study, accession, patient: None, start: self.clock.now(), end };
        self.change_ties(&user, |ties| ties.orders.push(record))
    }

    pub(crate) fn change_ties(&self, user: &str, change: impl FnOnce(&mut TiesRecord)) -> Result<()> {
        let user = user.to_lowercase();
        let (mut record, before) = lock(&self.ties).get(&user).cloned().unwrap_or_default();
        change(&mut record);
        let name = self.sealing.name(Kind::Ties, &[user.as_bytes()]);
        self.keep(Kind::Ties, name, before + 1, &(&user, &record), "relation", &user)?;
        lock(&self.ties).insert(user, (record, before + 1));
        Ok(())
    }

    /// Says that research on de-identified data is approved at this site.
    ///
    /// # Errors
    /// Storage.
    pub fn approve_research(&self, approved: bool) -> Result<()> {
        let (record, before) = lock(&self.site).clone();
        let record = SiteRecord { research_approval: approved, ..record };
        let name = self.sealing.name(Kind::Site, &[]);
        self.keep(Kind::Site, name, before + 1, &record, "research-approval", "")?;
        *lock(&self.site) = (record, before + 1);
        Ok(())
    }

    /// The version at which a row stands; 0: there is none.
    pub(crate) fn row_version(&self, name: &[u8; 32]) -> Result<u64> {
        Ok(self.store.row(name)?.map_or(0, |row| row.version))
    }

    /// The version that a row gets next. Of one that did not open at the start memory knows none, and the store still does.
    pub(crate) fn next_version(&self, known: u64, name: &[u8; 32]) -> Result<u64> {
        let known = if known == 0 { self.row_version(name)? } else { known };
        Ok(known + 1)
    }

    pub(crate) fn keep<T: Serialize>(
        &self,
        kind: Kind,
        name: [u8; 32],
        version: u64,
        record: &T,
        what: &str,
        whom: &str,
    ) -> Result<()> {
        debug_assert!(catalog::encode(record).is_ok());
        let mut commit = Commit::new(self.store.epoch());
        commit.rows.push(self.sealing.row(kind, name, version, record)?);
        let envelope = Envelope {
            time: self.clock.now().0,
            tenant: self.tenant.as_str().to_owned(),
            door: "command".to_owned(),
            ..Envelope::default()
        };
        let event = Event::Configured { what: what.to_owned(), whom: whom.to_owned() };
        self.entry_into(&mut commit, envelope, event)?;
        let (names, leaves) = promises(&commit);
        let durable = self.store.submit(commit).and_then(store::Pending::wait);
        let durable = durable.map_err(Error::Store)?;
        self.kept(&names, durable.leaf() + leaves);
        Ok(())
    }
}
