//! Facts, rules and the decision.
//!
//! Invariant: pure; only this crate makes a `Grant`; an error denies.
