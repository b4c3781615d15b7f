//! Segments of the intake log (docs/formats/intake-log.md): a header of 32 bytes, then records. A record carries one
//! commit; its checksum is chained to the record before, so that a torn tail ends the segment and nothing in it is believed.
//! A closed segment that holds objects becomes a pack (docs/formats/pack.md).

mod old;
mod read;

use crate::commit::{Commit, ObjectBytes, RowWrite, WrapWrite};
use crate::overlay::Leaf;
use crate::{Error, Result, pack, raw};
use model::{Id, Tenant, limits};
pub use old::Loose;
pub use read::{End, read};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

pub const HEADER: usize = 32;
const MAGIC: &[u8; 8] = b"GZINTAK2";
/// Rows, wraps, leaves and names of one commit, bytes.
pub const META_BYTES: usize = 64 << 20;
/// Object and sidecars of one commit, bytes.
pub const BLOB_BYTES: usize = 64 << 20;

/// Everything of a commit but the bytes of object and sidecars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub seq: u64,
    /// Tenant, reference; the bytes follow first, or lie in their spool file.
    pub object: Option<(Tenant, Id, Option<Span>)>,
    /// Their bytes follow in this order.
    pub sidecars: Vec<(Tenant, Id, Span)>,
    pub rows: Vec<RowRecord>,
    #[serde(with = "raw::named")]
    pub wraps: Vec<([u8; 32], Vec<u8>)>,
    pub first_leaf: u64,
    #[serde(with = "raw::pairs")]
    pub leaves: Vec<(Vec<u8>, Vec<u8>)>,
    /// Objects whose keys were destroyed: their places are forgotten.
    pub gone: Vec<(Tenant, Id)>,
}

/// Bytes that follow the metadata, and their CRC-32: the record's own checksum covers it and not them, so that a record is
/// moved without reading its object again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub len: u64,
    pub crc: u32,
}

impl Span {
    pub fn of(bytes: &[u8]) -> Self {
        Self { len: bytes.len() as u64, crc: crc32fast::hash(bytes) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRecord {
    pub key: [u8; 32],
    pub kind: u8,
    pub version: u64,
    #[serde(with = "raw")]
    pub sealed: Vec<u8>,
}

impl RowRecord {
    pub fn of(write: RowWrite) -> Self {
        Self { key: write.key, kind: write.kind, version: write.expect + 1, sealed: write.sealed }
    }
}

impl Meta {
    /// What follows the metadata, in order.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        let object = self.object.as_ref().and_then(|(_, _, span)| *span);
        object.into_iter().chain(self.sidecars.iter().map(|(_, _, span)| *span))
    }

    /// What follows the metadata, when it begins at `at`.
    pub fn items(&self, mut at: u64) -> Vec<pack::Item> {
        let object = self.object.iter().filter_map(|(t, id, span)| Some((t, id, pack::OBJECT, (*span)?)));
        let sidecars = self.sidecars.iter().map(|(t, id, span)| (t, id, pack::SIDECAR, *span));
        let place = |(tenant, id, part, span): (&Tenant, &Id, u8, Span)| {
            let item = pack::Item { part, tenant: tenant.clone(), id: *id, at, len: span.len, crc: span.crc };
            at += span.len;
            item
        };
        object.chain(sidecars).map(place).collect()
    }

    fn blob_len(&self) -> Option<u64> {
        self.spans().try_fold(0u64, |sum, span| sum.checked_add(span.len))
    }
}

pub fn wraps(wraps: Vec<WrapWrite>) -> Vec<([u8; 32], Vec<u8>)> {
    wraps.into_iter().map(|w| (w.key, w.sealed)).collect()
}

/// The first bytes of segment `number`.
pub fn header(number: u64) -> [u8; HEADER] {
    header_of(MAGIC, number)
}

fn header_of(magic: &[u8; 8], number: u64) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    out.iter_mut().zip(magic.iter().copied().chain(number.to_be_bytes())).for_each(|(to, from)| *to = from);
    out
}

/// Where a record begins, and the checksum of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub at: u64,
    pub checksum: u32,
}

