//! Sealed files as a backup keeps them (docs/formats/backup.md): packs of objects and sidecars that only grow, bundles of
//! ledger entries, tables as whole copies. Wraps go to a place of their own, which is kept shorter.

use crate::blob::{self, Part};
use crate::disk::{self, full};
use crate::overlay::Leaf;
use crate::{Error, Result, Store};
use model::{Id, Tenant};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"GZPACK01";
/// Bytes of a record before its sealed bytes: part(1) ‖ id(16) ‖ tenant's length(1) ‖ length(8).
const HEAD: usize = 26;
/// A pack is closed at this size.
const PACK_BYTES: u64 = 1 << 30;
/// Bytes read at once.
const STEP: usize = 1 << 20;
/// Entries of one bundle of the ledger, bytes.
const BUNDLE_BYTES: u64 = 64 << 20;

/// A file in a backup: owner, reference, sidecar or object.
pub type Name = (Tenant, Id, bool);

/// Where a file's sealed bytes lie.
#[derive(Debug, Clone)]
pub struct Kept {
    pack: PathBuf,
    at: u64,
    /// Sealed bytes.
    pub len: u64,
}

/// Packs of a folder: what is in them, and one to add to.
pub struct Packs {
    folder: PathBuf,
    known: HashMap<Name, Kept>,
    open: Option<(BufWriter<File>, PathBuf, u64)>,
    next: u64,
}

