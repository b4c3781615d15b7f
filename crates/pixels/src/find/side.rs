//! Side markers: one large `L` or `R` by itself. Only what reads as that is kept, so that no identity stays by mistake.

use super::plane::Plane;
use super::text::blobs::{self, Blob};
use super::text::blocks::Area;
use super::text::morph;
use model::{Region, RegionKind};

const SOURCE: &str = "marker/1";
/// Longer side of the copy that is looked at.
const SIDE: usize = 512;
/// Widest stroke on it.
const STROKE: usize = 9;
/// The letters on a grid of 5 × 7, thin and bold; a film may be mirrored.
const LETTERS: [[u8; 7]; 4] = [
    [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
    [0b11000, 0b11000, 0b11000, 0b11000, 0b11000, 0b11111, 0b11111],
    [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001],
    [0b11110, 0b11011, 0b11011, 0b11110, 0b11110, 0b11011, 0b11011],
];
/// Least correlation with a letter: on 70 films all letters but a few were above, next to nothing else was.
const READ: f32 = 0.62;
/// Markers kept on one film.
const MARKERS: usize = 4;

/// The markers of a film that lie clear of words.
#[expect(clippy::cast_precision_loss, reason = "pixel counts of a frame")]
pub fn find(plane: &Plane, words: &[(Area, f32)]) -> Vec<Area> {
    let long = plane.width.max(plane.height);
    let factor = long.div_ceil(SIDE).max(1);
    let copy = plane.shrunk((plane.width / factor).max(1), (plane.height / factor).max(1));
    let strokes = morph::strokes(&copy, STROKE);
    // Among so much, nothing is a marker that stands alone.
    let all = blobs::blobs(&copy, &strokes, 60).filter(|all| all.len() <= blobs::BLOBS).unwrap_or_default();
    let (x, y) = (plane.width as f32 / copy.width as f32, plane.height as f32 / copy.height as f32);
    let mut found = Vec::new();
    for blob in all.iter().filter(|b| shaped(b, copy.short())) {
        let alone = all.iter().filter(|other| *other != blob && near(blob, other)).count() == 0;
        let area = Area {
            left: blob.left as f32 * x,
            top: blob.top as f32 * y,
            right: blob.right as f32 * x,
            bottom: blob.bottom as f32 * y,
        };
        let clear = !words.iter().any(|(word, _)| word.meets(&area));
        if alone && clear && reads(&strokes, blob) {
            found.push(area.grown(2.0 * x, 2.0 * y));
        }
    }
    // Many of them are no markers.
    if found.len() > MARKERS { Vec::new() } else { found }
}

/// As a region of the mask set.
pub fn region(area: &Area) -> Region {
    let edges = [area.left.max(0.0), area.top.max(0.0), area.right, area.bottom];
    Region::rectangle(RegionKind::Marker, None, edges, SOURCE, 0.8)
}

fn shaped(blob: &Blob, short: usize) -> bool {
    let (wide, tall) = (blob.width(), blob.height());
    (short / 50..=short / 8).contains(&tall)
        && tall >= 9
        && 10 * wide >= 4 * tall
        && 10 * wide <= 11 * tall
        && blob.peak >= 225
}

/// Another stroke as tall as half the letter, within its height: then it is no letter by itself.
fn near(blob: &Blob, other: &Blob) -> bool {
    let room = blob.height();
    2 * other.height() >= blob.height()
        && other.left < blob.right + room
        && blob.left < other.right + room
        && other.top < blob.bottom + room / 3
        && blob.top < other.bottom + room / 3
}

/// Correlates the blob's strokes on a 5 × 7 grid with the letters, as they are and mirrored.
#[expect(clippy::cast_precision_loss, reason = "35 cells of a few pixels")]
fn reads(strokes: &Plane, blob: &Blob) -> bool {
    let mut cells = Vec::with_capacity(35);
    for row in 0..7 {
        let rows = span(blob.top, blob.height(), row, 7);
        for column in 0..5 {
            let (mut on, mut all) = (0u32, 0u32);
            for y in rows.clone() {
                for x in span(blob.left, blob.width(), column, 5) {
                    on += u32::from(strokes.at(x, y) > 60);
                    all += 1;
                }
            }
            cells.push(on as f32 / all.max(1) as f32);
        }
    }
    LETTERS.iter().any(|letter| {
        [false, true].iter().any(|mirrored| {
            let bit =
                |row: &u8, column: u32| f32::from((row >> if *mirrored { column } else { 4 - column }) & 1);
            let wanted: Vec<f32> = letter.iter().flat_map(|row| (0..5).map(move |c| bit(row, c))).collect();
            correlation(&cells, &wanted) >= READ
        })
    })
}

fn span(from: usize, size: usize, part: usize, parts: usize) -> std::ops::Range<usize> {
    let low = from + part * size / parts;
    low..(from + (part + 1) * size / parts).max(low + 1)
}

#[expect(clippy::cast_precision_loss, reason = "35 cells")]
fn correlation(one: &[f32], other: &[f32]) -> f32 {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len().max(1) as f32;
    let (a, b) = (mean(one), mean(other));
    let sum = |f: &dyn Fn(f32, f32) -> f32| one.iter().zip(other).map(|(x, y)| f(x - a, y - b)).sum::<f32>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y) + 1e-9).sqrt()
}
