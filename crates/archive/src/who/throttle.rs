//! Attempts are slowed, never locked out. Guesses at one account from one place wait longer and longer; an account as a whole,
//! and a place as a whole, wait two seconds at most: else anybody keeps a doctor out from afar, or everybody behind one
//! address. An attempt counts as failed from its beginning, so that parallel guesses are slowed like those in a row.

use model::Time;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};

const FREE: u32 = 4;
const LONGEST_S: i64 = 300;
const LONGEST_WIDE_S: i64 = 2;
/// Many people sign in from one address.
const FREE_OF_SOURCE: u32 = 20;
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
    failures: HashMap<Key, Failures>,
    /// Accounts that signed in from a place, and when: what others do there or with their name does not slow them, else
    /// whoever sends wrong passwords without end keeps a whole ward out.
    good: HashMap<(String, String), Time>,
}

/// A place counts as an account's own for so long after it signed in there.
const OWN_S: i64 = 30 * 24 * 3600;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// An account from a source.
    Pair(String, String),
    Account(String),
    Source(String),
}

impl Key {
    /// Failures that cost nothing, and the longest pause.
    const fn bounds(&self) -> (u32, i64) {
        match self {
            Self::Pair(..) => (FREE, LONGEST_S),
            Self::Account(_) => (FREE, LONGEST_WIDE_S),
            Self::Source(_) => (FREE_OF_SOURCE, LONGEST_WIDE_S),
        }
    }
}

/// An attempt that counts as failed until it passed.
#[derive(Debug)]
pub struct Attempt {
    keys: [Key; 3],
    before: [Option<Failures>; 3],
    now: Time,
}

