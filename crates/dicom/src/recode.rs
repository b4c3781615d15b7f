//! Between implicit and explicit VR little endian (PS3.5 A.1, A.2) while an object flows: headers of elements are written
//! anew, every value stays as it is. Character sets, private attributes and pixels are not looked into.

use crate::dimse::dataset::{implied, mark, write_header};
use crate::intake::walk::{Coding, Stop, Walker, header};
use crate::{Error, Result};
use model::{Tag, limits};

const ITEM: Tag = 0xFFFE_E000;
const ITEM_END: Tag = 0xFFFE_E00D;
const SEQUENCE_END: Tag = 0xFFFE_E0DD;
/// Pixel Representation: decides whether a value that may be either is signed (PS3.5 A.1).
const PIXEL_REPRESENTATION: Tag = 0x0028_0103;
/// Data Set Trailing Padding: not part of what was stored (PS3.10 §7.2).
const PADDING: Tag = 0xFFFC_FFFC;

#[derive(Debug)]
enum Phase {
    /// Up to the pixel data; all of it is kept.
    Head,
    /// Bytes of native pixel data left.
    Pixels(u64),
    /// What follows it; all of it is kept.
    Tail,
}

/// Recodes one data set that is pushed in pieces, without file meta information.
#[derive(Debug)]
pub struct Recoder {
    from: Coding,
    to: Coding,
    phase: Phase,
    kept: Vec<u8>,
    walker: Walker,
    signed: bool,
}

impl Recoder {
    /// From one of both syntaxes to the other.
    ///
    /// # Errors
    /// [`Error::TransferSyntax`] for any other.
    pub fn new(from: &str, to: &str) -> Result<Self> {
        let coding = |uid: &str| match uid {
            crate::dimse::IMPLICIT => Ok(Coding::ImplicitLe),
            crate::dimse::EXPLICIT => Ok(Coding::ExplicitLe),
            _ => Err(Error::TransferSyntax),
        };
        let (from, to) = (coding(from)?, coding(to)?);
        let walker = Walker::new(from, 0);
        Ok(Self { from, to, phase: Phase::Head, kept: Vec::new(), walker, signed: false })
    }

