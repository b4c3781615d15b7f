//! Opening ranges. Nothing of a chunk is given out before its tag was checked, and nothing at all before header,
//! commitment, trailer and length agree.

use super::{
    FOOTER, FOOTER_MAGIC, HEADER, Keys, MAGIC, SEALED_CHUNK, SEALED_TRAILER_BYTES, SUITE, Trailer, VERSION,
    nonce,
};
use crate::{Error, Key, aead, same};
use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use model::Id;
use model::limits::CHUNK_BYTES;
use std::ops::Range;

/// An object whose header, key and trailer agree.
pub struct Opener {
    keys: Keys,
    cipher: LessSafeKey,
    trailer: Trailer,
}

impl Opener {
    /// Where the sealed trailer lies, from the file's length and its last [`FOOTER`] bytes.
    ///
    /// # Errors
    /// [`Error::Broken`] when the file was cut.
    pub fn trailer_span(file_len: u64, footer: &[u8]) -> Result<Range<u64>, Error> {
        let (magic, len) = footer.split_first_chunk::<4>().ok_or(Error::Broken)?;
        let len = <[u8; 4]>::try_from(len).map(u32::from_be_bytes).map_err(|_| Error::Broken)?;
        let end = file_len.checked_sub(FOOTER as u64).ok_or(Error::Broken)?;
        let start = end.checked_sub(u64::from(len)).filter(|s| *s >= HEADER as u64).ok_or(Error::Broken)?;
        if magic != FOOTER_MAGIC || len as usize > SEALED_TRAILER_BYTES {
            return Err(Error::Broken);
        }
        Ok(start..end)
    }

    /// Checks header and trailer (the bytes of [`Opener::trailer_span`]) for this key, tenant and object.
    ///
    /// # Errors
    /// [`Error::Broken`], [`Error::Newer`].
    pub fn new(
        key: &Key,
        (tenant, object): (&str, Id),
        header: &[u8],
        mut sealed: Vec<u8>,
        file_len: u64,
    ) -> Result<Self, Error> {
        let keys = Keys::new(key, tenant, object)?;
        check_header(header, &keys, object)?;
        let cipher = aead::cipher(&keys.content)?;
        let chunks_end = file_len
            .checked_sub((FOOTER + sealed.len()) as u64)
            .and_then(|end| end.checked_sub(HEADER as u64))
            .ok_or(Error::Broken)?;
        let number = chunks_end.div_ceil(SEALED_CHUNK);
        let context = keys.context(true, number);
        let nonce = Nonce::assume_unique_for_key(nonce(true, number));
        let plain =
            cipher.open_in_place(nonce, Aad::from(context), &mut sealed).map_err(|_| Error::Broken)?;
        let trailer = Trailer::decode(plain)?;
        let expected = trailer
            .len
            .div_ceil(CHUNK_BYTES as u64)
            .checked_mul(aead::TAG as u64)
            .and_then(|tags| tags.checked_add(trailer.len));
        if expected != Some(chunks_end) || trailer.head_len > trailer.len {
            return Err(Error::Broken);
        }
        Ok(Self { keys, cipher, trailer })
    }

    /// Length, frame table, digest.
    #[must_use]
    pub const fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    /// Numbers of the chunks that hold these bytes of the object.
    ///
    /// # Errors
    /// [`Error::Broken`] for a range that is not within the object.
    pub fn chunks(&self, range: &Range<u64>) -> Result<Range<u64>, Error> {
        if range.start > range.end || range.end > self.trailer.len {
            return Err(Error::Broken);
        }
        let size = CHUNK_BYTES as u64;
        Ok(if range.is_empty() { 0..0 } else { range.start / size..range.end.div_ceil(size) })
    }

    /// Where chunk `number` lies in the file.
    #[must_use]
    pub fn chunk_span(&self, number: u64) -> Range<u64> {
        let start = HEADER as u64 + number * SEALED_CHUNK;
        let plain = (self.trailer.len - number * CHUNK_BYTES as u64).min(CHUNK_BYTES as u64);
        start..start + plain + aead::TAG as u64
    }

    /// Opens chunk `number` in place; answers its plain length.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub fn open_chunk(&self, number: u64, bytes: &mut [u8]) -> Result<usize, Error> {
        let context = self.keys.context(false, number);
        let nonce = Nonce::assume_unique_for_key(nonce(false, number));
        self.cipher
            .open_in_place(nonce, Aad::from(context), bytes)
            .map(|plain| plain.len())
            .map_err(|_| Error::Broken)
    }
}

fn check_header(header: &[u8], keys: &Keys, object: Id) -> Result<(), Error> {
    let (signed, mac) = header.split_at_checked(HEADER - 32).ok_or(Error::Broken)?;
    let field = |range: Range<usize>| signed.get(range).unwrap_or_default();
    if field(0..8) != MAGIC {
        return Err(Error::Broken);
    }
    if field(8..10) != [VERSION, SUITE] {
        return Err(Error::Newer);
    }
    let expected = keys.header.mac("gauze/object/1/mac", &[signed]);
    let good = same(field(64..96), &keys.commitment)
        && same(mac, &expected)
        && field(16..32) == object.0
        && field(12..16) == u32::try_from(CHUNK_BYTES).map_err(|_| Error::Broken)?.to_be_bytes();
    if good { Ok(()) } else { Err(Error::Broken) }
}
