//! Eight by eight samples: fetched, transformed, quantised.

use crate::encode::Picture;

/// Places of coefficients in the order of T.81 Figure A.6.
#[rustfmt::skip]
pub const ZIGZAG: [usize; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10,
    17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34,
    27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36,
    29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46,
    53, 60, 61, 54, 47, 55, 62, 63,
];

/// Four lanes: one vector register of any machine, so that eight of them are held at once.
type Lanes = [f32; 4];

/// Samples with 128 taken away (T.81 A.3.1).
/// By halves: left four columns, right four columns; in each, row by row.
pub type Block = [[Lanes; 8]; 2];

/// Eight rows of one component, whole blocks long: below and right of the picture its last row and column go on.
pub struct Strip {
    rows: [Vec<f32>; 8],
}

impl Strip {
    pub fn new(columns: usize) -> Self {
        Self { rows: std::array::from_fn(|_| vec![0.0; columns.next_multiple_of(8)]) }
    }

    /// From row `top` of a picture whose pixels have `N` samples.
    pub fn fill<const N: usize>(&mut self, picture: &Picture, top: usize, of: impl Fn(&[u8; N]) -> f32) {
        let bytes = picture.columns as usize * N;
        for (y, out) in (top..).zip(&mut self.rows) {
            let y = y.min(picture.rows as usize - 1);
            let (pixels, _) = picture.data.get(y * bytes..(y + 1) * bytes).unwrap_or_default().as_chunks();
            out.iter_mut().zip(pixels).for_each(|(out, pixel)| *out = of(pixel));
            let last = out.get(pixels.len().saturating_sub(1)).copied().unwrap_or(0.0);
            out.iter_mut().skip(pixels.len()).for_each(|out| *out = last);
        }
    }

    /// The blocks, from left to right.
    pub fn blocks(&self) -> impl Iterator<Item = Block> {
        let rows = self.rows.each_ref().map(|row| row.as_chunks::<4>().0.as_chunks::<2>().0);
        (0..rows[0].len()).map(move |at| {
            let mut out = [[[0.0; 4]; 8]; 2];
            for y in 0..8 {
                [out[0][y], out[1][y]] = rows[y][at];
            }
            out
        })
    }
}

/// The sample of a pixel that has one.
pub fn grey(&[sample]: &[u8; 1]) -> f32 {
    f32::from(sample) - 128.0
}

/// Y of RGB, and below Cb and Cr (JFIF 1.02, "Conversion to and from RGB").
pub fn luminance(rgb: &[u8; 3]) -> f32 {
    let [r, g, b] = rgb.map(f32::from);
    0.299 * r + 0.587 * g + 0.114 * b - 128.0
}

pub fn blue(rgb: &[u8; 3]) -> f32 {
    let [r, g, b] = rgb.map(f32::from);
    -0.168_736 * r - 0.331_264 * g + 0.5 * b
}

pub fn red(rgb: &[u8; 3]) -> f32 {
    let [r, g, b] = rgb.map(f32::from);
    0.5 * r - 0.418_688 * g - 0.081_312 * b
}

/// What each coefficient is multiplied with. The transform leaves its output scaled, and turned: `[column][row]`.
pub struct Quantiser([[Lanes; 8]; 2]);

/// Quantised coefficients in zigzag order, and which of them are not zero, lowest bit first.
pub struct Coefficients {
    pub values: [i16; 64],
    pub others: u64,
}

impl Quantiser {
    /// Scales of Arai, Agui and Nakajima: coefficient k comes out multiplied with `cos(k π/16) √2` (1 for k = 0), and the whole
    /// with 8.
    pub fn new(steps: &[u8; 64]) -> Self {
        let scale = |k: usize| {
            let k = k as f64;
            if k == 0.0 { 1.0 } else { (k * std::f64::consts::PI / 16.0).cos() * std::f64::consts::SQRT_2 }
        };
        // Turned: lanes are rows, places are columns.
        Self(std::array::from_fn(|half| {
            std::array::from_fn(|column| {
                std::array::from_fn(|lane| {
                    let row = half * 4 + lane;
                    let step = steps.get(row * 8 + column).copied().unwrap_or(1);
                    (1.0 / (f64::from(step) * scale(row) * scale(column) * 8.0)) as f32
                })
            })
        }))
    }

