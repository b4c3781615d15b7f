//! Every bound has a name here and a test at bound plus one where it is used.

/// A DICOM header up to the pixel data, bytes.
pub const HEADER_BYTES: usize = 16 << 20;
/// One object, bytes. Larger ones are refused while they stream.
pub const OBJECT_BYTES: u64 = 4 << 30;
/// Objects up to this size go into the intake log itself; larger ones to a file of their own first.
pub const INLINE_OBJECT_BYTES: usize = 8 << 20;
/// Plaintext bytes of one chunk of a sealed object.
pub const CHUNK_BYTES: usize = 64 << 10;
/// One decoded frame, bytes; a larger one is never decoded (a bomb is refused before it is unpacked).
pub const FRAME_BYTES: usize = 512 << 20;
/// One encoded frame, bytes.
pub const ENCODED_FRAME_BYTES: usize = 256 << 20;
/// Frames in one object.
pub const FRAMES: u32 = 100_000;
/// Rows or columns of a frame.
pub const FRAME_SIDE: u32 = 65_535;
/// Depth of nested sequences in a data set.
pub const SEQUENCE_DEPTH: usize = 16;
/// Elements in one header, nested ones included.
pub const ELEMENTS: usize = 200_000;
/// One attribute value kept in the index, bytes.
pub const INDEXED_VALUE_BYTES: usize = 1024;
/// Items of one sequence kept in the index.
pub const INDEXED_ITEMS: usize = 16;
/// Regions in one mask set or found on one instance.
pub const REGIONS: usize = 256;
/// Regions that one masked frame is laid over with: what was found, and what the patient and all others drew and wish.
pub const PLANNED_REGIONS: usize = 5 * REGIONS;
/// Corners of one region's polygon.
pub const POLYGON_CORNERS: usize = 2048;
/// Planes of bits in one segmentation.
pub const MASK_PLANES: usize = 4096;
/// Bytes of all planes of one segmentation.
pub const MASK_PLANE_BYTES: u64 = 1 << 30;
/// Bytes of all planes of a segmentation that is read.
pub const BROUGHT_BYTES: u64 = 256 << 20;
/// Bytes of one of them: 64 million pixels.
pub const BROUGHT_PLANE_BYTES: u64 = 8 << 20;
/// Answers to one query; more need paging.
pub const MATCHES: usize = 1000;
/// Frames asked for in one request.
pub const FRAMES_PER_REQUEST: usize = 1000;
/// One JSON request body, bytes.
pub const JSON_BODY_BYTES: usize = 1 << 20;
/// Instances in one STOW request.
pub const STOW_PARTS: usize = 10_000;
/// Room kept for this many ledger entries, so that a full disk stops storing and not reading.
pub const RESERVED_ENTRIES: u64 = 100_000;
/// One sealed ledger body, bytes.
pub const LEDGER_BODY_BYTES: usize = 8 << 10;
/// Side of a rendered picture, pixels.
pub const RENDERED_SIDE: u32 = 8192;
/// A reason given by a person, bytes of UTF-8.
pub const REASON_BYTES: usize = 500;
/// Instances that one rejection names.
pub const REJECTED: usize = 10_000;
/// Studies that one change puts right; each has its own ledger entry.
pub const RIGHTED_STUDIES: usize = 1000;
/// Objects whose keys one change re-wraps.
pub const RIGHTED_OBJECTS: usize = 50_000;
/// One message on a line between processes, bytes; longer content flows as chunks.
pub const MESSAGE_BYTES: usize = 24 << 20;
