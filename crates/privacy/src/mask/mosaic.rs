//! The mosaic layer: a coarse, noisy picture of the whole frame.
//!
//! Attack: mosaics are read by matching candidates (Hill et al., PoPETs 2016(4):403; McPherson et al., arXiv
//! 1609.00408) or by intersecting renditions with different grids. So cells are too coarse to be read, the grid is the
//! image's and not the mask's, the same in every rendition, values are few, and keyed noise is fixed per instance.

use aws_lc_rs::hmac;
use model::{Frame, Mosaic, Photometric, Samples};

/// A cell is at least this part of the short side.
const PARTS: u32 = 24;
/// A cell is at least so many pixels.
const PIXELS: u32 = 24;
/// A cell is at least so many millimetres, when the spacing is known.
const MILLIMETRES: f64 = 12.0;
/// Most values of one sample.
const LEVELS: i64 = 16;
/// Laplace noise for a neighbourhood of this many pixels at an epsilon of 1 (DP-Pix, Fan 2018).
const NEIGHBOURHOOD: f64 = 16.0;
/// Frames with fewer bits (and indices into palettes) have no means to speak of: they get no layer, and are filled.
const BITS: u8 = 4;

/// The layer of one frame. `spacing` is millimetres per pixel, down and across; `noise_key` belongs to the instance.
///
/// A cell is the mean of all its pixels, whatever any mask says, with noise, on at most 16 levels. Without cells (a
/// palette, few bits): no layer, and what is masked gets black.
#[must_use]
pub fn mosaic(frame: &Frame, spacing: Option<(f64, f64)>, noise_key: &[u8; 32]) -> Mosaic {
    let samples = usize::from(frame.samples);
    let none = Mosaic { cell: 0, across: 0, down: 0, samples: frame.samples, values: Vec::new() };
    let meaning = frame.photometric != Photometric::PaletteColor && frame.bits_stored >= BITS;
    if !meaning || frame.is_empty() || frame.len() != frame.expected_len() {
        return none;
    }
    let cell = cell(frame.rows, frame.columns, spacing);
    let (across, down) = (frame.columns.div_ceil(cell), frame.rows.div_ceil(cell));
    let means = means(frame, cell as usize, across as usize);
    let key = hmac::Key::new(hmac::HMAC_SHA256, noise_key);
    let mut values = vec![0; means.len()];
    for sample in 0..samples {
        let own: Vec<i64> = means.iter().skip(sample).step_by(samples).copied().collect();
        let scale = Scale::of(&own, frame);
        let places = values.iter_mut().skip(sample).step_by(samples);
        for (i, (value, mean)) in places.zip(own).enumerate() {
            let noise = laplace(&key, i as u64, sample as u8) * scale.noise(cell);
            *value = scale.level(mean, noise);
        }
    }
    Mosaic { cell, across, down, samples: frame.samples, values }
}

/// Whether a layer has the cells that this frame needs; a layer without cells fits nothing.
pub fn fits(layer: &Mosaic, frame: &Frame) -> bool {
    let cell = layer.cell;
    cell > 0
        && layer.samples == frame.samples
        && (layer.down, layer.across) == (frame.rows.div_ceil(cell), frame.columns.div_ceil(cell))
        && layer.values.len() as u64
            == u64::from(layer.down) * u64::from(layer.across) * u64::from(layer.samples)
}

