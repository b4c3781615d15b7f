//! Sealed keepsakes: what took time to make and can be made again, a file each under `manifests/`. No row, no entry, no
//! sync: one that is lost, torn or old costs time and nothing else, and none is ever the only copy of anything.

use crate::open::Store;
use crate::writer::MARGIN;
use crate::{Error, Result, disk};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// The folder's name below the data folder.
pub const KEEPSAKES: &str = "manifests";
/// One keepsake, bytes.
pub const KEEPSAKE_BYTES: usize = 16 << 20;

impl Store {
    fn keepsake_path(&self, name: &[u8; 32]) -> PathBuf {
        let hex: String = name.iter().map(|b| format!("{b:02x}")).collect();
        self.data().join(KEEPSAKES).join(hex.get(..2).unwrap_or("00")).join(hex)
    }

    /// What was kept under a name, if it is there.
    #[must_use]
    pub fn keepsake(&self, name: &[u8; 32]) -> Option<Vec<u8>> {
        let path = self.keepsake_path(name);
        let fits = std::fs::metadata(&path).is_ok_and(|found| found.len() <= KEEPSAKE_BYTES as u64);
        fits.then(|| std::fs::read(path).ok()).flatten()
    }

    /// Keeps sealed bytes under a name, in the place of what was there. Not when the disk is short: room belongs to objects
    /// and to ledger entries.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Full`], [`Error::Io`].
    pub fn keep(&self, name: &[u8; 32], sealed: &[u8]) -> Result<()> {
        if sealed.len() > KEEPSAKE_BYTES {
            return Err(Error::TooLarge);
        }
        if disk::free_bytes(self.data()) < sealed.len() as u64 + 4 * MARGIN {
            return Err(Error::Full);
        }
        let path = self.keepsake_path(name);
        std::fs::create_dir_all(path.parent().ok_or(Error::Missing)?)?;
        let temporary = path.with_extension("tmp");
        File::create(&temporary)?.write_all(sealed).map_err(disk::full)?;
        Ok(std::fs::rename(&temporary, &path)?)
    }
}
