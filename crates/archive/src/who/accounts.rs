//! Accounts: a name, a role, a password that is checked with Argon2id (RFC 9106) and was never weak.

use crate::{Error, Result};
use argon2::{Algorithm, Argon2, Params, Version};
use model::Role;
use serde::{Deserialize, Serialize};

/// Memory (KiB), passes, lanes: RFC 9106 §4's second recommendation, halved in passes for the sign-in's sake.
const COST: (u32, u32, u32) = (64 << 10, 2, 1);
/// NIST SP 800-63B-4 §3.1.1.2 asks for 8 with a second factor, 15 without; patients get a strength check besides.
const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 12..=128;

/// An account's row.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Name of the account, lower case.
    pub user: String,
    /// Name of the person.
    pub name: String,
    /// Role.
    pub role: Role,
    /// For whom the person acts.
    pub organisation: String,
    /// Issuer and number of the patient that this account is.
    pub patient: Option<(String, String)>,
    /// May not sign in; what was opened ends.
    pub disabled: bool,
    /// How the password is checked.
    pub password: PasswordRecord,
}

/// Salt, cost and hash.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PasswordRecord {
    salt: [u8; 16],
    cost: (u32, u32, u32),
    hash: [u8; 32],
}

impl PasswordRecord {
    /// Of a new password. `hints` are words about the person that must not help to guess it.
    ///
    /// # Errors
    /// `weak` when it is too short, too long, leaked or guessable.
    pub fn new(password: &str, salt: [u8; 16], hints: &[&str]) -> Result<Self> {
        let strong = PASSWORD_CHARACTERS.contains(&password.chars().count())
            && zxcvbn::zxcvbn(password, hints).score() >= zxcvbn::Score::Three;
        if !strong {
            return Err(Error::WeakPassword);
        }
        Ok(Self { salt, cost: COST, hash: hash(password, salt, COST)? })
    }

    /// A record that no password opens, to spend the same time on unknown users.
    pub const fn unknown() -> Self {
        Self { salt: [0; 16], cost: COST, hash: [0; 32] }
    }

    /// The password is the one. Takes ≈ 100 ms and 64 MiB: call it on a blocking thread.
    pub fn holds(&self, password: &str) -> bool {
        if password.chars().count() > *PASSWORD_CHARACTERS.end() {
            return false;
        }
        hash(password, self.salt, self.cost).is_ok_and(|hash| crypto::same(&hash, &self.hash))
    }
}

fn hash(password: &str, salt: [u8; 16], (memory, passes, lanes): (u32, u32, u32)) -> Result<[u8; 32]> {
    let params =
        Params::new(memory, passes, lanes, Some(32)).map_err(|_| Error::Internal("argon2 parameters"))?;
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), &salt, &mut out)
        .map_err(|_| Error::Internal("argon2"))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_and_leaked_passwords_are_refused() {
        // The first ones top every list of leaked passwords; the last is a name with a year.
        for weak in [
            "",
            "password1234",
            "123456789012",
            "qwertyuiop12",
            "iloveyou1234",
            "annaschmidt1",
            &"a".repeat(129),
        ] {
            assert!(PasswordRecord::new(weak, [1; 16], &["anna", "schmidt"]).is_err(), "{weak}");
        }
    }

    #[test]
    fn only_the_password_opens() {
        let record = PasswordRecord::new("mellow-otter-canal-77", [1; 16], &[]).unwrap();
        assert!(record.holds("mellow-otter-canal-77"));
        assert!(!record.holds("mellow-otter-canal-78"));
        assert!(!PasswordRecord::unknown().holds(""));
    }
}
