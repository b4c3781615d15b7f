//! Counting what the tables hold, copying and checking them.

use super::{ROWS_FILE, Row, Tables, WHOLE, WRAPS_FILE, row_of};
use crate::tally::{Fingerprint, RowMark, Sum, Tally};
use crate::{Error, Result};
use model::{Id, Tenant};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

impl Tables {
    /// Sums of all rows and wraps, counted anew; `believe`: the wraps' sum that was kept with the last move is enough.
    pub fn tally(&self, believe: bool) -> Result<Tally> {
        let Some(print) = &self.print else { return Ok(Tally::default()) };
        let mut tally = Tally::default();
        // The table itself: whoever writes the file could leave an index as it was.
        let mut statement = self.rows.prepare("SELECT key_hash, kind, version, seq FROM row NOT INDEXED")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mark = RowMark {
                kind: row.get(1)?,
                version: row.get::<_, i64>(2)?.cast_unsigned(),
                seq: row.get::<_, i64>(3)?.cast_unsigned(),
            };
            let key = row.get_ref(0)?.as_blob().map_err(|_| Error::Damaged("row key"))?;
            tally.rows.add(&print.row(key, mark));
        }
        tally.wraps = match self.counted(print)?.filter(|_| believe) {
            Some(sum) => sum,
            None => self.count_wraps(print)?,
        };
        Ok(tally)
    }

    fn count_wraps(&self, print: &Fingerprint) -> Result<Sum> {
        let mut sum = Sum::default();
        let mut statement = self.wraps.prepare("SELECT key_hash, seq, sealed FROM wrap")?;
        let mut wraps = statement.query([])?;
        while let Some(wrap) = wraps.next()? {
            let bad = |_| Error::Damaged("wrap");
            let (key, sealed) =
                (wrap.get_ref(0)?.as_blob().map_err(bad)?, wrap.get_ref(2)?.as_blob().map_err(bad)?);
            sum.add(&print.wrap(key, wrap.get::<_, i64>(1)?.cast_unsigned(), sealed));
        }
        Ok(sum)
    }

    /// The wraps' sum as it was kept with the last move; nothing when it is not of now.
    fn counted(&self, print: &Fingerprint) -> Result<Option<Sum>> {
        let found = self
            .wraps
            .query_row("SELECT seq, sum FROM counted", [], |r| {
                Ok((r.get::<_, i64>(0)?, r.get::<_, Vec<u8>>(1)?))
            })
            .optional()?;
        let Some((seq, sum)) = found else { return Ok(None) };
        let Ok(sum) = <[u8; 32]>::try_from(sum) else { return Ok(None) };
        let now = self.next_seq()? == seq.cast_unsigned() + 1;
        Ok(now.then(|| print.show(seq.cast_unsigned(), &sum)))
    }

    /// Copies both tables as they are between two moves, each whole and durable. Where objects lie is left out: a copy's
    /// objects lie elsewhere.
    pub fn copy(&self, rows: &Path, wraps: &Path) -> Result<()> {
        for (connection, to) in [(&self.rows, rows), (&self.wraps, wraps)] {
            connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
        }
        Connection::open(rows)?.execute_batch("DELETE FROM place; DELETE FROM pack;")?;
        for to in [rows, wraps] {
            std::fs::File::open(to)?.sync_all()?;
        }
        Ok(())
    }

    /// From now on its own file counts, not its place in a pack.
    pub fn displace(&self, tenant: &Tenant, id: Id, part: u8) -> Result<()> {
        self.rows.execute(
            "DELETE FROM place WHERE id = ?1 AND tenant = ?2 AND part = ?3",
            params![id.0.as_slice(), tenant.as_str(), part],
        )?;
        Ok(())
    }

    /// What the database itself finds wrong, by file.
    pub fn integrity(&self) -> Vec<(&'static str, String)> {
        let mut out = Vec::new();
        for (connection, name) in [(&self.rows, ROWS_FILE), (&self.wraps, WRAPS_FILE)] {
            let said = connection.query_row("PRAGMA integrity_check(1)", [], |r| r.get::<_, String>(0));
            match said {
                Ok(text) if text == "ok" => {}
                Ok(text) => out.push((name, text)),
                Err(error) => out.push((name, error.to_string())),
            }
        }
        out
    }

    /// Rows of all kinds; after an error what follows is read from the other end.
    pub fn all(&self, each: &mut dyn FnMut(Row)) -> Result<()> {
        let read = |order: &str, each: &mut dyn FnMut(Row)| -> Result<()> {
            let sql = format!("{WHOLE} ORDER BY key_hash {order}");
            let mut statement = self.rows.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(row_of(row)?);
            }
            Ok(())
        };
        let mut seen = std::collections::HashSet::new();
        let first = read("ASC", &mut |row| {
            seen.insert(row.key);
            each(row);
        });
        if first.is_err() {
            // A damaged page in the middle: what lies behind it, from the end.
            let _ = read("DESC", &mut |row| {
                if seen.insert(row.key) {
                    each(row);
                }
            });
        }
        first
    }
}
