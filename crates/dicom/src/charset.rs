//! Text of any Specific Character Set (PS3.3 C.12.1.1.2) as UTF-8, with ISO 2022 code extensions (PS3.5 §6.1.2.5).

use dicom_encoding::text::{SpecificCharacterSet, TextCodec};

/// The character sets that a data set declares; the first decodes text before any escape sequence.
#[derive(Debug, Clone)]
pub struct Charsets {
    first: String,
    /// All terms, in order.
    terms: Vec<String>,
    extended: bool,
}

const ESC: u8 = 0x1B;

/// Escape sequence after ESC, and the defined term that it designates (PS3.3 Tables C.12-3, C.12-4).
const ESCAPES: &[(&[u8], &str)] = &[
    (b"$(D", "JP"),
    (b"$)C", "ISO_IR 149"),
    (b"$)A", "GBK"),
    (b"$B", "JP"),
    (b"$@", "JP"),
    (b"(B", ""),
    (b"(J", "ISO_IR 13"),
    (b")I", "ISO_IR 13"),
    (b"-A", "ISO_IR 100"),
    (b"-B", "ISO_IR 101"),
    (b"-C", "ISO_IR 109"),
    (b"-D", "ISO_IR 110"),
    (b"-L", "ISO_IR 144"),
    (b"-G", "ISO_IR 127"),
    (b"-F", "ISO_IR 126"),
    (b"-H", "ISO_IR 138"),
    (b"-M", "ISO_IR 148"),
    (b"-T", "ISO_IR 166"),
];

impl Charsets {
    /// From the raw value of (0008,0005); unknown terms fall back to ISO 8859-1 of dicom-rs's default.
    pub fn new(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let terms: Vec<String> =
            text.split('\\').take(TERMS).map(|term| term.trim_matches([' ', '\0']).to_owned()).collect();
        let first = terms.first().cloned().unwrap_or_default();
        Self { extended: text.contains("2022") || text.contains('\\'), first, terms }
    }

    /// UTF-8, which says everything.
    pub fn utf8() -> Self {
        Self::new(b"ISO_IR 192")
    }

    /// The value of (0008,0005).
    pub fn terms(&self) -> String {
        self.terms.join("\\")
    }

    /// A data set in these sets names them.
    pub fn declares(&self) -> bool {
        self.terms.iter().any(|term| !term.is_empty())
    }

