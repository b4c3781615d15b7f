//! An 8-bit grey copy of a frame: the one form that the finders look at.

use model::{Frame, ImageInfo, Photometric, Samples};

/// Share of pixels below black and above white: a few extreme samples must not flatten the rest.
const CLIPPED: f64 = 0.002;

/// Grey values, row by row; 0 is black on a display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// Pixels across, at least 1.
    pub width: usize,
    /// Pixels down, at least 1.
    pub height: usize,
    /// `width × height` values.
    pub data: Vec<u8>,
}

impl Plane {
    /// All zero; a side of 0 becomes 1.
    pub fn new(width: usize, height: usize) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, data: vec![0; width * height] }
    }

    /// The grey copy in display sense, or nothing when the frame is not what its header says.
    pub fn of(frame: &Frame, image: &ImageInfo) -> Option<Self> {
        if frame.is_empty() || frame.len() != frame.expected_len() {
            return None;
        }
        let levels = levels(frame, image)?;
        let table = stretch(&levels, frame.photometric == Photometric::Monochrome1 || image.inverse);
        let data = levels.iter().map(|level| table.get(usize::from(*level)).copied().unwrap_or(0)).collect();
        Some(Self { width: frame.columns as usize, height: frame.rows as usize, data })
    }

    /// One pixel; outside is black.
    pub fn at(&self, column: usize, row: usize) -> u8 {
        if column >= self.width {
            return 0;
        }
        self.data.get(row * self.width + column).copied().unwrap_or(0)
    }

    /// The rows, from the top.
    pub fn lines(&self) -> std::slice::ChunksExact<'_, u8> {
        self.data.chunks_exact(self.width)
    }

    /// One row; empty outside.
    pub fn line(&self, row: usize) -> &[u8] {
        self.data.get(row * self.width..(row + 1) * self.width).unwrap_or(&[])
    }

    /// White for black.
    pub fn inverted(&self) -> Self {
        Self { width: self.width, height: self.height, data: self.data.iter().map(|v| 255 - v).collect() }
    }

    /// Turned by a quarter, clockwise.
    pub fn turned(&self) -> Self {
        let mut out = Self::new(self.height, self.width);
        let across = out.width;
        for (row, line) in out.data.chunks_exact_mut(across).enumerate() {
            for (column, pixel) in line.iter_mut().enumerate() {
                *pixel = self.at(row, self.height - 1 - column);
            }
        }
        out
    }

    /// A copy of at most `side` pixels on the longer side.
    pub fn reduced(&self, side: usize) -> Self {
        let long = self.width.max(self.height);
        if long <= side {
            return self.clone();
        }
        self.shrunk((self.width * side / long).max(1), (self.height * side / long).max(1))
    }

    /// The shorter side.
    pub fn short(&self) -> usize {
        self.width.min(self.height)
    }

    /// Area means on a grid of `width × height`; the same for a mirrored plane as the mirrored result.
    pub fn shrunk(&self, width: usize, height: usize) -> Self {
        let mut out = Self::new(width, height);
        let columns = spans(self.width, out.width);
        let rows = spans(self.height, out.height);
        let width = out.width;
        for (line, (top, bottom)) in out.data.chunks_exact_mut(width).zip(rows) {
            for (pixel, (left, right)) in line.iter_mut().zip(&columns) {
                let (mut sum, mut count) = (0u32, 0u32);
                for row in top..bottom {
                    let part = self.line(row).get(*left..*right).unwrap_or(&[]);
                    sum += part.iter().map(|v| u32::from(*v)).sum::<u32>();
                    count += u32::try_from(part.len()).unwrap_or(0);
                }
                *pixel = u8::try_from(sum / count.max(1)).unwrap_or(255);
            }
        }
        out
    }

    /// `F` times as large, 2 or 3, linear between the pixels' centres.
    pub fn enlarged<const F: usize>(&self) -> Self {
        let mut out = Self::new(self.width * F, self.height * F);
        let mut mixed = vec![0; self.width + 2];
        for (at, line) in out.data.chunks_exact_mut(self.width * F).enumerate() {
            let row = at / F;
            let (before, after) = weights::<F>(at % F);
            let [upper, lower, share] = if before > 0 {
                [row.saturating_sub(1), row, usize::from(before)]
            } else {
                [row, (row + 1).min(self.height - 1), 2 * F - usize::from(after)]
            };
            mix::<F>(&mut mixed, self.line(upper), self.line(lower), share);
            spread::<F>(line, &mixed);
        }
        out
    }
}

/// Of `2 × F`: the weights of the neighbour before and of the one after, for part `n` of a pixel.
#[inline(always)]
const fn weights<const F: usize>(n: usize) -> (u16, u16) {
    let twice = 2 * n + 1;
    if twice < F { ((F - twice) as u16, 0) } else { (0, (twice - F) as u16) }
}

/// Two lines mixed, with their ends once more at both sides. Sums stay below 4 × 9 × 255.
fn mix<const F: usize>(mixed: &mut [u16], upper: &[u8], lower: &[u8], share: usize) {
    let (above, below) = (share as u16, (2 * F - share) as u16);
    for ((to, upper), lower) in mixed.iter_mut().skip(1).zip(upper).zip(lower) {
        *to = above.wrapping_mul(u16::from(*upper)).wrapping_add(below.wrapping_mul(u16::from(*lower)));
    }
    if let [first, second, ..] = mixed {
        *first = *second;
    }
    if let [.., second, last] = mixed {
        *last = *second;
    }
}

