//! Two lungs on a frontal film: search with a mean patch, corrections by linear maps, the outline from a linear shape.
//! Done on the picture and on its mirror image; the better place and the mean of both shapes are taken: a mirrored
//! film gives the mirrored lungs.

use super::super::plane::Plane;
use super::model::{Model, PATCH, PATCH_SPAN, SHAPE, SHAPE_SPAN};

/// Longest side of the copy that is looked at.
const SIDE: usize = 128;
/// Longest side of the grid that the outline is drawn on.
const GRID: usize = 256;
/// Places from which corrections start.
const STARTS: usize = 12;
/// What the share of the picture that the box fills, the lungs' darkness and their symmetry of finding count beside
/// likeness.
const FILLED: f32 = 0.6;
const CONTRAST: f32 = 0.2;
const AGREED: f32 = 0.5;

/// What was found, before any gate.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Grid columns.
    pub width: usize,
    /// Grid rows.
    pub height: usize,
    /// Signed distance to the lungs' border, hundredths of their width, inside positive.
    pub distances: Vec<f32>,
    /// Column of the middle between the lungs, grid units.
    pub middle: f32,
    /// Likeness to the mean chest, at most 1.
    pub alike: f32,
    /// How much darker the lungs are than what is around them, in deviations of the patch.
    pub contrast: f32,
    /// Overlap of the boxes found on the picture and on its mirror image (intersection over union).
    pub same: f32,
    /// Overlap of the lungs drawn from the patch and from its mirror image.
    pub agreed: f32,
}

/// Centre and size of the lungs' box.
#[derive(Debug, Clone, Copy)]
struct Pose {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

/// Grey values as numbers.
struct Picture {
    width: usize,
    height: usize,
    data: Vec<f32>,
}

/// Looks for lungs. Always answers; the gates are the caller's.
#[expect(clippy::cast_precision_loss, reason = "a grid of a few hundred cells")]
pub fn find(plane: &Plane, model: &Model) -> Outline {
    let (columns, rows) = fitted(plane, SIDE);
    let picture = Picture::of(&plane.shrunk(columns, rows));
    let mirror = picture.mirrored();
    let (width, height) = fitted(plane, GRID);
    let (mine, its) = (place(&picture, model), place(&mirror, model).mirrored(columns as f32));
    let same = mine.pose.overlap(&its.pose);
    let best = if mine.score >= its.score { mine } else { its };
    let (x, y) = (columns as f32 / width as f32, rows as f32 / height as f32);
    let (shape, agreed) = shape(model, &patch(&picture, &best.pose));
    let distances = draw(&shape, &best.pose, width, height, x, y);
    Outline {
        width,
        height,
        distances,
        middle: best.pose.x / x,
        alike: best.alike,
        contrast: best.contrast,
        same,
        agreed,
    }
}

/// The signed distances and those of the mirrored patch, mirrored back: their mean and how far they agree
/// (intersection over union of what is inside).
#[expect(clippy::cast_precision_loss, reason = "a grid of 32 × 32")]
fn shape(model: &Model, patch: &[f32]) -> (Vec<f32>, f32) {
    let turned = |values: &[f32], width: usize| -> Vec<f32> {
        values.chunks_exact(width).flat_map(|row| row.iter().rev().copied()).collect()
    };
    let one = model.distances(patch);
    let other = turned(&model.distances(&turned(patch, PATCH)), SHAPE);
    let (mut both, mut any) = (0u32, 0u32);
    for (a, b) in one.iter().zip(&other) {
        both += u32::from(*a > 0.0 && *b > 0.0);
        any += u32::from(*a > 0.0 || *b > 0.0);
    }
    let mean = one.iter().zip(&other).map(|(a, b)| f32::midpoint(*a, *b)).collect();
    (mean, both as f32 / any.max(1) as f32)
}

/// The plane's size when its longer side is `side`.
fn fitted(plane: &Plane, side: usize) -> (usize, usize) {
    let long = plane.width.max(plane.height);
    let part = |n: usize| ((2 * n * side + long) / (2 * long)).max(1);
    (part(plane.width), part(plane.height))
}

impl Picture {
    fn of(plane: &Plane) -> Self {
        let data = plane.data.iter().map(|v| f32::from(*v)).collect();
        let mut picture = Self { width: plane.width, height: plane.height, data };
        for _ in 0..2 {
            picture.smooth();
        }
        picture
    }

