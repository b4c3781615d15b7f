//! Grey morphology with square windows: what is brighter than all that a square can rest on is a stroke.

use super::super::plane::Plane;

/// What is left of the plane after taking away everything that a `side × side` square fits into (white top-hat).
pub fn strokes(plane: &Plane, side: usize) -> Plane {
    let mut opened = plane.data.clone();
    let (width, height) = (plane.width, plane.height);
    slide(&mut opened, width, height, side, true, u8::min);
    slide(&mut opened, width, height, side, false, u8::max);
    let data = plane.data.iter().zip(&opened).map(|(v, o)| v.saturating_sub(*o)).collect();
    Plane { width, height, data }
}

/// Extremes over windows of `side` that begin (or, backwards, end) at each pixel, by doubling: log2(side) passes of
/// plain loops over neighbours.
///
/// Generic in the choice so that the loops are compiled for it: through a pointer they take ten times as long.
fn slide<F>(data: &mut [u8], width: usize, height: usize, side: usize, ahead: bool, pick: F)
where
    F: Fn(u8, u8) -> u8 + Copy,
{
    for step in steps(side) {
        if step < height {
            let shift = step * width;
            let old = data.to_vec();
            if ahead {
                for (to, from) in data.iter_mut().zip(old.iter().skip(shift)) {
                    *to = pick(*to, *from);
                }
            } else {
                for (to, from) in data.iter_mut().skip(shift).zip(&old) {
                    *to = pick(*to, *from);
                }
            }
        }
        let mut old = vec![0u8; width];
        for line in data.chunks_exact_mut(width) {
            old.copy_from_slice(line);
            if ahead {
                for (to, from) in line.iter_mut().zip(old.iter().skip(step)) {
                    *to = pick(*to, *from);
                }
            } else {
                for (to, from) in line.iter_mut().skip(step).zip(&old) {
                    *to = pick(*to, *from);
                }
            }
        }
    }
}

/// Shifts whose combination covers a window of `side`.
fn steps(side: usize) -> Vec<usize> {
    let mut covered = 1;
    let mut steps = Vec::new();
    while covered < side {
        let step = covered.min(side - covered);
        steps.push(step);
        covered += step;
    }
    steps
}
