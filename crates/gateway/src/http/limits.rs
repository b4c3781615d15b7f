//! Bounds of the HTTP door beside `model::limits`.

use std::time::Duration;

/// Connections at once; one more is closed before a byte is read.
pub const CONNECTIONS: usize = 512;
/// Connections at once from one address.
pub const CONNECTIONS_OF_ONE: usize = 128;
/// Until the TLS handshake is done.
pub const HANDSHAKE: Duration = Duration::from_secs(10);
/// Until a request's head is complete (slowloris), and between two requests of HTTP/1.1.
pub const HEAD: Duration = Duration::from_secs(15);
/// A connection without a request in flight ends after this.
pub const IDLE: Duration = Duration::from_secs(75);
/// A connection whose requests make no step, in either direction, ends after this.
pub const STALL: Duration = Duration::from_secs(120);
/// Silence within a request's body.
pub const BODY_SILENCE: Duration = Duration::from_secs(30);
/// Waiting that a body may cost before its rate counts.
pub const BODY_GRACE: Duration = Duration::from_secs(30);
/// Least rate of a body after that, bytes a second.
pub const BODY_RATE: u64 = 1024;
/// The vault's answer to a call without a stream.
pub const CALL: Duration = Duration::from_secs(90);
/// Head of an HTTP/1.1 request, bytes.
pub const HEAD_BYTES: usize = 64 << 10;
/// Header fields of one request.
pub const HEADERS: usize = 64;
/// Header list of an HTTP/2 request, bytes.
pub const HEADER_LIST_BYTES: u32 = 32 << 10;
/// Requests at once on one HTTP/2 connection.
pub const REQUESTS: u32 = 64;
/// Path and query, bytes.
pub const URI_BYTES: usize = 16 << 10;
/// Parameters of one query.
pub const QUERY_PAIRS: usize = 128;
/// Ranges of one `Accept`.
pub const ACCEPTED: usize = 32;
/// Uploads at once: each may hold a header of [`model::limits::HEADER_BYTES`]. More wait.
pub const UPLOADS: usize = 12;
/// Of these, of one caller.
pub const UPLOADS_OF_ONE: usize = 6;
/// How long an upload waits for its turn.
pub const UPLOAD_TURN: Duration = Duration::from_secs(60);
/// DICOM JSON of one upload, bytes: in memory it is up to thirty times as large.
pub const STOW_JSON_BYTES: usize = 4 << 20;
/// Headers of one part of an upload, bytes.
pub const PART_HEADERS_BYTES: usize = 8 << 10;
/// A multipart boundary. RFC 2046 §5.1.1 allows 70 characters; Orthanc sends 73.
pub const BOUNDARY_BYTES: usize = 128;
/// What stands before the first boundary of an upload, bytes.
pub const PREAMBLE_BYTES: usize = 4 << 10;
/// Bytes of a refused upload that are still read, so that the client sees the answer.
pub const DRAIN_BYTES: u64 = 4 << 20;
/// Waiting for them.
pub const DRAIN: Duration = Duration::from_secs(2);
/// Chunks between a stream and its connection.
pub const WINDOW: usize = 4;
/// From the wish to stop until connections are cut.
pub const STOP: Duration = Duration::from_millis(2500);
/// One cookie or bearer token, bytes.
pub const TOKEN_BYTES: usize = 256;
/// `User-Agent` that is recorded, bytes.
pub const SOFTWARE_BYTES: usize = 128;
/// One entity tag that a client names, bytes.
pub const ENTITY_TAG_BYTES: usize = 64;
/// Entity tags of one request.
pub const ENTITY_TAGS: usize = 32;
