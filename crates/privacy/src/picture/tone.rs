//! Stored values to bytes.

use crate::Redacted;
use crate::mask::FILL;
use model::view::WindowFunction;
use model::{Frame, ImageInfo, Photometric, Samples, Window};

/// The whole frame as bytes: samples per pixel, and the data.
pub fn to_bytes(redacted: &Redacted, image: &ImageInfo, window: Option<Window>) -> (u8, Vec<u8>) {
    let frame = redacted.frame();
    match (frame.photometric, &image.palette) {
        (Photometric::PaletteColor, Some(palette)) => (3, palette_colours(frame, palette)),
        (Photometric::Rgb, _) => (3, top_bytes(frame)),
        (photometric, _) if frame.samples == 3 => {
            let bytes = top_bytes(frame);
            let ybr = photometric != Photometric::Rgb;
            (3, if ybr { ybr_to_rgb(&bytes) } else { bytes })
        }
        _ => (1, grey(redacted, image, window)),
    }
}

/// A stored value as a number.
fn value(frame: &Frame, i: usize) -> i64 {
    match &frame.data {
        Samples::U8(data) => {
            let v = data.get(i).copied().unwrap_or(0);
            if frame.signed { v.cast_signed().into() } else { v.into() }
        }
        Samples::U16(data) => {
            let v = data.get(i).copied().unwrap_or(0);
            if frame.signed { v.cast_signed().into() } else { v.into() }
        }
        Samples::U32(data) => {
            let v = data.get(i).copied().unwrap_or(0);
            if frame.signed { v.cast_signed().into() } else { v.into() }
        }
    }
}

fn grey(redacted: &Redacted, image: &ImageInfo, window: Option<Window>) -> Vec<u8> {
    let frame = redacted.frame();
    let rescale = Rescale::of(image);
    let sane = |w: &Window| w.centre.is_finite() && w.width.is_finite() && w.width > 0.0;
    let own = image.window.map(|(centre, width)| Window { centre, width, function: WindowFunction::Linear });
    let ramp = match window.filter(sane).or_else(|| own.filter(sane)) {
        Some(window) => Ramp::window(window),
        None => Ramp::range(redacted, &rescale),
    };
    // PS3.3 C.8.11.3.1.2: INVERSE goes with MONOCHROME1 and says the same, so that both together invert once.
    let inverted = frame.photometric == Photometric::Monochrome1 || image.inverse;
    let tone = |v: i64| {
        let byte = ramp.byte(rescale.apply(v));
        if inverted { 255 - byte } else { byte }
    };
    match &frame.data {
        Samples::U8(data) => {
            let table: Vec<u8> = (0..=u8::MAX)
                .map(|v| tone(if frame.signed { v.cast_signed().into() } else { v.into() }))
                .collect();
            data.iter().map(|v| table.get(usize::from(*v)).copied().unwrap_or(0)).collect()
        }
        Samples::U16(data) => {
            let table: Vec<u8> = (0..=u16::MAX)
                .map(|v| tone(if frame.signed { v.cast_signed().into() } else { v.into() }))
                .collect();
            data.iter().map(|v| table.get(usize::from(*v)).copied().unwrap_or(0)).collect()
        }
        Samples::U32(data) => (0..data.len()).map(|i| tone(value(frame, i))).collect(),
    }
}

/// PS3.3 C.11.1.1.2.
struct Rescale {
    slope: f64,
    intercept: f64,
}

impl Rescale {
    fn of(image: &ImageInfo) -> Self {
        let slope = Some(image.rescale_slope).filter(|s| s.is_finite() && *s != 0.0).unwrap_or(1.0);
        let intercept = Some(image.rescale_intercept).filter(|i| i.is_finite()).unwrap_or(0.0);
        Self { slope, intercept }
    }

    #[expect(clippy::cast_precision_loss, reason = "at most 32 bits, exact in f64")]
    fn apply(&self, value: i64) -> f64 {
        value as f64 * self.slope + self.intercept
    }
}

/// From value to grey.
enum Ramp {
    /// A straight line from black to white, flat outside.
    Line { from: f64, to: f64 },
    /// PS3.3 C.11.2.1.3.1.
    Sigmoid { centre: f64, width: f64 },
}

