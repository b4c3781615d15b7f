//! A ZIP that can be sought in.

use super::{
    CENTRAL, DEFLATED, ENCRYPTED, END, END64, LOCAL, LOCATOR64, Numbers, STORED, bounded, shown, zip64,
};
use crate::{DIRECTORY_BYTES, ENTRIES, Error, NAME_BYTES, Result};
use flate2::read::DeflateDecoder;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

/// Bytes of the end record without its comment.
const END_BYTES: usize = 22;
/// A comment at the end, at most.
const COMMENT: u64 = 65_535;
const CENTRAL_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;

/// One entry as the central directory names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// To show, never to open.
    pub name: String,
    /// Bytes unpacked.
    pub len: u64,
    /// CRC-32 of them.
    pub crc: u32,
    packed: u64,
    at: u64,
    method: u16,
    flags: u16,
}

impl Entry {
    /// A folder.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }
}

/// Reads the central directory. Entries that lie over one another are refused: so many small bombs are one large one
/// (Fifield, WOOT 2019).
///
/// # Errors
/// [`Error::Zip`], [`Error::TooLarge`], the system's.
pub fn entries<R: Read + Seek>(reader: &mut R) -> Result<Vec<Entry>> {
    let (start, len, count) = directory(reader)?;
    if len > DIRECTORY_BYTES || count > ENTRIES {
        return Err(Error::TooLarge("entries of the ZIP file"));
    }
    reader.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    reader.by_ref().take(len).read_to_end(&mut bytes)?;
    let mut entries = Vec::new();
    let mut rest = bytes.as_slice();
    for _ in 0..count {
        let (entry, tail) = central(rest)?;
        entries.push(entry);
        rest = tail;
    }
    let mut places: Vec<(u64, u64)> = entries.iter().map(|e| (e.at, e.packed)).collect();
    places.sort_unstable();
    let apart = places.windows(2).all(|pair| match pair {
        [(a, packed), (b, _)] => a.saturating_add(LOCAL_BYTES as u64).saturating_add(*packed) <= *b,
        _ => true,
    });
    let before = places.last().is_none_or(|(at, packed)| at.saturating_add(*packed) <= start);
    if apart && before { Ok(entries) } else { Err(Error::Zip("entries lie over one another")) }
}

/// The bytes of an entry. Reading fails at the end when length or checksum is not as said.
///
/// # Errors
/// [`Error::Unsupported`], [`Error::TooLarge`], the system's.
pub fn open<R: Read + Seek>(mut reader: R, entry: &Entry) -> Result<Checked<Unpacked<R>>> {
    if entry.flags & ENCRYPTED != 0 {
        return Err(Error::Unsupported("an encrypted entry"));
    }
    bounded(entry.packed, entry.len)?;
    reader.seek(SeekFrom::Start(entry.at))?;
    let mut head = [0; LOCAL_BYTES];
    reader.read_exact(&mut head)?;
    let mut numbers = Numbers(&head);
    if numbers.u32() != LOCAL {
        return Err(Error::Zip("local header"));
    }
    let mut lengths = Numbers(head.get(26..).unwrap_or_default());
    let skip = i64::from(lengths.u16()) + i64::from(lengths.u16());
    reader.seek(SeekFrom::Current(skip))?;
    let packed = BufReader::with_capacity(64 << 10, reader).take(entry.packed);
    let bytes = match entry.method {
        STORED => Unpacked::Stored(packed),
        DEFLATED => Unpacked::Deflated(Box::new(DeflateDecoder::new(packed))),
        _ => return Err(Error::Unsupported("a compression method other than DEFLATE")),
    };
    Ok(Checked { bytes, left: entry.len, crc: entry.crc, hasher: crc32fast::Hasher::new() })
}

/// An entry's bytes.
#[derive(Debug)]
pub enum Unpacked<R> {
    /// As they are.
    Stored(Take<BufReader<R>>),
    /// Inflated.
    Deflated(Box<DeflateDecoder<Take<BufReader<R>>>>),
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(bytes) => bytes.read(out),
            Self::Deflated(bytes) => bytes.read(out),
        }
    }
}

