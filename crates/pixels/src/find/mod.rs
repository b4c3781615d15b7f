//! Recognition, first and classical version: what on a frame is private, and where (docs/recognition.md).
//! Unsure means hide more; the header is a hint that can only make us hide more.

pub mod chest;
mod fallback;
mod heads;
pub mod plane;
mod side;
pub mod text;
mod words;

#[cfg(test)]
mod tests;

use chest::Chest;
use model::{Frame, ImageInfo, Region, RegionKind, limits};
use plane::Plane;
use privacy::{Class, Kind, Part};
use words::Words;

/// Finder and version of a region.
const CHEST: &str = "chest/1";
const CLASS: &str = "class/1";

/// Looks at the frames of one object, one after the other.
#[derive(Debug)]
pub struct Finder {
    image: ImageInfo,
    class: Class,
    words: Words,
    markers: Vec<text::blocks::Area>,
    chest: Option<Chest>,
    head: bool,
    seen: u32,
    broken: bool,
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
            chest: None,
            head: false,
            seen: 0,
            broken: false,
        }
    }

    /// Looks at one decoded frame (numbers count from 1). Words are taken together over all frames; a chest is looked
    /// for on the first.
    pub fn frame(&mut self, _number: u32, frame: &Frame) {
        let fits = frame.rows == self.image.rows && frame.columns == self.image.columns;
        let Some(plane) = Plane::of(frame, &self.image).filter(|_| fits) else {
            self.broken = true;
            return;
        };
        let found = text::find(&plane, self.class.wordy);
        match self.class.kind {
            Kind::Projection(_) if self.seen == 0 => {
                self.chest = chest::find(&plane);
                self.markers = side::find(&plane, &found);
            }
            Kind::Slices { head: None, .. } => self.head |= heads::may_be(&plane, &self.image),
            Kind::Ultrasound => {
                self.words.add_all(text::outside::outside(&plane).into_iter().map(|a| (a, 0.5)))
            }
            _ => {}
        }
        self.words.add_all(found);
        self.seen += 1;
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
        if self.broken || self.seen == 0 {
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

    /// A film that shows two lungs is a chest, whatever its header says; one that should and does not is a fall-back.
    fn projection(&self, part: Part, regions: &mut Vec<Region>) -> bool {
        let least = match part {
            Part::Chest | Part::Unknown => 0.0,
            Part::Pelvis => 0.6,
            Part::ChestLateral | Part::Limb | Part::Head => 0.7,
        };
        match (self.chest.as_ref().filter(|chest| chest.sure >= least), part) {
            (Some(chest), _) => {
                regions.extend(chest.shapes.iter().map(|shape| Region {
                    kind: shape.kind,
                    frame: None,
                    polygon: shape.polygon.clone(),
                    source: CHEST.to_owned(),
                    confidence: chest.sure.clamp(0.0, 1.0),
                }));
                false
            }
            (None, Part::Limb) => false,
            (None, Part::Pelvis) => {
                let (columns, rows) = fallback::size(&self.image);
                let edges = [0.0, rows * 2.0 / 3.0, columns, rows];
                regions.push(Region::rectangle(RegionKind::Pelvis, None, edges, CLASS, 0.5));
                false
            }
            (None, Part::Chest | Part::ChestLateral | Part::Head | Part::Unknown) => {
                regions.extend(fallback::around_the_centre(&self.image));
                true
            }
        }
    }
}
