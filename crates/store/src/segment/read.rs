//! Reading records, of both versions.

use super::old::{self, Loose};
use super::{BLOB_BYTES, Cursor, HEADER, META_BYTES, Meta, Span, checksum, header, header_of};
use crate::{Error, Result};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// A record as read: where its object's bytes lie in the file.
#[derive(Debug)]
pub struct Found {
    pub meta: Meta,
    pub blob_at: u64,
    /// Bytes of object and sidecars that have no other place: the record is of version 1.
    pub loose: Vec<Loose>,
}

/// How a segment may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At this byte, as its writer knows; what may stand behind it was refused. Objects were synced by who says so and are
    /// not read again.
    Known(u64),
    /// With its last record: it was closed.
    Whole,
    /// In a torn tail: the newest one after a crash.
    Torn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// Reads whole records from `start`, calling `each`. Answers where the good ones end.
///
/// # Errors
/// [`Error::Segment`] when it ends before it may, or when whole records follow one that does not check.
pub fn read(
    path: &Path,
    number: u64,
    start: Cursor,
    end: End,
    mut each: impl FnMut(Found) -> Result<()>,
) -> Result<Cursor> {
    let mut file = File::open(path)?;
    let there = file.metadata()?.len();
    let len = match end {
        End::Known(good) => there.min(good),
        _ => there,
    };
    if len < HEADER as u64 {
        return Ok(Cursor { at: 0, checksum: 0 }); // killed while it was made: nothing was acknowledged from it
    }
    let mut head = [0; HEADER];
    file.read_exact(&mut head)?;
    let version = match head {
        head if head == header(number) => Version::Two,
        head if head == header_of(old::MAGIC, number) => Version::One,
        _ => return Err(Error::Damaged("segment header")),
    };
    file.seek(SeekFrom::Start(start.at))?;
    let known = matches!(end, End::Known(_));
    // What is known is skipped, not read.
    let mut reader = BufReader::with_capacity(if known { 16 << 10 } else { 1 << 20 }, file);
    let mut at = start;
    let mut walk = Walk { reader: &mut reader, len, version, check: !known };
    while let Some((found, next)) = walk.record(at)? {
        each(found)?;
        at = next;
    }
    let damaged = match end {
        End::Known(good) => at.at != good,
        End::Whole => at.at != there,
        End::Torn => follows(path, at.at, there, version)?,
    };
    if damaged { Err(Error::Segment { path: path.to_path_buf(), good: at.at }) } else { Ok(at) }
}

/// Whether a whole record follows the one at `at`, which does not check: then that one is damaged, not torn. Its stored
/// checksum is what the next one is chained to.
fn follows(path: &Path, at: u64, len: u64, version: Version) -> Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut sizes = [0; 8];
    if at + 8 > len {
        return Ok(false);
    }
    file.read_exact(&mut sizes)?;
    let (meta_len, blob_len) = lengths(sizes);
    let next = at + 8 + meta_len + blob_len + 4;
    if next > len {
        return Ok(false);
    }
    let stored = if version == Version::One { next - 4 } else { at + 8 + meta_len };
    file.seek(SeekFrom::Start(stored))?;
    let mut sum = [0; 4];
    file.read_exact(&mut sum)?;
    file.seek(SeekFrom::Start(next))?;
    let mut walk = Walk { reader: &mut BufReader::new(file), len, version, check: true };
    let found = walk.record(Cursor { at: next, checksum: u32::from_be_bytes(sum) });
    Ok(!matches!(found, Ok(None)))
}

fn lengths(sizes: [u8; 8]) -> (u64, u64) {
    let [a, b, c, d, e, f, g, h] = sizes;
    (u32::from_be_bytes([a, b, c, d]).into(), u32::from_be_bytes([e, f, g, h]).into())
}

struct Walk<'a> {
    reader: &'a mut BufReader<File>,
    len: u64,
    version: Version,
    /// Objects and sidecars are read and held against their checksums.
    check: bool,
}

impl Walk<'_> {
    fn record(&mut self, at: Cursor) -> Result<Option<(Found, Cursor)>> {
        let mut sizes = [0; 8];
        if at.at + 8 > self.len {
            return Ok(None);
        }
        self.reader.read_exact(&mut sizes)?;
        let (meta_len, blob_len) = lengths(sizes);
        let end = at.at + 8 + meta_len + blob_len + 4;
        if end > self.len || meta_len > META_BYTES as u64 || blob_len > BLOB_BYTES as u64 {
            return Ok(None);
        }
        let body = self.bytes(meta_len)?;
        match self.version {
            Version::One => self.first(at, end, &[&sizes, &body], blob_len),
            Version::Two => self.second(at, end, &[&sizes, &body], blob_len),
        }
    }

    fn second(
        &mut self,
        at: Cursor,
        end: u64,
        front: &[&[u8]; 2],
        blob_len: u64,
    ) -> Result<Option<(Found, Cursor)>> {
        let sum = self.sum()?;
        if sum != checksum(at.checksum, front) {
            return Ok(None);
        }
        let meta: Meta = postcard::from_bytes(front[1]).map_err(|_| Error::Damaged("record"))?;
        if meta.blob_len() != Some(blob_len) {
            return Err(Error::Damaged("record"));
        }
        if self.check {
            for span in meta.spans() {
                if Span::of(&self.bytes(span.len)?) != span {
                    return Ok(None);
                }
            }
        } else {
            self.reader.seek_relative(blob_len.cast_signed())?;
        }
        let found = Found { meta, blob_at: end - blob_len, loose: Vec::new() };
        Ok(Some((found, Cursor { at: end, checksum: sum })))
    }

    fn first(
        &mut self,
        at: Cursor,
        end: u64,
        front: &[&[u8]; 2],
        blob_len: u64,
    ) -> Result<Option<(Found, Cursor)>> {
        let blob = self.bytes(blob_len)?;
        let sum = self.sum()?;
        if sum != checksum(at.checksum, &[front[0], front[1], &blob]) {
            return Ok(None);
        }
        let (meta, loose) = old::decode(front[1], blob)?;
        let found = Found { meta, blob_at: end - 4 - blob_len, loose };
        Ok(Some((found, Cursor { at: end, checksum: sum })))
    }

    fn bytes(&mut self, len: u64) -> Result<Vec<u8>> {
        let mut out = vec![0; usize::try_from(len).map_err(|_| Error::Damaged("record"))?];
        self.reader.read_exact(&mut out)?;
        Ok(out)
    }

    fn sum(&mut self) -> Result<u32> {
        let mut sum = [0; 4];
        self.reader.read_exact(&mut sum)?;
        Ok(u32::from_be_bytes(sum))
    }
}
