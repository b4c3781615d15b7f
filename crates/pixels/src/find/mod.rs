//! Recognition: what on a frame is private, and where (docs/recognition.md). Words and shapes classically, lungs by a network.
//! Unsure means hide more; the header is a hint that can only make us hide more.

pub mod chest;
mod drawn;
mod fallback;
mod heads;
mod limb;
pub mod plane;
mod repeat;
mod side;
pub mod text;
mod words;

#[cfg(test)]
mod tests;

use chest::{Chest, Seen};
use model::{Frame, ImageInfo, Region, RegionKind, limits};
use plane::Plane;
use privacy::{Class, Kind, Part};
use words::Words;

/// Finder and version of a region.
const CHEST: &str = "chest/2";
const CLASS: &str = "class/1";
/// Pixels of working copies that are searched for one object: about 20 s of a core. What is left unsearched is hidden.
const SEARCHED: usize = 240 << 20;
/// A search for lungs costs about as much as one for words on so many pixels.
const LUNGS: usize = 1 << 20;
/// Chests kept of one object: with their regions the limit of a mask set is near.
const CHESTS: usize = 24;

/// Looks at the frames of one object, one after the other.
#[derive(Debug)]
pub struct Finder {
    image: ImageInfo,
    class: Class,
    words: Words,
    markers: Vec<text::blocks::Area>,
    chests: Vec<Chest>,
    unsure: bool,
    head: bool,
    /// Frames of which all is known.
    seen: u32,
    /// Number of the last frame shown.
    last: u32,
    broken: bool,
    /// The frame searched last: what looks the same needs no search.
    known: Option<Plane>,
    searched: usize,
    /// Words are searched for only when something seems drawn.
    glance: bool,
}

/// What was found on all frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// At most [`limits::REGIONS`].
    pub regions: Vec<Region>,
    /// Recognition was unsure and hides more than it had to.
    pub fallback: bool,
    /// The word for the kind of object.
    pub class: String,
    /// 1–5.
    pub level: u8,
    /// As if absent for callers without a relation and for every secondary use.
    pub withheld: bool,
}

impl Finder {
    /// Begins with what the header says.
    #[must_use]
    pub fn new(image: &ImageInfo) -> Self {
        Self {
            image: image.clone(),
            class: privacy::classify(image),
            words: Words::default(),
            markers: Vec::new(),
            chests: Vec::new(),
            unsure: false,
            head: false,
            seen: 0,
            last: 0,
            broken: false,
            known: None,
            searched: 0,
            glance: false,
        }
    }

    /// The same for a slice of a series in which the slices that were searched bear no words: this one is searched only
    /// when something seems drawn on it. Holds for original slices whose values are as the scanner stored them; others are
    /// searched as ever.
    #[must_use]
    pub fn glancing(image: &ImageInfo) -> Self {
        let new = Self::new(image);
        let slices = matches!(new.class.kind, Kind::Slices { .. });
        let glance = slices && !new.class.wordy && !new.class.withheld && drawn::tells(image);
        Self { glance, ..new }
    }

    /// Looks at one decoded frame (numbers count from 1 and rise). Words are taken together over all frames, and so are
    /// the chests of a film of several frames. A frame beyond the budget is not looked at, and then all is hidden.
    pub fn frame(&mut self, number: u32, frame: &Frame) {
        if number <= self.last {
            return;
        }
        self.last = number;
        let fits = frame.rows == self.image.rows && frame.columns == self.image.columns;
        if self.glance && fits && frame.len() == frame.expected_len() && !drawn::suspected(frame) {
            self.glanced(frame);
            return;
        }
        let Some(plane) = Plane::of(frame, &self.image).filter(|_| fits) else {
            self.broken = true;
            return;
        };
        if self.known.as_ref().is_some_and(|known| repeat::same(known, &plane)) {
            self.seen += 1;
            return;
        }
        let lungs = if matches!(self.class.kind, Kind::Projection(_)) { LUNGS } else { 0 };
        let cost = text::cost(&plane) + lungs;
        // The first frame is always looked at: its size has a bound of its own.
        if (self.seen > 0 && self.searched + cost > SEARCHED) || self.chests.len() >= CHESTS {
            return;
        }
        self.searched += cost;
        self.search(&plane);
        self.seen += 1;
        self.known = Some(plane);
    }

    /// Nothing drawn: what is left is whether a slice of a part not known may be of a head.
    fn glanced(&mut self, frame: &Frame) {
        if matches!(self.class.kind, Kind::Slices { head: None, .. }) {
            let plane = Plane::of(frame, &self.image);
            self.head |= plane.is_none_or(|plane| heads::may_be(&plane, &self.image));
        }
        self.seen += 1;
    }

