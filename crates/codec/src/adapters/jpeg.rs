//! JPEG: baseline, extended and progressive of 8 bits, lossless of 2 to 16 (ISO 10918-1, PS3.5 A.4.1 to A.4.3).

mod header;

use super::ratio;
use crate::samples::Raw;
use crate::{Error, Result};
use header::Header;
use jpeg_decoder::{ColorTransform, Decoder};
use model::{ImageInfo, Photometric, Samples};

/// One coded bit may stand for a block of 64 samples of 2 bytes; progressive scans may leave whole bands out.
const RATIO: usize = 4096;

/// Decodes after the frame header said the same as the DICOM header.
pub fn decode(image: &ImageInfo, encoded: &[u8]) -> Result<Raw> {
    ratio(image, encoded, RATIO)?;
    let header = Header::read(encoded)?;
    header.check(image)?;
    let samples = usize::from(image.samples);
    let mut decoder = Decoder::new(encoded);
    decoder.set_max_decoding_buffer_size(image.frame_bytes().unwrap_or(0) * 2);
    if samples == 3 && !header.lossless {
        decoder.set_color_transform(if ycbcr(image, &header) {
            ColorTransform::YCbCr
        } else {
            ColorTransform::RGB
        });
    }
    // The decoder's own reading of the size counts: a stream that shows two frame headers would show them to one of us.
    decoder.read_info().map_err(unsupported)?;
    let size = decoder.info().map(|info| (u32::from(info.height), u32::from(info.width)));
    if size != Some((image.rows, image.columns)) {
        return Err(Error::Disagree("size"));
    }
    let bytes = decoder.decode().map_err(unsupported)?;
    let wide = header.lossless && header.precision != 8;
    let data = if wide {
        Samples::U16(bytes.as_chunks().0.iter().map(|c| u16::from_ne_bytes(*c)).collect())
    } else if samples == 3 && header.lossless && image.photometric != Photometric::Rgb {
        Samples::U8(to_rgb(&bytes))
    } else {
        Samples::U8(bytes)
    };
    if wide && samples == 3 && image.photometric != Photometric::Rgb {
        return Err(Error::Unsupported("YBR of more than 8 bits"));
    }
    Ok(Raw { data, as_header: false })
}

/// The header's word counts, but for a marker in the stream that says otherwise: senders label YBR streams RGB, and
/// JFIF knows no RGB.
fn ycbcr(image: &ImageInfo, header: &Header) -> bool {
    match (header.adobe, header.ids) {
        (Some(transform), _) => transform == 1,
        (None, [b'R', b'G', b'B']) => false,
        (None, _) => image.photometric != Photometric::Rgb || header.jfif,
    }
}

/// `YBR_FULL` to RGB (PS3.3 C.7.6.3.1.2).
fn to_rgb(bytes: &[u8]) -> Vec<u8> {
    let (triples, _) = bytes.as_chunks::<3>();
    triples.iter().flat_map(|[y, cb, cr]| model_rgb(*y, *cb, *cr)).collect()
}

fn model_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates to 0..=255")]
    let byte = |v: f32| (v + 0.5) as u8;
    [byte(y + 1.402 * cr), byte(y - 0.344_136 * cb - 0.714_136 * cr), byte(y + 1.772 * cb)]
}

fn unsupported(error: jpeg_decoder::Error) -> Error {
    match error {
        jpeg_decoder::Error::Unsupported(_) => Error::Unsupported("this JPEG process"),
        _ => Error::Malformed("JPEG stream"),
    }
}
