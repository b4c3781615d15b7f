//! Pixel decode and encode, one file per transfer syntax family.
//!
//! Invariant: nothing is decoded or allocated before its size was compared with a limit.

mod adapters;
mod deadline;
mod encode;
mod error;
mod registry;
mod samples;

pub use adapters::jpeg::edit::{Area, Colour, edit as edit_jpeg};
pub use deadline::Deadline;
pub use encode::{Picture, jpeg, png};
pub use error::{Error, Result};
pub use registry::{Syntax, decodes, syntaxes, table};

use model::{Frame, ImageInfo, Photometric, limits};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Decodes one frame.
///
/// The frame has the header's rows, columns, samples and bits allocated, its samples interleaved and moved down to bit
/// 0. Bits above `bits_stored` are zero, or copies of the sign where samples are signed (viewers read them as 16-bit
/// integers): either way nothing that hides there (overlays, PS3.5 §8.1.2) comes through. The photometric
/// interpretation is that of [`decoded_photometric`].
///
/// # Errors
/// The syntax is not decoded, a limit is exceeded, the bytes are broken, or they contradict the header: size, depth and
/// components of the codestream itself are compared before it is unpacked.
pub fn decode(image: &ImageInfo, encoded: &[u8]) -> Result<Frame> {
    decode_until(image, encoded, &Deadline::never())
}

/// [`decode`] with a deadline. OpenJPEG is asked before it begins only: its time is bounded by the limits on its header.
///
/// # Errors
/// As [`decode`], and when the time is over.
pub fn decode_until(image: &ImageInfo, encoded: &[u8], deadline: &Deadline<'_>) -> Result<Frame> {
    let decoder = registry::decoder(image.transfer_syntax.as_str())
        .ok_or(Error::Unsupported("this transfer syntax"))?;
    check(image, encoded)?;
    // The last fence around third-party decoders: they index and assert on hostile bytes. Nothing of theirs outlives
    // the call, so nothing half-done can be seen afterwards.
    let raw = catch_unwind(AssertUnwindSafe(|| decoder(image, encoded, deadline)))
        .unwrap_or(Err(Error::Malformed("codestream")))?;
    let data = samples::normalise(image, raw)?;
    let frame = Frame {
        rows: image.rows,
        columns: image.columns,
        samples: image.samples,
        bits_stored: image.bits_stored,
        signed: image.signed,
        photometric: decoded_photometric(image),
        data,
    };
    if frame.len() == frame.expected_len() { Ok(frame) } else { Err(Error::Disagree("size")) }
}

/// What a decoded frame's samples mean; a function of the header alone, so that a header can be written before any
/// frame is decoded. One sample: as the header says. Three: RGB, but for `YBR_FULL` and `YBR_FULL_422` in native, RLE
/// and deflated form, which are colours as they were stored: `YBR_FULL`, one chrominance pair a pixel.
#[must_use]
pub fn decoded_photometric(image: &ImageInfo) -> Photometric {
    let transformed = registry::stores_colour(image.transfer_syntax.as_str());
    match image.photometric {
        Photometric::YbrFull | Photometric::YbrFull422 if !transformed => Photometric::YbrFull,
        Photometric::Monochrome1 | Photometric::Monochrome2 | Photometric::PaletteColor => image.photometric,
        _ => Photometric::Rgb,
    }
}

fn check(image: &ImageInfo, encoded: &[u8]) -> Result<()> {
    let one = matches!(
        image.photometric,
        Photometric::Monochrome1 | Photometric::Monochrome2 | Photometric::PaletteColor
    );
    if image.samples != if one { 1 } else { 3 } {
        return Err(Error::Disagree("samples per pixel"));
    }
    let bits = matches!(image.bits_allocated, 1 | 8 | 16 | 32);
    if !bits || image.bits_stored == 0 || image.bits_stored > image.bits_allocated {
        return Err(Error::Disagree("bits"));
    }
    if image.high_bit >= image.bits_allocated || image.high_bit + 1 < image.bits_stored {
        return Err(Error::Disagree("high bit"));
    }
    if image.frame_bytes().is_none() {
        return Err(Error::TooLarge("frame"));
    }
    if encoded.len() > limits::ENCODED_FRAME_BYTES && encoded.len() > native_room(image) {
        return Err(Error::TooLarge("encoded frame"));
    }
    Ok(())
}

/// A native frame may be as large as a decoded one.
fn native_room(image: &ImageInfo) -> usize {
    image.frame_bytes().map_or(0, |bytes| bytes + bytes % 2)
}

#[cfg(test)]
mod tests;
