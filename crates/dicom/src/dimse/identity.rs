//! User identity negotiation (PS3.7 §D.3.3.7): who works at the machine that calls.

use super::pdu::counted;
use crate::{Error, Result};
use std::fmt;

/// Who works at the calling machine, and what it shows as a proof.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The proof.
    pub proof: Proof,
    /// The requester waits for a word that it was accepted.
    pub answer: bool,
}

/// What is shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// Type 2: a name and a passcode.
    Password {
        /// As typed.
        user: String,
        /// As typed.
        passcode: String,
    },
    /// Type 5, JSON Web Token: a token that the archive gave.
    Token(String),
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::Token(_) => "Token",
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:?})", self.proof)
    }
}

impl Identity {
    /// Reads the value of a 58H sub-item. A name alone, Kerberos and SAML prove nothing here: they are passed over, as an
    /// acceptor does that does not support them (PS3.7 §D.3.3.7.1).
    pub(super) fn read(value: &[u8]) -> Result<Option<Self>> {
        let [kind, answer, rest @ ..] = value else { return Err(Error::Protocol("user identity")) };
        let (primary, rest) = counted(rest)?;
        let (secondary, _) = counted(rest)?;
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).map_err(|_| Error::Protocol("user identity is not UTF-8"))
        };
        let proof = match kind {
            2 => Proof::Password { user: text(primary)?, passcode: text(secondary)? },
            5 => Proof::Token(text(primary)?),
            _ => return Ok(None),
        };
        Ok(Some(Self { proof, answer: *answer == 1 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_are_read_and_others_passed_over() {
        let read = |bytes: &[u8]| Identity::read(bytes);
        let password = read(b"\x02\x01\x00\x04anna\x00\x03pwd").unwrap().unwrap();
        assert_eq!(password.proof, Proof::Password { user: "anna".into(), passcode: "pwd".into() });
        assert!(password.answer);
        assert_eq!(format!("{password:?}"), "Identity(Password)", "no passcode in a log");
        let token = read(b"\x05\x00\x00\x05a.b.c\x00\x00").unwrap().unwrap();
        assert_eq!((token.proof, token.answer), (Proof::Token("a.b.c".into()), false));
        for kind in [1, 3, 4, 6] {
            assert_eq!(read(&[kind, 1, 0, 1, b'a', 0, 0]).unwrap(), None);
        }
        for bad in
            [&b"\x02"[..], b"\x02\x00\x00\x09anna", b"\x02\x00\x00\x01a", b"\x02\x00\x00\x01\xFF\x00\x00"]
        {
            assert!(read(bad).is_err());
        }
    }
}