    /// Encodes text with its delimiters; nothing when no set of these has a character. Escape sequences end before every
    /// delimiter and at the end (PS3.5 §6.1.2.5.3).
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        if text.is_ascii() {
            return Some(text.as_bytes().to_vec());
        }
        if !self.extended {
            return strict(&self.first, text);
        }
        let mut out = Vec::new();
        for piece in text.split_inclusive(['\\', '^', '=', '\r', '\n', '\t', '\u{c}']) {
            let (body, delimiter) = match piece.char_indices().last() {
                Some((at, c)) if c.is_ascii() && "\\^=\r\n\t\u{c}".contains(c) => piece.split_at(at),
                _ => (piece, ""),
            };
            out.extend(self.escaped(body)?);
            out.extend_from_slice(delimiter.as_bytes());
        }
        Some(out)
    }

    /// Back to the first set: what was designated to G0 or to G1 gives way.
    fn home(&self, current: &[u8]) -> &'static [u8] {
        let own = self.first.replace("ISO 2022 IR", "ISO_IR");
        let g1 = ESCAPES.iter().find(|(escape, term)| escape.starts_with(b"-") && *term == own);
        match g1 {
            Some((escape, _)) if !current.starts_with(b"$B") => escape,
            _ => b"(B",
        }
    }

    /// One run without delimiters: characters of the first set as they are, others behind their escape sequence.
    fn escaped(&self, text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut current: &[u8] = b"";
        for c in text.chars() {
            // ASCII stays where it is while G0 is ASCII.
            if c.is_ascii() && !current.starts_with(b"$B") {
                out.push(c as u8);
                continue;
            }
            let mut buffer = [0; 4];
            let one = &*c.encode_utf8(&mut buffer);
            let plain = if c.is_ascii() { Some(vec![c as u8]) } else { strict(&self.first, one) };
            let (escape, bytes) = match plain {
                Some(bytes) => (&b""[..], bytes),
                None => self.terms.iter().skip(1).find_map(|term| behind(term, one))?,
            };
            if escape != current {
                let designate = if escape.is_empty() { self.home(current) } else { escape };
                out.extend_from_slice(&[&[ESC], designate].concat());
                current = escape;
            }
            out.extend(bytes);
        }
        if current.starts_with(b"$B") {
            out.extend_from_slice(b"\x1B(B");
        }
        Some(out)
    }

    /// Escape sequences may stand in the text.
    pub const fn extended(&self) -> bool {
        self.extended
    }

    /// The bytes of a text that was decoded by the first character set alone.
    pub fn undo(&self, text: &str) -> Option<Vec<u8>> {
        SpecificCharacterSet::from_code(&self.first).unwrap_or_default().encode(text).ok()
    }

    /// Decodes one value. A delimiter does not reset the character set: the sender has done it (PS3.5 §6.1.2.5.3), and
    /// the same byte may be half of a character.
    pub fn decode(&self, raw: &[u8]) -> String {
        if !self.extended || !raw.contains(&ESC) {
            return codec(&self.first, raw);
        }
        let mut out = String::new();
        let mut current: Option<&[u8]> = None;
        let mut rest = raw;
        while !rest.is_empty() {
            let split = rest.iter().position(|b| *b == ESC).unwrap_or(rest.len());
            let (segment, tail) = rest.split_at(split);
            out.push_str(&self.segment(current, segment));
            let Some(after) = tail.get(1..) else { break };
            let known = ESCAPES.iter().find(|(escape, _)| after.starts_with(escape));
            current = known.map(|(escape, _)| *escape);
            rest = after.get(known.map_or(0, |(escape, _)| escape.len())..).unwrap_or_default();
        }
        out
    }

    fn segment(&self, escape: Option<&[u8]>, segment: &[u8]) -> String {
        let Some(escape) = escape else { return codec(&self.first, segment) };
        let term = ESCAPES.iter().find(|(e, _)| *e == escape).map_or("", |(_, term)| *term);
        if term == "JP" {
            let whole = [&[ESC], escape, segment, &[ESC], b"(B"].concat();
            return codec("ISO_IR 87", &whole);
        }
        if term.is_empty() { codec(&self.first, segment) } else { codec(term, segment) }
    }

    /// Splits a multi-valued text at backslashes and decodes each; multi-byte sets may hold 0x5C inside a character,
    /// so the split follows the decoding.
    pub fn values(&self, raw: &[u8]) -> Vec<String> {
        let text = self.decode(raw);
        let trimmed = text.trim_end_matches([' ', '\0']);
        if trimmed.is_empty() {
            return Vec::new();
        }
        trimmed.split('\\').map(|v| v.trim_end_matches([' ', '\0']).to_owned()).collect()
    }
}

/// Terms of one value that are looked at.
const TERMS: usize = 16;

/// Multi-byte sets with code extensions: defined term, escape sequence without ESC, codec (PS3.3 Table C.12-4).
const WIDE: &[(&str, &[u8], &str)] = &[
    ("ISO 2022 IR 87", b"$B", "ISO_IR 87"),
    ("ISO 2022 IR 149", b"$)C", "ISO_IR 149"),
    ("ISO 2022 IR 58", b"$)A", "GBK"),
];

/// One character in a further set: its escape sequence and its bytes.
fn behind(term: &str, one: &str) -> Option<(&'static [u8], Vec<u8>)> {
    if let Some((_, escape, codec)) = WIDE.iter().find(|(wide, ..)| *wide == term) {
        let bytes = strict(codec, one)?;
        return match (*codec, bytes.as_slice()) {
            // ISO 2022-JP of dicom-rs's codec brings its own escape sequences.
            ("ISO_IR 87", [ESC, b'$', b'B' | b'@', a, b, ..]) => Some((*escape, vec![*a, *b])),
            ("ISO_IR 87", _) => None,
            // 94 × 94 sets in G1 only; the code pages have more.
            (_, [0xA1..=0xFE, 0xA1..=0xFE]) => Some((*escape, bytes)),
            _ => None,
        };
    }
    let narrow = term.replace("ISO 2022 IR", "ISO_IR");
    let (escape, _) = ESCAPES.iter().find(|(escape, known)| escape.starts_with(b"-") && *known == narrow)?;
    Some((*escape, strict(&narrow, one)?))
}

/// Encodes, and believes it only when it decodes to the same text: codecs may replace what they do not have.
fn strict(term: &str, text: &str) -> Option<Vec<u8>> {
    let known = if term.is_empty() { return None } else { SpecificCharacterSet::from_code(term)? };
    let bytes = known.encode(text).ok()?;
    (known.decode(&bytes).ok()? == text).then_some(bytes)
}

fn codec(term: &str, raw: &[u8]) -> String {
    let known = SpecificCharacterSet::from_code(term).unwrap_or_default();
    known.decode(raw).unwrap_or_else(|_| String::from_utf8_lossy(raw).into_owned())
}
