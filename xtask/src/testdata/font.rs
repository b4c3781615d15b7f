//! Words burned into pixels, as an old digitiser would: 8×8 glyphs, doubled.

use font8x8::legacy::BASIC_LEGACY;

/// Pixels of one dot.
const SCALE: usize = 2;

/// Draws lines into an 8-bit picture, from its upper left corner, white on what is there.
pub fn burn(picture: &mut [u8], columns: usize, lines: &[String]) {
    for (row, line) in lines.iter().enumerate() {
        for (at, c) in line.chars().enumerate() {
            let glyph = BASIC_LEGACY.get(c as usize).copied().unwrap_or([0xFF; 8]);
            draw(picture, columns, &glyph, (6 + at * 8 * SCALE, 6 + row * 10 * SCALE));
        }
    }
}

fn draw(picture: &mut [u8], columns: usize, glyph: &[u8; 8], (left, top): (usize, usize)) {
    for y in 0..8 * SCALE {
        for x in 0..8 * SCALE {
            let on = glyph.get(y / SCALE).is_some_and(|bits| bits >> (x / SCALE) & 1 == 1);
            let column = left + x;
            if on
                && column < columns
                && let Some(pixel) = picture.get_mut((top + y) * columns + column)
            {
                *pixel = 255;
            }
        }
    }
}
