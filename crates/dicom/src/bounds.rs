//! Bounds of this crate beside `model::limits`.

/// A deflated data set, inflated, bytes.
pub const INFLATED_BYTES: usize = 64 << 20;
/// Fragments of one object's encapsulated pixel data.
pub const FRAGMENTS: usize = 400_000;
/// Palette entries of one colour.
pub const PALETTE_ENTRIES: usize = 65_536;
/// Smallest and largest maximum PDU length that is offered (PS3.8 D.1).
pub const PDU_MIN: u32 = 16 << 10;
/// Largest PDU accepted, whatever was offered.
pub const PDU_MAX: u32 = 1 << 20;
/// An association request or answer, bytes.
pub const ASSOCIATE_BYTES: usize = 128 << 10;
/// Presentation contexts in one request (odd identifiers of one byte, PS3.8 9.3.2.2).
pub const CONTEXTS: usize = 128;
/// Transfer syntaxes proposed in one context.
pub const SYNTAXES: usize = 64;
/// A DIMSE command set, bytes.
pub const COMMAND_BYTES: usize = 16 << 10;
/// Keys of one query.
pub const QUERY_KEYS: usize = 64;
/// Bytes of one query value.
pub const QUERY_VALUE_BYTES: usize = 1024;
/// Values of one list match.
pub const QUERY_LIST: usize = 256;
