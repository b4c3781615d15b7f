//! The index at start and at rest: from its sealed snapshot and what changed since, or from all rows; studies are read whole
//! when somebody works with them.

use super::{Vault, lock};
use crate::catalog::{Catalog, PageRecord, SNAPSHOT_FORMAT, SnapshotReader, Study, StudyRecord};
use crate::find::Pseudonyms;
use crate::sealing::Kind;
use crate::{Error, Result};
use crypto::{Key, Ladder, aead};
use model::{Tenant, Uid};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard};
use store::{Row, Store};

/// Plaintext of one block of a snapshot; all are full, so that their number says no more than how many rows there are.
const BLOCK_BYTES: usize = 1 << 20;
/// Commits after which a new snapshot is worth its writing; a start reads what changed since the last one row by row.
const CHANGES: u64 = 10_000;
/// At the end of a run fewer are.
const CHANGES_AT_STOP: u64 = 256;
/// Looks at a study that others change or pack again while its rows are read.
const ATTEMPTS: usize = 100;

/// What a snapshot says of itself in clear: `GZIX ‖ format(1) ‖ next commit: u64 BE ‖ blocks: u32 BE`. Part of each block's
/// associated data, with the tenant and the block's number.
struct Head {
    next_seq: u64,
    blocks: u32,
}

const MAGIC: &[u8; 4] = b"GZIX";

impl Head {
    fn bytes(&self) -> Vec<u8> {
        [&MAGIC[..], &[SNAPSHOT_FORMAT], &self.next_seq.to_be_bytes(), &self.blocks.to_be_bytes()].concat()
    }

    fn place(&self, tenant: &Tenant, number: u32) -> Vec<u8> {
        let tenant = tenant.as_str().as_bytes();
        [&b"gauze/1/index-snapshot\0"[..], &self.bytes(), &number.to_be_bytes(), tenant].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let ([format], rest) = rest.split_first_chunk::<1>()?;
        let (next_seq, rest) = rest.split_first_chunk::<8>()?;
        let (blocks, rest) = rest.split_first_chunk::<4>()?;
        let known = magic == MAGIC && *format == SNAPSHOT_FORMAT && rest.is_empty();
        let (next_seq, blocks) = (u64::from_be_bytes(*next_seq), u32::from_be_bytes(*blocks));
        known.then_some(Self { next_seq, blocks })
    }
}