impl Ramp {
    /// The linear window of PS3.3 C.11.2.1.2.1; widths below 1 as `LINEAR_EXACT` (C.11.2.1.3.2).
    fn window(window: Window) -> Self {
        let Window { centre, width, function } = window;
        match function {
            WindowFunction::Sigmoid => Self::Sigmoid { centre, width },
            WindowFunction::Linear if width >= 1.0 => {
                let (centre, half) = (centre - 0.5, (width - 1.0) / 2.0);
                Self::Line { from: centre - half, to: centre + half }
            }
            WindowFunction::Linear | WindowFunction::LinearExact => {
                Self::Line { from: centre - width / 2.0, to: centre + width / 2.0 }
            }
        }
    }

    /// The least and the greatest value that is not hidden; of the cells when all is hidden.
    fn range(redacted: &Redacted, rescale: &Rescale) -> Self {
        let frame = redacted.frame();
        let states = redacted.hidden();
        let over = |most: u8| {
            let start = (i64::MAX, i64::MIN);
            let widen = |(low, high): (i64, i64), v: i64| (low.min(v), high.max(v));
            match states {
                None => (0..frame.len()).map(|i| value(frame, i)).fold(start, widen),
                Some(hidden) => {
                    let seen = hidden.rows().flatten().enumerate().filter(|(_, state)| **state <= most);
                    seen.map(|(i, _)| value(frame, i)).fold(start, widen)
                }
            }
        };
        let (low, high) = Some(over(0)).filter(|(low, high)| low <= high).unwrap_or_else(|| over(FILL - 1));
        if low > high {
            return Self::Line { from: 0.0, to: 1.0 };
        }
        let (a, b) = (rescale.apply(low), rescale.apply(high));
        Self::Line { from: a.min(b), to: a.max(b) }
    }

    fn byte(&self, value: f64) -> u8 {
        let share = match *self {
            Self::Line { from, .. } if value <= from => return 0,
            Self::Line { from, to } if value > to || to <= from => return 255,
            Self::Line { from, to } => (value - from) / (to - from),
            Self::Sigmoid { centre, width } => 1.0 / (1.0 + (-4.0 * (value - centre) / width).exp()),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let byte = (share * 255.0 + 0.5) as u8;
        byte
    }
}

/// The eight highest bits of each sample.
fn top_bytes(frame: &Frame) -> Vec<u8> {
    let shift = u32::from(frame.bits_stored.max(8)) - 8;
    match &frame.data {
        Samples::U8(data) => data.clone(),
        Samples::U16(data) => data.iter().map(|v| (v >> shift).min(255) as u8).collect(),
        Samples::U32(data) => data.iter().map(|v| (v >> shift).min(255) as u8).collect(),
    }
}

/// PS3.3 C.7.6.3.1.5: values outside the table take its first or last entry.
fn palette_colours(frame: &Frame, palette: &model::frame::Palette) -> Vec<u8> {
    let last = palette.tables.iter().map(Vec::len).min().unwrap_or(0).saturating_sub(1);
    let mut out = Vec::with_capacity(frame.len() * 3);
    for i in 0..frame.len() {
        let entry = value(frame, i) - i64::from(palette.first);
        let entry = usize::try_from(entry.max(0)).unwrap_or(last).min(last);
        let colour = palette.tables.iter().map(|t| t.get(entry).map_or(0, |v| v.to_be_bytes()[0]));
        out.extend(colour);
    }
    out
}

/// `YBR_FULL` to RGB (PS3.3 C.7.6.3.1.2).
fn ybr_to_rgb(bytes: &[u8]) -> Vec<u8> {
    let (triples, _) = bytes.as_chunks::<3>();
    let convert = |[y, cb, cr]: &[u8; 3]| {
        let (y, cb, cr) = (f32::from(*y), f32::from(*cb) - 128.0, f32::from(*cr) - 128.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let byte = |v: f32| (v + 0.5) as u8;
        [byte(y + 1.402 * cr), byte(y - 0.344_136 * cb - 0.714_136 * cr), byte(y + 1.772 * cb)]
    };
    triples.iter().flat_map(convert).collect()
}
