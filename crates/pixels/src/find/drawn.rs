//! Does something seem drawn onto a slice? Scanners measure: their values spread. Who draws takes one value, so that value
//! stands out of the counts around it. Ten times cheaper than a search, and only ever a reason for one.

use model::{Frame, ImageInfo, Samples};

/// Pixels of one value beyond what its neighbours let expect: about one letter.
const LETTER: u32 = 24;
/// Values on each side that say what is to be expected.
const BESIDE: usize = 6;
/// Widest dark stroke, pixels.
const STROKE: usize = 6;
/// Dark strokes that are no accident.
const STROKES: usize = 12;
/// Pixels of a row that are looked at together first.
const PART: usize = 32;
/// Transfer syntaxes that keep each value as it was drawn (PS3.5 §8.2, §10): native, deflated, encapsulated, RLE, lossless.
const EXACT: &[&str] = &[
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.98",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
];

/// Whether the values can tell at all: one original slice, never smeared by a lossy step.
pub fn tells(image: &ImageInfo) -> bool {
    image.frames == 1
        && image.samples == 1
        && image.palette.is_none()
        && image.image_type.starts_with("ORIGINAL\\PRIMARY")
        && EXACT.contains(&image.transfer_syntax.as_str())
}

/// Something may be drawn on this frame: it is to be searched. Also when the frame is none that can be judged.
pub fn suspected(frame: &Frame) -> bool {
    let bits = frame.bits_stored.clamp(1, 16);
    let sign = if frame.signed { 1u32 << (bits - 1) } else { 0 };
    let top = (1u32 << bits) - 1;
    match &frame.data {
        _ if frame.samples != 1 || frame.bits_stored > 16 || frame.columns == 0 => true,
        Samples::U8(data) => judged(data, frame.columns, top, |v| (u32::from(v) & top) ^ sign),
        Samples::U16(data) => judged(data, frame.columns, top, |v| (u32::from(v) & top) ^ sign),
        Samples::U32(_) => true,
    }
}

fn judged<T: Copy>(data: &[T], columns: u32, top: u32, level: impl Fn(T) -> u32) -> bool {
    // By turns into two tables: neighbours are often alike, and a count waits for the one before it.
    let (mut counts, mut others) = (vec![0u32; top as usize + 1], vec![0u32; top as usize + 1]);
    let (pairs, rest) = data.as_chunks::<2>();
    for [one, other] in pairs {
        let (one, other) = (level(*one) as usize, level(*other) as usize);
        counts.get_mut(one).into_iter().chain(others.get_mut(other)).for_each(|count| *count += 1);
    }
    rest.iter().for_each(|value| counts.get_mut(level(*value) as usize).into_iter().for_each(|c| *c += 1));
    counts.iter_mut().zip(&others).for_each(|(count, other)| *count += other);
    let used = |count: &u32| *count > 0;
    let (Some(low), Some(high)) = (counts.iter().position(used), counts.iter().rposition(used)) else {
        return true;
    };
    stands_out(&counts, low, high) || dark_strokes(data, columns as usize, (low, high), level)
}

/// A value counted more often than those beside it explain. The lowest is left out: air and padding are clipped to it.
fn stands_out(counts: &[u32], low: usize, high: usize) -> bool {
    (low + 1..=high).any(|value| {
        let count = counts.get(value).copied().unwrap_or(0);
        if count <= LETTER {
            return false;
        }
        let beside = |from: usize, to: usize| counts.get(from..to).unwrap_or(&[]);
        // Without the lowest, whose mass would excuse everything near it.
        let before = beside(value.saturating_sub(BESIDE).max(low + 1), value);
        let after = beside(value + 1, (value + 1 + BESIDE).min(high + 1));
        let sum: u32 = before.iter().chain(after).sum();
        let around = f64::from(sum) / (before.len() + after.len()).max(1) as f64;
        f64::from(count) > f64::from(LETTER) + 1.25 * around + 6.0 * around.sqrt()
    })
}

/// Short runs of the lowest value with something much brighter on both sides: dark letters on a bright body.
fn dark_strokes<T: Copy>(
    data: &[T],
    columns: usize,
    (low, high): (usize, usize),
    level: impl Fn(T) -> u32,
) -> bool {
    let (low, bright) = (low as u32, (low + (high - low).div_ceil(3)) as u32);
    let mut strokes = 0;
    for row in data.chunks_exact(columns) {
        // Pixels since the last bright one, while all of them were of the lowest value.
        let mut run: Option<usize> = None;
        for part in row.chunks(PART) {
            let (least, most) = part.iter().fold((u32::MAX, 0), |(least, most), value| {
                let value = level(*value);
                (least.min(value), most.max(value))
            });
            // All bright, or nothing bright after nothing of interest: most of a slice.
            if least >= bright && run.is_none_or(|run| run == 0) {
                run = Some(0);
                continue;
            }
            if most < bright && run.is_none() {
                continue;
            }
            for value in part {
                let value = level(*value);
                run = match run {
                    _ if value >= bright => {
                        strokes += usize::from(run.is_some_and(|run| (1..=STROKE).contains(&run)));
                        Some(0)
                    }
                    Some(run) if value == low => Some(run + 1),
                    _ => None,
                };
            }
        }
    }
    strokes >= STROKES
}

#[cfg(test)]
mod tests;
