//! What earlier runs stored: HMAC-SHA-256 of path, size and time under a key of this home, never a name.

use super::items::Item;
use crate::home::{Home, write_private};
use crate::wiring::{Error, io};
use crypto::Random;
use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;

/// First half of the HMAC.
pub type Mark = [u8; 16];

/// The marks of one home.
pub struct Remembered {
    key: crypto::Key,
    marks: HashSet<Mark>,
    file: File,
}

impl Remembered {
    /// Reads what earlier runs left.
    pub fn open(home: &Home) -> Result<Self, Error> {
        let (key, list) = (home.key("import.key"), home.key("import.done"));
        if !key.exists() {
            let mut bytes = [0; 32];
            keys::SystemRandom.fill(&mut bytes).map_err(keys::Error::from)?;
            write_private(&key, &bytes).map_err(io("import.key"))?;
        }
        let mut bytes = [0; 32];
        File::open(&key).and_then(|mut f| f.read_exact(&mut bytes)).map_err(io("import.key"))?;
        let mut known = Vec::new();
        if list.exists() {
            File::open(&list).and_then(|mut f| f.read_to_end(&mut known)).map_err(io("import.done"))?;
        } else {
            write_private(&list, b"").map_err(io("import.done"))?;
        }
        let file = File::options().append(true).open(&list).map_err(io("import.done"))?;
        let marks = known.as_chunks::<16>().0.iter().copied().collect();
        Ok(Self { key: crypto::Key::from_bytes(bytes), marks, file })
    }

    /// The mark of a file or entry as it is now; nothing when it is gone.
    pub fn mark(&self, item: &Item) -> Option<Mark> {
        let real = std::fs::canonicalize(item.path()).ok()?;
        let meta = std::fs::metadata(&real).ok()?;
        let numbers =
            [meta.size().to_be_bytes(), meta.mtime().to_be_bytes(), meta.mtime_nsec().to_be_bytes()];
        let text = real.as_os_str().as_encoded_bytes();
        let mark = match item {
            Item::Entry(_, entry) => {
                let packed = [entry.len.to_be_bytes().as_slice(), &entry.crc.to_be_bytes()].concat();
                self.key.mac("gauze/import/entry", &[&numbers.concat(), text, &packed, entry.name.as_bytes()])
            }
            _ => self.key.mac("gauze/import", &[&numbers.concat(), text]),
        };
        mark.first_chunk().copied()
    }

    /// The mark of a study of another archive.
    pub fn study(&self, from: &str, study: &str) -> Option<Mark> {
        self.key.mac("gauze/import/study", &[from.as_bytes(), study.as_bytes()]).first_chunk().copied()
    }

    /// It was stored before.
    pub fn knows(&self, mark: &Mark) -> bool {
        self.marks.contains(mark)
    }

    /// It is stored now. Losing the last marks only means looking at these files again.
    pub fn add(&mut self, mark: Mark) -> Result<(), Error> {
        if self.marks.insert(mark) {
            self.file.write_all(&mark).map_err(io("import.done"))?;
        }
        Ok(())
    }
}
