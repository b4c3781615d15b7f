//! The log on disk in the C2SP tlog-tiles layout: `tile/<level>/<number>`, `tile/entries/<number>`, partial ones with
//! `.p/<width>`; sealed bodies with their entry's signature in `body/<number>`, in the same bundles of 256.

use crate::leaf::{self, LEAF_BYTES};
use crate::tree::Tree;
use crate::{Error, Leaf};
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

fn path(root: &Path, kind: &str, n: u64, width: u64) -> PathBuf {
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
}

impl Writer {
    /// Opens or makes a log.
    ///
    /// # Errors
    /// [`Error::Damaged`] when bundles contradict each other.
    pub fn open(root: &Path) -> Result<Self, Error> {
        make_folder(&root.join("tile"))?;
        let reader = Reader::new(root);
        let size = reader.size()?;
        let mut writer =
            Self { root: root.to_path_buf(), tree: Tree::default(), bundle: vec![], open: vec![] };
        for first in (0..size).step_by(WIDTH as usize) {
            for stored in reader.bundle(first / WIDTH)? {
                writer.take(stored);
            }
        }
        Ok(writer)
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

    /// Appends; durable on return.
    ///
    /// # Errors
    /// The system's; [`Error::Damaged`] for a gap.
    pub fn append(&mut self, first: u64, leaves: &[Stored]) -> Result<(), Error> {
        if first > self.size() {
            return Err(Error::Damaged("gap before the first entry"));
        }
        let known = usize::try_from(self.size() - first).map_err(|_| Error::Damaged("index"))?;
        for stored in leaves.iter().skip(known) {
            if self.take(stored.clone()) {
                self.write_bundle(self.size() / WIDTH - 1, WIDTH)?;
                self.write_tiles()?;
                self.bundle.clear();
            }
        }
        let width = self.size() % WIDTH;
        if width > 0 && known < leaves.len() {
            self.write_bundle(self.size() / WIDTH, width)?;
            self.write_tiles()?;
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

    /// Bodies before entries: the size is read off the entries, so what they name is there.
    fn write_bundle(&self, n: u64, width: u64) -> Result<(), Error> {
        let (mut entries, mut bodies) = (Vec::new(), Vec::new());
        for (leaf, body) in &self.bundle {
            entries.extend_from_slice(
                &u16::try_from(leaf.len()).map_err(|_| Error::Damaged("leaf"))?.to_be_bytes(),
            );
            entries.extend_from_slice(leaf);
            bodies.extend_from_slice(
                &u32::try_from(body.len()).map_err(|_| Error::Damaged("body"))?.to_be_bytes(),
            );
            bodies.extend_from_slice(body);
        }
        write(&path(&self.root, "body", n, width), &bodies)?;
        write(&path(&self.root, "tile/entries", n, width), &entries)?;
        if width == WIDTH {
            forget_partial(&self.root, "body", n);
            forget_partial(&self.root, "tile/entries", n);
        }
        Ok(())
    }

    fn write_tiles(&self) -> Result<(), Error> {
        for (level, tile) in self.open.iter().enumerate().filter(|(_, t)| !t.is_empty()) {
            let at = self.size() / WIDTH.pow(u32::try_from(level).map_err(|_| Error::Damaged("level"))? + 1);
            let width = tile.len() as u64;
            let n = if width == WIDTH { at.saturating_sub(1) } else { at };
            let kind = format!("tile/{level}");
            write(&path(&self.root, &kind, n, width), &tile.concat())?;
            if width == WIDTH {
                forget_partial(&self.root, &kind, n);
            }
        }
        Ok(())
    }
}

/// Partial tiles may go once the full one is there (C2SP tlog-tiles, Partial Tiles).
fn forget_partial(root: &Path, kind: &str, n: u64) {
    let folder = path(root, kind, n, 1);
    if let Some(folder) = folder.parent() {
        // What cannot be removed is only larger than needed.
        let _ = std::fs::remove_dir_all(folder);
    }
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
        for above in folder.ancestors().take(4).filter(|a| a.is_dir()) {
            File::open(above)?.sync_all()?;
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().ok_or(Error::Damaged("path"))?;
    make_folder(folder)?;
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Reads a log that somebody else may be writing.
pub struct Reader {
    root: PathBuf,
}

impl Reader {
    /// Of a log's folder.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// Entries, read off the bundles.
    ///
    /// # Errors
    /// The system's.
    pub fn size(&self) -> Result<u64, Error> {
        let full = |n: u64| path(&self.root, "tile/entries", n, WIDTH).is_file();
        let mut step = 1;
        while full(step - 1) {
            step *= 2;
        }
        // Full bundles are contiguous: the first missing one lies below `step`.
        let (mut low, mut high) = (step / 2, step - 1);
        while low < high {
            let middle = low.midpoint(high);
            if full(middle) { low = middle + 1 } else { high = middle }
        }
        let n = if full(low) { low + 1 } else { low };
        Ok(n * WIDTH + self.widest(n)?)
    }

    fn widest(&self, n: u64) -> Result<u64, Error> {
        let folder = path(&self.root, "tile/entries", n, 1);
        let Some(folder) = folder.parent().filter(|f| f.is_dir()) else { return Ok(0) };
        let mut widest = 0;
        for entry in std::fs::read_dir(folder)? {
            let width: Option<u64> = entry?.file_name().to_str().and_then(|n| n.parse().ok());
            widest = widest.max(width.filter(|w| *w < WIDTH).unwrap_or(0));
        }
        Ok(widest)
    }

    /// The entries of a bundle.
    ///
    /// # Errors
    /// [`Error::Damaged`] when entries and bodies do not fit each other; the system's.
    pub fn bundle(&self, n: u64) -> Result<Vec<Stored>, Error> {
        let width =
            if path(&self.root, "tile/entries", n, WIDTH).is_file() { WIDTH } else { self.widest(n)? };
        let entries = std::fs::read(path(&self.root, "tile/entries", n, width))?;
        let bodies = std::fs::read(path(&self.root, "body", n, width))?;
        let leaves = split(&entries, |rest| {
            rest.split_first_chunk::<2>().map(|(len, rest)| (u16::from_be_bytes(*len).into(), rest))
        })?;
        let bodies = split(&bodies, |rest| {
            rest.split_first_chunk::<4>().map(|(len, rest)| (u32::from_be_bytes(*len) as usize, rest))
        })?;
        if leaves.len() as u64 != width || bodies.len() != leaves.len() {
            return Err(Error::Damaged("bundle"));
        }
        Ok(leaves.into_iter().zip(bodies).collect())
    }

    /// One entry.
    ///
    /// # Errors
    /// As [`Reader::bundle`].
    pub fn entry(&self, index: u64) -> Result<Stored, Error> {
        let at = usize::try_from(index % WIDTH).map_err(|_| Error::Damaged("index"))?;
        self.bundle(index / WIDTH)?.into_iter().nth(at).ok_or(Error::Damaged("bundle"))
    }

    /// Leaf hashes of a bundle as its tile has them.
    ///
    /// # Errors
    /// As [`Reader::bundle`].
    pub fn tile(&self, n: u64, width: u64) -> Result<Vec<[u8; 32]>, Error> {
        let bytes = std::fs::read(path(&self.root, "tile/0", n, width))?;
        let hashes: Vec<[u8; 32]> = bytes.as_chunks::<32>().0.to_vec();
        if hashes.len() as u64 == width && bytes.len() as u64 == width * 32 {
            Ok(hashes)
        } else {
            Err(Error::Damaged("tile"))
        }
    }
}

fn split<'a>(
    mut rest: &'a [u8],
    head: impl Fn(&'a [u8]) -> Option<(usize, &'a [u8])>,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (len, tail) = head(rest).ok_or(Error::Damaged("bundle"))?;
        let (item, tail) =
            tail.split_at_checked(len).filter(|_| len <= BODY_BYTES).ok_or(Error::Damaged("bundle"))?;
        out.push(item.to_vec());
        rest = tail;
    }
    Ok(out)
}

/// A stored body's signature and sealed bytes.
#[must_use]
pub fn signature_and_body(stored: &[u8]) -> Option<(&[u8], &[u8])> {
    stored.split_at_checked(SIGNATURE)
}

/// A stored leaf, when it is one.
#[must_use]
pub fn leaf_of(stored: &Stored) -> Option<Leaf> {
    (stored.0.len() == LEAF_BYTES).then(|| Leaf::read(&stored.0)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(n: u64) -> Stored {
        (n.to_be_bytes().to_vec(), vec![n as u8; 70])
    }

    #[test]
    fn names_are_those_of_the_specification() {
        assert_eq!(number(5), "005");
        assert_eq!(number(1234), "x001/234");
        assert_eq!(number(1_234_067), "x001/x234/067");
    }

    #[test]
    fn appending_is_idempotent_and_survives_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<Stored> = (0..1300).map(stored).collect();
        let mut expected = Tree::default();
        all.iter().for_each(|s| expected.push(leaf::hash(&s.0)));
        let mut at = 0;
        for step in [1, 254, 1, 1, 255, 300, 488] {
            let mut writer = Writer::open(folder.path()).unwrap();
            assert_eq!(writer.size(), at);
            let again = at.saturating_sub(40);
            writer.append(again, &all[again as usize..(at + step) as usize]).unwrap();
            at += step;
        }
        let writer = Writer::open(folder.path()).unwrap();
        assert_eq!((writer.size(), writer.tree().root()), (1300, expected.root()));
        let reader = Reader::new(folder.path());
        assert_eq!(reader.entry(256).unwrap(), stored(256));
        assert_eq!(reader.tile(5, 1300 - 1280).unwrap()[3], leaf::hash(&stored(1283).0));
        assert!(folder.path().join("tile/1/000.p/5").is_file());
        assert!(!folder.path().join("tile/entries/000.p").exists());
    }
}
