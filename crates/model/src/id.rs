//! References that Gauze makes itself (random, 128 bits) and the UIDs that DICOM brings (attributes).

use crate::Unknown;
use serde::{Deserialize, Serialize};

/// A random 128-bit reference. Randomness is an argument: the caller draws the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id(pub [u8; 16]);

/// Reference to one stored object (tenant, SOP Instance UID, version).
pub type ObjectId = Id;
/// Reference to a patient (tenant, issuer, PatientID); an empty PatientID gets a new one per study.
pub type PatientRef = Id;

impl Id {
    /// Lower-case hexadecimal, 32 characters.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl std::str::FromStr for Id {
    type Err = Unknown;

    fn from_str(s: &str) -> Result<Self, Unknown> {
        let bad = Unknown { what: "reference" };
        if s.len() != 32 || !s.is_ascii() {
            return Err(bad);
        }
        let mut out = [0u8; 16];
        for (byte, pair) in out.iter_mut().zip(s.as_bytes().chunks_exact(2)) {
            let text = std::str::from_utf8(pair).map_err(|_| bad.clone())?;
            *byte = u8::from_str_radix(text, 16).map_err(|_| bad.clone())?;
        }
        Ok(Self(out))
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex())
    }
}

/// A DICOM unique identifier (PS3.5 §9): 1–64 characters of digits and dots, no empty component.
/// Leading zeros in a component are forbidden by the standard but common in the field, so they pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uid(String);

impl Uid {
    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Uid {
    type Err = Unknown;

    fn from_str(s: &str) -> Result<Self, Unknown> {
        let s = s.trim_end_matches(['\0', ' ']);
        let ok = (1..=64).contains(&s.len())
            && s.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && s.split('.').all(|part| !part.is_empty());
        if ok { Ok(Self(s.to_owned())) } else { Err(Unknown { what: "unique identifier" }) }
    }
}

impl TryFrom<String> for Uid {
    type Error = Unknown;

    fn try_from(s: String) -> Result<Self, Unknown> {
        s.parse()
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> Self {
        uid.0
    }
}

impl std::fmt::Display for Uid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_checked() {
        for good in ["1.2.840.10008.1.1", "2.25.1", "1.2.3\0", "1.2.03"] {
            assert!(good.parse::<Uid>().is_ok(), "{good}");
        }
        for bad in ["", "1..2", ".1", "1.", "1.2.a", "../../etc", &"1".repeat(65)] {
            assert!(bad.parse::<Uid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_round_trip() {
        let id = Id([7; 16]);
        assert_eq!(id.hex().parse::<Id>(), Ok(id));
        assert!("zz".parse::<Id>().is_err());
    }
}
