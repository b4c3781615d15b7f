//! The system's clocks: the one place that reads them.

use model::Time;
use rustix::time::{ClockId, clock_gettime};

/// UTC and a clock that never goes back.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

fn read(id: ClockId) -> Time {
    let now = clock_gettime(id);
    Time(now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec))
}

impl archive::Clock for SystemClock {
    fn now(&self) -> Time {
        read(ClockId::Realtime)
    }

    /// Counts the time that the machine slept, too: a token must not outlive its minutes through a suspend.
    fn monotonic(&self) -> Time {
        read(ClockId::Boottime)
    }
}
