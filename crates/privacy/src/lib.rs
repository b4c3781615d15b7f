//! Classify, geometry of regions, de-identify, mask, mark; on decoded samples.
//!
//! Invariant: no I/O, no decoding, no model; only this crate makes a redacted frame.

mod account;
mod classify;
mod deidentify;
mod derive;
pub mod geometry;
mod mask;
mod options;
mod picture;
mod plan;
mod profile;
mod pseudonym;
mod records;
#[cfg(test)]
mod testing;
mod types;

pub use account::{Account, deciding};
pub use classify::{Class, Kind, Part, classify, may_show};
pub use deidentify::{deidentify, deidentify_with, patient_name};
pub use derive::{Derivation, derive};
pub use mask::{Cover, Redacted, Redaction, cover, hull, kinds, mosaic, outlines, plane, redact};
pub use options::{Done, Options, OptionsError, ProfileOption, Sink};
pub use picture::{Shown, annotate, picture};
pub use plan::plan_digest;
pub use pseudonym::{derived_uid, pseudonymous_patient, pseudonymous_uid};
pub use records::{RecordError, Refused, record};
