//! Writing a ZIP as a stream: entries stored as they are (films are compressed already or do not compress), their lengths in
//! a ZIP64 descriptor behind them.

use super::{CENTRAL, DESCRIBED, DESCRIPTOR, END, END64, LOCAL, LOCATOR64};
use crate::{ENTRIES, Error, NAME_BYTES, Result};
use std::io::Write;

/// Names are UTF-8 (APPNOTE 4.4.4, bit 11).
const UTF8: u16 = 1 << 11;
/// Version needed: ZIP64 (4.5).
const NEEDED: u16 = 45;
/// 1 January 1980, the first day that the format knows: the time of an export is in the ledger.
const DOS_DATE: u32 = 0x0021_0000;

struct Done {
    name: String,
    at: u64,
    len: u64,
    packed: u64,
    crc: u32,
    method: u16,
}

/// A ZIP being written.
pub struct Writer<W> {
    out: W,
    at: u64,
    entries: Vec<Done>,
    open: Option<(Done, crc32fast::Hasher, flate2::write::DeflateEncoder<Vec<u8>>)>,
}

impl<W: Write> Writer<W> {
    /// Begins.
    pub const fn new(out: W) -> Self {
        Self { out, at: 0, entries: Vec::new(), open: None }
    }

    /// Begins an entry; the one before is ended.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; the system's.
    pub fn entry(&mut self, name: &str) -> Result<()> {
        self.end_entry()?;
        if name.len() > NAME_BYTES || self.entries.len() as u64 >= ENTRIES {
            return Err(Error::TooLarge("entries of the ZIP file"));
        }
        let (at, method) = (self.at, super::DEFLATED);
        let mut head = LOCAL.to_le_bytes().to_vec();
        for half in [NEEDED, DESCRIBED | UTF8, method] {
            head.extend(half.to_le_bytes());
        }
        // Lengths and checksum stand in the descriptor; the ZIP64 field says that they are wide.
        for word in [DOS_DATE, 0, u32::MAX, u32::MAX] {
            head.extend(word.to_le_bytes());
        }
        head.extend((name.len() as u16).to_le_bytes());
        head.extend(20u16.to_le_bytes());
        head.extend(name.as_bytes());
        head.extend([1, 0, 16, 0]);
        head.extend([0; 16]);
        self.put(&head)?;
        let done = Done { name: name.to_owned(), at, len: 0, packed: 0, crc: 0, method };
        // Level 1: explicit native pixels shrink by half at little cost, packed ones pass.
        let encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(1));
        self.open = Some((done, crc32fast::Hasher::new(), encoder));
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Bytes of the open entry.
    ///
    /// # Errors
    /// No entry is open; the system's.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let (done, hasher, encoder) = self.open.as_mut().ok_or(Error::Zip("no entry"))?;
        hasher.update(bytes);
        done.len += bytes.len() as u64;
        encoder.write_all(bytes)?;
        let packed = std::mem::take(encoder.get_mut());
        done.packed += packed.len() as u64;
        self.put(&packed)
    }

    fn end_entry(&mut self) -> Result<()> {
        let Some((mut done, hasher, encoder)) = self.open.take() else { return Ok(()) };
        let packed = encoder.finish()?;
        done.packed += packed.len() as u64;
        done.crc = hasher.finalize();
        self.put(&packed)?;
        let mut tail = Vec::new();
        tail.extend(DESCRIPTOR.to_le_bytes());
        tail.extend(done.crc.to_le_bytes());
        tail.extend(done.packed.to_le_bytes());
        tail.extend(done.len.to_le_bytes());
        self.put(&tail)?;
        self.entries.push(done);
        Ok(())
    }

    /// Writes the central directory; gives the output back.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(mut self) -> Result<W> {
        self.end_entry()?;
        let start = self.at;
        for done in std::mem::take(&mut self.entries) {
            let mut head = Vec::new();
            head.extend(CENTRAL.to_le_bytes());
            for half in [NEEDED, NEEDED, DESCRIBED | UTF8, done.method] {
                head.extend(half.to_le_bytes());
            }
            for word in [DOS_DATE, done.crc, u32::MAX, u32::MAX] {
                head.extend(word.to_le_bytes());
            }
            for half in [done.name.len() as u16, 28, 0, 0, 0] {
                head.extend(half.to_le_bytes());
            }
            for word in [0, u32::MAX] {
                head.extend(word.to_le_bytes());
            }
            head.extend(done.name.as_bytes());
            head.extend([1, 0, 24, 0]);
            for wide in [done.len, done.packed, done.at] {
                head.extend(wide.to_le_bytes());
            }
            self.put(&head)?;
            self.entries.push(done);
        }
        let (size, end64, count) = (self.at - start, self.at, self.entries.len() as u64);
        let mut tail = Vec::new();
        tail.extend(END64.to_le_bytes());
        tail.extend(44u64.to_le_bytes());
        tail.extend([NEEDED.to_le_bytes(), NEEDED.to_le_bytes()].concat());
        tail.extend([0; 8]);
        for wide in [count, count, size, start] {
            tail.extend(wide.to_le_bytes());
        }
        tail.extend(LOCATOR64.to_le_bytes());
        tail.extend(0u32.to_le_bytes());
        tail.extend(end64.to_le_bytes());
        tail.extend(1u32.to_le_bytes());
        tail.extend(END.to_le_bytes());
        let small = u16::try_from(count).unwrap_or(u16::MAX);
        for half in [0, 0, small, small] {
            tail.extend(half.to_le_bytes());
        }
        for word in [u32::try_from(size).unwrap_or(u32::MAX), u32::try_from(start).unwrap_or(u32::MAX)] {
            tail.extend(word.to_le_bytes());
        }
        tail.extend(0u16.to_le_bytes());
        self.put(&tail)?;
        self.out.flush()?;
        Ok(self.out)
    }
}
