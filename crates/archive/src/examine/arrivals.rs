//! Storing goes before examining: nobody waits for a picture to be examined before somebody looks at it, but a machine waits
//! for its stores.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Quiet: no store under way, and none came for so long.
const SILENCE: Duration = Duration::from_millis(100);
/// While stores go on and on, one object is examined this often, times [`SILENCE`], in each lane.
const STEPS: usize = 20;

/// Counts stores.
#[derive(Default)]
pub struct Arrivals {
    under_way: AtomicUsize,
    begun: AtomicU64,
    /// How many had begun when it was quiet last.
    quiet: AtomicU64,
}

/// A store under way, until dropped.
pub struct Arriving<'a>(&'a Arrivals);

impl Arrivals {
    /// A store begins.
    pub fn begin(&self) -> Arriving<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.under_way.fetch_add(1, Ordering::SeqCst);
        Arriving(self)
    }

    /// Ends when it is quiet, or was not for too long.
    pub async fn quiet(&self) {
        for _ in 0..STEPS {
            let begun = self.begun.load(Ordering::SeqCst);
            let still =
                || self.under_way.load(Ordering::SeqCst) == 0 && begun == self.begun.load(Ordering::SeqCst);
            if begun == self.quiet.load(Ordering::SeqCst) && still() {
                return;
            }
            tokio::time::sleep(SILENCE).await;
            if still() {
                self.quiet.store(begun, Ordering::SeqCst);
                return;
            }
        }
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    async fn within(arrivals: &Arc<Arrivals>, limit: Duration) -> bool {
        tokio::time::timeout(limit, arrivals.quiet()).await.is_ok()
    }

    #[tokio::test]
    async fn examining_waits_for_stores_and_not_for_ever() {
        let arrivals = Arc::new(Arrivals::default());
        assert!(within(&arrivals, SILENCE / 2).await, "nothing ever came");
        let store = arrivals.begin();
        assert!(!within(&arrivals, 3 * SILENCE).await, "a store is under way");
        assert!(within(&arrivals, 2 * SILENCE * STEPS as u32).await, "stores that never end hold nothing up");
        drop(store);
        assert!(!within(&arrivals, SILENCE / 2).await, "it was there a moment ago");
        assert!(within(&arrivals, 2 * SILENCE).await);
        assert!(within(&arrivals, SILENCE / 2).await, "quiet once is quiet until the next");
    }
}
