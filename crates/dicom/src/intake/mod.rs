//! Part 10 bytes pushed in pieces: the head is kept, pixel data only measured.

mod facts;
mod image;
mod note;
mod pixel;
pub(crate) mod walk;

use crate::{Error, Result, bounds};
use model::{FrameSpan, InstanceFacts, Uid, limits};
use pixel::PixelTracker;
use std::io::Read;
use walk::{Coding, Stop, Walker};

/// Stands for an identifier that a file lacks, in [`Intake::of_a_file_that_stays`].
pub const NO_UID: &str = "2.25.0";

/// How far an intake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Still in the header.
    Head,
    /// In or after the pixel data.
    Pixels,
}

/// A whole object's facts and head.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// Typed, bounded facts.
    pub facts: InstanceFacts,
    /// The stored bytes before the Pixel Data element; all of them without one, and of a deflated object.
    pub head: Vec<u8>,
}

/// Push parser of one Part 10 file (PS3.10 §7). Holds at most [`limits::HEADER_BYTES`] and the frame table.
#[derive(Debug, Default)]
pub struct Intake {
    head: Vec<u8>,
    total: u64,
    meta: Option<Meta>,
    walker: Option<Walker>,
    pixels: Option<PixelTracker>,
    failed: Option<Error>,
    unnamed: bool,
}

/// What the file meta information says, and where it ends.
#[derive(Debug, Clone)]
pub(crate) struct Meta {
    pub(crate) syntax: Uid,
    pub(crate) end: usize,
    pub(crate) coding: Coding,
}

impl Intake {
    /// Nothing pushed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for a file that is only looked at and never stored: identifiers that it lacks are [`NO_UID`].
    #[must_use]
    pub fn of_a_file_that_stays() -> Self {
        Self { unnamed: true, ..Self::default() }
    }

    /// Takes the next bytes of the file, any number of them.
    ///
    /// # Errors
    /// The bytes are refused; every later call gives the same error.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Progress> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.take(bytes);
        self.failed = result.err();
        result
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Progress> {
        let before = self.total;
        self.total = before.saturating_add(bytes.len() as u64);
        if self.total > limits::OBJECT_BYTES {
            return Err(Error::TooLarge("object"));
        }
        if let Some(pixels) = &mut self.pixels {
            pixels.push(before, bytes)?;
            return Ok(Progress::Pixels);
        }
        let room = (limits::HEADER_BYTES + 1).saturating_sub(self.head.len());
        let (kept, over) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(kept);
        self.walk()?;
        if let Some(pixels) = &mut self.pixels {
            pixels.push(before + kept.len() as u64, over)?;
            return Ok(Progress::Pixels);
        }
        if self.head.len() > limits::HEADER_BYTES {
            return Err(Error::TooLarge("header"));
        }
        Ok(Progress::Head)
    }

    fn walk(&mut self) -> Result<()> {
        if self.meta.is_none() {
            self.meta = read_meta(&self.head, false)?;
        }
        let Some(meta) = &self.meta else { return Ok(()) };
        if meta.coding == Coding::Deflated {
            return Ok(());
        }
        let walker = self.walker.get_or_insert_with(|| Walker::new(meta.coding, meta.end));
        if let Stop::Pixels(header) = walker.advance(&self.head)? {
            let mut tracker = PixelTracker::new(&header, walker.coding());
            let tail = self.head.split_off(header.start);
            let value = header.start + header.header_len;
            tracker.push(value as u64, tail.get(header.header_len..).unwrap_or_default())?;
            self.head.shrink_to_fit();
            self.pixels = Some(tracker);
        }
        Ok(())
    }

    /// Nothing is left to inflate, and the header is no longer than this.
    #[must_use]
    pub fn is_quick(&self, head_bytes: usize) -> bool {
        self.head.len() <= head_bytes
            && self.meta.as_ref().is_some_and(|meta| meta.coding != Coding::Deflated)
    }

    /// The file is complete.
    ///
    /// # Errors
    /// Cut off, or without the four identifiers that an instance needs.
    pub fn finish(mut self) -> Result<Parsed> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.meta.is_none() {
            self.meta = read_meta(&self.head, true)?;
            self.walk()?;
        }
        let meta = self.meta.ok_or(Error::NotPart10)?;
        if meta.coding == Coding::Deflated {
            let inflated = inflate(self.head.get(meta.end..).unwrap_or_default())?;
            let (walker, pixels) = walk_whole(&inflated, Coding::ExplicitLe, 0)?;
            let mut facts = facts::gather(&walker, &inflated, &meta, pixels.as_ref(), self.unnamed)?;
            facts.frames = deflated_frames(facts.frames.len(), self.total);
            facts.head_len = self.total;
            facts.rejects = note::note(&self.head, &facts.sop_class);
            return Ok(Parsed { facts, head: self.head });
        }
        let walker = self.walker.ok_or(Error::Truncated("the header"))?;
        if let Some(pixels) = &self.pixels {
            pixels.finish()?;
        } else {
            walker.finish(&self.head)?;
        }
        let mut facts = facts::gather(&walker, &self.head, &meta, self.pixels.as_ref(), self.unnamed)?;
        facts.rejects = note::note(&self.head, &facts.sop_class);
        Ok(Parsed { facts, head: self.head })
    }
}

