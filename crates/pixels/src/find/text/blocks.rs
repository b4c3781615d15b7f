//! Sure lines pull in doubtful neighbours, and lines become the rectangles to hide.

use super::lines::Line;

/// A rectangle in pixels of the frame: left, top inclusive; right, bottom exclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Bottom edge.
    pub bottom: f32,
}

impl Area {
    /// Larger by so much on each side.
    pub fn grown(&self, across: f32, down: f32) -> Self {
        Self {
            left: self.left - across,
            top: self.top - down,
            right: self.right + across,
            bottom: self.bottom + down,
        }
    }

    /// Share a pixel.
    pub fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// The other lies inside.
    pub fn holds(&self, other: &Self) -> bool {
        self.left <= other.left
            && self.top <= other.top
            && self.right >= other.right
            && self.bottom >= other.bottom
    }

    /// Around both.
    pub fn hull(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// A line with how sure it is, in pixels of the working copy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Where.
    pub area: Area,
    /// Height of its glyphs.
    pub tall: f32,
    /// 0..=1.
    pub sure: f32,
}

impl Found {
    #[expect(clippy::cast_precision_loss, reason = "pixel counts of a frame, below 2^24")]
    pub(super) fn of(line: &Line, sure: f32) -> Self {
        let w = &line.whole;
        let area =
            Area { left: w.left as f32, top: w.top as f32, right: w.right as f32, bottom: w.bottom as f32 };
        Self { area, tall: (w.height() as f32).min(1.6 * line.tall as f32), sure }
    }
}

/// From here a line alone is text.
const SURE: f32 = 0.85;
/// From here a line is text with another such line above, below or beside it.
const LIKELY: f32 = 0.5;
/// From here a line is text beside a line that is text.
const DOUBTFUL: f32 = 0.12;

/// The lines that are text.
pub fn accepted(found: &[Found]) -> Vec<Found> {
    let near = |one: &Found, other: &Found| {
        let tall = one.tall.max(other.tall);
        let small = one.tall.min(other.tall);
        2.2 * small >= tall && one.area.grown(1.5 * tall, 0.9 * tall).meets(&other.area)
    };
    let apart = |one: &Found, other: &Found| !one.area.meets(&other.area);
    let backed =
        |one: &Found| found.iter().any(|other| other.sure >= LIKELY && apart(one, other) && near(one, other));
    let mut taken: Vec<bool> =
        found.iter().map(|one| one.sure >= SURE || (one.sure >= LIKELY && backed(one))).collect();
    for _ in 0..4 {
        let text: Vec<Found> = found.iter().zip(&taken).filter(|(_, t)| **t).map(|(f, _)| *f).collect();
        for (one, taken) in found.iter().zip(&mut taken) {
            *taken = *taken || (one.sure >= DOUBTFUL && text.iter().any(|other| near(one, other)));
        }
    }
    found.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(found, _)| *found).collect()
}

/// Lines that touch when grown by a line are one block; its hull is hidden, with room for lines that were missed.
pub fn blocks(lines: &[Found], generous: bool) -> Vec<(Area, f32)> {
    let mut blocks: Vec<(Area, f32, f32, bool)> = Vec::new();
    for line in lines {
        let mut block = (line.area, line.tall, line.sure, false);
        // A block that took in a line may now touch others: until nothing changes.
        while let Some(at) = blocks.iter().position(|(area, tall, _, _)| {
            let room = tall.min(block.1);
            area.grown(room, room).meets(&block.0)
        }) {
            let other = blocks.swap_remove(at);
            let stacked = other.3
                || block.3
                || other.0.bottom <= block.0.top + 0.3 * block.1
                || block.0.bottom <= other.0.top + 0.3 * block.1;
            block = (block.0.hull(&other.0), block.1.max(other.1), block.2.max(other.2), stacked);
        }
        blocks.push(block);
    }
    let grow = |(area, tall, sure, stacked): (Area, f32, f32, bool)| {
        let area = if stacked || generous {
            area.grown(tall, 1.5 * tall)
        } else {
            area.grown(0.6 * tall, 0.4 * tall)
        };
        (area, sure)
    };
    blocks.into_iter().map(grow).collect()
}
