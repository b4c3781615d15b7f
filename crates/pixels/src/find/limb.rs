//! Does a film look like a hand, a foot, an arm or a leg? A bright, branching or bent shape with air around it, and no
//! dark field inside it, which lungs would be. What is in doubt is no limb.

use super::plane::Plane;

/// Longest side of the copy that is looked at.
const SIDE: usize = 128;
/// Air is at most so bright.
const AIR: u8 = 48;
/// Least share of air around the shape, of the shape's box.
const AROUND: f32 = 0.30;
/// Most of the shape's box that is dark but not joined to the air around.
const ENCLOSED: f32 = 0.01;
/// Largest square inside the shape, of the box's shorter side.
const SQUARE: f32 = 0.72;
/// Shape's share of its convex hull's rows and columns: a film's tilted field is convex, a hand is not.
const SOLID: f32 = 0.80;

/// See above.
#[expect(clippy::cast_precision_loss, reason = "pixel counts of a small copy")]
pub fn plausible(plane: &Plane) -> bool {
    let copy = plane.reduced(SIDE);
    let air = outer_air(&copy);
    let shape: Vec<bool> = air.iter().map(|a| !a).collect();
    let Some(box_) = bounds(&shape, copy.width) else { return false };
    let [left, top, right, bottom] = box_;
    let (width, height) = (right - left, bottom - top);
    let all = (width * height) as f32;
    let (mut body, mut dark) = (0u32, 0u32);
    for row in top..bottom {
        for column in left..right {
            let inside = shape.get(row * copy.width + column).copied().unwrap_or(false);
            body += u32::from(inside);
            dark += u32::from(inside && copy.at(column, row) <= AIR);
        }
    }
    let solid = body as f32 / hull_area(&shape, copy.width, box_).max(1.0);
    1.0 - body as f32 / all >= AROUND
        && dark as f32 / all <= ENCLOSED
        && solid <= SOLID
        && square(&shape, copy.width) as f32 <= SQUARE * width.min(height) as f32
}

/// Dark pixels joined to the copy's edge (4 neighbours).
fn outer_air(copy: &Plane) -> Vec<bool> {
    let (width, height) = (copy.width, copy.height);
    let mut air = vec![false; width * height];
    let mut open: Vec<(usize, usize)> = (0..width).flat_map(|x| [(x, 0), (x, height - 1)]).collect();
    open.extend((0..height).flat_map(|y| [(0, y), (width - 1, y)]));
    while let Some((x, y)) = open.pop() {
        let Some(slot) = air.get_mut(y * width + x).filter(|a| !**a) else { continue };
        if copy.at(x, y) > AIR {
            continue;
        }
        *slot = true;
        open.extend((x > 0).then(|| (x - 1, y)));
        open.extend((y > 0).then(|| (x, y - 1)));
        open.extend((x + 1 < width).then_some((x + 1, y)));
        open.extend((y + 1 < height).then_some((x, y + 1)));
    }
    air
}

/// Left, top, right, bottom of what is set.
fn bounds(shape: &[bool], width: usize) -> Option<[usize; 4]> {
    let set = || shape.iter().enumerate().filter(|(_, s)| **s).map(|(at, _)| (at % width, at / width));
    let columns = || set().map(|(x, _)| x);
    let rows = || set().map(|(_, y)| y);
    Some([columns().min()?, rows().min()?, columns().max()? + 1, rows().max()? + 1])
}

/// Side of the largest square of set pixels.
fn square(shape: &[bool], width: usize) -> usize {
    let mut above = vec![0usize; width + 1];
    let mut best = 0;
    for line in shape.chunks_exact(width) {
        let mut here = vec![0usize; width + 1];
        for (x, set) in line.iter().enumerate() {
            let around = [x, x + 1].map(|at| above.get(at).copied().unwrap_or(0)).into_iter().min();
            let side = around.unwrap_or(0).min(here.get(x).copied().unwrap_or(0)) + 1;
            if let Some(slot) = here.get_mut(x + 1).filter(|_| *set) {
                *slot = side;
                best = best.max(side);
            }
        }
        above = here;
    }
    best
}

/// Area of the convex hull of the set pixels' corners (monotone chain, shoelace).
#[expect(clippy::cast_precision_loss, reason = "coordinates of a small copy")]
fn hull_area(shape: &[bool], width: usize, [_, top, _, bottom]: [usize; 4]) -> f32 {
    let mut points: Vec<(f32, f32)> = Vec::new();
    for row in top..bottom {
        let line = shape.get(row * width..(row + 1) * width).unwrap_or(&[]);
        let first = line.iter().position(|s| *s);
        let last = line.iter().rposition(|s| *s);
        if let (Some(first), Some(last)) = (first, last) {
            for (x, y) in [(first, row), (last + 1, row), (first, row + 1), (last + 1, row + 1)] {
                points.push((x as f32, y as f32));
            }
        }
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut hull = half(points.iter());
    hull.extend(half(points.iter().rev()));
    let ends = hull.iter().zip(hull.iter().cycle().skip(1));
    ends.map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f32>().abs() / 2.0
}

fn half<'a>(points: impl Iterator<Item = &'a (f32, f32)>) -> Vec<(f32, f32)> {
    let mut chain: Vec<(f32, f32)> = Vec::new();
    for point in points {
        while let [.., a, b] = chain.as_slice() {
            if (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0) > 0.0 {
                break;
            }
            chain.pop();
        }
        chain.push(*point);
    }
    chain.pop();
    chain
}