impl Packs {
    /// Reads what a folder has. The beginning of a pack that was interrupted counts as far as it is whole; `write`: it is
    /// finished there.
    ///
    /// # Errors
    /// The system's.
    pub fn open(folder: &Path, write: bool) -> Result<Self> {
        if write {
            disk::make_folder(folder)?;
        }
        let mut packs = Self { folder: folder.to_path_buf(), known: HashMap::new(), open: None, next: 0 };
        let mut paths: Vec<PathBuf> = match std::fs::read_dir(folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => vec![],
            list => list?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<_>>()?,
        };
        paths.sort();
        for path in paths {
            let stem = path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse::<u64>().ok());
            let Some(number) = stem else { continue };
            packs.next = packs.next.max(number + 1);
            let partial = path.extension().is_some_and(|e| e == "part");
            let good = packs.read(&path)?;
            if partial && write {
                File::options().write(true).open(&path)?.set_len(good)?;
                finish(&path)?;
                packs.rename(&path);
            }
        }
        Ok(packs)
    }

    /// After its file has its last name.
    fn rename(&mut self, from: &Path) {
        let to = from.with_extension("pack");
        self.known.values_mut().filter(|kept| kept.pack == from).for_each(|kept| kept.pack.clone_from(&to));
    }

    fn read(&mut self, path: &Path) -> Result<u64> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let mut reader = BufReader::new(file);
        let mut magic = [0; 8];
        if reader.read_exact(&mut magic).is_err() || magic != *MAGIC {
            return Ok(0);
        }
        let mut at = MAGIC.len() as u64;
        while let Some((name, start, size)) = head(&mut reader, at)? {
            let Some(end) = start.checked_add(size).filter(|end| *end <= len) else { break };
            reader.seek_relative(size.cast_signed())?;
            self.known.insert(name, Kept { pack: path.to_path_buf(), at: start, len: size });
            at = end;
        }
        Ok(at)
    }

    /// Has it.
    #[must_use]
    pub fn has(&self, name: &Name) -> bool {
        self.known.contains_key(name)
    }

    /// Files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// None at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// All names, in the order in which they lie in their packs.
    #[must_use]
    pub fn names(&self) -> Vec<Name> {
        let mut all: Vec<(&Name, &Kept)> = self.known.iter().collect();
        all.sort_by(|(_, a), (_, b)| (&a.pack, a.at).cmp(&(&b.pack, b.at)));
        all.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// Copies a file in from the store. False: it has it, or the store has not.
    ///
    /// # Errors
    /// [`Error::Full`]; the system's.
    pub fn take(&mut self, store: &Store, name: &Name) -> Result<bool> {
        let (tenant, id, sidecar) = name;
        if self.has(name) {
            return Ok(false);
        }
        if *sidecar {
            let bytes = match store.sidecar(tenant, *id) {
                Err(Error::Missing) => return Ok(false),
                other => other.map_err(unreadable)?,
            };
            self.begin(name, bytes.len() as u64)?;
            self.write(&bytes)?;
            return Ok(true);
        }
        let reader = match store.object(tenant, *id) {
            Err(Error::Missing) => return Ok(false),
            other => other.map_err(unreadable)?,
        };
        self.begin(name, reader.len())?;
        let mut buffer = vec![0; STEP];
        let mut at = 0;
        while at < reader.len() {
            let some = usize::try_from((reader.len() - at).min(STEP as u64)).unwrap_or(STEP);
            let part = buffer.get_mut(..some).ok_or(Error::Missing)?;
            if let Err(error) = reader.read(at, part) {
                self.give_up(name)?;
                return Err(unreadable(error));
            }
            self.write(part)?;
            at += some as u64;
        }
        Ok(true)
    }

    fn begin(&mut self, name: &Name, len: u64) -> Result<()> {
        if self.open.as_ref().is_some_and(|(_, _, at)| *at >= PACK_BYTES) {
            self.close()?;
        }
        if self.open.is_none() {
            let path = self.folder.join(format!("{:08}.part", self.next));
            self.next += 1;
            let mut file =
                BufWriter::with_capacity(STEP, File::options().write(true).create_new(true).open(&path)?);
            file.write_all(MAGIC).map_err(full)?;
            self.open = Some((file, path, MAGIC.len() as u64));
        }
        let (tenant, id, sidecar) = name;
        let mut front = vec![u8::from(*sidecar)];
        front.extend_from_slice(&id.0);
        front.push(u8::try_from(tenant.as_str().len()).map_err(|_| Error::TooLarge)?);
        front.extend_from_slice(&len.to_be_bytes());
        front.extend_from_slice(tenant.as_str().as_bytes());
        self.write(&front)?;
        if let Some((_, path, at)) = &self.open {
            self.known.insert(name.clone(), Kept { pack: path.clone(), at: *at, len });
        }
        Ok(())
    }

    /// The pack ends where this file's record began.
    fn give_up(&mut self, name: &Name) -> Result<()> {
        let Some(kept) = self.known.remove(name) else { return Ok(()) };
        let (file, _, at) = self.open.as_mut().ok_or(Error::Stopped)?;
        let start = kept.at - (HEAD + name.0.as_str().len()) as u64;
        file.flush().map_err(full)?;
        file.get_ref().set_len(start)?;
        file.seek(SeekFrom::Start(start))?;
        *at = start;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let (file, _, at) = self.open.as_mut().ok_or(Error::Stopped)?;
        file.write_all(bytes).map_err(full)?;
        *at += bytes.len() as u64;
        Ok(())
    }

    /// Makes what was added durable, under its last name.
    ///
    /// # Errors
    /// The system's.
    pub fn close(&mut self) -> Result<()> {
        if let Some((file, path, _)) = self.open.take() {
            drop(file.into_inner().map_err(|e| full(e.into_error()))?);
            finish(&path)?;
            self.rename(&path);
        }
        Ok(())
    }

    /// The sealed bytes of a file.
    ///
    /// # Errors
    /// [`Error::Missing`]; the system's.
    pub fn bytes(&self, name: &Name) -> Result<Vec<u8>> {
        let kept = self.known.get(name).ok_or(Error::Missing)?;
        let mut file = File::open(&kept.pack)?;
        file.seek(SeekFrom::Start(kept.at))?;
        let mut out = Vec::new();
        file.take(kept.len).read_to_end(&mut out)?;
        if out.len() as u64 == kept.len { Ok(out) } else { Err(Error::Damaged("pack")) }
    }

    /// Puts a file into a data folder that is being filled, unless a whole one is there; [`settle`] makes it durable.
    ///
    /// # Errors
    /// [`Error::Full`]; the system's.
    pub fn put(&self, data: &Path, name: &Name) -> Result<bool> {
        let (tenant, id, sidecar) = name;
        let kept = self.known.get(name).ok_or(Error::Missing)?;
        let part = if *sidecar { Part::Sidecar } else { Part::Object };
        let path = blob::path(&data.join("blobs"), tenant, *id, part);
        if std::fs::metadata(&path).is_ok_and(|meta| meta.len() == kept.len) {
            return Ok(false);
        }
        std::fs::create_dir_all(path.parent().ok_or(Error::Missing)?)?;
        let temporary = path.with_extension("tmp");
        let mut from = File::open(&kept.pack)?;
        from.seek(SeekFrom::Start(kept.at))?;
        let mut to = File::create(&temporary)?;
        if std::io::copy(&mut from.take(kept.len), &mut to).map_err(full)? != kept.len {
            return Err(Error::Damaged("pack"));
        }
        std::fs::rename(&temporary, &path)?;
        Ok(true)
    }
}

fn unreadable(error: Error) -> Error {
    match error {
        Error::Io(error) => Error::Unreadable(error.kind()),
        other => other,
    }
}

