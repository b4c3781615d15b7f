//! Protocol data units and their items (PS3.8 §9.3, Annex D): every length is compared before anything is kept.

use crate::{Error, Result};

/// Types of PDUs (PS3.8 §9.3.1).
pub mod kind {
    /// A-ASSOCIATE-RQ.
    pub const ASSOCIATE_RQ: u8 = 1;
    /// A-ASSOCIATE-AC.
    pub const ASSOCIATE_AC: u8 = 2;
    /// A-ASSOCIATE-RJ.
    pub const ASSOCIATE_RJ: u8 = 3;
    /// P-DATA-TF.
    pub const DATA: u8 = 4;
    /// A-RELEASE-RQ.
    pub const RELEASE_RQ: u8 = 5;
    /// A-RELEASE-RP.
    pub const RELEASE_RP: u8 = 6;
    /// A-ABORT.
    pub const ABORT: u8 = 7;
}

/// Splits one item (type, reserved, 16-bit length) off.
pub fn item(bytes: &[u8]) -> Result<(u8, &[u8], &[u8])> {
    let [kind, _, a, b, rest @ ..] = bytes else { return Err(Error::Protocol("item cut off")) };
    let len = usize::from(u16::from_be_bytes([*a, *b]));
    let (value, rest) = rest.split_at_checked(len).ok_or(Error::Protocol("item beyond its PDU"))?;
    Ok((*kind, value, rest))
}

/// Splits a value with a 16-bit length in front off.
pub fn counted(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let [a, b, rest @ ..] = bytes else { return Err(Error::Protocol("length cut off")) };
    rest.split_at_checked(usize::from(u16::from_be_bytes([*a, *b]))).ok_or(Error::Protocol("value cut off"))
}

/// Printable ASCII, trimmed.
pub fn text(bytes: &[u8]) -> Result<String> {
    let ok = bytes.iter().all(|b| (0x20..0x7F).contains(b) || *b == 0);
    let text = std::str::from_utf8(bytes).ok().filter(|_| ok).ok_or(Error::Protocol("text"))?;
    Ok(text.trim_matches([' ', '\0']).to_owned())
}

/// A unique identifier.
pub fn uid(bytes: &[u8]) -> Result<String> {
    let uid: model::Uid = text(bytes)?.parse().map_err(|_| Error::Protocol("unique identifier"))?;
    Ok(uid.into())
}

/// One item.
pub fn build(kind: u8, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
    [&[kind, 0][..], &len.to_be_bytes(), value].concat()
}

/// A value with its 16-bit length in front.
pub fn count(value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
    [&len.to_be_bytes()[..], value].concat()
}

/// One PDU.
pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&[kind, 0][..], &len.to_be_bytes(), body].concat()
}

/// Headers of a P-DATA-TF with one presentation data value of `len` bytes: the value follows.
pub fn data_header(context: u8, command: bool, last: bool, len: usize) -> [u8; 12] {
    let value = u32::try_from(len + 2).unwrap_or(u32::MAX);
    let [a, b, c, d] = value.saturating_add(4).to_be_bytes();
    let [e, f, g, h] = value.to_be_bytes();
    [kind::DATA, 0, a, b, c, d, e, f, g, h, context, u8::from(last) << 1 | u8::from(command)]
}

/// A-ABORT by the service provider, reason not specified.
pub const fn abort() -> [u8; 10] {
    [kind::ABORT, 0, 0, 0, 0, 4, 0, 0, 2, 0]
}

/// A-RELEASE-RQ or A-RELEASE-RP.
pub const fn release(kind: u8) -> [u8; 10] {
    [kind, 0, 0, 0, 0, 4, 0, 0, 0, 0]
}

/// A-ASSOCIATE-RJ (PS3.8 Table 9-21).
pub const fn reject(result: u8, source: u8, reason: u8) -> [u8; 10] {
    [kind::ASSOCIATE_RJ, 0, 0, 0, 0, 4, 0, result, source, reason]
}
