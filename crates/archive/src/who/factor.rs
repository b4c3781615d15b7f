//! Second factors: a secret that an authenticator app has too (RFC 6238). Each is a sealed row of its own beside the account's,
//! so that a code is spent by one small write, in one commit with what it was used for.

use crate::Result;
use crate::context::{About, Context};
use crate::sealing::Kind;
use crate::vault::{Vault, lock};
use crypto::totp::{SECRET_BYTES, Secret};
use ledger::{Event, Receipt};
use model::Time;
use port::{Code, Fault};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use store::RowWrite;
use tokio::sync::MutexGuard;

/// An account's row. It stays when the factor is taken away: a row is never older than it was.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct FactorRecord {
    /// Name of the account.
    pub user: String,
    /// Shared with the app; nothing: taken away.
    secret: Option<[u8; SECRET_BYTES]>,
    /// The last step whose code was accepted: it and those before it are no more.
    spent: u64,
}

impl FactorRecord {
    fn step_of(&self, typed: &str, now: Time) -> Option<u64> {
        self.secret.and_then(|bytes| Secret::from_bytes(bytes).step_of(typed, now, self.spent))
    }
}

/// By account, with versions.
pub type Factors = HashMap<String, (FactorRecord, u64)>;

/// All that are kept.
pub fn of_rows(rows: Vec<(FactorRecord, u64)>) -> Factors {
    rows.into_iter().map(|(record, version)| (record.user.clone(), (record, version))).collect()
}

/// A code that was right. It is spent with the entry of what it was used for, and nobody else's is looked at before.
pub struct Right<'a> {
    next: (FactorRecord, u64),
    row: RowWrite,
    _one: MutexGuard<'a, ()>,
}

/// Why a code does not count: a word for the ledger, a fault for the door.
pub type Wrong = (&'static str, Fault);

/// Looks at a code. Wrong ones of one account wait longer and longer, wherever they come from: only who is signed in as this
/// person gets here, so nobody is kept out from afar.
pub async fn check<'a>(
    vault: &'a Vault,
    context: &Context,
    typed: &str,
) -> std::result::Result<Right<'a>, Wrong> {
    let one = vault.factoring.lock().await;
    let user = &context.caller.user;
    let known = lock(&vault.factors).get(user).cloned().filter(|(record, _)| record.secret.is_some());
    let Some((record, version)) = known else {
        return Err(("no-second-factor", Code::SecondFactorNeeded.into()));
    };
    let begun = lock(&vault.factor_tries).begin(user, user, vault.clock.monotonic());
    let slow = |wait| ("slow-down", Fault { code: Code::SlowDown, retry_after_s: Some(wait) });
    let attempt = begun.map_err(slow)?;
    let Some(spent) = record.step_of(typed, vault.clock.now()) else {
        return Err(("second-factor-failed", Code::SecondFactorFailed.into()));
    };
    lock(&vault.factor_tries).passed(&attempt);
    let next = (FactorRecord { spent, ..record }, version + 1);
    let row = vault.factor_row(&next).map_err(|error| ("error", error.into()))?;
    Ok(Right { next, row, _one: one })
}

impl Right<'_> {
    /// The code is spent, with this entry.
    pub async fn spend(
        self,
        vault: &Vault,
        (context, about): (&Context, About),
        event: Event,
    ) -> std::result::Result<Receipt, Fault> {
        let next = self.next.clone();
        let written = move |vault: &Vault, durable: bool| {
            // Whatever became of the write, the code is gone; where the row stands is then asked of the store.
            let version = if durable { Ok(next.1) } else { vault.factor_version(&next.0.user) };
            let version = version.unwrap_or(next.1);
            lock(&vault.factors).insert(next.0.user.clone(), (next.0.clone(), version));
        };
        vault.record_and_write(context, about, (event, self.row), written).await
    }
}

impl Vault {
    fn factor_name(&self, user: &str) -> [u8; 32] {
        self.sealing.name(Kind::Factor, &[user.as_bytes()])
    }

    fn factor_row(&self, (record, version): &(FactorRecord, u64)) -> Result<RowWrite> {
        self.sealing.row(Kind::Factor, self.factor_name(&record.user), *version, record)
    }

    fn factor_version(&self, user: &str) -> Result<u64> {
        self.row_version(&self.factor_name(user))
    }

    /// A new second factor of an account, in place of an older one; nothing when there is no such account.
    ///
    /// # Errors
    /// Storage; no randomness.
    pub fn give_second_factor(&self, user: &str) -> Result<Option<Secret>> {
        let secret = Secret::random(&*self.sealing.random)?;
        let kept = self.keep_factor(user, Some(*secret.dangerous_expose()), "second-factor")?;
        Ok(kept.then_some(secret))
    }

    /// Takes an account's second factor away; false when there is no such account.
    ///
    /// # Errors
    /// Storage.
    pub fn remove_second_factor(&self, user: &str) -> Result<bool> {
        self.keep_factor(user, None, "second-factor-removed")
    }

    pub(crate) fn keep_factor(
        &self,
        user: &str,
        secret: Option<[u8; SECRET_BYTES]>,
        what: &str,
    ) -> Result<bool> {
        let user = user.to_lowercase();
        if !lock(&self.accounts).contains_key(&user) {
            return Ok(false);
        }
        let version = self.factor_version(&user)? + 1;
        let record = FactorRecord { user: user.clone(), secret, spent: 0 };
        self.keep(Kind::Factor, self.factor_name(&user), version, &record, what, &user)?;
        lock(&self.factors).insert(user, (record, version));
        Ok(true)
    }
}
