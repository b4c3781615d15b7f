//! The rectangles of words over all frames: words stay where they are while anatomy moves, so all are taken.

use super::text::blocks::Area;
use model::{Region, RegionKind};

const SOURCE: &str = "text/1";
/// Rectangles kept apart; above this, those that meet become one.
const RECTANGLES: usize = 160;

/// Rectangles with confidence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words(Vec<(Area, f32)>);

impl Words {
    /// Takes in the words of a frame.
    pub fn add_all(&mut self, found: impl IntoIterator<Item = (Area, f32)>) {
        for (area, sure) in found {
            if !self.0.iter().any(|(other, _)| other.holds(&area)) {
                self.0.retain(|(other, _)| !area.holds(other));
                self.0.push((area, sure));
            }
        }
        if self.0.len() > RECTANGLES {
            self.join();
        }
    }

    /// Some words meet this area.
    pub fn meets(&self, area: &Area) -> bool {
        self.0.iter().any(|(other, _)| other.meets(area))
    }

    /// As regions on all frames, on whole pixels, inside the frame.
    pub fn regions(&self, columns: f32, rows: f32) -> Vec<Region> {
        let inside = |(area, sure): &(Area, f32)| {
            let edges = [
                area.left.floor().clamp(0.0, columns),
                area.top.floor().clamp(0.0, rows),
                area.right.ceil().clamp(0.0, columns),
                area.bottom.ceil().clamp(0.0, rows),
            ];
            let [left, top, right, bottom] = edges;
            (right > left && bottom > top)
                .then(|| Region::rectangle(RegionKind::Text, None, edges, SOURCE, sure.clamp(0.0, 1.0)))
        };
        self.0.iter().filter_map(inside).collect()
    }

    /// Joins what meets; if that is not enough, everything.
    fn join(&mut self) {
        let mut joined: Vec<(Area, f32)> = Vec::new();
        for mut one in std::mem::take(&mut self.0) {
            while let Some(at) = joined.iter().position(|(other, _)| other.meets(&one.0)) {
                let other = joined.swap_remove(at);
                one = (one.0.hull(&other.0), one.1.max(other.1));
            }
            joined.push(one);
        }
        if joined.len() > RECTANGLES {
            let hull = joined.iter().copied().reduce(|a, b| (a.0.hull(&b.0), a.1.min(b.1)));
            joined = hull.into_iter().collect();
        }
        self.0 = joined;
    }
}
