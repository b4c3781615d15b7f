//! `docs/codecs.md`, written from the codec registry and never by hand.

use std::path::{Path, PathBuf};

const HEAD: &str = "# Transfer syntaxes

Written by `cargo xtask codecs` from the table in `crates/codec/src/registry.rs`; `cargo xtask tidy` fails when this page and the table
disagree.

Every object is stored and given back bit for bit, whatever its transfer syntax. *Decode*: frames are turned into samples, so that the
object is examined at arrival, shown as a picture, and given as native samples. *Encode*: what was decoded or masked is written in it.
*Mask*: a masked grant gets the object, with the hidden pixels destroyed; without it the object is withheld from masked grants.

| Transfer syntax | UID | Decode | Encode | Mask | Remark |
|---|---|---|---|---|---|
";

const TAIL: &str = "
Samples that are decoded: 1, 8, 16 and 32 bits allocated (32 only native, RLE and deflated), signed or not, one or three of them a
pixel, any number of bits stored. Not decoded: float and double float pixel data, `YBR_PARTIAL_420`, palettes in JPEG-LS streams.

Limits, each compared before anything is unpacked: a frame decodes to at most 512 MiB and is encoded in at most 256 MiB; a side has at
most 65,535 pixels; size, depth and components of the codestream must be those of the header; a codestream must have the bytes that its
frame needs at the best ratio of its syntax; scans, tiles, precincts, layers and frames within it are counted. A frame has 60 seconds;
decoders look at the time at each row, block row or 4 KiB of input, but for OpenJPEG (JPEG 2000, HTJ2K) and the rendering of JPEG XL:
there the limits above bound the time, and a worker's place stays taken until they end.
";

/// The page as the registry has it.
#[must_use]
pub fn page() -> String {
    let mark = |yes: bool| if yes { "yes" } else { "–" };
    let mut page = String::from(HEAD);
    for row in codec::table() {
        let cells = [mark(row.decoded()), mark(row.encoded()), mark(row.masked())].join(" | ");
        page.push_str(&format!("| {} | {} | {cells} | {} |\n", row.name, row.uid, row.note));
    }
    page.push_str(TAIL);
    page
}

/// Where it stands.
#[must_use]
pub fn path(root: &Path) -> PathBuf {
    root.join("docs/codecs.md")
}

/// What differs.
#[must_use]
pub fn check(root: &Path) -> Vec<String> {
    match std::fs::read_to_string(path(root)) {
        Ok(text) if text == page() => Vec::new(),
        _ => vec!["docs/codecs.md: not what the registry says; run `cargo xtask codecs`".to_owned()],
    }
}
