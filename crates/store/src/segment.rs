//! Segments of the intake log (docs/formats/intake-log.md): a header of 32 bytes, then records. A record carries one
//! commit; its checksum is chained to the record before, so that a torn tail ends the segment and nothing in it is believed.

use crate::commit::{Commit, ObjectBytes, RowWrite, WrapWrite};
use crate::overlay::Leaf;
use crate::{Error, Result};
use model::{Id, Tenant, limits};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub const HEADER: usize = 32;
const MAGIC: &[u8; 8] = b"GZINTAK1";
/// Rows, wraps, leaves and names of one commit, bytes.
pub const META_BYTES: usize = 64 << 20;

/// Everything of a commit but the object's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub seq: u64,
    /// Tenant, reference; the bytes follow, or lie in their spool file.
    pub object: Option<(Tenant, Id, bool)>,
    pub sidecars: Vec<(Tenant, Id, Vec<u8>)>,
    pub rows: Vec<RowRecord>,
    pub wraps: Vec<([u8; 32], Vec<u8>)>,
    pub first_leaf: u64,
    pub leaves: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRecord {
    pub key: [u8; 32],
    pub kind: u8,
    pub version: u64,
    pub sealed: Vec<u8>,
}

impl RowRecord {
    pub fn of(write: RowWrite) -> Self {
        Self { key: write.key, kind: write.kind, version: write.expect + 1, sealed: write.sealed }
    }
}

pub fn wraps(wraps: Vec<WrapWrite>) -> Vec<([u8; 32], Vec<u8>)> {
    wraps.into_iter().map(|w| (w.key, w.sealed)).collect()
}

/// The first bytes of segment `number`.
pub fn header(number: u64) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    out.iter_mut().zip(MAGIC.iter().copied().chain(number.to_be_bytes())).for_each(|(to, from)| *to = from);
    out
}

/// Head, metadata and checksum of one record; the object's bytes stand between the last two.
pub struct Framed {
    /// `meta_len: u32 ‖ blob_len: u32 ‖ meta`.
    pub front: Vec<u8>,
    /// Chained CRC-32 of all before it.
    pub checksum: u32,
}

/// Room for the numbers and lengths beside each item's bytes.
const BESIDE: usize = 128;
/// A ledger entry: leaf, signature, sealed body.
const LEAF_ROOM: usize = limits::LEDGER_BODY_BYTES + 2048;

/// The commit fits into one record, whatever its entries will be: one caller's excess is nobody else's failure.
pub fn fits(commit: &Commit) -> bool {
    let blob = match commit.object.as_ref().map(|o| &o.bytes) {
        Some(ObjectBytes::Inline(bytes)) => bytes.len(),
        _ => 0,
    };
    let items = commit.sidecars.iter().map(|(_, _, bytes)| bytes.len());
    let items = items.chain(commit.rows.iter().map(|r| r.sealed.len()));
    let items = items.chain(commit.wraps.iter().map(|w| w.sealed.len()));
    let meta: usize = items.map(|len| len + BESIDE).sum::<usize>() + commit.leaves.len() * LEAF_ROOM + BESIDE;
    meta <= META_BYTES && blob <= 2 * limits::INLINE_OBJECT_BYTES
}

/// Frames one record after the one whose checksum is `previous`.
pub fn frame(previous: u32, meta: &Meta, blob: &[u8]) -> Result<Framed> {
    let body = postcard::to_stdvec(meta).map_err(|_| Error::Damaged("record cannot be written"))?;
    if body.len() > META_BYTES || blob.len() > 2 * limits::INLINE_OBJECT_BYTES {
        return Err(Error::Damaged("record too large"));
    }
    let mut front = Vec::with_capacity(8 + body.len());
    front.extend_from_slice(&(body.len() as u32).to_be_bytes());
    front.extend_from_slice(&(blob.len() as u32).to_be_bytes());
    front.extend_from_slice(&body);
    let checksum = checksum(previous, &front, blob);
    Ok(Framed { front, checksum })
}

/// CRC-32 catches torn and stale records; whoever changes bytes on purpose meets the seals and the ledger's hashes.
fn checksum(previous: u32, front: &[u8], blob: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&previous.to_be_bytes());
    hasher.update(front);
    hasher.update(blob);
    hasher.finalize()
}

/// A record as read: where its object's bytes lie in the file.
#[derive(Debug)]
pub struct Found {
    pub meta: Meta,
    pub blob_at: u64,
    pub blob_len: u64,
}

