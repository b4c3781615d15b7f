//! Pixel data as it streams by: fragments (PS3.5 A.4) or a native span, never the bytes themselves.

use super::walk::{Coding, Header};
use crate::{Error, Result, bounds};
use model::{FrameSpan, limits};

#[derive(Debug)]
enum State {
    /// Inside a native value; bytes left.
    Native(u64),
    /// Collecting an item header.
    Header(Vec<u8>),
    /// Inside the Basic Offset Table; bytes left.
    Offsets(u64),
    /// Inside a fragment; bytes left.
    Fragment(u64),
    /// At the first bytes of a fragment; bytes left, and the first one when it was seen.
    Start(u64, Option<u8>),
    /// After the pixel data: padding, signatures.
    After,
}

/// Follows the pixel data.
#[derive(Debug)]
pub struct PixelTracker {
    state: State,
    /// Where the value starts in the file.
    pub value_start: u64,
    /// Native length, `None` when encapsulated.
    pub native: Option<u64>,
    /// Float Pixel Data or Double Float Pixel Data: no integers.
    float: bool,
    /// Bytes of a word of two are exchanged (OW of the big endian syntax, PS3.5 §7.3).
    exchanged: bool,
    table: Vec<u8>,
    seen_table: bool,
    /// Fragments after the offset table.
    pub fragments: Vec<FrameSpan>,
    /// Places of the fragments that begin a codestream.
    starts: Vec<usize>,
}

