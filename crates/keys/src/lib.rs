//! Key sources.
//!
//! Invariant: not async; knows nothing of DICOM; never writes a key below the data folder.
