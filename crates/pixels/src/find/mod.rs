//! What is private on the frames of one image.

use model::{Frame, ImageInfo, Region, RegionKind};

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Regions on all frames.
    pub regions: Vec<Region>,
    /// Recognition was unsure or absent: more is hidden.
    pub fallback: bool,
    /// Class of the object.
    pub class: String,
    /// 1 to 5.
    pub level: u8,
    /// As if absent for callers without a relation and for every secondary use.
    pub withheld: bool,
}

/// Sees frames, says what is private on them.
pub struct Finder {
    rows: u32,
    columns: u32,
}

impl Finder {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(image: &ImageInfo) -> Self {
        Self { rows: image.rows, columns: image.columns }
    }

    /// Looks at one frame, 1-based.
    pub fn frame(&mut self, _number: u32, _frame: &Frame) {}

    /// What was found: without a recogniser, everything is unsure.
    #[must_use]
    pub fn finish(self) -> Look {
        #[expect(clippy::cast_precision_loss, reason = "at most 65,535, exact in f32")]
        let edges = [0.0, 0.0, self.columns as f32, self.rows as f32];
        Look {
            regions: vec![Region::rectangle(RegionKind::Unsure, None, edges, "fallback", 0.0)],
            fallback: true,
            class: "unknown".to_owned(),
            level: 5,
            withheld: false,
        }
    }
}
