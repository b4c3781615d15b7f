//! Keys that are random and wrapped: patients' and those of ledger bodies. A new one goes with every commit that uses it
//! until one of them is durable.

use crate::{Error, Result};
use crypto::{Key, Ladder, Random};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Commit, Store, WrapWrite};

/// Keys kept in memory; more are unwrapped again when needed.
const KEPT: usize = 50_000;

struct Held {
    key: Arc<Key>,
    /// Not known to be durable yet.
    wrap: Option<Vec<u8>>,
}

/// Wrapped keys by name.
#[derive(Default)]
pub struct Rings {
    held: Mutex<HashMap<[u8; 32], Held>>,
}

impl Rings {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An existing key.
    pub fn find(&self, store: &Store, ladder: &Ladder, name: [u8; 32]) -> Result<Option<Arc<Key>>> {
        let mut held = self.lock();
        if let Some(known) = held.get(&name) {
            return Ok(Some(Arc::clone(&known.key)));
        }
        let Some(wrap) = store.wrap(&name)? else { return Ok(None) };
        let key = Arc::new(ladder.unwrap(&[&name], &wrap)?);
        if held.len() >= KEPT {
            held.retain(|_, h| h.wrap.is_some());
        }
        held.insert(name, Held { key: Arc::clone(&key), wrap: None });
        Ok(Some(key))
    }

    /// The key of a name, made when there is none; the wrap goes with `commit` until it is known to be durable.
    pub fn key(
        &self,
        store: &Store,
        (ladder, random): (&Ladder, &dyn Random),
        name: [u8; 32],
        commit: &mut Commit,
    ) -> Result<Arc<Key>> {
        if self.find(store, ladder, name)?.is_none() {
            let key = Key::random(random)?;
            let wrap = ladder.wrap(random, &[&name], &key)?;
            // Two callers may both have found nothing: the first one's key stays.
            self.lock().entry(name).or_insert(Held { key: Arc::new(key), wrap: Some(wrap) });
        }
        let held = self.lock();
        let found = held.get(&name).ok_or(Error::Internal("key ring"))?;
        if let Some(wrap) = &found.wrap {
            commit.wraps.push(WrapWrite { key: name, sealed: wrap.clone() });
        }
        Ok(Arc::clone(&found.key))
    }

    /// These wraps are durable.
    pub fn settle(&self, names: &[[u8; 32]]) {
        let mut held = self.lock();
        for name in names {
            if let Some(found) = held.get_mut(name) {
                found.wrap = None;
            }
        }
    }
}
