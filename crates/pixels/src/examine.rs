//! examine: each frame is decoded, shown to the finder, and its mosaic layer made.

use crate::find::{Finder, Look};
use codec::Deadline;
use model::{ImageInfo, Mosaic};
use port::pixels::Examined;

/// Frames of one object that get a mosaic layer; masked pixels of the others are filled.
const LAYERS: usize = 64;

/// Looks at the frames of one image, in any number of steps.
pub struct Examiner {
    image: ImageInfo,
    noise: [u8; 32],
    finder: Finder,
    mosaics: Vec<Mosaic>,
    looked_at: u32,
    undecoded: bool,
}

impl Examiner {
    /// Nothing seen yet. `noise` is the key of this instance's mosaic noise; `glance`: see [`Finder::glancing`].
    #[must_use]
    pub fn new(image: &ImageInfo, noise: [u8; 32], glance: bool) -> Self {
        Self {
            image: image.clone(),
            noise,
            finder: if glance { Finder::glancing(image) } else { Finder::new(image) },
            mosaics: Vec::new(),
            looked_at: 0,
            undecoded: false,
        }
    }

    /// Looks at one frame (1-based). One that cannot be decoded, or is none of this image's, makes the image one that
    /// cannot be masked.
    ///
    /// A layer is found again by its place in the list, so layers are kept for the first frames without a gap: when only
    /// every n-th frame is looked at, just frame 1 has one, and no frame is ever painted with the cells of another.
    pub fn frame(&mut self, number: u32, encoded: &[u8], deadline: &Deadline<'_>) {
        let index = number.checked_sub(1).filter(|index| *index < self.image.frames);
        let decoded = index.and_then(|i| crate::frame::decoded(&self.image, i, encoded, deadline).ok());
        let Some(frame) = decoded else {
            self.undecoded = true;
            return;
        };
        self.looked_at += 1;
        let next = self.mosaics.len() + 1;
        if next <= LAYERS && number as usize == next {
            self.mosaics.push(privacy::mosaic(&frame, self.image.spacing, &self.noise));
        }
        self.finder.frame(number, &frame);
    }

    /// What was found. Nothing looked at, or anything undecoded: not maskable, of the highest level, withheld.
    #[must_use]
    pub fn finish(self) -> Examined {
        let Look { regions, fallback, class, level, withheld } = self.finder.finish();
        if self.undecoded || self.looked_at == 0 {
            return Examined {
                regions,
                fallback: true,
                class,
                level: 5,
                withheld: true,
                mosaics: Vec::new(),
                maskable: false,
            };
        }
        Examined { regions, fallback, class, level, withheld, mosaics: self.mosaics, maskable: true }
    }
}
