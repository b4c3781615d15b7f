//! A scanner's screen: the largest connected picture is the scan area; what stands around it is words and scales.

use super::super::plane::Plane;
use super::blobs;
use super::blocks::Area;

/// Side of the copy that is looked at.
const SIDE: usize = 256;
/// Above the background by so much is picture.
const LIT: u8 = 16;
/// Smallest share of the frame that a scan area fills.
const LEAST: usize = 20;

/// The bands around the scan area that are not empty, in pixels of the frame. No scan area: the whole frame.
#[expect(clippy::cast_precision_loss, reason = "pixel counts of a frame")]
pub fn outside(plane: &Plane) -> Vec<Area> {
    let (across, down) = (plane.width.min(SIDE), plane.height.min(SIDE));
    let copy = plane.shrunk(across, down);
    let ground = background(&copy);
    let mut lit = copy.clone();
    lit.data.iter_mut().for_each(|v| *v = v.abs_diff(ground));
    let largest = blobs::blobs(&copy, &lit, LIT).into_iter().flatten().max_by_key(|b| b.area);
    let scan = largest.filter(|b| b.area * LEAST >= across * down);
    let (x, y) = (plane.width as f32 / across as f32, plane.height as f32 / down as f32);
    let whole = Area { left: 0.0, top: 0.0, right: plane.width as f32, bottom: plane.height as f32 };
    let Some(scan) = scan else { return vec![whole] };
    let (left, right) = (scan.left as f32 * x, scan.right as f32 * x);
    let (top, bottom) = (scan.top as f32 * y, scan.bottom as f32 * y);
    [
        Area { bottom: top, ..whole },
        Area { top: bottom, ..whole },
        Area { right: left, top, bottom, ..whole },
        Area { left: right, top, bottom, ..whole },
    ]
    .into_iter()
    .filter(|area| busy(&lit, area, x, y))
    .collect()
}

/// The most frequent value.
fn background(plane: &Plane) -> u8 {
    let mut counts = [0usize; 256];
    for value in &plane.data {
        if let Some(count) = counts.get_mut(usize::from(*value)) {
            *count += 1;
        }
    }
    let most = counts.iter().enumerate().max_by_key(|(_, count)| **count).map_or(0, |(value, _)| value);
    u8::try_from(most).unwrap_or(0)
}

/// Something is lit in this area.
#[expect(clippy::cast_precision_loss, reason = "pixel counts of a frame")]
fn busy(lit: &Plane, area: &Area, x: f32, y: f32) -> bool {
    let inside = |at: usize, low: f32, high: f32, scale: f32| {
        let middle = (at as f32 + 0.5) * scale;
        low <= middle && middle < high
    };
    lit.lines().enumerate().filter(|(row, _)| inside(*row, area.top, area.bottom, y)).any(|(_, line)| {
        line.iter()
            .enumerate()
            .any(|(column, value)| *value > LIT / 2 && inside(column, area.left, area.right, x))
    })
}
