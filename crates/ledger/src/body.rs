//! Bodies in deterministic CBOR (RFC 8949 §4.2.1): shortest forms, map keys sorted by their encoding.

use crate::event::Event;
use crate::{Error, KINDS};
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};
use model::{Id, Time};

/// Version of the body's format.
const VERSION: u64 = 1;
/// Fields of one map; more are refused.
const FIELDS: u64 = 64;
/// Items of one list.
const ITEMS: u64 = 100_000;

/// A value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Value {
    Bool(bool),
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
}

macro_rules! from {
    ($($type:ty => $make:expr),+ $(,)?) => { $( impl From<$type> for Value { fn from(v: $type) -> Self { $make(v) } } )+ };
}
from! {
    bool => Self::Bool,
    u64 => Self::Number,
    u8 => |v: u8| Self::Number(v.into()),
    String => Self::Text,
    [u8; 32] => |v: [u8; 32]| Self::Bytes(v.to_vec()),
    Id => |v: Id| Self::Bytes(v.0.to_vec()),
    Vec<String> => |v: Vec<String>| Self::List(v.into_iter().map(Self::Text).collect()),
    Vec<Id> => |v: Vec<Id>| Self::List(v.into_iter().map(Self::from).collect()),
    Vec<u32> => |v: Vec<u32>| Self::List(v.into_iter().map(|n| Self::Number(n.into())).collect()),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Number(v) => write!(f, "{v}"),
            Self::Text(v) => f.write_str(v),
            Self::Bytes(v) => v.iter().try_for_each(|b| write!(f, "{b:02x}")),
            Self::List(v) => {
                for (i, item) in v.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

/// Who, when, from where, about what: the same for every kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// UTC nanoseconds.
    pub time: i64,
    /// Number of the commit.
    pub seq: u64,
    /// Owner of the data.
    pub tenant: String,
    /// For whom the actor acted.
    pub organisation: String,
    /// Account or device; empty: the archive itself.
    pub actor: String,
    /// Role.
    pub role: String,
    /// Session, as the ledger knows it.
    pub session: Option<Id>,
    /// Id of the request.
    pub request: String,
    /// Way in.
    pub door: String,
    /// Network address.
    pub peer: String,
    /// The machine that the actor works at, where it has a name of its own.
    pub machine: String,
    /// Whose data.
    pub patient: Option<Id>,
    /// Which study.
    pub study: String,
    /// Which object.
    pub object: Option<Id>,
}

/// A body that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Word of the kind.
    pub kind: String,
    /// Envelope.
    pub envelope: Envelope,
    /// Fields of the kind, by name.
    pub details: Vec<(String, Value)>,
}

impl Entry {
    /// When.
    #[must_use]
    pub const fn time(&self) -> Time {
        Time(self.envelope.time)
    }
}

/// Encodes a body.
#[must_use]
pub fn encode(event: &Event, envelope: &Envelope) -> Vec<u8> {
    let time = Value::Number(envelope.time.max(0).cast_unsigned());
    let optional = |id: Option<Id>| id.map(Value::from);
    let text = |v: &str| (!v.is_empty()).then(|| Value::Text(v.to_owned()));
    let head = [
        ("v", Some(Value::Number(VERSION))),
        ("kind", text(event.kind())),
        ("time", Some(time)),
        ("seq", Some(Value::Number(envelope.seq))),
        ("tenant", text(&envelope.tenant)),
        ("organisation", text(&envelope.organisation)),
        ("actor", text(&envelope.actor)),
        ("role", text(&envelope.role)),
        ("session", optional(envelope.session)),
        ("request", text(&envelope.request)),
        ("door", text(&envelope.door)),
        ("peer", text(&envelope.peer)),
        ("machine", text(&envelope.machine)),
        ("patient", optional(envelope.patient)),
        ("study", text(&envelope.study)),
        ("object", optional(envelope.object)),
    ];
    let details = event.details().into_iter().map(|(name, value)| (format!("_{name}"), value));
    let mut fields: Vec<(String, Value)> = head
        .into_iter()
        .filter_map(|(name, value)| value.map(|v| (name.to_owned(), v)))
        .chain(details)
        .collect();
    // Encoded text keys below 24 bytes sort by length, then by bytes (RFC 8949 §4.2.1).
    fields.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    let written = (|| {
        encoder.map(fields.len() as u64)?;
        for (name, value) in &fields {
            encoder.str(name)?;
            put(&mut encoder, value)?;
        }
        Ok::<(), minicbor::encode::Error<core::convert::Infallible>>(())
    })();
    debug_assert!(written.is_ok(), "a vector takes everything");
    out
}

type Encoded = Result<(), minicbor::encode::Error<core::convert::Infallible>>;

fn put(encoder: &mut Encoder<&mut Vec<u8>>, value: &Value) -> Encoded {
    match value {
        Value::Bool(v) => encoder.bool(*v).map(drop),
        Value::Number(v) => encoder.u64(*v).map(drop),
        Value::Text(v) => encoder.str(v).map(drop),
        Value::Bytes(v) => encoder.bytes(v).map(drop),
        Value::List(v) => {
            encoder.array(v.len() as u64)?;
            v.iter().try_for_each(|item| put(encoder, item))
        }
    }
}

