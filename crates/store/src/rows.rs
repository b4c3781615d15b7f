//! Sealed rows and wraps at rest, in two SQLite files: wraps have backups of their own, kept shorter (DESIGN.md §3).

use crate::{Error, Result};
use rusqlite::{Connection, OptionalExtension, params};
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

pub struct Tables {
    rows: Connection,
    wraps: Connection,
}

const ROWS: &str = "CREATE TABLE IF NOT EXISTS row (key_hash BLOB PRIMARY KEY, seq INTEGER NOT NULL, \
     generation INTEGER NOT NULL, version INTEGER NOT NULL, kind INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID; \
     CREATE INDEX IF NOT EXISTS row_seq ON row (seq); \
     CREATE TABLE IF NOT EXISTS moved (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL);";
const WRAPS: &str = "CREATE TABLE IF NOT EXISTS wrap (key_hash BLOB PRIMARY KEY, seq INTEGER NOT NULL, \
     sealed BLOB NOT NULL) WITHOUT ROWID;";

impl Tables {
    pub fn open(data: &Path) -> Result<Self> {
        let open = |name: &str, schema: &str| -> Result<Connection> {
            let connection = Connection::open(data.join(name))?;
            // FULL: a segment is dropped after the transaction, so the transaction must be on the disk.
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 5000;",
            )?;
            connection.execute_batch(schema)?;
            Ok(connection)
        };
        Ok(Self { rows: open("rows.sqlite", ROWS)?, wraps: open("wraps.sqlite", WRAPS)? })
    }

    pub fn row(&self, key: &[u8; 32]) -> Result<Option<Row>> {
        let mut statement =
            self.rows.prepare_cached("SELECT kind, version, seq, sealed FROM row WHERE key_hash = ?1")?;
        let found = statement.query_row([key.as_slice()], |r| {
            Ok((r.get::<_, u8>(0)?, r.get::<_, i64>(1)?, r.get::<_, i64>(2)?, r.get::<_, Vec<u8>>(3)?))
        });
        let Some((kind, version, seq, sealed)) = found.optional()? else { return Ok(None) };
        Ok(Some(Row { key: *key, kind, version: version.cast_unsigned(), seq: seq.cast_unsigned(), sealed }))
    }

    pub fn wrap(&self, key: &[u8; 32]) -> Result<Option<Vec<u8>>> {
        let mut statement = self.wraps.prepare_cached("SELECT sealed FROM wrap WHERE key_hash = ?1")?;
        Ok(statement.query_row([key.as_slice()], |r| r.get(0)).optional()?)
    }

    pub fn each(&self, kind: u8, each: &mut dyn FnMut(Row)) -> Result<()> {
        let mut statement =
            self.rows.prepare("SELECT key_hash, version, seq, sealed FROM row WHERE kind = ?1")?;
        let mut rows = statement.query([kind])?;
        while let Some(row) = rows.next()? {
            each(row_of(row, kind)?);
        }
        Ok(())
    }

    /// Rows that commits from this one on wrote.
    pub fn each_since(&self, seq: u64, each: &mut dyn FnMut(Row)) -> Result<()> {
        let mut statement =
            self.rows.prepare("SELECT key_hash, version, seq, sealed, kind FROM row WHERE seq >= ?1")?;
        let mut rows = statement.query([seq.cast_signed()])?;
        while let Some(row) = rows.next()? {
            each(row_of(row, row.get(4)?)?);
        }
        Ok(())
    }

    /// Number of the next commit.
    pub fn next_seq(&self) -> Result<u64> {
        let seq: Option<i64> = self.rows.query_row("SELECT seq FROM moved", [], |r| r.get(0)).optional()?;
        Ok(seq.map_or(0, |seq| seq.cast_unsigned() + 1))
    }

    /// Writes rows and wraps of moved commits. Idempotent: an older commit never replaces a newer one.
    pub fn apply(&mut self, moved: &[crate::place::Moved]) -> Result<()> {
        let wraps = self.wraps.transaction()?;
        for (seq, _, list) in moved {
            let mut put = wraps.prepare_cached(
                "INSERT INTO wrap VALUES (?1, ?2, ?3) ON CONFLICT (key_hash) DO UPDATE SET seq = excluded.seq, \
                 sealed = excluded.sealed WHERE excluded.seq >= wrap.seq",
            )?;
            for (key, sealed) in list {
                put.execute(params![key.as_slice(), seq.cast_signed(), sealed])?;
            }
        }
        // Wraps first: a row without its wrap would be a film that nobody can open.
        wraps.commit()?;
        let rows = self.rows.transaction()?;
        for (seq, list, _) in moved {
            let mut put = rows.prepare_cached(
                "INSERT INTO row VALUES (?1, ?2, 1, ?3, ?4, ?5) ON CONFLICT (key_hash) DO UPDATE SET seq = excluded.seq, \
                 version = excluded.version, kind = excluded.kind, sealed = excluded.sealed \
                 WHERE excluded.seq >= row.seq",
            )?;
            for row in list {
                put.execute(params![
                    row.key.as_slice(),
                    seq.cast_signed(),
                    row.version.cast_signed(),
                    row.kind,
                    row.sealed
                ])?;
            }
        }
        if let Some((seq, _, _)) = moved.last() {
            rows.execute(
                "INSERT INTO moved VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET seq = max(seq, excluded.seq)",
                [seq.cast_signed()],
            )?;
        }
        rows.commit()?;
        Ok(())
    }
}

fn row_of(row: &rusqlite::Row<'_>, kind: u8) -> Result<Row> {
    let key: Vec<u8> = row.get(0)?;
    Ok(Row {
        key: key.try_into().map_err(|_| Error::Damaged("row key"))?,
        kind,
        version: row.get::<_, i64>(1)?.cast_unsigned(),
        seq: row.get::<_, i64>(2)?.cast_unsigned(),
        sealed: row.get(3)?,
    })
}