/// How a segment may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At this byte, as its writer knows; what may stand behind it was refused.
    Known(u64),
    /// With its last record: it was closed.
    Whole,
    /// In a torn tail: the newest one after a crash.
    Torn,
}

/// Reads whole records from the start, calling `each`. Answers the bytes that were good.
///
/// # Errors
/// [`Error::Segment`] when it ends before it may, or when whole records follow one that does not check.
pub fn read(path: &Path, number: u64, end: End, mut each: impl FnMut(Found) -> Result<()>) -> Result<u64> {
    let file = File::open(path)?;
    let there = file.metadata()?.len();
    let len = match end {
        End::Known(good) => there.min(good),
        _ => there,
    };
    if end == End::Torn && there < HEADER as u64 {
        return Ok(0);
    }
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut head = [0; HEADER];
    if len < HEADER as u64 {
        return Ok(0); // killed while it was made: nothing was acknowledged from it
    }
    reader.read_exact(&mut head)?;
    if head != header(number) {
        return Err(Error::Damaged("segment header"));
    }
    let (mut at, mut previous) = (HEADER as u64, 0u32);
    while let Some((found, next, sum)) = record(&mut reader, at, len, previous)? {
        each(found)?;
        at = next;
        previous = sum;
    }
    let damaged = match end {
        End::Known(good) => at != good,
        End::Whole => at != there,
        End::Torn => follows(path, at, there)?,
    };
    if damaged { Err(Error::Segment { path: path.to_path_buf(), good: at }) } else { Ok(at) }
}

/// Whether a whole record follows the one at `at`, which does not check: then that one is damaged, not torn. Its stored
/// checksum is what the next one is chained to.
fn follows(path: &Path, at: u64, len: u64) -> Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut sizes = [0; 8];
    if at + 8 > len {
        return Ok(false);
    }
    file.read_exact(&mut sizes)?;
    let [a, b, c, d, e, f, g, h] = sizes;
    let (meta_len, blob_len) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    let next = at + 8 + u64::from(meta_len) + u64::from(blob_len) + 4;
    if next > len {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(next - 4))?;
    let mut sum = [0; 4];
    file.read_exact(&mut sum)?;
    let found = record(&mut BufReader::new(file), next, len, u32::from_be_bytes(sum));
    Ok(!matches!(found, Ok(None)))
}

fn record(
    reader: &mut BufReader<File>,
    at: u64,
    len: u64,
    previous: u32,
) -> Result<Option<(Found, u64, u32)>> {
    let mut sizes = [0; 8];
    if at + 8 > len {
        return Ok(None);
    }
    reader.read_exact(&mut sizes)?;
    let [a, b, c, d, e, f, g, h] = sizes;
    let (meta_len, blob_len) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    let end = at + 8 + u64::from(meta_len) + u64::from(blob_len) + 4;
    if end > len || meta_len as usize > META_BYTES || blob_len as usize > 2 * limits::INLINE_OBJECT_BYTES {
        return Ok(None);
    }
    let mut front = sizes.to_vec();
    front.resize(8 + meta_len as usize, 0);
    reader.read_exact(front.get_mut(8..).unwrap_or_default())?;
    let mut blob = vec![0; blob_len as usize];
    reader.read_exact(&mut blob)?;
    let mut sum = [0; 4];
    reader.read_exact(&mut sum)?;
    let sum = u32::from_be_bytes(sum);
    if sum != checksum(previous, &front, &blob) {
        return Ok(None);
    }
    let meta =
        postcard::from_bytes(front.get(8..).unwrap_or_default()).map_err(|_| Error::Damaged("record"))?;
    let found = Found { meta, blob_at: at + 8 + u64::from(meta_len), blob_len: u64::from(blob_len) };
    Ok(Some((found, end, sum)))
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
        let leaves = read(&path(&folder, number), number, End::Torn, |found| {
            out.extend((found.meta.first_leaf..).zip(found.meta.leaves));
            Ok(())
        });
        match leaves {
            Err(Error::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => {}
            other => drop(other?),
        }
    }
    Ok(out)
}

/// Bytes of an object inside a segment.
pub fn blob(path: &Path, at: u64, len: u64) -> Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut out = Vec::new();
    file.take(len).read_to_end(&mut out)?;
    if out.len() as u64 == len { Ok(out) } else { Err(Error::Damaged("object in segment")) }
}

#[cfg(test)]
mod tests;
