//! Masking: which pixels are hidden, by what, and the only place where a frame becomes a redacted one.
//!
//! What is painted depends on the regions and the mosaic layer, never on a hidden pixel itself. Pixels outside keep
//! every bit. A mask protects dignity, not anonymity (DESIGN.md §3, Masking).

mod bitmap;
mod cover;
mod mosaic;
mod outline;
mod paint;
mod planes;

pub use cover::{Cover, cover};
pub use mosaic::mosaic;
pub use outline::{hull, outlines};
pub use planes::{kinds, plane};

pub(crate) use bitmap::{Bitmap, FILL, OPEN};
use model::{Frame, ImageInfo, Mosaic, Region};

/// What is to be hidden: regions, and the mosaic layer of the frame.
pub type Redaction<'a> = (&'a [Region], Option<&'a Mosaic>);

/// A frame in which a plan was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Redacted {
    frame: Frame,
    /// Nothing: no pixel is hidden.
    hidden: Option<Bitmap>,
}

/// Carries out a plan on one frame (`index` is 0-based): the only way to a [`Redacted`].
///
/// `None` hides nothing: a grant in clear. Regions of kinds that are [`filled`](model::RegionKind::filled) get black as
/// the display shows it; others get the cells of the mosaic layer, or black without a layer that fits the frame. Black
/// wins where both overlap. A frame whose samples are not as many as it says is black as a whole.
pub fn redact(mut frame: Frame, image: &ImageInfo, index: u32, plan: Option<Redaction<'_>>) -> Redacted {
    let Some((regions, layer)) = plan else { return Redacted { frame, hidden: None } };
    let hidden = if frame.len() == frame.expected_len() {
        Bitmap::of(frame.rows, frame.columns, index, regions)
    } else {
        Bitmap::everything(frame.rows, frame.columns)
    };
    let black = paint::Black::of(&frame, image);
    let layer = layer.filter(|layer| mosaic::fits(layer, &frame));
    paint::paint(&mut frame, &hidden, black, layer);
    let hidden = hidden.any().then_some(hidden);
    Redacted { frame, hidden }
}

impl Redacted {
    /// The frame.
    #[must_use]
    pub const fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The frame, to be sent.
    #[must_use]
    pub fn into_frame(self) -> Frame {
        self.frame
    }

    /// Whether any pixel is hidden.
    #[must_use]
    pub const fn masked(&self) -> bool {
        self.hidden.is_some()
    }

    /// Whether the pixel at `row`, `column` is hidden; outside the frame: no.
    #[must_use]
    pub fn hides(&self, row: u32, column: u32) -> bool {
        self.hidden.as_ref().is_some_and(|hidden| hidden.at(row, column) != OPEN)
    }

    pub(crate) const fn hidden(&self) -> Option<&Bitmap> {
        self.hidden.as_ref()
    }
}

#[cfg(test)]
mod tests;
