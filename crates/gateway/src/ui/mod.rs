//! The pages, embedded as they were built.

use crate::http::{Ask, Body, Problem, Reply, reply};
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use port::Code;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "pages/"]
struct Pages;

/// What a page may load: its own scripts, styles and pictures, and nothing from anywhere else.
pub const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
     connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Everything that is no page.
pub const NO_PAGE: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/// `GET /`.
pub async fn index(_ask: Ask) -> Result<Reply, Problem> {
    embedded("index.html", false)
}

/// `GET /{file}`: an icon, a manifest.
pub async fn file(ask: Ask) -> Result<Reply, Problem> {
    embedded(ask.param("file").unwrap_or_default(), false)
}

/// `GET /assets/{file}`: its name holds the hash of its content, so it never changes.
pub async fn asset(ask: Ask) -> Result<Reply, Problem> {
    embedded(&format!("assets/{}", ask.param("file").unwrap_or_default()), true)
}

fn embedded(name: &str, hashed: bool) -> Result<Reply, Problem> {
    // Only names without a hidden or climbing segment, and only kinds that are known.
    let hidden = name.split('/').any(|segment| segment.starts_with('.') || segment.contains('\\'));
    let media = media(name).filter(|_| !hidden).ok_or(Code::NotFound)?;
    let file = Pages::get(name).ok_or(Code::NotFound)?;
    let body = match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::full(bytes),
        std::borrow::Cow::Owned(bytes) => Body::full(bytes),
    };
    let mut out = reply(StatusCode::OK, body);
    let headers = out.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert("content-security-policy", HeaderValue::from_static(PAGE));
    if hashed {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    }
    Ok(out)
}

fn media(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_pages() {
        for name in
            ["", ".gitkeep", "../Cargo.toml", "assets/../index.html", "assets/.x.js", "a\\b.js", "x.dcm"]
        {
            assert_eq!(embedded(name, false).unwrap_err().status, 404, "{name}");
        }
    }

    #[test]
    fn every_embedded_file_has_a_known_kind() {
        for name in Pages::iter().filter(|n| !n.starts_with('.')) {
            assert!(media(&name).is_some(), "{name}");
            assert!(embedded(&name, false).is_ok(), "{name}");
        }
    }
}
