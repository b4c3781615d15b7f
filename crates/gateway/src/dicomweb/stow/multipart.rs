//! `multipart/related` (RFC 2046 §5.1, RFC 2387) as it comes: pieces in, steps out. What is held at any time is one chunk
//! and the last piece or, between parts, one part's headers; all are bounded.

use crate::http::accept::Media;
use crate::http::limits;
use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem::Finder;
use port::stream::CHUNK_BYTES;

/// What comes next.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// A part begins.
    Part(Headers),
    /// Bytes of the part.
    Data(Bytes),
    /// The part is complete.
    PartEnd,
    /// The last boundary was seen.
    Done,
    /// Push more.
    More,
}

/// Of one part.
#[derive(Debug, PartialEq)]
pub struct Headers {
    /// Media type without parameters; nothing when the part names none.
    pub media: Option<String>,
    /// Its parameter `transfer-syntax`.
    pub syntax: Option<String>,
    /// Address of the part's content.
    pub location: Option<String>,
}

/// Not a multipart body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken(pub &'static str);

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Preamble,
    Headers,
    Body,
    Done,
}

/// A reader of one body.
#[derive(Debug)]
pub struct Multipart {
    /// `CRLF -- boundary`.
    delimiter: Finder<'static>,
    buffer: BytesMut,
    /// No delimiter begins before this byte of the buffer.
    scanned: usize,
    state: State,
    skipped: usize,
}

/// RFC 2046 §5.1.1: so many characters, no space at the end.
#[must_use]
pub fn is_boundary(text: &str) -> bool {
    (1..=limits::BOUNDARY_BYTES).contains(&text.len())
        && !text.ends_with(' ')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&b))
}

/// What follows a delimiter.
enum After {
    NextPart(usize),
    Close,
    NotADelimiter,
    Unknown,
}

impl Multipart {
    /// Of a boundary that [`is_boundary`].
    #[must_use]
    pub fn new(boundary: &str) -> Self {
        let delimiter = Finder::new(&format!("\r\n--{boundary}")).into_owned();
        // The first delimiter may stand at the very start: then the line break before it is ours.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self { delimiter, buffer, scanned: 0, state: State::Preamble, skipped: 0 }
    }

    /// Takes the next piece; call [`Multipart::step`] until it says [`Step::More`] before the next one.
    pub fn push(&mut self, piece: &[u8]) {
        if self.state == State::Done {
            return;
        }
        if self.buffer.capacity() - self.buffer.len() < piece.len() {
            self.buffer.reserve(CHUNK_BYTES + piece.len());
        }
        self.buffer.extend_from_slice(piece);
    }

    /// The next step.
    ///
    /// # Errors
    /// The bytes are not multipart, or a bound is exceeded.
    pub fn step(&mut self) -> Result<Step, Broken> {
        match self.state {
            State::Preamble => self.preamble(),
            State::Headers => self.headers(),
            State::Body => self.body(),
            // The epilogue says nothing.
            State::Done => Ok(Step::Done),
        }
    }

    fn preamble(&mut self) -> Result<Step, Broken> {
        match self.find() {
            Found::At(at, After::NextPart(end)) => {
                self.advance(at + end);
                self.state = State::Headers;
                self.headers()
            }
            Found::At(_, After::Close) => {
                self.state = State::Done;
                Ok(Step::Done)
            }
            _ if self.buffer.len() + self.skipped > limits::PREAMBLE_BYTES => {
                Err(Broken("no boundary at the start"))
            }
            Found::At(until, _) | Found::Until(until) => {
                self.skipped += until;
                self.advance(until);
                Ok(Step::More)
            }
        }
    }

    fn headers(&mut self) -> Result<Step, Broken> {
        let most = self.buffer.len().min(limits::PART_HEADERS_BYTES);
        let window = self.buffer.get(..most).unwrap_or_default();
        // A part without headers begins with the empty line itself.
        let (text, end) = if window.starts_with(b"\r\n") {
            (&b""[..], 2)
        } else if let Some(at) = window.windows(4).position(|w| w == b"\r\n\r\n") {
            (window.get(..at).unwrap_or_default(), at + 4)
        } else if most == limits::PART_HEADERS_BYTES {
            return Err(Broken("the headers of a part are too long"));
        } else {
            return Ok(Step::More);
        };
        let headers = read(text)?;
        self.advance(end);
        self.state = State::Body;
        Ok(Step::Part(headers))
    }

