//! Moving records: leaves to the ledger, wraps, rows and the places of objects to their tables. The segment then is a pack, or
//! goes. Every step may be repeated: a start after `kill -9` does all of it again.

use crate::blob::{self, Part};
use crate::commit::LeafSink;
use crate::disk::sync_folder;
use crate::overlay::Leaf;
use crate::pack::{self, Item};
use crate::rows::{Closing, Moved, Tables};
use crate::segment::{self, Cursor, End, Loose};
use crate::tally::Sum;
use crate::{Error, Result};
use model::{Id, Tenant};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Places of what is moved.
pub struct Places<'a> {
    pub data: &'a Path,
    pub tables: &'a mut Tables,
    pub sink: &'a mut dyn LeafSink,
}

/// Records of a segment.
#[derive(Debug, Clone)]
pub struct Records {
    pub path: PathBuf,
    pub number: u64,
    pub from: Cursor,
    pub end: End,
    /// The segment is closed behind them.
    pub last: bool,
    /// Sum of all wraps behind them, when it is known.
    pub wraps: Option<Sum>,
}

/// What was moved.
pub struct Done {
    /// The newest commit.
    pub seq: Option<u64>,
    /// Where the records end.
    pub end: u64,
    /// Objects and sidecars of the whole segment, when it is closed.
    pub items: Vec<Item>,
    /// Packs of which nothing is left.
    pub empty: Vec<u64>,
}

/// Moves records.
pub fn move_records(records: &Records, places: &mut Places<'_>) -> Result<Done> {
    let mut moved: Vec<Moved> = Vec::new();
    let mut leaves: Vec<(u64, Vec<Leaf>)> = Vec::new();
    let mut folders = BTreeSet::new();
    let blobs = places.data.join("blobs");
    let Records { path, number, from, end, last, wraps } = records;
    let end = segment::read(path, *number, *from, *end, |found| {
        let meta = found.meta;
        let items = meta.items(found.blob_at);
        for Loose { tenant, id, part, bytes } in found.loose {
            folders.insert(blob::put(&blobs, &tenant, id, part, &bytes)?);
        }
        if let Some((tenant, id, None)) = &meta.object {
            folders.extend(unspool(places.data, tenant, *id)?);
        }
        leaves.push((meta.first_leaf, meta.leaves));
        moved.push(Moved { seq: meta.seq, rows: meta.rows, wraps: meta.wraps, items, gone: meta.gone });
        Ok(())
    })?;
    for folder in folders {
        sync_folder(&folder)?;
    }
    append(places.sink, leaves)?;
    // What is kept of a closed segment is read off all of its records, not off what was moved before: the rest is taken out.
    let items = if *last { items(path, *number, end.at)? } else { Vec::new() };
    let bytes = items.iter().map(|item| item.len).sum();
    let closing = (!items.is_empty()).then_some(Closing { number: *number, good: end.at, bytes });
    let empty = places.tables.apply(&moved, *number, closing, *wraps)?;
    for (tenant, id) in moved.iter().flat_map(|m| &m.gone) {
        forget_files(&blobs, tenant, *id)?;
    }
    Ok(Done { seq: moved.last().map(|m| m.seq), end: end.at, items, empty })
}

fn items(path: &Path, number: u64, good: u64) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    segment::read(path, number, Cursor::START, End::Known(good), |found| {
        items.extend(found.meta.items(found.blob_at));
        Ok(())
    })?;
    Ok(items)
}

/// Turns a segment whose records were all moved into its pack, or removes it when it holds no object.
pub fn close(data: &Path, path: &Path, number: u64, good: u64, items: &[Item]) -> Result<()> {
    if !items.is_empty() {
        return pack::finish(data, path, number, good, items);
    }
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}

/// Removes packs of which nothing is left.
pub fn remove_packs(data: &Path, tables: &mut Tables, numbers: &[u64]) -> Result<()> {
    for number in numbers {
        let path = pack::path(data, *number);
        if path.is_file() && !tables.in_use(*number)? {
            std::fs::remove_file(path)?;
            tables.forget_pack(*number)?;
        }
    }
    Ok(())
}

fn unspool(data: &Path, tenant: &Tenant, id: Id) -> Result<Option<PathBuf>> {
    let blobs = data.join("blobs");
    let to = blob::path(&blobs, tenant, id, Part::Object);
    let folder = to.parent().ok_or(Error::Missing)?;
    crate::disk::make_folder(folder)?;
    for from in [blob::spool_path(data, tenant, id), blob::path(&blobs, tenant, id, Part::OldSpool)] {
        match std::fs::rename(&from, &to) {
            Ok(()) => return Ok(Some(folder.to_path_buf())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(e.into()),
        }
    }
    // Moved before the crash; its new name may not have been synced then.
    if to.is_file() { Ok(Some(folder.to_path_buf())) } else { Err(Error::Missing) }
}

fn forget_files(blobs: &Path, tenant: &Tenant, id: Id) -> Result<()> {
    for part in [Part::Object, Part::Sidecar] {
        match std::fs::remove_file(blob::path(blobs, tenant, id, part)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
    }
    Ok(())
}

fn append(sink: &mut dyn LeafSink, leaves: Vec<(u64, Vec<Leaf>)>) -> Result<()> {
    let Some(first) = leaves.iter().find(|(_, l)| !l.is_empty()).map(|(first, _)| *first) else {
        return Ok(());
    };
    let mut all = Vec::new();
    for (at, some) in leaves {
        if !some.is_empty() && at != first + all.len() as u64 {
            return Err(Error::Damaged("gap between ledger entries"));
        }
        all.extend(some);
    }
    Ok(sink.append(first, &all)?)
}
