//! Pseudonyms: keyed, so that only who has the project's key can tell whose they are; stable within the project.

use aws_lc_rs::hmac;
use model::Uid;

fn mac(key: &[u8; 32], label: &str, name: &str) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, format!("{label}\0{name}").as_bytes());
    let mut out = [0; 32];
    out.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// `2.25.` and 122 bits as a decimal number (PS3.5 §B.2: derived from a UUID of version 8, RFC 9562 §5.8).
fn uid(bits: [u8; 32]) -> Uid {
    let mut number = bits.iter().take(16).fold(0u128, |n, byte| n << 8 | u128::from(*byte));
    number = number & !(0xF << 76) | 8 << 76;
    number = number & !(0b11 << 62) | 0b10 << 62;
    let text = format!("2.25.{number}");
    // A number of at most 39 digits after `2.25.` is always a UID.
    text.parse().unwrap_or_else(|_| uid([0; 32]))
}

/// The project's UID for one of ours.
#[must_use]
pub fn pseudonymous_uid(key: &[u8; 32], original: &Uid) -> Uid {
    uid(mac(key, "uid", original.as_str()))
}

/// The UID of an instance that masking derives, from a stable name of object and mask version.
#[must_use]
pub fn derived_uid(key: &[u8; 32], name: &str) -> Uid {
    uid(mac(key, "derived", name))
}

/// The project's number for a patient.
#[must_use]
pub fn pseudonymous_patient(key: &[u8; 32], name: &str) -> String {
    let digits: String = mac(key, "patient", name).iter().take(8).map(|b| format!("{b:02X}")).collect();
    format!("P-{digits}")
}

/// The project's title of an application entity.
#[must_use]
pub fn pseudonymous_title(key: &[u8; 32], title: &str) -> String {
    let digits: String = mac(key, "title", title).iter().take(6).map(|b| format!("{b:02X}")).collect();
    format!("AE-{digits}")
}

/// Days by which the project moves a patient's dates: 1 to 365, earlier or later.
#[must_use]
pub fn pseudonymous_days(key: &[u8; 32], name: &str) -> i64 {
    let number = mac(key, "days", name).iter().take(8).fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    // Of 2^64 numbers over 730 none is noticeably likelier.
    let days = i64::try_from(number % 730).unwrap_or_default();
    if days < 365 { days - 365 } else { days - 364 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_stable_keyed_and_valid() {
        let original: Uid = "1.2.840.1".parse().unwrap();
        let one = pseudonymous_uid(&[1; 32], &original);
        assert_eq!(one, pseudonymous_uid(&[1; 32], &original));
        assert_ne!(one, pseudonymous_uid(&[2; 32], &original));
        assert!(one.as_str().starts_with("2.25.") && one.as_str().len() <= 64);
        assert_ne!(derived_uid(&[1; 32], "a/0"), derived_uid(&[1; 32], "a/1"));
        assert_eq!(pseudonymous_patient(&[1; 32], "H\\1").len(), 18);
        assert!(pseudonymous_title(&[1; 32], "CT1").len() <= 16);
    }

    #[test]
    fn days_are_within_a_year_and_never_none() {
        let all: std::collections::BTreeSet<i64> =
            (0..20_000).map(|n| pseudonymous_days(&[1; 32], &n.to_string())).collect();
        assert_eq!((all.len(), all.first(), all.last()), (730, Some(&-365), Some(&365)));
        assert!(!all.contains(&0));
        assert_ne!(pseudonymous_days(&[1; 32], "H\\1"), pseudonymous_days(&[2; 32], "H\\1"));
    }
}
