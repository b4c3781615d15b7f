//! System calls with their reasons.

use crate::{Error, Result};
use rustix::fs::{FallocateFlags, FlockOperation, StatVfs, fallocate, flock, statvfs};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Makes a folder and syncs those above it that are new with the first that is not: a name is durable only when its folder
/// is. Names in the new folder itself are its user's to sync.
pub fn make_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    let above = folder.parent().ok_or(Error::Missing)?;
    make_folder(above)?;
    match std::fs::create_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    sync_folder(above)
}

/// Makes names in a folder durable.
pub fn sync_folder(folder: &Path) -> Result<()> {
    Ok(File::open(folder)?.sync_all()?)
}

/// Takes the one lock of the data folder; held as long as the file is open, also through `kill -9`.
pub fn lock(folder: &Path) -> Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    for _ in 0..LOCK_TRIES {
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(file);
        }
        std::thread::sleep(LOCK_PAUSE);
    }
    Err(Error::Locked)
}

/// A process that is being started has its parent's files for a moment, until it becomes another program: a lock that was
/// just given back may still be held by it.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Bytes that this user may still write.
pub fn free_bytes(folder: &Path) -> u64 {
    statvfs(folder).map_or(0, |s: StatVfs| s.f_bavail.saturating_mul(s.f_frsize))
}

/// Reserves real blocks: `set_len` would make a hole.
pub fn reserve(file: &File, bytes: u64) -> Result<()> {
    fallocate(file, FallocateFlags::empty(), 0, bytes).map_err(|e| full(e.into()))
}

/// Takes the bytes from `from` to `to` out of a file that keeps its length: blocks go back to the disk, the rest is zeros.
pub fn clear(file: &File, from: u64, to: u64) -> Result<()> {
    use std::os::unix::fs::FileExt;
    if from >= to {
        return Ok(());
    }
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    match fallocate(file, hole, from, to - from) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
            let zeros = vec![0; 64 << 10];
            let mut at = from;
            while at < to {
                let len = usize::try_from(to - at).unwrap_or(usize::MAX).min(zeros.len());
                file.write_all_at(zeros.get(..len).unwrap_or_default(), at)?;
                at += len as u64;
            }
            Ok(())
        }
        done => done.map_err(|e| full(e.into())),
    }
}

/// A full disk has a name of its own.
pub fn full(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::Full,
        _ => Error::Io(error),
    }
}

/// Writes a small file durably and whole.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}
