//! One file per transfer syntax family. Each compares its codestream's own size with the header before it unpacks.

pub mod deflated;
pub mod jpeg;
pub mod jpeg2000;
pub mod jpegls;
pub mod jpegxl;
pub mod native;
pub mod rle;

use crate::{Error, Result};
use model::ImageInfo;

/// Pixels of the frame.
fn pixels(image: &ImageInfo) -> usize {
    image.rows as usize * image.columns as usize
}

/// Bytes of the frame as native little-endian data in the header's form (PS3.5 §8.1.1).
fn packed_bytes(image: &ImageInfo) -> usize {
    let samples = pixels(image) * usize::from(image.samples);
    match image.bits_allocated {
        1 => samples.div_ceil(8),
        bits => samples * usize::from(bits / 8),
    }
}

/// Refuses what could only come from a bomb: more bytes than the syntax can pack into these.
fn ratio(image: &ImageInfo, encoded: &[u8], most: usize) -> Result<()> {
    if packed_bytes(image) / most > encoded.len() {
        return Err(Error::Malformed("length"));
    }
    Ok(())
}