    /// Bytes leave in whole chunks: what takes them has as many turns as there are chunks, however small the pieces are.
    fn body(&mut self) -> Result<Step, Broken> {
        match self.find() {
            Found::At(0, After::NextPart(end)) => {
                self.advance(end);
                self.state = State::Headers;
                Ok(Step::PartEnd)
            }
            Found::At(0, After::Close) => {
                self.state = State::Done;
                self.buffer.clear();
                Ok(Step::PartEnd)
            }
            Found::At(until, After::NextPart(_) | After::Close) => Ok(self.data(until)),
            Found::At(until, _) | Found::Until(until) if until >= CHUNK_BYTES => Ok(self.data(until)),
            Found::At(..) | Found::Until(_) => Ok(Step::More),
        }
    }

    fn data(&mut self, until: usize) -> Step {
        let len = until.min(CHUNK_BYTES);
        self.scanned = self.scanned.saturating_sub(len);
        Step::Data(self.buffer.split_to(len).freeze())
    }

    fn advance(&mut self, len: usize) {
        self.buffer.advance(len);
        self.scanned = self.scanned.saturating_sub(len);
    }

    /// Where the next delimiter stands, or up to where there is surely none.
    fn find(&mut self) -> Found {
        let (bytes, delimiter) = (self.buffer.as_ref(), self.delimiter.needle());
        let mut at = self.scanned;
        while let Some(step) = self.delimiter.find(bytes.get(at..).unwrap_or_default()) {
            let start = at + step;
            match self.after(bytes.get(start + delimiter.len()..).unwrap_or_default()) {
                After::NotADelimiter => at = start + 1,
                after => {
                    self.scanned = start;
                    return Found::At(start, after);
                }
            }
        }
        // One may begin in the last bytes.
        let begins = |at: &usize| bytes.get(*at..).is_some_and(|rest| delimiter.starts_with(rest));
        let tail = at.max((bytes.len() + 1).saturating_sub(delimiter.len()));
        let until = (tail..bytes.len()).find(begins).unwrap_or(bytes.len());
        self.scanned = until;
        Found::Until(until)
    }

    /// RFC 2046 §5.1.1: `--` closes; blanks and a line break lead to the next part. Anything else: these bytes only
    /// look like a delimiter, as bytes of a picture may.
    fn after(&self, rest: &[u8]) -> After {
        const PADDING: usize = 64;
        if rest.starts_with(b"--") {
            return After::Close;
        }
        let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match rest.get(blanks..) {
            _ if blanks > PADDING => After::NotADelimiter,
            Some([b'\r', b'\n', ..]) => After::NextPart(self.delimiter.needle().len() + blanks + 2),
            Some([] | [b'\r']) => After::Unknown,
            Some([b'-']) if blanks == 0 => After::Unknown,
            _ => After::NotADelimiter,
        }
    }
}

enum Found {
    At(usize, After),
    Until(usize),
}

fn read(text: &[u8]) -> Result<Headers, Broken> {
    let text = std::str::from_utf8(text).map_err(|_| Broken("the headers of a part cannot be read"))?;
    let (mut media, mut syntax, mut location) = (None, None, None);
    for line in text.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else {
            if line.is_empty() || line.starts_with([' ', '\t']) {
                continue; // folded; nothing that matters here is
            }
            return Err(Broken("the headers of a part cannot be read"));
        };
        if name.trim().eq_ignore_ascii_case("content-type") {
            let parsed = Media::parse(value).ok_or(Broken("the media type of a part cannot be read"))?;
            syntax = parsed.parameter("transfer-syntax").map(str::to_owned);
            media = Some(parsed.name);
        }
        if name.trim().eq_ignore_ascii_case("content-location") {
            location = Some(value.trim().to_owned());
        }
        if name.trim().eq_ignore_ascii_case("content-transfer-encoding")
            && !value.trim().eq_ignore_ascii_case("binary")
        {
            return Err(Broken("parts are binary (PS3.18 §8.6.1.2)"));
        }
    }
    Ok(Headers { media, syntax, location })
}

/// Media type and bytes.
#[cfg(test)]
pub type Parts = Vec<(Option<String>, Vec<u8>)>;

/// Parts, and whether the body was whole, read in pieces of a size.
#[cfg(test)]
pub fn fuzzed(bytes: &[u8], piece: usize) -> (Parts, bool) {
    let (mut multipart, mut parts, mut pieces) = (Multipart::new("b"), Vec::new(), bytes.chunks(piece));
    loop {
        match multipart.step() {
            Ok(Step::Part(headers)) => parts.push((headers.media, Vec::new())),
            Ok(Step::Data(data)) => {
                parts.last_mut().map(|(_, all)| all.extend_from_slice(&data)).unwrap_or_default()
            }
            Ok(Step::PartEnd) => {}
            Ok(Step::Done) => return (parts, true),
            Ok(Step::More) => match pieces.next() {
                Some(piece) => multipart.push(piece),
                None => return (parts, false),
            },
            Err(_) => return (parts, false),
        }
    }
}

#[cfg(test)]
mod tests;
