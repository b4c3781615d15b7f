//! An HL7 v2 message as text: segments, fields, components, escapes (HL7 v2.5.1 chapter 2, §2.5 to §2.7), within limits.

use dicom::Charsets;

/// A message, bytes.
pub const MESSAGE_BYTES: usize = 4 << 20;
/// Of a header that is read alone.
const HEADER_BYTES: usize = 4 << 10;
/// Segments of a message.
const SEGMENTS: usize = 2000;
/// Fields of a segment.
const FIELDS: usize = 256;

/// HL7 Table 0211 as Defined Terms of (0008,0005). What is not said is ASCII, or UTF-8 if it is that.
const CHARSETS: &[(&str, &str)] = &[
    ("8859/1", "ISO_IR 100"),
    ("8859/2", "ISO_IR 101"),
    ("8859/3", "ISO_IR 109"),
    ("8859/4", "ISO_IR 110"),
    ("8859/5", "ISO_IR 144"),
    ("8859/6", "ISO_IR 127"),
    ("8859/7", "ISO_IR 126"),
    ("8859/8", "ISO_IR 138"),
    ("8859/9", "ISO_IR 148"),
    ("GB 18030-2000", "GB18030"),
    ("GB18030", "GB18030"),
];

/// Why a message is none, for the acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No header: nothing can be answered.
    Header,
    /// Its character set is not known here, or its bytes are not of it.
    Charset,
    /// Above a limit.
    TooLarge,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    separators: Separators,
    segments: Vec<Segment>,
}

/// MSH-1 and MSH-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Separators {
    field: char,
    component: char,
    repetition: char,
    escape: char,
    sub: char,
}

/// A segment: its name and its fields as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    name: String,
    fields: Vec<String>,
}

impl Message {
    /// Reads a message, without its block characters.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > MESSAGE_BYTES {
            return Err(Fault::TooLarge);
        }
        let text = decoded(bytes)?;
        let separators = Separators::of(&text).ok_or(Fault::Header)?;
        let mut segments = Vec::new();
        for line in text.split(['\r', '\n']).filter(|line| !line.trim().is_empty()) {
            if segments.len() == SEGMENTS {
                return Err(Fault::TooLarge);
            }
            let mut parts = line.split(separators.field);
            let name = parts.next().unwrap_or_default().to_owned();
            // MSH-1 is the separator itself.
            let first = (name == "MSH").then(|| separators.field.to_string());
            let fields: Vec<String> =
                first.into_iter().chain(parts.map(str::to_owned)).take(FIELDS + 1).collect();
            if fields.len() > FIELDS {
                return Err(Fault::TooLarge);
            }
            segments.push(Segment { name, fields });
        }
        Ok(Self { separators, segments })
    }

    /// The header alone, read as ASCII, of a message that could not be read.
    pub fn header_of(bytes: &[u8]) -> Option<Self> {
        let line = bytes.split(|b| matches!(b, b'\r' | b'\n')).next()?;
        let line = line.get(..line.len().min(HEADER_BYTES))?;
        let named: Vec<u8> = line.iter().map(|b| if b.is_ascii() { *b } else { b'?' }).collect();
        // Without its character set, which may be the reason.
        let text = String::from_utf8(named).ok()?;
        let separator = text.chars().nth(3)?;
        let fields: Vec<&str> = text.split(separator).take(12).collect();
        Self::read(fields.join(&separator.to_string()).as_bytes()).ok()
    }

    /// All segments, in order.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter()
    }

    /// The first segment of a name.
    pub fn first(&self, name: &str) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.name == name)
    }

    /// A component (1-based) of the first repetition of a field of the header.
    pub fn header(&self, field: usize, component: usize) -> String {
        self.first("MSH").map(|msh| self.value(msh, field, component)).unwrap_or_default()
    }

    /// A component (1-based) of the first repetition of a field: its first subcomponent, unescaped; empty when absent or
    /// deleted (`""`).
    pub fn value(&self, segment: &Segment, field: usize, component: usize) -> String {
        self.part(self.repetitions(segment, field).first().copied().unwrap_or_default(), component)
    }

    /// The repetitions of a field, as they came.
    pub fn repetitions<'a>(&self, segment: &'a Segment, field: usize) -> Vec<&'a str> {
        segment.raw(field).split(self.separators.repetition).collect()
    }

    /// A component (1-based) of one repetition, as [`Message::value`] reads it.
    pub fn part(&self, repetition: &str, component: usize) -> String {
        let Separators { component: by, sub, .. } = self.separators;
        let text = repetition.split(by).nth(component.saturating_sub(1)).unwrap_or_default();
        let text = text.split(sub).next().unwrap_or_default().trim();
        if text == "\"\"" { String::new() } else { self.unescaped(text) }
    }

    /// A whole field as text with lines: repetitions and `\\.br\\` end them (§2.7.6).
    pub fn text(&self, segment: &Segment, field: usize) -> String {
        let Separators { repetition, escape, .. } = self.separators;
        let end = format!("{escape}.br{escape}");
        let field = segment.raw(field).replace(&end, &repetition.to_string());
        let lines = field.split(repetition).map(|line| self.unescaped(line));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// §2.7: separators, hexadecimal data that is text; formatting is left out.
    fn unescaped(&self, text: &str) -> String {
        let s = &self.separators;
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(s.escape) {
            out.push_str(before);
            let Some((code, left)) = after.split_once(s.escape) else {
                out.push(s.escape);
                out.push_str(after);
                return out;
            };
            match code {
                "F" => out.push(s.field),
                "S" => out.push(s.component),
                "T" => out.push(s.sub),
                "R" => out.push(s.repetition),
                "E" => out.push(s.escape),
                _ => out.push_str(&code.strip_prefix('X').and_then(hexadecimal).unwrap_or_default()),
            }
            rest = left;
        }
        out.push_str(rest);
        // A backslash separates values in DICOM (PS3.5 §6.4).
        out.retain(|c| !c.is_control() && c != '\\');
        out
    }
}

