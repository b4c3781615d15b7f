//! The one binary: commands, configuration, wiring.
//!
//! Invariant: holds no logic of its own; only this crate reads the clock.

fn main() {}
