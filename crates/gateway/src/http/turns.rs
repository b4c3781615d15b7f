//! Turns of uploads: bounded in all, and of one caller, so that nobody alone holds up everybody else.

use super::limits;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All of them.
pub struct Turns {
    all: Arc<Semaphore>,
    own: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// A turn, until dropped.
pub struct Turn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for Turns {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(limits::UPLOADS)), own: Mutex::default() }
    }
}

impl Turns {
    /// Waits for a turn of this caller; nothing when it takes too long.
    pub async fn take(&self, caller: &str) -> Option<Turn> {
        let own = self.of(caller);
        let both = async {
            // The own one first: who waits behind himself takes no turn from others.
            let own = own.acquire_owned().await.ok()?;
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn { _own: own, _all: all })
        };
        tokio::time::timeout(limits::UPLOAD_TURN, both).await.ok().flatten()
    }

    fn of(&self, caller: &str) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody holds a turn of it or waits for one: nothing is kept of who left.
        own.retain(|_, turns| Arc::strong_count(turns) > 1);
        let new = || Arc::new(Semaphore::new(limits::UPLOADS_OF_ONE));
        Arc::clone(own.entry(caller.to_owned()).or_insert_with(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn one_caller_leaves_turns_to_others() {
        let turns = Turns::default();
        let mut held = Vec::new();
        for _ in 0..limits::UPLOADS_OF_ONE {
            held.push(turns.take("a").await.unwrap());
        }
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, turns.take("a")).await.is_err(), "waits");
        let other = turns.take("b").await.unwrap();
        held.pop();
        assert!(tokio::time::timeout(soon, turns.take("a")).await.unwrap().is_some());
        drop((held, other));
        let _last = turns.take("c").await.unwrap();
        assert_eq!(turns.own.lock().unwrap().len(), 1);
    }
}
