//! The binary as a person or a script meets it: texts, exit statuses, files. Each test has a folder of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod archive;
mod batch;
mod home;
mod run;
mod usage;
