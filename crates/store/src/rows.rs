//! Sealed rows and wraps at rest, in two SQLite files: wraps have backups of their own, kept shorter (DESIGN.md §3). Beside
//! the rows stands which pack has which object, under random references.

use crate::pack::Item;
use crate::segment::RowRecord;
use crate::tally::{Fingerprint, Sum};
use crate::{Error, Result};
use model::{Id, Tenant};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::HashMap;
use std::path::Path;

/// A sealed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Keyed hash.
    pub key: [u8; 32],
    /// Kind.
    pub kind: u8,
    /// Version, from 1.
    pub version: u64,
    /// Number of the commit that wrote it.
    pub seq: u64,
    /// Content.
    pub sealed: Vec<u8>,
}

/// One commit on its way to the tables.
pub struct Moved {
    pub seq: u64,
    pub rows: Vec<RowRecord>,
    pub wraps: Vec<([u8; 32], Vec<u8>)>,
    /// Its object and sidecars in the segment.
    pub items: Vec<Item>,
    pub gone: Vec<(Tenant, Id)>,
}

/// A segment is closed: all of its records, up to byte `good`, are in the tables.
#[derive(Debug, Clone, Copy)]
pub struct Closing {
    pub number: u64,
    pub good: u64,
    /// Bytes of its objects and sidecars.
    pub bytes: u64,
}

/// Where an object or sidecar lies in a pack or in a segment that will be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub tenant: Tenant,
    pub id: Id,
    pub part: u8,
    pub pack: u64,
    pub at: u64,
    pub len: u64,
}

pub struct Tables {
    rows: Connection,
    wraps: Connection,
    print: Option<Fingerprint>,
}

/// What is counted at each start stands apart from what is sealed: 60 bytes a row are read, not 2,000
/// (docs/decisions/0088-rows-apart.md).
const ROWS: &str = "CREATE TABLE IF NOT EXISTS row (key_hash BLOB PRIMARY KEY, seq INTEGER NOT NULL, \
     generation INTEGER NOT NULL, version INTEGER NOT NULL, kind INTEGER NOT NULL) WITHOUT ROWID; \
     CREATE TABLE IF NOT EXISTS moved (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL); \
     CREATE TABLE IF NOT EXISTS place (id BLOB NOT NULL, tenant TEXT NOT NULL, part INTEGER NOT NULL, \
     pack INTEGER NOT NULL, at INTEGER NOT NULL, len INTEGER NOT NULL, PRIMARY KEY (id, tenant, part)) WITHOUT ROWID; \
     CREATE TABLE IF NOT EXISTS pack (number INTEGER PRIMARY KEY, good INTEGER NOT NULL, bytes INTEGER NOT NULL, \
     dead INTEGER NOT NULL);";
const CONTENT: &str =
    "CREATE TABLE IF NOT EXISTS content (key_hash BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;";
const WRAPS: &str = "CREATE TABLE IF NOT EXISTS wrap (key_hash BLOB PRIMARY KEY, seq INTEGER NOT NULL, \
     sealed BLOB NOT NULL) WITHOUT ROWID; \
     CREATE TABLE IF NOT EXISTS counted (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, sum BLOB NOT NULL);";

/// Rows with their content; one without is a row that does not open.
const WHOLE: &str = "SELECT key_hash, version, seq, kind, coalesce(content.sealed, x'') FROM row LEFT JOIN content USING (key_hash)";

/// The file of rows.
pub const ROWS_FILE: &str = "rows.sqlite";
/// The file of wraps.
pub const WRAPS_FILE: &str = "wraps.sqlite";