fn head(reader: &mut BufReader<File>, at: u64) -> Result<Option<(Name, u64, u64)>> {
    let mut front = [0; HEAD];
    match reader.read_exact(&mut front) {
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let [sidecar, rest @ ..] = front;
    let (id, rest) = rest.split_first_chunk::<16>().ok_or(Error::Damaged("pack"))?;
    let (tenant_len, len) = rest.split_first().ok_or(Error::Damaged("pack"))?;
    let len = len.try_into().map(u64::from_be_bytes).map_err(|_| Error::Damaged("pack"))?;
    let mut tenant = vec![0; usize::from(*tenant_len)];
    if reader.read_exact(&mut tenant).is_err() {
        return Ok(None);
    }
    let tenant = String::from_utf8(tenant).ok().and_then(|t| t.parse().ok()).ok_or(Error::Damaged("pack"))?;
    let start = at + (HEAD + usize::from(*tenant_len)) as u64;
    Ok(Some(((tenant, Id(*id), sidecar == 1), start, len)))
}

/// A whole file gets its last name, durably.
fn finish(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()?;
    std::fs::rename(path, path.with_extension("pack"))?;
    disk::sync_folder(path.parent().ok_or(Error::Missing)?)
}

/// Writes entries as one file, durably; nothing when they are there. What an interruption or a failing disk left is written anew.
///
/// # Errors
/// The system's.
pub fn write_bundle(path: &Path, entries: &[Leaf]) -> Result<()> {
    let bytes = postcard::to_stdvec(entries).map_err(|_| Error::Damaged("bundle"))?;
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    disk::make_folder(path.parent().ok_or(Error::Missing)?)?;
    disk::write_file(path, &bytes)
}

/// Reads such a file.
///
/// # Errors
/// [`Error::Damaged`]; the system's.
pub fn read_bundle(path: &Path) -> Result<Vec<Leaf>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BUNDLE_BYTES).read_to_end(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(|_| Error::Damaged("bundle"))
}

/// Makes everything on the file system of a folder durable: for many files at once.
///
/// # Errors
/// The system's.
pub fn settle(folder: &Path) -> Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?).map_err(std::io::Error::from)?)
}

/// Copies a small file durably and whole.
///
/// # Errors
/// The system's.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let temporary = to.with_extension("tmp");
    std::fs::copy(from, &temporary)?;
    File::open(&temporary)?.sync_all()?;
    std::fs::rename(&temporary, to)?;
    disk::sync_folder(to.parent().ok_or(Error::Missing)?)
}

/// Writes a small file durably and whole.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    disk::write_file(path, bytes)
}

/// Makes a folder, durably.
///
/// # Errors
/// The system's.
pub fn make_folder(path: &Path) -> Result<()> {
    disk::make_folder(path)
}

/// One backup at a time: the lock is held as long as the file is open.
///
/// # Errors
/// [`Error::Locked`].
pub fn lock(folder: &Path) -> Result<File> {
    disk::lock(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_pack_counts_as_far_as_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let name = |n: u8| (Tenant::main(), Id([n; 16]), n % 2 == 1);
        let mut packs = Packs::open(folder.path(), true).unwrap();
        for n in 0..4u8 {
            packs.begin(&name(n), 1000).unwrap();
            packs.write(&[n; 1000]).unwrap();
        }
        let (mut file, path, at) = packs.open.take().unwrap();
        file.flush().unwrap();
        file.get_ref().set_len(at - 1).unwrap();
        drop(file);
        assert!(path.exists());
        let packs = Packs::open(folder.path(), true).unwrap();
        assert_eq!(packs.len(), 3);
        assert!(!path.exists(), "it has its last name");
        let again = Packs::open(folder.path(), false).unwrap();
        assert!((0..3).all(|n| again.bytes(&name(n)).unwrap() == [n; 1000]));
        assert!(again.bytes(&name(3)).is_err());
        let data = tempfile::tempdir().unwrap();
        assert!(again.put(data.path(), &name(1)).unwrap());
        assert!(!again.put(data.path(), &name(1)).unwrap(), "it is there");
    }

    #[test]
    fn bundles_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger/00000001");
        let entries = vec![(vec![1; 139], vec![2; 300]); 256];
        write_bundle(&path, &entries).unwrap();
        assert_eq!(read_bundle(&path).unwrap(), entries);
        std::fs::File::create(&path).unwrap().write_all(b"\xFF\xFF\xFF").unwrap();
        assert!(read_bundle(&path).is_err());
    }
}