impl PixelTracker {
    pub fn new(header: &Header, coding: Coding) -> Self {
        let native = header.len.map(u64::from);
        Self {
            state: native.map_or_else(|| State::Header(Vec::new()), State::Native),
            value_start: header.start as u64 + header.header_len as u64,
            native,
            float: header.tag != 0x7FE0_0010,
            exchanged: coding == Coding::ExplicitBe && header.vr == Some(*b"OW"),
            table: Vec::new(),
            seen_table: false,
            fragments: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// Samples of so many bits can be read as whole numbers, in their order.
    pub const fn readable(&self, bits_allocated: u8) -> bool {
        !(self.float || self.exchanged && bits_allocated <= 8)
    }

    /// Takes bytes that start at `at` in the file.
    pub fn push(&mut self, at: u64, mut bytes: &[u8]) -> Result<()> {
        let mut at = at;
        while !bytes.is_empty() {
            let taken = self.step(at, bytes)?;
            bytes = bytes.get(taken..).unwrap_or_default();
            at += taken as u64;
        }
        Ok(())
    }

    fn step(&mut self, at: u64, bytes: &[u8]) -> Result<usize> {
        let room = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        match &mut self.state {
            State::After => Ok(bytes.len()),
            State::Native(left) => {
                let taken = room(*left);
                *left -= taken as u64;
                if *left == 0 {
                    self.state = State::After;
                }
                Ok(taken)
            }
            State::Offsets(left) | State::Fragment(left) => {
                let taken = room(*left);
                *left -= taken as u64;
                let done = *left == 0;
                if matches!(self.state, State::Offsets(_)) {
                    self.table.extend_from_slice(bytes.get(..taken).unwrap_or_default());
                }
                if done {
                    self.state = State::Header(Vec::new());
                }
                Ok(taken)
            }
            State::Start(left, first) => {
                let Some(byte) = bytes.first().copied() else { return Ok(0) };
                let rest = *left - 1;
                // JPEG and JPEG-LS begin with SOI, JPEG 2000 with SOC, JPEG XL with its own mark; nothing else in them
                // does, as a byte of all ones is stuffed.
                let starts = matches!((*first, byte), (Some(0xFF), 0xD8 | 0x4F | 0x0A));
                let second = first.is_some();
                self.state = match rest {
                    0 => State::Header(Vec::new()),
                    _ if second => State::Fragment(rest),
                    _ => State::Start(rest, Some(byte)),
                };
                if starts {
                    self.starts.push(self.fragments.len().saturating_sub(1));
                }
                Ok(1)
            }
            State::Header(collected) => {
                let taken = (8 - collected.len()).min(bytes.len());
                collected.extend_from_slice(bytes.get(..taken).unwrap_or_default());
                if let Some(whole) = collected.first_chunk::<8>().copied() {
                    self.item(at + taken as u64, whole)?;
                }
                Ok(taken)
            }
        }
    }

    fn item(&mut self, value: u64, header: [u8; 8]) -> Result<()> {
        let [a, b, c, d, len @ ..] = header;
        let len = u32::from_le_bytes(len);
        match [a, b, c, d] {
            [0xFE, 0xFF, 0xDD, 0xE0] => self.state = State::After,
            [0xFE, 0xFF, 0x00, 0xE0] if len == u32::MAX => return Err(Error::Malformed("fragment")),
            [0xFE, 0xFF, 0x00, 0xE0] if !self.seen_table => {
                self.seen_table = true;
                if len as usize > 4 * limits::FRAMES as usize {
                    return Err(Error::TooLarge("basic offset table"));
                }
                self.state = if len == 0 { State::Header(Vec::new()) } else { State::Offsets(len.into()) };
            }
            [0xFE, 0xFF, 0x00, 0xE0] => {
                if self.fragments.len() >= bounds::FRAGMENTS {
                    return Err(Error::TooLarge("number of fragments"));
                }
                self.fragments.push(FrameSpan { offset: value, len: len.into() });
                self.state =
                    if len == 0 { State::Header(Vec::new()) } else { State::Start(len.into(), None) };
            }
            _ => return Err(Error::Malformed("fragment")),
        }
        Ok(())
    }

    /// The bytes are complete.
    pub fn finish(&self) -> Result<()> {
        match &self.state {
            State::After | State::Native(0) => Ok(()),
            _ => Err(Error::Truncated("the pixel data")),
        }
    }

    /// Fragments by frame; empty when frames cannot be told apart. `extended`: (7FE0,0001) as 64-bit offsets.
    pub fn frames(&self, count: u32, frame_bytes: Option<u64>, extended: &[u8]) -> Vec<Vec<FrameSpan>> {
        let n = count as usize;
        if n == 0 || count > limits::FRAMES {
            return Vec::new();
        }
        if let Some(native) = self.native {
            return self.native_frames(count, native, frame_bytes);
        }
        if self.fragments.len() == n {
            return self.fragments.iter().map(|f| vec![*f]).collect();
        }
        if n == 1 {
            return vec![self.fragments.clone()];
        }
        let wide = extended.chunks_exact(8).filter_map(|c| c.first_chunk().copied().map(u64::from_le_bytes));
        let short =
            self.table.chunks_exact(4).filter_map(|c| c.first_chunk().copied().map(u32::from_le_bytes));
        let offsets: Vec<u64> =
            if extended.is_empty() { short.map(u64::from).collect() } else { wide.collect() };
        if offsets.is_empty() { self.by_starts(n) } else { self.by_offsets(n, &offsets) }
    }

    fn native_frames(&self, count: u32, native: u64, frame_bytes: Option<u64>) -> Vec<Vec<FrameSpan>> {
        let Some(len) = frame_bytes.filter(|len| *len > 0 && len.saturating_mul(count.into()) <= native)
        else {
            return Vec::new();
        };
        (0..u64::from(count)).map(|i| vec![FrameSpan { offset: self.value_start + i * len, len }]).collect()
    }

    /// Without a table: as many codestreams as frames, the first at the first fragment.
    fn by_starts(&self, n: usize) -> Vec<Vec<FrameSpan>> {
        if self.starts.len() != n || self.starts.first() != Some(&0) {
            return Vec::new();
        }
        let ends = self.starts.iter().skip(1).copied().chain([self.fragments.len()]);
        let frame = |(from, to): (&usize, usize)| self.fragments.get(*from..to).unwrap_or_default().to_vec();
        self.starts.iter().zip(ends).map(frame).collect()
    }

    /// Each offset must be the start of a fragment's item, ascending from zero.
    fn by_offsets(&self, n: usize, offsets: &[u64]) -> Vec<Vec<FrameSpan>> {
        let Some(first) = self.fragments.first() else { return Vec::new() };
        if offsets.len() != n || offsets.first() != Some(&0) {
            return Vec::new();
        }
        let mut frames: Vec<Vec<FrameSpan>> = Vec::with_capacity(n);
        let mut next = offsets.iter().peekable();
        for fragment in &self.fragments {
            if next.peek().is_some_and(|o| **o == fragment.offset - first.offset) {
                next.next();
                frames.push(Vec::new());
            }
            if let Some(frame) = frames.last_mut() {
                frame.push(*fragment);
            }
        }
        if frames.len() == n { frames } else { Vec::new() }
    }
}
