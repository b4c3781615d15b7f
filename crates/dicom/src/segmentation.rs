//! Masks as DICOM Segmentation objects (PS3.3 A.51): written as binary segments, read from binary and fractional ones.

mod bits;
mod kinds;
mod read;
mod write;

pub use bits::{Joined, Packer};
pub use read::{Brought, Planes, Reader};
pub use write::head;

/// Segmentation Storage.
pub const SEGMENTATION: &str = "1.2.840.10008.5.1.4.1.1.66.4";
