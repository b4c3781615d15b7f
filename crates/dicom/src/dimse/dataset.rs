//! Small data sets of the message exchange: identifiers, actions, reports (PS3.5 §7), read within bounds and written.

use crate::dataset::dictionary_vr;
use crate::intake::walk::{Coding, LONG, header};
use crate::{Error, Result, bounds};
use model::{Tag, limits};

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Tag.
    pub tag: Tag,
    /// Value representation, from the dictionary when the syntax says none.
    pub vr: [u8; 2],
    /// Value.
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// As it came, padding included.
    Bytes(Vec<u8>),
    /// Items of a sequence.
    Items(Vec<Elements>),
}

/// A data set, in the order it came.
pub type Elements = Vec<Element>;

const ITEM: Tag = 0xFFFE_E000;
const ITEM_END: Tag = 0xFFFE_E00D;
const SEQUENCE_END: Tag = 0xFFFE_E0DD;

/// The coding of one of [`super::classes::PLAIN_SYNTAXES`].
fn coding(syntax: &str) -> Coding {
    if syntax == super::IMPLICIT { Coding::ImplicitLe } else { Coding::ExplicitLe }
}

/// Reads a whole data set of a plain transfer syntax.
///
/// # Errors
/// [`Error::Malformed`], [`Error::Truncated`], [`Error::TooLarge`].
pub fn read(bytes: &[u8], syntax: &str) -> Result<Elements> {
    if bytes.len() > bounds::IDENTIFIER_BYTES {
        return Err(Error::TooLarge("identifier"));
    }
    let mut reader = Reader { bytes, pos: 0, left: bounds::IDENTIFIER_ELEMENTS };
    reader.elements(bytes.len(), coding(syntax), false, 0)
}

struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
    left: usize,
}

impl Reader<'_> {
    /// Elements up to `end`, or to an item's delimiter when the item says no length.
    fn elements(&mut self, end: usize, coding: Coding, delimited: bool, depth: usize) -> Result<Elements> {
        if depth > limits::SEQUENCE_DEPTH {
            return Err(Error::TooLarge("depth of sequences"));
        }
        let mut out = Elements::new();
        while self.pos < end {
            let head = header(self.bytes, self.pos, coding)?
                .ok_or(Error::Truncated("an element of the identifier"))?;
            self.pos += head.header_len;
            self.left = self.left.checked_sub(1).ok_or(Error::TooLarge("number of elements"))?;
            if delimited && head.tag == ITEM_END {
                return Ok(out);
            }
            if head.tag >> 16 == 0xFFFE {
                return Err(Error::Malformed("item outside a sequence"));
            }
            let vr = head.vr.unwrap_or_else(|| implied(head.tag, head.len.is_none()));
            let value = match (vr, head.len) {
                ([b'S', b'Q'], len) => Value::Items(self.items(len, end, coding, depth)?),
                ([b'U', b'N'], None) => Value::Items(self.items(None, end, Coding::ImplicitLe, depth)?),
                (_, Some(len)) => Value::Bytes(self.bytes(len as usize, end)?.to_vec()),
                (_, None) => return Err(Error::Malformed("undefined length")),
            };
            // Group lengths are retired and mean nothing (PS3.5 §7.2).
            if head.tag & 0xFFFF != 0 {
                out.push(Element { tag: head.tag, vr, value });
            }
        }
        if delimited { Err(Error::Truncated("an item")) } else { Ok(out) }
    }

    fn items(
        &mut self,
        len: Option<u32>,
        limit: usize,
        coding: Coding,
        depth: usize,
    ) -> Result<Vec<Elements>> {
        let end = len.map_or(Ok(limit), |len| self.fits(len as usize, limit))?;
        let mut out = Vec::new();
        while self.pos < end {
            let head = header(self.bytes, self.pos, coding)?.ok_or(Error::Truncated("a sequence"))?;
            self.pos += head.header_len;
            match (head.tag, head.len) {
                (SEQUENCE_END, _) if len.is_none() => return Ok(out),
                (ITEM, Some(inner)) => {
                    let inner = self.fits(inner as usize, end)?;
                    out.push(self.elements(inner, coding, false, depth + 1)?);
                }
                (ITEM, None) => out.push(self.elements(end, coding, true, depth + 1)?),
                _ => return Err(Error::Malformed("sequence item")),
            }
            self.left = self.left.checked_sub(1).ok_or(Error::TooLarge("number of elements"))?;
        }
        if len.is_none() { Err(Error::Truncated("a sequence")) } else { Ok(out) }
    }

    fn fits(&self, len: usize, limit: usize) -> Result<usize> {
        self.pos
            .checked_add(len)
            .filter(|end| *end <= limit)
            .ok_or(Error::Malformed("length beyond its place"))
    }

    fn bytes(&mut self, len: usize, limit: usize) -> Result<&[u8]> {
        let end = self.fits(len, limit)?;
        let value = self.bytes.get(self.pos..end).ok_or(Error::Truncated("a value"))?;
        self.pos = end;
        Ok(value)
    }
}

