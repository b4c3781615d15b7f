//! Sealing while it streams.

use super::{FOOTER_MAGIC, HEADER, Keys, MAGIC, SUITE, Trailer, VERSION, nonce};
use crate::{Error, Key, aead, ladder};
use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::digest::{Context, SHA256};
use model::limits::{CHUNK_BYTES, OBJECT_BYTES};
use model::{FrameSpan, Id};

/// Seals one object: bytes in, sealed bytes out.
pub struct Sealer {
    keys: Keys,
    cipher: LessSafeKey,
    open: Vec<u8>,
    number: u64,
    len: u64,
    digest: Context,
}

impl Sealer {
    /// Begins; the header is written to `out`.
    ///
    /// # Errors
    /// [`Error::Primitive`] never.
    pub fn new(key: &Key, tenant: &str, object: Id, out: &mut Vec<u8>) -> Result<Self, Error> {
        let keys = Keys::new(key, tenant, object)?;
        let cipher = aead::cipher(&keys.content)?;
        let start = out.len();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[VERSION, SUITE, 0, 0]);
        out.extend_from_slice(&u32::try_from(CHUNK_BYTES).map_err(|_| Error::TooLarge)?.to_be_bytes());
        out.extend_from_slice(&object.0);
        out.extend_from_slice(&ladder::GENERATION.to_be_bytes());
        out.extend_from_slice(&[0; 28]);
        out.extend_from_slice(&keys.commitment);
        let mac = keys.header.mac("gauze/object/1/mac", &[out.get(start..).unwrap_or_default()]);
        out.extend_from_slice(&mac);
        debug_assert_eq!(out.len() - start, HEADER);
        Ok(Self {
            keys,
            cipher,
            open: Vec::with_capacity(CHUNK_BYTES + aead::TAG),
            number: 0,
            len: 0,
            digest: Context::new(&SHA256),
        })
    }

    /// Takes bytes; whole chunks are appended to `out`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`OBJECT_BYTES`].
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.len += bytes.len() as u64;
        if self.len > OBJECT_BYTES {
            return Err(Error::TooLarge);
        }
        self.digest.update(bytes);
        while !bytes.is_empty() {
            // A whole chunk is sealed where it will lie: one copy less.
            if self.open.is_empty()
                && let Some((chunk, rest)) = bytes.split_first_chunk::<CHUNK_BYTES>()
            {
                self.chunk(chunk, out)?;
                bytes = rest;
                continue;
            }
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.open.len()));
            self.open.extend_from_slice(now);
            bytes = rest;
            if self.open.len() == CHUNK_BYTES {
                self.open_chunk(out)?;
            }
        }
        Ok(())
    }

    /// Bytes taken so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Nothing was taken yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Ends: last chunk, trailer and footer are appended to `out`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the frame table is.
    pub fn finish(
        mut self,
        head_len: u64,
        frames: Vec<Vec<FrameSpan>>,
        out: &mut Vec<u8>,
    ) -> Result<Trailer, Error> {
        if !self.open.is_empty() {
            self.open_chunk(out)?;
        }
        let mut digest = [0; 32];
        digest.iter_mut().zip(self.digest.finish().as_ref()).for_each(|(to, from)| *to = *from);
        let trailer = Trailer { len: self.len, head_len, digest, frames };
        let mut sealed = trailer.encode()?;
        let context = self.keys.context(true, self.number);
        self.cipher
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce(true, self.number)),
                Aad::from(context),
                &mut sealed,
            )
            .map_err(|_| Error::Primitive)?;
        out.extend_from_slice(&sealed);
        out.extend_from_slice(FOOTER_MAGIC);
        out.extend_from_slice(&u32::try_from(sealed.len()).map_err(|_| Error::TooLarge)?.to_be_bytes());
        Ok(trailer)
    }

    fn open_chunk(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut open = std::mem::take(&mut self.open);
        self.chunk(&open, out)?;
        open.clear();
        self.open = open;
        Ok(())
    }

    fn chunk(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let context = self.keys.context(false, self.number);
        let nonce = Nonce::assume_unique_for_key(nonce(false, self.number));
        let start = out.len();
        out.extend_from_slice(plain);
        let place = out.get_mut(start..).ok_or(Error::Primitive)?;
        match self.cipher.seal_in_place_separate_tag(nonce, Aad::from(context), place) {
            Ok(tag) => out.extend_from_slice(tag.as_ref()),
            Err(_) => {
                // Nothing plain stays where sealed bytes go.
                out.truncate(start);
                return Err(Error::Primitive);
            }
        }
        self.number += 1;
        Ok(())
    }
}
