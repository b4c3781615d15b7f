//! Command sets, implicit VR little endian (PS3.7 §6.3, §9.3, §10.3, Annex E).

use crate::intake::walk::{Coding, header};
use crate::{Error, Result};

/// Command fields (PS3.7 Table E.1-1).
pub mod field {
    /// C-STORE-RQ.
    pub const STORE: u16 = 0x0001;
    /// C-GET-RQ.
    pub const GET: u16 = 0x0010;
    /// C-FIND-RQ.
    pub const FIND: u16 = 0x0020;
    /// C-MOVE-RQ.
    pub const MOVE: u16 = 0x0021;
    /// C-ECHO-RQ.
    pub const ECHO: u16 = 0x0030;
    /// N-EVENT-REPORT-RQ.
    pub const EVENT: u16 = 0x0100;
    /// N-ACTION-RQ.
    pub const ACTION: u16 = 0x0130;
    /// C-CANCEL-RQ.
    pub const CANCEL: u16 = 0x0FFF;
    /// Set in every response.
    pub const RESPONSE: u16 = 0x8000;
}

/// Numbers of sub-operations (PS3.7 §9.1.3, §9.1.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not begun; absent in a final answer unless it was cancelled.
    pub remaining: Option<u16>,
    /// Done.
    pub completed: u16,
    /// Failed.
    pub failed: u16,
    /// Done with a warning.
    pub warning: u16,
}

/// The parts of a command set that matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// (0000,0100).
    pub field: u16,
    /// (0000,0110) of a request, (0000,0120) of a response and of C-CANCEL.
    pub message: u16,
    /// A data set follows: (0000,0800) is not 0101H.
    pub has_data: bool,
    /// (0000,0002), or (0000,0003) of N-ACTION-RQ.
    pub sop_class: String,
    /// (0000,1000), or (0000,1001) of N-ACTION-RQ.
    pub sop_uid: String,
    /// (0000,0900).
    pub status: Option<u16>,
    /// (0000,0600), the destination of C-MOVE.
    pub destination: String,
    /// (0000,1030) and (0000,1031): who asked for the C-MOVE of which this store is part.
    pub originator: Option<(String, u16)>,
    /// (0000,1020) to (0000,1023).
    pub counts: Option<Counts>,
    /// (0000,1002) of N-EVENT-REPORT, (0000,1008) of N-ACTION.
    pub kind: Option<u16>,
    /// (0000,0902).
    pub comment: String,
    /// (0000,0901).
    pub offending: Option<u32>,
}

const NO_DATA: u16 = 0x0101;

