//! SHA-256 of files, and bytes as hexadecimal text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// SHA-256 of a file's content.
///
/// # Errors
/// The system's.
pub fn of_file(path: &Path) -> io::Result<[u8; 32]> {
    let (mut file, mut digest) = (File::open(path)?, crypto::Digest::new());
    let mut buffer = vec![0; model::limits::CHUNK_BYTES];
    loop {
        let len = file.read(&mut buffer)?;
        match buffer.get(..len).filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => digest.update(bytes),
            None => return Ok(digest.finish()),
        }
    }
}

/// Two small digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
