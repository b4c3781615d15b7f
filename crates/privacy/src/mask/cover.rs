//! The same mask for streams whose blocks are painted over as they are coded, without decoding: whole blocks, so that it
//! grows to their edges.

use super::bitmap::{Bitmap, CELL, FILL};
use super::paint::Black;
use super::{Redaction, mosaic};
use model::{Frame, ImageInfo, Mosaic, Samples};

/// What a plan hides on one frame, by rectangles of it.
#[derive(Debug)]
#[must_use]
pub struct Cover<'a> {
    hidden: Bitmap,
    black: [u32; 3],
    layer: Option<&'a Mosaic>,
}

/// The cover of a plan on one frame (`index` is 0-based). `image` describes the samples as the decoder gives them; the
/// plan is that of [`super::redact`].
pub fn cover<'a>(image: &ImageInfo, index: u32, (regions, layer): Redaction<'a>) -> Cover<'a> {
    // Sizes and kinds without samples: what the layer must fit, and what black is.
    let shape = Frame {
        rows: image.rows,
        columns: image.columns,
        samples: image.samples,
        bits_stored: image.bits_stored,
        signed: image.signed,
        photometric: image.photometric,
        data: Samples::U8(Vec::new()),
    };
    let Black(black) = Black::of(&shape, image);
    let hidden = Bitmap::of(image.rows, image.columns, index, regions);
    Cover { hidden, black, layer: layer.filter(|layer| mosaic::fits(layer, &shape)) }
}

impl Cover<'_> {
    /// What covers a rectangle (left, top inclusive; right, bottom exclusive), a stored value for each sample: black when
    /// any of its pixels is filled, else the cell of its first corner when any is hidden, else nothing.
    #[must_use]
    pub fn over(&self, [left, top, right, bottom]: [u32; 4]) -> Option<[u32; 3]> {
        let most = self.hidden.most_in([left, top, right, bottom]);
        match (most, self.layer) {
            (CELL, Some(layer)) => Some(cell(layer, left, top).unwrap_or(self.black)),
            (CELL | FILL, _) => Some(self.black),
            _ => None,
        }
    }
}

fn cell(layer: &Mosaic, left: u32, top: u32) -> Option<[u32; 3]> {
    let place = u64::from(top / layer.cell) * u64::from(layer.across) + u64::from(left / layer.cell);
    let from = usize::try_from(place).ok()? * usize::from(layer.samples);
    let values = layer.values.get(from..from + usize::from(layer.samples))?;
    let mut out = [0; 3];
    out.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
    Some(out)
}