    /// 1-2-1 in both directions, edges repeated.
    fn smooth(&mut self) {
        let (width, height) = (self.width, self.height);
        let old = self.data.clone();
        let row = |y: usize| old.get(y * width..(y + 1) * width).unwrap_or(&[]);
        for (y, line) in self.data.chunks_exact_mut(width).enumerate() {
            let (up, here, down) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1)));
            for (((to, a), b), c) in line.iter_mut().zip(up).zip(here).zip(down) {
                *to = (a + 2.0 * b + c) / 4.0;
            }
            let old = line.to_vec();
            let at = |x: usize| old.get(x).copied().unwrap_or(0.0);
            for (x, to) in line.iter_mut().enumerate() {
                *to = (at(x.saturating_sub(1)) + 2.0 * at(x) + at((x + 1).min(width - 1))) / 4.0;
            }
        }
    }

    fn mirrored(&self) -> Self {
        let data = self.data.chunks_exact(self.width).flat_map(|row| row.iter().rev().copied()).collect();
        Self { width: self.width, height: self.height, data }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        self.data.get(y.min(self.height - 1) * self.width + x.min(self.width - 1)).copied().unwrap_or(0.0)
    }
}

/// A position between the centres of two pixels: the first, and how far to the second. Edges are repeated.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=count-1 first"
)]
fn between(position: f32, count: usize) -> (usize, f32) {
    let position = (position - 0.5).clamp(0.0, count.saturating_sub(1) as f32);
    (position as usize, position.fract())
}

/// The patch around a pose, mean 0, about unit deviation.
#[expect(clippy::cast_precision_loss, reason = "a patch of 24 × 24")]
fn patch(picture: &Picture, pose: &Pose) -> Vec<f32> {
    let offset = |at: usize| ((at as f32 + 0.5) / PATCH as f32 - 0.5) * PATCH_SPAN;
    let columns: Vec<(usize, f32)> =
        (0..PATCH).map(|at| between(pose.x + offset(at) * pose.width, picture.width)).collect();
    let mut values = Vec::with_capacity(PATCH * PATCH);
    for at in 0..PATCH {
        let (y, down) = between(pose.y + offset(at) * pose.height, picture.height);
        for (x, across) in &columns {
            let upper = picture.at(*x, y) * (1.0 - across) + picture.at(x + 1, y) * across;
            let lower = picture.at(*x, y + 1) * (1.0 - across) + picture.at(x + 1, y + 1) * across;
            values.push(upper * (1.0 - down) + lower * down);
        }
    }
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    values.iter_mut().for_each(|v| *v -= mean);
    let deviation = (values.iter().map(|v| v * v).sum::<f32>() / count).sqrt() + 4.0;
    values.iter_mut().for_each(|v| *v /= deviation);
    values
}

/// Normalised correlation with the mean patch.
fn likeness(model: &Model, patch: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(&model.mean, patch) / (dot(&model.mean, &model.mean) * dot(patch, patch) + 1e-9).sqrt()
}

/// A place of the lungs' box with what speaks for it.
#[derive(Debug, Clone, Copy)]
struct Place {
    pose: Pose,
    alike: f32,
    contrast: f32,
    score: f32,
}

impl Place {
    fn mirrored(self, columns: f32) -> Self {
        Self { pose: self.pose.mirrored(columns), ..self }
    }
}

