//! Tokens of machines (RFC 6749 §4.4): a machine that `gauze.toml` names shows its secret and gets a token for some minutes. It
//! then has by DICOMweb what was agreed with it, as by DIMSE with its certificate (docs/decisions/0067-machine-tokens.md).

use super::session::Handle;
use super::{agreed, checked};
use crate::context::{About, Context};
use crate::vault::{Device, Vault, lock};
use crypto::TokenKind;
use ledger::Event;
use model::{Arrival, Role, Time};
use port::{Fault, Response};
use std::collections::HashMap;

/// A token's life: long enough for a program that asks again when it ends, short enough to be of no use in a log.
const TOKEN_S: u32 = 600;
/// Tokens of one machine at the same time; the oldest goes.
const OF_ONE: usize = 32;

/// Tokens that were given and are not over, in memory only: after a start machines ask anew.
#[derive(Debug, Default)]
pub struct Tokens(HashMap<Handle, Held>);

#[derive(Debug)]
struct Held {
    machine: String,
    /// On the monotonic clock.
    ends: Time,
}

impl Tokens {
    fn add(&mut self, handle: Handle, machine: &str, now: Time) {
        self.0.retain(|_, held| held.ends > now);
        let own = self.0.iter().filter(|(_, held)| held.machine == machine);
        if own.clone().count() >= OF_ONE
            && let Some(oldest) = own.min_by_key(|(_, held)| held.ends).map(|(handle, _)| *handle)
        {
            self.0.remove(&oldest);
        }
        let ends = now.plus_seconds(TOKEN_S.into());
        self.0.insert(handle, Held { machine: machine.to_owned(), ends });
    }

    fn of(&self, handle: &Handle, now: Time) -> Option<&str> {
        self.0.get(handle).filter(|held| held.ends > now).map(|held| held.machine.as_str())
    }
}

/// The machine that an account belongs to: they have one name. Two that differ in case only: nobody knows which.
pub fn named<'a>(vault: &'a Vault, user: &str) -> Option<&'a Device> {
    let mut own = vault.options.devices.iter().filter(|device| device.name.to_lowercase() == user);
    own.next().filter(|_| own.next().is_none())
}

/// A token for a machine's name and secret. Wrong ones cost what a wrong password costs.
pub async fn token(
    vault: &Vault,
    arrival: &Arrival,
    client: &str,
    secret: String,
) -> Result<Response, Fault> {
    let account = checked(vault, arrival, client, secret, |account| {
        account.role == Role::Device && named(vault, &account.user).is_some()
    })
    .await?;
    let device = named(vault, &account.user).ok_or(port::Code::SignInFailed)?;
    let (token, handle) = vault.sealing.new_token(TokenKind::Machine)?;
    vault.record(&agreed(vault, device, arrival), About::nothing(), Event::SignedIn {}).await?;
    lock(&vault.machines).add(handle, &account.user, vault.clock.monotonic());
    Ok(Response::MachineToken { token, expires_in_s: TOKEN_S })
}

/// The machine that shows a token, if it may still act.
pub fn of_token(vault: &Vault, token: &str, arrival: &Arrival) -> Option<Context> {
    let handle = vault.sealing.handle(TokenKind::Machine, token)?;
    let user = lock(&vault.machines).of(&handle, vault.clock.monotonic())?.to_owned();
    if disabled(vault, &user) {
        return None;
    }
    Some(agreed(vault, named(vault, &user)?, arrival))
}

/// The account that gives a machine its tokens has ended: so has what they opened.
pub fn disabled(vault: &Vault, machine: &str) -> bool {
    lock(&vault.accounts).get(&machine.to_lowercase()).is_some_and(|(account, _)| account.disabled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_end_and_are_bounded() {
        let (mut tokens, start) = (Tokens::default(), Time(0));
        let handle = |n: usize| [u8::try_from(n).unwrap(); 32];
        tokens.add(handle(0), "ct", start);
        let last = start.plus_seconds(i64::from(TOKEN_S) - 1);
        assert_eq!((tokens.of(&handle(0), last), tokens.of(&handle(1), last)), (Some("ct"), None));
        assert_eq!(tokens.of(&handle(0), start.plus_seconds(TOKEN_S.into())), None);
        for n in 1..=OF_ONE {
            tokens.add(handle(n), "ct", start.plus_seconds(1));
        }
        assert_eq!(tokens.of(&handle(0), last), None, "one more than the bound: the oldest goes");
        assert_eq!(tokens.of(&handle(1), last), Some("ct"));
        tokens.add(handle(99), "mr", start.plus_seconds(9000));
        assert_eq!(tokens.0.len(), 1, "what is over is forgotten");
    }
}
