//! Sealed rows and bodies: padded, so that their length says little; bound to their place and version.

use crate::key::named;
use crate::{Error, Key, Random, aead};

const FORMAT: u8 = 1;
/// Plaintext of one row, bytes.
pub const ROW_BYTES: usize = 16 << 20;

/// Seals a row: `format(1) ‖ nonce(12) ‖ AES-256-GCM(len: u32 BE ‖ plain ‖ zeros)`. `place` names table, key and version.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::Random`].
pub fn seal(key: &Key, random: &dyn Random, place: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>, Error> {
    if plain.len() > ROW_BYTES {
        return Err(Error::TooLarge);
    }
    let mut padded = Vec::with_capacity(padded_len(plain.len() + 4));
    padded.extend_from_slice(&u32::try_from(plain.len()).map_err(|_| Error::TooLarge)?.to_be_bytes());
    padded.extend_from_slice(plain);
    padded.resize(padded_len(padded.len()), 0);
    let mut out = vec![FORMAT];
    out.append(&mut aead::seal(key, random, &named("gauze/1/row", place), &padded)?);
    Ok(out)
}

/// The reverse.
///
/// # Errors
/// [`Error::Broken`], [`Error::Newer`].
pub fn open(key: &Key, place: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let body = match sealed.split_first() {
        Some((&FORMAT, body)) => body,
        Some(_) => return Err(Error::Newer),
        None => return Err(Error::Broken),
    };
    let mut plain = aead::open(key, &named("gauze/1/row", place), body)?;
    let len = plain.first_chunk::<4>().map(|len| u32::from_be_bytes(*len) as usize).ok_or(Error::Broken)?;
    if len > plain.len() - 4 {
        return Err(Error::Broken);
    }
    plain.drain(..4);
    plain.truncate(len);
    Ok(plain)
}

/// Next of 256 · 1.25ⁿ, rounded to 64: at most a fifth is wasted, and 60 sizes cover everything.
fn padded_len(len: usize) -> usize {
    let mut size = 256;
    while size < len {
        size = (size + size / 4).next_multiple_of(64);
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::tests::Counting;

    #[test]
    fn rows_are_bound_to_their_place_and_their_length_is_hidden() {
        let (key, random) = (Key::from_bytes([1; 32]), Counting::default());
        let sealed = seal(&key, &random, &[b"study", b"1"], b"Doe^Jane").unwrap();
        assert_eq!(open(&key, &[b"study", b"1"], &sealed).unwrap(), b"Doe^Jane");
        assert_eq!(open(&key, &[b"study", b"2"], &sealed), Err(Error::Broken), "an older version put back");
        for len in [0, 1, 100, 252] {
            assert_eq!(seal(&key, &random, &[], &vec![7; len]).unwrap().len(), 1 + aead::OVERHEAD + 256);
        }
        assert_eq!(seal(&key, &random, &[], &vec![0; ROW_BYTES + 1]), Err(Error::TooLarge));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let (key, random) = (Key::from_bytes([1; 32]), Counting::default());
        let sealed = seal(&key, &random, &[b"a"], b"x").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key, &[b"a"], &changed).is_err(), "bit {bit}");
        }
    }
}
