//! Smaller by area average.

use crate::mask::{Bitmap, OPEN};

/// Rows and columns whose longer side is at most `side`; never more than there are, never none.
pub fn size(rows: u32, columns: u32, side: u32) -> (u32, u32) {
    let longest = rows.max(columns);
    if longest <= side {
        return (rows, columns);
    }
    let scaled = |n: u32| {
        let exact = u64::from(n) * u64::from(side) / u64::from(longest);
        u32::try_from(exact).unwrap_or(side).max(1)
    };
    (scaled(rows), scaled(columns))
}

/// A partition of the frame's pixels into the picture's: each belongs to exactly one.
pub struct Grid {
    pub from: (u32, u32),
    pub to: (u32, u32),
}

impl Grid {
    fn same(&self) -> bool {
        self.from == self.to
    }

    /// Where the picture's rows (or columns) begin in the frame, and the end.
    fn edges(from: u32, to: u32) -> Vec<usize> {
        let edge = |i: u32| (u64::from(i) * u64::from(from) / u64::from(to.max(1))) as usize;
        (0..=to).map(edge).collect()
    }

    /// The mean of each area, rounded.
    pub fn average(&self, full: Vec<u8>, samples: usize) -> Vec<u8> {
        if self.same() {
            return full;
        }
        let width = self.from.1 as usize * samples;
        let (down, across) = (Self::edges(self.from.0, self.to.0), Self::edges(self.from.1, self.to.1));
        let mut out = Vec::with_capacity((down.len() - 1) * (across.len() - 1) * samples);
        let mut sums = vec![0u32; width];
        for band in down.array_windows::<2>() {
            sums.fill(0);
            let rows = full.get(band[0] * width..band[1] * width).unwrap_or_default();
            for row in rows.chunks_exact(width) {
                sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += u32::from(*v));
            }
            for run in across.array_windows::<2>() {
                let pixels = ((band[1] - band[0]) * (run[1] - run[0])) as u64;
                let cells = sums.get(run[0] * samples..run[1] * samples).unwrap_or_default();
                for sample in 0..samples {
                    let sum: u64 = cells.iter().skip(sample).step_by(samples).map(|v| u64::from(*v)).sum();
                    out.push(((sum + pixels / 2) / pixels.max(1)).min(255) as u8);
                }
            }
        }
        out
    }

    /// Pixels of the picture whose whole area is hidden.
    pub fn inside(&self, hidden: &Bitmap) -> Vec<bool> {
        if self.same() {
            return hidden.rows().flatten().map(|state| *state != OPEN).collect();
        }
        let (down, across) = (Self::edges(self.from.0, self.to.0), Self::edges(self.from.1, self.to.1));
        let mut out = Vec::with_capacity((down.len() - 1) * (across.len() - 1));
        let mut rows = hidden.rows();
        let mut all = vec![true; self.from.1 as usize];
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
}