impl Cursor {
    /// The first record.
    pub const START: Self = Self { at: HEADER as u64, checksum: 0 };
}

/// The front of one record; object and sidecars follow it.
pub struct Framed {
    /// `meta_len: u32 ‖ blob_len: u32 ‖ meta ‖ checksum: u32`.
    pub front: Vec<u8>,
    pub checksum: u32,
    /// Bytes that follow.
    pub blob_len: u64,
}

/// Room for the numbers and lengths beside each item's bytes.
const BESIDE: usize = 128;
/// A ledger entry: leaf, signature, sealed body.
const LEAF_ROOM: usize = limits::LEDGER_BODY_BYTES + 2048;

/// The commit fits into one record, whatever its entries will be: one caller's excess is nobody else's failure.
pub fn fits(commit: &Commit) -> bool {
    let object = match commit.object.as_ref().map(|o| &o.bytes) {
        Some(ObjectBytes::Inline(bytes)) => bytes.len(),
        _ => 0,
    };
    let sidecars: usize = commit.sidecars.iter().map(|(_, _, bytes)| bytes.len()).sum();
    let items = commit.rows.iter().map(|r| r.sealed.len()).chain(commit.wraps.iter().map(|w| w.sealed.len()));
    let named = commit.sidecars.len() + commit.gone.len() + 1;
    let meta =
        items.map(|len| len + BESIDE).sum::<usize>() + named * BESIDE + commit.leaves.len() * LEAF_ROOM;
    meta <= META_BYTES && object <= 2 * limits::INLINE_OBJECT_BYTES && object + sidecars <= BLOB_BYTES
}

/// Frames one record after the one whose checksum is `previous`.
pub fn frame(previous: u32, meta: &Meta) -> Result<Framed> {
    let body = postcard::to_stdvec(meta).map_err(|_| Error::Damaged("record cannot be written"))?;
    let blob_len = meta.blob_len().filter(|len| *len <= BLOB_BYTES as u64);
    let blob_len = blob_len.ok_or(Error::Damaged("record too large"))?;
    if body.len() > META_BYTES {
        return Err(Error::Damaged("record too large"));
    }
    let mut front = Vec::with_capacity(12 + body.len());
    front.extend_from_slice(&(body.len() as u32).to_be_bytes());
    front.extend_from_slice(&(blob_len as u32).to_be_bytes());
    front.extend_from_slice(&body);
    let checksum = checksum(previous, &[&front]);
    front.extend_from_slice(&checksum.to_be_bytes());
    Ok(Framed { front, checksum, blob_len })
}

/// CRC-32 catches torn and stale records; whoever changes bytes on purpose meets the seals and the ledger's hashes.
fn checksum(previous: u32, parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&previous.to_be_bytes());
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// Numbers of the segments in the intake folder, in order.
pub fn numbers(folder: &Path) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        numbers.extend(name.strip_suffix(".seg").and_then(|n| n.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Where a segment lies.
pub fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016}.seg"))
}

/// Leaves of segments that were not moved yet, without opening the store; one that is moved meanwhile is in the tiles.
///
/// # Errors
/// The system's; a segment that is none.
pub fn unmoved_leaves(data: &Path) -> Result<Vec<(u64, Leaf)>> {
    let folder = data.join("intake");
    let mut out = Vec::new();
    for number in numbers(&folder)? {
        match leaves(&path(&folder, number), number) {
            Err(Error::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => {}
            other => out.extend(other?),
        }
    }
    Ok(out)
}

fn leaves(path: &Path, number: u64) -> Result<Vec<(u64, Leaf)>> {
    let mut out = Vec::new();
    // With a directory everything was moved, and what is not an object may be gone already.
    if pack::directory(&File::open(path)?, number)?.is_some() {
        return Ok(out);
    }
    read(path, number, Cursor::START, End::Torn, |found| {
        out.extend((found.meta.first_leaf..).zip(found.meta.leaves));
        Ok(())
    })?;
    Ok(out)
}

#[cfg(test)]
mod tests;
