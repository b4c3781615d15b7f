//! `Accept` and media types (RFC 9110 §8.3, §12.5.1; PS3.18 §8.7).

use super::limits;
use super::problem::Problem;
use hyper::HeaderMap;
use hyper::header::ACCEPT;

/// A media type or range with its parameters, lower case but for parameter values.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    /// `type/subtype`.
    pub name: String,
    parameters: Vec<(String, String)>,
    quality: f32,
}

impl Media {
    /// Parses one media type with parameters; quoted values may hold `;` and `,`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut pieces = split(text, ';').into_iter();
        let name = pieces.next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = name.split_once('/')?;
        let token = |t: &str| {
            !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&b))
        };
        if !token(kind) || !token(subtype) {
            return None;
        }
        let mut media = Self { name, parameters: Vec::new(), quality: 1.0 };
        for piece in pieces.filter(|p| !p.trim().is_empty()) {
            let (key, value) = piece.split_once('=')?;
            let (key, value) = (key.trim().to_ascii_lowercase(), unquote(value.trim())?);
            if key == "q" {
                media.quality = value.parse().ok().filter(|q| (0.0..=1.0).contains(q))?;
            } else {
                media.parameters.push((key, value));
            }
        }
        Some(media)
    }

    /// A parameter.
    #[must_use]
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// This range covers a media type.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.name == name
            || self.name == "*/*"
            || self.name.strip_suffix("/*").is_some_and(|kind| name.split('/').next() == Some(kind))
    }
}

/// Splits at `separator` outside quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut out, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator && !quoted => {
                out.push(text.get(from..at).unwrap_or_default());
                from = at + separator.len_utf8();
            }
            _ => {}
        }
    }
    out.push(text.get(from..).unwrap_or_default());
    out
}

fn unquote(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return (!text.contains('"')).then(|| text.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    let mut out = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => out.push(characters.next()?),
            '"' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// What the client takes, best first: the query parameter `accept` (PS3.18 §8.3.3.1) before the header. Nothing given
/// means anything.
///
/// # Errors
/// 400 when it cannot be read.
pub fn accepted(headers: &HeaderMap, query: &[(String, String)]) -> Result<Vec<Media>, Problem> {
    let bad = || Problem::bad("`Accept` cannot be read");
    let mut texts: Vec<&str> =
        query.iter().filter(|(key, _)| key == "accept").map(|(_, value)| value.as_str()).collect();
    if texts.is_empty() {
        for value in headers.get_all(ACCEPT) {
            texts.push(value.to_str().map_err(|_| bad())?);
        }
    }
    let (mut out, mut read) = (Vec::new(), 0);
    for piece in texts.iter().flat_map(|text| split(text, ',')).filter(|p| !p.trim().is_empty()) {
        if read >= limits::ACCEPTED {
            return Err(bad());
        }
        // Java sends `*; q=.2` beside what can be read.
        out.extend(Media::parse(piece));
        read += 1;
    }
    if read > 0 && out.is_empty() {
        return Err(bad());
    }
    if out.is_empty() {
        out.extend(Media::parse("*/*"));
    }
    out.retain(|media| media.quality > 0.0);
    out.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    Ok(out)
}

/// The first of `offers` that the best range takes.
///
/// # Errors
/// 406 when none is.
pub fn choose(ranges: &[Media], offers: &[&'static str]) -> Result<&'static str, Problem> {
    let best = ranges.iter().find_map(|range| offers.iter().find(|offer| range.covers(offer)));
    best.copied().ok_or_else(Problem::not_acceptable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &'static str) -> Result<Vec<Media>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, text.parse().unwrap());
        accepted(&headers, &[])
    }

    #[test]
    fn choosing() {
        let offers = ["image/jpeg", "image/png"];
        let check = |text, expected: Option<&str>| {
            assert_eq!(ranges(text).and_then(|r| choose(&r, &offers)).ok(), expected, "{text}");
        };
        check("image/png", Some("image/png"));
        check("image/png;q=0.5, image/jpeg", Some("image/jpeg"));
        check("image/*", Some("image/jpeg"));
        check("*/*;q=0.1, image/png", Some("image/png"));
        check("image/gif", None);
        check("image/png;q=0", None);
        check("nonsense", None);
        check("text/html, image/gif, *; q=.2, */*; q=.2", Some("image/jpeg")); // Java's HttpURLConnection
        check("image/png;q=7", None);
    }

    #[test]
    fn quotes_and_parameters() {
        let got = ranges(
            r#"multipart/related; type="application/dicom"; transfer-syntax=*, text/plain;x="a,\"b;""#,
        );
        let got = got.unwrap();
        assert_eq!(got.len(), 2);
        assert_eq!(got[0].parameter("type"), Some("application/dicom"));
        assert_eq!(got[0].parameter("transfer-syntax"), Some("*"));
        assert_eq!(got[1].parameter("x"), Some("a,\"b;"));
        assert_eq!(Media::parse(r#"a/b; c="d"#), None);
    }
}
