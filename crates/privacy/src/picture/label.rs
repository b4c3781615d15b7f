//! The outline of what is hidden, and a word, both inside it.

/// Rows of the words.
const HEIGHT: usize = 16;
/// `masked`, 58 columns, the first in the highest of them. Drawn from Noto Sans Mono (OFL 1.1).
const ENGLISH: Word = Word {
    width: 58,
    rows: [
        0x0,
        0x0,
        0x400_0018,
        0x400_0018,
        0x400_0018,
        0x7f_1f07_8461_e1f8,
        0x4d_0108_04c2_3318,
        0x49_0188_0586_1318,
        0x49_1f86_0507_f218,
        0x49_3183_8784_0218,
        0x49_2180_84c6_0218,
        0x49_3380_8442_0318,
        0x49_1f8f_0421_e1e8,
        0x0,
        0x0,
        0x0,
    ],
};
/// 已遮挡, 52 columns. Drawn from Noto Sans CJK SC (OFL 1.1).
const CHINESE: Word = Word {
    width: 52,
    rows: [
        0x3_0100_2020,
        0x7_ff81_9ff8_2224,
        0x80_9220_2324,
        0x80_1220_f92c,
        0x6_0080_1ff8_2128,
        0x6_0080_1220_2020,
        0x6_0183_9220_23fe,
        0x7_ff80_9220_3806,
        0x6_0080_b3e0_7806,
        0x6_0000_a000_e006,
        0x6_0000_a550_23fe,
        0x6_0020_e958_2006,
        0x6_0021_c948_2006,
        0x2_0063_6000_27fe,
        0x3_ffc2_3ff8_2006,
        0xe000,
    ],
};
/// Words on one picture.
const WORDS: usize = 6;
/// Room around a word.
const MARGIN: usize = 3;

/// Pixels of a row that are looked at together for an edge.
const EDGES: usize = 64;

struct Word {
    width: usize,
    rows: [u64; HEIGHT],
}

/// Draws on the pixels that are `inside` only.
pub fn draw(data: &mut [u8], samples: usize, columns: usize, inside: &[bool]) {
    if columns == 0 || samples == 0 {
        return;
    }
    let canvas = Canvas { columns, rows: inside.len() / columns, inside };
    canvas.outline(data, samples);
    // About the same size on the screen whatever the picture's.
    let size = (columns.max(canvas.rows) / 900).clamp(1, 8);
    let (width, height) = ((ENGLISH.width + 2 * MARGIN) * size, (2 * HEIGHT + 3 * MARGIN) * size);
    let both = canvas.places(width, height);
    if both.is_empty() {
        let (width, height) = (ENGLISH.width + 2 * MARGIN, HEIGHT + 2 * MARGIN);
        for place in canvas.places(width, height) {
            canvas.plate(data, samples, place, (width, height));
            canvas.word(data, samples, &ENGLISH, (place.0 + MARGIN, place.1 + MARGIN), 1);
        }
        return;
    }
    for (x, y) in both {
        canvas.plate(data, samples, (x, y), (width, height));
        let (left, top) = (x + MARGIN * size, y + MARGIN * size);
        canvas.word(data, samples, &CHINESE, (left + (ENGLISH.width - CHINESE.width) / 2 * size, top), size);
        canvas.word(data, samples, &ENGLISH, (left, top + (HEIGHT + MARGIN) * size), size);
    }
}

struct Canvas<'a> {
    columns: usize,
    rows: usize,
    inside: &'a [bool],
}

impl Canvas<'_> {
    fn is_inside(&self, x: usize, y: usize) -> bool {
        x < self.columns && self.inside.get(y * self.columns + x).copied().unwrap_or(false)
    }

    /// The one place that writes: never outside the mask.
    fn set(&self, data: &mut [u8], samples: usize, (x, y): (usize, usize), grey: u8) {
        if self.is_inside(x, y) {
            let at = (y * self.columns + x) * samples;
            if let Some(pixel) = data.get_mut(at..at + samples) {
                pixel.fill(grey);
            }
        }
    }

    /// Dashes of black and white along the edge: seen on any ground.
    fn outline(&self, data: &mut [u8], samples: usize) {
        let nothing = vec![false; self.columns];
        let row = |y: Option<usize>| y.and_then(|y| self.row(y)).unwrap_or(&nothing);
        let mut edge = vec![false; self.columns];
        for y in 0..self.rows {
            let (this, above, below) = (row(Some(y)), row(y.checked_sub(1)), row(y.checked_add(1)));
            // Rows as a whole, branch-free: most pixels are no edge.
            for (((edge, own), above), below) in edge.iter_mut().zip(this).zip(above).zip(below) {
                *edge = *own & !(*above & *below);
            }
            let beside = this.iter().skip(2).zip(this);
            for ((edge, own), (right, left)) in edge.iter_mut().zip(this).skip(1).zip(beside) {
                *edge |= *own & !(*left & *right);
            }
            for x in [0, self.columns - 1] {
                if let (Some(edge), Some(own)) = (edge.get_mut(x), this.get(x)) {
                    *edge = *own;
                }
            }
            for (at, some) in edge.chunks(EDGES).enumerate() {
                if !some.contains(&true) {
                    continue;
                }
                for (x, _) in some.iter().enumerate().filter(|(_, edge)| **edge) {
                    let x = at * EDGES + x;
                    self.set(data, samples, (x, y), if ((x + y) / 6).is_multiple_of(2) { 255 } else { 0 });
                }
            }
        }
    }

    fn row(&self, y: usize) -> Option<&[bool]> {
        self.inside.get(y * self.columns..(y + 1) * self.columns)
    }

    fn plate(
        &self,
        data: &mut [u8],
        samples: usize,
        (x, y): (usize, usize),
        (width, height): (usize, usize),
    ) {
        for row in y..y + height {
            for column in x..x + width {
                self.set(data, samples, (column, row), 0);
            }
        }
    }

    fn word(&self, data: &mut [u8], samples: usize, word: &Word, (x, y): (usize, usize), size: usize) {
        for (row, bits) in word.rows.iter().enumerate() {
            for column in (0..word.width).filter(|c| bits >> (word.width - 1 - c) & 1 == 1) {
                for dot in 0..size * size {
                    let at = (x + column * size + dot % size, y + row * size + dot / size);
                    self.set(data, samples, at, 255);
                }
            }
        }
    }

    /// Places where a plate lies wholly inside, apart from each other.
    fn places(&self, width: usize, height: usize) -> Vec<(usize, usize)> {
        let apart = self.columns.max(self.rows) / 3;
        let (step_x, step_y) = ((width / 4).max(1), (height / 4).max(1));
        let mut places: Vec<(usize, usize)> = Vec::new();
        let fits = |x: usize, y: usize| {
            let row = |r: usize| self.inside.get(r * self.columns + x..r * self.columns + x + width);
            (y..y + height).all(|r| row(r).is_some_and(|cells| cells.iter().all(|inside| *inside)))
        };
        for y in (1..(self.rows + 1).saturating_sub(height)).step_by(step_y) {
            for x in (1..(self.columns + 1).saturating_sub(width)).step_by(step_x) {
                let near = |(a, b): &(usize, usize)| a.abs_diff(x).max(b.abs_diff(y)) < apart;
                if places.len() < WORDS && !places.iter().any(near) && fits(x, y) {
                    places.push((x, y));
                }
            }
        }
        places
    }
}
