//! From what a decoder gives to what [`Frame`](model::Frame) promises.

use crate::{Error, Result};
use model::{ImageInfo, Samples};

/// Interleaved samples as they came out of a decoder.
pub struct Raw {
    pub data: Samples,
    /// Samples lie as the header says (high bit, bits stored), else they start at bit 0.
    pub as_header: bool,
}

/// To the header's allocation, bit 0, and no bits above the stored ones.
pub fn normalise(image: &ImageInfo, raw: Raw) -> Result<Samples> {
    let shift = if raw.as_header { u32::from(image.high_bit + 1 - image.bits_stored) } else { 0 };
    let rule = Rule { shift, stored: image.bits_stored.into(), signed: image.signed };
    match (image.bits_allocated, raw.data) {
        (1 | 8, Samples::U8(mut data)) => {
            if rule.changes(8) {
                data.iter_mut().for_each(|v| *v = rule.apply(u32::from(*v)).to_le_bytes()[0]);
            }
            Ok(Samples::U8(data))
        }
        (16, Samples::U8(data)) => {
            Ok(Samples::U16(data.iter().map(|v| low16(rule.apply(u32::from(*v)))).collect()))
        }
        (16, Samples::U16(mut data)) => {
            if rule.changes(16) && !image.signed {
                let kept = low16(u32::MAX >> (32 - rule.stored));
                data.iter_mut().for_each(|v| *v = (*v >> rule.shift) & kept);
            } else if rule.changes(16) {
                data.iter_mut().for_each(|v| *v = low16(rule.apply(u32::from(*v))));
            }
            Ok(Samples::U16(data))
        }
        (32, Samples::U32(mut data)) => {
            if rule.changes(32) {
                data.iter_mut().for_each(|v| *v = rule.apply(*v));
            }
            Ok(Samples::U32(data))
        }
        _ => Err(Error::Disagree("bits allocated")),
    }
}

/// What happens to the bits of a sample.
struct Rule {
    shift: u32,
    stored: u32,
    signed: bool,
}

impl Rule {
    fn changes(&self, allocated: u32) -> bool {
        self.shift > 0 || self.stored < allocated
    }

    fn apply(&self, value: u32) -> u32 {
        let up = 32 - self.stored;
        let value = (value >> self.shift) << up;
        if self.signed { (value.cast_signed() >> up).cast_unsigned() } else { value >> up }
    }
}

fn low16(value: u32) -> u16 {
    let [a, b, _, _] = value.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// Little-endian bytes as samples of the header's allocation.
pub fn from_le_bytes(bits_allocated: u8, bytes: &[u8]) -> Result<Samples> {
    match bits_allocated {
        8 => Ok(Samples::U8(bytes.to_vec())),
        16 => Ok(Samples::U16(bytes.as_chunks().0.iter().map(|c| u16::from_le_bytes(*c)).collect())),
        32 => Ok(Samples::U32(bytes.as_chunks().0.iter().map(|c| u32::from_le_bytes(*c)).collect())),
        _ => Err(Error::Unsupported("this number of bits")),
    }
}

/// One bit a sample, the first in the lowest bit (PS3.5 §8.1.1), to one byte of 0 or 1 each.
pub fn unpack_bits(packed: &[u8], count: usize) -> Result<Samples> {
    if packed.len() < count.div_ceil(8) {
        return Err(Error::Malformed("length"));
    }
    let bits = packed.iter().flat_map(|byte| (0..8).map(move |bit| (byte >> bit) & 1));
    Ok(Samples::U8(bits.take(count).collect()))
}

/// Planes (all of the first sample, then all of the second, ...) to pixels.
pub fn interleave(planes: Samples, samples: usize) -> Samples {
    fn pixels<T: Copy>(planes: &[T], samples: usize) -> Vec<T> {
        let count = planes.len() / samples;
        (0..count).flat_map(|i| planes.iter().skip(i).step_by(count).take(samples).copied()).collect()
    }
    if samples < 2 {
        return planes;
    }
    match planes {
        Samples::U8(data) => Samples::U8(pixels(&data, samples)),
        Samples::U16(data) => Samples::U16(pixels(&data, samples)),
        Samples::U32(data) => Samples::U32(pixels(&data, samples)),
    }
}
