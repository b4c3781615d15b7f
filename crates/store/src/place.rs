//! Moving a segment: objects to files, leaves to the ledger, wraps and rows to their tables, then the segment goes.
//! Every step may be repeated: a start after `kill -9` does all of it again.

use crate::blob::{self, Part};
use crate::commit::LeafSink;
use crate::disk::sync_folder;
use crate::overlay::Leaf;
use crate::rows::Tables;
use crate::segment::{self, End, RowRecord};
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub type Moved = (u64, Vec<RowRecord>, Vec<([u8; 32], Vec<u8>)>);

/// Places of what is moved.
pub struct Places<'a> {
    pub blobs: &'a Path,
    pub tables: &'a mut Tables,
    pub sink: &'a mut dyn LeafSink,
}

/// Moves segment `number`; on return, and only then, it may be removed.
pub fn move_segment(path: &Path, number: u64, end: End, places: &mut Places<'_>) -> Result<()> {
    let mut moved: Vec<Moved> = Vec::new();
    let mut leaves: Vec<(u64, Vec<Leaf>)> = Vec::new();
    let mut folders = BTreeSet::new();
    segment::read(path, number, end, |found| {
        let meta = found.meta;
        if let Some((tenant, id, spooled)) = &meta.object {
            if *spooled {
                folders.extend(unspool(places.blobs, tenant, *id)?);
            } else {
                let bytes = segment::blob(path, found.blob_at, found.blob_len)?;
                folders.insert(blob::put(places.blobs, tenant, *id, Part::Object, &bytes)?);
            }
        }
        for (tenant, id, bytes) in &meta.sidecars {
            folders.insert(blob::put(places.blobs, tenant, *id, Part::Sidecar, bytes)?);
        }
        leaves.push((meta.first_leaf, meta.leaves));
        moved.push((meta.seq, meta.rows, meta.wraps));
        Ok(())
    })?;
    for folder in folders {
        sync_folder(&folder)?;
    }
    append(places.sink, leaves)?;
    places.tables.apply(&moved)
}

fn unspool(blobs: &Path, tenant: &model::Tenant, id: model::Id) -> Result<Option<PathBuf>> {
    let from = blob::path(blobs, tenant, id, Part::Spool);
    let to = blob::path(blobs, tenant, id, Part::Object);
    match std::fs::rename(&from, &to) {
        Ok(()) => Ok(to.parent().map(Path::to_path_buf)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && to.is_file() => Ok(None), // moved before the crash
        Err(e) => Err(e.into()),
    }
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
