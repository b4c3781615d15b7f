//! A sequential JPEG painted over in its coefficients (ISO 10918-1 annexes A and F; Clunie and Gebow, J Med Imaging 2(1)
//! 016501): units under a mask become flat, all others keep every coefficient, so that what is seen outside is what it was.
//!
//! Attack: what a stream says beside its picture. Application data and comments may hold a small copy of it, Huffman tables
//! fitted to a frame count what is hidden in it, bytes may follow its end. Nothing of them comes along: the stream is
//! written anew, with tables that are the same for every frame.

mod write;

use super::EXTENDED;
use super::header::Header;
use super::huffman::{Bits, Table};
use super::stream::{ScanHead, Stream};
use crate::encode::jpeg::block::Coefficients;
use crate::{Deadline, Error, Result};
use model::{ImageInfo, limits};
use write::Writer;

const CUT: Error = Error::Malformed("JPEG scan");
/// Table B.1.
const BASELINE: u8 = 0xC0;

/// What a unit under the mask is painted with: a stored value for each sample, RGB of colours.
pub type Colour = [u32; 3];

/// Pixels of a frame: left, top inclusive; right, bottom exclusive.
pub type Area = [u32; 4];

/// Writes the frame anew; `paint` says of each coded unit (8 × 8 pixels, or as many as its subsampling joins) what covers
/// it, if anything does.
///
/// # Errors
/// The stream is none of the sequential processes of 8 or 12 bits, is signed, is broken, or contradicts the header.
pub fn edit(
    image: &ImageInfo,
    encoded: &[u8],
    paint: &dyn Fn(Area) -> Option<Colour>,
    deadline: &Deadline<'_>,
) -> Result<Vec<u8>> {
    crate::adapters::ratio(image, encoded, super::RATIO)?;
    let header = Header::read(encoded)?;
    header.check(image)?;
    let sequential = matches!((header.process, header.precision), (BASELINE | EXTENDED, 8) | (EXTENDED, 12));
    if !sequential || image.signed || encoded.len() > limits::ENCODED_FRAME_BYTES {
        return Err(Error::Unsupported("editing this JPEG"));
    }
    let mut stream = Stream::new(encoded)?;
    let mut done = vec![false; usize::from(image.samples)];
    let mut out: Option<Writer> = None;
    let mut units: Option<Units> = None;
    while done.contains(&false) {
        let head = stream.scan()?;
        if stream.components.len() != done.len() {
            return Err(Error::Disagree("samples per pixel"));
        }
        for (place, _, _) in &head.components {
            if std::mem::replace(done.get_mut(*place).ok_or(CUT)?, true) {
                return Err(CUT);
            }
        }
        let units = match &mut units {
            Some(units) => units,
            none => none.insert(Units::new(image, &header, &stream, paint)?),
        };
        let writer = out.take().map_or_else(|| Writer::new(&header, &stream, encoded.len()), Ok)?;
        let (writer, used) = Scan::new(&stream, &head, units, writer)?.run(deadline)?;
        out = Some(writer);
        stream.skip(used)?;
    }
    out.map(Writer::end).ok_or(CUT)
}

/// What covers each unit of the frame, row by row.
struct Units {
    across: usize,
    down: usize,
    colours: Vec<Option<[i32; 3]>>,
    factors: Vec<(usize, usize)>,
    most: (usize, usize),
    size: (usize, usize),
}

impl Units {
    fn new(
        image: &ImageInfo,
        header: &Header,
        stream: &Stream<'_>,
        paint: &dyn Fn(Area) -> Option<Colour>,
    ) -> Result<Self> {
        let (factors, most) = stream.factors()?;
        let (columns, rows) = (image.columns as usize, image.rows as usize);
        let (wide, tall) = (8 * most.0, 8 * most.1);
        let (across, down) = (columns.div_ceil(wide), rows.div_ceil(tall));
        let transformed = image.samples == 3 && super::ycbcr(image, header);
        let middle = 1i32 << (header.precision - 1);
        let mut colours = Vec::with_capacity(across * down);
        for (row, column) in (0..down).flat_map(|row| (0..across).map(move |column| (row, column))) {
            let (left, top) = (column * wide, row * tall);
            let area =
                [left, top, (left + wide).min(columns), (top + tall).min(rows)].map(|side| side as u32);
            colours.push(paint(area).map(|colour| levels(colour, transformed, middle)));
        }
        Ok(Self { across, down, colours, factors, most, size: (columns, rows) })
    }

    /// Blocks of a component alone: only those that the frame needs (A.2.2).
    fn alone(&self, place: usize) -> Result<(usize, usize)> {
        let (h, v) = *self.factors.get(place).ok_or(CUT)?;
        let blocks = |side: usize, factor: usize, most: usize| (side * factor).div_ceil(most).div_ceil(8);
        Ok((blocks(self.size.0, h, self.most.0), blocks(self.size.1, v, self.most.1)))
    }
}

