//! Shapes on a frame that say what is private there, and the coarse picture that replaces it.

use crate::caller::words;
use serde::{Deserialize, Serialize};

words! {
    /// What a region shows.
    RegionKind, "region kind",
    /// Breast outside the aerated lung.
    Breast = "breast",
    /// Armpit.
    Axilla = "axilla",
    /// Below the diaphragm.
    Abdomen = "abdomen",
    /// Pelvis and genitals.
    Pelvis = "pelvis",
    /// Face, jaw and neck above the chest.
    Face = "face",
    /// Skin seen as a surface.
    BodySurface = "body-surface",
    /// Words burned into the pixels that may identify.
    Text = "text",
    /// Side, projection and position markers: never filled.
    Marker = "marker",
    /// Drawn by a person.
    Drawn = "drawn",
    /// Everything outside what is surely needed, when recognition is unsure.
    Unsure = "unsure",
}

words! {
    /// For whom what a person drew holds. Each step includes those before it.
    HoldsFor, "word of whom a mask holds for",
    /// Callers with neither relation nor order, and secondary use.
    Strangers = "strangers",
    /// Also callers with a relation: all but those who report or treat under an order.
    Related = "all-but-order",
    /// Everybody but the patient, also under an order (who can lift it).
    Everyone = "everyone",
}

impl RegionKind {
    /// Parts of a body that a person may hide wherever they are seen.
    pub const PARTS: &'static [Self] =
        &[Self::Breast, Self::Axilla, Self::Abdomen, Self::Pelvis, Self::Face, Self::BodySurface];

    /// Filled with a constant (true) or mosaicked (false). Text is never mosaicked: mosaics of text can be read
    /// (Hill et al., PoPETs 2016(4):403).
    #[must_use]
    pub const fn filled(self) -> bool {
        matches!(self, Self::Text | Self::Face | Self::Pelvis)
    }
}

/// A polygon on a frame, in stored pixel coordinates: `[column, row]`, (0,0) the outer corner of the first pixel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// What it shows.
    pub kind: RegionKind,
    /// 0-based frame, or all frames.
    pub frame: Option<u32>,
    /// Corners, at least 3, closed by itself; even-odd rule.
    pub polygon: Vec<[f32; 2]>,
    /// Finder and version (`chest/2`), `fallback`, or `patient`, `clinician`.
    pub source: String,
    /// 0..=1.
    pub confidence: f32,
}

impl Region {
    /// A rectangle from its edges (left, top inclusive; right, bottom exclusive).
    #[must_use]
    pub fn rectangle(
        kind: RegionKind,
        frame: Option<u32>,
        edges: [f32; 4],
        source: &str,
        confidence: f32,
    ) -> Self {
        let [left, top, right, bottom] = edges;
        let polygon = vec![[left, top], [right, top], [right, bottom], [left, bottom]];
        Self { kind, frame, polygon, source: source.to_owned(), confidence }
    }
}

/// The coarse, noisy picture of a whole frame (DESIGN.md §3, Masking): one value a cell and sample,
/// already quantised to 16 grey levels with keyed noise, in stored sample units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mosaic {
    /// Side of a cell in pixels; the grid starts at the image's first pixel.
    pub cell: u32,
    /// Cells across.
    pub across: u32,
    /// Cells down.
    pub down: u32,
    /// Samples per pixel.
    pub samples: u8,
    /// `down × across × samples` values, row by row.
    pub values: Vec<u32>,
}
