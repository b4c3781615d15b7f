//! Numbers of staff: which account a feed means.

use super::Held;
use crate::sealing::Kind;
use crate::vault::{Vault, lock};
use crate::{Error, Result};
use port::ties::StaffNumber;

/// Numbers of one account.
const OF_ONE: usize = 16;

impl Vault {
    /// Says by which numbers feeds name an account, instead of those that were said before. False: there is no such account.
    ///
    /// # Errors
    /// [`Error::StaffNumber`] when another account has one of them, or there are too many; storage.
    pub fn number_staff(&self, user: &str, numbers: Vec<StaffNumber>) -> Result<bool> {
        let user = user.to_lowercase();
        if !lock(&self.accounts).contains_key(&user) {
            return Ok(false);
        }
        let before = {
            let held = lock(&self.relate.held);
            let taken = |number: &StaffNumber| held.account_of(number).is_some_and(|other| other != user);
            if numbers.len() > OF_ONE || numbers.iter().any(taken) {
                return Err(Error::StaffNumber);
            }
            held.staff.get(&user).map_or(0, |(_, version)| *version)
        };
        let name = self.sealing.name(Kind::Staff, &[user.as_bytes()]);
        let version = self.next_version(before, &name)?;
        self.keep(Kind::Staff, name, version, &(&user, &numbers), "staff", &user)?;
        lock(&self.relate.held).staff.insert(user, (numbers, version));
        Ok(true)
    }
}

/// From their rows.
pub fn load(held: &mut Held, rows: Vec<((String, Vec<StaffNumber>), u64)>) {
    held.staff = rows.into_iter().map(|((user, numbers), version)| (user, (numbers, version))).collect();
}
