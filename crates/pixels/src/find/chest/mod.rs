//! Frontal chest films: lungs, then the regions around them.

pub mod lungs;
pub mod model;

use super::plane::Plane;
use lungs::Outline;
use privacy::geometry::{self, Lungs, Shape};

/// What a film that may be a chest turned out to be.
#[derive(Debug, Clone)]
pub struct Chest {
    /// Regions in pixels of the frame.
    pub shapes: Vec<Shape>,
    /// 0..=1.
    pub sure: f32,
}

/// Least likeness to the mean chest; least agreement with the mirror image, in place and in shape.
const ALIKE: f32 = 0.40;
const SAME: f32 = 0.78;
const AGREED: f32 = 0.82;
/// Lungs are at least so much darker than what is around them.
const DARKER: f32 = 0.1;

/// The regions of a frontal chest film, or nothing when a gate fails.
pub fn find(plane: &Plane) -> Option<Chest> {
    let outline = lungs::find(plane, model::Model::shipped()?);
    let gates =
        [(outline.alike, ALIKE), (outline.same, SAME), (outline.agreed, AGREED), (outline.contrast, DARKER)];
    if gates.iter().any(|(value, least)| value < least) {
        return None;
    }
    let mut shapes = geometry::chest(&split(&outline)?)?;
    #[expect(clippy::cast_precision_loss, reason = "sides of a frame, at most 65,535")]
    let (x, y) = (plane.width as f32 / outline.width as f32, plane.height as f32 / outline.height as f32);
    for [column, row] in shapes.iter_mut().flat_map(|shape| &mut shape.polygon) {
        *column *= x;
        *row *= y;
    }
    Some(Chest { shapes, sure: outline.alike.min(outline.same) })
}

/// Longest side of the copy that is turned.
const TURNED: usize = 256;

/// Two lungs on a film that lies on its side or on its head.
pub fn turned(plane: &Plane) -> bool {
    let mut copy = plane.reduced(TURNED);
    (0..3).any(|_| {
        copy = copy.turned();
        find(&copy).is_some()
    })
}

/// The largest connected part left of the middle and right of it.
pub fn split(outline: &Outline) -> Option<Lungs> {
    let (width, height) = (outline.width, outline.height);
    let half = |left: bool| -> Option<Vec<bool>> {
        let mut cells = Vec::with_capacity(width * height);
        for row in outline.distances.chunks_exact(width) {
            cells.extend(row.iter().enumerate().map(|(column, distance)| {
                #[expect(clippy::cast_precision_loss, reason = "a grid of a few hundred cells")]
                let here = (column as f32 + 0.5) < outline.middle;
                *distance > 0.0 && here == left
            }));
        }
        largest(&cells, width)
    };
    Some(Lungs { width, height, left: half(true)?, right: half(false)? })
}

/// Only the largest connected part (4 neighbours).
fn largest(cells: &[bool], width: usize) -> Option<Vec<bool>> {
    let mut label = vec![0u32; cells.len()];
    let mut best = (0usize, 0u32);
    let mut next = 0u32;
    for start in 0..cells.len() {
        if !cells.get(start).copied().unwrap_or(false) || label.get(start).copied().unwrap_or(1) != 0 {
            continue;
        }
        next += 1;
        let mut size = 0;
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            let Some(slot) = label.get_mut(at).filter(|l| **l == 0) else { continue };
            if !cells.get(at).copied().unwrap_or(false) {
                continue;
            }
            *slot = next;
            size += 1;
            let column = at % width;
            open.extend((column > 0).then(|| at - 1));
            open.extend((column + 1 < width).then(|| at + 1));
            open.extend(at.checked_sub(width));
            open.push(at + width);
        }
        best = best.max((size, next));
    }
    (best.0 > 0).then(|| label.iter().map(|l| *l == best.1).collect())
}
