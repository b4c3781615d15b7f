//! Marker segments (T.87 annex C), read strictly.

use crate::{Error, Result};
use model::ImageInfo;

/// Marker segments before any one scan.
const SEGMENTS: usize = 256;
const CUT: Error = Error::Malformed("JPEG-LS header");

/// How the components of a scan follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interleave {
    None,
    Line,
    Sample,
}

/// The frame header (SOF55).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub precision: u8,
    pub rows: u16,
    pub columns: u16,
    pub components: u8,
    ids: Vec<u8>,
}

/// What a scan is decoded with (C.2.3, C.2.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanHead {
    pub near: i32,
    pub interleave: Interleave,
    pub most: i32,
    pub thresholds: [i32; 3],
    pub reset: i32,
}

/// The stream behind its frame header.
pub struct Stream<'a> {
    rest: &'a [u8],
    preset: [i32; 5],
    /// Components that had a scan of their own.
    seen: usize,
}

impl<'a> Stream<'a> {
    /// Reads up to the frame header.
    pub fn open(encoded: &'a [u8]) -> Result<(Frame, Self)> {
        let rest = encoded.strip_prefix(&[0xFF, 0xD8]).ok_or(CUT)?;
        let mut stream = Self { rest, preset: [0; 5], seen: 0 };
        for _ in 0..SEGMENTS {
            let (marker, body) = stream.segment()?;
            match marker {
                0xF7 => return Ok((frame(body)?, stream)),
                0xDA => return Err(CUT),
                _ => stream.side(marker, body)?,
            }
        }
        Err(CUT)
    }

    /// Reads up to the next scan's data.
    pub fn scan(&mut self, frame: &Frame) -> Result<ScanHead> {
        for _ in 0..SEGMENTS {
            let (marker, body) = self.segment()?;
            match marker {
                0xDA => return self.scan_head(frame, body),
                0xF7 => return Err(CUT),
                _ => self.side(marker, body)?,
            }
        }
        Err(CUT)
    }

    pub fn data(&self) -> &'a [u8] {
        self.rest
    }

    /// Behind a scan's data comes a marker.
    pub fn skip(&mut self, used: usize) -> Result<()> {
        self.rest = self.rest.get(used..).filter(|rest| rest.starts_with(&[0xFF])).ok_or(CUT)?;
        Ok(())
    }

    fn segment(&mut self) -> Result<(u8, &'a [u8])> {
        let bytes = self.rest.strip_prefix(&[0xFF]).ok_or(CUT)?;
        let fill = bytes.iter().take_while(|b| **b == 0xFF).count();
        let (marker, rest) = bytes.get(fill..).and_then(<[u8]>::split_first).ok_or(CUT)?;
        if matches!(marker, 0x00..=0x7F | 0xD0..=0xD9) {
            return Err(CUT);
        }
        let len = rest.first_chunk().map(|len| usize::from(u16::from_be_bytes(*len))).ok_or(CUT)?;
        let body = rest.get(2..len).ok_or(CUT)?;
        self.rest = rest.get(len..).unwrap_or_default();
        Ok((*marker, body))
    }

    fn side(&mut self, marker: u8, body: &[u8]) -> Result<()> {
        match (marker, body) {
            // LSE, preset parameters.
            (0xF8, [1, words @ ..]) => {
                let (words, rest) = words.as_chunks::<2>();
                if words.len() != 5 || !rest.is_empty() {
                    return Err(CUT);
                }
                let values = words.iter().map(|w| i32::from(u16::from_be_bytes(*w)));
                self.preset.iter_mut().zip(values).for_each(|(to, from)| *to = from);
                Ok(())
            }
            (0xF8, _) => Err(Error::Unsupported("a JPEG-LS mapping table")),
            (0xDD, [0, 0]) => Ok(()),
            (0xDD, _) => Err(Error::Unsupported("a JPEG-LS restart interval")),
            (0xE8, [b'm', b'r', b'f', b'x', kind, ..]) if *kind != 0 => {
                Err(Error::Unsupported("a colour transform inside JPEG-LS"))
            }
            (0xE0..=0xEF | 0xFE, _) => Ok(()),
            _ => Err(CUT),
        }
    }

    fn scan_head(&mut self, frame: &Frame, body: &[u8]) -> Result<ScanHead> {
        let (count, body) = body.split_first().ok_or(CUT)?;
        let count = usize::from(*count);
        let (specs, tail) = body.split_at_checked(count * 2).ok_or(CUT)?;
        let [near, interleave, transform] = tail else { return Err(CUT) };
        let interleave = match (interleave, count) {
            (0, 1) => Interleave::None,
            (1, _) => Interleave::Line,
            (2, _) => Interleave::Sample,
            _ => return Err(CUT),
        };
        // One component a scan in the frame's order, or all of them.
        let expected = if interleave == Interleave::None {
            frame.ids.get(self.seen..=self.seen).ok_or(CUT)?
        } else {
            &frame.ids
        };
        let (specs, _) = specs.as_chunks::<2>();
        if !specs.iter().map(|[id, _]| id).eq(expected) {
            return Err(CUT);
        }
        if *transform != 0 || specs.iter().any(|[_, table]| *table != 0) {
            return Err(Error::Unsupported("a JPEG-LS table or point transform"));
        }
        self.seen += count;
        self.parameters(frame, i32::from(*near), interleave)
    }

    /// Presets, and the defaults of C.2.4.1.1.
    fn parameters(&self, frame: &Frame, near: i32, interleave: Interleave) -> Result<ScanHead> {
        let whole = (1i32 << frame.precision) - 1;
        let or = |given: i32, default: i32| if given == 0 { default } else { given };
        let [most, t1, t2, t3, reset] = self.preset;
        let most = or(most, whole);
        if most > whole || near > (most / 2).min(255) {
            return Err(CUT);
        }
        let default = defaults(most, near);
        let thresholds = [or(t1, default[0]), or(t2, default[1]), or(t3, default[2])];
        let reset = or(reset, 64);
        let [t1, t2, t3] = thresholds;
        let ordered = near < t1 && t1 <= t2 && t2 <= t3 && t3 <= most.max(near + 1);
        if !ordered || reset < 3 || reset > most.max(255) {
            return Err(CUT);
        }
        Ok(ScanHead { near, interleave, most, thresholds, reset })
    }
}

