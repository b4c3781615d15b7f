//! Query strings and path segments, decoded once (RFC 3986 §2.1, WHATWG URL §5.1).

use super::limits;
use super::problem::Problem;

/// Names under which clients put tokens into addresses, where logs and `Referer` would keep them (RFC 9700 §4.3.2).
const TOKENS: &[&str] =
    &["access_token", "token", "bearer", "bearer_token", "id_token", "jwt", "authorization"];

/// Decoded pairs of a query string.
///
/// # Errors
/// 400 for broken encodings, too many pairs, or a token among them.
pub fn pairs(query: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    let mut out = Vec::new();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        if out.len() >= limits::QUERY_PAIRS {
            return Err(Problem::bad("too many query parameters"));
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decode(key, true)?;
        if TOKENS.contains(&key.to_ascii_lowercase().as_str()) {
            return Err(Problem::bad(
                "tokens go into the header `Authorization: Bearer`, never into an address",
            ));
        }
        // People type `accept=application/dicom+json`, and no media type has a space.
        let plus = key != "accept";
        out.push((key, decode(value, plus)?));
    }
    Ok(out)
}

/// Decodes one word; `plus`: `+` means a space.
///
/// # Errors
/// 400 for a broken escape or what is not UTF-8.
pub fn decode(text: &str, plus: bool) -> Result<String, Problem> {
    let bad = || Problem::bad("broken percent-encoding");
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).ok_or_else(bad);
                let value = digit()? * 16 + digit()?;
                u8::try_from(value).map_err(|_| bad())?
            }
            b'+' if plus => b' ',
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| bad())
}

/// First value of a key.
#[must_use]
pub fn first<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

/// A whole number given under a key, or a default.
///
/// # Errors
/// 400 when it is none.
pub fn number(pairs: &[(String, String)], key: &str, default: u64) -> Result<u64, Problem> {
    first(pairs, key).map_or(Ok(default), |text| {
        let digits = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| digits).ok_or_else(|| Problem::bad("not a number"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding() {
        let check = |query: &str, expected: &[(&str, &str)]| {
            let got = pairs(Some(query)).unwrap();
            let got: Vec<_> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(got, expected, "{query}");
        };
        check("", &[]);
        check("a=1&b", &[("a", "1"), ("b", "")]);
        check("PatientName=%E5%BC%A0*&x=a+b%2B", &[("PatientName", "张*"), ("x", "a b+")]);
        check("a=b=c&&d=", &[("a", "b=c"), ("d", "")]);
        for bad in ["a=%", "a=%2", "a=%zz", "a=%FF", "%c0%af=1"] {
            assert_eq!(pairs(Some(bad)).unwrap_err().status, 400, "{bad}");
        }
        let many = "a=1&".repeat(limits::QUERY_PAIRS);
        assert!(pairs(Some(&many)).is_ok());
        assert!(pairs(Some(&format!("{many}a=1"))).is_err());
    }

    #[test]
    fn tokens_in_addresses_are_refused() {
        for bad in ["access_token=x", "a=1&Token=x", "acc%65ss_token=x"] {
            assert!(pairs(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers() {
        let pairs = pairs(Some("a=12&b=-1&c=1e3&d=")).unwrap();
        assert_eq!(number(&pairs, "a", 5), Ok(12));
        assert_eq!(number(&pairs, "x", 5), Ok(5));
        for bad in ["b", "c", "d"] {
            assert!(number(&pairs, bad, 5).is_err(), "{bad}");
        }
    }
}
