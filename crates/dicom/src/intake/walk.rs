//! A bounded walk over the byte structure of a data set (PS3.5 §7), resumable when bytes run out.
//! No value is interpreted; nothing is allocated that the bytes asked for.

use crate::{Error, Result};
use dicom_encoding::TransferSyntaxIndex;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use model::{Tag, limits, tags};
use std::collections::BTreeMap;

/// How elements are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Implicit VR little endian, also the content of UN with undefined length.
    ImplicitLe,
    /// Explicit VR little endian.
    ExplicitLe,
    /// Explicit VR big endian (retired).
    ExplicitBe,
    /// Explicit VR little endian inside raw deflate.
    Deflated,
}

impl Coding {
    /// Of a transfer syntax that dicom-rs's registry names.
    pub fn of(uid: &str) -> Result<Self> {
        match uid {
            "1.2.840.10008.1.2" => Ok(Self::ImplicitLe),
            "1.2.840.10008.1.2.2" => Ok(Self::ExplicitBe),
            "1.2.840.10008.1.2.1.99" | "1.2.840.10008.1.2.4.95" | "1.2.840.10008.1.2.4.205" => {
                Ok(Self::Deflated)
            }
            _ if known(uid) => Ok(Self::ExplicitLe),
            _ => Err(Error::TransferSyntax),
        }
    }

    const fn u16(self, b: [u8; 2]) -> u16 {
        if matches!(self, Self::ExplicitBe) { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) }
    }

    const fn u32(self, b: [u8; 4]) -> u32 {
        if matches!(self, Self::ExplicitBe) { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
    }
}

/// Known to dicom-rs's registry, with or without a codec.
pub fn known(uid: &str) -> bool {
    // Retired JPEG processes are in no registry; their data sets are explicit little endian like all of PS3.5 A.4.
    TransferSyntaxRegistry.get(uid).is_some() || uid.starts_with("1.2.840.10008.1.2.4.")
}

/// One element's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub tag: Tag,
    /// Explicit VR, `None` when implicit or an item.
    pub vr: Option<[u8; 2]>,
    /// `None`: undefined length.
    pub len: Option<u32>,
    pub header_len: usize,
    /// Where the header starts.
    pub start: usize,
}

/// A top-level value.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub vr: Option<[u8; 2]>,
    pub start: usize,
    pub len: usize,
}

/// Why the walk paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// More bytes are needed, or the data set is at its end.
    More,
    /// The top-level pixel data starts.
    Pixels(Header),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Items,
    Item,
    Fragments,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Kind,
    end: Option<usize>,
    coding: Coding,
}

/// The walk's state.
#[derive(Debug)]
pub struct Walker {
    coding: Coding,
    pos: usize,
    stack: Vec<Frame>,
    elements: usize,
    /// Top-level values by tag.
    pub entries: BTreeMap<Tag, Entry>,
    /// Items of the sequences that the index keeps, with their values by tag.
    pub items: BTreeMap<Tag, Vec<BTreeMap<Tag, Entry>>>,
    /// The top-level sequence that the walk is in.
    inside: Tag,
    /// Header of the pixel data.
    pub pixels: Option<Header>,
}

const ITEM: Tag = 0xFFFE_E000;
const ITEM_END: Tag = 0xFFFE_E00D;
const SEQUENCE_END: Tag = 0xFFFE_E0DD;

impl Walker {
    pub const fn new(coding: Coding, start: usize) -> Self {
        Self {
            coding,
            pos: start,
            stack: Vec::new(),
            elements: 0,
            entries: BTreeMap::new(),
            items: BTreeMap::new(),
            inside: 0,
            pixels: None,
        }
    }

    pub const fn coding(&self) -> Coding {
        self.coding
    }

