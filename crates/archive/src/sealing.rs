//! Names, rows, tokens and pseudonyms: everything that is derived from the ladder.

use crate::catalog::InstanceRecord;
use crate::find::Pseudonyms;
use crate::{Error, Result};
use crypto::{Handle, Ladder, Random, TokenKind, row};
use model::{Attributes, Tenant, Uid, tags};
use port::{Code, Fault};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use store::{Row, RowWrite};

/// Kinds of sealed rows. Numbers stay for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Study = 1,
    Page = 2,
    Account = 3,
    Ties = 4,
    Site = 5,
    Order = 6,
    /// An account's second factor.
    Factor = 7,
    Job = 32,
    Change = 40,
    Arrived = 41,
    /// In place of one of the two above that does not open, taken as lost by the operator.
    Lost = 42,
    /// A version of a study's mask set.
    Drawn = 43,
    /// What people want hidden on all films of a patient.
    Wishes = 44,
    /// A state of that, as it was said.
    Wished = 45,
    /// What was proposed to a patient, and what she said.
    Consents = 72,
    /// Which policies were in force.
    Policies = 30,
    /// Rules that two persons put in force, and those that are proposed.
    Rules = 31,
    /// The texts of rules that are or were in force.
    RuleSet = 33,
    /// Numbers of staff of an account.
    Staff = 77,
    /// What feeds tell of a patient.
    Episodes = 78,
    /// Relations of an account that were set by hand.
    Hand = 79,
}

/// The project of research until projects are their own thing.
const PROJECT: &str = "default";

/// Derived keys and randomness.
pub struct Sealing {
    pub ladder: Ladder,
    pub random: Arc<dyn Random>,
    pub tenant: Tenant,
}

impl Sealing {
    /// The key under which a row is found.
    pub fn name(&self, kind: Kind, parts: &[&[u8]]) -> [u8; 32] {
        let mut all: Vec<&[u8]> = vec![self.tenant.as_str().as_bytes()];
        all.extend_from_slice(parts);
        self.ladder.name(&format!("gauze/row/{}", kind as u8), &all)
    }

    /// Seals a record as the next version of its row.
    pub fn row<T: Serialize>(
        &self,
        kind: Kind,
        name: [u8; 32],
        version: u64,
        record: &T,
    ) -> Result<RowWrite> {
        let plain = crate::catalog::encode(record)?;
        let key = self.ladder.row_key(&name)?;
        let sealed = row::seal(&key, &*self.random, &[&[kind as u8], &name, &version.to_be_bytes()], &plain)?;
        Ok(RowWrite { key: name, kind: kind as u8, expect: version.saturating_sub(1), sealed })
    }

    /// Opens a row; one that was put back from an older version does not open.
    pub fn open_row<T: DeserializeOwned>(&self, row: &Row) -> Result<T> {
        let key = self.ladder.row_key(&row.key)?;
        let plain = row::open(&key, &[&[row.kind], &row.key, &row.version.to_be_bytes()], &row.sealed)?;
        crate::catalog::decode(&plain)
    }

    /// Keyed hash of a text, for the ledger.
    pub fn text_hash(&self, label: &str, text: &str) -> [u8; 32] {
        self.ladder.name(&format!("gauze/text/{label}"), &[text.as_bytes()])
    }

    /// A new token and its handle.
    pub fn new_token(&self, kind: TokenKind) -> std::result::Result<(String, Handle), Fault> {
        let token = kind.make(&*self.random).map_err(|_| Code::Internal)?;
        let handle = self.ladder.token_hash(&token);
        Ok((token, handle))
    }

    /// The handle of a token that somebody shows, when it looks like one.
    pub fn handle(&self, kind: TokenKind, token: &str) -> Option<Handle> {
        kind.fits(token).then(|| self.ladder.token_hash(token))
    }

    /// The key of the project's pseudonyms.
    pub fn project_key(&self, tenant: &Tenant) -> [u8; 32] {
        match self.ladder.project_key(tenant.as_str(), PROJECT) {
            Ok(key) => *key.dangerous_expose(),
            Err(_) => [0; 32], // cannot be: fixed lengths; zeros would still be no one's identity
        }
    }

    /// UID of the derived instance that a grant's mask makes of an object: stable for object and mask version.
    pub fn derived_uid(&self, record: &InstanceRecord, stamp: &str) -> Uid {
        let key = self.project_key(&self.tenant);
        let name = format!("{}/{stamp}", record.object.hex());
        privacy::derived_uid(&key, &name)
    }
}

/// The project's pseudonyms.
pub struct Project {
    key: [u8; 32],
}

impl Project {
    /// Of a key.
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }
}

impl Pseudonyms for Project {
    fn uid(&self, uid: &Uid) -> Uid {
        privacy::pseudonymous_uid(&self.key, uid)
    }

    fn patient(&self, attributes: &Attributes) -> String {
        let first = |tag| attributes.first(tag);
        let name = privacy::patient_name(
            first(tags::ISSUER_OF_PATIENT_ID),
            first(tags::PATIENT_ID),
            first(tags::STUDY_INSTANCE_UID),
        );
        privacy::pseudonymous_patient(&self.key, &name)
    }
}

/// What a failed store means for the caller.
pub fn fault(error: &store::Error) -> Fault {
    match error {
        store::Error::Full => Code::StorageFull.into(),
        store::Error::Stale | store::Error::Stopped => Code::Unavailable.into(),
        store::Error::Conflict => Code::VersionConflict.into(),
        store::Error::Missing => Code::NotFound.into(),
        store::Error::TooLarge => Code::TooLarge.into(),
        other => {
            tracing::error!(error = %other, "storage");
            Code::Internal.into()
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => fault(&error),
            other => {
                tracing::error!(error = %other, "vault");
                Code::Internal.into()
            }
        }
    }
}