/// Decodes a body; kinds and fields that this program does not know stay readable.
///
/// # Errors
/// [`Error::Damaged`].
pub fn decode(bytes: &[u8]) -> Result<Entry, Error> {
    read(bytes).map_err(|_| Error::Damaged("body"))
}

fn read(bytes: &[u8]) -> Result<Entry, minicbor::decode::Error> {
    let bad = || minicbor::decode::Error::message("not a body");
    let mut decoder = Decoder::new(bytes);
    let count = decoder.map()?.filter(|n| *n <= FIELDS).ok_or_else(bad)?;
    let (mut envelope, mut kind, mut details) = (Envelope::default(), String::new(), Vec::new());
    for _ in 0..count {
        let name = decoder.str()?.to_owned();
        let value = take(&mut decoder, 0)?;
        match (name.as_str(), value) {
            ("v", Value::Number(VERSION)) => {}
            ("kind", Value::Text(v)) => kind = v,
            ("time", Value::Number(v)) => envelope.time = v.cast_signed(),
            ("seq", Value::Number(v)) => envelope.seq = v,
            ("tenant", Value::Text(v)) => envelope.tenant = v,
            ("organisation", Value::Text(v)) => envelope.organisation = v,
            ("actor", Value::Text(v)) => envelope.actor = v,
            ("role", Value::Text(v)) => envelope.role = v,
            ("request", Value::Text(v)) => envelope.request = v,
            ("door", Value::Text(v)) => envelope.door = v,
            ("peer", Value::Text(v)) => envelope.peer = v,
            ("machine", Value::Text(v)) => envelope.machine = v,
            ("study", Value::Text(v)) => envelope.study = v,
            ("session", Value::Bytes(v)) => envelope.session = id(&v),
            ("patient", Value::Bytes(v)) => envelope.patient = id(&v),
            ("object", Value::Bytes(v)) => envelope.object = id(&v),
            (field, value) => match field.strip_prefix('_') {
                Some(field) => details.push((field.to_owned(), value)),
                None => return Err(bad()),
            },
        }
    }
    if decoder.position() == bytes.len() { Ok(Entry { kind, envelope, details }) } else { Err(bad()) }
}

fn id(bytes: &[u8]) -> Option<Id> {
    bytes.try_into().ok().map(Id)
}

fn take(decoder: &mut Decoder<'_>, depth: u8) -> Result<Value, minicbor::decode::Error> {
    Ok(match decoder.datatype()? {
        Type::Bool => Value::Bool(decoder.bool()?),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => Value::Number(decoder.u64()?),
        Type::String => Value::Text(decoder.str()?.to_owned()),
        Type::Bytes => Value::Bytes(decoder.bytes()?.to_vec()),
        Type::Array if depth == 0 => {
            let bad = || minicbor::decode::Error::message("list");
            let count = decoder.array()?.filter(|n| *n <= ITEMS).ok_or_else(bad)?;
            let mut list = Vec::new();
            for _ in 0..count {
                list.push(take(decoder, depth + 1)?);
            }
            Value::List(list)
        }
        _ => return Err(minicbor::decode::Error::message("type")),
    })
}

/// The word of a kind's number.
#[must_use]
pub fn kind_word(number: u16) -> Option<&'static str> {
    KINDS.iter().find(|(n, _)| *n == number).map(|(_, word)| *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes were written by hand from RFC 8949: map of 6 pairs, keys `v`, `seq`, `kind`, `time`, `_hits`, `_keys_hash`.
    #[test]
    fn a_body_is_deterministic_cbor() {
        let event = Event::Queried { keys_hash: [0xAB; 32], hits: 500 };
        let envelope = Envelope { time: 1, seq: 23, ..Envelope::default() };
        let mut expected = vec![0xA6, 0x61, b'v', 0x01, 0x63];
        expected.extend_from_slice(
            b"seq\x17\x64kind\x67queried\x64time\x01\x65_hits\x19\x01\xF4\x6A_keys_hash\x58\x20",
        );
        expected.extend_from_slice(&[0xAB; 32]);
        assert_eq!(encode(&event, &envelope), expected);
        let entry = decode(&expected).unwrap();
        assert_eq!((entry.kind.as_str(), entry.envelope.seq), ("queried", 23));
        assert!(entry.details.contains(&("hits".into(), Value::Number(500))));
    }

    #[test]
    fn fields_of_the_future_are_readable_and_damage_is_not() {
        let future = b"\xA3\x61v\x01\x64kind\x66tomorr\x66_shade\x63red";
        assert_eq!(decode(future).unwrap().details, [("shade".into(), Value::Text("red".into()))]);
        for cut in 0..future.len() {
            assert!(decode(&future[..cut]).is_err());
        }
        assert!(decode(b"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF").is_err(), "a map of 2^64 pairs");
    }
}