/// A mixed line, `F` pixels for one. Plain loops of 16 bits: the compiler does eight at once.
fn spread<const F: usize>(line: &mut [u8], mixed: &[u16]) {
    let beside = mixed.iter().zip(mixed.iter().skip(1)).zip(mixed.iter().skip(2));
    for (part, ((left, here), right)) in line.as_chunks_mut::<F>().0.iter_mut().zip(beside) {
        for (n, pixel) in part.iter_mut().enumerate() {
            let (before, after) = weights::<F>(n);
            let own = (2 * F) as u16 - before - after;
            let sum = before
                .wrapping_mul(*left)
                .wrapping_add(own.wrapping_mul(*here))
                .wrapping_add(after.wrapping_mul(*right));
            *pixel = (sum / (4 * F * F) as u16).to_le_bytes()[0];
        }
    }
}

/// For each of `parts` equal parts of `whole`: first and one past the last index that it touches, mirrored alike.
fn spans(whole: usize, parts: usize) -> Vec<(usize, usize)> {
    (0..parts)
        .map(|part| {
            let from = part * whole / parts;
            let to = ((part + 1) * whole).div_ceil(parts);
            (from, to.max(from + 1).min(whole))
        })
        .collect()
}

/// One 16-bit level a pixel, ordered as the stored values are.
fn levels(frame: &Frame, image: &ImageInfo) -> Option<Vec<u16>> {
    let shift = frame.bits_stored.saturating_sub(16);
    let bits = frame.bits_stored.clamp(1, 16);
    let sign = if frame.signed { 1u32 << (bits - 1) } else { 0 };
    let top = (1u32 << bits) - 1;
    // Flipping the sign bit puts two's complement values in order.
    let one = move |value: u32| u16::try_from(((value >> shift) & top) ^ sign).unwrap_or(u16::MAX);
    let single: Vec<u16> = match &frame.data {
        Samples::U8(data) => data.iter().map(|v| one(u32::from(*v))).collect(),
        Samples::U16(data) => data.iter().map(|v| one(u32::from(*v))).collect(),
        Samples::U32(data) => data.iter().map(|v| one(*v)).collect(),
    };
    let pixels = frame.rows as usize * frame.columns as usize;
    let levels: Vec<u16> = match (frame.samples, frame.photometric) {
        (1, Photometric::PaletteColor) => {
            let palette = image.palette.as_ref()?;
            let tables = &palette.tables;
            let look = |at: usize| {
                let sum: u32 =
                    tables.iter().map(|t| t.get(at).or(t.last()).map_or(0, |v| u32::from(*v))).sum();
                u16::try_from(sum / 3).unwrap_or(u16::MAX)
            };
            let first = i64::from(palette.first);
            single.iter().map(|v| look(usize::try_from(i64::from(*v) - first).unwrap_or(0))).collect()
        }
        (1, _) => single,
        (3, Photometric::YbrFull | Photometric::YbrFull422) => {
            single.chunks_exact(3).map(|p| p.first().copied().unwrap_or(0)).collect()
        }
        (3, _) => single
            .chunks_exact(3)
            .map(|p| u16::try_from(p.iter().map(|v| u32::from(*v)).sum::<u32>() / 3).unwrap_or(u16::MAX))
            .collect(),
        _ => return None,
    };
    (levels.len() == pixels).then_some(levels)
}

/// A table from level to grey, linear between the clipped ends.
fn stretch(levels: &[u16], inverse: bool) -> Vec<u8> {
    let mut counts = vec![0usize; 1 << 16];
    for level in levels {
        if let Some(count) = counts.get_mut(usize::from(*level)) {
            *count += 1;
        }
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a pixel count, not negative"
    )]
    let cut = (levels.len() as f64 * CLIPPED) as usize;
    let reach = |mut left: usize, order: &mut dyn Iterator<Item = (usize, &usize)>| {
        for (level, count) in order {
            if *count > left {
                return level;
            }
            left -= count;
        }
        0
    };
    let low = reach(cut, &mut counts.iter().enumerate());
    let high = reach(cut, &mut counts.iter().enumerate().rev());
    // Nearly one value all over: the ends that occur, so that faint text on an empty field is still seen.
    let (low, high) = if high > low {
        (low, high)
    } else {
        (reach(0, &mut counts.iter().enumerate()), reach(0, &mut counts.iter().enumerate().rev()))
    };
    let width = high.saturating_sub(low).max(1);
    (0..1usize << 16)
        .map(|level| {
            let grey = (level.clamp(low, high.max(low)) - low) * 255 / width;
            let grey = u8::try_from(grey).unwrap_or(255);
            if inverse { 255 - grey } else { grey }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: a pixel's parts lie at -1/4 and 1/4 of it, or at -1/3, 0 and 1/3; ends go on.
    #[test]
    fn enlarged_lies_on_straight_lines() {
        let two = Plane { width: 2, height: 2, data: vec![0, 100, 200, 100] };
        let lines = |plane: Plane| plane.lines().map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(
            lines(two.enlarged::<2>()),
            [[0, 25, 75, 100], [50, 62, 87, 100], [150, 137, 112, 100], [200, 175, 125, 100]]
        );
        let row = Plane { width: 2, height: 1, data: vec![0, 100] };
        assert_eq!(lines(row.enlarged::<3>()), [[0, 0, 33, 66, 100, 100]; 3]);
        let one = Plane { width: 1, height: 1, data: vec![9] };
        assert_eq!(one.enlarged::<3>().data, [9; 9]);
    }
}
