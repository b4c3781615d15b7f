//! Broken glass that nobody looked into yet, and how often who broke it: an index of the ledger, which is the truth. Each act
//! costs a code, and an account has one code in half a minute: that bounds it.

use ledger::{Entry, Value};
use model::Time;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Acts of an account are counted for so long.
const COUNTED_S: i64 = 7 * 24 * 3600;
/// Acts of one account that are counted; more are no news.
const COUNTED: usize = 1000;

/// One act that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Index of its entry.
    pub index: u64,
    /// How often this account broke the glass in the last seven days.
    pub in_seven_days: u32,
}

/// The index.
#[derive(Debug, Default)]
pub struct Broken {
    /// Account by index of the entry.
    waiting: BTreeMap<u64, String>,
    acts: HashMap<String, VecDeque<Time>>,
}

impl Broken {
    /// The next entry of the ledger.
    pub fn take(&mut self, index: u64, entry: &Entry) {
        match entry.kind.as_str() {
            "glass-broken" => {
                let user = &entry.envelope.actor;
                self.waiting.insert(index, user.clone());
                let acts = self.acts.entry(user.clone()).or_default();
                acts.push_back(entry.time());
                if acts.len() > COUNTED {
                    acts.pop_front();
                }
            }
            "glass-reviewed" => {
                let reviewed = entry.details.iter().find(|(name, _)| name == "entry");
                if let Some((_, Value::Number(of))) = reviewed {
                    self.waiting.remove(of);
                }
            }
            _ => {}
        }
    }

    /// Whether it was not looked into yet.
    pub fn waits(&self, index: u64) -> bool {
        self.waiting.contains_key(&index)
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting.len()
    }

    /// The oldest that wait.
    pub fn oldest(&self, most: usize, now: Time) -> Vec<Act> {
        let since = now.plus_seconds(-COUNTED_S);
        let often = |user: &String| {
            let acts = self.acts.get(user).into_iter().flatten();
            u32::try_from(acts.filter(|time| **time > since).count()).unwrap_or(u32::MAX)
        };
        let waiting = self.waiting.iter().take(most);
        waiting.map(|(index, user)| Act { index: *index, in_seven_days: often(user) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Envelope;

    fn entry(kind: &str, user: &str, at: Time, of: Option<u64>) -> Entry {
        let envelope = Envelope { time: at.0, actor: user.to_owned(), ..Envelope::default() };
        let details = of.map(|of| ("entry".to_owned(), Value::Number(of))).into_iter().collect();
        Entry { kind: kind.to_owned(), envelope, details }
    }

    #[test]
    fn acts_wait_and_are_counted_for_seven_days() {
        let (mut broken, day) = (Broken::default(), |n: i64| Time(0).plus_seconds(n * 24 * 3600));
        for (index, (user, at)) in (0..).zip([("rosa", 0), ("rosa", 5), ("remy", 5), ("rosa", 6)]) {
            broken.take(index, &entry("glass-broken", user, day(at), None));
        }
        broken.take(4, &entry("opened", "rosa", day(6), None));
        broken.take(5, &entry("glass-reviewed", "olga", day(6), Some(1)));
        let told = |broken: &Broken, now| -> Vec<(u64, u32)> {
            broken.oldest(9, now).into_iter().map(|act| (act.index, act.in_seven_days)).collect()
        };
        assert_eq!(told(&broken, day(6)), [(0, 3), (2, 1), (3, 3)]);
        assert_eq!(told(&broken, day(8)), [(0, 2), (2, 1), (3, 2)]);
        assert_eq!((broken.count(), broken.oldest(1, day(8)).len()), (3, 1));
        assert!(broken.waits(0) && !broken.waits(1) && !broken.waits(9));
    }

    #[test]
    fn counting_is_bounded() {
        let mut broken = Broken::default();
        for index in 0..=1000 {
            broken.take(index, &entry("glass-broken", "rosa", Time(1), None));
        }
        assert_eq!(broken.oldest(1, Time(2)).first().map(|act| act.in_seven_days), Some(1000));
    }
}
