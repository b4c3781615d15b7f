//! From the network's answer to two lungs, or to nothing: parts, gates, a seam between lungs that touch.

use super::net::Answer;
use privacy::geometry::Lungs;

/// Surer than this is lung.
const LUNG: f32 = 0.5;
/// Of the way the film lies, the network must be so sure.
const POSED: f32 = 0.8;
/// Lungs on the picture and on its mirror image overlap by so much.
const AGREED: f32 = 0.8;
/// Mean certainty inside the lungs.
const CERTAIN: f32 = 0.85;
/// Share of the cells outside the two lungs, at most.
const STRAY: f32 = 0.15;
/// The lesser part of the larger, at least: else the larger may be both.
const OTHER: f32 = 0.2;
/// Cells in the seam between lungs that touch, of their height.
const SEAM: f32 = 0.2;

/// The two lungs of an upright picture of `width` cells, and how sure that is; nothing when a gate fails.
pub fn two(answer: &Answer, width: usize) -> Option<(Lungs, f32)> {
    if answer.turns != 0 || answer.posed < POSED || answer.agreed < AGREED {
        return None;
    }
    let on: Vec<bool> = answer.lungs.iter().map(|sure| *sure > LUNG).collect();
    let certain = certain(answer);
    if certain < CERTAIN {
        return None;
    }
    let (one, other) = pair(&on, width).or_else(|| pair(&parted(&on, width)?, width))?;
    let (left, right) = if middle(&one, width) < middle(&other, width) { (one, other) } else { (other, one) };
    let height = on.len() / width.max(1);
    let sure = answer.posed.min(answer.agreed).min(certain);
    Some((Lungs { width, height, left, right }, sure))
}

/// Mean certainty of what is taken for lung.
#[expect(clippy::cast_precision_loss, reason = "a grid of 256 × 256")]
fn certain(answer: &Answer) -> f32 {
    let inside = || answer.lungs.iter().filter(|sure| **sure > LUNG);
    inside().sum::<f32>() / inside().count().max(1) as f32
}

/// The two largest parts, when they are like lungs beside everything else.
#[expect(clippy::cast_precision_loss, reason = "a grid of 256 × 256")]
fn pair(on: &[bool], width: usize) -> Option<(Vec<bool>, Vec<bool>)> {
    let (labels, sizes) = parts(on, width);
    let mut order: Vec<(usize, u32)> = sizes.iter().copied().zip(1u32..).collect();
    order.sort_by(|a, b| b.cmp(a));
    let [(first, one), (second, other), ..] = *order.as_slice() else { return None };
    let all: usize = sizes.iter().sum();
    let fine = second as f32 >= OTHER * first as f32 && (all - first - second) as f32 <= STRAY * all as f32;
    let only = |number: u32| labels.iter().map(|label| *label == number).collect();
    fine.then(|| (only(one), only(other)))
}

/// Connected parts (4 neighbours): a number for each cell, 0 for none, and the parts' sizes.
fn parts(on: &[bool], width: usize) -> (Vec<u32>, Vec<usize>) {
    let mut labels = vec![0u32; on.len()];
    let (mut sizes, mut number) = (Vec::new(), 0);
    let free = |labels: &[u32], at: usize| on.get(at) == Some(&true) && labels.get(at) == Some(&0);
    for start in 0..on.len() {
        if !free(&labels, start) {
            continue;
        }
        number += 1;
        let (mut size, mut open) = (0, vec![start]);
        while let Some(at) = open.pop() {
            let Some(slot) = labels.get_mut(at).filter(|_| on.get(at) == Some(&true)) else { continue };
            if *slot != 0 {
                continue;
            }
            *slot = number;
            size += 1;
            open.extend((at % width > 0).then(|| at - 1));
            open.extend((at % width + 1 < width).then(|| at + 1));
            open.extend(at.checked_sub(width));
            open.push(at + width);
        }
        sizes.push(size);
    }
    (labels, sizes)
}

