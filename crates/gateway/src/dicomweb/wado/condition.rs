//! Conditional and range requests (RFC 9110 §13, §14). What cannot be read is ignored, as the standard says: the answer is
//! then whole.

use crate::http::limits;
use hyper::HeaderMap;
use hyper::header::{IF_NONE_MATCH, IF_RANGE, RANGE};
use port::archive::ByteRange;

/// Tags of answers that the client has; `*`: any.
pub fn known(headers: &HeaderMap) -> Vec<String> {
    let texts = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let tags = texts.flat_map(|text| text.split(',')).map(str::trim).filter_map(|tag| {
        let strong = tag.strip_prefix("W/").unwrap_or(tag);
        let inner = strong.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        inner.or((strong == "*").then_some("*")).map(str::to_owned)
    });
    tags.filter(|tag| tag.len() <= limits::ENTITY_TAG_BYTES).take(limits::ENTITY_TAGS).collect()
}

/// The one range that is asked for. Several are answered by the whole: overlapping ones would multiply it (CVE-2011-3192).
/// With `If-Range` as well: whether the copy is the same is known too late, and the whole is always right.
pub fn range(headers: &HeaderMap) -> Option<ByteRange> {
    let mut all = headers.get_all(RANGE).iter();
    let text = all.next()?.to_str().ok()?;
    if all.next().is_some() || headers.contains_key(IF_RANGE) {
        return None;
    }
    let (from, to) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    match (number(from), number(to)) {
        (Some(from), None) if to.is_empty() => Some(ByteRange::From(from)),
        (None, Some(count)) if from.is_empty() => Some(ByteRange::Last(count)),
        (Some(from), Some(to)) if from <= to => Some(ByteRange::Between(from, to)),
        _ => None,
    }
}

/// Digits; a number too large for us is larger than any value.
fn number(text: &str) -> Option<u64> {
    let digits = (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: hyper::header::HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|v| (name.clone(), hyper::header::HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn ranges() {
        let check = |text, expected| assert_eq!(range(&headers(RANGE, &[text])), expected, "{text}");
        check("bytes=0-", Some(ByteRange::From(0)));
        check("bytes=5-9", Some(ByteRange::Between(5, 9)));
        check("bytes=-4", Some(ByteRange::Last(4)));
        check("bytes=9223372036854775808-", Some(ByteRange::From(1 << 63)));
        check("bytes=99999999999999999999999-", Some(ByteRange::From(u64::MAX)));
        check("bytes=0-99999999999999999999999", Some(ByteRange::Between(0, u64::MAX)));
        for bad in [
            "bytes=9-5",
            "bytes=-",
            "bytes=a-b",
            "bytes=0-1,0-1",
            "items=0-1",
            "bytes 0-1",
            "bytes=--1",
            "bytes=+1-2",
        ] {
            check(bad, None);
        }
        assert_eq!(range(&headers(RANGE, &["bytes=0-1", "bytes=2-3"])), None);
        let mut both = headers(RANGE, &["bytes=0-1"]);
        both.extend(headers(IF_RANGE, &["\"x\""]));
        assert_eq!(range(&both), None);
    }

    #[test]
    fn tags() {
        let got = known(&headers(IF_NONE_MATCH, &["\"a\", W/\"b\" ,c", "*"]));
        assert_eq!(got, ["a", "b", "*"]);
        let many: &'static str = Box::leak("\"x\",".repeat(limits::ENTITY_TAGS + 1).into_boxed_str());
        assert_eq!(known(&headers(IF_NONE_MATCH, &[many])).len(), limits::ENTITY_TAGS);
    }
}
