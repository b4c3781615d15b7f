//! Scan by scan with the tables in force (ISO 10918-1 B.2), for the processes decoded here.

use super::header::segment;
use super::huffman::Table;
use crate::{Error, Result};

const CUT: Error = Error::Malformed("JPEG header");
/// Marker segments before any one scan.
const SEGMENTS: usize = 1024;

/// How often a component is sampled across and down.
pub type Factors = (usize, usize);

/// A component of the frame header.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    pub id: u8,
    pub factors: u8,
    /// Selects the quantisation table.
    pub table: u8,
}

/// A scan header (B.2.3).
pub struct ScanHead {
    /// Places in the frame, with the selected DC and AC tables.
    pub components: Vec<(usize, u8, u8)>,
    /// Start of the spectral selection, or the predictor.
    pub start: u8,
    pub end: u8,
    pub high: u8,
    /// Point transform.
    pub low: u8,
}

/// What stands before the scans and between them.
pub struct Stream<'a> {
    rest: &'a [u8],
    pub components: Vec<Component>,
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    quantisation: [Option<[u16; 64]>; 4],
    /// Pixels or blocks between restarts; 0 without.
    pub restart: usize,
}

impl<'a> Stream<'a> {
    pub fn new(encoded: &'a [u8]) -> Result<Self> {
        let rest = encoded.strip_prefix(&[0xFF, 0xD8]).ok_or(CUT)?;
        let none = || [const { None }; 4];
        Ok(Self { rest, components: Vec::new(), dc: none(), ac: none(), quantisation: [None; 4], restart: 0 })
    }

    /// Reads up to the data of the next scan.
    pub fn scan(&mut self) -> Result<ScanHead> {
        for _ in 0..SEGMENTS {
            let (marker, body, after) = segment(self.rest)?;
            self.rest = after;
            match marker {
                0xC4 => self.huffman(body)?,
                0xDB => self.quantisers(body)?,
                0xDD => self.restart = word(body)?,
                0xDA => return self.head(body),
                0xC0..=0xCF if self.components.is_empty() => self.components = components(body)?,
                0xE0..=0xEF | 0xFE => {}
                _ => return Err(CUT),
            }
        }
        Err(CUT)
    }

    pub fn data(&self) -> &'a [u8] {
        self.rest
    }

    /// Behind a scan's data comes a marker.
    pub fn skip(&mut self, used: usize) -> Result<()> {
        self.rest = self.rest.get(used..).filter(|rest| rest.starts_with(&[0xFF])).ok_or(CUT)?;
        Ok(())
    }

    /// How often each component is sampled across and down (A.1.1), and the most of each.
    pub fn factors(&self) -> Result<(Vec<Factors>, Factors)> {
        let each: Vec<Factors> = match self.components.as_slice() {
            // Alone, a component's blocks follow each other whatever its factors (A.2.2).
            [_] => vec![(1, 1)],
            all => all.iter().map(|c| (usize::from(c.factors >> 4), usize::from(c.factors & 15))).collect(),
        };
        let known = |(across, down): &Factors| (1..=4).contains(across) && (1..=4).contains(down);
        if each.is_empty() || !each.iter().all(known) {
            return Err(CUT);
        }
        let most = each.iter().fold((1, 1), |most, one| (most.0.max(one.0), most.1.max(one.1)));
        Ok((each, most))
    }

    pub fn dc(&self, i: u8) -> Result<&Table> {
        self.dc.get(usize::from(i)).and_then(Option::as_ref).ok_or(CUT)
    }

    pub fn ac(&self, i: u8) -> Result<&Table> {
        self.ac.get(usize::from(i)).and_then(Option::as_ref).ok_or(CUT)
    }

    pub fn quantiser(&self, i: u8) -> Result<&[u16; 64]> {
        self.quantisation.get(usize::from(i)).and_then(Option::as_ref).ok_or(CUT)
    }

    fn huffman(&mut self, mut body: &[u8]) -> Result<()> {
        while let Some((kind, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(CUT)?;
            let len: usize = counts.iter().map(|c| usize::from(*c)).sum();
            let (values, rest) = rest.split_at_checked(len).ok_or(CUT)?;
            let class = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let place = class.get_mut(usize::from(kind & 15)).filter(|_| *kind < 0x20).ok_or(CUT)?;
            *place = Some(Table::new(counts, values)?);
            body = rest;
        }
        Ok(())
    }

    fn quantisers(&mut self, mut body: &[u8]) -> Result<()> {
        while let Some((kind, rest)) = body.split_first() {
            let wide = kind >> 4;
            let (values, rest) = rest.split_at_checked(if wide == 0 { 64 } else { 128 }).ok_or(CUT)?;
            let mut table = [0; 64];
            if wide == 0 {
                table.iter_mut().zip(values).for_each(|(to, from)| *to = u16::from(*from));
            } else {
                let words = values.as_chunks::<2>().0;
                table.iter_mut().zip(words).for_each(|(to, from)| *to = u16::from_be_bytes(*from));
            }
            let place = self.quantisation.get_mut(usize::from(kind & 15)).filter(|_| wide < 2).ok_or(CUT)?;
            *place = Some(table);
            body = rest;
        }
        Ok(())
    }

    fn head(&self, body: &[u8]) -> Result<ScanHead> {
        let (count, rest) = body.split_first().ok_or(CUT)?;
        let (specs, tail) = rest.split_at_checked(usize::from(*count) * 2).ok_or(CUT)?;
        let [start, end, transform] = tail else { return Err(CUT) };
        let mut components = Vec::new();
        for [id, tables] in specs.as_chunks::<2>().0 {
            let place = self.components.iter().position(|c| c.id == *id).ok_or(CUT)?;
            // In the frame's order, each once (B.2.3).
            if components.last().is_some_and(|(before, _, _)| *before >= place) {
                return Err(CUT);
            }
            components.push((place, tables >> 4, tables & 15));
        }
        if components.is_empty() {
            return Err(CUT);
        }
        Ok(ScanHead { components, start: *start, end: *end, high: transform >> 4, low: transform & 15 })
    }
}

fn word(body: &[u8]) -> Result<usize> {
    match body {
        [a, b] => Ok(usize::from(u16::from_be_bytes([*a, *b]))),
        _ => Err(CUT),
    }
}

fn components(body: &[u8]) -> Result<Vec<Component>> {
    let specs = body.get(6..).ok_or(CUT)?;
    let (specs, rest) = specs.as_chunks::<3>();
    if !rest.is_empty() || specs.is_empty() {
        return Err(CUT);
    }
    Ok(specs
        .iter()
        .map(|[id, factors, table]| Component { id: *id, factors: *factors, table: *table })
        .collect())
}