    /// Walks as far as `bytes` (all of the file so far) reach.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Stop> {
        loop {
            self.leave_full();
            let coding = self.stack.last().map_or(self.coding, |f| f.coding);
            let Some(header) = header(bytes, self.pos, coding)? else { return Ok(Stop::More) };
            if self.stack.is_empty() && matches!(header.tag, 0x7FE0_0008..=0x7FE0_0010) {
                self.pixels = Some(header);
                return Ok(Stop::Pixels(header));
            }
            if !self.step(header, coding, bytes.len())? {
                return Ok(Stop::More);
            }
        }
    }

    /// The bytes are complete: everything opened is closed, nothing is left over.
    pub fn finish(&self, bytes: &[u8]) -> Result<()> {
        if self.pos == bytes.len() && self.stack.is_empty() {
            Ok(())
        } else {
            Err(Error::Truncated("the data set"))
        }
    }

    fn leave_full(&mut self) {
        while self.stack.last().is_some_and(|f| f.end == Some(self.pos)) {
            self.stack.pop();
        }
    }

    /// Takes one header; `false`: its value is not all there yet.
    fn step(&mut self, header: Header, coding: Coding, have: usize) -> Result<bool> {
        let kind = self.stack.last().map(|f| f.kind);
        let from = self.pos + header.header_len;
        match (kind, header.tag) {
            (Some(Kind::Items | Kind::Fragments), SEQUENCE_END) | (Some(Kind::Item), ITEM_END) => {
                return self.close(from);
            }
            (Some(Kind::Items), ITEM) => {
                self.open(Kind::Item, header.len, from, coding)?;
                self.begin_item();
                return self.counted();
            }
            (Some(Kind::Items), _) => return Err(Error::Malformed("sequence item")),
            (Some(Kind::Fragments), tag) if tag != ITEM => return Err(Error::Malformed("fragment")),
            (None | Some(Kind::Item), tag) if tag >> 16 == 0xFFFE => {
                return Err(Error::Malformed("item outside a sequence"));
            }
            _ => {}
        }
        if self.stack.is_empty() && header.tag >> 16 <= 2 && header.tag >> 16 != 0 {
            return Err(Error::Malformed("file meta information in the data set"));
        }
        if let Some(nested) = opens(&header, coding)? {
            self.remember(header, from, 0)?;
            self.open(nested.0, header.len, from, nested.1)?;
            return self.counted();
        }
        let len = header.len.ok_or(Error::Malformed("undefined length"))? as usize;
        if !len.is_multiple_of(value_bytes(&header)) {
            return Err(Error::Malformed("length of a value"));
        }
        let end = self.fits(from, len)?;
        if end > have {
            return Ok(false);
        }
        self.remember(header, from, len)?;
        self.pos = end;
        self.counted()
    }

    fn counted(&mut self) -> Result<bool> {
        self.elements += 1;
        if self.elements > limits::ELEMENTS { Err(Error::TooLarge("number of elements")) } else { Ok(true) }
    }

    fn fits(&self, from: usize, len: usize) -> Result<usize> {
        let end = from.checked_add(len).ok_or(Error::TooLarge("element"))?;
        if self.stack.iter().rev().find_map(|f| f.end).is_some_and(|limit| end > limit) {
            return Err(Error::Malformed("length beyond its sequence"));
        }
        if end > limits::HEADER_BYTES.max(crate::bounds::INFLATED_BYTES) {
            Err(Error::TooLarge("element"))
        } else {
            Ok(end)
        }
    }

    fn open(&mut self, kind: Kind, len: Option<u32>, from: usize, coding: Coding) -> Result<()> {
        // A sequence and its item are two frames.
        if self.stack.len() >= 2 * limits::SEQUENCE_DEPTH {
            return Err(Error::TooLarge("depth of sequences"));
        }
        let end = len.map(|len| self.fits(from, len as usize)).transpose()?;
        self.stack.push(Frame { kind, end, coding });
        self.pos = from;
        Ok(())
    }

    fn close(&mut self, from: usize) -> Result<bool> {
        match self.stack.pop() {
            Some(Frame { end: None, .. }) => {
                self.fits(from, 0)?;
                self.pos = from;
                Ok(true)
            }
            _ => Err(Error::Malformed("delimiter in a sequence of known length")),
        }
    }

    /// A sequence and its item are two frames: an item of a top-level sequence begins.
    fn begin_item(&mut self) {
        if self.stack.len() == 2 && !tags::of_items(self.inside).is_empty() {
            let items = self.items.entry(self.inside).or_default();
            if items.len() < limits::INDEXED_ITEMS {
                items.push(BTreeMap::new());
            }
        }
    }

    fn remember(&mut self, header: Header, start: usize, len: usize) -> Result<()> {
        let entry = Entry { vr: header.vr, start, len };
        if !self.stack.is_empty() {
            let wanted = header.tag == tags::SPECIFIC_CHARACTER_SET
                || tags::of_items(self.inside).contains(&header.tag);
            if self.stack.len() == 2
                && wanted
                && let Some(item) = self.items.get_mut(&self.inside).and_then(|items| items.last_mut())
            {
                item.insert(header.tag, entry);
            }
            return Ok(());
        }
        self.inside = header.tag;
        // Two values of one attribute let two readers see two patients.
        if self.entries.insert(header.tag, entry).is_some() {
            Err(Error::Malformed("attribute given twice"))
        } else {
            Ok(())
        }
    }
}

