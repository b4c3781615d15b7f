//! The main header up to the first tile-part (ISO 15444-1 A.5, A.6).

use crate::{Error, Result};
use model::ImageInfo;

/// Tiles of one frame. OpenJPEG keeps some 6 KiB for each before it reads any.
const TILES: u64 = 2048;
/// Precincts of all resolutions, components and tiles together.
const PRECINCTS: u64 = 1 << 20;
/// Layers; each visits every precinct.
const LAYERS: u16 = 1024;
/// Marker segments of the main header.
const SEGMENTS: usize = 1024;
const CUT: Error = Error::Malformed("JPEG 2000 header");

/// What the codestream says of itself.
pub struct Header {
    rows: u32,
    columns: u32,
    tiles: u64,
    components: u16,
    /// Largest precision of a component.
    precision: u8,
    /// All components have every pixel.
    whole: bool,
    precincts: u64,
    layers: u16,
    /// The components are transformed to RGB by the decoder (RCT or ICT).
    pub transform: bool,
}

/// The raw codestream. Senders wrap it in JP2 boxes against PS3.5 A.4.4; only the `jp2c` box is read, so that palettes
/// and other boxes have no say.
pub fn codestream(encoded: &[u8]) -> Result<&[u8]> {
    const SOC_SIZ: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
    let mut rest = encoded;
    for _ in 0..SEGMENTS {
        if rest.starts_with(&SOC_SIZ) {
            return Ok(rest);
        }
        let (len, kind) = rest
            .first_chunk::<8>()
            .map(|[a, b, c, d, kind @ ..]| (u32::from_be_bytes([*a, *b, *c, *d]), kind))
            .ok_or(CUT)?;
        let skip = match len {
            _ if kind == b"jp2c" => {
                if len == 1 {
                    16
                } else {
                    8
                }
            }
            8.. => len as usize,
            _ => return Err(CUT),
        };
        rest = rest.get(skip..).ok_or(CUT)?;
        if kind == b"jp2c" {
            return if rest.starts_with(&SOC_SIZ) { Ok(rest) } else { Err(CUT) };
        }
    }
    Err(CUT)
}

impl Header {
    /// Reads SIZ, COD and COC.
    pub fn read(stream: &[u8]) -> Result<Self> {
        let mut rest = stream.get(2..).ok_or(CUT)?;
        let mut header: Option<Self> = None;
        for _ in 0..SEGMENTS {
            let start = rest;
            let (marker, body, after) = segment(rest)?;
            rest = after;
            match (marker, &mut header) {
                (0x51, None) => header = Some(siz(body)?),
                (0x51, Some(_)) | (_, None) => return Err(CUT),
                (0x52, Some(header)) => header.coding(body, 0)?,
                (0x53, Some(header)) => {
                    let wide = if header.components < 257 { 1 } else { 2 };
                    header.coding(body, wide)?;
                }
                // Start of the first tile-part: the main header is over.
                (0x90, Some(_)) => {
                    tile_parts(start)?;
                    return header.ok_or(CUT);
                }
                _ => {}
            }
        }
        Err(CUT)
    }

    /// Adds what COD (`coc` 0) or COC (bytes of the component's index) asks of memory.
    fn coding(&mut self, body: &[u8], coc: usize) -> Result<()> {
        let style = *body.get(coc).ok_or(CUT)?;
        let spec = if coc == 0 {
            let [_, _, l0, l1, transform, spec @ ..] = body else { return Err(CUT) };
            self.layers = u16::from_be_bytes([*l0, *l1]);
            self.transform = *transform == 1;
            spec
        } else {
            body.get(coc + 1..).ok_or(CUT)?
        };
        let levels = u32::from(*spec.first().ok_or(CUT)?);
        if levels > 32 {
            return Err(CUT);
        }
        let sizes = spec.get(5..).unwrap_or_default();
        for resolution in 0..=levels {
            let exponents = if style & 1 == 1 { *sizes.get(resolution as usize).ok_or(CUT)? } else { 0xFF };
            let side = |pixels: u32, exponent: u8| -> u64 {
                let scaled = u64::from(pixels).div_ceil(1 << (levels - resolution));
                (scaled >> exponent.min(15)) + 2
            };
            let here = side(self.columns, exponents & 15) * side(self.rows, exponents >> 4);
            self.precincts = self.precincts.saturating_add(here * u64::from(self.components));
        }
        Ok(())
    }

