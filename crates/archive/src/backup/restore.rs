//! restore: Source → Believed → Entries → Tables → Objects → Settled.
//!
//! Fills an empty data folder. It is not believed because it is a backup: its entries must be those of a checkpoint that the
//! archive's own key signed, and afterwards [`crate::check::check`] compares everything, as for any folder. Interrupted, it
//! goes on.

use super::{Source, State};
use crate::vault::key_mark;
use crate::{Error, Result};
use crypto::{Key, Ladder};
use ledger::tiles::WIDTH;
use ledger::{Checkpoint, Tree, Writer};
use std::path::Path;
use store::backup::{copy, make_folder, read_bundle, settle, write};
use store::{ROWS_FILE, WRAPS_FILE};

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Entries.
    pub entries: u64,
    /// Files put into place by this run.
    pub files: u64,
}

/// Fills `data` from a backup; `told` hears how many files are done of how many.
///
/// # Errors
/// Another archive's backup; entries that are not what was signed; wraps that are not kept any more; the system's.
pub fn restore(
    (source, state): (&Source, &State),
    wraps: &Path,
    (data, root): (&Path, &Key),
    told: &mut dyn FnMut(u64, u64),
) -> Result<Restored> {
    let ladder = Ladder::new(root)?;
    let mark = key_mark(&ladder);
    if mark != source.key_mark {
        return Err(Error::Internal("this key does not belong to this backup"));
    }
    let public = ladder.signing_key()?.public();
    let checkpoint = Checkpoint::open(&state.manifest.checkpoint, &public)?;
    let wraps = wraps.join(format!("{:08}", state.number)).join(WRAPS_FILE);
    if !wraps.is_file() {
        return Err(Error::Internal(
            "the wrapped keys of this backup are not there (they are kept for 35 days): without them the objects are noise",
        ));
    }
    make_folder(data)?;
    write(&data.join("key-mark"), format!("{mark}\n").as_bytes())?;
    write(&data.join("VERSION"), format!("{}\n", store::DATA_VERSION).as_bytes())?;
    entries(source, state, &checkpoint, &data.join("ledger"))?;
    for (from, name) in [(source.state(state.number).join(ROWS_FILE), ROWS_FILE), (wraps, WRAPS_FILE)] {
        // A log of an interrupted start would be replayed over it.
        for more in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(data.join(format!("{name}{more}")));
        }
        copy(&from, &data.join(name))?;
    }
    make_folder(&data.join("intake"))?;
    make_folder(&data.join("blobs"))?;
    let names = source.packs.names();
    let (total, mut files) = (names.len() as u64, 0);
    for (done, name) in (1..).zip(&names) {
        files += u64::from(source.packs.put(data, name)?);
        told(done, total);
    }
    settle(data)?;
    Ok(Restored { entries: checkpoint.size, files })
}

/// All entries of the checkpoint, in order, those of an interrupted run kept.
fn entries(source: &Source, state: &State, checkpoint: &Checkpoint, folder: &Path) -> Result<()> {
    let mut writer = Writer::open(folder)?;
    let mut tree = Tree::default();
    for n in 0..checkpoint.size.div_ceil(WIDTH) {
        let whole = (n + 1) * WIDTH <= checkpoint.size;
        let path = match whole {
            true => source.folder.join("ledger").join(format!("{n:08}")),
            false => source.state(state.number).join("tail"),
        };
        let bundle = read_bundle(&path)?;
        bundle.iter().for_each(|stored| tree.push(ledger::leaf::hash(&stored.0)));
        if (n + 1) * WIDTH > writer.size() || !whole {
            writer.append(n * WIDTH, &bundle)?;
        }
    }
    if tree.size() != checkpoint.size || tree.root() != checkpoint.root {
        return Err(Error::Internal("the backup's entries are not those that were signed"));
    }
    Ok(())
}
