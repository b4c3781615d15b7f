//! Classify, geometry of regions, de-identify, mask, mark; on decoded samples.
//!
//! Invariant: no I/O, no decoding, no model; only this crate makes a redacted frame.
