//! Bits of a JPEG-LS scan (T.87 A.1): after a byte of all ones the next holds seven.

use crate::{Error, Result};

const CUT: Error = Error::Malformed("JPEG-LS scan");

/// Reads bits, the highest first, and never past a marker.
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bits not yet given, from the lowest up.
    held: u64,
    count: u32,
    after_ones: bool,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, count: 0, after_ones: false }
    }

    /// Takes bytes while there is room for them; stops before a marker.
    fn fill(&mut self) {
        while self.count <= 48 {
            let Some(byte) = self.bytes.get(self.at).copied() else { return };
            if self.after_ones && byte >= 0x80 {
                return;
            }
            let width = if self.after_ones { 7 } else { 8 };
            if byte == 0xFF && self.bytes.get(self.at + 1).is_none_or(|next| *next >= 0x80) {
                return;
            }
            self.held = (self.held << width) | u64::from(byte);
            self.count += width;
            self.at += 1;
            self.after_ones = byte == 0xFF;
        }
    }

    pub fn bit(&mut self) -> Result<bool> {
        if self.count == 0 {
            self.fill();
        }
        self.count = self.count.checked_sub(1).ok_or(CUT)?;
        Ok((self.held >> self.count) & 1 == 1)
    }

    /// At most 32 bits.
    pub fn take(&mut self, n: u32) -> Result<u32> {
        if n == 0 {
            return Ok(0);
        }
        if self.count < n {
            self.fill();
        }
        self.count = self.count.checked_sub(n).ok_or(CUT)?;
        let mask = (1u64 << n) - 1;
        Ok(u32::try_from((self.held >> self.count) & mask).unwrap_or(0))
    }

    /// Zeros before the next one, which is taken too; more than `most` are none.
    pub fn zeros(&mut self, most: u32) -> Result<u32> {
        let mut zeros = 0;
        loop {
            if self.count == 0 {
                self.fill();
                if self.count == 0 {
                    return Err(CUT);
                }
            }
            let here = self.held & (u64::MAX >> (64 - self.count));
            let lead = here.leading_zeros() - (64 - self.count);
            zeros += lead;
            self.count -= lead;
            if zeros > most {
                return Err(CUT);
            }
            if self.count > 0 {
                self.count -= 1;
                return Ok(zeros);
            }
        }
    }

    /// Bytes of the scan: what is left before the marker is padding, less than two bytes of it.
    pub fn end(&mut self) -> Result<usize> {
        self.fill();
        if self.count < 16 { Ok(self.at) } else { Err(CUT) }
    }
}
