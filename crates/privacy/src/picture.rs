//! A redacted frame as an 8-bit picture: values, window, colour, part, size, label, words.

mod glyphs;
mod label;
mod scale;
mod tone;
mod words;

pub use words::annotate;

use crate::Redacted;
use model::view::Part;
use model::{ImageInfo, Tone, View};

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

/// Makes the picture (PS3.3 C.7.6.3, C.11.1, C.11.2; PS3.18 §8.3.5.1): rescale, window, inversion, palette and YBR to RGB,
/// the part that was asked for, then smaller by area average or larger by interpolation until it fits; a part that lies
/// outside the frame shows the whole of it.
///
/// The window is the one given, else the header's window or table (`tone`), else the range of the pixels that are not hidden (all hidden: of the
/// cells): only what the redacted frame holds has a say. With `label`, hidden areas get an outline and a word, drawn
/// on hidden pixels only.
#[must_use]
pub fn picture(redacted: &Redacted, image: &ImageInfo, tone: &Tone, view: &View, label: bool) -> Shown {
    let frame = redacted.frame();
    let (samples, full) = tone::to_bytes(redacted, image, tone, view.window);
    let part = view.part(frame.rows, frame.columns).unwrap_or(Part::whole(frame.rows, frame.columns));
    let size = view.size(frame.rows, frame.columns).unwrap_or((frame.rows, frame.columns));
    let grid = scale::Grid { frame: (frame.rows, frame.columns), part, to: size };
    let mut data = grid.scaled(full, usize::from(samples));
    if let Some(hidden) = redacted.hidden().filter(|_| label) {
        label::draw(&mut data, usize::from(samples), size.1 as usize, &grid.inside(hidden));
    }
    Shown { rows: size.0, columns: size.1, samples, data }
}

#[cfg(test)]
mod tests;
