//! Commands, configuration, wiring.
//!
//! Invariant: holds no logic of its own; only this crate reads the clock.

pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod home;
pub mod law;
mod memory;
pub mod say;
pub mod wiring;
