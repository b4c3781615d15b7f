//! Bounds of this crate beside `model::limits`.

/// A deflated data set, inflated, bytes.
pub const INFLATED_BYTES: usize = 64 << 20;
/// Frames of a deflated data set: each is inflated with all the others.
pub const DEFLATED_FRAMES: usize = 64;
/// Fragments of one object's encapsulated pixel data.
pub const FRAGMENTS: usize = 400_000;
/// Palette entries of one colour.
pub const PALETTE_ENTRIES: usize = 65_536;
/// Smallest and largest maximum PDU length that is offered (PS3.8 D.1).
pub const PDU_MIN: u32 = 16 << 10;
/// Largest PDU accepted, whatever was offered.
pub const PDU_MAX: u32 = 1 << 20;
/// Largest PDU sent, whatever the peer takes.
pub const PDU_OUT: u32 = 128 << 10;
/// A peer that takes less than this is sent this much all the same: nothing works below.
pub const PDU_SMALLEST: u32 = 64;
/// An association request or answer, bytes.
pub const ASSOCIATE_BYTES: usize = 128 << 10;
/// Presentation contexts in one request (odd identifiers of one byte, PS3.8 9.3.2.2).
pub const CONTEXTS: usize = 128;
/// Transfer syntaxes proposed in one context.
pub const SYNTAXES: usize = 64;
/// Service class application information of one class that is looked at, bytes.
pub const EXTENDED_BYTES: usize = 32;
/// The identifier of a query, a retrieval or a commitment, bytes.
pub const IDENTIFIER_BYTES: usize = 4 << 20;
/// Elements of an identifier, nested ones included.
pub const IDENTIFIER_ELEMENTS: usize = 100_000;
/// A DIMSE command set, bytes.
pub const COMMAND_BYTES: usize = 16 << 10;
/// Keys of one query.
pub const QUERY_KEYS: usize = 64;
/// Bytes of one query value.
pub const QUERY_VALUE_BYTES: usize = 1024;
/// Values of one list match.
pub const QUERY_LIST: usize = 256;
/// File meta information of an object that is sent, bytes.
pub const META_BYTES: usize = 1 << 20;
/// Unique identifiers in one key of a retrieval.
pub const RETRIEVE_UIDS: usize = 10_000;
/// Instances in one request of storage commitment.
pub const COMMITMENT_REFERENCES: usize = 10_000;
