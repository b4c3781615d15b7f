//! What a data folder must agree with before it starts: its key, and the newest checkpoint that was seen.

use super::Vault;
use crate::{Error, Result};
use crypto::Ladder;
use ledger::{Checkpoint, Tree};

impl Vault {
    /// Remembers the newest checkpoint outside the data folder.
    ///
    /// # Errors
    /// The system's.
    pub fn keep_seen_checkpoint(&self) -> Result<String> {
        let checkpoint = self.checkpoint()?;
        let note = note(&checkpoint, &self.journal.signing);
        self.seen.write(&note)?;
        Ok(note)
    }
}

/// A signed note of a checkpoint.
pub fn note(checkpoint: &Checkpoint, key: &crypto::SigningKey) -> String {
    checkpoint.sign_with(&key.public(), &|text| key.sign(text))
}

/// What the data folder remembers of its key.
pub fn key_mark(ladder: &Ladder) -> String {
    ladder.name("gauze/data/mark", &[]).iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// A key check before anything is touched: the data folder remembers which key it belongs to.
pub(super) fn check_key(data: &std::path::Path, ladder: &Ladder) -> Result<()> {
    let mark = key_mark(ladder);
    match std::fs::read_to_string(data.join("key-mark")) {
        Ok(text) if text.trim() == mark => Ok(()),
        Ok(_) => Err(Error::Internal("this key does not belong to this data folder")),
        // Only a folder without data takes a mark: else a wrong key would name itself the right one.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !data.join("VERSION").exists() => {
            store::write_mark(&data.join("key-mark"), &format!("{mark}\n")).map_err(Error::Store)
        }
        Err(e) => Err(Error::Store(e.into())),
    }
}

/// The newest checkpoint that was seen.
pub(super) fn newest_seen(seen: &keys::Seen, public: &[u8]) -> Result<Option<Checkpoint>> {
    let Some(note) = seen.read()? else { return Ok(None) };
    Ok(Some(Checkpoint::open(&note, public)?))
}

/// Data older than the newest checkpoint seen do not start (DESIGN.md §6, Ledger). `then`: the tree of its size.
pub(super) fn check_seen(newest: Option<&Checkpoint>, then: Option<&Tree>, size: u64) -> Result<()> {
    let Some(known) = newest else { return Ok(()) };
    if known.size > size {
        return Err(Error::Older { found: size, seen: known.size });
    }
    if then.is_some_and(|tree| tree.root() == known.root) { Ok(()) } else { Err(Error::OtherLedger) }
}
