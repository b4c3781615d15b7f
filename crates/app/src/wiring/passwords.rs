//! Passphrases from files or the terminal, and random passwords.

use super::{Error, io};
use std::io::{BufRead, IsTerminal, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A passphrase file, bytes.
const PASSPHRASE_BYTES: u64 = 1024;
/// Letters and digits that are not mistaken for one another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789A";

/// The passphrase of the root key: from a 0600 file, else from standard input.
///
/// # Errors
/// The system's; a file that others may read.
pub fn passphrase(file: Option<&Path>) -> Result<String, Error> {
    secret(file, "passphrase")
}

/// The password of an account, in the same way.
///
/// # Errors
/// As [`passphrase`].
pub fn password(file: Option<&Path>) -> Result<String, Error> {
    secret(file, "password")
}

fn secret(file: Option<&Path>, prompt: &str) -> Result<String, Error> {
    let mut text = String::new();
    match file {
        Some(path) => {
            let file = std::fs::File::open(path).map_err(io("passphrase file"))?;
            let mode = file.metadata().map_err(io("passphrase file"))?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(keys::Error::Readable(path.into()).into());
            }
            file.take(PASSPHRASE_BYTES).read_to_string(&mut text).map_err(io("passphrase file"))?;
        }
        None => {
            let _quiet = Quiet::begin();
            crate::say::note(prompt, &[]);
            std::io::stdin().lock().take(PASSPHRASE_BYTES).read_line(&mut text).map_err(io("passphrase"))?;
        }
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The terminal shows nothing of what is typed while this lives.
struct Quiet(Option<rustix::termios::Termios>);

impl Quiet {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Self(None);
        }
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        if tcsetattr(&stdin, OptionalActions::Flush, &quiet).is_err() {
            return Self(None);
        }
        Self(Some(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that went away shows nothing anyway.
            let _ =
                rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Flush, before);
            let _ = std::io::stderr().write_all(b"\n");
        }
    }
}

/// A random password of 100 bits.
///
/// # Errors
/// No randomness.
pub fn random() -> Result<String, Error> {
    use crypto::Random;
    let mut bytes = [0u8; 20];
    keys::SystemRandom.fill(&mut bytes).map_err(keys::Error::from)?;
    let letter = |b: &u8| char::from(LETTERS.get(usize::from(b % 32)).copied().unwrap_or(b'a'));
    let letters: Vec<char> = bytes.iter().map(letter).collect();
    Ok(letters.chunks(5).map(|c| c.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}
