//! What was made with one project key, beside the key: for each output the keyed digest of what it was made of and its own digest.
//! No name of an input is kept. A line is durable before its output gets its name, so an output without a line is none of ours.

use crate::cli::Failure;
use crate::cli::digest::hex;
use crate::say;
use crate::wiring::{Error, io};
use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// First line; the number is the format's.
const HEAD: &str = "gauze deidentify 1";

/// First half of the HMAC of content, options and program.
pub type Mark = [u8; 16];

/// Outputs by name: what each was made of, and its digest.
type Outputs = HashMap<String, Vec<(Mark, [u8; 32])>>;

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the folder.
    pub name: String,
    /// What it was made of.
    pub mark: Mark,
    /// SHA-256 of it.
    pub digest: [u8; 32],
}

/// The journal of one key; locked while it is open.
pub struct Journal {
    file: File,
    made: Outputs,
}

impl Journal {
    /// Opens or makes it. A last line that a kill cut is taken away.
    ///
    /// # Errors
    /// The system's; another run has it; it is none.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let shown = || path.display().to_string();
        let mut file = File::options()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(io("journal of the project key"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Text(say::text("deidentify-busy", &[&shown()])));
            }
            Err(TryLockError::Error(error)) => return Err(io("journal of the project key")(error).into()),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io("journal of the project key"))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(whole);
        file.set_len(whole as u64).map_err(io("journal of the project key"))?;
        let Some(made) = parse(&bytes) else {
            return Err(Failure::Text(say::text("deidentify-journal", &[&shown()])));
        };
        let mut journal = Self { file, made };
        if whole == 0 {
            journal.write(&format!("{HEAD}\n"))?;
        }
        Ok(journal)
    }

    fn write(&mut self, lines: &str) -> Result<(), Error> {
        let done = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data());
        done.map_err(io("journal of the project key"))
    }

    /// An output of this name was made with this key.
    pub fn knows(&self, name: &str) -> bool {
        self.made.contains_key(name)
    }

    /// The digest of the output of this name that was made of this.
    pub fn digest(&self, name: &str, mark: &Mark) -> Option<[u8; 32]> {
        let made = self.made.get(name)?.iter().rev().find(|(of, _)| of == mark);
        made.map(|(_, digest)| *digest)
    }

    /// These are about to get their names.
    ///
    /// # Errors
    /// The system's; none may get its name then.
    pub fn add(&mut self, entries: &[Entry]) -> Result<(), Error> {
        self.write(&entries.iter().map(line).collect::<String>())?;
        for entry in entries {
            self.made.entry(entry.name.clone()).or_default().push((entry.mark, entry.digest));
        }
        Ok(())
    }
}

fn line(entry: &Entry) -> String {
    format!("{} {} {}\n", hex(&entry.mark), hex(&entry.digest), entry.name)
}

/// The lines; nothing when one of them is none.
fn parse(bytes: &[u8]) -> Option<Outputs> {
    let mut made = Outputs::new();
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    if lines.next().is_some_and(|head| head != HEAD) {
        return None;
    }
    for line in lines {
        let [mark, digest, name] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        made.entry(name.to_owned()).or_default().push((unhex(mark)?, unhex(digest)?));
    }
    Some(made)
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, mark: u8) -> Entry {
        Entry { name: name.to_owned(), mark: [mark; 16], digest: [mark + 1; 32] }
    }

    /// The format of version 1, for ever.
    const SAMPLE: &str = "gauze deidentify 1\n\
        01010101010101010101010101010101 0202020202020202020202020202020202020202020202020202020202020202 2.25.7.dcm\n";

    #[test]
    fn a_journal_is_read_again_without_its_cut_line_and_by_one_run_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.journal");
        let mut journal = Journal::open(&path).unwrap();
        journal.add(&[entry("2.25.7.dcm", 1)]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), SAMPLE);
        assert!(Journal::open(&path).is_err(), "locked");
        drop(journal);
        let cut = format!("{SAMPLE}0303");
        File::options().append(true).open(&path).unwrap().write_all(b"0303").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), cut);
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.digest("2.25.7.dcm", &[1; 16]), Some([2; 32]));
        assert_eq!(journal.digest("2.25.7.dcm", &[2; 16]), None);
        assert!(journal.knows("2.25.7.dcm") && !journal.knows("2.25.8.dcm"));
        journal.add(&[entry("2.25.7.dcm", 5)]).unwrap();
        drop(journal);
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.digest("2.25.7.dcm", &[5; 16]), Some([6; 32]));
        assert_eq!(journal.digest("2.25.7.dcm", &[1; 16]), Some([2; 32]));
    }

    #[test]
    fn what_is_no_journal_is_refused() {
        for text in ["gauze deidentify 2\n", "gauze deidentify 1\nab cd e\n", "other\n"] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(parse(SAMPLE.replace("01 02", "01x 02").as_bytes()).is_none());
        assert!(parse(b"").unwrap().is_empty());
    }
}