    fn search(&mut self, plane: &Plane) {
        let Some(found) = text::find(plane, self.class.wordy) else {
            self.broken = true;
            return;
        };
        match self.class.kind {
            Kind::Projection(part) => {
                self.film(plane, part);
                // A marker stays visible on all frames, so it is kept only where there is no other frame.
                if self.image.frames == 1 {
                    self.markers = side::find(plane, &found);
                }
            }
            Kind::Slices { head: None, .. } => self.head |= heads::may_be(plane, &self.image),
            Kind::Ultrasound => {
                self.words.add_all(text::outside::outside(plane).into_iter().map(|a| (a, 0.5)))
            }
            _ => {}
        }
        self.words.add_all(found);
    }

    /// A film that shows two lungs is a chest, whatever its header says and however it lies. One that should and does not is
    /// unsure, and so is a limb that does not look like one or that may be a chest: the header alone opens nothing.
    fn film(&mut self, plane: &Plane, part: Part) {
        let least = match part {
            Part::Chest | Part::Unknown | Part::Limb | Part::Pelvis => 0.0,
            Part::ChestLateral | Part::Head => 0.9,
        };
        match (chest::find(plane), part) {
            (Seen::Chest(chest), _) if chest.sure >= least => self.chests.push(chest),
            (Seen::Nothing, Part::Limb) => self.unsure |= !limb::plausible(plane),
            (Seen::Nothing, Part::Pelvis) => {}
            (Seen::Chest(_) | Seen::Doubt | Seen::Nothing, _) => self.unsure = true,
        }
    }

    /// What all frames together say.
    #[must_use]
    pub fn finish(self) -> Look {
        let (columns, rows) = fallback::size(&self.image);
        let mut regions = Vec::new();
        let fallback = self.body(&mut regions);
        let words = self.words.regions(columns, rows);
        let clear = |area: &text::blocks::Area| !self.words.meets(area);
        regions.extend(words);
        regions.extend(self.markers.iter().filter(|area| clear(area)).map(side::region));
        let Class { name, level, withheld, .. } = self.class;
        let many = regions.len() > limits::REGIONS;
        if many || regions.iter().any(|r| r.polygon.len() > limits::POLYGON_CORNERS) {
            regions = vec![fallback::everything(&self.image)];
        }
        let level = if fallback { level.max(4) } else { level };
        Look { regions, fallback: fallback || many, class: name.to_owned(), level, withheld }
    }

    /// Everything but words and markers; true when it is a fall-back.
    fn body(&self, regions: &mut Vec<Region>) -> bool {
        // Also where frames were not looked at: the name may stand on one of them.
        if self.broken || self.seen < self.image.frames.max(1) {
            regions.push(fallback::everything(&self.image));
            return true;
        }
        match self.class.kind {
            Kind::Projection(part) => self.projection(part, regions),
            // The face of a head is not found yet: nobody with a masked grant sees a head.
            Kind::Slices { head: Some(true), .. } | Kind::Capture { head: true } => {
                regions.push(fallback::everything(&self.image));
                true
            }
            Kind::Slices { head: None, .. } if self.head => {
                regions.push(fallback::everything(&self.image));
                true
            }
            // The class itself says so: no fall-back, all of it is private.
            Kind::Whole => {
                regions.push(Region { source: CLASS.to_owned(), ..fallback::everything(&self.image) });
                false
            }
            Kind::Slices { .. } | Kind::Capture { .. } | Kind::Ultrasound | Kind::Nuclear | Kind::Slide => {
                false
            }
        }
    }

    /// The regions of all frames on all frames: each hides its own at least.
    fn projection(&self, part: Part, regions: &mut Vec<Region>) -> bool {
        regions.extend(self.chests.iter().flat_map(|chest| {
            chest.shapes.iter().map(|shape| Region {
                kind: shape.kind,
                frame: None,
                polygon: shape.polygon.clone(),
                source: CHEST.to_owned(),
                confidence: chest.sure.clamp(0.0, 1.0),
            })
        }));
        if part == Part::Pelvis {
            let (columns, rows) = fallback::size(&self.image);
            let edges = [0.0, rows * 2.0 / 3.0, columns, rows];
            regions.push(Region::rectangle(RegionKind::Pelvis, None, edges, CLASS, 0.5));
        }
        if self.unsure {
            regions.extend(fallback::around_the_centre(&self.image));
        }
        self.unsure
    }
}
