//! AWS Signature Version 4 (AWS General Reference, "Create a signed AWS API request").

use crate::http::hex;
use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_lc_rs::hmac;
use model::Time;
use std::io::{self, Read};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Keys of an account, for one region.
#[derive(Clone)]
pub struct Signer {
    region: String,
    access: String,
    secret: String,
}

impl Signer {
    /// As the server gave them.
    pub fn new(region: &str, access: &str, secret: &str) -> Self {
        Self { region: region.to_owned(), access: access.to_owned(), secret: secret.to_owned() }
    }

    /// All headers of a request: those given, its time and its signature. `path` and `query` are encoded, pairs in order.
    pub fn sign(
        &self,
        now: Time,
        (method, path, query): (&str, &str, &str),
        mut headers: Vec<(&'static str, String)>,
        payload: &str,
    ) -> Vec<(&'static str, String)> {
        let (date, stamp) = stamp(now);
        headers.push(("x-amz-date", stamp.clone()));
        headers.sort();
        let named = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let listed: String =
            headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let canonical = [method, path, query, &listed, &named, payload].join("\n");
        let scope = format!("{date}/{}/s3/aws4_request", self.region);
        let hashed = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        let text = [ALGORITHM, &stamp, &scope, &hashed].join("\n");
        let signature = hex(&mac(&self.key(&date), text.as_bytes()));
        let authorization = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={named}, Signature={signature}",
            self.access
        );
        headers.push(("authorization", authorization));
        headers
    }

    fn key(&self, date: &str) -> Vec<u8> {
        let first = mac(format!("AWS4{}", self.secret).as_bytes(), date.as_bytes());
        [self.region.as_str(), "s3", "aws4_request"]
            .iter()
            .fold(first, |key, part| mac(&key, part.as_bytes()))
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

/// `YYYYMMDD` and `YYYYMMDDTHHMMSSZ`.
fn stamp(now: Time) -> (String, String) {
    let text: String = now.rfc3339().chars().filter(char::is_ascii_alphanumeric).collect();
    let date: String = text.chars().take(8).collect();
    let time: String = text.chars().skip(9).take(6).collect();
    (date.clone(), format!("{date}T{time}Z"))
}

/// Percent encoding of all but unreserved characters; slashes stay in the path of a key.
pub fn encoded(text: &str, slash: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b'/' if !slash => out.push('/'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// SHA-256 in hexadecimal, and how many bytes.
pub fn digest_of(from: &mut impl Read) -> io::Result<(String, u64)> {
    let (mut hash, mut len) = (Context::new(&SHA256), 0);
    let mut piece = vec![0; 256 << 10];
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            return Ok((hex(hash.finish().as_ref()), len));
        }
        hash.update(piece.get(..read).unwrap_or_default());
        len += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the Amazon S3 API Reference, "Signature Calculations for the Authorization Header".
    #[test]
    fn signatures_of_the_reference() {
        let signer =
            Signer::new("us-east-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        // 2013-05-24T00:00:00Z.
        let now = Time(1_369_353_600_000_000_000);
        assert_eq!(stamp(now), ("20130524".into(), "20130524T000000Z".into()));
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let host = || ("host", "examplebucket.s3.amazonaws.com".to_owned());
        let signature = |asked, headers| {
            let all = signer.sign(now, asked, headers, empty);
            let (_, value) = all.into_iter().find(|(name, _)| *name == "authorization").unwrap();
            value.rsplit_once("Signature=").unwrap().1.to_owned()
        };
        let content = || ("x-amz-content-sha256", empty.to_owned());
        assert_eq!(
            signature(("GET", "/test.txt", ""), vec![host(), content(), ("range", "bytes=0-9".to_owned())]),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        assert_eq!(
            signature(("GET", "/", "lifecycle="), vec![host(), content()]),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        assert_eq!(
            signature(("GET", "/", "max-keys=2&prefix=J"), vec![host(), content()]),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn names_are_encoded_as_the_signature_wants_them() {
        assert_eq!(encoded("a/b c+ä~", false), "a/b%20c%2B%C3%A4~");
        assert_eq!(encoded("a/b", true), "a%2Fb");
    }
}
