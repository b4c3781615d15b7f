//! Reading tiles and bundles, also while somebody else is writing them.

use super::{BODY_BYTES, Stored, WIDTH, path};
use crate::Error;
use std::path::{Path, PathBuf};

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
    /// [`Error::Damaged`] when a bundle is missing and later ones are there; the system's.
    pub fn size(&self) -> Result<u64, Error> {
        match self.extent()? {
            (size, false) => Ok(size),
            (_, true) => Err(Error::Damaged("a bundle is missing before later ones")),
        }
    }

    /// Entries before the first missing bundle, and whether there is anything behind it.
    pub(crate) fn extent(&self) -> Result<(u64, bool), Error> {
        loop {
            let (n, size) = self.contiguous()?;
            let beyond = last(&self.root.join("tile/entries"), 0)?.is_some_and(|last| last > n);
            // A writer fills a bundle before it begins the next: unless it did so between the two looks, this is a hole.
            if !beyond || !path(&self.root, "tile/entries", n, WIDTH).is_file() {
                return Ok((size, beyond));
            }
        }
    }

    /// First bundle that is not full, and the entries up to its end.
    fn contiguous(&self) -> Result<(u64, u64), Error> {
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
        Ok((n, n * WIDTH + self.widest(n)?))
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
        match self.read_bundle(n) {
            // A partial one was replaced by the full one between look and read.
            Err(Error::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => self.read_bundle(n),
            other => other,
        }
    }

    fn read_bundle(&self, n: u64) -> Result<Vec<Stored>, Error> {
        let width =
            if path(&self.root, "tile/entries", n, WIDTH).is_file() { WIDTH } else { self.widest(n)? };
        let entries = std::fs::read(path(&self.root, "tile/entries", n, width))?;
        let bodies = std::fs::read(path(&self.root, "body", n, width))?;
        let leaves = self::entries(&entries)?;
        let bodies = split(&bodies, |rest| {
            rest.split_first_chunk::<4>().map(|(len, rest)| (u32::from_be_bytes(*len) as usize, rest))
        })?;
        if leaves.len() as u64 != width || bodies.len() != leaves.len() {
            return Err(Error::Damaged("bundle"));
        }
        Ok(leaves.into_iter().zip(bodies).collect())
    }

    /// The leaves of a full bundle, without bodies.
    ///
    /// # Errors
    /// As [`Reader::bundle`].
    pub(crate) fn leaves(&self, n: u64) -> Result<Vec<Vec<u8>>, Error> {
        let leaves = entries(&std::fs::read(path(&self.root, "tile/entries", n, WIDTH))?)?;
        if leaves.len() as u64 == WIDTH { Ok(leaves) } else { Err(Error::Damaged("bundle")) }
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
        self.hashes(0, n, width)
    }

    /// The first `width` hashes of a tile; its full one has them, too, once the partial one is gone.
    pub(crate) fn hashes(&self, level: u32, n: u64, width: u64) -> Result<Vec<[u8; 32]>, Error> {
        let kind = format!("tile/{level}");
        let (bytes, there) = match std::fs::read(path(&self.root, &kind, n, width)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                (std::fs::read(path(&self.root, &kind, n, WIDTH))?, WIDTH)
            }
            bytes => (bytes?, width),
        };
        let mut hashes: Vec<[u8; 32]> = bytes.as_chunks::<32>().0.to_vec();
        if bytes.len() as u64 != there * 32 {
            return Err(Error::Damaged("tile"));
        }
        hashes.truncate(usize::try_from(width).map_err(|_| Error::Damaged("tile"))?);
        Ok(hashes)
    }
}

/// Highest bundle of which there is anything; a folder's name is `x` and three digits of its numbers.
fn last(folder: &Path, base: u64) -> Result<Option<u64>, Error> {
    let list = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        list => list?,
    };
    let mut highest = None;
    for entry in list {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        let digits = |text: &str| text.parse::<u64>().ok().filter(|n| *n < 1000);
        let found = match name.strip_prefix('x') {
            // Deeper than numbers go is none of ours.
            Some(name) => match digits(name).and_then(|n| below(base, n)) {
                Some(number) if name.len() == 3 => last(&folder.join(format!("x{name}")), number)?,
                _ => None,
            },
            None => digits(name.strip_suffix(".p").unwrap_or(name)).and_then(|n| below(base, n)),
        };
        highest = highest.max(found);
    }
    Ok(highest)
}

fn below(base: u64, n: u64) -> Option<u64> {
    base.checked_mul(1000)?.checked_add(n).filter(|n| n.checked_mul(WIDTH).is_some())
}

fn entries(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    split(bytes, |rest| {
        rest.split_first_chunk::<2>().map(|(len, rest)| (u16::from_be_bytes(*len).into(), rest))
    })
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