/// Bytes of a said length and checksum; anything else is an error at the end, never a shorter or longer file.
#[derive(Debug)]
pub struct Checked<R> {
    pub(super) bytes: R,
    pub(super) left: u64,
    pub(super) crc: u32,
    pub(super) hasher: crc32fast::Hasher,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bad = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
        if out.is_empty() {
            return Ok(0);
        }
        let len = self.bytes.read(out).map_err(|e| match e.kind() {
            io::ErrorKind::InvalidInput => bad("the packed bytes are damaged"),
            _ => e,
        })?;
        self.left = self.left.checked_sub(len as u64).ok_or_else(|| bad("longer than it says"))?;
        self.hasher.update(out.get(..len).unwrap_or_default());
        if len == 0 && self.left > 0 {
            return Err(bad("shorter than it says"));
        }
        if len == 0 && self.hasher.clone().finalize() != self.crc {
            return Err(bad("checksum"));
        }
        Ok(len)
    }
}

/// Where the central directory lies, its bytes and entries.
fn directory<R: Read + Seek>(reader: &mut R) -> Result<(u64, u64, u64)> {
    let len = reader.seek(SeekFrom::End(0))?;
    let tail = len.min(COMMENT + END_BYTES as u64 + 20);
    reader.seek(SeekFrom::Start(len - tail))?;
    let mut bytes = Vec::new();
    reader.by_ref().take(tail).read_to_end(&mut bytes)?;
    let found = (0..=bytes.len().saturating_sub(END_BYTES)).rev().find(|at| {
        let record = bytes.get(*at..).unwrap_or_default();
        let comment = Numbers(record.get(20..).unwrap_or_default()).u16();
        Numbers(record).u32() == END && record.len() == END_BYTES + usize::from(comment)
    });
    let at = found.ok_or(Error::Zip("no end record"))?;
    let mut record = Numbers(bytes.get(at + 8..).unwrap_or_default());
    let (_, count, size, start) = (record.u16(), record.u16(), record.u32(), record.u32());
    let locator = at.checked_sub(20).and_then(|from| bytes.get(from..at));
    let mut locator = Numbers(locator.unwrap_or_default());
    if locator.u32() != LOCATOR64 {
        return Ok((start.into(), size.into(), count.into()));
    }
    let _disk = locator.u32();
    let mut record = [0; 56];
    reader.seek(SeekFrom::Start(locator.u64()))?;
    reader.read_exact(&mut record)?;
    let mut head = Numbers(&record);
    if head.u32() != END64 {
        return Err(Error::Zip("ZIP64 end record"));
    }
    let mut record = Numbers(record.get(32..).unwrap_or_default());
    let (count, size, start) = (record.u64(), record.u64(), record.u64());
    Ok((start, size, count))
}

fn central(bytes: &[u8]) -> Result<(Entry, &[u8])> {
    let (head, rest) = bytes.split_at_checked(CENTRAL_BYTES).ok_or(Error::Zip("central directory"))?;
    let mut numbers = Numbers(head);
    if numbers.u32() != CENTRAL {
        return Err(Error::Zip("central directory"));
    }
    let mut numbers = Numbers(head.get(8..).unwrap_or_default());
    let (flags, method, _, crc) = (numbers.u16(), numbers.u16(), numbers.u32(), numbers.u32());
    let (mut packed, mut len) = (u64::from(numbers.u32()), u64::from(numbers.u32()));
    let lengths = [numbers.u16(), numbers.u16(), numbers.u16()].map(usize::from);
    let mut at = u64::from(Numbers(head.get(42..).unwrap_or_default()).u32());
    let [name_len, extra_len, comment_len] = lengths;
    if name_len > NAME_BYTES {
        return Err(Error::TooLarge("a name in the ZIP file"));
    }
    let (name, rest) = rest.split_at_checked(name_len).ok_or(Error::Zip("central directory"))?;
    let (extra, rest) = rest.split_at_checked(extra_len).ok_or(Error::Zip("central directory"))?;
    let (_, rest) = rest.split_at_checked(comment_len).ok_or(Error::Zip("central directory"))?;
    zip64(extra, [&mut len, &mut packed, &mut at]);
    Ok((Entry { name: shown(name), len, crc, packed, at, method, flags }, rest))
}