/// Bytes of one value of a VR with binary numbers (PS3.5 Table 6.2-1). dicom-rs reads whole values and takes what is left over for
/// the next element: it would read another data set than this walk did, and fill gigabytes with zeros for lengths that are none.
fn value_bytes(header: &Header) -> usize {
    let vr = match &header.vr {
        Some(vr) => std::str::from_utf8(vr).unwrap_or_default(),
        None => crate::dataset::dictionary_vr(header.tag),
    };
    match vr {
        "US" | "SS" | "OW" => 2,
        "AT" | "UL" | "SL" | "FL" | "OL" | "OF" => 4,
        "FD" | "SV" | "UV" | "OV" | "OD" => 8,
        _ => 1,
    }
}

/// What an element opens: a sequence, fragments (an icon's pixels), or nothing.
fn opens(header: &Header, coding: Coding) -> Result<Option<(Kind, Coding)>> {
    match (header.vr, header.len) {
        (Some([b'S', b'Q']), _) => Ok(Some((Kind::Items, coding))),
        // PS3.5 §6.2.2 note 2 (CP-246): implicit little endian inside.
        (Some([b'U', b'N']), None) => Ok(Some((Kind::Items, Coding::ImplicitLe))),
        // Nothing but pixel data is encapsulated (PS3.5 A.4). dicom-rs takes the mark of undefined length elsewhere for a
        // length, and fills 4 GiB with zeros.
        (Some([b'O', b'B' | b'W']), None) if header.tag == 0x7FE0_0010 => Ok(Some((Kind::Fragments, coding))),
        (None, None) if header.tag >> 16 != 0xFFFE => Ok(Some((Kind::Items, coding))),
        (None, Some(_)) if crate::dataset::dictionary_vr(header.tag) == "SQ" => {
            Ok(Some((Kind::Items, coding)))
        }
        (_, None) => Err(Error::Malformed("undefined length")),
        _ => Ok(None),
    }
}

/// VRs with a 32-bit length (PS3.5 Table 7.1-1).
pub(crate) const LONG: &[&[u8; 2]] =
    &[b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];
const SHORT: &[&[u8; 2]] = &[
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
    b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
];

/// Reads one header; `None`: more bytes are needed.
pub fn header(bytes: &[u8], start: usize, coding: Coding) -> Result<Option<Header>> {
    let Some(fixed) = bytes.get(start..).and_then(|b| b.first_chunk::<8>()) else { return Ok(None) };
    let [a, b, c, d, e, f, g, h] = *fixed;
    let tag = Tag::from(coding.u16([a, b])) << 16 | Tag::from(coding.u16([c, d]));
    let defined = |len: u32| (len != u32::MAX).then_some(len);
    if coding == Coding::ImplicitLe || tag >> 16 == 0xFFFE {
        let len = defined(coding.u32([e, f, g, h]));
        return Ok(Some(Header { tag, vr: None, len, header_len: 8, start }));
    }
    let vr = [e, f];
    if SHORT.contains(&&vr) {
        let len = Some(u32::from(coding.u16([g, h])));
        return Ok(Some(Header { tag, vr: Some(vr), len, header_len: 8, start }));
    }
    if !LONG.contains(&&vr) {
        return Err(Error::Malformed("value representation"));
    }
    let Some(len) = bytes.get(start + 8..).and_then(|b| b.first_chunk::<4>()) else { return Ok(None) };
    Ok(Some(Header { tag, vr: Some(vr), len: defined(coding.u32(*len)), header_len: 12, start }))
}
