//! Masks as planes of bits, and outlines of planes: what goes out in a segmentation and comes in by one.

use super::bitmap::{Bitmap, OPEN};
use model::{Region, RegionKind, plane_bytes};

/// Kinds of which the regions hide anything on this frame (`index` is 0-based), in their order.
///
/// Together their planes hide what [`super::redact`] hides: markers free what finders found, and no more.
#[must_use]
pub fn kinds(size: (u32, u32), index: u32, regions: &[Region]) -> Vec<RegionKind> {
    let there = |kind: &&RegionKind| regions.iter().any(|region| region.kind == **kind);
    let kinds = RegionKind::ALL.iter().filter(there).copied();
    kinds.filter(|kind| map(size, index, regions, Some(*kind)).any()).collect()
}

/// What regions of one kind hide on a frame, or of all kinds: a bit a pixel, row by row, the first in the lowest bit
/// (PS3.5 §8.1.1).
#[must_use]
pub fn plane(size: (u32, u32), index: u32, regions: &[Region], kind: Option<RegionKind>) -> Vec<u8> {
    let map = map(size, index, regions, kind);
    let mut out = vec![0; plane_bytes(size.0, size.1)];
    for (at, state) in map.rows().flatten().enumerate() {
        if *state != OPEN
            && let Some(byte) = out.get_mut(at / 8)
        {
            *byte |= 1 << (at % 8);
        }
    }
    out
}

fn map((rows, columns): (u32, u32), index: u32, regions: &[Region], kind: Option<RegionKind>) -> Bitmap {
    let wanted =
        |region: &&Region| kind.is_none_or(|kind| region.kind == kind || region.kind == RegionKind::Marker);
    let regions: Vec<Region> = regions.iter().filter(wanted).cloned().collect();
    Bitmap::of(rows, columns, index, &regions)
}

#[cfg(test)]
mod tests;
