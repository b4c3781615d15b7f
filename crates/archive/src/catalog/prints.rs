//! Where an identifier may be found: a keyed fingerprint and the number of a study, twelve bytes each. What is found is
//! compared before it is believed, so a wrong or an old one costs a look and nothing more. The key is random: nobody can
//! choose identifiers that collide.

use std::collections::BTreeSet;

/// What is looked up. Numbers stay: they are part of the fingerprint in snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Of {
    Study = 1,
    Series = 2,
    Instance = 3,
    /// (0010,0020).
    Number = 4,
    /// The patient's reference.
    Patient = 5,
    Accession = 6,
}

/// New ones are kept apart until there are so many.
const FRESH: usize = 1 << 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Print {
    high: u32,
    low: u32,
    slot: u32,
}

/// Bytes of one in a snapshot.
pub const PRINT_BYTES: usize = 12;

/// All of them.
#[derive(Debug, Default, Clone)]
pub struct Prints {
    key: (u64, u64),
    sorted: Vec<Print>,
    fresh: BTreeSet<Print>,
}

impl Prints {
    /// None yet, under this key.
    pub fn new(key: (u64, u64)) -> Self {
        Self { key, ..Self::default() }
    }

    /// The key.
    pub const fn key(&self) -> (u64, u64) {
        self.key
    }

    #[expect(
        deprecated,
        reason = "the only hash of std that takes a key; a flood of chosen identifiers must not collide"
    )]
    fn print(&self, of: Of, bytes: &[u8], slot: u32) -> Print {
        use std::hash::Hasher;
        let mut hasher = std::hash::SipHasher::new_with_keys(self.key.0, self.key.1);
        hasher.write_u8(of as u8);
        hasher.write(bytes);
        let [a, b, c, d, e, f, g, h] = hasher.finish().to_be_bytes();
        Print { high: u32::from_be_bytes([a, b, c, d]), low: u32::from_be_bytes([e, f, g, h]), slot }
    }

    /// Remembers where an identifier is.
    pub fn add(&mut self, of: Of, bytes: &[u8], slot: u32) {
        let print = self.print(of, bytes, slot);
        if self.sorted.binary_search(&print).is_err() {
            self.fresh.insert(print);
        }
        if self.fresh.len() > FRESH.max(self.sorted.len() / 8) {
            self.settle();
        }
    }

    /// Sorts.
    pub fn settle(&mut self) {
        self.sorted.extend(std::mem::take(&mut self.fresh));
        self.sorted.sort_unstable();
        self.sorted.dedup();
    }

    /// Studies that may have it, each once.
    pub fn find(&self, of: Of, bytes: &[u8]) -> Vec<u32> {
        let from = self.print(of, bytes, 0);
        let same = |print: &&Print| (print.high, print.low) == (from.high, from.low);
        let start = self.sorted.partition_point(|print| *print < from);
        let sorted = self.sorted.get(start..).unwrap_or_default().iter().take_while(same);
        sorted.chain(self.fresh.range(from..).take_while(same)).map(|print| print.slot).collect()
    }

    /// For a snapshot.
    pub fn write(&self, out: &mut Vec<u8>) {
        for print in self.sorted.iter().chain(&self.fresh) {
            for part in [print.high, print.low, print.slot] {
                out.extend_from_slice(&part.to_le_bytes());
            }
        }
    }

    /// From a snapshot; they may come in any order.
    pub fn read(&mut self, bytes: &[u8]) {
        let (parts, _) = bytes.as_chunks::<PRINT_BYTES>();
        self.sorted.extend(parts.iter().map(|[a, b, c, d, e, f, g, h, i, j, k, l]| Print {
            high: u32::from_le_bytes([*a, *b, *c, *d]),
            low: u32::from_le_bytes([*e, *f, *g, *h]),
            slot: u32::from_le_bytes([*i, *j, *k, *l]),
        }));
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.sorted.len() + self.fresh.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found() {
        let mut prints = Prints::new((1, 2));
        for n in 0..(FRESH as u32 + 2) {
            prints.add(Of::Instance, n.to_string().as_bytes(), n / 2);
        }
        prints.add(Of::Study, b"7", 9);
        assert!(prints.fresh.len() < FRESH, "they were moved");
        assert_eq!(prints.find(Of::Instance, b"7"), [3]);
        assert_eq!(prints.find(Of::Study, b"7"), [9]);
        assert_eq!(prints.find(Of::Series, b"7"), [0; 0]);
        prints.add(Of::Instance, b"7", 3);
        prints.add(Of::Instance, b"7", 12);
        assert_eq!(prints.find(Of::Instance, b"7"), [3, 12]);
        let (mut bytes, mut again) = (Vec::new(), Prints::new((1, 2)));
        prints.write(&mut bytes);
        again.read(&bytes);
        again.settle();
        assert_eq!(again.find(Of::Instance, b"7"), [3, 12]);
        assert_eq!(again.len(), prints.len());
    }
}
