//! Pictures out: PNG (ISO 15948) and JPEG baseline.

pub(crate) mod jpeg;

use crate::{Error, Result};

/// An 8-bit picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Height.
    pub rows: u32,
    /// Width.
    pub columns: u32,
    /// Samples per pixel: 1 (grey) or 3 (RGB).
    pub samples: u8,
    /// Row by row, interleaved.
    pub data: Vec<u8>,
}

impl Picture {
    fn check(&self) -> Result<()> {
        let need = u64::from(self.rows) * u64::from(self.columns) * u64::from(self.samples);
        let whole = need > 0 && need == self.data.len() as u64;
        if whole && matches!(self.samples, 1 | 3) { Ok(()) } else { Err(Error::Disagree("size")) }
    }
}

/// PNG, with the fast compression: a viewer waits for it.
///
/// # Errors
/// The picture's size and data disagree.
pub fn png(picture: &Picture) -> Result<Vec<u8>> {
    picture.check()?;
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.columns, picture.rows);
    encoder.set_color(if picture.samples == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(|_| Error::Disagree("size"))?;
    writer.write_image_data(&picture.data).map_err(|_| Error::Disagree("size"))?;
    writer.finish().map_err(|_| Error::Disagree("size"))?;
    Ok(out)
}

/// JPEG baseline; quality 1 to 100, others are brought there.
///
/// # Errors
/// The picture's size and data disagree, or a side is above 65,535.
pub fn jpeg(picture: &Picture, quality: u8) -> Result<Vec<u8>> {
    picture.check()?;
    let side = |n: u32| u16::try_from(n).map_err(|_| Error::TooLarge("picture"));
    let (columns, rows) = (side(picture.columns)?, side(picture.rows)?);
    Ok(jpeg::encode(picture, (rows, columns), quality))
}

#[cfg(test)]
mod tests;
