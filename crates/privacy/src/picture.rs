//! A redacted frame as an 8-bit picture: values, window, colour, size, label.

mod label;
mod scale;
mod tone;

use crate::Redacted;
use model::{ImageInfo, Tone};

/// An 8-bit picture, grey (1 sample) or RGB (3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Height.
    pub rows: u32,
    /// Width.
    pub columns: u32,
    /// Samples per pixel: 1 or 3.
    pub samples: u8,
    /// Row by row, interleaved.
    pub data: Vec<u8>,
}

/// Makes the picture (PS3.3 C.7.6.3, C.11.1, C.11.2): rescale, window, inversion, palette and YBR to RGB, then smaller by
/// area average until its longer side is at most `side` (at least 1; never larger than the frame).
///
/// The window is the one given, else the header's window or table (`tone`), else the range of the pixels that are not hidden (all hidden: of the
/// cells): only what the redacted frame holds has a say. With `label`, hidden areas get an outline and a word, drawn
/// on hidden pixels only.
#[must_use]
pub fn picture(
    redacted: &Redacted,
    image: &ImageInfo,
    tone: &Tone,
    window: Option<(f64, f64)>,
    side: u32,
    label: bool,
) -> Shown {
    let frame = redacted.frame();
    let (samples, full) = tone::to_bytes(redacted, image, tone, window);
    let (rows, columns) = scale::size(frame.rows, frame.columns, side.max(1));
    let grid = scale::Grid { from: (frame.rows, frame.columns), to: (rows, columns) };
    let mut data = grid.average(full, usize::from(samples));
    if let Some(hidden) = redacted.hidden().filter(|_| label) {
        label::draw(&mut data, usize::from(samples), columns as usize, &grid.inside(hidden));
    }
    Shown { rows, columns, samples, data }
}

#[cfg(test)]
mod tests;
