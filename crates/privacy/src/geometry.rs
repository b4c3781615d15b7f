//! From the outlines of two lungs to the regions beside, below and above them (docs/recognition.md has the rules).
//! Pure geometry on a small grid; no pixel is looked at. Regions run to the picture's edge: a body outline that is
//! wrong would leak, air that is hidden costs nothing.

#[cfg(test)]
mod tests;

use model::RegionKind;

/// The two lungs on a grid, side by side as they are on the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lungs {
    /// Grid columns.
    pub width: usize,
    /// Grid rows.
    pub height: usize,
    /// `width × height`: the lung at the picture's left.
    pub left: Vec<bool>,
    /// The lung at the picture's right.
    pub right: Vec<bool>,
}

/// A region on the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// What it hides.
    pub kind: RegionKind,
    /// `[column, row]` in grid units, (0,0) the outer corner of the first cell.
    pub polygon: Vec<[f32; 2]>,
}

/// Margin kept around a lung, of the grid's width.
const MARGIN: f32 = 0.01;
/// Of the lung's height L, from the apex (first number) or from the dome (second): where a region begins and ends.
const AXILLA: (f32, f32) = (0.10, 0.45);
const BREAST: (f32, f32) = (0.35, 0.30);
/// Space between spine and the breast's inner end below the dome, of L.
const SPINE: f32 = 0.15;
/// Above the apex by so much of L the neck ends.
const NECK: f32 = 0.35;
/// Below the dome by so much of L a picture is more than a chest, and from where it is then filled.
const LONG: (f32, f32) = (1.2, 1.0);

/// One lung in numbers, seen so that outwards is towards column 0.
struct Side {
    apex: f32,
    dome: f32,
    /// Outer border by row, from the apex down: `[column, row]` with the margin taken off.
    border: Vec<[f32; 2]>,
    /// Base by column, from outside inwards, with the margin added.
    base: Vec<[f32; 2]>,
}

impl Side {
    fn tall(&self) -> f32 {
        self.dome - self.apex
    }
}

/// The regions of a frontal chest film, or nothing when the lungs do not pass for lungs.
#[must_use]
pub fn chest(lungs: &Lungs) -> Option<Vec<Shape>> {
    plausible(lungs)?;
    let left = side(&lungs.left, lungs)?;
    let right = side(&mirrored(&lungs.right, lungs.width), lungs)?;
    #[expect(clippy::cast_precision_loss, reason = "a grid of a few hundred cells")]
    let (width, height) = (lungs.width as f32, lungs.height as f32);
    let middle = f32::midpoint(inner(&left), width - inner(&right));
    let mut shapes = beside(&left, middle, height);
    shapes.extend(beside(&right, width - middle, height).into_iter().map(|shape| shape.mirrored(width)));
    shapes.push(abdomen(&left, &right, width, height));
    let across = |kind, top: f32, bottom: f32| Shape {
        kind,
        polygon: vec![[0.0, top], [width, top], [width, bottom], [0.0, bottom]],
    };
    let tall = left.tall().max(right.tall());
    let neck = left.apex.min(right.apex) - NECK * tall;
    if neck > 1.0 {
        shapes.push(across(RegionKind::Face, 0.0, neck));
    }
    let dome = left.dome.max(right.dome);
    if height > dome + LONG.0 * tall {
        shapes.push(across(RegionKind::Pelvis, dome + LONG.1 * tall, height));
    }
    Some(shapes)
}

impl Shape {
    fn mirrored(mut self, width: f32) -> Self {
        self.polygon.iter_mut().for_each(|[column, _]| *column = width - *column);
        self
    }
}

/// Gates of research §2: two lungs of sensible size, form and place. The numbers are wide; what fails is no chest film
/// or a chest that was not understood.
#[expect(clippy::cast_precision_loss, reason = "cell counts of a small grid")]
fn plausible(lungs: &Lungs) -> Option<()> {
    let cells = lungs.width * lungs.height;
    if cells == 0 || lungs.left.len() != cells || lungs.right.len() != cells {
        return None;
    }
    let count = |lung: &[bool]| lung.iter().filter(|on| **on).count() as f32;
    let (left, right) = (count(&lungs.left), count(&lungs.right));
    let share = (left + right) / cells as f32;
    let ratio = left / right.max(1.0);
    let ((l0, l1, t0, t1), (r0, r1, u0, u1)) = (extent(&lungs.left, lungs)?, extent(&lungs.right, lungs)?);
    let upright = |left: f32, right: f32, top: f32, bottom: f32| bottom - top > 0.9 * (right - left);
    let shared = t1.min(u1) - t0.max(u0);
    let fine = (0.06..0.75).contains(&share)
        && (0.4..2.5).contains(&ratio)
        && l1 < r1
        && l0 < r0
        && l1 - r0 < 0.1 * lungs.width as f32
        && upright(l0, l1, t0, t1)
        && upright(r0, r1, u0, u1)
        && shared > 0.6 * (t1 - t0).max(u1 - u0);
    fine.then_some(())
}

