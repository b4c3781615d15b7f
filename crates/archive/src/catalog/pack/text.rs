//! Texts in few bytes. A number of seven bits a byte says the kind in its lowest two bits and a length, a word's number or
//! the value itself in the rest.

use crate::catalog::words::Words;

const LITERAL: u64 = 0;
const WORD: u64 = 1;
const DIGITS: u64 = 2;
const SUFFIX: u64 = 3;

/// What two to a byte can say; the last fills up.
const HALVES: &[u8; 16] = b"0123456789.-+: \0";

/// Appends a number, seven bits a byte, the lowest first.
pub fn number(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7F) as u8);
}

/// Appends a text: as a shared word, as digits, as digits behind what it has in common with `before`, or as it is.
pub fn text(out: &mut Vec<u8>, value: &str, before: &str, words: Option<&mut Words>) {
    if let Some(id) = words.and_then(|words| words.id(value)) {
        return number(out, u64::from(id) << 2 | WORD);
    }
    if value.is_empty() || !value.bytes().all(|b| b != 0 && HALVES.contains(&b)) {
        number(out, (value.len() as u64) << 2 | LITERAL);
        return out.extend_from_slice(value.as_bytes());
    }
    let common = value.bytes().zip(before.bytes()).take_while(|(a, b)| a == b).count();
    let rest = if common > 4 {
        number(out, ((value.len() - common) as u64) << 2 | SUFFIX);
        number(out, common as u64);
        value.get(common..).unwrap_or_default()
    } else {
        number(out, (value.len() as u64) << 2 | DIGITS);
        value
    };
    let half = |b: &u8| HALVES.iter().position(|known| known == b).unwrap_or(15) as u8;
    for pair in rest.as_bytes().chunks(2) {
        out.push(pair.first().map_or(0, half) << 4 | pair.get(1).map_or(15, half));
    }
}

/// Reads what was packed; nothing when it is damaged.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(taken)
    }

    pub fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.take::<1>()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub fn len(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub fn text(&mut self, before: &str, words: &Words) -> Option<String> {
        let head = self.number()?;
        let len = usize::try_from(head >> 2).ok()?;
        match head & 3 {
            WORD => words.word(head >> 2).map(str::to_owned),
            LITERAL => String::from_utf8(self.bytes(len)?.to_vec()).ok(),
            kind => {
                let common = if kind == SUFFIX { self.len()? } else { 0 };
                let mut out = before.get(..common)?.to_owned();
                let packed = self.bytes(len.div_ceil(2))?;
                let halves = packed.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(len);
                out.extend(halves.filter_map(|half| HALVES.get(usize::from(half))).map(|b| char::from(*b)));
                Some(out)
            }
        }
    }
}
