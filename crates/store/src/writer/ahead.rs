//! Rows and wraps as they are behind what a batch has staged, and the tally that goes with them.

use crate::commit::{Commit, RowWrite, WrapWrite};
use crate::open::Shared;
use crate::tally::{Fingerprint, RowMark, Tally};
use crate::{Error, Result};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A wrap with the number of its commit.
type Wrap = (u64, Vec<u8>);

#[derive(Default)]
pub struct Ahead {
    rows: HashMap<[u8; 32], RowMark>,
    wraps: HashMap<[u8; 32], Option<Wrap>>,
}

impl Ahead {
    /// Version of a row that was looked up; 0: it is not there.
    pub fn version(&self, key: &[u8; 32]) -> u64 {
        self.rows.get(key).map_or(0, |row| row.version)
    }

    /// Reads what a commit changes, unless the batch has it already. Counting cannot fail after this.
    pub fn look_up(&mut self, shared: &Shared, commit: &Commit) -> Result<()> {
        for row in &commit.rows {
            if !self.rows.contains_key(&row.key)
                && let Some(row) = shared.row(&row.key)?
            {
                self.rows.insert(row.key, RowMark { kind: row.kind, version: row.version, seq: row.seq });
            }
        }
        if shared.options.fingerprint.is_none() {
            return Ok(());
        }
        if commit.leaves.is_empty() {
            // The tables are known by what the last entry says of them.
            return Err(Error::Damaged("a change without a ledger entry"));
        }
        for wrap in &commit.wraps {
            if let Entry::Vacant(place) = self.wraps.entry(wrap.key) {
                place.insert(shared.wrap(&wrap.key)?);
            }
        }
        Ok(())
    }

    /// Brings the tally to where it is behind commit `seq`.
    pub fn count(
        &mut self,
        print: Option<&Fingerprint>,
        (rows, wraps): (&[RowWrite], &[WrapWrite]),
        seq: u64,
        tally: &mut Tally,
    ) {
        for row in rows {
            let mark = RowMark { kind: row.kind, version: row.expect + 1, seq };
            let old = self.rows.insert(row.key, mark);
            if let Some(print) = print {
                old.iter().for_each(|old| tally.rows.take(&print.row(&row.key, *old)));
                tally.rows.add(&print.row(&row.key, mark));
            }
        }
        let Some(print) = print else { return };
        for wrap in wraps {
            let old = self.wraps.insert(wrap.key, Some((seq, wrap.sealed.clone())));
            if let Some((seq, sealed)) = old.flatten() {
                tally.wraps.take(&print.wrap(&wrap.key, seq, &sealed));
            }
            tally.wraps.add(&print.wrap(&wrap.key, seq, &wrap.sealed));
        }
    }
}
