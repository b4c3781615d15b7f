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
            rows(data, step * width, ahead, pick);
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

/// The same with rows that lie `shift` values apart, in place: each is read before it is written.
fn rows<F>(data: &mut [u8], shift: usize, ahead: bool, pick: F)
where
    F: Fn(u8, u8) -> u8 + Copy,
{
    if shift == 0 {
        return;
    }
    if ahead {
        let mut rest = data;
        while let Some((here, behind)) = rest.split_at_mut_checked(shift) {
            here.iter_mut().zip(&*behind).for_each(|(to, from)| *to = pick(*to, *from));
            rest = behind;
        }
        return;
    }
    let mut rest = data;
    while rest.len() > shift {
        let start = (rest.len() - shift).max(shift);
        let (before, here) = rest.split_at_mut(start);
        let from = before.get(start - shift..).unwrap_or_default();
        here.iter_mut().zip(from).for_each(|(to, from)| *to = pick(*to, *from));
        rest = before;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, pixel by pixel: the brightest square that covers it, of squares as bright as their darkest pixel.
    fn defined(plane: &Plane, side: usize) -> Vec<u8> {
        let all = |from: usize, most: usize| from..(from + side).min(most);
        let least = |x: usize, y: usize| {
            let cells = all(y, plane.height).flat_map(|y| all(x, plane.width).map(move |x| (x, y)));
            cells.map(|(x, y)| plane.at(x, y)).min().unwrap()
        };
        let covering = |x: usize, y: usize| {
            let back = |at: usize| (at + 1).saturating_sub(side)..=at;
            back(y).flat_map(|y| back(x).map(move |x| (x, y))).map(|(x, y)| least(x, y)).max().unwrap()
        };
        let places = (0..plane.height).flat_map(|y| (0..plane.width).map(move |x| (x, y)));
        places.map(|(x, y)| plane.at(x, y) - covering(x, y)).collect()
    }

    #[test]
    fn strokes_are_what_no_square_rests_on() {
        for (width, height, side) in [(31, 23, 5), (12, 40, 13), (40, 12, 7), (3, 3, 13), (1, 9, 2)] {
            let noise = |n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8;
            let data = (0..width * height).map(|n| noise(n as u32)).collect();
            let plane = Plane { width, height, data };
            assert_eq!(strokes(&plane, side).data, defined(&plane, side), "{width} {height} {side}");
        }
    }
}
