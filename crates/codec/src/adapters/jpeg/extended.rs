//! The extended sequential process of 12 bits (process 4; PS3.5 A.4.1, ISO 10918-1 annexes A and F). 8 bits are decoded
//! by `jpeg-decoder`, which knows no more.

use super::header::Header;
use super::huffman::{Bits, Table};
use super::stream::{ScanHead, Stream};
use crate::{Deadline, Error, Result};
use model::ImageInfo;

const CUT: Error = Error::Malformed("JPEG scan");
/// Figure A.6.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The samples, interleaved.
pub fn decode(
    image: &ImageInfo,
    encoded: &[u8],
    header: &Header,
    deadline: &Deadline<'_>,
) -> Result<Vec<u16>> {
    let samples = usize::from(image.samples);
    let (rows, columns) = (image.rows as usize, image.columns as usize);
    let mut out = vec![0; rows * columns * samples];
    let mut stream = Stream::new(encoded)?;
    let mut done = vec![false; samples];
    let basis = Basis::new(header.precision);
    while done.contains(&false) {
        let head = stream.scan()?;
        for (place, _, _) in &head.components {
            let seen = done.get_mut(*place).ok_or(CUT)?;
            if std::mem::replace(seen, true) {
                return Err(CUT);
            }
        }
        let mut scan = Scan::new(&stream, &head)?;
        let across = columns.div_ceil(8);
        for (down, band) in out.chunks_mut(8 * columns * samples).enumerate() {
            deadline.check()?;
            for block in 0..across {
                scan.restart_before(down * across + block)?;
                for part in &mut scan.parts {
                    let coefficients = part.block(&mut scan.bits)?;
                    let place = Place { columns, samples, left: block * 8, sample: part.place };
                    basis.paint(&coefficients, band, &place);
                }
            }
        }
        let used = scan.bits.end()?;
        stream.skip(used)?;
    }
    Ok(out)
}

struct Scan<'a> {
    bits: Bits<'a>,
    parts: Vec<Part<'a>>,
    restart: usize,
}

struct Part<'a> {
    place: usize,
    dc: &'a Table,
    ac: &'a Table,
    quantiser: &'a [u16; 64],
    before: i32,
}

impl<'a> Scan<'a> {
    fn new(stream: &'a Stream<'a>, head: &ScanHead) -> Result<Self> {
        if (head.start, head.end, head.high, head.low) != (0, 63, 0, 0) {
            return Err(CUT);
        }
        if stream.components.len() > 1 && stream.components.iter().any(|c| c.factors != 0x11) {
            return Err(Error::Unsupported("subsampled JPEG of 12 bits"));
        }
        let part = |(place, dc, ac): &(usize, u8, u8)| -> Result<Part<'a>> {
            let table = stream.components.get(*place).ok_or(CUT)?.table;
            Ok(Part {
                place: *place,
                dc: stream.dc(*dc)?,
                ac: stream.ac(*ac)?,
                quantiser: stream.quantiser(table)?,
                before: 0,
            })
        };
        Ok(Self {
            bits: Bits::new(stream.data()),
            parts: head.components.iter().map(part).collect::<Result<_>>()?,
            restart: stream.restart,
        })
    }

    fn restart_before(&mut self, unit: usize) -> Result<()> {
        if self.restart > 0 && unit > 0 && unit.is_multiple_of(self.restart) {
            self.bits.restart(unit / self.restart - 1)?;
            self.parts.iter_mut().for_each(|part| part.before = 0);
        }
        Ok(())
    }
}

impl Part<'_> {
    /// F.2.2: a block's coefficients in rows, multiplied by their steps.
    fn block(&mut self, bits: &mut Bits<'_>) -> Result<[f32; 64]> {
        let mut out = [0.0; 64];
        let category = bits.code(self.dc)?;
        if category > 16 {
            return Err(CUT);
        }
        // Kept in what 12 bits can need (F.1.1.5): hostile differences cannot add up without end.
        self.before = (self.before + bits.extended(category)?).clamp(-0x1_0000, 0x1_0000);
        out[0] = scaled(self.before, self.quantiser[0]);
        bits.others(self.ac, |k, value| {
            let place = *ZIGZAG.get(k).ok_or(CUT)?;
            out[usize::from(place)] = scaled(value, self.quantiser[k]);
            Ok(())
        })?;
        Ok(out)
    }
}

#[expect(clippy::cast_precision_loss, reason = "17 bits by 16: more than f32 holds only in broken streams")]
fn scaled(value: i32, step: u16) -> f32 {
    value as f32 * f32::from(step)
}

struct Place {
    columns: usize,
    samples: usize,
    left: usize,
    sample: usize,
}

/// The inverse transform's cosines (A.3.3).
struct Basis {
    cosines: [[f32; 8]; 8],
    middle: f32,
    most: f32,
}

impl Basis {
    #[expect(clippy::cast_precision_loss, reason = "small integers")]
    #[expect(clippy::cast_possible_truncation, reason = "cosines to f32")]
    fn new(precision: u8) -> Self {
        let mut cosines = [[0.0; 8]; 8];
        for (x, row) in cosines.iter_mut().enumerate() {
            for (u, cosine) in row.iter_mut().enumerate() {
                let scale = if u == 0 { 0.5 * std::f64::consts::FRAC_1_SQRT_2 } else { 0.5 };
                let angle = (2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0;
                *cosine = (scale * angle.cos()) as f32;
            }
        }
        let middle = f32::from(1u16 << (precision - 1));
        Self { cosines, middle, most: middle * 2.0 - 1.0 }
    }

    /// Transforms and writes what lies inside the frame.
    fn paint(&self, coefficients: &[f32; 64], band: &mut [u16], place: &Place) {
        let mut half = [[0.0f32; 8]; 8];
        for (row, half) in coefficients.as_chunks::<8>().0.iter().zip(&mut half) {
            for (cosines, out) in self.cosines.iter().zip(half) {
                *out = cosines.iter().zip(row).map(|(c, v)| c * v).sum();
            }
        }
        let width = (place.columns - place.left).min(8);
        for (cosines, line) in self.cosines.iter().zip(band.chunks_exact_mut(place.columns * place.samples)) {
            let from = place.left * place.samples + place.sample;
            let targets = line.iter_mut().skip(from).step_by(place.samples).take(width);
            for (x, target) in targets.enumerate() {
                let sum: f32 = cosines.iter().zip(&half).map(|(c, row)| c * row[x]).sum();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "clamped to 16 bits"
                )]
                let value = (sum + self.middle + 0.5).clamp(0.0, self.most + 0.5) as u16;
                *target = value;
            }
        }
    }
}
