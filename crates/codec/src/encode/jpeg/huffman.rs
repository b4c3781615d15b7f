//! Entropy coding: the tables that T.81 Annex K.3 gives as typical, and the bits that they make.

use super::block::Coefficients;

/// How many codes of each length, and their values in order (T.81 B.2.4.2).
pub struct Specified {
    pub counts: [u8; 16],
    pub values: &'static [u8],
}

/// Of one kind of component.
pub struct Kind {
    pub dc: Specified,
    pub ac: Specified,
}

const DC_VALUES: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// Tables K.3 and K.5.
pub const LUMINANCE: Kind = Kind {
    dc: Specified { counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], values: DC_VALUES },
    ac: Specified { counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D], values: LUMINANCE_AC },
};

/// Tables K.4 and K.6.
pub const CHROMINANCE: Kind = Kind {
    dc: Specified { counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], values: DC_VALUES },
    ac: Specified { counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77], values: CHROMINANCE_AC },
};

#[rustfmt::skip]
const LUMINANCE_AC: &[u8] = &[
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3,
    0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];

#[rustfmt::skip]
const CHROMINANCE_AC: &[u8] = &[
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1,
    0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
    0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA,
    0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];

/// For 12 bits, where no table is typical: every value there can be, each in nearly the same length. Without a code of
/// ones alone (T.81 C.2): 14 of 16 codes of 4 bits, the rest of 5; 254 of 256 codes of 8 bits, the rest of 9.
pub const WIDE: Kind = Kind {
    dc: Specified { counts: [0, 0, 0, 14, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], values: WIDE_DC },
    ac: Specified { counts: [0, 0, 0, 0, 0, 0, 0, 254, 2, 0, 0, 0, 0, 0, 0, 0], values: &WIDE_AC },
};

const WIDE_DC: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// 0 to 255.
const WIDE_AC: [u8; 256] = {
    let (mut values, mut n) = ([0; 256], 0);
    while n < 256 {
        values[n] = n as u8;
        n += 1;
    }
    values
};

/// A code and its length in bits.
type Code = (u32, u32);

/// Codes by value.
pub struct Tables {
    dc: [Code; 16],
    ac: [Code; 256],
}

impl Tables {
    pub fn new(kind: &Kind) -> Self {
        Self { dc: codes(&kind.dc), ac: codes(&kind.ac) }
    }
}

/// T.81 C.2: codes of one length follow each other, and go on doubled with the next length.
fn codes<const N: usize>(specified: &Specified) -> [Code; N] {
    let mut out = [(0, 0); N];
    let mut values = specified.values.iter();
    let mut code = 0;
    for (length, count) in (1..).zip(specified.counts) {
        for value in values.by_ref().take(usize::from(count)) {
            if let Some(slot) = out.get_mut(usize::from(*value)) {
                *slot = (code, length);
            }
            code += 1;
        }
        code <<= 1;
    }
    out
}

/// Bits on their way out.
pub struct Bits {
    out: Vec<u8>,
    /// The lowest `count` bits are waiting.
    waiting: u64,
    count: u32,
}

impl Bits {
    pub fn new(out: Vec<u8>) -> Self {
        Self { out, waiting: 0, count: 0 }
    }

    /// At most 32 bits.
    fn put(&mut self, bits: u32, count: u32) {
        self.waiting = self.waiting << count | u64::from(bits);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.waiting >> self.count) as u32;
            // A byte of ones would be taken for a marker: a zero follows it (T.81 B.1.1.5). Most words have none.
            let ones = word & 0x8080_8080 & (!word).wrapping_sub(0x0101_0101);
            if ones == 0 {
                self.out.extend_from_slice(&word.to_be_bytes());
            } else {
                word.to_be_bytes().into_iter().for_each(|byte| self.byte(byte));
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        self.out.push(byte);
        if byte == 0xFF {
            self.out.push(0);
        }
    }

    /// The code of a value, and the value's own bits (T.81 F.1.2.1, F.1.2.2).
    fn coefficient(&mut self, (code, length): Code, value: i32, size: u32) {
        let bits = (value - i32::from(value < 0)) as u32 & ((1 << size) - 1);
        self.put(code << size | bits, length + size);
    }

    /// One block; `before` is the first coefficient of the last block of this component.
    pub fn block(&mut self, block: &Coefficients, before: &mut i32, tables: &Tables) {
        let [first, ..] = block.values;
        let first = i32::from(first);
        let difference = first - std::mem::replace(before, first);
        let size = bits_of(difference);
        self.coefficient(tables.dc[size as usize & 15], difference, size);
        let mut others = block.others & !1;
        let mut last = 0;
        while others != 0 {
            let at = others.trailing_zeros();
            others &= others - 1;
            let mut run = at - last - 1;
            last = at;
            while run > 15 {
                let (code, length) = tables.ac[0xF0];
                self.put(code, length);
                run -= 16;
            }
            let value = i32::from(block.values[at as usize & 63]);
            let size = bits_of(value);
            self.coefficient(tables.ac[(run << 4 | size) as usize & 255], value, size);
        }
        if last != 63 {
            let (code, length) = tables.ac[0];
            self.put(code, length);
        }
    }

    /// Filled with ones to a whole byte (T.81 F.1.2.3).
    fn fill(&mut self) {
        let fill = (8 - self.count % 8) % 8;
        self.put((1 << fill) - 1, fill);
        while self.count > 0 {
            self.count -= 8;
            let byte = (self.waiting >> self.count) as u8;
            self.byte(byte);
        }
    }

    /// A restart marker with this number (T.81 F.1.1.5.2).
    pub fn restart(&mut self, number: usize) {
        self.fill();
        self.out.extend_from_slice(&[0xFF, 0xD0 + (number % 8) as u8]);
    }

    /// All bytes, whole.
    pub fn done(mut self) -> Vec<u8> {
        self.fill();
        self.out
    }
}

/// Bits that a value needs: at most 11 for a difference, 10 for another coefficient (T.81 Tables F.1, F.2).
fn bits_of(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}
