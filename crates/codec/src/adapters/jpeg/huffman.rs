//! Entropy-coded bits and Huffman tables (ISO 10918-1 annexes C and F.2.2).

use crate::{Error, Result};

const CUT: Error = Error::Malformed("JPEG scan");
/// Codes up to this length are found by one look.
const QUICK: u32 = 9;

/// A table as DHT gives it.
#[derive(Debug, Clone)]
pub struct Table {
    /// By the next bits: length in the high byte (0: longer), value in the low one.
    quick: Vec<u16>,
    /// By length: the first code above it, moved up to 16 bits.
    above: [u32; 17],
    /// By length: what is added to a code to get its place among the values.
    place: [i32; 17],
    values: Vec<u8>,
}

impl Table {
    /// Sixteen counts and their values; more codes than a length has room for are refused.
    pub fn new(counts: &[u8; 16], values: &[u8]) -> Result<Self> {
        let mut table =
            Self { quick: vec![0; 1 << QUICK], above: [0; 17], place: [0; 17], values: values.to_vec() };
        let (mut code, mut at) = (0u32, 0usize);
        for (len, count) in (1u32..).zip(counts.iter().map(|c| u32::from(*c))) {
            table.place[len as usize] = i32::try_from(at).map_err(|_| CUT)? - code.cast_signed();
            for _ in 0..count {
                let value = *values.get(at).ok_or(CUT)?;
                if len <= QUICK {
                    let from = (code << (QUICK - len)) as usize;
                    let span = table.quick.get_mut(from..from + (1 << (QUICK - len))).ok_or(CUT)?;
                    span.fill(u16::from_be_bytes([len.to_le_bytes()[0], value]));
                }
                code += 1;
                at += 1;
            }
            if code > 1 << len {
                return Err(CUT);
            }
            table.above[len as usize] = code << (16 - len);
            code <<= 1;
        }
        if at == values.len() { Ok(table) } else { Err(CUT) }
    }

    /// Length and value of the code at the start of 16 bits.
    fn find(&self, bits: u32) -> Result<(u32, u8)> {
        let quick = self.quick.get((bits >> (16 - QUICK)) as usize).copied().unwrap_or(0);
        let [len, value] = quick.to_be_bytes();
        if len > 0 {
            return Ok((len.into(), value));
        }
        let len = (QUICK + 1..=16).find(|len| bits < self.above[*len as usize]).ok_or(CUT)?;
        let place = (bits >> (16 - len)).cast_signed() + self.place[len as usize];
        let value = usize::try_from(place).ok().and_then(|place| self.values.get(place));
        value.map(|value| (len, *value)).ok_or(CUT)
    }
}

/// Reads bits, the highest first, and never past a marker.
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xFF, 0, ..]) => {
                    self.at += 1;
                    0xFF
                }
                None | Some([] | [0xFF, ..]) => return,
                Some([byte, ..]) => *byte,
            };
            self.at += 1;
            self.held = (self.held << 8) | u64::from(byte);
            self.count += 8;
        }
    }

    /// The next coded value.
    pub fn code(&mut self, table: &Table) -> Result<u8> {
        if self.count < 16 {
            self.fill();
        }
        let bits =
            if self.count >= 16 { self.held >> (self.count - 16) } else { self.held << (16 - self.count) };
        let (len, value) = table.find(u32::try_from(bits & 0xFFFF).unwrap_or(0))?;
        self.count = self.count.checked_sub(len).ok_or(CUT)?;
        Ok(value)
    }

    /// A difference of this category (F.2.2.1, RECEIVE and EXTEND); at most 16.
    pub fn extended(&mut self, category: u8) -> Result<i32> {
        let n = u32::from(category);
        if n == 0 {
            return Ok(0);
        }
        if self.count < n {
            self.fill();
        }
        self.count = self.count.checked_sub(n).ok_or(CUT)?;
        let value = i32::try_from((self.held >> self.count) & ((1 << n) - 1)).unwrap_or(0);
        Ok(if value < 1 << (n - 1) { value + 1 - (1 << n) } else { value })
    }

    /// The coefficients of a block after the first, by their places in zigzag order (F.2.2.2).
    pub fn others(&mut self, table: &Table, mut each: impl FnMut(usize, i32) -> Result<()>) -> Result<()> {
        let mut k = 1;
        while k < 64 {
            let code = self.code(table)?;
            let (run, category) = (usize::from(code >> 4), code & 15);
            match (run, category) {
                (15, 0) => k += 16,
                (_, 0) => break,
                _ => {
                    k += run;
                    if k >= 64 {
                        return Err(CUT);
                    }
                    each(k, self.extended(category)?)?;
                    k += 1;
                }
            }
        }
        Ok(())
    }

    /// At a restart marker with this number (F.2.2.5): what is left of the byte is padding.
    pub fn restart(&mut self, number: usize) -> Result<()> {
        self.fill();
        let marker = 0xD0 + u8::try_from(number % 8).unwrap_or(0);
        match self.bytes.get(self.at..) {
            Some([0xFF, found, ..]) if *found == marker && self.count < 8 => {
                self.at += 2;
                self.count = 0;
                Ok(())
            }
            _ => Err(CUT),
        }
    }

    /// Bytes of the scan: what is left before the next marker is padding.
    pub fn end(&mut self) -> Result<usize> {
        self.fill();
        if self.count < 8 { Ok(self.at) } else { Err(CUT) }
    }
}
