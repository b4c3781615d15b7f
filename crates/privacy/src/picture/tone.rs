//! Stored values to bytes.

use crate::Redacted;
use crate::mask::FILL;
use model::tone::{Curve, Lut, Modality, Voi};
use model::view::WindowFunction;
use model::{Frame, ImageInfo, Photometric, Samples, Tone, Window};

/// The whole frame as bytes: samples per pixel, and the data.
pub fn to_bytes(
    redacted: &Redacted,
    image: &ImageInfo,
    tone: &Tone,
    window: Option<Window>,
) -> (u8, Vec<u8>) {
    let frame = redacted.frame();
    match (frame.photometric, &image.palette) {
        (Photometric::PaletteColor, Some(palette)) => (3, palette_colours(frame, palette)),
        (Photometric::Rgb, _) => (3, top_bytes(frame)),
        (photometric, _) if frame.samples == 3 => {
            let bytes = top_bytes(frame);
            let ybr = photometric != Photometric::Rgb;
            (3, if ybr { ybr_to_rgb(&bytes) } else { bytes })
        }
        _ => (1, grey(redacted, tone, window)),
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

fn grey(redacted: &Redacted, tone: &Tone, window: Option<Window>) -> Vec<u8> {
    let frame = redacted.frame();
    let scale = Scale::of(&tone.modality);
    let sane = |centre: f64, width: f64| centre.is_finite() && width.is_finite() && width > 0.0;
    let asked = window.filter(|window| sane(window.centre, window.width));
    let view = match (asked, &tone.voi) {
        (Some(Window { centre, width, function }), _) => match function {
            WindowFunction::Linear => View::Ramp(Ramp::window(centre, width)),
            WindowFunction::LinearExact => View::Ramp(Ramp::exact(centre, width)),
            WindowFunction::Sigmoid => View::Sigmoid { centre, width },
        },
        (None, Some(Voi::Window { centre, width, curve })) if sane(*centre, *width) => match curve {
            Curve::Linear => View::Ramp(Ramp::window(*centre, *width)),
            Curve::Exact => View::Ramp(Ramp::exact(*centre, *width)),
            Curve::Sigmoid => View::Sigmoid { centre: *centre, width: *width },
        },
        (None, Some(Voi::Table(lut))) if !lut.entries.is_empty() => View::Table(lut),
        _ => View::Ramp(Ramp::range(redacted, &scale)),
    };
    // PS3.3 C.8.11.3.1.2: INVERSE goes with MONOCHROME1 and says the same, so that both together invert once.
    let inverted = frame.photometric == Photometric::Monochrome1 || tone.inverse;
    let shade = |v: i64| {
        let byte = view.byte(scale.apply(v));
        if inverted { 255 - byte } else { byte }
    };
    match &frame.data {
        Samples::U8(data) => {
            let table: Vec<u8> = (0..=u8::MAX)
                .map(|v| shade(if frame.signed { v.cast_signed().into() } else { v.into() }))
                .collect();
            data.iter().map(|v| table.get(usize::from(*v)).copied().unwrap_or(0)).collect()
        }
        Samples::U16(data) => {
            let mut table = [0; 1 << 16];
            // Only values that the stored bits can hold: computing the others takes as long as a small picture.
            let half = 1_usize << (u32::from(frame.bits_stored.clamp(1, 16)) - u32::from(frame.signed));
            let held = |v: usize| v < half || (frame.signed && v >= (1 << 16) - half);
            for (v, byte) in (0..=u16::MAX).zip(&mut table) {
                if held(v.into()) {
                    *byte = shade(if frame.signed { v.cast_signed().into() } else { v.into() });
                }
            }
            data.iter().map(|v| table[usize::from(*v)]).collect()
        }
        Samples::U32(data) => (0..data.len()).map(|i| shade(value(frame, i))).collect(),
    }
}

/// From stored values to the modality's (PS3.3 C.11.1).
enum Scale<'a> {
    Line { slope: f64, intercept: f64 },
    Table(&'a Lut),
}

impl<'a> Scale<'a> {
    fn of(modality: &'a Modality) -> Self {
        match modality {
            Modality::Table(lut) if !lut.entries.is_empty() => Self::Table(lut),
            Modality::Rescale { slope, intercept } => Self::Line {
                slope: Some(*slope).filter(|s| s.is_finite() && *s != 0.0).unwrap_or(1.0),
                intercept: Some(*intercept).filter(|i| i.is_finite()).unwrap_or(0.0),
            },
            Modality::Table(_) => Self::Line { slope: 1.0, intercept: 0.0 },
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "at most 32 bits, exact in f64")]
    fn apply(&self, value: i64) -> f64 {
        match self {
            Self::Line { slope, intercept } => value as f64 * slope + intercept,
            Self::Table(lut) => lut.at(value).into(),
        }
    }
}

/// From the modality's values to bytes (PS3.3 C.11.2).
enum View<'a> {
    Ramp(Ramp),
    Sigmoid { centre: f64, width: f64 },
    Table(&'a Lut),
}

impl View<'_> {
    fn byte(&self, value: f64) -> u8 {
        match self {
            Self::Ramp(ramp) => ramp.byte(value),
            // C.11.2.1.3.1.
            Self::Sigmoid { centre, width } => to_byte(1.0 / (1.0 + (-4.0 * (value - centre) / width).exp())),
            Self::Table(lut) => {
                #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
                let entry = lut.at(value.round() as i64);
                to_byte(f64::from(entry) / f64::from(lut.most()))
            }
        }
    }
}

/// 0 to 1 as a byte.
fn to_byte(share: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let byte = (share * 255.0 + 0.5) as u8;
    byte
}

/// A straight line from black to white, flat outside.
struct Ramp {
    from: f64,
    to: f64,
}

impl Ramp {
    /// The linear window of PS3.3 C.11.2.1.2.1; widths below 1 as `LINEAR_EXACT`.
    fn window(centre: f64, width: f64) -> Self {
        if width < 1.0 {
            return Self::exact(centre, width);
        }
        let (centre, half) = (centre - 0.5, (width - 1.0) / 2.0);
        Self { from: centre - half, to: centre + half }
    }

    /// C.11.2.1.3.2.
    fn exact(centre: f64, width: f64) -> Self {
        Self { from: centre - width / 2.0, to: centre + width / 2.0 }
    }

    /// The least and the greatest value that is not hidden; of the cells when all is hidden.
    fn range(redacted: &Redacted, scale: &Scale<'_>) -> Self {
        let frame = redacted.frame();
        let states = redacted.hidden();
        // A line keeps the order of values or turns it; a table need not.
        let key = |i: usize| match scale {
            Scale::Line { .. } => value(frame, i),
            Scale::Table(lut) => lut.at(value(frame, i)).into(),
        };
        let over = |most: u8| {
            let start = (i64::MAX, i64::MIN);
            let widen = |(low, high): (i64, i64), v: i64| (low.min(v), high.max(v));
            match states {
                None => (0..frame.len()).map(key).fold(start, widen),
                Some(hidden) => {
                    let seen = hidden.rows().flatten().enumerate().filter(|(_, state)| **state <= most);
                    seen.map(|(i, _)| key(i)).fold(start, widen)
                }
            }
        };
        let (low, high) = Some(over(0)).filter(|(low, high)| low <= high).unwrap_or_else(|| over(FILL - 1));
        if low > high {
            return Self { from: 0.0, to: 1.0 };
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 32 bits, exact in f64")]
        let (a, b) = match scale {
            Scale::Line { .. } => (scale.apply(low), scale.apply(high)),
            Scale::Table(_) => (low as f64, high as f64),
        };
        Self { from: a.min(b), to: a.max(b) }
    }

    fn byte(&self, value: f64) -> u8 {
        if value <= self.from {
            return 0;
        }
        if value > self.to || self.to <= self.from {
            return 255;
        }
        to_byte((value - self.from) / (self.to - self.from))
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
