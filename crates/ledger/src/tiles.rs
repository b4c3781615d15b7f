//! The log on disk in the C2SP tlog-tiles layout: `tile/<level>/<number>`, `tile/entries/<number>`, partial ones with
//! `.p/<width>`; sealed bodies with their entry's signature in `body/<number>`, in the same bundles of 256.

mod reader;

pub use reader::Reader;

use crate::leaf;
use crate::tree::Tree;
use crate::{Error, Leaf};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Entries in a bundle, hashes in a tile.
pub const WIDTH: u64 = 256;
const SIGNATURE: usize = 64;
/// One sealed body.
const BODY_BYTES: usize = model::limits::LEDGER_BODY_BYTES + 1024;

/// A leaf and its body as stored: `signature(64) ‖ sealed body`.
pub type Stored = (Vec<u8>, Vec<u8>);

/// `x001/x234/067` (C2SP tlog-tiles, Merkle Tree).
fn number(mut n: u64) -> String {
    let mut out = format!("{:03}", n % 1000);
    while n >= 1000 {
        n /= 1000;
        out = format!("x{:03}/{out}", n % 1000);
    }
    out
}

pub(crate) fn path(root: &Path, kind: &str, n: u64, width: u64) -> PathBuf {
    let base = root.join(kind).join(number(n));
    if width == WIDTH { base } else { PathBuf::from(format!("{}.p/{width}", base.display())) }
}

/// Appends. Idempotent: entries that are there already are skipped.
pub struct Writer {
    root: PathBuf,
    tree: Tree,
    bundle: Vec<Stored>,
    /// Hashes of the open tile of each level.
    open: Vec<Vec<[u8; 32]>>,
    /// The tree when it was this large, for a checkpoint of that time.
    noted: Option<(u64, Option<Tree>)>,
    /// A write failed: memory is ahead of the disk and is read anew before anything else.
    failed: bool,
}

impl Writer {
    /// Opens or makes a log.
    ///
    /// # Errors
    /// [`Error::Damaged`] when bundles contradict each other.
    pub fn open(root: &Path) -> Result<Self, Error> {
        Self::open_noting(root, None)
    }

    /// The same, and remembers the tree of this size: [`Writer::noted`].
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open_noting(root: &Path, size: Option<u64>) -> Result<Self, Error> {
        make_folder(&root.join("tile"))?;
        let noted = size.map(|size| (size, (size == 0).then(Tree::default)));
        let (path, tree) = (root.to_path_buf(), Tree::default());
        let mut writer = Self { root: path, tree, bundle: vec![], open: vec![], noted, failed: false };
        writer.read()?;
        Ok(writer)
    }

    /// Reads what is there. Of full bundles the bodies are not needed.
    fn read(&mut self) -> Result<(), Error> {
        let reader = Reader::new(&self.root);
        let size = reader.size()?;
        let mut missing = Waves::default();
        for first in (0..size).step_by(WIDTH as usize) {
            let full = first + WIDTH <= size;
            let stored = match full {
                true => reader.leaves(first / WIDTH)?.into_iter().map(|leaf| (leaf, Vec::new())).collect(),
                false => reader.bundle(first / WIDTH)?,
            };
            for stored in stored {
                if self.take(stored) {
                    self.add_tiles(&mut missing, |width| width == WIDTH)?;
                }
            }
        }
        self.add_tiles(&mut missing, |_| true)?;
        missing.write(&self.root)
    }

    /// The tree of the size asked for, once the log was that large.
    #[must_use]
    pub fn noted(&self) -> Option<&Tree> {
        self.noted.as_ref().and_then(|(_, tree)| tree.as_ref())
    }

    /// Entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The frontier, to go on from.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Appends; durable on return. After an error it may be called again with the same entries: what is on the disk counts.
    ///
    /// # Errors
    /// The system's; [`Error::Damaged`] for a gap, or when another entry stands where one is said to be already.
    pub fn append(&mut self, first: u64, leaves: &[Stored]) -> Result<(), Error> {
        if self.failed {
            *self = Self::open_noting(&self.root.clone(), self.noted.as_ref().map(|(size, _)| *size))?;
        }
        self.failed = true;
        self.extend(first, leaves)?;
        self.failed = false;
        Ok(())
    }

    fn extend(&mut self, first: u64, leaves: &[Stored]) -> Result<(), Error> {
        if first > self.size() {
            return Err(Error::Damaged("gap before the first entry"));
        }
        let known = usize::try_from(self.size() - first).map_err(|_| Error::Damaged("index"))?;
        self.check_known(first, leaves.get(..known).unwrap_or(leaves))?;
        let mut waves = Waves::default();
        for stored in leaves.iter().skip(known) {
            if self.take(stored.clone()) {
                self.add_bundle(&mut waves, self.size() / WIDTH - 1, WIDTH)?;
                self.add_tiles(&mut waves, |_| true)?;
                self.bundle.clear();
            }
        }
        let width = self.size() % WIDTH;
        if known < leaves.len() {
            if width > 0 {
                self.add_bundle(&mut waves, self.size() / WIDTH, width)?;
            }
            self.add_tiles(&mut waves, |_| true)?;
        }
        waves.write(&self.root)
    }

    /// What is skipped is what is there: two histories must never meet unseen.
    fn check_known(&self, first: u64, known: &[Stored]) -> Result<(), Error> {
        let reader = Reader::new(&self.root);
        let mut bundle = (u64::MAX, Vec::new());
        for (index, stored) in (first..).zip(known) {
            if bundle.0 != index / WIDTH {
                bundle = (index / WIDTH, reader.bundle(index / WIDTH)?);
            }
            let at = usize::try_from(index % WIDTH).map_err(|_| Error::Damaged("index"))?;
            if bundle.1.get(at) != Some(stored) {
                return Err(Error::Damaged("another entry stands at this index"));
            }
        }
        Ok(())
    }

