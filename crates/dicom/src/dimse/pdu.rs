//! Protocol data units, read with every length compared first (PS3.8 §9.3, Annex D).

use crate::{Error, Result, bounds};

/// What is answered to a presentation context (PS3.8 Table 9-18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted with this transfer syntax.
    Accepted(String),
    /// Abstract syntax not supported.
    AbstractSyntax,
    /// No transfer syntax supported.
    TransferSyntaxes,
}

/// One proposed presentation context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Odd identifier.
    pub id: u8,
    /// SOP class.
    pub abstract_syntax: String,
    /// Proposed transfer syntaxes, in the peer's order.
    pub syntaxes: Vec<String>,
    /// The answer.
    pub verdict: Verdict,
}

/// A-ASSOCIATE-RQ.
#[derive(Debug)]
pub struct Request {
    pub called: String,
    pub calling: String,
    pub software: String,
    pub contexts: Vec<Context>,
    titles: Vec<u8>,
}

/// Splits one item (type, reserved, 16-bit length) off.
fn item(bytes: &[u8]) -> Result<(u8, &[u8], &[u8])> {
    let [kind, _, a, b, rest @ ..] = bytes else { return Err(Error::Protocol("item cut off")) };
    let len = usize::from(u16::from_be_bytes([*a, *b]));
    let (value, rest) = rest.split_at_checked(len).ok_or(Error::Protocol("item beyond its PDU"))?;
    Ok((*kind, value, rest))
}

fn text(bytes: &[u8]) -> Result<String> {
    let ok = bytes.iter().all(|b| (0x20..0x7F).contains(b) || *b == 0);
    let text = std::str::from_utf8(bytes).ok().filter(|_| ok).ok_or(Error::Protocol("text"))?;
    Ok(text.trim_matches([' ', '\0']).to_owned())
}

fn uid(bytes: &[u8]) -> Result<String> {
    let uid: model::Uid = text(bytes)?.parse().map_err(|_| Error::Protocol("unique identifier"))?;
    Ok(uid.into())
}

impl Request {
    /// Parses the body after the six bytes of header.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let (fixed, mut rest) = body.split_at_checked(68).ok_or(Error::Protocol("request cut off"))?;
        if fixed.get(1).is_none_or(|version| version & 1 == 0) {
            return Err(Error::Protocol("version"));
        }
        let titles = fixed.get(4..).unwrap_or_default().to_vec();
        let called = text(titles.get(..16).unwrap_or_default())?;
        let calling = text(titles.get(16..32).unwrap_or_default())?;
        let mut request = Self { called, calling, software: String::new(), contexts: Vec::new(), titles };
        while !rest.is_empty() {
            let (kind, value, after) = item(rest)?;
            rest = after;
            match kind {
                0x10 if uid(value)? != "1.2.840.10008.3.1.1.1" => {
                    return Err(Error::Protocol("application context"));
                }
                0x20 => request.context(value)?,
                0x50 => request.user(value)?,
                _ => {}
            }
        }
        Ok(request)
    }

    fn context(&mut self, value: &[u8]) -> Result<()> {
        let (&[id, ..], mut rest) = value.split_at_checked(4).ok_or(Error::Protocol("context"))? else {
            return Err(Error::Protocol("context"));
        };
        if self.contexts.len() >= bounds::CONTEXTS {
            return Err(Error::TooLarge("presentation contexts"));
        }
        if id % 2 == 0 || self.contexts.iter().any(|c| c.id == id) {
            return Err(Error::Protocol("context identifier"));
        }
        let (mut abstract_syntax, mut syntaxes) = (None, Vec::new());
        while !rest.is_empty() {
            let (kind, value, after) = item(rest)?;
            rest = after;
            match kind {
                0x30 => abstract_syntax = Some(uid(value)?),
                0x40 if syntaxes.len() >= bounds::SYNTAXES => {
                    return Err(Error::TooLarge("transfer syntaxes"));
                }
                0x40 => syntaxes.push(uid(value)?),
                _ => return Err(Error::Protocol("context")),
            }
        }
        let abstract_syntax = abstract_syntax.ok_or(Error::Protocol("context"))?;
        self.contexts.push(Context { id, abstract_syntax, syntaxes, verdict: Verdict::AbstractSyntax });
        Ok(())
    }

    fn user(&mut self, mut rest: &[u8]) -> Result<()> {
        while !rest.is_empty() {
            let (kind, value, after) = item(rest)?;
            rest = after;
            if kind == 0x55 {
                self.software = text(value)?.chars().take(16).collect();
            }
        }
        Ok(())
    }

    /// A-ASSOCIATE-AC with the verdicts; `ours`: implementation class UID and version name.
    pub fn accept(&self, max_pdu: u32, ours: (&str, &str)) -> Vec<u8> {
        let mut body = vec![0, 1, 0, 0];
        body.extend_from_slice(&self.titles);
        body.extend(build(0x10, b"1.2.840.10008.3.1.1.1"));
        for context in &self.contexts {
            let (result, syntax) = match &context.verdict {
                Verdict::Accepted(syntax) => (0, syntax.as_str()),
                Verdict::AbstractSyntax => (3, "1.2.840.10008.1.2"),
                Verdict::TransferSyntaxes => (4, "1.2.840.10008.1.2"),
            };
            let inner = [&[context.id, 0, result, 0][..], &build(0x40, syntax.as_bytes())].concat();
            body.extend(build(0x21, &inner));
        }
        let user = [
            build(0x51, &max_pdu.to_be_bytes()),
            build(0x52, ours.0.as_bytes()),
            build(0x55, ours.1.as_bytes()),
        ]
        .concat();
        body.extend(build(0x50, &user));
        frame(2, &body)
    }
}

/// One item.
pub fn build(kind: u8, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
    [&[kind, 0][..], &len.to_be_bytes(), value].concat()
}

/// One PDU.
pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&[kind, 0][..], &len.to_be_bytes(), body].concat()
}

/// P-DATA-TF with one last fragment.
pub fn data(context: u8, command: bool, value: &[u8]) -> Vec<u8> {
    let len = u32::try_from(value.len() + 2).unwrap_or(u32::MAX);
    frame(4, &[&len.to_be_bytes()[..], &[context, 2 | u8::from(command)], value].concat())
}

/// A-ABORT by the service provider, reason not specified.
pub const fn abort() -> [u8; 10] {
    [7, 0, 0, 0, 0, 4, 0, 0, 2, 0]
}

/// The next presentation data value: context, control header, value, rest.
pub fn next_value(body: &[u8]) -> Result<(u8, u8, &[u8], &[u8])> {
    let [a, b, c, d, rest @ ..] = body else { return Err(Error::Protocol("value cut off")) };
    let len = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    let (value, rest) = rest.split_at_checked(len).ok_or(Error::Protocol("value beyond its PDU"))?;
    let [context, control, value @ ..] = value else { return Err(Error::Protocol("value too short")) };
    Ok((*context, *control, value, rest))
}
