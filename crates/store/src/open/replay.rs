//! What a stop left behind: segments that were not moved, packs that were not finished, spools that nobody committed.

use crate::place::{self, Places, Records, move_records};
use crate::segment::{self, Cursor, End};
use crate::{Result, disk, pack};
use std::fs::File;
use std::path::Path;

/// Moves all segments; answers the number of the next one.
pub fn replay(places: &mut Places<'_>) -> Result<u64> {
    let folder = places.data.join("intake");
    let numbers = segment::numbers(&folder)?;
    for number in &numbers {
        replay_segment(&segment::path(&folder, *number), *number, Some(number) == numbers.last(), places)?;
    }
    disk::sync_folder(&folder)?;
    let (packs, known) = (adopt(places)?, places.tables.packs()?);
    let last = |list: &[u64]| list.last().map_or(0, |n| n + 1);
    Ok(last(&numbers).max(last(&packs)).max(last(&known)))
}

fn replay_segment(path: &Path, number: u64, newest: bool, places: &mut Places<'_>) -> Result<()> {
    // With a directory all of it was moved, and what is no object may be gone from it.
    if let Some((good, items)) = pack::directory(&File::open(path)?, number)? {
        return place::close(places.data, path, number, good, &items);
    }
    let end = match places.tables.pack(number)?.filter(|pack| pack.good > 0) {
        // Its records were moved to the last; a directory that was cut may stand behind them.
        Some(pack) => End::Known(pack.good),
        None if newest => End::Torn,
        None => End::Whole,
    };
    let records =
        Records { path: path.to_path_buf(), number, from: Cursor::START, end, last: true, wraps: None };
    let done = move_records(&records, places)?;
    place::close(places.data, path, number, done.end, &done.items)?;
    place::remove_packs(places.data, places.tables, &done.empty)
}

/// Packs that the tables do not know are taken in: the tables came from an older backup. Answers all packs.
fn adopt(places: &mut Places<'_>) -> Result<Vec<u64>> {
    let (there, known) = (pack::list(places.data)?, places.tables.packs()?);
    for number in there.iter().filter(|n| known.binary_search(n).is_err()) {
        let path = pack::path(places.data, *number);
        match File::open(&path).map_err(Into::into).and_then(|file| pack::directory(&file, *number)) {
            Ok(Some((good, items))) => places.tables.adopt(*number, good, &items)?,
            // The others are served; `check` names it, too.
            Ok(None) | Err(_) => tracing::error!(number, "a pack cannot be read"),
        }
    }
    for number in known.iter().filter(|n| there.binary_search(n).is_err()) {
        tracing::error!(number, "a pack is missing: its objects cannot be read until it is restored");
    }
    Ok(there)
}

/// Spool files that no commit refers to: their senders were never answered.
pub fn remove_spools(data: &Path, version: Option<u32>) -> Result<()> {
    for file in std::fs::read_dir(data.join("spool"))?.flatten() {
        std::fs::remove_file(file.path())?;
    }
    // Version 1 spooled beside its objects.
    if version == Some(1) { remove_old_spools(&data.join("blobs")) } else { Ok(()) }
}

fn remove_old_spools(blobs: &Path) -> Result<()> {
    for tenant in std::fs::read_dir(blobs)?.flatten().filter(|e| e.path().is_dir()) {
        for fan in std::fs::read_dir(tenant.path())?.flatten().filter(|e| e.path().is_dir()) {
            for file in std::fs::read_dir(fan.path())?.flatten() {
                if file.path().extension().is_some_and(|e| e == "spool" || e == "tmp") {
                    std::fs::remove_file(file.path())?;
                }
            }
        }
    }
    Ok(())
}