    /// Takes one entry; true when its bundle is full.
    fn take(&mut self, stored: Stored) -> bool {
        if self.bundle.len() as u64 == WIDTH {
            self.bundle.clear();
        }
        let mut hash = leaf::hash(&stored.0);
        self.tree.push(hash);
        if let Some((size, noted)) = &mut self.noted
            && *size == self.tree.size()
        {
            *noted = Some(self.tree.clone());
        }
        self.bundle.push(stored);
        for level in 0.. {
            if self.open.len() <= level {
                self.open.push(Vec::new());
            }
            let Some(tile) = self.open.get_mut(level) else { break };
            if tile.len() as u64 == WIDTH {
                tile.clear();
            }
            tile.push(hash);
            if (tile.len() as u64) < WIDTH {
                break;
            }
            let mut subtree = Tree::default();
            tile.iter().for_each(|h| subtree.push(*h));
            hash = subtree.root();
        }
        self.bundle.len() as u64 == WIDTH
    }

    fn add_bundle(&self, waves: &mut Waves, n: u64, width: u64) -> Result<(), Error> {
        let (entries, bodies) = (entries_of(&self.bundle)?, bodies_of(&self.bundle)?);
        waves.bodies.push((path(&self.root, "body", n, width), bodies));
        waves.entries.push((path(&self.root, "tile/entries", n, width), entries));
        if width == WIDTH {
            waves.full.extend([("body".to_owned(), n), ("tile/entries".to_owned(), n)]);
        }
        Ok(())
    }

    /// Adds the open tiles of a wanted width that are not there: what a path holds never changes.
    fn add_tiles(&self, waves: &mut Waves, wanted: impl Fn(u64) -> bool) -> Result<(), Error> {
        for (level, tile) in self.open.iter().enumerate().filter(|(_, t)| !t.is_empty()) {
            let at = self.size() / WIDTH.pow(u32::try_from(level).map_err(|_| Error::Damaged("level"))? + 1);
            let width = tile.len() as u64;
            let n = if width == WIDTH { at.saturating_sub(1) } else { at };
            let kind = format!("tile/{level}");
            let path = path(&self.root, &kind, n, width);
            if !wanted(width) || path.exists() || waves.tiles.iter().any(|(known, _)| *known == path) {
                continue;
            }
            waves.tiles.push((path, tile.concat()));
            if width == WIDTH {
                waves.full.push((kind, n));
            }
        }
        Ok(())
    }
}

/// Files of one append, in the order in which they must become durable: bodies before entries, for the size is read off the
/// entries, so what they name is there; entries before tiles, which the next start makes of them when they are missing.
/// A bundle of entries is durable before the next one, or there would be a hole; else a folder is synced once for all.
#[derive(Default)]
struct Waves {
    bodies: Vec<(PathBuf, Vec<u8>)>,
    entries: Vec<(PathBuf, Vec<u8>)>,
    tiles: Vec<(PathBuf, Vec<u8>)>,
    /// Their partial ones may go.
    full: Vec<(String, u64)>,
}

impl Waves {
    fn write(self, root: &Path) -> Result<(), Error> {
        together(&self.bodies)?;
        self.entries.chunks(1).try_for_each(together)?;
        together(&self.tiles)?;
        self.full.iter().for_each(|(kind, n)| forget_partial(root, kind, *n));
        Ok(())
    }
}

fn together(files: &[(PathBuf, Vec<u8>)]) -> Result<(), Error> {
    let mut folders = BTreeSet::new();
    for (path, bytes) in files {
        let folder = path.parent().ok_or(Error::Damaged("path"))?;
        make_folder(folder)?;
        write(path, bytes)?;
        folders.insert(folder);
    }
    for folder in folders {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Leaves of a bundle as its file has them.
pub(crate) fn entries_of(bundle: &[Stored]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for (leaf, _) in bundle {
        out.extend_from_slice(&u16::try_from(leaf.len()).map_err(|_| Error::Damaged("leaf"))?.to_be_bytes());
        out.extend_from_slice(leaf);
    }
    Ok(out)
}

/// Bodies of a bundle as its file has them.
pub(crate) fn bodies_of(bundle: &[Stored]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for (_, body) in bundle {
        out.extend_from_slice(&u32::try_from(body.len()).map_err(|_| Error::Damaged("body"))?.to_be_bytes());
        out.extend_from_slice(body);
    }
    Ok(out)
}

/// Partial tiles may go once the full one is there (C2SP tlog-tiles, Partial Tiles).
fn forget_partial(root: &Path, kind: &str, n: u64) {
    let folder = path(root, kind, n, 1);
    if let Some(folder) = folder.parent() {
        // What cannot be removed is only larger than needed.
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// Makes a folder; those above it that are new are synced with the first that is not.
fn make_folder(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    let above = folder.parent().ok_or(Error::Damaged("path"))?;
    make_folder(above)?;
    match std::fs::create_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    Ok(File::open(above)?.sync_all()?)
}

/// Writes a file; its folder's sync is the caller's.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    Ok(std::fs::rename(&temporary, path)?)
}

/// A stored body's signature and sealed bytes.
#[must_use]
pub fn signature_and_body(stored: &[u8]) -> Option<(&[u8], &[u8])> {
    stored.split_at_checked(SIGNATURE)
}

/// A stored leaf, when it is one.
#[must_use]
pub fn leaf_of(stored: &Stored) -> Option<Leaf> {
    Leaf::read(&stored.0)
}

#[cfg(test)]
mod tests;
