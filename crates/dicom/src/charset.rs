//! Text of any Specific Character Set (PS3.3 C.12.1.1.2) as UTF-8, with ISO 2022 code extensions (PS3.5 §6.1.2.5).

use dicom_encoding::text::{SpecificCharacterSet, TextCodec};

/// The character sets that a data set declares; the first decodes text before any escape sequence.
#[derive(Debug, Clone)]
pub struct Charsets {
    first: String,
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
        let first = text.split('\\').next().unwrap_or("").trim_matches([' ', '\0']).to_owned();
        Self { extended: text.contains("2022") || text.contains('\\'), first }
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

fn codec(term: &str, raw: &[u8]) -> String {
    let known = SpecificCharacterSet::from_code(term).unwrap_or_default();
    known.decode(raw).unwrap_or_else(|_| String::from_utf8_lossy(raw).into_owned())
}