/// A frame of a deflated data set has no span of its own: the whole file stands for each of them, and
/// [`inflated_frame`] cuts it out where it is decoded.
fn deflated_frames(count: usize, len: u64) -> Vec<Vec<FrameSpan>> {
    if count > bounds::DEFLATED_FRAMES {
        return Vec::new();
    }
    vec![vec![FrameSpan { offset: 0, len }]; count]
}

/// The encoded bytes of a frame (0-based) of a whole deflated file (PS3.5 A.5).
///
/// # Errors
/// The file is not a deflated one with that frame, or inflates above the bound.
pub fn inflated_frame(file: &[u8], frame: u32) -> Result<Vec<u8>> {
    const NONE: Error = Error::Missing("frame");
    let meta = read_meta(file, true)?.ok_or(Error::NotPart10)?;
    if meta.coding != Coding::Deflated || file.len() > limits::HEADER_BYTES {
        return Err(NONE);
    }
    let inflated = inflate(file.get(meta.end..).unwrap_or_default())?;
    let (walker, pixels) = walk_whole(&inflated, Coding::ExplicitLe, 0)?;
    let facts = facts::gather(&walker, &inflated, &meta, pixels.as_ref(), true)?;
    let spans = facts.frames.get(frame as usize).ok_or(NONE)?;
    let part = |span: &FrameSpan| -> Option<&[u8]> {
        let from = usize::try_from(span.offset).ok()?;
        inflated.get(from..from.checked_add(usize::try_from(span.len).ok()?)?)
    };
    let parts: Option<Vec<&[u8]>> = spans.iter().map(part).collect();
    Ok(parts.ok_or(NONE)?.concat())
}

/// Walks a complete data set in memory.
pub(crate) fn walk_whole(
    bytes: &[u8],
    coding: Coding,
    start: usize,
) -> Result<(Walker, Option<PixelTracker>)> {
    let mut walker = Walker::new(coding, start);
    match walker.advance(bytes)? {
        Stop::More => {
            walker.finish(bytes)?;
            Ok((walker, None))
        }
        Stop::Pixels(header) => {
            let mut tracker = PixelTracker::new(&header, coding);
            let from = header.start + header.header_len;
            tracker.push(from as u64, bytes.get(from..).unwrap_or_default())?;
            tracker.finish()?;
            Ok((walker, Some(tracker)))
        }
    }
}

/// Inflates raw deflate data (PS3.5 A.5) up to [`bounds::INFLATED_BYTES`].
pub(crate) fn inflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let most = bounds::INFLATED_BYTES as u64 + 1;
    flate2::read::DeflateDecoder::new(bytes)
        .take(most)
        .read_to_end(&mut out)
        .map_err(|_| Error::Malformed("deflated data set"))?;
    if out.len() > bounds::INFLATED_BYTES { Err(Error::TooLarge("inflated data set")) } else { Ok(out) }
}

/// Reads group 0002; `None`: more bytes are needed. The group length is not trusted: the group's end counts.
pub(crate) fn read_meta(head: &[u8], last: bool) -> Result<Option<Meta>> {
    const START: usize = 132;
    if head.len() < START {
        return if last { Err(Error::NotPart10) } else { Ok(None) };
    }
    if head.get(128..START) != Some(b"DICM") {
        return Err(Error::NotPart10);
    }
    let mut pos = START;
    let mut syntax = None;
    loop {
        match head.get(pos..pos + 2) {
            None if !last => return Ok(None),
            Some([2, 0]) => {}
            _ => break,
        }
        let Some(header) = walk::header(head, pos, Coding::ExplicitLe)? else {
            return if last { Err(Error::Truncated("file meta information")) } else { Ok(None) };
        };
        let len = header.len.ok_or(Error::Malformed("file meta information"))? as usize;
        let from = pos + header.header_len;
        if len > limits::HEADER_BYTES || from + len > limits::HEADER_BYTES {
            return Err(Error::TooLarge("file meta information"));
        }
        let Some(value) = head.get(from..from + len) else {
            return if last { Err(Error::Truncated("file meta information")) } else { Ok(None) };
        };
        if header.tag == 0x0002_0010 {
            let text = std::str::from_utf8(value).map_err(|_| Error::TransferSyntax)?;
            syntax = Some(text.parse::<Uid>().map_err(|_| Error::TransferSyntax)?);
        }
        pos = from + len;
    }
    let syntax = syntax.ok_or(Error::Missing("transfer syntax"))?;
    let coding = Coding::of(syntax.as_str())?;
    Ok(Some(Meta { syntax, end: pos, coding }))
}

#[cfg(test)]
mod tests;
