//! Lossless processes 14 (PS3.5 A.4.2, predictors 1 to 7, all depths; ISO 10918-1 annex H).

use super::header::Header;
use super::huffman::{Bits, Table};
use super::stream::{ScanHead, Stream};
use crate::{Deadline, Error, Result};
use model::ImageInfo;

const CUT: Error = Error::Malformed("JPEG scan");

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
    while done.contains(&false) {
        let head = stream.scan()?;
        for (place, _, _) in &head.components {
            let seen = done.get_mut(*place).ok_or(CUT)?;
            if std::mem::replace(seen, true) {
                return Err(CUT);
            }
        }
        let mut scan = Scan::new(&stream, &head, header.precision, columns)?;
        for (y, row) in out.chunks_exact_mut(columns * samples).enumerate() {
            deadline.check()?;
            scan.row(y, row, samples)?;
        }
        let used = scan.bits.end()?;
        stream.skip(used)?;
    }
    Ok(out)
}

struct Scan<'a> {
    bits: Bits<'a>,
    parts: Vec<Part<'a>>,
    predictor: u8,
    shift: u8,
    middle: i32,
    /// Rows between restarts; 0 without.
    restart: usize,
}

struct Part<'a> {
    place: usize,
    table: &'a Table,
    /// The row before and this one, before the point transform.
    above: Vec<i32>,
    here: Vec<i32>,
}

impl<'a> Scan<'a> {
    fn new(stream: &'a Stream<'a>, head: &ScanHead, precision: u8, columns: usize) -> Result<Self> {
        if !(1..=7).contains(&head.start) || head.end != 0 || head.high != 0 || head.low >= precision {
            return Err(CUT);
        }
        if stream.components.iter().any(|c| c.factors != 0x11) && stream.components.len() > 1 {
            return Err(Error::Unsupported("subsampled lossless JPEG"));
        }
        if !stream.restart.is_multiple_of(columns) {
            return Err(Error::Unsupported("restarts within a row"));
        }
        let part = |(place, dc, _): &(usize, u8, u8)| -> Result<Part<'a>> {
            Ok(Part {
                place: *place,
                table: stream.dc(*dc)?,
                above: vec![0; columns],
                here: vec![0; columns],
            })
        };
        Ok(Self {
            bits: Bits::new(stream.data()),
            parts: head.components.iter().map(part).collect::<Result<_>>()?,
            predictor: head.start,
            shift: head.low,
            middle: 1 << (precision - head.low - 1),
            restart: stream.restart / columns,
        })
    }

    fn row(&mut self, y: usize, out: &mut [u16], samples: usize) -> Result<()> {
        let begins = y == 0 || (self.restart > 0 && y.is_multiple_of(self.restart));
        if begins && y > 0 {
            self.bits.restart(y / self.restart - 1)?;
        }
        for part in &mut self.parts {
            std::mem::swap(&mut part.above, &mut part.here);
        }
        for (x, pixel) in out.chunks_exact_mut(samples).enumerate() {
            for part in &mut self.parts {
                let category = self.bits.code(part.table)?;
                let difference = match category {
                    0..=15 => self.bits.extended(category)?,
                    16 => 32_768,
                    _ => return Err(CUT),
                };
                let predicted = match (begins, x) {
                    (true, 0) => self.middle,
                    (true, _) => part.here[x - 1],
                    (false, 0) => part.above[0],
                    (false, _) => {
                        let (a, b, c) = (part.here[x - 1], part.above[x], part.above[x - 1]);
                        predicted(self.predictor, a, b, c)
                    }
                };
                // H.1.2.1: modulo 2^16.
                let value = (predicted + difference) & 0xFFFF;
                part.here[x] = value;
                let [low, high, ..] = (value << self.shift).to_le_bytes();
                pixel[part.place] = u16::from_le_bytes([low, high]);
            }
        }
        Ok(())
    }
}

/// Table H.1.
const fn predicted(predictor: u8, a: i32, b: i32, c: i32) -> i32 {
    match predictor {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    }
}