impl Vault {
    /// The catalog, to read what needs no study whole, or to change one that [`Vault::catalog_with`] made so.
    pub(crate) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        lock(&self.catalog)
    }

    /// A study, whole, when it has a durable instance.
    pub(crate) fn study(&self, uid: &Uid) -> Result<Option<Arc<Study>>> {
        let mut catalog = self.catalog_with(uid)?;
        catalog.touch(uid);
        Ok(catalog.study(uid).cloned())
    }

    /// The catalog with this study whole, when there is one.
    pub(crate) fn catalog_with(&self, uid: &Uid) -> Result<MutexGuard<'_, Catalog>> {
        self.catalog_where(|catalog| catalog.packed(uid).map(|_| uid.clone()))
    }

    /// The catalog with the studies whole that an arriving instance joins, or may contradict.
    pub(crate) fn catalog_for(&self, study: &Uid, sop_uid: &Uid) -> Result<MutexGuard<'_, Catalog>> {
        self.catalog_where(|catalog| {
            let joined = catalog.packed(study).map(|_| study.clone());
            joined.or_else(|| catalog.packed_with(sop_uid).into_iter().next())
        })
    }

    /// Reads whole what `wanted` names, outside the lock, until it names nothing more.
    fn catalog_where(&self, wanted: impl Fn(&Catalog) -> Option<Uid>) -> Result<MutexGuard<'_, Catalog>> {
        for _ in 0..ATTEMPTS {
            let catalog = self.catalog();
            let Some(uid) = wanted(&catalog) else { return Ok(catalog) };
            let Some(packed) = catalog.packed(&uid) else { continue };
            let series = catalog.series_of(&packed)?;
            drop(catalog);
            let study = self.durable_study(&uid, &series)?.ok_or(Error::Internal("a study's row is gone"))?;
            self.catalog().load_packed(study, &packed);
        }
        Err(Error::Internal("a study is changed faster than it is read"))
    }

    /// An index for this archive, at start.
    pub(super) fn load_index(&self) -> Result<()> {
        let loaded = match self.load_snapshot() {
            Ok(Some(catalog)) => Some(catalog),
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, "the index's snapshot cannot be used; it is made anew from the rows");
                self.store.remove_snapshot().map_err(Error::Store)?;
                None
            }
        };
        let mut catalog = match loaded {
            Some(catalog) => catalog,
            None => self.index_of_rows()?,
        };
        catalog.epoch = self.store.epoch();
        let (studies, prints, bytes) = catalog.weight();
        tracing::info!(studies, prints, bytes, "the index is unlocked");
        *self.catalog() = catalog;
        Ok(())
    }

    fn snapshot_key(&self) -> Result<Key> {
        snapshot_key(&self.sealing.ladder, &self.tenant)
    }

    fn snapshot_place(&self, head: &Head, number: u32) -> Vec<u8> {
        head.place(&self.tenant, number)
    }

    /// From the snapshot and what changed since; nothing when there is none.
    fn load_snapshot(&self) -> Result<Option<Catalog>> {
        let Some(mut file) = self.store.snapshot()? else { return Ok(None) };
        let head = file.block()?.and_then(|bytes| Head::read(&bytes)).ok_or(Error::Record)?;
        // Rows older than the snapshot: somebody put back an older database, or a newer snapshot.
        if head.next_seq > self.store.next_seq() {
            return Err(Error::Record);
        }
        let key = self.snapshot_key()?;
        let mut reader = SnapshotReader::default();
        for number in 0..head.blocks {
            let sealed = file.block()?.ok_or(Error::Record)?;
            reader.push(&aead::open(&key, &self.snapshot_place(&head, number), &sealed)?)?;
        }
        let mut catalog = reader.finish()?;
        self.catch_up_index(&mut catalog, head.next_seq)?;
        Ok(Some(catalog))
    }

    /// Reads anew what commits from this one on wrote.
    fn catch_up_index(&self, catalog: &mut Catalog, next_seq: u64) -> Result<()> {
        let (mut changed, mut fault) = (BTreeMap::<Uid, BTreeSet<Uid>>::new(), None);
        self.store.each_row_since(next_seq, &mut |row| match self.study_of(&row) {
            Ok(Some((study, series))) => changed.entry(study).or_default().extend(series),
            Ok(None) => {}
            Err(error) => fault = Some(error),
        })?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        for (uid, mut series) in changed {
            if let Some(packed) = catalog.packed(&uid) {
                series.extend(catalog.series_of(&packed)?);
            }
            let series: Vec<Uid> = series.into_iter().collect();
            if let Some(study) = self.durable_study(&uid, &series)? {
                catalog.load_idle(&study);
                catalog.changes += 1;
            }
        }
        Ok(())
    }

    /// The study, and the series, that a row is of.
    fn study_of(&self, row: &Row) -> Result<Option<(Uid, Option<Uid>)>> {
        if row.kind == Kind::Study as u8 {
            let record: StudyRecord = self.sealing.open_row(row)?;
            return Ok(Some((record.uid, None)));
        }
        if row.kind == Kind::Page as u8 {
            let page: PageRecord = self.sealing.open_row(row)?;
            return Ok(Some((page.study, Some(page.series))));
        }
        Ok(None)
    }

    /// From all rows, a study at a time: what is read whole is packed before the next one. One that does not open is counted
    /// and left out: what it told of is as if absent, and denies.
    fn index_of_rows(&self) -> Result<Catalog> {
        let mut key = [0; 16];
        self.sealing.random.fill(&mut key)?;
        let key = u128::from_le_bytes(key);
        #[expect(clippy::cast_possible_truncation, reason = "two halves of random bytes")]
        let mut catalog = Catalog::new((key as u64, (key >> 64) as u64));
        let mut pages = self.page_names()?;
        pages.sort_unstable();
        let mut studies: Vec<[u8; 32]> = Vec::new();
        self.store.each_row(&[Kind::Study as u8], &mut |row| studies.push(row.key))?;
        for name in studies {
            let row = self.store.row(&name)?.ok_or(Error::Internal("a study's row is gone"))?;
            let Some(record) = self.readable::<StudyRecord>(&row) else { continue };
            let of = study_mark(&record.uid);
            let from = pages.partition_point(|(study, _)| *study < of);
            let own = pages.get(from..).unwrap_or_default().iter().take_while(|(study, _)| *study == of);
            let mut read: Vec<(PageRecord, u64)> = Vec::new();
            for (_, page) in own {
                let row = self.store.row(page)?.ok_or(Error::Internal("a page's row is gone"))?;
                read.extend(self.sealing.open_row(&row).ok().map(|page| (page, row.version)));
            }
            // Another study may have the same mark.
            read.retain(|(page, _)| page.study == record.uid);
            let mut study = Study::of_rows((record, row.version), read);
            self.mark(&mut study);
            catalog.load_idle(&study);
            catalog.changes += 1;
        }
        Ok(catalog)
    }

    /// Names of all page rows by their study's mark.
    fn page_names(&self) -> Result<Vec<(u64, [u8; 32])>> {
        let mut out = Vec::new();
        self.store.each_row(&[Kind::Page as u8], &mut |row| {
            out.extend(self.readable::<PageRecord>(&row).map(|page| (study_mark(&page.study), row.key)));
        })?;
        Ok(out)
    }

    /// Writes a snapshot when enough changed.
    pub(crate) fn keep_index(&self, stopping: bool) -> Result<()> {
        let enough = if stopping { CHANGES_AT_STOP } else { CHANGES };
        let _one = lock(&self.writing_index);
        if self.catalog().changes < enough { Ok(()) } else { self.write_index() }
    }

    /// Writes a snapshot. What is under way is read from its rows, so that nothing stands in it that is not durable; commits
    /// from the one that it names on are read at the next start.
    fn write_index(&self) -> Result<()> {
        let (next_seq, mut snapshot) = {
            let catalog = self.catalog();
            (self.store.next_seq(), catalog.snapshot())
        };
        for (uid, series) in std::mem::take(&mut snapshot.under_way) {
            if let Some(study) = self.durable_study(&uid, &series)? {
                snapshot.add(&study);
            }
        }
        let mut bytes = 0usize;
        snapshot.write(&mut |piece| {
            bytes += piece.len();
            Ok(())
        })?;
        let blocks = u32::try_from(bytes.div_ceil(BLOCK_BYTES)).map_err(|_| Error::Record)?;
        let head = Head { next_seq, blocks };
        let (key, mut number, mut block) = (self.snapshot_key()?, 0u32, Vec::with_capacity(BLOCK_BYTES));
        let mut file = self.store.new_snapshot(bytes as u64)?;
        file.block(&head.bytes())?;
        let mut seal = |block: &mut Vec<u8>| -> Result<()> {
            block.resize(BLOCK_BYTES, 0);
            let place = self.snapshot_place(&head, number);
            file.block(&aead::seal(&key, &*self.sealing.random, &place, block)?)?;
            number += 1;
            block.clear();
            Ok(())
        };
        snapshot.write(&mut |mut piece| {
            while !piece.is_empty() {
                let (fits, rest) = piece.split_at(piece.len().min(BLOCK_BYTES - block.len()));
                block.extend_from_slice(fits);
                piece = rest;
                if block.len() == BLOCK_BYTES {
                    seal(&mut block)?;
                }
            }
            Ok(())
        })?;
        if !block.is_empty() {
            seal(&mut block)?;
        }
        file.finish()?;
        let mut catalog = self.catalog();
        catalog.changes = catalog.changes.saturating_sub(snapshot.changes);
        Ok(())
    }

    /// Remembers the pseudonym of a study that is new.
    pub(crate) fn remember(&self, catalog: &mut Catalog, uid: &Uid) {
        let project = self.project();
        catalog.set_pseudonym(uid, &|uid| project.uid(uid));
    }

    /// The study's own UID by its pseudonym.
    pub(crate) fn by_pseudonym(&self, uid: &Uid) -> Option<Uid> {
        let project = self.project();
        self.catalog().by_pseudonym(uid, &|uid| project.uid(uid))
    }
}

