//! Attempts are slowed by account and by source: the fifth failure waits a second, each further one twice as long.

use model::Time;
use std::collections::HashMap;

const FREE: u32 = 4;
const LONGEST_S: i64 = 300;
/// Names and sources remembered; the oldest go first, so a flood costs memory no more than this.
const REMEMBERED: usize = 20_000;
const FORGET_S: i64 = 3600;

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Time,
}

/// Failed attempts by key.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: HashMap<String, Failures>,
}

impl Throttle {
    /// Seconds to wait before the next attempt; 0: now.
    pub fn wait_s(&self, key: &str, now: Time) -> u32 {
        let Some(failures) = self.failures.get(key) else { return 0 };
        let Some(over) = failures.count.checked_sub(FREE) else { return 0 };
        let pause = if over == 0 { 0 } else { LONGEST_S.min(1 << (over - 1).min(10)) };
        let left = failures.last.plus_seconds(pause).0.saturating_sub(now.0);
        u32::try_from(left.max(0).saturating_add(999_999_999) / 1_000_000_000).unwrap_or(u32::MAX)
    }

    /// An attempt failed.
    pub fn failed(&mut self, key: &str, now: Time) {
        if self.failures.len() >= REMEMBERED && !self.failures.contains_key(key) {
            self.failures.retain(|_, f| f.last.plus_seconds(FORGET_S) > now);
            if self.failures.len() >= REMEMBERED
                && let Some(oldest) = self.failures.iter().min_by_key(|(_, f)| f.last).map(|(k, _)| k.clone())
            {
                self.failures.remove(&oldest);
            }
        }
        let entry = self.failures.entry(key.to_owned()).or_insert(Failures { count: 0, last: now });
        if entry.last.plus_seconds(FORGET_S) < now {
            entry.count = 0;
        }
        *entry = Failures { count: entry.count.saturating_add(1), last: now };
    }

    /// An attempt succeeded.
    pub fn passed(&mut self, key: &str) {
        self.failures.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_failure_waits() {
        let mut throttle = Throttle::default();
        let now = Time(0);
        for expected in [0, 0, 0, 0, 1, 2, 4, 8] {
            throttle.failed("anna", now);
            assert_eq!(throttle.wait_s("anna", now), expected);
        }
        assert_eq!(throttle.wait_s("anna", now.plus_seconds(8)), 0);
        assert_eq!(throttle.wait_s("berta", now), 0);
        for _ in 0..40 {
            throttle.failed("anna", now);
        }
        assert_eq!(throttle.wait_s("anna", now), 300, "the longest wait is named");
        throttle.passed("anna");
        assert_eq!(throttle.wait_s("anna", now), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut throttle = Throttle::default();
        for i in 0..=REMEMBERED {
            throttle.failed(&i.to_string(), Time(i64::try_from(i).unwrap()));
        }
        assert_eq!(throttle.failures.len(), REMEMBERED);
        assert!(!throttle.failures.contains_key("0"), "the oldest went first");
    }
}
