//! Audit events, Merkle log, proofs, verifier.
//!
//! Invariant: needs nothing of Gauze but `model`; only a `Durable` makes a receipt.
