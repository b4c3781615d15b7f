//! Which media types and transfer syntaxes a client takes for files, frames and bulk data (PS3.18 §8.7.3, Table 8.7.3-2),
//! in its order of preference. What there is decides which of them is answered.

use crate::http::Problem;
use crate::http::accept::Media;
use model::Uid;
use port::archive::Syntax;

/// Native samples (PS3.5 A.2); the default where nothing is said.
pub const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
const FILE: &str = "application/dicom";
const OCTETS: &str = "application/octet-stream";

/// Media types of compressed frames with their transfer syntaxes, the default one first. A client that names a media type
/// alone gets the default or, where the pixels are stored in another one of the type, that: the part's header says it.
const IMAGES: &[(&str, &[&str])] = &[
    (
        "image/jpeg",
        &[
            "1.2.840.10008.1.2.4.70",
            "1.2.840.10008.1.2.4.50",
            "1.2.840.10008.1.2.4.51",
            "1.2.840.10008.1.2.4.57",
        ],
    ),
    ("image/dicom-rle", &["1.2.840.10008.1.2.5"]),
    ("image/x-dicom-rle", &["1.2.840.10008.1.2.5"]),
    ("image/jls", &["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"]),
    ("image/x-jls", &["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"]),
    ("image/jp2", &["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"]),
    ("image/jpx", &["1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"]),
    ("image/jphc", &["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"]),
    ("image/jxl", &["1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112"]),
];

/// One form that the client takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Media type of each part.
    pub media: &'static str,
    /// One part alone, not `multipart/related`.
    pub single: bool,
    syntaxes: Vec<Syntax>,
}

impl Offer {
    /// A part in this transfer syntax can be this form's.
    pub fn takes(&self, syntax: Option<&Uid>) -> bool {
        self.syntaxes.iter().any(|wished| match wished {
            Syntax::Any | Syntax::Preferred(_) => true,
            Syntax::Named(uid) => Some(uid) == syntax,
        })
    }
}

/// The transfer syntaxes of all forms, in order.
pub fn syntaxes(offers: &[Offer]) -> Vec<Syntax> {
    let mut out: Vec<Syntax> = Vec::new();
    for syntax in offers.iter().flat_map(|offer| &offer.syntaxes) {
        if !out.contains(syntax) {
            out.push(syntax.clone());
        }
    }
    out
}

/// Forms of DICOM files; `single`: one file alone can be asked for.
///
/// # Errors
/// 406 when no range takes one.
pub fn files(ranges: &[Media], single: bool) -> Result<Vec<Offer>, Problem> {
    some(ranges.iter().filter_map(|range| file(range, single)).collect())
}

/// One file alone, as WADO-URI gives it.
///
/// # Errors
/// 400 when the transfer syntax is none.
pub fn file_alone(syntax: Option<&str>) -> Result<Vec<Offer>, Problem> {
    let wished = match syntax {
        None => uid(EXPLICIT_LITTLE_ENDIAN).map(Syntax::Preferred),
        Some("*") => Some(Syntax::Any),
        Some(text) => uid(text).map(Syntax::Named),
    };
    let wished = wished.ok_or_else(|| Problem::bad("a transfer syntax is a unique identifier"))?;
    Ok(vec![Offer { media: FILE, single: true, syntaxes: vec![wished] }])
}

fn file(range: &Media, single: bool) -> Option<Offer> {
    let related = match range.name.as_str() {
        "multipart/related" => kind(range, FILE)?,
        "*/*" | "multipart/*" => true,
        FILE | "application/*" if single => false,
        _ => return None,
    };
    let syntaxes = match range.parameter("transfer-syntax") {
        // Whoever takes anything takes it as it is.
        None if matches!(range.name.as_str(), "*/*" | "multipart/*") => vec![Syntax::Any],
        None => vec![Syntax::Preferred(uid(EXPLICIT_LITTLE_ENDIAN)?)],
        Some("*") => vec![Syntax::Any],
        Some(text) => vec![Syntax::Named(uid(text)?)],
    };
    Some(Offer { media: FILE, single: !related, syntaxes })
}

/// Forms of frames and bulk data; `single`: one value alone can be asked for, `plain`: `*/*` means that.
///
/// # Errors
/// 406 when no range takes one.
pub fn pixels(ranges: &[Media], single: bool, plain: bool) -> Result<Vec<Offer>, Problem> {
    some(ranges.iter().flat_map(|range| of_range(range, single, plain)).collect())
}

fn of_range(range: &Media, single: bool, plain: bool) -> Vec<Offer> {
    let (wanted, alone) = match range.name.as_str() {
        "multipart/related" => (range.parameter("type").unwrap_or("*/*").to_ascii_lowercase(), false),
        "*/*" | "multipart/*" => ("*/*".to_owned(), plain && range.name == "*/*"),
        _ if single => (range.name.clone(), true),
        _ => return Vec::new(),
    };
    let wished = range.parameter("transfer-syntax");
    let mut out = Vec::new();
    if matches!(wanted.as_str(), OCTETS | "application/*" | "*/*") {
        let syntax = match wished {
            None => uid(EXPLICIT_LITTLE_ENDIAN).map(Syntax::Named),
            Some("*") => Some(Syntax::Any),
            Some(text) => uid(text).map(Syntax::Named),
        };
        out.extend(syntax.map(|s| Offer { media: OCTETS, single: alone, syntaxes: vec![s] }));
    }
    for (media, all) in IMAGES {
        let (kind, _) = media.split_once('/').unwrap_or_default();
        if wanted == *media || wanted.strip_suffix("/*") == Some(kind) {
            let named = all.iter().filter(|s| wished.is_none_or(|w| w == "*" || w == **s));
            let syntaxes: Vec<Syntax> = named.filter_map(|s| uid(s).map(Syntax::Named)).collect();
            if !syntaxes.is_empty() {
                out.push(Offer { media, single: alone, syntaxes });
            }
        }
    }
    out
}

/// A `multipart/related` range that takes parts of a media type.
fn kind(range: &Media, media: &str) -> Option<bool> {
    let kind = range.parameter("type").unwrap_or("*/*").to_ascii_lowercase();
    (kind == media || matches!(kind.as_str(), "*/*" | "application/*")).then_some(true)
}

fn uid(text: &str) -> Option<Uid> {
    text.parse().ok()
}

fn some(offers: Vec<Offer>) -> Result<Vec<Offer>, Problem> {
    if offers.is_empty() { Err(Problem::not_acceptable()) } else { Ok(offers) }
}
