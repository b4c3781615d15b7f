//! The table: which transfer syntax is decoded by what.

use crate::Result;
use crate::adapters::{deflated, jpeg, jpeg2000, native, rle};
use crate::samples::Raw;
use model::ImageInfo;

/// Unpacks one frame whose header was checked.
pub type Decoder = fn(&ImageInfo, &[u8]) -> Result<Raw>;

struct Row {
    uid: &'static str,
    decoder: Decoder,
    /// The codestream has a colour transform of its own (JPEG, JPEG 2000): what comes out is RGB.
    colour: bool,
}

const fn row(uid: &'static str, decoder: Decoder) -> Row {
    Row { uid, decoder, colour: false }
}

const fn coloured(uid: &'static str, decoder: Decoder) -> Row {
    Row { uid, decoder, colour: true }
}

/// PS3.5 §10 and annex A. JPEG-LS, JPEG XL, video and 12-bit JPEG have no row: they are refused, never guessed.
const TABLE: &[Row] = &[
    // Implicit and Explicit VR Little Endian.
    row("1.2.840.10008.1.2", native::little),
    row("1.2.840.10008.1.2.1", native::little),
    // Deflated Explicit VR Little Endian: the data set was inflated when its frames were cut.
    row("1.2.840.10008.1.2.1.99", native::little),
    // Explicit VR Big Endian (retired).
    row("1.2.840.10008.1.2.2", native::big),
    row("1.2.840.10008.1.2.5", rle::decode),
    // Deflated Image Frame (PS3.5 A.4.13).
    row("1.2.840.10008.1.2.8.1", deflated::decode),
    // JPEG Baseline, Extended (8 bits), Full Progression (retired, 8 bits), Lossless, Lossless SV1.
    coloured("1.2.840.10008.1.2.4.50", jpeg::decode),
    coloured("1.2.840.10008.1.2.4.51", jpeg::decode),
    coloured("1.2.840.10008.1.2.4.55", jpeg::decode),
    coloured("1.2.840.10008.1.2.4.57", jpeg::decode),
    coloured("1.2.840.10008.1.2.4.70", jpeg::decode),
    // JPEG 2000 Lossless, JPEG 2000, HTJ2K Lossless, HTJ2K Lossless RPCL, HTJ2K.
    coloured("1.2.840.10008.1.2.4.90", jpeg2000::decode),
    coloured("1.2.840.10008.1.2.4.91", jpeg2000::decode),
    coloured("1.2.840.10008.1.2.4.201", jpeg2000::decode),
    coloured("1.2.840.10008.1.2.4.202", jpeg2000::decode),
    coloured("1.2.840.10008.1.2.4.203", jpeg2000::decode),
];

fn find(uid: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.uid == uid)
}

/// The decoder of a transfer syntax.
pub fn decoder(uid: &str) -> Option<Decoder> {
    find(uid).map(|row| row.decoder)
}

/// Whether codestreams of this syntax carry their own colour transform.
pub fn stores_colour(uid: &str) -> bool {
    find(uid).is_some_and(|row| row.colour)
}

/// Whether frames of this transfer syntax are decoded at all.
#[must_use]
pub fn decodes(transfer_syntax: &str) -> bool {
    find(transfer_syntax).is_some()
}

/// All transfer syntaxes that are decoded.
pub fn syntaxes() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.uid)
}
