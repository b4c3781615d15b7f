//! What a data folder must agree with before it starts: its key, and the newest checkpoint that was seen.

use super::Vault;
use crate::{Error, Result};
use crypto::Ladder;

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

fn note(checkpoint: &ledger::Checkpoint, key: &crypto::SigningKey) -> String {
    checkpoint.sign_with(&key.public(), &|text| key.sign(text))
}

/// A key check before anything is touched: the data folder remembers which key it belongs to.
pub(super) fn check_key(data: &std::path::Path, ladder: &Ladder) -> Result<()> {
    let mark: String =
        ladder.name("gauze/data/mark", &[]).iter().take(16).map(|b| format!("{b:02x}")).collect();
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

/// Data older than the newest checkpoint seen do not start (DESIGN.md §6, Ledger).
pub(super) fn check_seen(
    seen: &keys::Seen,
    public: &[u8],
    folder: &std::path::Path,
    size: u64,
) -> Result<()> {
    let Some(note) = seen.read()? else { return Ok(()) };
    let known = ledger::Checkpoint::open(&note, public)?;
    if known.size > size {
        return Err(Error::Older { found: size, seen: known.size });
    }
    let mut tree = ledger::Tree::default();
    let reader = ledger::Reader::new(folder);
    for n in 0..known.size.div_ceil(ledger::tiles::WIDTH) {
        for (leaf, _) in reader.bundle(n)? {
            if tree.size() < known.size {
                tree.push(ledger::leaf::hash(&leaf));
            }
        }
    }
    if tree.root() == known.root { Ok(()) } else { Err(Error::OtherLedger) }
}
