//! Classify, geometry of regions, de-identify, mask, mark; on decoded samples.
//!
//! Invariant: no I/O, no decoding, no model; only this crate makes a redacted frame.

mod classify;
pub mod geometry;
mod plan;
mod pseudonym;

pub use classify::{Class, Kind, Part, classify};
pub use plan::plan_digest;
pub use pseudonym::{derived_uid, pseudonymous_patient, pseudonymous_uid};
