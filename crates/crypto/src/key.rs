//! 256-bit secrets and what is derived from them: HKDF-SHA-256 (RFC 5869), HMAC-SHA-256 (RFC 2104).

use crate::Error;
use aws_lc_rs::{constant_time, digest, hkdf, hmac};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Where random bytes come from. The system's generator in the product, a fixed one in vectors.
pub trait Random: Send + Sync {
    /// Fills `out` with bytes that nobody can guess.
    ///
    /// # Errors
    /// [`Error::Random`]; whoever asked must not go on.
    fn fill(&self, out: &mut [u8]) -> Result<(), Error>;
}

/// A 256-bit secret.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    /// A new random key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn random(random: &dyn Random) -> Result<Self, Error> {
        let mut key = Self([0; 32]);
        random.fill(&mut key.0)?;
        Ok(key)
    }

    /// Of bytes that came from a key source or a wrap.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for wrapping and for key sources only.
    #[must_use]
    pub const fn dangerous_expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Derives the key that `label` and `parts` name. Parts are length-prefixed: no two lists read alike.
    ///
    /// # Errors
    /// [`Error::Primitive`] never with these lengths.
    pub fn derive(&self, label: &str, parts: &[&[u8]]) -> Result<Self, Error> {
        let info = named(label, parts);
        let secret = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &self.0);
        let mut out = Self([0; 32]);
        let info = [info.as_slice()];
        secret
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out.0))
            .map_err(|_| Error::Primitive)?;
        Ok(out)
    }

    /// Keyed hash of a labelled list.
    #[must_use]
    pub fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, &named(label, parts));
        let mut out = [0; 32];
        out.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        out
    }
}

/// `label ‖ 0 ‖ (len: u32 BE ‖ part)*`
pub(crate) fn named(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(label.len() + 1 + parts.iter().map(|p| p.len() + 4).sum::<usize>());
    out.extend_from_slice(label.as_bytes());
    out.push(0);
    for part in parts {
        out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// SHA-256 (FIPS 180-4) of what comes in pieces.
pub struct Digest(digest::Context);

impl Digest {
    /// Of nothing yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a digest is begun on purpose")]
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Takes in bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of all of them.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        let mut out = [0; 32];
        out.iter_mut().zip(self.0.finish().as_ref()).for_each(|(to, from)| *to = *from);
        out
    }
}

/// Equal, in a time that does not tell where they differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// SHA-256 (FIPS 180-4).
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let hash = digest::digest(&digest::SHA256, bytes);
    let mut out = [0; 32];
    out.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// Expected value from `openssl dgst -sha256 -mac HMAC -macopt hexkey:00…1f`.
    #[test]
    fn mac_is_hmac_sha256_of_the_named_list() {
        let key = Key::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap()));
        let expected = hex("3ee042580962e28f13d1004d1c791ef36874caf91663995f464d7da465e36502");
        assert_eq!(key.mac("gauze/test", &[b"a", b"bc"]).to_vec(), expected);
    }

    /// Expected value computed from RFC 5869's text with Python's `hmac` (expand step only, our keys are uniform).
    #[test]
    fn derive_is_hkdf_expand_of_the_named_list() {
        let key = Key::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap()));
        let expected = hex("18b1e46f95458fa8099af85feaf08e37b8642c536035ec5edde40e74876f4ca1");
        assert_eq!(key.derive("gauze/test", &[b"a", b"bc"]).unwrap().0.to_vec(), expected);
    }

    #[test]
    fn lists_never_read_alike() {
        let key = Key::from_bytes([1; 32]);
        assert_ne!(key.mac("l", &[b"ab", b"c"]), key.mac("l", &[b"a", b"bc"]));
        assert_ne!(key.mac("l", &[b"a"]), key.mac("l", &[b"a", b""]));
        assert_ne!(key.mac("l", &[b""]), key.mac("l", &[]));
    }
}
