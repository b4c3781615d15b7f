//! The table: which transfer syntax is decoded by what.

use crate::adapters::{deflated, jpeg, jpeg2000, jpegls, jpegxl, native, rle};
use crate::samples::Raw;
use crate::{Deadline, Result};
use model::ImageInfo;

/// Unpacks one frame whose header was checked.
pub type Decoder = fn(&ImageInfo, &[u8], &Deadline<'_>) -> Result<Raw>;

/// A transfer syntax of PS3.6 table A-1 that an object may be stored in.
#[derive(Clone, Copy)]
pub struct Syntax {
    /// Its UID.
    pub uid: &'static str,
    /// Its name, without what the standard adds of profiles and processes.
    pub name: &'static str,
    /// What is not decoded, or from where.
    pub note: &'static str,
    decoder: Option<Decoder>,
    /// The codestream has a colour transform of its own (JPEG, JPEG 2000, JPEG XL): what comes out is RGB.
    colour: bool,
}

impl Syntax {
    /// Frames are decoded.
    #[must_use]
    pub const fn decoded(&self) -> bool {
        self.decoder.is_some()
    }

    /// Masked and decoded frames, and derived files, are written in it.
    #[must_use]
    pub fn encoded(&self) -> bool {
        self.uid == WRITTEN
    }

    /// A masked grant gets frames of such objects: what is decoded is redacted before it leaves.
    #[must_use]
    pub const fn masked(&self) -> bool {
        self.decoded()
    }
}

impl std::fmt::Debug for Syntax {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Explicit VR Little Endian: what redacted samples are written in.
const WRITTEN: &str = "1.2.840.10008.1.2.1";

/// See [`crate::edit_jpeg`].
const EDITED: &str = "masked in its coefficients as well: other blocks leave as they are coded";

const fn row(uid: &'static str, name: &'static str, decoder: Decoder) -> Syntax {
    Syntax { uid, name, note: "", decoder: Some(decoder), colour: false }
}

const fn coloured(uid: &'static str, name: &'static str, decoder: Decoder) -> Syntax {
    Syntax { uid, name, note: "", decoder: Some(decoder), colour: true }
}

const fn stored(uid: &'static str, name: &'static str) -> Syntax {
    Syntax { uid, name, note: "stored; withheld from masked grants", decoder: None, colour: false }
}

const fn noted(syntax: Syntax, note: &'static str) -> Syntax {
    Syntax { note, ..syntax }
}

/// PS3.5 §10 and annex A.
const TABLE: &[Syntax] = &[
    row("1.2.840.10008.1.2", "Implicit VR Little Endian", native::little),
    row(WRITTEN, "Explicit VR Little Endian", native::little),
    row("1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian", native::little),
    noted(
        row("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", native::little),
        "the data set is inflated in the worker, up to 64 MiB and 64 frames",
    ),
    row("1.2.840.10008.1.2.2", "Explicit VR Big Endian (retired)", native::big),
    row("1.2.840.10008.1.2.5", "RLE Lossless", rle::decode),
    row("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", deflated::decode),
    noted(coloured("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)", jpeg::decode), EDITED),
    noted(
        coloured("1.2.840.10008.1.2.4.51", "JPEG Extended (Processes 2 and 4)", jpeg::decode),
        "8 and 12 bits; of 12 bits without subsampled colour; masked in its coefficients as well",
    ),
    noted(
        coloured("1.2.840.10008.1.2.4.55", "JPEG Full Progression (retired)", jpeg::decode),
        "8 bits; 12 bits are stored only",
    ),
    row("1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)", jpeg::decode),
    row("1.2.840.10008.1.2.4.70", "JPEG Lossless, First-Order Prediction", jpeg::decode),
    row("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", jpegls::decode),
    row("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", jpegls::decode),
    coloured("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless Only", jpeg2000::decode),
    coloured("1.2.840.10008.1.2.4.91", "JPEG 2000", jpeg2000::decode),
    coloured("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless Only", jpeg2000::decode),
    coloured(
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 with RPCL, Lossless Only",
        jpeg2000::decode,
    ),
    coloured("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", jpeg2000::decode),
    coloured("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", jpegxl::decode),
    coloured("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", jpegxl::decode),
    coloured("1.2.840.10008.1.2.4.112", "JPEG XL", jpegxl::decode),
    stored("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Lossless Only"),
    stored("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2"),
    stored("1.2.840.10008.1.2.4.94", "JPIP Referenced"),
    stored("1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate"),
    stored("1.2.840.10008.1.2.4.204", "JPIP HTJ2K Referenced"),
    stored("1.2.840.10008.1.2.4.205", "JPIP HTJ2K Referenced Deflate"),
    stored("1.2.840.10008.1.2.4.100", "MPEG-2 Main Profile / Main Level"),
    stored("1.2.840.10008.1.2.4.100.1", "Fragmentable MPEG-2 Main Profile / Main Level"),
    stored("1.2.840.10008.1.2.4.101", "MPEG-2 Main Profile / High Level"),
    stored("1.2.840.10008.1.2.4.101.1", "Fragmentable MPEG-2 Main Profile / High Level"),
    stored("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    stored("1.2.840.10008.1.2.4.102.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    stored("1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
    stored(
        "1.2.840.10008.1.2.4.103.1",
        "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
    ),
    stored("1.2.840.10008.1.2.4.104", "MPEG-4 AVC/H.264 High Profile / Level 4.2 for 2D Video"),
    stored(
        "1.2.840.10008.1.2.4.104.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 for 2D Video",
    ),
    stored("1.2.840.10008.1.2.4.105", "MPEG-4 AVC/H.264 High Profile / Level 4.2 for 3D Video"),
    stored(
        "1.2.840.10008.1.2.4.105.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 for 3D Video",
    ),
    stored("1.2.840.10008.1.2.4.106", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
    stored("1.2.840.10008.1.2.4.106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
    stored("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile / Level 5.1"),
    stored("1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10 Profile / Level 5.1"),
];

fn find(uid: &str) -> Option<&'static Syntax> {
    TABLE.iter().find(|row| row.uid == uid)
}

/// The decoder of a transfer syntax.
pub fn decoder(uid: &str) -> Option<Decoder> {
    find(uid).and_then(|row| row.decoder)
}

/// Whether codestreams of this syntax carry their own colour transform.
pub fn stores_colour(uid: &str) -> bool {
    find(uid).is_some_and(|row| row.colour)
}

/// Whether frames of this transfer syntax are decoded at all.
#[must_use]
pub fn decodes(transfer_syntax: &str) -> bool {
    decoder(transfer_syntax).is_some()
}

/// All transfer syntaxes known here, decoded or only stored.
#[must_use]
pub const fn table() -> &'static [Syntax] {
    TABLE
}

/// All transfer syntaxes that are decoded.
pub fn syntaxes() -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(|row| row.decoded()).map(|row| row.uid)
}
