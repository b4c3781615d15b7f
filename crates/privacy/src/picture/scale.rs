//! A part of a frame, smaller by area average or larger by interpolation, mirrored where asked.

use crate::mask::{Bitmap, OPEN};
use model::view::Part;

/// From a frame's part to a picture. When it gets smaller, each of the part's pixels belongs to exactly one of the picture's.
pub struct Grid {
    /// Rows and columns of the frame.
    pub frame: (u32, u32),
    /// The part.
    pub part: Part,
    /// Rows and columns of the picture.
    pub to: (u32, u32),
}

impl Grid {
    fn size(&self) -> (usize, usize) {
        (self.part.rows as usize, self.part.columns as usize)
    }

    /// The part's pixels are the picture's, one by one.
    fn same(&self) -> bool {
        (self.part.rows, self.part.columns) == self.to
    }

    fn larger(&self) -> bool {
        self.to.0 > self.part.rows || self.to.1 > self.part.columns
    }

    /// The picture's bytes from the frame's.
    pub fn scaled(&self, full: Vec<u8>, samples: usize) -> Vec<u8> {
        let whole = (self.part.rows, self.part.columns) == self.frame;
        let part = if whole { full } else { self.cut(&full, samples) };
        let out = if self.same() {
            part
        } else if self.larger() {
            self.interpolated(&part, samples)
        } else {
            self.average(&part, samples)
        };
        self.turned(out, samples)
    }

    fn cut(&self, full: &[u8], samples: usize) -> Vec<u8> {
        let (top, left) = (self.part.top as usize, self.part.left as usize * samples);
        let (rows, width) = (self.part.rows as usize, self.part.columns as usize * samples);
        let all = full.chunks_exact((self.frame.1 as usize * samples).max(1));
        let cut = all.skip(top).take(rows).map(|row| row.get(left..left + width).unwrap_or_default());
        cut.collect::<Vec<_>>().concat()
    }

    /// Where the picture's rows (or columns) begin in the part, and the end.
    fn edges(from: u32, to: u32) -> Vec<usize> {
        let edge = |i: u32| (u64::from(i) * u64::from(from) / u64::from(to.max(1))) as usize;
        (0..=to).map(edge).collect()
    }