impl Segment {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A field as it came; empty when absent.
    pub fn raw(&self, field: usize) -> &str {
        field.checked_sub(1).and_then(|at| self.fields.get(at)).map_or("", String::as_str)
    }
}

impl Separators {
    fn of(text: &str) -> Option<Self> {
        let mut after = text.strip_prefix("MSH")?.chars();
        let (field, component, repetition, escape, sub) =
            (after.next()?, after.next()?, after.next()?, after.next()?, after.next()?);
        let all = [field, component, repetition, escape, sub];
        let plain = all.iter().all(|c| c.is_ascii_punctuation());
        let apart = all.iter().enumerate().all(|(at, c)| !all.iter().skip(at + 1).any(|other| other == c));
        (plain && apart).then_some(Self { field, component, repetition, escape, sub })
    }
}

/// The message in the character set that MSH-18 names; its header is read as ASCII for that.
fn decoded(bytes: &[u8]) -> Result<String, Fault> {
    let header = bytes.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
    let separator = *header.get(3).filter(|_| header.starts_with(b"MSH")).ok_or(Fault::Header)?;
    let named = header.split(|b| *b == separator).nth(17).unwrap_or_default();
    let named =
        String::from_utf8_lossy(named.split(|b| *b == b'~').next().unwrap_or_default()).to_uppercase();
    let term = match named.trim() {
        "UNICODE UTF-8" | "UTF-8" | "UNICODE" => {
            return String::from_utf8(bytes.to_vec()).map_err(|_| Fault::Charset);
        }
        "" | "ASCII" => match String::from_utf8(bytes.to_vec()) {
            Ok(text) => return Ok(text),
            Err(_) => "ISO_IR 100",
        },
        name => {
            CHARSETS.iter().find(|(known, _)| *known == name).map(|(_, term)| *term).ok_or(Fault::Charset)?
        }
    };
    Ok(Charsets::new(term.as_bytes()).decode(bytes))
}

fn hexadecimal(digits: &str) -> Option<String> {
    let pairs = digits.as_bytes().as_chunks::<2>().0;
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8(pairs.iter().map(byte).collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests;
