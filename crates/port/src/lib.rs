//! The two lines of Gauze: what a door may ask of the vault ([`Archive`]) and what the vault asks of a pixel worker
//! ([`PixelWork`]), with versioned, owned, serialisable messages, streams, limits and cancellation.
//!
//! Invariant: knows nothing of what stands behind a line; a direct call and a socket behave alike (one suite tests both).

pub mod archive;
pub mod fault;
pub mod find;
pub mod govern;
pub mod line;
pub mod pixels;
pub mod putright;
pub mod stream;
pub mod ties;
pub mod transfer;

pub use archive::{Archive, Call, Credential, Request, Response};
pub use fault::{Code, Fault};
pub use pixels::{Lease, Outcome, PixelWork};
pub use stream::{Item, Part, Sink, Stream, Trailer, empty, stream};

/// Version of every message on both lines. A peer that speaks another one is refused at its first call.
pub const VERSION: u16 = 7;