/// The best place: a coarse search, then corrections from the best dozen.
#[expect(clippy::cast_precision_loss, reason = "a picture of 128 pixels")]
fn place(picture: &Picture, model: &Model) -> Place {
    let nowhere = Pose { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
    let mut best = Place { pose: nowhere, alike: 0.0, contrast: 0.0, score: -99.0 };
    for mut pose in starts(picture, model) {
        for turn in 0..4 {
            let map = if turn < 2 { &model.coarse } else { &model.fine };
            pose = pose.moved(&map.map(&patch(picture, &pose)));
        }
        let seen = patch(picture, &pose);
        let alike = likeness(model, &seen);
        let (distances, agreed) = shape(model, &seen);
        let contrast = contrast(&seen, &distances);
        let filled = pose.width * pose.height / (picture.width * picture.height) as f32;
        // A chest film is filled by its chest: a small box is likelier a piece of it.
        let misfit = if pose.fits(picture) { 0.0 } else { 5.0 };
        let score = alike + FILLED * filled.min(0.6) + CONTRAST * contrast + AGREED * agreed - misfit;
        if score > best.score {
            best = Place { pose, alike, contrast, score };
        }
    }
    best
}

/// Mean of the patch just outside the lungs minus the mean inside them.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a grid of 24 × 24"
)]
fn contrast(patch: &[f32], distances: &[f32]) -> f32 {
    let onto = |at: usize| {
        let offset = ((at as f32 + 0.5) / PATCH as f32 - 0.5) * PATCH_SPAN;
        let cell = (offset / SHAPE_SPAN + 0.5) * SHAPE as f32;
        (0.0..SHAPE as f32).contains(&cell).then_some(cell as usize)
    };
    let (mut inside, mut outside) = ((0.0, 0.0), (0.0, 0.0));
    for (at, value) in patch.iter().enumerate() {
        let (Some(column), Some(row)) = (onto(at % PATCH), onto(at / PATCH)) else { continue };
        let distance = distances.get(row * SHAPE + column).copied().unwrap_or(-12.0);
        let sum = if distance > 1.0 { &mut inside } else { &mut outside };
        if distance > 1.0 || (-8.0..-1.0).contains(&distance) {
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
    }
    if inside.1 < 1.0 || outside.1 < 1.0 { 0.0 } else { outside.0 / outside.1 - inside.0 / inside.1 }
}

/// The most alike places of a grid over positions and sizes, no two of them close.
#[expect(clippy::cast_precision_loss, reason = "a picture of 128 pixels")]
fn starts(picture: &Picture, model: &Model) -> Vec<Pose> {
    let (columns, rows) = (picture.width as f32, picture.height as f32);
    let mut found = Vec::new();
    for wide in [0.5, 0.6, 0.7, 0.8, 0.92] {
        for aspect in [0.9, 1.1, 1.35, 1.65] {
            let (width, height) = (wide * columns, wide * columns / aspect);
            if height > 1.08 * rows || height < 0.3 * rows {
                continue;
            }
            for (across, down) in (0..9u8).flat_map(|a| (0..7u8).map(move |d| (f32::from(a), f32::from(d)))) {
                let (x, y) = ((0.3 + 0.05 * across) * columns, (0.3 + 0.4 / 6.0 * down) * rows);
                let pose = Pose { x, y, width, height };
                found.push((likeness(model, &patch(picture, &pose)), pose));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut kept: Vec<Pose> = Vec::new();
    for (_, pose) in found {
        if kept.iter().all(|other| pose.differs(other)) {
            kept.push(pose);
        }
        if kept.len() == STARTS {
            break;
        }
    }
    kept
}

impl Pose {
    fn moved(self, by: &[f32]) -> Self {
        let part = |at: usize| by.get(at).copied().unwrap_or(0.0) * 0.9;
        Self {
            x: self.x + part(0) * self.width,
            y: self.y + part(1) * self.height,
            width: self.width * part(2).clamp(-0.3, 0.3).exp(),
            height: self.height * part(3).clamp(-0.3, 0.3).exp(),
        }
    }

    fn mirrored(self, columns: f32) -> Self {
        Self { x: columns - self.x, ..self }
    }

    fn overlap(&self, other: &Self) -> f32 {
        let along = |a: f32, b: f32, c: f32, d: f32| {
            ((a + b / 2.0).min(c + d / 2.0) - (a - b / 2.0).max(c - d / 2.0)).max(0.0)
        };
        let both = along(self.x, self.width, other.x, other.width)
            * along(self.y, self.height, other.y, other.height);
        both / (self.width * self.height + other.width * other.height - both).max(1e-6)
    }

    fn differs(&self, other: &Self) -> bool {
        (self.x - other.x).abs() > 0.08 * other.width
            || (self.y - other.y).abs() > 0.12 * other.height
            || (self.width / other.width).ln().abs() > 0.12
            || (self.height / other.height).ln().abs() > 0.2
    }

    #[expect(clippy::cast_precision_loss, reason = "a picture of 128 pixels")]
    fn fits(&self, picture: &Picture) -> bool {
        let (columns, rows) = (picture.width as f32, picture.height as f32);
        (0.35..1.2).contains(&(self.width / columns))
            && (0.25..1.35).contains(&(self.height / rows))
            && (0.25..0.75).contains(&(self.x / columns))
            && (0.2..0.8).contains(&(self.y / rows))
    }
}

/// The shape in its place on the output grid; far outside it is far from any lung. `x`, `y`: picture pixels a cell.
#[expect(clippy::cast_precision_loss, reason = "a grid of a few hundred cells")]
fn draw(shape: &[f32], pose: &Pose, width: usize, height: usize, x: f32, y: f32) -> Vec<f32> {
    let onto = |at: usize, scale: f32, middle: f32, size: f32| {
        (((at as f32 + 0.5) * scale - middle) / size / SHAPE_SPAN + 0.5) * SHAPE as f32
    };
    let inside = 0.0..SHAPE as f32;
    let cell = |column: usize, row: usize| {
        shape.get(row.min(SHAPE - 1) * SHAPE + column.min(SHAPE - 1)).copied().unwrap_or(-12.0)
    };
    let mut out = Vec::with_capacity(width * height);
    for row in 0..height {
        let v = onto(row, y, pose.y, pose.height);
        let (top, down) = between(v, SHAPE);
        for column in 0..width {
            let u = onto(column, x, pose.x, pose.width);
            if !inside.contains(&u) || !inside.contains(&v) {
                out.push(-12.0);
                continue;
            }
            let (left, across) = between(u, SHAPE);
            let upper = cell(left, top) * (1.0 - across) + cell(left + 1, top) * across;
            let lower = cell(left, top + 1) * (1.0 - across) + cell(left + 1, top + 1) * across;
            out.push(upper * (1.0 - down) + lower * down);
        }
    }
    out
}