/// Left, right, top, bottom edges of what is on.
#[expect(clippy::cast_precision_loss, reason = "a grid of a few hundred cells")]
fn extent(lung: &[bool], lungs: &Lungs) -> Option<(f32, f32, f32, f32)> {
    let on =
        || lung.iter().enumerate().filter(|(_, on)| **on).map(|(at, _)| (at % lungs.width, at / lungs.width));
    let left = on().map(|(x, _)| x).min()?;
    let right = on().map(|(x, _)| x).max()?;
    let top = on().map(|(_, y)| y).min()?;
    let bottom = on().map(|(_, y)| y).max()?;
    Some((left as f32, right as f32 + 1.0, top as f32, bottom as f32 + 1.0))
}

fn mirrored(lung: &[bool], width: usize) -> Vec<bool> {
    lung.chunks_exact(width).flat_map(|row| row.iter().rev().copied()).collect()
}

/// Measures a lung whose outer side is towards column 0.
#[expect(clippy::cast_precision_loss, reason = "a grid of a few hundred cells")]
fn side(lung: &[bool], lungs: &Lungs) -> Option<Side> {
    let (left, right, top, _) = extent(lung, lungs)?;
    let margin = MARGIN * lungs.width as f32;
    let rows = lung.chunks_exact(lungs.width).enumerate();
    let border: Vec<[f32; 2]> = rows
        .filter_map(|(row, cells)| {
            let outer = cells.iter().position(|on| *on)?;
            Some([(outer as f32 - margin).max(0.0), row as f32 + 0.5])
        })
        .collect();
    let base: Vec<[f32; 2]> = (0..lungs.width)
        .filter_map(|column| {
            let cells = lung.iter().skip(column).step_by(lungs.width);
            let lowest = cells.enumerate().filter(|(_, on)| **on).map(|(row, _)| row).next_back()?;
            Some([column as f32 + 0.5, (lowest as f32 + 1.0 + margin).min(lungs.height as f32)])
        })
        .collect();
    // The dome is looked for away from both ends, where the outline falls off.
    let wide = right - left;
    let inside = |column: f32| column > left + 0.25 * wide && column < left + 0.8 * wide;
    let dome = base.iter().filter(|[x, _]| inside(*x)).map(|[_, y]| *y).reduce(f32::min)? - margin;
    // Columns that only the upper lung reaches (beside the great vessels, over the lateral wall) have no base.
    let base = base.into_iter().filter(|[_, row]| *row >= dome + 0.99 * margin).collect();
    (dome > top + 2.0).then_some(Side { apex: top, dome, border, base })
}

/// The base's innermost column.
fn inner(side: &Side) -> f32 {
    side.base.last().map_or(0.0, |[column, _]| *column)
}

/// Axilla and breast of one side.
fn beside(side: &Side, spine: f32, height: f32) -> Vec<Shape> {
    let tall = side.tall();
    let axilla = (side.apex + AXILLA.0 * tall, side.apex + AXILLA.1 * tall);
    let breast = (side.apex + BREAST.0 * tall, (side.dome + BREAST.1 * tall).min(height));
    let band = |top: f32, bottom: f32| -> Vec<[f32; 2]> {
        let mut line = vec![[0.0, top], [column_at(side, top), top]];
        line.extend(side.border.iter().filter(|[_, y]| *y > top && *y < bottom));
        line
    };
    let mut under = band(axilla.0, axilla.1);
    under.extend([[column_at(side, axilla.1), axilla.1], [0.0, axilla.1]]);
    let mut around = band(breast.0, breast.1);
    let last = spine - SPINE * tall;
    let corner = around.last().map_or(0.0, |[column, _]| *column);
    around.extend(side.base.iter().filter(|[x, y]| *x > corner && *x < last && *y < breast.1));
    around.extend([[last.max(corner), breast.1], [0.0, breast.1]]);
    vec![
        Shape { kind: RegionKind::Axilla, polygon: under },
        Shape { kind: RegionKind::Breast, polygon: around },
    ]
}

/// The outer border at a row.
fn column_at(side: &Side, row: f32) -> f32 {
    let nearest = side.border.iter().min_by(|a, b| (a[1] - row).abs().total_cmp(&(b[1] - row).abs()));
    nearest.map_or(0.0, |[column, _]| *column)
}

/// Everything below both bases, straight across the heart, level from the outer ends to the edges.
fn abdomen(left: &Side, right: &Side, width: f32, height: f32) -> Shape {
    let mut polygon = Vec::new();
    polygon.extend(left.base.first().map(|[_, row]| [0.0, *row]));
    polygon.extend(left.base.iter().copied());
    polygon.extend(right.base.iter().rev().map(|[column, row]| [width - column, *row]));
    polygon.extend(right.base.first().map(|[_, row]| [width, *row]));
    polygon.extend([[width, height], [0.0, height]]);
    Shape { kind: RegionKind::Abdomen, polygon }
}
