//! One-time passwords by time (RFC 6238 over RFC 4226): HMAC-SHA-1, 30 s, six digits. SHA-1 because authenticator apps know
//! nothing else; HMAC does not rest on what is broken in it.

use crate::{Error, Random, same};
use aws_lc_rs::hmac;
use model::Time;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Seconds of one step (RFC 6238 §5.2).
pub const STEP_S: i64 = 30;
/// Digits of a code (RFC 4226 §5.3).
pub const DIGITS: usize = 6;
/// Bytes of a secret (RFC 4226 §4, R6 recommends 160 bits).
pub const SECRET_BYTES: usize = 20;
/// Steps before and after the clock's own (RFC 6238 §5.2 recommends at most one).
const DRIFT: u64 = 1;

/// What an authenticator app and the archive share.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn random(random: &dyn Random) -> Result<Self, Error> {
        let mut secret = Self([0; SECRET_BYTES]);
        random.fill(&mut secret.0)?;
        Ok(secret)
    }

    /// Of bytes that were kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a sealed row only.
    #[must_use]
    pub const fn dangerous_expose(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// As people type it: base32 (RFC 4648 §6). 160 bits need no padding.
    #[must_use]
    pub fn dangerous_base32(&self) -> String {
        base32(&self.0)
    }

    /// The step that a typed code stands for. Each step counts once (RFC 6238 §5.2): steps up to `spent` do not.
    #[must_use]
    pub fn step_of(&self, typed: &str, now: Time, spent: u64) -> Option<u64> {
        let step = u64::try_from(now.seconds().div_euclid(STEP_S)).ok()?;
        let steps = step.saturating_sub(DRIFT)..=step.saturating_add(DRIFT);
        // All are compared: how long it takes says nothing of which one it was.
        let fits = |step: &u64| same(self.code(*step).as_bytes(), typed.as_bytes());
        steps.filter(|step| fits(step) && *step > spent).fold(None, |_, step| Some(step))
    }

    /// The code of a step (RFC 4226 §5.3).
    fn code(&self, step: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let at = tag.as_ref().last().map_or(0, |last| usize::from(last & 0x0F));
        let four =
            tag.as_ref().get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
        let number = u32::from_be_bytes(four) & 0x7FFF_FFFF;
        format!("{:06}", number % 1_000_000)
    }
}

fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letter = |chunk: &[u8], n: usize| {
        let whole =
            chunk.iter().chain(std::iter::repeat(&0)).take(5).fold(0u64, |sum, b| sum << 8 | u64::from(*b));
        let index = usize::try_from(whole >> (35 - 5 * n) & 31).unwrap_or(0);
        char::from(LETTERS.get(index).copied().unwrap_or(b'A'))
    };
    let letters = |chunk: &[u8]| (chunk.len() * 8).div_ceil(5);
    bytes.chunks(5).flat_map(|chunk| (0..letters(chunk)).map(move |n| letter(chunk, n))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of both appendices.
    const SECRET: Secret = Secret(*b"12345678901234567890");

    /// RFC 4226, appendix D: counts 0 to 9.
    #[test]
    fn codes_of_rfc_4226() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (count, code) in (0u64..).zip(expected) {
            assert_eq!(SECRET.code(count), code, "{count}");
        }
    }

    /// RFC 6238, appendix B, SHA1: seconds, and of the eight digits there the last six.
    #[test]
    fn codes_of_rfc_6238() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = Time(0).plus_seconds(seconds);
            let step = u64::try_from(seconds / 30).unwrap();
            assert_eq!(SECRET.step_of(code, now, 0), Some(step), "{seconds}");
            for (drift, good) in [(-60, false), (-30, true), (30, true), (60, false)] {
                let then = now.plus_seconds(drift);
                assert_eq!(SECRET.step_of(code, then, 0).is_some(), good, "{seconds}{drift:+}");
            }
            assert_eq!(SECRET.step_of(code, now, step), None, "a step counts once");
            assert_eq!(SECRET.step_of(code, now, step - 1), Some(step));
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        for typed in ["", "28708", "2870820", " 287082", "287083", "\u{ff12}87082"] {
            assert_eq!(SECRET.step_of(typed, Time(0).plus_seconds(59), 0), None, "{typed:?}");
        }
    }

    /// RFC 4648 §10, without the padding.
    #[test]
    fn base32_of_rfc_4648() {
        for (plain, expected) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), expected);
        }
    }
}
