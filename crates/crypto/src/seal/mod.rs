//! The sealed object (docs/formats/sealed-object.md): a header that commits to its key, chunks of 64 KiB, a sealed trailer
//! with length, frame table and digest, a footer of 8 bytes. Sans-I/O: it is sealed while it streams in, and a range is
//! opened without the rest.

mod opener;
mod sealer;
mod trailer;

pub use opener::Opener;
pub use sealer::Sealer;
pub use trailer::{SEALED_TRAILER_BYTES, Trailer};

use crate::{Error, Key, aead};
use model::Id;
use model::limits::CHUNK_BYTES;

/// Bytes of the header.
pub const HEADER: usize = 128;
/// Bytes of the footer: `GZTL` and the length of the sealed trailer, u32 BE.
pub const FOOTER: usize = 8;

const MAGIC: &[u8; 8] = b"GAUZEOBJ";
const FOOTER_MAGIC: &[u8; 4] = b"GZTL";
const VERSION: u8 = 1;
/// AES-256-GCM, HKDF-SHA-256, HMAC-SHA-256.
const SUITE: u8 = 1;
/// A chunk with its tag.
const SEALED_CHUNK: u64 = (CHUNK_BYTES + aead::TAG) as u64;

/// Keys of one object, all derived from its object key and its place.
struct Keys {
    content: Key,
    commitment: [u8; 32],
    header: Key,
    place: Vec<u8>,
}

impl Keys {
    fn new(key: &Key, tenant: &str, object: Id) -> Result<Self, Error> {
        let place: [&[u8]; 2] = [tenant.as_bytes(), &object.0];
        Ok(Self {
            content: key.derive("gauze/object/1/content", &place)?,
            // AES-GCM alone does not commit to its key: without this one file could open to two pictures
            // (Grubbs et al., CRYPTO 2017).
            commitment: key.mac("gauze/object/1/commitment", &place),
            header: key.derive("gauze/object/1/header", &place)?,
            place: crate::key::named("gauze/object/1", &place),
        })
    }

    /// Associated data: place, kind of chunk, its number.
    fn context(&self, last: bool, number: u64) -> Vec<u8> {
        let mut out = self.place.clone();
        out.push(u8::from(last));
        out.extend_from_slice(&number.to_be_bytes());
        out
    }
}

/// A counter and the last-chunk flag (STREAM, Hoang et al., CRYPTO 2015); the key is this object's alone.
fn nonce(last: bool, number: u64) -> [u8; aead::NONCE] {
    let mut nonce = [0; aead::NONCE];
    if let Some((flag, rest)) = nonce.split_first_mut() {
        *flag = u8::from(last);
        rest.iter_mut().skip(3).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    }
    nonce
}

/// Key of the sidecar (mosaic layer): lives and dies with the object's.
///
/// # Errors
/// [`Error::Primitive`] never.
pub fn sidecar_key(key: &Key, object: Id) -> Result<Key, Error> {
    key.derive("gauze/object/1/sidecar", &[&object.0])
}

/// Key of the mosaic's noise.
///
/// # Errors
/// [`Error::Primitive`] never.
pub fn noise_key(key: &Key, object: Id) -> Result<Key, Error> {
    key.derive("gauze/object/1/noise", &[&object.0])
}

#[cfg(test)]
pub(crate) mod tests;
