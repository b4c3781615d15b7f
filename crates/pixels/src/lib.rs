//! What a worker does with one lease: decode, recognise, mask, encode.
//!
//! Invariant: holds no key and opens no file or socket.

pub mod find;
