//! Intake log, blobs, sealed rows.
//!
//! Invariant: never sees plaintext or a key.