/// Lungs that touch, cut at the column with the fewest cells in the middle third of their width; nothing when there is
/// no narrow place.
#[expect(clippy::cast_precision_loss, reason = "a grid of 256 × 256")]
fn parted(on: &[bool], width: usize) -> Option<Vec<bool>> {
    let count = |column: usize| on.iter().skip(column).step_by(width).filter(|on| **on).count();
    let counts: Vec<usize> = (0..width).map(count).collect();
    let left = counts.iter().position(|count| *count > 0)?;
    let right = counts.iter().rposition(|count| *count > 0)? + 1;
    let third = (right - left) / 3;
    let least = (left + third..right - third).min_by_key(|column| {
        // Of equally narrow columns the one nearest to the middle: the same from both sides.
        (counts.get(*column).copied(), (2 * column + 1).abs_diff(left + right))
    })?;
    let tallest = counts.iter().max().copied().unwrap_or(0);
    let narrow = counts.get(least).copied().unwrap_or(0) as f32 <= SEAM * tallest as f32;
    narrow.then(|| on.iter().enumerate().map(|(at, on)| *on && at % width != least).collect())
}

/// Mean column.
fn middle(lung: &[bool], width: usize) -> usize {
    let columns = || lung.iter().enumerate().filter(|(_, on)| **on).map(|(at, _)| at % width);
    // In hundredths, so that two lungs never share a middle by rounding.
    100 * columns().sum::<usize>() / columns().count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 100;

    /// Lungs in columns 15..45 and 55..85, rows 20..80, joined by a bridge of so many rows.
    fn answer(bridge: usize) -> Answer {
        let on = |at: usize| {
            let (x, y) = (at % WIDTH, at / WIDTH);
            let lung = (15..45).contains(&x) || (55..85).contains(&x);
            let bridge = (45..55).contains(&x) && (20..20 + bridge).contains(&y);
            (20..80).contains(&y) && lung || bridge
        };
        let lungs = (0..WIDTH * WIDTH).map(|at| if on(at) { 0.97 } else { 0.02 }).collect();
        Answer { lungs, turns: 0, posed: 0.99, strange: 0.0, agreed: 0.95 }
    }

    #[test]
    fn lungs_that_touch_are_parted_and_a_single_mass_is_not() {
        for bridge in [0, 1, 11] {
            let (lungs, sure) = two(&answer(bridge), WIDTH).unwrap();
            let count = |lung: &[bool]| lung.iter().filter(|on| **on).count();
            assert!(count(&lungs.left) >= 1800 && count(&lungs.right) >= 1800, "{bridge}");
            assert!(lungs.left[50 * WIDTH + 30] && lungs.right[50 * WIDTH + 70], "{bridge}");
            assert!((sure - 0.95).abs() < 1e-6);
        }
        assert!(two(&answer(14), WIDTH).is_none());
    }

    #[test]
    fn every_gate_is_a_gate() {
        let good = answer(0);
        let unsure = good.lungs.iter().map(|sure| if *sure > 0.5 { 0.84 } else { *sure }).collect();
        let single =
            good.lungs.iter().enumerate().map(|(at, s)| if at % WIDTH < 50 { *s } else { 0.0 }).collect();
        let mut stray = good.lungs.clone();
        stray[85 * WIDTH..93 * WIDTH].fill(0.9);
        let cases = [
            ("turned", Answer { turns: 1, ..good.clone() }),
            ("pose", Answer { posed: 0.79, ..good.clone() }),
            ("mirror image", Answer { agreed: 0.79, ..good.clone() }),
            ("unsure", Answer { lungs: unsure, ..good.clone() }),
            ("one lung", Answer { lungs: single, ..good.clone() }),
            ("more than two", Answer { lungs: stray, ..good.clone() }),
            ("none", Answer { lungs: vec![0.0; WIDTH * WIDTH], ..good.clone() }),
            ("no cells", Answer { lungs: Vec::new(), ..good.clone() }),
        ];
        for (what, answer) in cases {
            assert!(two(&answer, WIDTH).is_none(), "{what}");
        }
    }
}
