//! A line over a byte stream (Unix socket, TLS): many calls at once, each with a body and an answer stream,
//! credit per stream so that a slow one does not stop the others, cancellation both ways.
//!
//! Frame: `len: u32 BE` of what follows, `kind: u8`, `call: u64 BE`, payload (postcard). The first frame of each side
//! is `Hello` with the version of the messages.

mod client;
mod frame;
mod server;
mod streams;

pub use client::Client;
pub use server::{Service, serve_archive, serve_operator, serve_pixels};

/// Calls that one connection may have in progress; more are answered `unavailable`.
pub const CALLS: usize = 256;

#[cfg(test)]
mod tests;