impl Tables {
    pub fn open(data: &Path, print: Option<Fingerprint>) -> Result<Self> {
        let open = |name: &str, schema: &str| -> Result<Connection> {
            let connection = Connection::open(data.join(name))?;
            // FULL: a segment is dropped after the transaction, so the transaction must be on the disk.
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 5000;",
            )?;
            connection.execute_batch(schema)?;
            Ok(connection)
        };
        let rows = open(ROWS_FILE, ROWS)?;
        let older = "CREATE TEMP VIEW content AS SELECT key_hash, sealed FROM main.row;";
        rows.execute_batch(if joined(&rows)? { older } else { CONTENT })?;
        Ok(Self { rows, wraps: open(WRAPS_FILE, WRAPS)?, print })
    }

    /// The tables of a home of version 2 or older as they are now; all of it, or nothing of it.
    pub fn renew(&mut self) -> Result<()> {
        if !joined(&self.rows)? {
            return Ok(());
        }
        let change = self.rows.transaction()?;
        change.execute_batch(
            "DROP VIEW content; DROP INDEX IF EXISTS row_seq; ALTER TABLE row RENAME TO before;",
        )?;
        change.execute_batch(ROWS)?;
        change.execute_batch(CONTENT)?;
        change.execute_batch(
            "INSERT INTO row SELECT key_hash, seq, generation, version, kind FROM before; \
             INSERT INTO content SELECT key_hash, sealed FROM before; DROP TABLE before;",
        )?;
        Ok(change.commit()?)
    }

    pub fn row(&self, key: &[u8; 32]) -> Result<Option<Row>> {
        let mut statement = self.rows.prepare_cached(&format!("{WHOLE} WHERE key_hash = ?1"))?;
        let mut rows = statement.query([key.as_slice()])?;
        rows.next()?.map(row_of).transpose()
    }

    /// A wrap with the number of the commit that wrote it.
    pub fn wrap(&self, key: &[u8; 32]) -> Result<Option<(u64, Vec<u8>)>> {
        let mut statement = self.wraps.prepare_cached("SELECT seq, sealed FROM wrap WHERE key_hash = ?1")?;
        let found = statement.query_row([key.as_slice()], |r| Ok((r.get::<_, i64>(0)?, r.get(1)?)));
        Ok(found.optional()?.map(|(seq, sealed)| (seq.cast_unsigned(), sealed)))
    }

    /// Rows of these kinds.
    pub fn each(&self, kinds: &[u8], each: &mut dyn FnMut(Row)) -> Result<()> {
        let names = self.names("kind", &mut |kind| kinds.contains(&(kind as u8)))?;
        self.each_of(names, each)
    }

    /// Rows that commits from this one on wrote.
    pub fn each_since(&self, seq: u64, each: &mut dyn FnMut(Row)) -> Result<()> {
        let names = self.names("seq", &mut |of| of >= seq)?;
        self.each_of(names, each)
    }

    /// Names from the table that was counted: an index beside it could leave some out.
    fn names(&self, column: &str, wanted: &mut dyn FnMut(u64) -> bool) -> Result<Vec<[u8; 32]>> {
        let mut out = Vec::new();
        let mut statement = self.rows.prepare(&format!("SELECT key_hash, {column} FROM row NOT INDEXED"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if wanted(row.get::<_, i64>(1)?.cast_unsigned()) {
                out.push(row.get(0)?);
            }
        }
        Ok(out)
    }

    fn each_of(&self, names: Vec<[u8; 32]>, each: &mut dyn FnMut(Row)) -> Result<()> {
        for name in names {
            self.row(&name)?.into_iter().for_each(&mut *each);
        }
        Ok(())
    }

    /// Number of the next commit.
    pub fn next_seq(&self) -> Result<u64> {
        let seq: Option<i64> = self.rows.query_row("SELECT seq FROM moved", [], |r| r.get(0)).optional()?;
        Ok(seq.map_or(0, |seq| seq.cast_unsigned() + 1))
    }

    /// Writes what moved commits bring: wraps, rows, and where the objects of segment `pack` lie. Idempotent: a commit that
    /// was written before is skipped, so that a wrap that was destroyed since does not come back. Answers packs of which
    /// nothing is left.
    /// `sum` is that of all wraps behind them, when it is known.
    pub fn apply(
        &mut self,
        moved: &[Moved],
        pack: u64,
        closing: Option<Closing>,
        sum: Option<Sum>,
    ) -> Result<Vec<u64>> {
        let next = self.next_seq()?;
        let new = || moved.iter().filter(|m| m.seq >= next);
        // Wraps first: a row without its wrap would be a film that nobody can open.
        self.apply_wraps(new(), sum)?;
        let rows = self.rows.transaction()?;
        // A page of a series is in many commits of one segment; its last version counts.
        let mut last: HashMap<&[u8; 32], (u64, &RowRecord)> = HashMap::new();
        new().for_each(|m| last.extend(m.rows.iter().map(|row| (&row.key, (m.seq, row)))));
        {
            let mut put = rows.prepare_cached(
                "INSERT INTO row VALUES (?1, ?2, 1, ?3, ?4) ON CONFLICT (key_hash) DO UPDATE SET seq = excluded.seq, \
                 version = excluded.version, kind = excluded.kind WHERE excluded.seq >= row.seq",
            )?;
            let mut fill = rows.prepare_cached(
                "INSERT INTO content VALUES (?1, ?2) ON CONFLICT (key_hash) DO UPDATE SET sealed = excluded.sealed",
            )?;
            for (seq, row) in last.into_values() {
                let (key, version) = (row.key.as_slice(), row.version.cast_signed());
                if put.execute(params![key, seq.cast_signed(), version, row.kind])? > 0 {
                    fill.execute(params![key, row.sealed])?;
                }
            }
        }
        place(&rows, pack, new().flat_map(|m| &m.items))?;
        new().flat_map(|m| &m.gone).try_for_each(|(tenant, id)| forget(&rows, tenant, *id))?;
        if let Some(Closing { number, good, bytes }) = closing {
            rows.execute(
                "INSERT INTO pack VALUES (?1, ?2, ?3, 0) \
                 ON CONFLICT (number) DO UPDATE SET good = excluded.good, bytes = excluded.bytes",
                params![number.cast_signed(), good.cast_signed(), bytes.cast_signed()],
            )?;
        }
        if let Some(m) = moved.last() {
            rows.execute(
                "INSERT INTO moved VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET seq = max(seq, excluded.seq)",
                [m.seq.cast_signed()],
            )?;
        }
        let empty = empty(&rows)?;
        rows.commit()?;
        Ok(empty)
    }

    fn apply_wraps<'a>(&mut self, moved: impl Iterator<Item = &'a Moved>, sum: Option<Sum>) -> Result<()> {
        let mut last = None;
        let wraps = self.wraps.transaction()?;
        {
            let mut put = wraps.prepare_cached(
                "INSERT INTO wrap VALUES (?1, ?2, ?3) ON CONFLICT (key_hash) DO UPDATE SET seq = excluded.seq, \
                 sealed = excluded.sealed WHERE excluded.seq >= wrap.seq",
            )?;
            for m in moved {
                last = Some(m.seq);
                for (key, sealed) in &m.wraps {
                    put.execute(params![key.as_slice(), m.seq.cast_signed(), sealed])?;
                }
            }
        }
        if let (Some(print), Some(sum), Some(seq)) = (&self.print, sum, last) {
            wraps.execute(
                "INSERT OR REPLACE INTO counted VALUES (1, ?1, ?2)",
                params![seq.cast_signed(), print.hide(seq, sum).as_slice()],
            )?;
        }
        Ok(wraps.commit()?)
    }
}

