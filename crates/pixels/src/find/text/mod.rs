//! Burned-in words, found without reading them: strokes → blobs → lines → blocks.

pub mod blobs;
pub mod blocks;
pub mod lines;
pub mod morph;
pub mod outside;
pub mod score;

use super::plane::Plane;
use blocks::{Area, Found};

/// Widest stroke on the working copy, pixels.
const STROKE: usize = 13;
/// Stroke strengths at which blobs are cut out: faint letters need the low one, letters that touch the high one.
const THRESHOLDS: [(u8, bool); 2] = [(40, false), (90, true)];

/// The working copy, and how many of its pixels go on one of the frame's.
pub fn working(plane: &Plane) -> (Plane, f32) {
    match plane.short() {
        0..384 => (plane.enlarged::<3>(), 3.0),
        384..768 => (plane.enlarged::<2>(), 2.0),
        768..1500 => (plane.clone(), 1.0),
        1500..3000 => (plane.shrunk(plane.width / 2, plane.height / 2), 0.5),
        _ => (plane.shrunk(plane.width / 3, plane.height / 3), 1.0 / 3.0),
    }
}

/// Pixels of the working copy: what a search costs.
pub fn cost(plane: &Plane) -> usize {
    let pixels = plane.width * plane.height;
    match plane.short() {
        0..384 => pixels * 9,
        384..768 => pixels * 4,
        768..1500 => pixels,
        1500..3000 => pixels / 4,
        _ => pixels / 9,
    }
}

/// The rectangles of a frame that hold words, with confidence. `generous`: words that identify are likely. Nothing: there is
/// so much on it that not all of it was looked at.
pub fn find(plane: &Plane, generous: bool) -> Option<Vec<(Area, f32)>> {
    let (copy, scale) = working(plane);
    let mut found = search(&copy, false)?;
    found.extend(search(&copy.inverted(), true)?);
    let text = blocks::accepted(&found);
    let shrink = |area: Area| Area {
        left: area.left / scale,
        top: area.top / scale,
        right: area.right / scale,
        bottom: area.bottom / scale,
    };
    Some(blocks::blocks(&text, generous).into_iter().map(|(area, sure)| (shrink(area), sure)).collect())
}

fn search(plane: &Plane, dark: bool) -> Option<Vec<Found>> {
    let strokes = morph::strokes(plane, STROKE);
    let tallest = plane.short() / 10;
    let mut found = Vec::new();
    for (threshold, strict) in THRESHOLDS {
        let mut blobs = blobs::blobs(plane, &strokes, threshold)?;
        blobs.retain(|b| {
            (5..=tallest).contains(&b.height())
                && b.area >= 8
                && b.width() >= 2
                && b.width() <= 30 * b.height()
        });
        if blobs.len() > blobs::BLOBS {
            blobs.sort_unstable_by_key(|b| std::cmp::Reverse(b.strength));
            blobs.truncate(blobs::BLOBS);
        }
        for line in lines::lines(&mut blobs) {
            let whole = &line.whole;
            if whole.height() <= tallest && 2 * whole.width() >= 3 * whole.height() {
                found.push(Found::of(&line, score::score(&line, dark, strict)));
            }
        }
    }
    Some(found)
}