/// Where attempts come from: the network that one party usually has to itself (/24, /64).
pub fn source(peer: &str) -> String {
    let address = peer.parse::<SocketAddr>().map(|a| a.ip()).or_else(|_| peer.parse::<IpAddr>());
    match address.map(|a| a.to_canonical()) {
        Ok(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Err(_) => peer.to_owned(),
    }
}

impl Throttle {
    /// Begins an attempt; it counts as failed unless [`Throttle::passed`] takes it back.
    ///
    /// # Errors
    /// Seconds to wait first.
    pub fn begin(&mut self, user: &str, source: &str, now: Time) -> Result<Attempt, u32> {
        let (user, source) = (user.to_owned(), source.to_owned());
        let keys = [Key::Pair(user.clone(), source.clone()), Key::Account(user), Key::Source(source)];
        let own = self.is_own(&keys, now);
        let counts = |key: &&Key| !own || matches!(key, Key::Pair(..));
        match keys.iter().filter(counts).map(|key| self.wait_s(key, now)).max() {
            Some(wait) if wait > 0 => return Err(wait),
            _ => {}
        }
        let before = keys.each_ref().map(|key| self.failures.get(key).copied());
        keys.iter().for_each(|key| self.failed(key, now));
        Ok(Attempt { keys, before, now })
    }

    fn is_own(&self, keys: &[Key; 3], now: Time) -> bool {
        let [Key::Pair(user, source), ..] = keys else { return false };
        let since = self.good.get(&(user.clone(), source.clone()));
        since.is_some_and(|since| since.plus_seconds(OWN_S) > now)
    }

    fn remember(&mut self, attempt: &Attempt) {
        let [Key::Pair(user, source), ..] = &attempt.keys else { return };
        let pair = (user.clone(), source.clone());
        make_room(&mut self.good, &pair, |at| *at);
        self.good.insert(pair, attempt.now);
    }

    /// The attempt succeeded: what went wrong for this account from this source is forgotten, everything else stays but for
    /// the attempt itself.
    pub fn passed(&mut self, attempt: &Attempt) {
        self.remember(attempt);
        for (key, before) in attempt.keys.iter().zip(attempt.before) {
            let Some(failures) = self.failures.get_mut(key) else { continue };
            failures.count = failures.count.saturating_sub(1);
            if failures.last == attempt.now
                && let Some(before) = before
            {
                failures.last = before.last;
            }
            if failures.count == 0 || matches!(key, Key::Pair(..)) {
                self.failures.remove(key);
            }
        }
    }

    fn wait_s(&self, key: &Key, now: Time) -> u32 {
        let Some(failures) = self.failures.get(key) else { return 0 };
        let (free, longest) = key.bounds();
        let Some(over) = failures.count.checked_sub(free) else { return 0 };
        let pause = if over == 0 { 0 } else { longest.min(1 << (over - 1).min(10)) };
        let left = failures.last.plus_seconds(pause).0.saturating_sub(now.0);
        u32::try_from(left.max(0).saturating_add(999_999_999) / 1_000_000_000).unwrap_or(u32::MAX)
    }

    fn failed(&mut self, key: &Key, now: Time) {
        if self.failures.len() >= REMEMBERED && !self.failures.contains_key(key) {
            self.failures.retain(|_, f| f.last.plus_seconds(FORGET_S) > now);
        }
        make_room(&mut self.failures, key, |f| f.last);
        let entry = self.failures.entry(key.clone()).or_insert(Failures { count: 0, last: now });
        if entry.last.plus_seconds(FORGET_S) < now {
            entry.count = 0;
        }
        *entry = Failures { count: entry.count.saturating_add(1), last: now };
    }
}

/// The oldest goes when another one comes and there is no room.
fn make_room<K: Clone + Eq + Hash, V>(map: &mut HashMap<K, V>, comes: &K, last: impl Fn(&V) -> Time) {
    if map.len() < REMEMBERED || map.contains_key(comes) {
        return;
    }
    if let Some(oldest) = map.iter().min_by_key(|(_, v)| last(v)).map(|(key, _)| key.clone()) {
        map.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_attempt_from_one_place_waits_longer_and_longer() {
        let (mut throttle, mut now) = (Throttle::default(), Time(0));
        for expected in [0, 0, 0, 0, 0, 1, 2, 4, 8, 16] {
            let wait = throttle.begin("anna", "a", now).err().unwrap_or(0);
            assert_eq!(wait, expected);
            if wait > 0 {
                now = now.plus_seconds(wait.into());
                throttle.begin("anna", "a", now).unwrap();
            }
        }
        for _ in 0..40 {
            now = now.plus_seconds(LONGEST_S);
            throttle.begin("anna", "a", now).unwrap();
        }
        assert_eq!(throttle.begin("anna", "a", now).unwrap_err(), 300, "the longest wait is named");
        // From elsewhere the doctor waits two seconds, never five minutes.
        assert_eq!(throttle.begin("anna", "b", now).unwrap_err(), 2);
        let attempt = throttle.begin("anna", "b", now.plus_seconds(2)).unwrap();
        throttle.passed(&attempt);
        assert!(
            throttle.begin("anna", "a", now.plus_seconds(2)).unwrap_err() > 200,
            "only her own is forgotten"
        );
    }

    #[test]
    fn parallel_guesses_are_slowed_like_those_in_a_row() {
        let mut throttle = Throttle::default();
        let begun = (0..100).filter(|_| throttle.begin("anna", "a", Time(0)).is_ok()).count();
        assert_eq!(begun, 5);
    }

    #[test]
    fn people_behind_one_address_wait_two_seconds_at_most() {
        let mut throttle = Throttle::default();
        for n in 0..200 {
            drop(throttle.begin(&n.to_string(), "a", Time(n)));
        }
        assert!(throttle.begin("berta", "a", Time(200)).unwrap_err() <= 2);
        assert!(throttle.begin("berta", "a", Time(0).plus_seconds(3)).is_ok());
    }

    /// Somebody in the house sends wrong passwords without end: who signed in there before gets in; who did not waits.
    #[test]
    fn a_flood_keeps_nobody_out_of_his_own_place() {
        let (mut throttle, mut now) = (Throttle::default(), Time(0));
        let attempt = throttle.begin("anna", "a", now).unwrap();
        throttle.passed(&attempt);
        for n in 0..2000 {
            now = Time(now.0 + 10_000_000);
            let _ = throttle.begin(&format!("x{n}"), "a", now);
            let _ = throttle.begin("anna", "b", now);
        }
        assert!(throttle.begin("berta", "a", now).is_err());
        let attempt = throttle.begin("anna", "a", now).unwrap();
        throttle.passed(&attempt);
        // Her own wrong passwords there still count.
        let begun = (0..100).filter(|_| throttle.begin("anna", "a", now).is_ok()).count();
        assert_eq!(begun, 5);
        assert!(throttle.begin("anna", "a", now.plus_seconds(OWN_S)).is_ok());
    }

    #[test]
    fn passing_takes_the_attempt_back() {
        let mut throttle = Throttle::default();
        for n in 0..1000 {
            let attempt = throttle.begin(&n.to_string(), "a", Time(n)).unwrap();
            throttle.passed(&attempt);
        }
        assert!(throttle.failures.is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let mut throttle = Throttle::default();
        for i in 0..=REMEMBERED {
            throttle.failed(&Key::Account(i.to_string()), Time(i64::try_from(i).unwrap()));
        }
        assert_eq!(throttle.failures.len(), REMEMBERED);
        assert!(!throttle.failures.contains_key(&Key::Account("0".into())), "the oldest went first");
    }

    #[test]
    fn sources_are_networks() {
        for (peer, expected) in [
            ("192.0.2.7:4000", "192.0.2.0/24"),
            ("[::ffff:192.0.2.9]:1", "192.0.2.0/24"),
            ("[2001:db8:1:2:3::4]:1", "2001:db8:1:2::/64"),
            ("root", "root"),
        ] {
            assert_eq!(source(peer), expected);
        }
    }
}
