//! Bytes in records, copied at once. On the wire they are what lists of `u8` are: a length, then the bytes; serde would take
//! them one by one.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

struct Shown<'a>(&'a [u8]);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Own(Vec<u8>);

impl<'de> Deserialize<'de> for Own {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Bytes).map(Own)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut out = Vec::new();
        while let Some(byte) = list.next_element()? {
            out.push(byte);
        }
        Ok(out)
    }
}

pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_byte_buf(Bytes)
}

/// Names with bytes.
pub mod named {
    use super::{Deserialize, Deserializer, Own, Serializer, Shown};

    type List = Vec<([u8; 32], Vec<u8>)>;

    pub fn serialize<S: Serializer>(list: &List, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|(name, bytes)| (name, Shown(bytes))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<List, D::Error> {
        let list = Vec::<([u8; 32], Own)>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|(name, bytes)| (name, bytes.0)).collect())
    }
}

/// Pairs of bytes.
pub mod pairs {
    use super::{Deserialize, Deserializer, Own, Serializer, Shown};

    type List = Vec<(Vec<u8>, Vec<u8>)>;

    pub fn serialize<S: Serializer>(list: &List, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|(a, b)| (Shown(a), Shown(b))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<List, D::Error> {
        let list = Vec::<(Own, Own)>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|(a, b)| (a.0, b.0)).collect())
    }
}
