//! DICOM without sockets or files: intake of Part 10 bytes, data sets, the JSON model, message exchange, queries.
//!
//! Invariant: opens no socket and no file; bounds stand before dicom-rs sees a byte, and nothing is allocated before a
//! bound allowed it.

pub mod bounds;
mod charset;
pub mod correct;
pub mod dataset;
pub mod dicomdir;
pub mod dimse;
mod error;
pub mod intake;
pub mod json;
mod made;
mod placement;
pub mod query;
pub mod recode;
pub mod segmentation;
pub mod shutter;
mod tone;
pub mod worklist;
pub mod xml;

pub use charset::Charsets;
pub use dataset::{Head, PixelLength, new_head, pixel_data_header, read_head, write_head};
pub use error::{Error, Refusal, Result};
pub use intake::{Intake, Parsed, Progress, inflated_frame};
pub use placement::placement;
pub use query::Query;
pub use tone::tone;

/// Gauze's implementation class UID (PS3.7 D.3.3.2), a UUID-derived root (PS3.5 B.2).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.116399127617611964106128367791180019585";
/// Gauze's implementation version name (PS3.7 D.3.3.2.4), at most 16 characters.
pub const IMPLEMENTATION_VERSION: &str = "GAUZE_0";
