//! Checkpoints as signed notes (C2SP tlog-checkpoint, signed-note): origin, size, root, and an Ed25519 signature line.

use crate::Error;
use crate::leaf::sha256;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a note.
const NOTE_BYTES: usize = 4096;

/// Size and root of a log at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the log.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root.
    pub root: [u8; 32],
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The signed note.
    #[must_use]
    pub fn sign(&self, key: &Ed25519KeyPair) -> String {
        let text = self.text();
        let mut signature = key_id(&self.origin, key.public_key().as_ref()).to_vec();
        signature.extend_from_slice(key.sign(text.as_bytes()).as_ref());
        format!("{text}\n— {} {}\n", self.origin, STANDARD.encode(signature))
    }

    /// The same with a key that somebody else holds.
    #[must_use]
    pub fn sign_with(&self, public: &[u8], sign: &dyn Fn(&[u8]) -> Vec<u8>) -> String {
        let text = self.text();
        let mut signature = key_id(&self.origin, public).to_vec();
        signature.extend(sign(text.as_bytes()));
        format!("{text}\n— {} {}\n", self.origin, STANDARD.encode(signature))
    }

    /// Reads a note and checks its signature.
    ///
    /// # Errors
    /// [`Error::Checkpoint`].
    pub fn open(note: &str, public: &[u8]) -> Result<Self, Error> {
        let (checkpoint, text, signatures) = parse(note).ok_or(Error::Checkpoint)?;
        let good = signatures.lines().any(|line| signed_by(line, &checkpoint.origin, public, text));
        if good { Ok(checkpoint) } else { Err(Error::Checkpoint) }
    }
}

fn parse(note: &str) -> Option<(Checkpoint, &str, &str)> {
    if note.len() > NOTE_BYTES {
        return None;
    }
    let at = note.find("\n\n")?;
    let (text, signatures) = (note.get(..=at)?, note.get(at + 2..)?);
    let mut lines = text.lines();
    let origin = lines.next().filter(|o| !o.is_empty())?.to_owned();
    let size = lines.next()?;
    let number: u64 = size.parse().ok().filter(|n: &u64| n.to_string() == size)?;
    let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    Some((Checkpoint { origin, size: number, root }, text, signatures))
}

fn signed_by(line: &str, origin: &str, public: &[u8], text: &str) -> bool {
    let body = line.strip_prefix("— ").and_then(|l| l.strip_prefix(origin)).and_then(|l| l.strip_prefix(' '));
    let Some(bytes) = body.and_then(|b| STANDARD.decode(b).ok()) else { return false };
    let Some((id, signature)) = bytes.split_at_checked(4) else { return false };
    id == key_id(origin, public)
        && UnparsedPublicKey::new(&ED25519, public).verify(text.as_bytes(), signature).is_ok()
}

/// First four bytes of SHA-256(name ‖ LF ‖ 0x01 ‖ key).
fn key_id(origin: &str, public: &[u8]) -> [u8; 4] {
    let hash = sha256(&[origin.as_bytes(), b"\n\x01", public]);
    hash.first_chunk::<4>().copied().unwrap_or_default()
}

/// The verifier key line, `name+hash+key` (C2SP signed-note).
#[must_use]
pub fn verifier_key(origin: &str, public: &[u8]) -> String {
    let id: String = key_id(origin, public).iter().map(|b| format!("{b:02x}")).collect();
    let key: Vec<u8> = [&[1], public].concat();
    format!("{origin}+{id}+{}", STANDARD.encode(key))
}

/// Reads such a line: origin and public key.
#[must_use]
pub fn read_verifier_key(line: &str) -> Option<(String, Vec<u8>)> {
    let mut parts = line.trim().splitn(3, '+');
    let (origin, id, key) = (parts.next()?, parts.next()?, parts.next()?);
    let key = STANDARD.decode(key).ok()?;
    let public = key.strip_prefix(&[1])?.to_vec();
    let expected: String = key_id(origin, &public).iter().map(|b| format!("{b:02x}")).collect();
    (expected == id && public.len() == 32).then(|| (origin.to_owned(), public))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key and note of the C2SP signed-note specification's example (golang.org/x/mod/sumdb/note).
    #[test]
    fn the_reference_verifier_key_is_read() {
        let line = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let (origin, public) = read_verifier_key(line).unwrap();
        assert_eq!(origin, "PeterNeumann");
        assert_eq!(verifier_key(&origin, &public), line);
        let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signature = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        assert!(signed_by(signature, "PeterNeumann", &public, text));
        assert!(!signed_by(signature, "PeterNeumann", &public, "x"));
    }

    #[test]
    fn a_checkpoint_opens_with_its_key_only() {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let checkpoint = Checkpoint { origin: "gauze/abc".into(), size: 10, root: [1; 32] };
        let note = checkpoint.sign(&key);
        assert_eq!(Checkpoint::open(&note, key.public_key().as_ref()).unwrap(), checkpoint);
        assert!(Checkpoint::open(&note, &[0; 32]).is_err());
        assert!(Checkpoint::open(&note.replace("\n10\n", "\n11\n"), key.public_key().as_ref()).is_err());
        assert!(Checkpoint::open(&note.replace("\n10\n", "\n010\n"), key.public_key().as_ref()).is_err());
    }
}
