//! How much a line looks like writing: a weighted sum, fitted once by logistic regression (docs/recognition.md).

use super::lines::Line;

/// What is measured of a line, and its weight.
const WEIGHTS: [f32; 16] = [
    0.555, -0.873, -2.196, 7.991, -4.318, 4.326, 1.157, -1.786, 2.879, -3.468, 1.033, 0.945, -1.057, -0.035,
    2.011, -0.929,
];
const BIAS: f32 = -11.698;

/// 0..=1.
#[expect(clippy::cast_precision_loss, reason = "pixel counts of a frame, below 2^24")]
pub fn score(line: &Line, dark: bool, strict: bool) -> f32 {
    let w = &line.whole;
    let (wide, high, area) = (w.width() as f32, w.height() as f32, w.area.max(1) as f32);
    let crossed = w.runs as f32 / wide;
    let fill = area / (wide * high);
    let strength = w.strength as f32 / area / 100.0;
    let value = w.value as f32 / area / 255.0;
    let aspect = wide / high;
    let glyphs = line.glyphs as f32;
    let flag = |on: bool| f32::from(u8::from(on));
    let features = [
        aspect.ln(),
        crossed.min(1.6),
        (crossed - 1.05).abs(),
        fill,
        (fill - 0.42).abs(),
        strength,
        flag(w.peak >= 250),
        value,
        glyphs.ln(),
        line.uneven.min(0.5),
        high.ln(),
        flag(dark),
        flag(strict),
        (glyphs * high / wide).min(2.0),
        line.tall as f32 / high,
        aspect.min(12.0).ln() * strength,
    ];
    let sum: f32 = features.iter().zip(&WEIGHTS).map(|(feature, weight)| feature * weight).sum();
    1.0 / (1.0 + (-(sum + BIAS)).exp())
}