fn snapshot_key(ladder: &Ladder, tenant: &Tenant) -> Result<Key> {
    let name = ladder.name("gauze/index/snapshot", &[tenant.as_str().as_bytes()]);
    Ok(ladder.row_key(&name)?)
}

/// The snapshot, when there is one, opens whole and is not newer than the rows.
pub fn check_snapshot(store: &Store, ladder: &Ladder, tenant: &Tenant) -> Result<()> {
    let Some(mut file) = store.snapshot()? else { return Ok(()) };
    let head = file.block()?.and_then(|bytes| Head::read(&bytes)).ok_or(Error::Record)?;
    let key = snapshot_key(ladder, tenant)?;
    for number in 0..head.blocks {
        let sealed = file.block()?.ok_or(Error::Record)?;
        aead::open(&key, &head.place(tenant, number), &sealed)?;
    }
    let end = file.block()?.is_none();
    if end && head.next_seq <= store.next_seq() { Ok(()) } else { Err(Error::Record) }
}

/// Groups rows by study while they are read; whose they are says their content.
fn study_mark(uid: &Uid) -> u64 {
    crypto::sha256(uid.as_str().as_bytes()).first_chunk().map_or(0, |b| u64::from_be_bytes(*b))
}

#[cfg(test)]
mod tests;
