//! The markers up to the first scan (ISO 10918-1 B.2).

use crate::{Error, Result};
use model::ImageInfo;

/// Scans in one frame; each may cost a pass over the whole frame, so that small files could cost hours.
const SCANS: usize = 128;
/// Marker segments before the first scan.
const SEGMENTS: usize = 1024;
const CUT: Error = Error::Malformed("JPEG header");

/// What the stream says of itself.
pub struct Header {
    /// The second byte of the frame header's marker (table B.1).
    pub process: u8,
    pub precision: u8,
    pub rows: u16,
    pub columns: u16,
    components: u8,
    /// Component identifiers of a colour frame.
    pub ids: [u8; 3],
    /// An APP0 of JFIF.
    pub jfif: bool,
    /// The transform of an Adobe APP14.
    pub adobe: Option<u8>,
}

impl Header {
    /// Reads strictly: segments follow each other, one frame header, and it comes before the first scan.
    pub fn read(encoded: &[u8]) -> Result<Self> {
        let mut rest = encoded.strip_prefix(&[0xFF, 0xD8]).ok_or(CUT)?;
        let (mut frame, mut jfif, mut adobe) = (None, false, None);
        for _ in 0..SEGMENTS {
            let (marker, body, after) = segment(rest)?;
            rest = after;
            match marker {
                0xE0 => jfif |= body.starts_with(b"JFIF\0"),
                0xEE if body.starts_with(b"Adobe") => adobe = body.get(11).copied(),
                0xC4 | 0xC8 | 0xCC => {}
                0xC0..=0xCF if frame.is_some() => return Err(CUT),
                0xC0..=0xCF => frame = Some(sof(marker, body)?),
                0xDA => {
                    scans(encoded)?;
                    let frame: Self = frame.ok_or(CUT)?;
                    return Ok(Self { jfif, adobe, ..frame });
                }
                _ => {}
            }
        }
        Err(CUT)
    }

    /// Compares with the DICOM header.
    pub fn check(&self, image: &ImageInfo) -> Result<()> {
        if (u32::from(self.rows), u32::from(self.columns)) != (image.rows, image.columns) {
            return Err(Error::Disagree("size"));
        }
        if self.components != image.samples {
            return Err(Error::Disagree("samples per pixel"));
        }
        if self.precision < 2 || self.precision > 16 || image.bits_allocated > 16 {
            return Err(Error::Unsupported("this number of bits"));
        }
        // Fewer bits stored than coded would cut values; more are only unused.
        if self.precision > image.bits_allocated {
            return Err(Error::Disagree("bits"));
        }
        Ok(())
    }
}

/// A marker with its segment and what follows; fill bytes are allowed (B.1.1.2).
pub fn segment(bytes: &[u8]) -> Result<(u8, &[u8], &[u8])> {
    let bytes = bytes.strip_prefix(&[0xFF]).ok_or(CUT)?;
    let fill = bytes.iter().take_while(|b| **b == 0xFF).count();
    let (marker, rest) = bytes.get(fill..).and_then(<[u8]>::split_first).ok_or(CUT)?;
    if matches!(marker, 0x00 | 0x01 | 0xD0..=0xD9) {
        return Err(CUT);
    }
    let len = rest.first_chunk().map(|len| usize::from(u16::from_be_bytes(*len))).ok_or(CUT)?;
    let body = rest.get(2..len).ok_or(CUT)?;
    Ok((*marker, body, rest.get(len..).unwrap_or_default()))
}

fn sof(marker: u8, body: &[u8]) -> Result<Header> {
    let [precision, r0, r1, c0, c1, components, specs @ ..] = body else { return Err(CUT) };
    let mut ids = [0; 3];
    ids.iter_mut().zip(specs.chunks(3)).for_each(|(id, spec)| *id = spec.first().copied().unwrap_or(0));
    Ok(Header {
        process: marker,
        precision: *precision,
        rows: u16::from_be_bytes([*r0, *r1]),
        columns: u16::from_be_bytes([*c0, *c1]),
        components: *components,
        ids,
        jfif: false,
        adobe: None,
    })
}

fn scans(encoded: &[u8]) -> Result<()> {
    let count = encoded.windows(2).filter(|pair| *pair == [0xFF, 0xDA]).count();
    if count > SCANS { Err(Error::TooLarge("number of scans")) } else { Ok(()) }
}
