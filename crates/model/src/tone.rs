//! How stored values become grey (PS3.3 C.11.1, C.11.2, C.11.6).

use crate::ImageInfo;

/// A look-up table (C.11.1.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lut {
    /// First value mapped; those below take the first entry, those above the last the last one.
    pub first: i64,
    /// Bits of an entry, 8 to 16.
    pub bits: u8,
    /// At least one entry.
    pub entries: Vec<u16>,
}

impl Lut {
    /// The entry of a value.
    #[must_use]
    pub fn at(&self, value: i64) -> u16 {
        let last = self.entries.len().saturating_sub(1);
        let place = usize::try_from(value.saturating_sub(self.first).max(0)).unwrap_or(last).min(last);
        self.entries.get(place).copied().unwrap_or(0)
    }

    /// The largest value that an entry can have.
    #[must_use]
    pub fn most(&self) -> u16 {
        u16::try_from((1u32 << self.bits.clamp(1, 16)) - 1).unwrap_or(u16::MAX)
    }
}

/// From stored values to those of the modality.
#[derive(Debug, Clone, PartialEq)]
pub enum Modality {
    /// C.11.1.1.2.
    Rescale {
        /// (0028,1053).
        slope: f64,
        /// (0028,1052).
        intercept: f64,
    },
    /// (0028,3000).
    Table(Lut),
}

/// The curve of a window (C.11.2.1.2, C.11.2.1.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Curve {
    /// `LINEAR`.
    #[default]
    Linear,
    /// `LINEAR_EXACT`.
    Exact,
    /// `SIGMOID`.
    Sigmoid,
}

/// From values of the modality to what is seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Voi {
    /// A window.
    Window {
        /// (0028,1050).
        centre: f64,
        /// (0028,1051), above 0.
        width: f64,
        /// (0028,1056).
        curve: Curve,
    },
    /// (0028,3010).
    Table(Lut),
}

/// The whole way, without palette and colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Tone {
    /// First step.
    pub modality: Modality,
    /// Second step; without one, the range of the values.
    pub voi: Option<Voi>,
    /// Presentation LUT shape (2050,0020) is `INVERSE`.
    pub inverse: bool,
}

impl Tone {
    /// What the facts of an image say alone.
    #[must_use]
    pub fn of(image: &ImageInfo) -> Self {
        Self {
            modality: Modality::Rescale { slope: image.rescale_slope, intercept: image.rescale_intercept },
            voi: image.window.map(|(centre, width)| Voi::Window { centre, width, curve: Curve::Linear }),
            inverse: image.inverse,
        }
    }
}
