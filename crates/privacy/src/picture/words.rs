//! Words in the upper left corner of a picture (PS3.18 §8.3.5.1.1): light on a dark plate, so that they are read on any film.

use super::Shown;
use super::glyphs::{GLYPHS, HEIGHT, WIDTH};

/// Lines that are drawn.
const LINES: usize = 8;
/// Room around the words.
const MARGIN: usize = 4;
const INK: u8 = 235;
/// What is under the plate stays to a quarter.
const SHADE: u8 = 4;

/// Draws lines; what does not fit is left out, and what is not printable ASCII becomes a question mark.
pub fn annotate(shown: &mut Shown, words: &[String]) {
    let (rows, columns, samples) = (shown.rows as usize, shown.columns as usize, usize::from(shown.samples));
    // About the same size on the screen whatever the picture's.
    let size = (columns.max(rows) / 1000 + 1).min(8);
    let room = (columns / size).saturating_sub(2 * MARGIN) / WIDTH;
    let lines: Vec<Vec<u8>> =
        words.iter().take(LINES).map(|line| line.chars().take(room).map(printable).collect()).collect();
    let longest = lines.iter().map(Vec::len).max().unwrap_or(0);
    let fitting = lines.len().min((rows / size).saturating_sub(2 * MARGIN) / HEIGHT);
    if longest == 0 || fitting == 0 || samples == 0 {
        return;
    }
    let plate = ((longest * WIDTH + 2 * MARGIN) * size, (fitting * HEIGHT + 2 * MARGIN) * size);
    for (y, row) in shown.data.chunks_exact_mut((columns * samples).max(1)).take(plate.1).enumerate() {
        for (x, pixel) in row.chunks_exact_mut(samples).take(plate.0).enumerate() {
            let (x, y) = ((x / size).checked_sub(MARGIN), (y / size).checked_sub(MARGIN));
            let ink = x.zip(y).is_some_and(|(x, y)| inked(&lines, x, y));
            pixel.iter_mut().for_each(|v| *v = if ink { INK } else { *v / SHADE });
        }
    }
}

fn inked(lines: &[Vec<u8>], x: usize, y: usize) -> bool {
    let Some(letter) = lines.get(y / HEIGHT).and_then(|line| line.get(x / WIDTH)) else { return false };
    let glyph = GLYPHS.get(usize::from(*letter)).copied().unwrap_or(0);
    let bit = (HEIGHT - 1 - y % HEIGHT) * WIDTH + (WIDTH - 1 - x % WIDTH);
    glyph >> bit & 1 == 1
}

/// Place in the table of glyphs.
fn printable(letter: char) -> u8 {
    let at = u32::from(letter).checked_sub(0x20).filter(|at| (*at as usize) < GLYPHS.len());
    at.and_then(|at| u8::try_from(at).ok()).unwrap_or(b'?' - 0x20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_drawn_in_the_corner_only() {
        let plain = Shown { rows: 60, columns: 80, samples: 1, data: vec![200; 60 * 80] };
        let mut shown = plain.clone();
        annotate(&mut shown, &["G".to_owned()]);
        // The letter as it was drawn: row 4 of it is `..####..`.
        let row = &shown.data[(4 + MARGIN) * 80 + MARGIN..][..8];
        assert_eq!(row, [50, 50, INK, INK, INK, INK, 50, 50]);
        assert_eq!(shown.data[16], 200, "right of the plate");
        assert!(shown.data[24 * 80..].iter().all(|v| *v == 200), "below it");
        let mut none = plain.clone();
        annotate(&mut none, &[]);
        annotate(&mut none, &[String::new()]);
        assert_eq!(none, plain);
        let mut tiny = Shown { rows: 5, columns: 5, samples: 3, data: vec![9; 75] };
        annotate(&mut tiny, &["GAUZE".to_owned()]);
        assert_eq!(tiny.data, vec![9; 75]);
        assert_eq!(printable('安'), b'?' - 0x20);
    }
}