    /// The mean of each area, rounded.
    fn average(&self, part: &[u8], samples: usize) -> Vec<u8> {
        let width = self.size().1 * samples;
        let down = Self::edges(self.part.rows, self.to.0);
        let across = Self::edges(self.part.columns, self.to.1);
        let mut out = Vec::with_capacity((down.len() - 1) * (across.len() - 1) * samples);
        let mut sums = vec![0u32; width];
        for band in down.array_windows::<2>() {
            sums.fill(0);
            let rows = part.get(band[0] * width..band[1] * width).unwrap_or_default();
            for row in rows.chunks_exact(width) {
                sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += u32::from(*v));
            }
            for run in across.array_windows::<2>() {
                let pixels = ((band[1] - band[0]) * (run[1] - run[0])) as u64;
                let cells = sums.get(run[0] * samples..run[1] * samples).unwrap_or_default();
                let mean = |sum: u64| match (u32::try_from(sum + pixels / 2), u32::try_from(pixels.max(1))) {
                    // Dividing 64 bits takes several times as long.
                    (Ok(sum), Ok(pixels)) => (sum / pixels).min(255) as u8,
                    _ => ((sum + pixels / 2) / pixels.max(1)).min(255) as u8,
                };
                if samples == 1 {
                    out.push(mean(cells.iter().map(|v| u64::from(*v)).sum()));
                    continue;
                }
                for sample in 0..samples {
                    out.push(mean(cells.iter().skip(sample).step_by(samples).map(|v| u64::from(*v)).sum()));
                }
            }
        }
        out
    }

    /// Bilinear: each pixel of the picture from the four around its place.
    fn interpolated(&self, part: &[u8], samples: usize) -> Vec<u8> {
        let (down, across) = (places(self.part.rows, self.to.0), places(self.part.columns, self.to.1));
        let width = self.size().1 * samples;
        let mut out = Vec::with_capacity(down.len() * across.len() * samples);
        for (upper, lower, y) in down {
            let row = |at: usize| part.get(at * width..(at + 1) * width).unwrap_or_default();
            let (upper, lower) = (row(upper), row(lower));
            for &(left, right, x) in &across {
                for sample in 0..samples {
                    let at = |row: &[u8], column: usize| {
                        u32::from(*row.get(column * samples + sample).unwrap_or(&0))
                    };
                    let level = |row: &[u8]| at(row, left) * (ONE - x) + at(row, right) * x;
                    let value = level(upper) * (ONE - y) + level(lower) * y;
                    out.push((value.saturating_add(ONE * ONE / 2) / (ONE * ONE)).min(255) as u8);
                }
            }
        }
        out
    }

    fn turned<T: Copy>(&self, mut out: Vec<T>, samples: usize) -> Vec<T> {
        let width = self.to.1 as usize * samples;
        if self.part.mirrored {
            for row in out.chunks_exact_mut(width.max(1)) {
                row.reverse();
                row.chunks_exact_mut(samples).for_each(<[T]>::reverse);
            }
        }
        if self.part.upside_down {
            out = out.chunks_exact(width.max(1)).rev().collect::<Vec<_>>().concat();
        }
        out
    }

    /// Pixels of the picture whose whole area is hidden.
    pub fn inside(&self, hidden: &Bitmap) -> Vec<bool> {
        let columns = self.part.left as usize..(self.part.left + self.part.columns) as usize;
        let rows = hidden.rows().skip(self.part.top as usize).take(self.part.rows as usize);
        let rows = rows.map(|row| row.get(columns.clone()).unwrap_or_default());
        let out = if self.same() {
            let mut out = Vec::with_capacity(self.to.0 as usize * self.to.1 as usize);
            rows.for_each(|row| out.extend(row.iter().map(|state| *state != OPEN)));
            out
        } else if self.larger() {
            self.touching(&rows.collect::<Vec<_>>())
        } else {
            self.covered(rows)
        };
        self.turned(out, 1)
    }

    fn covered<'a>(&self, mut rows: impl Iterator<Item = &'a [u8]>) -> Vec<bool> {
        let down = Self::edges(self.part.rows, self.to.0);
        let across = Self::edges(self.part.columns, self.to.1);
        let mut out = Vec::with_capacity((down.len() - 1) * (across.len() - 1));
        let mut all = vec![true; self.size().1];
        for band in down.array_windows::<2>() {
            all.fill(true);
            for row in rows.by_ref().take(band[1] - band[0]) {
                all.iter_mut().zip(row).for_each(|(all, state)| *all &= *state != OPEN);
            }
            out.extend(
                across.array_windows::<2>().map(|run| {
                    all.get(run[0]..run[1]).is_some_and(|cells| cells.iter().all(|hidden| *hidden))
                }),
            );
        }
        out
    }

    /// All of the four pixels that one of a larger picture is made of are hidden.
    fn touching(&self, rows: &[&[u8]]) -> Vec<bool> {
        let across = places(self.part.columns, self.to.1);
        let hides = |row: usize, column: usize| {
            rows.get(row).and_then(|r| r.get(column)).is_some_and(|state| *state != OPEN)
        };
        let mut out = Vec::with_capacity(self.to.0 as usize * self.to.1 as usize);
        for (upper, lower, _) in places(self.part.rows, self.to.0) {
            out.extend(across.iter().map(|(left, right, _)| {
                [upper, lower].iter().all(|row| hides(*row, *left) && hides(*row, *right))
            }));
        }
        out
    }
}

/// One pixel's width in the fixed-point arithmetic of interpolation.
const ONE: u32 = 1 << 8;

/// For each pixel of the larger side: its two neighbours in the smaller one, and the share of the second in [`ONE`]ths.
/// Centres of pixels lie on each other.
fn places(from: u32, to: u32) -> Vec<(usize, usize, u32)> {
    let (from, to) = (i64::from(from), i64::from(to.max(1)));
    let one = i64::from(ONE);
    let place = |i: i64| {
        let at = ((2 * i + 1) * from * one / to - one) / 2;
        let at = at.clamp(0, (from - 1) * one);
        let (first, share) = (at / one, at % one);
        (first as usize, (first + 1).min(from - 1) as usize, share as u32)
    };
    (0..to).map(place).collect()
}
