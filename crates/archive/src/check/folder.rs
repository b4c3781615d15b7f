//! What lies in the data folder beside ledger, tables and blobs.

use super::{Check, What};
use crate::Result;

/// Names that belong there. SQLite's logs come and go with their files.
const KNOWN: &[&str] = &[
    "VERSION",
    "key-mark",
    "lock",
    "intake",
    "blobs",
    "ledger",
    "index.snapshot",
    store::KEEPSAKES,
    "quarantine",
    "packs",
    "spool",
    crate::examine::FOLDER,
    "rows.sqlite",
    "rows.sqlite-wal",
    "rows.sqlite-shm",
    "wraps.sqlite",
    "wraps.sqlite-wal",
    "wraps.sqlite-shm",
];

impl Check {
    pub(super) fn folder(&mut self) -> Result<()> {
        let data = self.ask.data.clone();
        let text = |name: &str| std::fs::read_to_string(data.join(name)).unwrap_or_default();
        let version = text("VERSION");
        // An older folder is moved forward by the next start.
        if !(1..=store::DATA_VERSION).any(|known| version == format!("{known}\n")) {
            self.find(What::Version, "VERSION", vec![]);
        }
        if text("key-mark") != format!("{}\n", crate::vault::key_mark(&self.ladder)) {
            self.find(What::KeyMark, "key-mark", vec![]);
        }
        for entry in std::fs::read_dir(&data)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !KNOWN.contains(&name.as_str()) && !store::is_ours(&name) {
                self.find(What::Unknown, name, vec![]);
            }
        }
        for segment in self.segments.clone() {
            let name = segment.path.strip_prefix(&data).unwrap_or(&segment.path).display().to_string();
            let place = format!("{name}, behind byte {} of {}", segment.good, segment.len);
            match (segment.damaged, segment.good == segment.len) {
                (true, _) => self.find(What::Segment, place, vec![]),
                (false, false) => self.find(What::Tail, place, vec![]),
                (false, true) => {}
            }
        }
        if crate::vault::check_snapshot(&self.store, &self.ladder, &self.tenant).is_err() {
            self.find(What::Snapshot, "index.snapshot", vec![]);
        }
        for (number, damaged) in self.store.broken_packs()? {
            let what = if damaged { What::Pack } else { What::PackMissing };
            self.find(what, format!("pack {number}"), vec![]);
        }
        for (file, said) in self.store.integrity() {
            self.find(What::Database, file, vec![said]);
        }
        Ok(())
    }
}
