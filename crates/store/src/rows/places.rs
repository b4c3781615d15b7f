//! Reading where objects lie.

use super::{Place, Tables, place};
use crate::pack::Item;
use crate::{Error, Result};
use model::{Id, Tenant};
use rusqlite::{OptionalExtension, Row, params};

/// A pack as the tables know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackRow {
    /// Its records end here; 0 while it is an open segment.
    pub good: u64,
    /// Bytes of objects and sidecars.
    pub bytes: u64,
    /// Those that nothing names any more.
    pub dead: u64,
}

impl Tables {
    /// Where an object or sidecar lies.
    pub fn place(&self, tenant: &Tenant, id: Id, part: u8) -> Result<Option<(u64, u64, u64)>> {
        let mut found = self
            .rows
            .prepare_cached("SELECT pack, at, len FROM place WHERE id = ?1 AND tenant = ?2 AND part = ?3")?;
        let found = found.query_row(params![id.0.as_slice(), tenant.as_str(), part], |r| {
            Ok((number(r, 0)?, number(r, 1)?, number(r, 2)?))
        });
        Ok(found.optional()?)
    }

    /// Places behind `after`, at most `count`, in a fixed order.
    pub fn places_after(&self, after: Option<&Place>, count: usize) -> Result<Vec<Place>> {
        let mut found = self.rows.prepare_cached(
            "SELECT id, tenant, part, pack, at, len FROM place WHERE (id, tenant, part) > (?1, ?2, ?3) \
             ORDER BY id, tenant, part LIMIT ?4",
        )?;
        let (id, tenant, part) = after.map_or((&[][..], "", 0), |p| (&p.id.0[..], p.tenant.as_str(), p.part));
        let mut rows = found.query(params![id, tenant, part, count as i64])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let id: Vec<u8> = row.get(0)?;
            let tenant: String = row.get(1)?;
            out.push(Place {
                id: Id(id.try_into().map_err(|_| Error::Damaged("place"))?),
                tenant: tenant.parse().map_err(|_| Error::Damaged("place"))?,
                part: row.get(2)?,
                pack: number(row, 3)?,
                at: number(row, 4)?,
                len: number(row, 5)?,
            });
        }
        Ok(out)
    }

    /// A pack.
    pub fn pack(&self, of: u64) -> Result<Option<PackRow>> {
        let mut found = self.rows.prepare_cached("SELECT good, bytes, dead FROM pack WHERE number = ?1")?;
        let found = found.query_row([of.cast_signed()], |r| {
            Ok(PackRow { good: number(r, 0)?, bytes: number(r, 1)?, dead: number(r, 2)? })
        });
        Ok(found.optional()?)
    }

    /// Numbers of the closed packs, in order.
    pub fn packs(&self) -> Result<Vec<u64>> {
        let mut found = self.rows.prepare_cached("SELECT number FROM pack WHERE good > 0 ORDER BY number")?;
        let found = found.query_map([], |r| number(r, 0))?;
        Ok(found.collect::<std::result::Result<_, _>>()?)
    }

    /// Takes in a pack that the tables do not know: they are of an older backup.
    pub fn adopt(&mut self, of: u64, good: u64, items: &[Item]) -> Result<()> {
        let bytes: u64 = items.iter().map(|item| item.len).sum();
        let rows = self.rows.transaction()?;
        place(&rows, of, items.iter())?;
        rows.execute(
            "INSERT INTO pack VALUES (?1, ?2, ?3, 0) \
             ON CONFLICT (number) DO UPDATE SET good = excluded.good, bytes = excluded.bytes",
            params![of.cast_signed(), good.cast_signed(), bytes.cast_signed()],
        )?;
        Ok(rows.commit()?)
    }

    /// Whether anything lies in a pack: asked before it is removed, whatever its counts say.
    pub fn in_use(&self, of: u64) -> Result<bool> {
        let mut found = self.rows.prepare_cached("SELECT 1 FROM place WHERE pack = ?1 LIMIT 1")?;
        Ok(found.exists([of.cast_signed()])?)
    }

    /// A pack of which nothing is left was removed.
    pub fn forget_pack(&mut self, of: u64) -> Result<()> {
        self.rows.execute("DELETE FROM pack WHERE number = ?1", [of.cast_signed()])?;
        Ok(())
    }
}

fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}
