//! What a connection does: requests in flight and their last step, for the watch that ends idle and stalled ones.

use super::limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// One connection's.
#[derive(Debug)]
pub struct Activity {
    since: Instant,
    last_ms: AtomicU64,
    requests: AtomicUsize,
}

/// A request in flight, until it and its answer's body are gone.
#[derive(Debug)]
pub struct InFlight(Arc<Activity>);

impl Activity {
    /// Of a new connection.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let (last_ms, requests) = (AtomicU64::new(0), AtomicUsize::new(0));
        Arc::new(Self { since: Instant::now(), last_ms, requests })
    }

    /// Something moved.
    pub fn step(&self) {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(now, Ordering::Relaxed);
    }

    /// A request begins.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.step();
        self.requests.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// Returns when the connection has been idle or stalled for too long.
    pub async fn over(&self) {
        loop {
            let busy = self.requests.load(Ordering::Relaxed) > 0;
            let bound = if busy { limits::STALL } else { limits::IDLE };
            let quiet = self
                .since
                .elapsed()
                .saturating_sub(Duration::from_millis(self.last_ms.load(Ordering::Relaxed)));
            let Some(left) = bound.checked_sub(quiet).filter(|left| !left.is_zero()) else { return };
            // Not longer than the shorter bound: a request may end meanwhile.
            tokio::time::sleep(left.min(Duration::from_secs(15))).await;
        }
    }
}

impl InFlight {
    /// Something of it moved.
    pub fn step(&self) {
        self.0.step();
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.step();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}
