//! Decoded pixels and their description, shared by `codec`, `privacy` and `pixels`.

use crate::caller::words;
use crate::{Uid, limits};
use serde::{Deserialize, Serialize};

words! {
    /// Photometric interpretation (PS3.3 C.7.6.3.1.2).
    Photometric, "photometric interpretation",
    /// White is low.
    Monochrome1 = "MONOCHROME1",
    /// Black is low.
    Monochrome2 = "MONOCHROME2",
    /// Indices into a palette.
    PaletteColor = "PALETTE COLOR",
    /// Red, green, blue.
    Rgb = "RGB",
    /// Luminance and chrominance.
    YbrFull = "YBR_FULL",
    /// The same, chrominance at half width.
    YbrFull422 = "YBR_FULL_422",
    /// JPEG 2000 irreversible.
    YbrIct = "YBR_ICT",
    /// JPEG 2000 reversible.
    YbrRct = "YBR_RCT",
    /// JPEG XL's own space; decoders give RGB.
    Xyb = "XYB",
}

/// What the header says of an image's pixels, checked against the limits, before anything is decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageInfo {
    /// Transfer syntax of the stored pixels.
    pub transfer_syntax: Uid,
    /// SOP class.
    pub sop_class: Uid,
    /// (0028,0010).
    pub rows: u32,
    /// (0028,0011).
    pub columns: u32,
    /// (0028,0008), at least 1.
    pub frames: u32,
    /// (0028,0002): 1 or 3.
    pub samples: u8,
    /// (0028,0004).
    pub photometric: Photometric,
    /// (0028,0100): 1, 8, 16 or 32.
    pub bits_allocated: u8,
    /// (0028,0101).
    pub bits_stored: u8,
    /// (0028,0102).
    pub high_bit: u8,
    /// (0028,0103) = 1.
    pub signed: bool,
    /// (0028,0006) = 1: samples in planes.
    pub planar: bool,
    /// (0028,1053), 1 when absent.
    pub rescale_slope: f64,
    /// (0028,1052), 0 when absent.
    pub rescale_intercept: f64,
    /// First pair of (0028,1050) and (0028,1051): centre, width, in rescaled units.
    pub window: Option<(f64, f64)>,
    /// Presentation LUT shape (2050,0020) = INVERSE.
    pub inverse: bool,
    /// Millimetres per pixel: row spacing, column spacing; from (0028,0030), else (0018,1164).
    pub spacing: Option<(f64, f64)>,
    /// Palette tables (red, green, blue) as 16-bit entries with first mapped value, for PALETTE COLOR.
    pub palette: Option<Palette>,
    /// (0008,0060), upper case, at most 16 characters.
    pub modality: String,
    /// (0018,0015), upper case.
    pub body_part: String,
    /// (0018,5101), upper case.
    pub view_position: String,
    /// (0008,0008) joined by backslashes.
    pub image_type: String,
    /// (0028,0301): what the sender claims; a hint, never trusted as a no.
    pub burned_in: Option<bool>,
    /// Patient's age in years, when the header gives it or both dates.
    pub age_years: Option<f32>,
    /// Patient's sex, `M`, `F`, `O` or empty.
    pub sex: String,
}

/// A palette (PS3.3 C.7.6.3.1.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Palette {
    /// First stored value mapped.
    pub first: i32,
    /// Red, green, blue entries, 16 bits each, at most 65,536.
    pub tables: [Vec<u16>; 3],
}

impl ImageInfo {
    /// Bytes of one decoded frame (samples of 1 bit count as one byte each), or nothing above the limits.
    #[must_use]
    pub fn frame_bytes(&self) -> Option<usize> {
        if self.rows == 0
            || self.columns == 0
            || self.rows > limits::FRAME_SIDE
            || self.columns > limits::FRAME_SIDE
        {
            return None;
        }
        let per_sample = match self.bits_allocated {
            1 | 8 => 1u64,
            16 => 2,
            32 => 4,
            _ => return None,
        };
        let bytes = u64::from(self.rows) * u64::from(self.columns) * u64::from(self.samples) * per_sample;
        usize::try_from(bytes).ok().filter(|bytes| *bytes <= limits::FRAME_BYTES)
    }
}

/// Samples as stored (no rescale, no window), pixels interleaved (never planar).
/// Signed 16-bit samples keep their two's complement bits in `U16`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits allocated (or 1 bit, unpacked to 0/1).
    U8(Vec<u8>),
    /// 16 bits allocated.
    U16(Vec<u16>),
    /// 32 bits allocated.
    U32(Vec<u32>),
}

/// One decoded frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Height in pixels.
    pub rows: u32,
    /// Width in pixels.
    pub columns: u32,
    /// Samples per pixel: 1 or 3.
    pub samples: u8,
    /// Bits that carry the value, from bit 0 (high bit = stored - 1 after decoding).
    pub bits_stored: u8,
    /// Two's complement.
    pub signed: bool,
    /// After decoding: MONOCHROME1/2, PALETTE COLOR or RGB; YBR only if it was stored uncompressed so.
    pub photometric: Photometric,
    /// The samples, row by row.
    pub data: Samples,
}

impl Frame {
    /// Number of samples that `rows × columns × samples` asks for.
    #[must_use]
    pub fn expected_len(&self) -> usize {
        self.rows as usize * self.columns as usize * self.samples as usize
    }

    /// Number of samples present.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.data {
            Samples::U8(data) => data.len(),
            Samples::U16(data) => data.len(),
            Samples::U32(data) => data.len(),
        }
    }

    /// No samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Little-endian bytes, as native pixel data.
    #[must_use]
    pub fn to_le_bytes(&self) -> Vec<u8> {
        match &self.data {
            Samples::U8(data) => data.clone(),
            Samples::U16(data) => data.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Samples::U32(data) => data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}