fn cell(rows: u32, columns: u32, spacing: Option<(f64, f64)>) -> u32 {
    let by_size = rows.min(columns).div_ceil(PARTS).max(PIXELS);
    let finer = spacing.map(|(down, across)| down.min(across)).filter(|s| s.is_finite() && *s > 0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let by_length = finer.map_or(0, |spacing| (MILLIMETRES / spacing).ceil() as u32);
    // One cell over the whole frame is as coarse as can be.
    by_size.max(by_length.min(rows.max(columns)))
}

/// Means of whole cells, `samples` values each, row by row.
fn means(frame: &Frame, cell: usize, across: usize) -> Vec<i64> {
    match &frame.data {
        Samples::U8(data) if frame.signed => sums(frame, data, cell, across, |v| v.cast_signed().into()),
        Samples::U8(data) => sums(frame, data, cell, across, i64::from),
        Samples::U16(data) if frame.signed => sums(frame, data, cell, across, |v| v.cast_signed().into()),
        Samples::U16(data) => sums(frame, data, cell, across, i64::from),
        Samples::U32(data) if frame.signed => sums(frame, data, cell, across, |v| v.cast_signed().into()),
        Samples::U32(data) => sums(frame, data, cell, across, i64::from),
    }
}

fn sums<T: Copy>(
    frame: &Frame,
    data: &[T],
    cell: usize,
    across: usize,
    value: impl Fn(T) -> i64,
) -> Vec<i64> {
    let (columns, samples) = (frame.columns as usize, usize::from(frame.samples));
    let mut means = Vec::new();
    for band in data.chunks(cell * columns * samples) {
        let mut sums = vec![0i64; across * samples];
        for row in band.chunks_exact(columns * samples) {
            for (run, sums) in row.chunks(cell * samples).zip(sums.chunks_exact_mut(samples)) {
                if let [sum] = sums {
                    *sum += run.iter().map(|v| value(*v)).sum::<i64>();
                } else {
                    let pixels = run.chunks_exact(samples);
                    pixels.for_each(|p| sums.iter_mut().zip(p).for_each(|(sum, v)| *sum += value(*v)));
                }
            }
        }
        let rows = band.len() / (columns * samples);
        means.extend(sums.iter().enumerate().map(|(i, sum)| {
            let width = cell.min(columns - (i / samples) * cell);
            sum.div_euclid((rows * width) as i64)
        }));
    }
    means
}

/// The levels of one sample, on a grid of powers of two, so that the extremes of the frame do not show.
struct Scale {
    base: i64,
    step: i64,
    lowest: i64,
    highest: i64,
}

impl Scale {
    fn of(means: &[i64], frame: &Frame) -> Self {
        let low = means.iter().copied().min().unwrap_or(0);
        let high = means.iter().copied().max().unwrap_or(0);
        // One level less than there are: rounding the base down may need one more.
        let step = (high - low).div_ceil_positive(LEVELS - 1).next_power_of_two_i64();
        let half = 1i64 << (frame.bits_stored - 1);
        let (lowest, highest) = if frame.signed { (-half, half - 1) } else { (0, half * 2 - 1) };
        Self { base: low.div_euclid(step) * step, step, lowest, highest }
    }

    fn noise(&self, cell: u32) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a scale, not a value")]
        let range = (self.step * LEVELS) as f64;
        let cell = f64::from(cell);
        // At least enough that a cell near an edge between levels may fall to either.
        (range * NEIGHBOURHOOD / (cell * cell)).max(range / 64.0)
    }

    /// The middle of the level, as the frame stores it.
    fn level(&self, mean: i64, noise: f64) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let noisy = mean.saturating_add(noise.round() as i64);
        let level = ((noisy - self.base).div_euclid(self.step)).clamp(0, LEVELS - 1);
        let value = (self.base + level * self.step + self.step / 2).clamp(self.lowest, self.highest);
        let [a, b, c, d, ..] = value.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

trait Round {
    fn div_ceil_positive(self, by: Self) -> Self;
    fn next_power_of_two_i64(self) -> Self;
}

impl Round for i64 {
    fn div_ceil_positive(self, by: Self) -> Self {
        (self + by - 1).div_euclid(by)
    }

    fn next_power_of_two_i64(self) -> Self {
        // At most 2^33: means of 32-bit samples.
        self.max(1).cast_unsigned().next_power_of_two().cast_signed()
    }
}

/// A draw of the Laplace distribution of scale 1 that belongs to this cell for ever.
fn laplace(key: &hmac::Key, cell: u64, sample: u8) -> f64 {
    let mut message = [0; 15];
    let fields = b"mosaic".iter().copied().chain(cell.to_be_bytes()).chain([sample]);
    message.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    let tag = hmac::sign(key, &message);
    let bits = tag.as_ref().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits, exact in f64")]
    let centred = (bits as f64 + 0.5) / (1u64 << 53) as f64 - 0.5;
    -centred.signum() * (1.0 - 2.0 * centred.abs()).ln()
}
