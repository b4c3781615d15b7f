//! From a C-STORE to a file and back: the file meta information (PS3.10 §7.1) goes on and comes off.

use crate::intake::read_meta;
use crate::intake::walk::{Coding, header};
use crate::{Error, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION, Result, bounds};
use model::Uid;

/// The Part 10 bytes that precede a data set received by C-STORE (PS3.10 §7.1).
///
/// # Errors
/// [`Error::Missing`] when a unique identifier or the AE title cannot stand in a file.
pub fn p10_prefix(sop_class: &str, sop_uid: &str, transfer_syntax: &str, calling: &str) -> Result<Vec<u8>> {
    for uid in [sop_class, sop_uid, transfer_syntax] {
        uid.parse::<model::Uid>().map_err(|_| Error::Missing("unique identifier"))?;
    }
    if calling.len() > 16 || !calling.bytes().all(|b| (0x20..0x7F).contains(&b) && b != b'\\') {
        return Err(Error::Missing("AE title"));
    }
    let mut group = vec![2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1];
    let values: [(u8, &[u8; 2], &str); 6] = [
        (0x02, b"UI", sop_class),
        (0x03, b"UI", sop_uid),
        (0x10, b"UI", transfer_syntax),
        (0x12, b"UI", IMPLEMENTATION_CLASS_UID),
        (0x13, b"SH", IMPLEMENTATION_VERSION),
        (0x16, b"AE", calling),
    ];
    for (element, vr, text) in values {
        let mut value = text.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == b"UI" { 0 } else { b' ' });
        }
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        group.extend_from_slice(&[&[2, 0, element, 0], &vr[..], &len.to_le_bytes(), &value].concat());
    }
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM\x02\x00\x00\x00UL\x04\x00");
    out.extend_from_slice(&u32::try_from(group.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(group);
    Ok(out)
}

/// What the file meta information says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// (0002,0002), when it is there.
    pub sop_class: Option<Uid>,
    /// (0002,0003), when it is there.
    pub sop_uid: Option<Uid>,
    /// (0002,0010).
    pub transfer_syntax: Uid,
    /// Where the data set begins.
    pub end: usize,
}

/// Reads the file meta information at the start of a file; nothing: more bytes are needed.
///
/// # Errors
/// [`Error::NotPart10`], [`Error::Missing`], [`Error::TooLarge`].
pub fn p10_meta(bytes: &[u8]) -> Result<Option<Meta>> {
    let Some(read) = read_meta(bytes, false)? else {
        let over = bytes.len() > bounds::META_BYTES;
        return if over { Err(Error::TooLarge("file meta information")) } else { Ok(None) };
    };
    let mut meta = Meta { sop_class: None, sop_uid: None, transfer_syntax: read.syntax, end: read.end };
    let mut pos = 132;
    while pos < meta.end {
        let Some(head) = header(bytes, pos, Coding::ExplicitLe)? else { break };
        let from = pos + head.header_len;
        let end = from + head.len.unwrap_or(0) as usize;
        let text = bytes.get(from..end).and_then(|value| std::str::from_utf8(value).ok());
        let uid = text.and_then(|text| text.parse().ok());
        match head.tag {
            0x0002_0002 => meta.sop_class = uid,
            0x0002_0003 => meta.sop_uid = uid,
            _ => {}
        }
        pos = end.max(pos + 8);
    }
    Ok(Some(meta))
}
