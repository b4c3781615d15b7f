//! What people draw.

use model::{HoldsFor, Referred, Region, RegionKind, Uid};
use serde::{Deserialize, Serialize};

/// A region drawn by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrawnRegion {
    /// On which instance.
    pub instance: Uid,
    /// Shape; `source` and `confidence` are set by the vault.
    pub region: Region,
}

/// What replaces what the caller drew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Redraw<T> {
    /// All that is the caller's from now on.
    pub wanted: T,
    /// What others than the patient drew goes, too: the privacy officer only.
    pub drop_others: bool,
    /// The version that the caller saw.
    pub expect_version: u64,
}

/// What a person wants hidden on all films of a patient, those to come included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// For whom this and all else that the person draws holds.
    pub holds_for: HoldsFor,
    /// Parts of the body ([`RegionKind::PARTS`]), wherever they are seen.
    pub parts: Vec<RegionKind>,
    /// Shapes on many films.
    pub shapes: Vec<StandingShape>,
}

/// A shape on many films.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandingShape {
    /// On which.
    pub on: ShapeOn,
    /// Corners in shares of a frame's width and height, 0 to 1.
    pub polygon: Vec<[f32; 2]>,
}

/// The films that a shape is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShapeOn {
    /// Asked for: all of the series of this instance.
    SeriesOf(Uid),
    /// Asked for: all of the view of this instance.
    ViewOf(Uid),
    /// All of a series.
    Series(Uid),
    /// All of a view: (0008,0060), (0018,0015), (0018,5101).
    View([String; 3]),
}

/// What masks are asked for, as planes of bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskPlanes {
    /// Study.
    pub study: Uid,
    /// Series.
    pub series: Uid,
    /// One instance of it.
    pub instance: Option<Uid>,
    /// One plane for all kinds and frames, of one instance: a shutter. Else one for each kind and frame.
    pub joined: bool,
}

/// Masks that come as planes of bits, which follow as chunks in the order of the frames. What cannot be read of them is told by
/// [`crate::Trailer::Unread`] instead of the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BringPlanes {
    /// Study.
    pub study: Uid,
    /// Series of all images.
    pub series: Uid,
    /// Height of each plane.
    pub rows: u32,
    /// Width of each plane.
    pub columns: u32,
    /// Which images each plane is about; at most [`model::limits::MASK_PLANES`].
    pub frames: Vec<Referred>,
}

/// Kinds that a person may draw.
pub const DRAWABLE: &[RegionKind] = &[RegionKind::Drawn];
