//! A running digest of all rows and wraps, so that one that was deleted, put back or put in is noticed: the sum, modulo
//! 2^256, of a keyed hash of each (docs/decisions/0072-tally.md). A commit changes it by what it takes away and adds, so it
//! costs a few hashes whatever the size of the tables. The store is given the hash as a function; it never sees its key.

use std::sync::Arc;

/// A keyed hash of a labelled list. Its key stays with whoever made it.
#[derive(Clone)]
pub struct Fingerprint(Arc<Hash>);

type Hash = dyn Fn(&str, &[&[u8]]) -> [u8; 32] + Send + Sync;

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// A sum modulo 2^256 of keyed hashes. Without the key nothing of it may be seen: sums of known differences can be
/// balanced (Wagner, CRYPTO 2002). So it leaves memory only behind [`Fingerprint::state`] or a pad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum([u64; 4]);

impl Sum {
    fn limbs(bytes: &[u8; 32]) -> [u64; 4] {
        let mut chunks = bytes.as_chunks::<8>().0.iter().map(|c| u64::from_be_bytes(*c));
        [(); 4].map(|()| chunks.next().unwrap_or(0))
    }

    fn bytes(self) -> [u8; 32] {
        let mut out = [0; 32];
        out.iter_mut().zip(self.0.iter().flat_map(|l| l.to_be_bytes())).for_each(|(to, from)| *to = from);
        out
    }

    /// Takes in a hash.
    pub fn add(&mut self, hash: &[u8; 32]) {
        let mut carry = false;
        for (limb, other) in self.0.iter_mut().zip(Self::limbs(hash)).rev() {
            let (sum, first) = limb.overflowing_add(other);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, first || second);
        }
    }

    /// Takes a hash out.
    pub fn take(&mut self, hash: &[u8; 32]) {
        let mut borrow = false;
        for (limb, other) in self.0.iter_mut().zip(Self::limbs(hash)).rev() {
            let (rest, first) = limb.overflowing_sub(other);
            let (rest, second) = rest.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (rest, first || second);
        }
    }
}

/// Sums of all rows and of all wraps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of rows.
    pub rows: Sum,
    /// Of wraps.
    pub wraps: Sum,
}

/// What counts of a row: its content is bound to name, kind and version by its seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowMark {
    pub kind: u8,
    pub version: u64,
    pub seq: u64,
}

impl Fingerprint {
    /// Of a function.
    #[must_use]
    pub fn new(hash: impl Fn(&str, &[&[u8]]) -> [u8; 32] + Send + Sync + 'static) -> Self {
        Self(Arc::new(hash))
    }

    pub(crate) fn row(&self, key: &[u8], mark: RowMark) -> [u8; 32] {
        let RowMark { kind, version, seq } = mark;
        (self.0)("row", &[key, &[kind], &version.to_be_bytes(), &seq.to_be_bytes()])
    }

    pub(crate) fn wrap(&self, key: &[u8], seq: u64, sealed: &[u8]) -> [u8; 32] {
        (self.0)("wrap", &[key, &seq.to_be_bytes(), sealed])
    }

    /// What an entry says of the tables behind its commit: 16 bytes for rows, 16 for wraps, bound to the entry's place.
    #[must_use]
    pub fn state(&self, index: u64, seq: u64, tally: &Tally) -> [u8; 32] {
        let (index, seq) = (index.to_be_bytes(), seq.to_be_bytes());
        let rows = (self.0)("state/rows", &[&index, &seq, &tally.rows.bytes()]);
        // Without the commit's number: that stands in the rows' file, and one file is older without the other.
        let wraps = (self.0)("state/wraps", &[&index, &tally.wraps.bytes()]);
        let mut out = [0; 32];
        let both = rows.iter().take(16).chain(wraps.iter().take(16));
        out.iter_mut().zip(both).for_each(|(to, from)| *to = *from);
        out
    }

    /// A sum as it may lie beside the table; `seq` is never used for two sums that are both kept.
    pub(crate) fn hide(&self, seq: u64, mut sum: Sum) -> [u8; 32] {
        sum.add(&(self.0)("pad", &[&seq.to_be_bytes()]));
        sum.bytes()
    }

    /// The reverse.
    pub(crate) fn show(&self, seq: u64, hidden: &[u8; 32]) -> Sum {
        let mut sum = Sum(Sum::limbs(hidden));
        sum.take(&(self.0)("pad", &[&seq.to_be_bytes()]));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_taking_undoes_adding() {
        let hashes: Vec<[u8; 32]> = (0..50u8).map(|n| [n.wrapping_mul(77) | 0x80; 32]).collect();
        let mut forward = Sum::default();
        hashes.iter().for_each(|h| forward.add(h));
        let mut backward = Sum::default();
        hashes.iter().rev().for_each(|h| backward.add(h));
        assert_eq!(forward, backward);
        hashes.iter().for_each(|h| forward.take(h));
        assert_eq!(forward, Sum::default());
        // 2^256 - 1 + 1 = 0: the carry runs through all limbs.
        let mut all = Sum::default();
        all.add(&[0xFF; 32]);
        let mut one = [0; 32];
        one[31] = 1;
        all.add(&one);
        assert_eq!(all, Sum::default());
        all.take(&one);
        assert_eq!(all.bytes(), [0xFF; 32]);
    }

    #[test]
    fn a_hidden_sum_comes_back_for_its_number_only() {
        let hash = Fingerprint::new(|label, parts| {
            let mut out = [label.len() as u8; 32];
            parts.concat().iter().zip(out.iter_mut()).for_each(|(from, to)| *to ^= from);
            out
        });
        let mut sum = Sum::default();
        sum.add(&[9; 32]);
        let hidden = hash.hide(7, sum);
        assert_ne!(hidden, sum.bytes());
        assert_eq!(hash.show(7, &hidden), sum);
        assert_ne!(hash.show(8, &hidden), sum);
    }
}
