//! What is hidden on images as planes of bits, on its way to a DICOM object and from one.

use crate::caller::words;
use crate::{Attributes, Photometric, Placement, RegionKind, Time, Uid};
use serde::{Deserialize, Serialize};

/// Masks of images of one size, and what an object that is made of them says. The bits flow beside it: of each plane in the
/// order in which it is named here, a bit a pixel, row by row, the first in the lowest bit, each plane from a new byte on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaskPlanes {
    /// Patient and study, as far as the caller may have the words.
    pub words: Attributes,
    /// (0020,000D).
    pub study: Uid,
    /// (0020,000E) of the images.
    pub series: Uid,
    /// Series and SOP Instance UID of the object that is made, and one for the order of its frames.
    pub made_as: [Uid; 3],
    /// When.
    pub made: Time,
    /// (0028,0010) of each image.
    pub rows: u32,
    /// (0028,0011) of each image.
    pub columns: u32,
    /// The images.
    pub images: Vec<MaskedImage>,
}

/// One image and its planes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaskedImage {
    /// (0008,0016).
    pub sop_class: Uid,
    /// (0008,0018).
    pub sop_uid: Uid,
    /// (0028,0008), at least 1.
    pub frames: u32,
    /// Where it lies, when it says so.
    pub placement: Option<Placement>,
    /// How its values become greys.
    pub greys: Greys,
    /// 0-based frame and what is hidden there.
    pub planes: Vec<(u32, RegionKind)>,
}

/// How stored values become greys, as the header says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Greys {
    /// (0028,0004).
    pub photometric: Photometric,
    /// (0028,1053) and (0028,1052).
    pub rescale: [f64; 2],
    /// Centre and width, in rescaled units.
    pub window: Option<(f64, f64)>,
    /// Presentation LUT shape (2050,0020) = INVERSE.
    pub inverse: bool,
}

impl MaskPlanes {
    /// Bytes of one plane.
    #[must_use]
    pub fn plane_bytes(&self) -> usize {
        plane_bytes(self.rows, self.columns)
    }
}

/// Bytes of a plane of so many pixels, a bit each.
#[must_use]
pub fn plane_bytes(rows: u32, columns: u32) -> usize {
    (rows as usize * columns as usize).div_ceil(8)
}

/// The images of which frames of a segmentation say something: SOP Instance UID and 0-based frame, or all frames.
pub type Referred = Vec<(Uid, Option<u32>)>;

words! {
    /// Why masks were not taken from a segmentation.
    MaskFault, "fault of a segmentation",
    /// No DICOM object, or one that contradicts itself.
    Unreadable = "unreadable",
    /// Another object, of another type or in a transfer syntax of its own.
    NoSegmentation = "no-segmentation",
    /// Rows or columns are none, or not those of the image.
    OtherSize = "other-size",
    /// A frame says of no image that it is about it.
    NoReference = "no-reference",
    /// An image that is not of this series, or nowhere.
    OtherImage = "other-image",
    /// A frame that the image does not have.
    NoSuchFrame = "no-such-frame",
    /// More frames, references or bits than are read.
    TooMany = "too-many",
    /// Fewer bits than frames, or more.
    Truncated = "truncated",
    /// No bit is set.
    Empty = "empty",
}
