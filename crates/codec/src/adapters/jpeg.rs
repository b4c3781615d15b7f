//! JPEG: baseline, extended and progressive of 8 bits by `jpeg-decoder`; extended sequential of 12 and lossless of 2 to
//! 16 bits by ourselves (ISO 10918-1, PS3.5 A.4.1 and A.4.2).

pub(crate) mod edit;
mod extended;
mod header;
mod huffman;
mod lossless;
mod stream;

use super::ratio;
use crate::deadline::Timed;
use crate::samples::Raw;
use crate::{Deadline, Error, Result};
use header::Header;
use jpeg_decoder::{ColorTransform, Decoder};
use model::{ImageInfo, Photometric, Samples};
use std::io::BufReader;

/// One coded bit may stand for a block of 64 samples of 2 bytes; progressive scans may leave whole bands out.
const RATIO: usize = 4096;

/// Decodes after the frame header said the same as the DICOM header.
pub fn decode(image: &ImageInfo, encoded: &[u8], deadline: &Deadline<'_>) -> Result<Raw> {
    ratio(image, encoded, RATIO)?;
    let header = Header::read(encoded)?;
    header.check(image)?;
    let data = match header.process {
        LOSSLESS => as_coded(image, lossless::decode(image, encoded, &header, deadline)?, header.precision),
        EXTENDED if header.precision > 8 => {
            Samples::U16(extended::decode(image, encoded, &header, deadline)?)
        }
        _ => Samples::U8(lossy(image, encoded, &header, deadline)?),
    };
    Ok(Raw { data, as_header: false })
}

/// Extended sequential and lossless, both with Huffman codes (table B.1).
const EXTENDED: u8 = 0xC1;
const LOSSLESS: u8 = 0xC3;

/// Lossless samples have no colour transform of the codestream's: they are given as they are coded.
fn as_coded(image: &ImageInfo, values: Vec<u16>, precision: u8) -> Samples {
    if precision <= 8 && image.bits_allocated == 8 { Samples::U8(low(&values)) } else { Samples::U16(values) }
}

fn low(values: &[u16]) -> Vec<u8> {
    values.iter().map(|v| v.to_le_bytes()[0]).collect()
}

fn lossy(image: &ImageInfo, encoded: &[u8], header: &Header, deadline: &Deadline<'_>) -> Result<Vec<u8>> {
    const READ: usize = 4096;
    let timed = Timed { rest: encoded, deadline: *deadline };
    let mut decoder = Decoder::new(BufReader::with_capacity(READ, timed));
    decoder.set_max_decoding_buffer_size(image.frame_bytes().unwrap_or(0) * 2);
    if image.samples == 3 {
        decoder.set_color_transform(if ycbcr(image, header) {
            ColorTransform::YCbCr
        } else {
            ColorTransform::RGB
        });
    }
    // The decoder's own reading of the size counts: a stream that shows two frame headers would show them to one of us.
    decoder.read_info().map_err(cause)?;
    let size = decoder.info().map(|info| (u32::from(info.height), u32::from(info.width)));
    if size != Some((image.rows, image.columns)) {
        return Err(Error::Disagree("size"));
    }
    decoder.decode().map_err(cause)
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

fn cause(error: jpeg_decoder::Error) -> Error {
    match error {
        jpeg_decoder::Error::Unsupported(_) => Error::Unsupported("this JPEG process"),
        jpeg_decoder::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Error::OutOfTime,
        _ => Error::Malformed("JPEG stream"),
    }
}
