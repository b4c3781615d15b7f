//! JPEG-LS, lossless and near-lossless (ITU-T T.87 | ISO 14495-1; PS3.5 A.4.3). Our own: the known decoder is C++.
//!
//! Not decoded, and refused by name: mapping tables, point transforms, restart intervals, sizes above 65,535, colour
//! transforms of other makers (APP8 `mrfx`), subsampled components. DICOM senders use none of them.

mod bits;
mod header;
mod scan;

use super::ratio;
use crate::samples::{Raw, interleave};
use crate::{Deadline, Error, Result};
use header::{Interleave, Stream};
use model::{ImageInfo, Samples};
use scan::Scan;

/// A run doubles with each bit: 2^15 samples of 2 bytes in one. Flat frames are small; the size is bounded by the header.
const RATIO: usize = 1 << 16;

/// Decodes after the frame header said the same as the DICOM header.
pub fn decode(image: &ImageInfo, encoded: &[u8], deadline: &Deadline<'_>) -> Result<Raw> {
    ratio(image, encoded, RATIO)?;
    let (frame, mut stream) = Stream::open(encoded)?;
    frame.check(image)?;
    let (rows, columns) = (usize::from(frame.rows), usize::from(frame.columns));
    let samples = usize::from(frame.components);
    let mut planes: Vec<u16> = Vec::new();
    let mut interleaved = false;
    while planes.len() < rows * columns * samples {
        let head = stream.scan(&frame)?;
        if head.interleave != Interleave::None && !planes.is_empty() {
            return Err(Error::Malformed("JPEG-LS scan"));
        }
        interleaved = head.interleave != Interleave::None;
        let at_once = if interleaved { samples } else { 1 };
        let mut scan = Scan::new(&head, columns, at_once, stream.data());
        for _ in 0..rows {
            deadline.check()?;
            scan.line(&mut planes)?;
        }
        stream.skip(scan.end()?)?;
    }
    let data = if frame.precision <= 8 && image.bits_allocated == 8 {
        Samples::U8(planes.iter().map(|v| v.to_le_bytes()[0]).collect())
    } else {
        Samples::U16(planes)
    };
    Ok(Raw { data: interleave(data, if interleaved { 1 } else { samples }), as_header: false })
}
