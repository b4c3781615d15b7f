//! Decoders run in this process, so an object that makes one take all memory ends the archive, and would again at each start.
//! What is in work stands in a folder, by its reference, with how often it was begun; what was in work at two deaths is not
//! looked at a third time, and is then withheld from masked grants. A power cut costs an innocent one a second look.

use model::Id;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

/// Beginnings without an end after which it is left alone.
const DEATHS: u8 = 2;

/// The folder, in the data folder.
pub const FOLDER: &str = "examining";

/// What is in work.
#[derive(Debug, Default)]
pub struct Tries(PathBuf);

/// One object in work.
#[derive(Debug)]
pub struct Try(PathBuf);

impl Tries {
    /// In this data folder.
    pub fn new(data: &std::path::Path) -> Self {
        Self(data.join(FOLDER))
    }

    /// Begins with an object; nothing: it was in work when the process died, too often. Without room for the note it is
    /// begun all the same.
    pub fn begin(&self, object: Id) -> Option<Try> {
        let path = self.0.join(object.hex());
        let mut before = [0];
        let known = File::open(&path).and_then(|mut file| file.read_exact(&mut before));
        let deaths = known.map_or(0, |()| before[0].saturating_sub(b'0'));
        let begun = Try(path);
        if deaths >= DEATHS {
            return None; // and dropped: an operator who has it examined anew has it tried again
        }
        let note = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.0)?;
            File::create(&begun.0)?.write_all(&[b'1' + deaths])
        };
        if let Err(error) = note() {
            tracing::debug!(%error, "an object is examined without a note");
        }
        Some(begun)
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        // One that stays is a beginning without an end: at worst the object is tried once less.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_work_at_two_deaths_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let (bomb, film) = (Id([1; 16]), Id([2; 16]));
        for _ in 0..5 {
            assert!(Tries::new(data.path()).begin(film).is_some(), "ended each time");
        }
        for _ in 0..2 {
            let tries = Tries::new(data.path());
            std::mem::forget(tries.begin(bomb).unwrap()); // the process dies
        }
        assert!(Tries::new(data.path()).begin(bomb).is_none());
        assert!(Tries::new(data.path()).begin(bomb).is_some(), "asked for anew");
        assert_eq!(std::fs::read_dir(data.path().join(FOLDER)).unwrap().count(), 0);
    }
}
