//! AES-256-GCM (SP 800-38D) with the nonce beside the ciphertext. Every caller derives a key per place or draws the nonce,
//! so that a nonce never meets the same key twice.

use crate::{Error, Key, Random};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// Bytes that a nonce and a tag add.
pub const OVERHEAD: usize = NONCE + TAG;
pub(crate) const NONCE: usize = 12;
pub(crate) const TAG: usize = 16;

pub(crate) fn cipher(key: &Key) -> Result<LessSafeKey, Error> {
    UnboundKey::new(&AES_256_GCM, key.dangerous_expose()).map(LessSafeKey::new).map_err(|_| Error::Primitive)
}

/// `nonce ‖ ciphertext ‖ tag` under a random nonce: at most 2³² times per key.
///
/// # Errors
/// [`Error::Random`], [`Error::Primitive`].
pub fn seal(key: &Key, random: &dyn Random, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; NONCE];
    random.fill(&mut nonce)?;
    let mut body = plain.to_vec();
    cipher(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
        .map_err(|_| Error::Primitive)?;
    let mut out = nonce.to_vec();
    out.append(&mut body);
    Ok(out)
}

/// The reverse.
///
/// # Errors
/// [`Error::Broken`] when a bit of key, context or bytes differs.
pub fn open(key: &Key, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let (nonce, body) = sealed.split_at_checked(NONCE).ok_or(Error::Broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Broken)?;
    let mut body = body.to_vec();
    let len =
        cipher(key)?.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_| Error::Broken)?.len();
    body.truncate(len);
    Ok(body)
}