/// Homes of version 2 and older have both in one table.
fn joined(rows: &Connection) -> Result<bool> {
    let sql = "SELECT count(*) FROM pragma_table_info('row') WHERE name = 'sealed'";
    Ok(rows.query_row(sql, [], |r| r.get::<_, i64>(0))? > 0)
}

/// Of [`WHOLE`].
fn row_of(row: &rusqlite::Row<'_>) -> Result<Row> {
    let key: Vec<u8> = row.get(0)?;
    Ok(Row {
        key: key.try_into().map_err(|_| Error::Damaged("row key"))?,
        version: row.get::<_, i64>(1)?.cast_unsigned(),
        seq: row.get::<_, i64>(2)?.cast_unsigned(),
        kind: row.get(3)?,
        sealed: row.get(4)?,
    })
}

/// A newer place of a sidecar leaves dead bytes where the older one was.
fn place<'a>(rows: &Transaction<'_>, pack: u64, items: impl Iterator<Item = &'a Item>) -> Result<()> {
    let mut known =
        rows.prepare_cached("SELECT pack, at, len FROM place WHERE id = ?1 AND tenant = ?2 AND part = ?3")?;
    let mut put = rows.prepare_cached("INSERT OR REPLACE INTO place VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for item in items {
        let name = params![item.id.0.as_slice(), item.tenant.as_str(), item.part];
        let old =
            known.query_row(name, |r| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, r.get::<_, i64>(2)?)));
        let new = (pack.cast_signed(), item.at.cast_signed());
        match old.optional()? {
            Some((pack, at, _)) if (pack, at) == new => continue,
            Some((pack, at, _)) if (pack, at) > new => {
                bury(rows, new.0, item.len.cast_signed())?;
                continue;
            }
            Some((pack, _, len)) => bury(rows, pack, len)?,
            None => {}
        }
        let (id, tenant, len) = (item.id.0.as_slice(), item.tenant.as_str(), item.len.cast_signed());
        put.execute(params![id, tenant, item.part, new.0, new.1, len])?;
    }
    Ok(())
}

fn bury(rows: &Transaction<'_>, pack: i64, len: i64) -> Result<()> {
    let mut bury = rows.prepare_cached(
        "INSERT INTO pack VALUES (?1, 0, 0, ?2) ON CONFLICT (number) DO UPDATE SET dead = dead + excluded.dead",
    )?;
    bury.execute([pack, len])?;
    Ok(())
}

fn forget(rows: &Transaction<'_>, tenant: &Tenant, id: Id) -> Result<()> {
    let mut gone =
        rows.prepare_cached("DELETE FROM place WHERE id = ?1 AND tenant = ?2 RETURNING pack, len")?;
    let found = gone
        .query_map(params![id.0.as_slice(), tenant.as_str()], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<std::result::Result<Vec<(i64, i64)>, _>>()?;
    found.into_iter().try_for_each(|(pack, len)| bury(rows, pack, len))
}

fn empty(rows: &Transaction<'_>) -> Result<Vec<u64>> {
    let mut empty =
        rows.prepare_cached("SELECT number FROM pack WHERE good > 0 AND dead >= bytes AND dead > 0")?;
    let found = empty.query_map([], |r| r.get::<_, i64>(0))?.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(found.into_iter().map(i64::cast_unsigned).collect())
}

mod counting;
mod places;
