//! Opaque tokens: 256 random bits as text with a prefix that says what they are (so that scanners find leaked ones), and
//! the keyed hash under which the vault knows them.

use crate::{Error, Random};

/// The keyed hash of a token.
pub type Handle = [u8; 32];

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Session cookie.
    Session,
    /// Viewing set.
    Viewing,
    /// Bearer token of one grant.
    Bearer,
    /// Bearer token of a machine.
    Machine,
}

impl TokenKind {
    /// The prefix.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "gzs_",
            Self::Viewing => "gzv_",
            Self::Bearer => "gzt_",
            Self::Machine => "gzm_",
        }
    }

    /// A new token as text: prefix and 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn make(self, random: &dyn Random) -> Result<String, Error> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        let mut text = self.prefix().to_owned();
        for byte in bytes {
            text.push_str(&format!("{byte:02x}"));
        }
        Ok(text)
    }

    /// Looks like one: prefix and length, so that nothing else is ever hashed and looked up.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        text.len() == 68
            && text.starts_with(self.prefix())
            && text.bytes().skip(4).all(|b| b.is_ascii_hexdigit())
    }
}
