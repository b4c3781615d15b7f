//! Turns at the password check: it takes memory and time on purpose, so whoever sends guesses must not make the others wait.

use crate::vault::{Vault, lock};
use std::collections::HashMap;

/// Sign-ins that wait or are checked at the same time.
const WAITING: usize = 16;
/// Of these, one source's.
const OF_ONE_SOURCE: usize = 4;

/// Who waits, by source.
#[derive(Debug, Default)]
pub struct Turns {
    waiting: HashMap<String, usize>,
}

impl Turns {
    fn enter(&mut self, source: &str) -> bool {
        let all: usize = self.waiting.values().sum();
        let own = self.waiting.get(source).copied().unwrap_or(0);
        let room = all < WAITING && own < OF_ONE_SOURCE;
        if room {
            self.waiting.insert(source.to_owned(), own + 1);
        }
        room
    }

    fn leave(&mut self, source: &str) {
        match self.waiting.get_mut(source) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(self.waiting.remove(source)),
        }
    }
}

/// A place among those who wait; given back when dropped, also when the caller goes away.
pub struct Turn<'a> {
    vault: &'a Vault,
    source: &'a str,
}

impl<'a> Turn<'a> {
    /// A place, when there is one.
    pub fn take(vault: &'a Vault, source: &'a str) -> Option<Self> {
        lock(&vault.turns).enter(source).then_some(Self { vault, source })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.vault.turns).leave(self.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_bounded_for_one_and_for_all() {
        let mut turns = Turns::default();
        for _ in 0..OF_ONE_SOURCE {
            assert!(turns.enter("a"));
        }
        assert!(!turns.enter("a"));
        for n in 0..WAITING - OF_ONE_SOURCE {
            assert!(turns.enter(&n.to_string()));
        }
        assert!(!turns.enter("b"), "one more than the bound");
        turns.leave("a");
        assert!(turns.enter("b"));
        assert!(!turns.enter("a"));
    }
}