/// What implicit VR leaves to the dictionary.
pub(crate) fn implied(tag: Tag, undefined: bool) -> [u8; 2] {
    match dictionary_vr(tag).as_bytes() {
        // Private creators (PS3.5 §7.8.1).
        _ if tag >> 16 & 1 == 1 && (0x10..=0xFF).contains(&(tag & 0xFFFF)) => *b"LO",
        b"UN" if undefined => *b"SQ",
        [a, b] => [*a, *b],
        _ => *b"UN",
    }
}

/// Writes a data set in tag order.
#[must_use]
pub fn write(elements: &[Element], syntax: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_into(&mut out, elements, coding(syntax));
    out
}

fn write_into(out: &mut Vec<u8>, elements: &[Element], coding: Coding) {
    let mut sorted: Vec<&Element> = elements.iter().collect();
    sorted.sort_by_key(|e| e.tag);
    for element in sorted {
        match &element.value {
            Value::Bytes(bytes) => {
                let mut padded;
                let mut value = bytes.as_slice();
                if value.len() % 2 == 1 {
                    padded = value.to_vec();
                    padded.push(if matches!(&element.vr, b"UI" | b"OB" | b"UN") { 0 } else { b' ' });
                    value = &padded;
                }
                write_header(out, element.tag, element.vr, u32::try_from(value.len()).ok(), coding);
                out.extend_from_slice(value);
            }
            Value::Items(items) => {
                write_header(out, element.tag, *b"SQ", None, coding);
                for item in items {
                    mark(out, ITEM, u32::MAX);
                    write_into(out, item, coding);
                    mark(out, ITEM_END, 0);
                }
                mark(out, SEQUENCE_END, 0);
            }
        }
    }
}

/// Tag and length of an item or delimiter.
pub(crate) fn mark(out: &mut Vec<u8>, tag: Tag, len: u32) {
    let [a, b, c, d] = tag.to_be_bytes();
    out.extend_from_slice(&[b, a, d, c]);
    out.extend_from_slice(&len.to_le_bytes());
}

/// Header of an element, little endian; no length: undefined. A value that its VR cannot count becomes UN (PS3.5 §6.2.2).
pub(crate) fn write_header(out: &mut Vec<u8>, tag: Tag, vr: [u8; 2], len: Option<u32>, coding: Coding) {
    let [a, b, c, d] = tag.to_be_bytes();
    out.extend_from_slice(&[b, a, d, c]);
    let len = len.unwrap_or(u32::MAX);
    if coding == Coding::ImplicitLe {
        out.extend_from_slice(&len.to_le_bytes());
    } else if LONG.contains(&&vr) {
        out.extend_from_slice(&[vr[0], vr[1], 0, 0]);
        out.extend_from_slice(&len.to_le_bytes());
    } else if let Ok(short) = u16::try_from(len) {
        out.extend_from_slice(&vr);
        out.extend_from_slice(&short.to_le_bytes());
    } else {
        out.extend_from_slice(b"UN\0\0");
        out.extend_from_slice(&len.to_le_bytes());
    }
}

/// A text element.
#[must_use]
pub fn text(tag: Tag, vr: &[u8; 2], text: &str) -> Element {
    Element { tag, vr: *vr, value: Value::Bytes(text.as_bytes().to_vec()) }
}

/// The first value of an element as trimmed ASCII; nothing when absent or no text.
#[must_use]
pub fn first(elements: &[Element], tag: Tag) -> Option<String> {
    let element = elements.iter().find(|e| e.tag == tag)?;
    let Value::Bytes(bytes) = &element.value else { return None };
    let text = std::str::from_utf8(bytes).ok()?;
    let one = text.split('\\').next().unwrap_or_default().trim_matches([' ', '\0']);
    Some(one.to_owned())
}