    /// Compares with the DICOM header, and with the limits on what a decoder would set up.
    pub fn check(&self, image: &ImageInfo) -> Result<()> {
        if (self.rows, self.columns) != (image.rows, image.columns) || !self.whole {
            return Err(Error::Disagree("size"));
        }
        if self.components != u16::from(image.samples) {
            return Err(Error::Disagree("samples per pixel"));
        }
        if !matches!(image.bits_allocated, 8 | 16) {
            return Err(Error::Unsupported("this number of bits"));
        }
        if self.precision > image.bits_allocated {
            return Err(Error::Disagree("bits"));
        }
        if self.tiles > TILES || self.precincts > PRECINCTS || self.layers > LAYERS {
            return Err(Error::TooLarge("number of tiles, precincts or layers"));
        }
        Ok(())
    }
}

/// Headers of tile-parts may say another coding for their tile (ISO 15444-1 A.6.1, A.6.2, A.6.6): what that asks of memory was
/// not compared with any limit, so such a stream is refused.
fn tile_parts(mut rest: &[u8]) -> Result<()> {
    while rest.starts_with(&[0xFF, 0x90]) {
        let start = rest;
        let (_, sot, mut header) = segment(rest)?;
        let length =
            sot.get(2..6).and_then(|l| l.first_chunk()).map(|l| u32::from_be_bytes(*l)).ok_or(CUT)?;
        for _ in 0..SEGMENTS {
            if header.starts_with(&[0xFF, 0x93]) {
                break;
            }
            let (marker, _, after) = segment(header)?;
            if matches!(marker, 0x52 | 0x53 | 0x5F) {
                return Err(Error::Unsupported("a coding of its own for one tile"));
            }
            header = after;
        }
        // Start of data; a part that is shorter than its own header, or has more segments, is none.
        let headers = start.len() - header.len() + 2;
        if !header.starts_with(&[0xFF, 0x93]) || (length != 0 && (length as usize) < headers) {
            return Err(CUT);
        }
        // No length: it is the last one, up to the end.
        rest = if length == 0 { &[] } else { start.get(length as usize..).unwrap_or_default() };
    }
    let end = rest.starts_with(&[0xFF, 0xD9]) || rest.iter().all(|byte| *byte == 0);
    if end { Ok(()) } else { Err(CUT) }
}

fn segment(bytes: &[u8]) -> Result<(u8, &[u8], &[u8])> {
    let [0xFF, marker, rest @ ..] = bytes else { return Err(CUT) };
    let len = rest.first_chunk().map(|len| usize::from(u16::from_be_bytes(*len))).ok_or(CUT)?;
    let body = rest.get(2..len).ok_or(CUT)?;
    Ok((*marker, body, rest.get(len..).unwrap_or_default()))
}

fn siz(body: &[u8]) -> Result<Header> {
    let (words, _) = body.get(2..34).ok_or(CUT)?.as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|w| u32::from_be_bytes(*w)).collect();
    let [right, bottom, left, top, tile_width, tile_height, tile_left, tile_top] = words[..] else {
        return Err(CUT);
    };
    let components =
        body.get(34..36).and_then(|c| c.first_chunk()).map(|c| u16::from_be_bytes(*c)).ok_or(CUT)?;
    let (specs, _) = body.get(36..).ok_or(CUT)?.as_chunks::<3>();
    if specs.len() != usize::from(components) || tile_width == 0 || tile_height == 0 {
        return Err(CUT);
    }
    let across = u64::from(right.saturating_sub(tile_left)).div_ceil(tile_width.into());
    let down = u64::from(bottom.saturating_sub(tile_top)).div_ceil(tile_height.into());
    Ok(Header {
        rows: bottom.checked_sub(top).ok_or(CUT)?,
        columns: right.checked_sub(left).ok_or(CUT)?,
        tiles: across.saturating_mul(down),
        components,
        precision: specs.iter().map(|[depth, _, _]| (depth & 0x7F) + 1).max().unwrap_or(0),
        whole: specs.iter().all(|[_, x, y]| (*x, *y) == (1, 1)),
        precincts: 0,
        layers: 0,
        transform: false,
    })
}
