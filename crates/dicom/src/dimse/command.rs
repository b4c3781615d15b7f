//! Command sets, implicit VR little endian (PS3.7 §6.3, §9.3).

use crate::intake::walk::{Coding, header};
use crate::{Error, Result};

/// The parts of a C-ECHO-RQ or C-STORE-RQ that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// (0000,0100).
    pub field: u16,
    /// (0000,0110).
    pub message: u16,
    /// A data set follows: (0000,0800) is not 0101H.
    pub has_data: bool,
    /// (0000,0002).
    pub sop_class: String,
    /// (0000,1000), empty in C-ECHO.
    pub sop_uid: String,
    /// (0000,1030).
    pub move_originator: Option<String>,
}

impl Command {
    /// Parses a whole command set; its group length is not trusted.
    ///
    /// # Errors
    /// Anything that is not a flat list of group 0000 elements with a field, a message id and a class.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = Error::Protocol("command set");
        let (mut field, mut message, mut data) = (None, None, None);
        let (mut class, mut uid, mut move_originator) = (None, String::new(), None);
        let mut pos = 0;
        while pos < bytes.len() {
            let header = header(bytes, pos, Coding::ImplicitLe)?.ok_or(bad)?;
            let from = pos + header.header_len;
            let end = from + header.len.ok_or(bad)? as usize;
            let value = bytes.get(from..end).ok_or(bad)?;
            pos = end;
            let number = || value.first_chunk::<2>().copied().map(u16::from_le_bytes);
            match header.tag {
                0x0000_0002 => class = Some(text(value)?),
                0x0000_0100 => field = number(),
                0x0000_0110 => message = number(),
                0x0000_0800 => data = number(),
                0x0000_1000 => uid = text(value)?,
                0x0000_1030 => move_originator = Some(text(value)?),
                tag if tag >> 16 != 0 => return Err(bad),
                _ => {}
            }
        }
        let has_data = data.ok_or(bad)? != 0x0101;
        let command = Self {
            field: field.ok_or(bad)?,
            message: message.ok_or(bad)?,
            has_data,
            sop_class: class.ok_or(bad)?,
            sop_uid: uid,
            move_originator,
        };
        let store = command.field == 1;
        if store && command.sop_uid.parse::<model::Uid>().is_err() { Err(bad) } else { Ok(command) }
    }

    /// The response's command set with a status.
    #[must_use]
    pub fn response(&self, status: u16) -> Vec<u8> {
        let mut body = Vec::new();
        put(&mut body, 0x0002, &even(&self.sop_class));
        put(&mut body, 0x0100, &(self.field | 0x8000).to_le_bytes());
        put(&mut body, 0x0120, &self.message.to_le_bytes());
        put(&mut body, 0x0800, &0x0101u16.to_le_bytes());
        put(&mut body, 0x0900, &status.to_le_bytes());
        if !self.sop_uid.is_empty() {
            put(&mut body, 0x1000, &even(&self.sop_uid));
        }
        let mut out = Vec::new();
        put(&mut out, 0x0000, &u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(body);
        out
    }
}

fn text(value: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(value).ok().filter(|t| t.len() <= 64 && t.is_ascii());
    Ok(text.ok_or(Error::Protocol("command text"))?.trim_matches([' ', '\0']).to_owned())
}

fn even(text: &str) -> Vec<u8> {
    let mut out = text.as_bytes().to_vec();
    if out.len() % 2 == 1 {
        out.push(0);
    }
    out
}

pub(super) fn put(out: &mut Vec<u8>, element: u16, value: &[u8]) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&element.to_le_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(value);
}