impl Command {
    /// Parses a whole command set; its group length is not trusted.
    ///
    /// # Errors
    /// Anything that is not a flat list of group 0000 elements with a field and a message id.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = Error::Protocol("command set");
        let mut command = Self::default();
        let (mut field, mut message, mut data) = (None, None, None);
        let mut pos = 0;
        while pos < bytes.len() {
            let header = header(bytes, pos, Coding::ImplicitLe)?.ok_or(bad)?;
            let from = pos + header.header_len;
            let end = from + header.len.ok_or(bad)? as usize;
            let value = bytes.get(from..end).ok_or(bad)?;
            pos = end;
            match header.tag {
                0x0000_0100 => field = number(value),
                0x0000_0110 | 0x0000_0120 => message = number(value),
                0x0000_0800 => data = number(value),
                tag if tag >> 16 != 0 => return Err(bad),
                tag => command.element(tag, value)?,
            }
        }
        command.field = field.ok_or(bad)?;
        command.message = message.ok_or(bad)?;
        command.has_data = data.ok_or(bad)? != NO_DATA;
        let named = command.field == field::CANCEL || !command.sop_class.is_empty() || command.is_response();
        if !named {
            return Err(bad);
        }
        Ok(command)
    }

    fn element(&mut self, tag: u32, value: &[u8]) -> Result<()> {
        match tag {
            0x0002 | 0x0003 => self.sop_class = text(value)?,
            // What is no UID is refused with the object: the ones after it still count.
            0x1000 | 0x1001 => self.sop_uid = text(value).unwrap_or_default(),
            0x0600 => self.destination = text(value)?,
            0x0900 => self.status = number(value),
            0x0901 => {
                self.offending =
                    value.first_chunk::<4>().map(|[a, b, c, d]| u32::from_be_bytes([*b, *a, *d, *c]))
            }
            0x0902 => self.comment = text(value).unwrap_or_default(),
            0x1002 | 0x1008 => self.kind = number(value),
            0x1020 => self.counts.get_or_insert_default().remaining = number(value),
            0x1021 => self.counts.get_or_insert_default().completed = number(value).unwrap_or(0),
            0x1022 => self.counts.get_or_insert_default().failed = number(value).unwrap_or(0),
            0x1023 => self.counts.get_or_insert_default().warning = number(value).unwrap_or(0),
            0x1030 => self.originator.get_or_insert_default().0 = text(value)?,
            0x1031 => self.originator.get_or_insert_default().1 = number(value).unwrap_or(0),
            _ => {}
        }
        Ok(())
    }

    /// A response, not a request.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        self.field & field::RESPONSE != 0
    }

    /// The response with a status, for the same class and instance.
    #[must_use]
    pub fn response(&self, status: u16) -> Self {
        Self {
            field: self.field | field::RESPONSE,
            message: self.message,
            sop_class: self.sop_class.clone(),
            sop_uid: self.sop_uid.clone(),
            kind: self.kind,
            status: Some(status),
            ..Self::default()
        }
    }

    /// The same with a text for people (PS3.7 Annex C; at most 64 characters).
    #[must_use]
    pub fn because(mut self, comment: &str) -> Self {
        self.comment = comment.chars().take(64).collect();
        self
    }

    /// The bytes, group length first, in tag order.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        let requested = self.field == field::ACTION;
        let text = |out: &mut Vec<u8>, element: u16, text: &str, pad: u8| {
            if !text.is_empty() {
                put(out, element, &even(text, pad));
            }
        };
        let short = |out: &mut Vec<u8>, element: u16, value: u16| put(out, element, &value.to_le_bytes());
        text(&mut out, if requested { 0x0003 } else { 0x0002 }, &self.sop_class, 0);
        short(&mut out, 0x0100, self.field);
        let answers = self.is_response() || self.field == field::CANCEL;
        short(&mut out, if answers { 0x0120 } else { 0x0110 }, self.message);
        text(&mut out, 0x0600, &self.destination, b' ');
        if matches!(self.field, field::STORE | field::FIND | field::GET | field::MOVE) {
            short(&mut out, 0x0700, 0); // medium priority
        }
        short(&mut out, 0x0800, if self.has_data { 0x0001 } else { NO_DATA });
        if let Some(status) = self.status {
            short(&mut out, 0x0900, status);
        }
        if let Some(tag) = self.offending {
            let [a, b, c, d] = tag.to_be_bytes();
            put(&mut out, 0x0901, &[b, a, d, c]);
        }
        text(&mut out, 0x0902, &self.comment, b' ');
        text(&mut out, if requested { 0x1001 } else { 0x1000 }, &self.sop_uid, 0);
        if let Some(kind) = self.kind {
            let event = self.field & !field::RESPONSE == field::EVENT;
            short(&mut out, if event { 0x1002 } else { 0x1008 }, kind);
        }
        if let Some(counts) = self.counts {
            counts.remaining.into_iter().for_each(|n| short(&mut out, 0x1020, n));
            short(&mut out, 0x1021, counts.completed);
            short(&mut out, 0x1022, counts.failed);
            short(&mut out, 0x1023, counts.warning);
        }
        if let Some((title, message)) = &self.originator {
            text(&mut out, 0x1030, title, b' ');
            short(&mut out, 0x1031, *message);
        }
        let mut whole = Vec::with_capacity(out.len() + 12);
        put(&mut whole, 0x0000, &u32::try_from(out.len()).unwrap_or(u32::MAX).to_le_bytes());
        whole.extend(out);
        whole
    }
}

fn number(value: &[u8]) -> Option<u16> {
    value.first_chunk::<2>().copied().map(u16::from_le_bytes)
}

fn text(value: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(value).ok().filter(|t| t.len() <= 64 && t.is_ascii());
    Ok(text.ok_or(Error::Protocol("command text"))?.trim_matches([' ', '\0']).to_owned())
}

fn even(text: &str, pad: u8) -> Vec<u8> {
    let mut out = text.as_bytes().to_vec();
    if out.len() % 2 == 1 {
        out.push(pad);
    }
    out
}

fn put(out: &mut Vec<u8>, element: u16, value: &[u8]) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&element.to_le_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(value);
}
