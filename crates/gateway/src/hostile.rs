//! The doors' parsers of bytes from outside, as the fuzz targets of `xtask` call them.

use crate::dicomweb::stow::multipart::{Multipart, Step};

/// Reads a multipart body that comes in pieces; how many parts it had, or nothing when it is refused.
pub fn multipart<'a>(boundary: &str, pieces: impl Iterator<Item = &'a [u8]>) -> Option<usize> {
    let mut reader = Multipart::new(boundary);
    let mut parts = 0;
    for piece in pieces {
        reader.push(piece);
        loop {
            match reader.step().ok()? {
                Step::More => break,
                Step::Done => return Some(parts),
                Step::PartEnd => parts += 1,
                Step::Part(_) | Step::Data(_) => {}
            }
        }
    }
    None
}

/// Reads an HL7 message, what it asks for, and makes its acknowledgement.
pub fn hl7(bytes: &[u8]) {
    crate::hl7::hostile(bytes);
}

/// Decodes a query string into its pairs.
#[must_use]
pub fn query(text: &str) -> Option<Vec<(String, String)>> {
    crate::http::query::pairs(Some(text)).ok()
}
