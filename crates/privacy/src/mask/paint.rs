//! Writing over hidden pixels.

use super::bitmap::{Bitmap, CELL, OPEN};
use model::{Frame, ImageInfo, Mosaic, Photometric, Samples};

/// Black as a display shows it, one value a sample, as the frame stores it. Depends on the header only.
#[derive(Debug, Clone, Copy)]
pub struct Black(pub [u32; 3]);

impl Black {
    pub fn of(frame: &Frame, image: &ImageInfo) -> Self {
        let half = 1u32 << (frame.bits_stored.clamp(1, 32) - 1);
        let highest = if frame.signed { half - 1 } else { (half - 1) + half };
        // Two's complement over the whole word.
        let lowest = if frame.signed { half.wrapping_neg() } else { 0 };
        let white_is_low = frame.photometric == Photometric::Monochrome1 || image.inverse;
        match frame.photometric {
            Photometric::Monochrome1 | Photometric::Monochrome2 if white_is_low => Self([highest; 3]),
            Photometric::Monochrome1 | Photometric::Monochrome2 => Self([lowest; 3]),
            Photometric::PaletteColor => Self([darkest(image); 3]),
            Photometric::Rgb => Self([0; 3]),
            _ => Self([0, half, half]),
        }
    }
}

/// The stored value whose palette entry is darkest.
fn darkest(image: &ImageInfo) -> u32 {
    let Some(palette) = &image.palette else { return 0 };
    let [red, green, blue] = &palette.tables;
    let sums =
        red.iter().zip(green).zip(blue).map(|((r, g), b)| u32::from(*r) + u32::from(*g) + u32::from(*b));
    let index = sums.enumerate().min_by_key(|(_, sum)| *sum).map_or(0, |(index, _)| index as i32);
    palette.first.saturating_add(index).cast_unsigned()
}

/// Writes black, or the layer's cells, over what is hidden.
pub fn paint(frame: &mut Frame, hidden: &Bitmap, black: Black, layer: Option<&Mosaic>) {
    let (columns, samples) = (frame.columns as usize, usize::from(frame.samples));
    let Black(black) = black;
    match &mut frame.data {
        Samples::U8(data) => over(data, columns, samples, hidden, black, layer, |v| v.to_le_bytes()[0]),
        Samples::U16(data) => over(data, columns, samples, hidden, black, layer, |v| {
            let [a, b, _, _] = v.to_le_bytes();
            u16::from_le_bytes([a, b])
        }),
        Samples::U32(data) => over(data, columns, samples, hidden, black, layer, |v| v),
    }
}

fn over<T: Copy>(
    data: &mut [T],
    columns: usize,
    samples: usize,
    hidden: &Bitmap,
    black: [u32; 3],
    layer: Option<&Mosaic>,
    narrow: impl Fn(u32) -> T + Copy,
) {
    let black = black.map(narrow);
    // A frame with too few samples is black as a whole; what does not fill a row or pixel must not stay behind.
    if data.len() != hidden.rows().len() * columns * samples {
        data.fill(black[0]);
        return;
    }
    let size = layer.map_or(columns, |layer| layer.cell as usize).max(1);
    for (y, (row, states)) in data.chunks_exact_mut(columns * samples).zip(hidden.rows()).enumerate() {
        let cells = layer.and_then(|layer| {
            let across = layer.across as usize * samples;
            layer.values.get((y / size) * across..(y / size + 1) * across)
        });
        if states.iter().all(|state| *state == OPEN) {
            continue;
        }
        let runs = row.chunks_mut(size * samples).zip(states.chunks(size));
        for (i, (pixels, states)) in runs.enumerate() {
            // Most cells are open or hidden as a whole.
            if states.iter().all(|state| *state == OPEN) {
                continue;
            }
            let cell = cells.and_then(|cells| cells.get(i * samples..(i + 1) * samples));
            if let (Some([cell]), true) = (cell, states.iter().all(|state| *state == CELL)) {
                pixels.fill(narrow(*cell));
                continue;
            }
            for (pixel, state) in pixels.chunks_exact_mut(samples).zip(states) {
                match (*state, cell) {
                    (OPEN, _) => {}
                    (CELL, Some(cell)) => {
                        pixel.iter_mut().zip(cell).for_each(|(to, from)| *to = narrow(*from))
                    }
                    _ => pixel.iter_mut().zip(black).for_each(|(to, from)| *to = from),
                }
            }
        }
    }
}
