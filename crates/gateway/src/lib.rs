//! The doors: DIMSE, DICOMweb, API, sign-in and pages.
//!
//! Invariant: holds no key but its own TLS key and no storage; asks the vault through `port` only.
