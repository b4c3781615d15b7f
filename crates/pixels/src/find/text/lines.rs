//! Blobs in a row are lines; a line is text when its strokes are as many, as bright and as even as writing is.

use super::blobs::{Blob, gather, join};

/// A row of blobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Everything in it, as one.
    pub whole: Blob,
    /// How many blobs.
    pub glyphs: usize,
    /// Median height of a blob.
    pub tall: usize,
    /// Mean distance of a blob's bottom from the median bottom, in heights.
    pub uneven: f32,
}

/// Groups blobs into rows.
pub fn lines(blobs: &mut [Blob]) -> Vec<Line> {
    blobs.sort_unstable_by_key(|b| (b.left, b.top));
    let mut parents: Vec<usize> = (0..blobs.len()).collect();
    let reach = blobs.iter().map(Blob::height).max().unwrap_or(0);
    for (at, one) in blobs.iter().enumerate() {
        // What `beside` allows: a gap of 0.9 of the taller, which is at most 2.4 times as tall as this one.
        let reach = reach.min(one.height() * 216 / 100);
        for (next, other) in blobs.iter().enumerate().skip(at + 1) {
            if other.left > one.right + reach {
                break;
            }
            if beside(one, other) {
                join(&mut parents, at, next);
            }
        }
    }
    let wholes = gather(&mut parents.clone(), blobs);
    let mut members: Vec<Vec<Blob>> = vec![Vec::new(); wholes.len()];
    let mut homes = std::collections::BTreeMap::new();
    for (at, blob) in blobs.iter().enumerate() {
        let home = super::blobs::root(&mut parents, at);
        let next = homes.len();
        let slot = *homes.entry(home).or_insert(next);
        if let Some(list) = members.get_mut(slot) {
            list.push(*blob);
        }
    }
    members.iter().filter_map(|list| measured(list)).collect()
}

/// Next to each other on one line: like heights, like rows, a gap of at most a glyph.
fn beside(one: &Blob, other: &Blob) -> bool {
    let (small, large) = (one.height().min(other.height()), one.height().max(other.height()));
    let shared = one.bottom.min(other.bottom).saturating_sub(one.top.max(other.top));
    let gap = other.left.saturating_sub(one.right);
    2 * shared >= small
        && 5 * large <= 12 * small
        && 10 * gap <= 9 * large
        && one.peak.abs_diff(other.peak) < 70
}

#[expect(clippy::cast_precision_loss, reason = "pixel counts")]
fn measured(list: &[Blob]) -> Option<Line> {
    let (first, rest) = list.split_first()?;
    let whole = rest.iter().fold(*first, |sum, blob| sum.joined(blob));
    let mut heights: Vec<usize> = list.iter().map(Blob::height).collect();
    let mut bottoms: Vec<usize> = list.iter().map(|b| b.bottom).collect();
    heights.sort_unstable();
    bottoms.sort_unstable();
    let tall = heights.get(heights.len() / 2).copied()?;
    let middle = bottoms.get(bottoms.len() / 2).copied()?;
    let off: usize = bottoms.iter().map(|b| b.abs_diff(middle)).sum();
    let uneven = off as f32 / (bottoms.len() * tall.max(1)) as f32;
    Some(Line { whole, glyphs: list.len(), tall, uneven })
}