    /// Takes the next bytes, gives what can leave.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            match &mut self.phase {
                Phase::Pixels(left) => {
                    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    let (now, later) = rest.split_at(most);
                    *left -= now.len() as u64;
                    out.extend_from_slice(now);
                    rest = later;
                    if *left == 0 {
                        self.phase = Phase::Tail;
                    }
                }
                Phase::Tail => {
                    self.keep(rest)?;
                    rest = &[];
                }
                Phase::Head => {
                    self.keep(rest)?;
                    rest = &[];
                    if let Stop::Pixels(pixels) = self.walker.advance(&self.kept)? {
                        let len = pixels.len.ok_or(Error::Malformed("fragments in a native syntax"))?;
                        let kept = std::mem::take(&mut self.kept);
                        let (head, tail) = kept.split_at_checked(pixels.start).unwrap_or_default();
                        self.recode(head, &mut out)?;
                        let vr = pixels.vr.unwrap_or(*b"OW");
                        write_header(&mut out, pixels.tag, vr, Some(len), self.to);
                        self.phase = Phase::Pixels(len.into());
                        if len == 0 {
                            self.phase = Phase::Tail;
                        }
                        let value = tail.get(pixels.header_len..).unwrap_or_default().to_vec();
                        out.extend(self.push(&value)?);
                    }
                }
            }
        }
        Ok(out)
    }

    /// The data set is complete.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Malformed`].
    pub fn finish(mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let kept = std::mem::take(&mut self.kept);
        match self.phase {
            Phase::Pixels(_) => return Err(Error::Truncated("the pixel data")),
            Phase::Head | Phase::Tail => self.recode(&kept, &mut out)?,
        }
        Ok(out)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<()> {
        if self.kept.len() + bytes.len() > limits::HEADER_BYTES + (64 << 10) {
            return Err(Error::TooLarge("header"));
        }
        self.kept.extend_from_slice(bytes);
        Ok(())
    }

    fn recode(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut pos = 0;
        self.elements(bytes, &mut pos, bytes.len(), (self.from, false, 0), out)
    }

    /// Elements up to `end`, or to the delimiter of an item without length.
    fn elements(
        &mut self,
        bytes: &[u8],
        pos: &mut usize,
        end: usize,
        (coding, delimited, depth): (Coding, bool, usize),
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if depth > limits::SEQUENCE_DEPTH {
            return Err(Error::TooLarge("depth of sequences"));
        }
        while *pos < end {
            let head = header(bytes, *pos, coding)?.ok_or(Error::Truncated("an element"))?;
            *pos += head.header_len;
            if delimited && head.tag == ITEM_END {
                return Ok(());
            }
            if head.tag >> 16 == 0xFFFE {
                return Err(Error::Malformed("item outside a sequence"));
            }
            let vr = head.vr.unwrap_or_else(|| self.vr(head.tag, head.len.is_none()));
            match (vr, head.len) {
                ([b'S', b'Q'], len) => self.items(bytes, pos, (head.tag, len, end), (coding, depth), out)?,
                // PS3.5 §6.2.2 note 2: implicit inside.
                ([b'U', b'N'], None) => {
                    self.items(bytes, pos, (head.tag, None, end), (Coding::ImplicitLe, depth), out)?;
                }
                (_, None) => return Err(Error::Malformed("undefined length")),
                // Its reader would take the value for items.
                (vr, Some(1..))
                    if self.to == Coding::ImplicitLe
                        && vr != *b"UN"
                        && implied(head.tag, false) == *b"SQ" =>
                {
                    return Err(Error::Malformed("value representation of a sequence"));
                }
                (_, Some(len)) => {
                    let to = pos.checked_add(len as usize).filter(|to| *to <= end);
                    let to = to.ok_or(Error::Malformed("length beyond its place"))?;
                    let value = bytes.get(*pos..to).ok_or(Error::Truncated("a value"))?;
                    *pos = to;
                    if head.tag == PIXEL_REPRESENTATION {
                        self.signed = value.first() == Some(&1);
                    }
                    // Lengths of groups would no longer be true (PS3.5 §7.2).
                    if head.tag & 0xFFFF != 0 && head.tag != PADDING {
                        write_header(out, head.tag, vr, Some(len), self.to);
                        out.extend_from_slice(value);
                    }
                }
            }
        }
        if delimited { Err(Error::Truncated("an item")) } else { Ok(()) }
    }

    /// Items, written without lengths: theirs are no longer true.
    fn items(
        &mut self,
        bytes: &[u8],
        pos: &mut usize,
        (tag, len, limit): (Tag, Option<u32>, usize),
        (coding, depth): (Coding, usize),
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let fits = |from: usize, len: u32, limit: usize| {
            from.checked_add(len as usize)
                .filter(|end| *end <= limit)
                .ok_or(Error::Malformed("length beyond its place"))
        };
        let end = len.map_or(Ok(limit), |len| fits(*pos, len, limit))?;
        write_header(out, tag, *b"SQ", None, self.to);
        let mut open = true;
        while open && *pos < end {
            let head = header(bytes, *pos, coding)?.ok_or(Error::Truncated("a sequence"))?;
            *pos += head.header_len;
            match (head.tag, head.len) {
                (SEQUENCE_END, _) if len.is_none() => open = false,
                (ITEM, inner) => {
                    mark(out, ITEM, u32::MAX);
                    let to = inner.map_or(Ok(end), |inner| fits(*pos, inner, end))?;
                    self.elements(bytes, pos, to, (coding, inner.is_none(), depth + 1), out)?;
                    mark(out, ITEM_END, 0);
                }
                _ => return Err(Error::Malformed("sequence item")),
            }
        }
        if len.is_none() && open {
            return Err(Error::Truncated("a sequence"));
        }
        mark(out, SEQUENCE_END, 0);
        Ok(())
    }

    /// The VR that implicit VR does not say.
    fn vr(&self, tag: Tag, undefined: bool) -> [u8; 2] {
        let vr = implied(tag, undefined);
        // US or SS by Pixel Representation (PS3.6 says "US or SS"; the dictionary's choice is US).
        if self.signed && SIGNED.contains(&tag) { *b"SS" } else { vr }
    }
}

/// Attributes that are US or SS (PS3.6).
const SIGNED: &[Tag] = &[
    0x0028_0106,
    0x0028_0107,
    0x0028_0108,
    0x0028_0109,
    0x0028_0120,
    0x0028_0121,
    0x0028_1101,
    0x0028_1102,
    0x0028_1103,
    0x0028_3002,
    0x0040_9211,
    0x0040_9216,
];

#[cfg(test)]
mod tests;
