//! What a worker does with one lease: decode, recognise, mask, encode.
//!
//! Invariant: holds no key and opens no file or socket.

mod error;
mod examine;
pub mod find;
mod frame;
mod head;
pub mod leaving;
mod pool;
mod profile;

pub use codec::Deadline;
pub use error::{Error, Result};
pub use examine::Examiner;
pub use frame::frame;
pub use head::head;
pub use pool::Pool;

#[cfg(test)]
mod tests;