fn defaults(most: i32, near: i32) -> [i32; 3] {
    let clamp = |v: i32, least: i32| if v > most || v < least { least } else { v };
    if most >= 128 {
        let factor = (most.min(4095) + 128) / 256;
        let t1 = clamp(factor + 2 + 3 * near, near + 1);
        let t2 = clamp(factor * 4 + 3 + 5 * near, t1);
        let t3 = clamp(factor * 17 + 4 + 7 * near, t2);
        return [t1, t2, t3];
    }
    let factor = 256 / (most + 1);
    let t1 = clamp((3 / factor + 3 * near).max(2), near + 1);
    let t2 = clamp((7 / factor + 5 * near).max(3), t1);
    let t3 = clamp((21 / factor + 7 * near).max(4), t2);
    [t1, t2, t3]
}

impl Frame {
    /// Compares with the DICOM header.
    pub fn check(&self, image: &ImageInfo) -> Result<()> {
        if (u32::from(self.rows), u32::from(self.columns)) != (image.rows, image.columns) {
            return Err(Error::Disagree("size"));
        }
        if self.components != image.samples {
            return Err(Error::Disagree("samples per pixel"));
        }
        if !matches!(image.bits_allocated, 8 | 16) {
            return Err(Error::Unsupported("this number of bits"));
        }
        // Fewer bits stored than coded would cut values; more are only unused.
        if self.precision > image.bits_allocated {
            return Err(Error::Disagree("bits"));
        }
        Ok(())
    }
}

fn frame(body: &[u8]) -> Result<Frame> {
    let [precision, r0, r1, c0, c1, components, specs @ ..] = body else { return Err(CUT) };
    let (specs, rest) = specs.as_chunks::<3>();
    if specs.len() != usize::from(*components) || !rest.is_empty() || !matches!(precision, 2..=16) {
        return Err(CUT);
    }
    if specs.iter().any(|[_, factors, _]| *factors != 0x11) {
        return Err(Error::Unsupported("subsampled JPEG-LS"));
    }
    Ok(Frame {
        precision: *precision,
        rows: u16::from_be_bytes([*r0, *r1]),
        columns: u16::from_be_bytes([*c0, *c1]),
        components: *components,
        ids: specs.iter().map(|[id, _, _]| *id).collect(),
    })
}