/// The colour in the stream's own components, with the middle taken away (A.3.1).
fn levels(colour: Colour, transformed: bool, middle: i32) -> [i32; 3] {
    let [a, b, c] = colour.map(|v| i32::try_from(v).unwrap_or(i32::MAX).min(2 * middle - 1));
    if !transformed {
        return [a - middle, b - middle, c - middle];
    }
    // PS3.3 C.7.6.3.1.2, in thousandths; of 8 bits, as only such streams are transformed.
    let part = |r: i32, g: i32, bl: i32| (r * a + g * b + bl * c + 500).div_euclid(1000);
    [part(299, 587, 114) - middle, part(-169, -331, 500), part(500, -419, -81)]
}

struct Scan<'a> {
    bits: Bits<'a>,
    parts: Vec<Part<'a>>,
    units: &'a Units,
    out: Writer,
    restart: usize,
}

struct Part<'a> {
    place: usize,
    dc: &'a Table,
    ac: &'a Table,
    step: i32,
    /// The last first coefficient read, and the last one written.
    read: i32,
    written: i32,
}

impl<'a> Scan<'a> {
    fn new(stream: &'a Stream<'a>, head: &ScanHead, units: &'a Units, mut out: Writer) -> Result<Self> {
        if (head.start, head.end, head.high, head.low) != (0, 63, 0, 0) {
            return Err(CUT);
        }
        let part = |(place, dc, ac): &(usize, u8, u8)| -> Result<Part<'a>> {
            let quantiser = stream.quantiser(stream.components.get(*place).ok_or(CUT)?.table)?;
            let (dc, ac) = (stream.dc(*dc)?, stream.ac(*ac)?);
            Ok(Part { place: *place, dc, ac, step: i32::from(quantiser[0]).max(1), read: 0, written: 0 })
        };
        let parts = head.components.iter().map(part).collect::<Result<_>>()?;
        out.scan(stream, head)?;
        Ok(Self { bits: Bits::new(stream.data()), parts, units, out, restart: stream.restart })
    }

    /// All blocks of the scan; gives the bytes read.
    fn run(mut self, deadline: &Deadline<'_>) -> Result<(Writer, usize)> {
        if let [part] = self.parts.as_slice() {
            let place = part.place;
            let (across, down) = self.units.alone(place)?;
            let (h, v) = *self.units.factors.get(place).ok_or(CUT)?;
            for row in 0..down {
                deadline.check()?;
                for column in 0..across {
                    self.restart_before(row * across + column)?;
                    self.block(0, (row / v) * self.units.across + column / h)?;
                }
            }
        } else {
            for row in 0..self.units.down {
                deadline.check()?;
                for unit in row * self.units.across..(row + 1) * self.units.across {
                    self.restart_before(unit)?;
                    self.unit(unit)?;
                }
            }
        }
        let used = self.bits.end()?;
        Ok((self.out, used))
    }

    fn unit(&mut self, unit: usize) -> Result<()> {
        for at in 0..self.parts.len() {
            let place = self.parts.get(at).ok_or(CUT)?.place;
            let (h, v) = *self.units.factors.get(place).ok_or(CUT)?;
            for _ in 0..h * v {
                self.block(at, unit)?;
            }
        }
        Ok(())
    }

    fn restart_before(&mut self, unit: usize) -> Result<()> {
        if self.restart > 0 && unit > 0 && unit.is_multiple_of(self.restart) {
            let number = unit / self.restart - 1;
            self.bits.restart(number)?;
            self.out.restart(number);
            self.parts.iter_mut().for_each(|part| (part.read, part.written) = (0, 0));
        }
        Ok(())
    }

    fn block(&mut self, part: usize, unit: usize) -> Result<()> {
        let part = self.parts.get_mut(part).ok_or(CUT)?;
        let mut block = part.block(&mut self.bits)?;
        if let Some(colour) = self.units.colours.get(unit).ok_or(CUT)? {
            let level = *colour.get(part.place).ok_or(CUT)?;
            // A flat block's first coefficient is eight times its level (A.3.3), in steps of the table.
            let first = (8 * level + part.step / 2).div_euclid(part.step);
            block = Coefficients { values: [0; 64], others: 0 };
            block.values[0] = i16::try_from(first).map_err(|_| CUT)?;
        }
        self.out.block(&block, part.place, &mut part.written)
    }
}

impl Part<'_> {
    /// F.2.2: a block's coefficients as they are coded.
    fn block(&mut self, bits: &mut Bits<'_>) -> Result<Coefficients> {
        let mut out = Coefficients { values: [0; 64], others: 0 };
        let category = bits.code(self.dc)?;
        if category > 15 {
            return Err(CUT);
        }
        self.read += bits.extended(category)?;
        // What 12 bits can need, with room (F.1.1.5): hostile differences cannot add up without end.
        out.values[0] = i16::try_from(self.read).map_err(|_| CUT)?;
        bits.others(self.ac, |k, value| {
            out.values[k] = i16::try_from(value).map_err(|_| CUT)?;
            out.others |= 1 << k;
            Ok(())
        })?;
        Ok(out)
    }
}
