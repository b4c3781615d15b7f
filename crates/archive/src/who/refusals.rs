//! Calls without any valid proof, counted per source and minute: one entry each, else anybody fills the disk.

use model::Time;
use std::collections::{HashMap, HashSet};

/// Sources counted apart; the rest share one entry.
const SOURCES: usize = 100;
const OTHERS: &str = "others";

/// Counts of the running minute.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: HashMap<(String, u64), u64>,
    /// Accounts and sources with an entry in the minute.
    told: HashSet<(String, String)>,
    minute: u64,
}

impl Refusals {
    /// One more from this peer (`address:port`).
    pub fn note(&mut self, peer: &str, now: Time) {
        let source = &source(peer);
        let minute = minute(now);
        let known = self.counts.contains_key(&(source.to_owned(), minute));
        let source = if known || self.counts.len() < SOURCES { source.as_str() } else { OTHERS };
        *self.counts.entry((source.to_owned(), minute)).or_default() += 1;
    }

    /// The first wrong password for this account from this source in this minute: it gets an entry of its own.
    pub fn first(&mut self, user: &str, source: &str, now: Time) -> bool {
        if self.minute != minute(now) {
            self.minute = minute(now);
            self.told.clear();
        }
        self.told.len() < SOURCES && self.told.insert((user.to_owned(), source.to_owned()))
    }

    /// All counts so far: source, minute, number.
    pub fn take(&mut self) -> Vec<(String, u64, u64)> {
        let mut all: Vec<_> =
            self.counts.drain().map(|((source, minute), count)| (source, minute, count)).collect();
        all.sort();
        all
    }
}

/// The address; of IPv6 the 64 bits that one subscriber has, else each call would come from somewhere else.
fn source(peer: &str) -> String {
    let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host);
    match host.trim_matches(['[', ']']).parse() {
        Ok(std::net::IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("[{}]/64", std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        _ => host.to_owned(),
    }
}

fn minute(now: Time) -> u64 {
    u64::try_from(now.seconds().div_euclid(60)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_entry_a_source_and_minute() {
        let mut refusals = Refusals::default();
        for i in 0..500 {
            refusals.note(&format!("10.0.0.1:{i}"), Time(0));
        }
        refusals.note("10.0.0.1:9", Time(0).plus_seconds(60));
        assert_eq!(refusals.take(), [("10.0.0.1".into(), 0, 500), ("10.0.0.1".into(), 1, 1)]);
        for i in 0..500 {
            refusals.note(&format!("[2001:db8::{i:x}]:443"), Time(0));
        }
        assert_eq!(refusals.take(), [("[2001:db8::]/64".into(), 0, 500)]);
        for i in 0..SOURCES + 5 {
            refusals.note(&format!("10.{}.{}.1:1", i / 250, i % 250), Time(0));
        }
        assert_eq!(refusals.take().len(), SOURCES + 1);
    }
}
