//! How a picture is to look (PS3.18 §8.3.5.1): window, part, size.

use serde::{Deserialize, Serialize};

/// What somebody asked of a picture. Nothing asked: the header's window, the whole frame, its own size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Window in rescaled units; the header's, else the full range, without one.
    pub window: Option<Window>,
    /// Part and size.
    pub viewport: Option<Viewport>,
}

/// A window (PS3.3 C.11.2.1.2 and C.11.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Centre.
    pub centre: f64,
    /// Width.
    pub width: f64,
    /// Between black and white.
    pub function: WindowFunction,
}

/// From value to grey (PS3.3 C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowFunction {
    /// `LINEAR`.
    #[default]
    Linear,
    /// `LINEAR_EXACT`.
    LinearExact,
    /// `SIGMOID`.
    Sigmoid,
}

/// A rectangle of the picture that is to fit another one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Viewport {
    /// Columns that there is room for.
    pub width: u32,
    /// Rows that there is room for.
    pub height: u32,
    /// What is smaller than the room is made larger.
    pub enlarge: bool,
    /// The part that is shown.
    pub source: Option<Source>,
}

/// A part of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Width; below zero: mirrored left to right.
    pub width: f64,
    /// Height; below zero: mirrored top to bottom.
    pub height: f64,
    /// Numbers are shares of the frame, not pixels.
    pub relative: bool,
}

/// A part in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// First row.
    pub top: u32,
    /// First column.
    pub left: u32,
    /// At least 1.
    pub rows: u32,
    /// At least 1.
    pub columns: u32,
    /// Left and right change places.
    pub mirrored: bool,
    /// Top and bottom change places.
    pub upside_down: bool,
}

impl Part {
    /// The whole frame.
    #[must_use]
    pub const fn whole(rows: u32, columns: u32) -> Self {
        Self { top: 0, left: 0, rows, columns, mirrored: false, upside_down: false }
    }
}

impl Viewport {
    /// A room without wishes.
    #[must_use]
    pub const fn within(side: u32) -> Self {
        Self { width: side, height: side, enlarge: false, source: None }
    }

    /// Rows and columns of what fits, in its own proportions, at least 1 each.
    #[must_use]
    pub fn fit(&self, rows: u32, columns: u32) -> (u32, u32) {
        let (rows, columns) = (u64::from(rows.max(1)), u64::from(columns.max(1)));
        let (height, width) = (u64::from(self.height.max(1)), u64::from(self.width.max(1)));
        if !self.enlarge && rows <= height && columns <= width {
            return (small(rows), small(columns));
        }
        // Which side meets the room's edge first.
        if rows * width >= columns * height {
            (small(height), small((columns * height / rows).max(1)))
        } else {
            (small((rows * width / columns).max(1)), small(width))
        }
    }
}

impl Source {
    /// Its pixels on a frame: whatever it touches. Nothing when it lies outside or has no area.
    #[must_use]
    pub fn on(&self, rows: u32, columns: u32) -> Option<Part> {
        let scale = |value: f64, side: u32| if self.relative { value * f64::from(side) } else { value };
        let side = |from: f64, len: f64, side: u32| {
            let (from, len) = (scale(from, side), scale(len.abs(), side));
            let (start, end) = (from.max(0.0).floor(), (from + len).min(f64::from(side)).ceil());
            (from.is_finite() && len.is_finite() && len > 0.0 && end > start).then_some((start, end - start))
        };
        let (left, width) = side(self.left, self.width, columns)?;
        let (top, height) = side(self.top, self.height, rows)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the frame")]
        let whole = |value: f64| value as u32;
        Some(Part {
            top: whole(top),
            left: whole(left),
            rows: whole(height),
            columns: whole(width),
            mirrored: self.width < 0.0,
            upside_down: self.height < 0.0,
        })
    }
}

impl View {
    /// The part of a frame that is shown.
    #[must_use]
    pub fn part(&self, rows: u32, columns: u32) -> Option<Part> {
        match self.viewport.and_then(|v| v.source) {
            None => Some(Part::whole(rows, columns)),
            Some(source) => source.on(rows, columns),
        }
    }

    /// Rows and columns of the picture of such a frame; nothing when no part of it is shown.
    #[must_use]
    pub fn size(&self, rows: u32, columns: u32) -> Option<(u32, u32)> {
        let part = self.part(rows, columns)?;
        let room = self.viewport.unwrap_or(Viewport::within(crate::limits::RENDERED_SIDE));
        Some(room.fit(part.rows, part.columns))
    }
}

fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_keeps_its_proportions() {
        let fit = |width, height, enlarge, rows, columns| {
            Viewport { width, height, enlarge, source: None }.fit(rows, columns)
        };
        assert_eq!(fit(512, 384, true, 100, 100), (384, 384));
        assert_eq!(fit(512, 384, false, 100, 100), (100, 100));
        assert_eq!(fit(100, 100, false, 300, 400), (75, 100));
        assert_eq!(fit(100, 50, false, 300, 400), (50, 66));
        assert_eq!(fit(10, 10, false, 1, 3000), (1, 10));
        assert_eq!(fit(8192, 8192, true, 65_535, 1), (8192, 1));
    }

    #[test]
    fn parts_are_cut_to_the_frame() {
        let source = Source { left: 10.5, top: -5.0, width: -20.0, height: 10.0, relative: false };
        let part = source.on(100, 200).unwrap();
        let expected = Part { top: 0, left: 10, rows: 5, columns: 21, mirrored: true, upside_down: false };
        assert_eq!(part, expected);
        let half = Source { left: 0.5, top: 0.0, width: 0.5, height: 1.0, relative: true };
        assert_eq!(half.on(100, 200).unwrap(), Part { left: 100, columns: 100, ..Part::whole(100, 200) });
        for (left, width) in [(200.0, 5.0), (-9.0, 9.0), (0.0, 0.0), (f64::NAN, 5.0), (0.0, f64::INFINITY)] {
            let outside = Source { left, top: 0.0, width, height: 5.0, relative: false };
            assert_eq!(outside.on(100, 200), None, "{left} {width}");
        }
    }
}
