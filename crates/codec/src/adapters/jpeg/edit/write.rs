//! The stream that leaves: what its decoder needs, and nothing that was fitted to the frame.

use super::{CUT, Coefficients};
use crate::adapters::jpeg::header::Header;
use crate::adapters::jpeg::stream::{ScanHead, Stream};
use crate::encode::jpeg::huffman::{Bits, CHROMINANCE, Kind, LUMINANCE, Tables, WIDE};
use crate::encode::jpeg::tables;
use crate::{Error, Result};

/// Categories that the typical tables of 8 bits have codes for (Tables F.1 and F.2).
const FINE: (u32, u32) = (11, 10);
/// And those of 12 bits.
const BROAD: (u32, u32) = (15, 14);

pub struct Writer {
    bits: Bits,
    kinds: [Tables; 2],
    /// Largest categories of a difference and of another coefficient.
    most: (u32, u32),
    restart: usize,
}

impl Writer {
    /// Everything before the first scan but quantisation.
    pub fn new(header: &Header, stream: &Stream<'_>, len: usize) -> Result<Self> {
        let mut out = Vec::with_capacity(len);
        out.extend_from_slice(&[0xFF, 0xD8]);
        if header.jfif {
            out.extend_from_slice(b"\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00");
        }
        if let Some(transform) = header.adobe {
            out.extend_from_slice(b"\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00");
            out.push(transform);
        }
        let count = u8::try_from(stream.components.len()).map_err(|_| CUT)?;
        out.extend_from_slice(&[0xFF, header.process, 0, 8 + 3 * count, header.precision]);
        out.extend_from_slice(&header.rows.to_be_bytes());
        out.extend_from_slice(&header.columns.to_be_bytes());
        out.push(count);
        for component in &stream.components {
            out.extend_from_slice(&[component.id, component.factors, component.table]);
        }
        let wide = header.precision > 8;
        let kinds: [&Kind; 2] = if wide { [&WIDE, &WIDE] } else { [&LUMINANCE, &CHROMINANCE] };
        for (id, kind) in (0..).zip(kinds).take(if wide || count == 1 { 1 } else { 2 }) {
            tables(&mut out, id, kind);
        }
        let most = if wide { BROAD } else { FINE };
        Ok(Self { bits: Bits::new(out), kinds: kinds.map(Tables::new), most, restart: 0 })
    }

    /// A scan's header with the quantisation that is in force.
    pub fn scan(&mut self, stream: &Stream<'_>, head: &ScanHead) -> Result<()> {
        let mut out = std::mem::replace(&mut self.bits, Bits::new(Vec::new())).done();
        for (place, _, _) in &head.components {
            let id = stream.components.get(*place).ok_or(CUT)?.table;
            let steps = stream.quantiser(id)?;
            let wide = steps.iter().any(|step| *step > 255);
            out.extend_from_slice(&[0xFF, 0xDB, 0, if wide { 131 } else { 67 }, u8::from(wide) << 4 | id]);
            for step in steps {
                out.extend(step.to_be_bytes().iter().skip(usize::from(!wide)));
            }
        }
        if stream.restart != self.restart {
            self.restart = stream.restart;
            let [high, low] = u16::try_from(stream.restart).map_err(|_| CUT)?.to_be_bytes();
            out.extend_from_slice(&[0xFF, 0xDD, 0, 4, high, low]);
        }
        let count = u8::try_from(head.components.len()).map_err(|_| CUT)?;
        out.extend_from_slice(&[0xFF, 0xDA, 0, 6 + 2 * count, count]);
        for (place, _, _) in &head.components {
            let id = stream.components.get(*place).ok_or(CUT)?.id;
            out.extend_from_slice(&[id, self.table_of(*place) * 0x11]);
        }
        out.extend_from_slice(&[0, 63, 0]);
        self.bits = Bits::new(out);
        Ok(())
    }

    /// Colours after the first component have tables of their own, but for 12 bits.
    fn table_of(&self, place: usize) -> u8 {
        u8::from(place > 0 && self.most == FINE)
    }

    /// One block; one that the tables have no code for ends the writing.
    pub fn block(&mut self, block: &Coefficients, place: usize, before: &mut i32) -> Result<()> {
        let size = |value: i32| 32 - value.unsigned_abs().leading_zeros();
        let [first, others @ ..] = &block.values;
        let largest = others.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
        if size(i32::from(*first) - *before) > self.most.0 || size(i32::from(largest)) > self.most.1 {
            return Err(Error::Unsupported("coefficients of this size"));
        }
        let kind = self.kinds.get(usize::from(self.table_of(place))).ok_or(CUT)?;
        self.bits.block(block, before, kind);
        Ok(())
    }

    pub fn restart(&mut self, number: usize) {
        self.bits.restart(number);
    }

    /// With the end of the image; nothing follows it.
    pub fn end(self) -> Vec<u8> {
        let mut out = self.bits.done();
        out.extend_from_slice(&[0xFF, 0xD9]);
        out
    }
}
