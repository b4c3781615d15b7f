//! The flows, one folder each.
//!
//! Invariant: parses no DICOM, knows neither HTTP nor sockets; every flow ends in the ledger.