    /// Transforms and quantises.
    pub fn block(&self, [left, right]: &Block) -> Coefficients {
        let (left, right) = (transform(left), transform(right));
        let mut out = Coefficients { values: [0; 64], others: 0 };
        for (half, factors) in self.0.iter().enumerate() {
            let turned = transform(&turned(&left, &right, half * 4));
            for ((line, factors), places) in turned.iter().zip(factors).zip(&PLACES) {
                let mut four = [0_i32; 4];
                for x in 0..4 {
                    four[x] = nearest(line[x] * factors[x]);
                }
                // Most lines of most blocks are all zero.
                if four[0] | four[1] | four[2] | four[3] == 0 {
                    continue;
                }
                for x in 0..4 {
                    let place = places[half * 4 + x] & 63;
                    out.values[place] = four[x] as i16;
                    out.others |= u64::from(four[x] != 0) << place;
                }
            }
        }
        out
    }
}

/// Where a turned block's coefficients stand in zigzag order.
const PLACES: [[usize; 8]; 8] = {
    let mut out = [[0; 8]; 8];
    let mut n = 0;
    while n < 64 {
        out[ZIGZAG[n] % 8][ZIGZAG[n] / 8] = n;
        n += 1;
    }
    out
};

/// To the nearest integer: adding 1.5 × 2²³ puts it into the low bits of the sum. |x| is below 2¹².
#[inline(always)]
fn nearest(x: f32) -> i32 {
    ((x + 12_582_912.0).to_bits() as i32).wrapping_sub(0x4B40_0000)
}

/// Four rows from `at`, turned: their columns become places, they become lanes.
#[inline(always)]
fn turned(left: &[Lanes; 8], right: &[Lanes; 8], at: usize) -> [Lanes; 8] {
    let mut out = [[0.0; 4]; 8];
    for x in 0..4 {
        for y in 0..4 {
            out[x][y] = left[at + y][x];
            out[x + 4][y] = right[at + y][x];
        }
    }
    out
}

/// Four sums, differences, products: plain loops become one vector instruction.
#[inline(always)]
fn plus(a: &Lanes, b: &Lanes) -> Lanes {
    let mut out = *a;
    for x in 0..4 {
        out[x] += b[x];
    }
    out
}

#[inline(always)]
fn minus(a: &Lanes, b: &Lanes) -> Lanes {
    let mut out = *a;
    for x in 0..4 {
        out[x] -= b[x];
    }
    out
}

#[inline(always)]
fn times(a: &Lanes, by: f32) -> Lanes {
    let mut out = *a;
    for x in &mut out {
        *x *= by;
    }
    out
}

/// Down the columns, four at once: Arai, Agui, Nakajima, "A fast DCT-SQ scheme for images", 1988; five multiplications.
#[inline(always)]
fn transform([r0, r1, r2, r3, r4, r5, r6, r7]: &[Lanes; 8]) -> [Lanes; 8] {
    let (s0, s1, s2, s3) = (plus(r0, r7), plus(r1, r6), plus(r2, r5), plus(r3, r4));
    let (d0, d1, d2, d3) = (minus(r0, r7), minus(r1, r6), minus(r2, r5), minus(r3, r4));

    let (e0, e3, e1, e2) = (plus(&s0, &s3), minus(&s0, &s3), plus(&s1, &s2), minus(&s1, &s2));
    let z1 = times(&plus(&e2, &e3), std::f32::consts::FRAC_1_SQRT_2);

    let (o0, o1, o2) = (plus(&d3, &d2), plus(&d2, &d1), plus(&d1, &d0));
    let z5 = times(&minus(&o0, &o2), 0.382_683_43); // cos(6 π/16)
    let z2 = plus(&times(&o0, 0.541_196_1), &z5); // √2 cos(6 π/16)
    let z4 = plus(&times(&o2, 1.306_563), &z5); // √2 cos(2 π/16)
    let z3 = times(&o1, std::f32::consts::FRAC_1_SQRT_2);
    let (z11, z13) = (plus(&d0, &z3), minus(&d0, &z3));

    [
        plus(&e0, &e1),
        plus(&z11, &z4),
        plus(&e3, &z1),
        minus(&z13, &z2),
        minus(&e0, &e1),
        plus(&z13, &z2),
        minus(&e3, &z1),
        minus(&z11, &z4),
    ]
}
