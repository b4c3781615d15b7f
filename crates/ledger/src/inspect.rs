//! Looking at every file of a log, and going on behind what is damaged: [`crate::verify`] names the first fault to somebody
//! who trusts nobody; this names all of them to who has to put them right.

use crate::leaf::{self, Leaf, signed};
use crate::tiles::{Reader, Stored, WIDTH, signature_and_body};
use crate::tree::Tree;
use crate::verify::Tail;
use crate::{Checkpoint, Error};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is wrong with a file or an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// The leaf is not the one that was signed for this place.
    Leaf,
    /// The signature beside the body does not check; the leaf is as its tile says.
    Signature,
    /// The sealed body is not the one that the leaf commits to.
    Body,
    /// The file cannot be read as a bundle; its entries are known by their hashes only.
    Bundle,
    /// A tile is not what the entries say, or missing.
    Tile,
    /// An older, narrower copy differs from the file that replaced it. Nobody reads it.
    Copy,
    /// No name of this layout.
    Unknown,
    /// The log ends before what a checkpoint has seen.
    CutOff,
    /// The log is not the one that a checkpoint has seen.
    Other,
}

impl Flaw {
    /// Stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leaf => "ledger-leaf",
            Self::Signature => "ledger-signature",
            Self::Body => "ledger-body",
            Self::Bundle => "ledger-bundle",
            Self::Tile => "ledger-tile",
            Self::Copy => "ledger-copy",
            Self::Unknown => "ledger-unknown",
            Self::CutOff => "ledger-cut-off",
            Self::Other => "ledger-other",
        }
    }
}

/// One flaw with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub flaw: Flaw,
    /// The file, below the log's folder; empty when it is the log as a whole.
    pub file: String,
    /// The entries that it concerns, from and before.
    pub entries: (u64, u64),
}

/// All of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Entries.
    pub entries: u64,
    /// Flaws, in the order in which they were met.
    pub found: Vec<Found>,
}

/// Looks at every file. `each` gets every entry whose leaf is the one that was written, with its place.
///
/// # Errors
/// The system's only.
pub fn inspect(
    root: &Path,
    tail: &Tail,
    (origin, public): (&str, &[u8]),
    checkpoints: &[Checkpoint],
    each: &mut dyn FnMut(u64, &Stored),
) -> Result<Inspection, Error> {
    let files = files(root)?;
    let key = UnparsedPublicKey::new(&ED25519, public.to_vec());
    let mut look = Look {
        reader: Reader::new(root),
        origin,
        key,
        files: &files,
        tree: Tree::default(),
        hashes: vec![],
        found: vec![],
    };
    let mut expected: Vec<&Checkpoint> = checkpoints.iter().collect();
    expected.sort_by_key(|c| c.size);
    let (bundles, strays) = bundles(&files, expected.last().map_or(0, |c| c.size));
    for n in 0..bundles {
        look.bundle(n, &expected, each);
    }
    look.upper();
    look.copies();
    for (index, stored) in tail {
        if *index == look.tree.size() {
            look.entry(*index, stored, None, "", each);
            look.checkpoints(&expected);
        }
    }
    let size = look.tree.size();
    if let Some(known) = expected.last().filter(|c| c.size > size) {
        look.found.push(Found { flaw: Flaw::CutOff, file: String::new(), entries: (size, known.size) });
    }
    let mut found = look.found;
    for path in unknown(root)?.into_iter().chain(strays) {
        found.push(Found { flaw: Flaw::Unknown, file: path, entries: (0, 0) });
    }
    Ok(Inspection { entries: size, found })
}

/// Missing bundles that are named one by one; a file behind more of them is none of this log.
const MISSING: u64 = 1024;

/// How many bundles there are to look at, and files whose number is far above all that can be there.
fn bundles(files: &Files, seen: u64) -> (u64, Vec<String>) {
    let numbers: BTreeSet<u64> =
        files.keys().filter(|(kind, ..)| kind == "tile/entries").map(|(_, n, _)| *n).collect();
    let most = numbers.len() as u64 + seen.div_ceil(WIDTH) + MISSING;
    let strays = files.keys().filter(|(kind, n, _)| kind == "tile/entries" && *n >= most);
    let bundles = numbers.range(..most).next_back().map_or(0, |n| n + 1);
    (bundles, strays.map(|(kind, n, width)| name(kind, *n, *width)).collect())
}

/// Kind, number and width of every file; its path.
type Files = BTreeMap<(String, u64, u64), PathBuf>;

struct Look<'a> {
    reader: Reader,
    origin: &'a str,
    key: UnparsedPublicKey<Vec<u8>>,
    files: &'a Files,
    tree: Tree,
    /// Leaf hashes as they are believed.
    hashes: Vec<[u8; 32]>,
    found: Vec<Found>,
}

impl Look<'_> {
    fn fail(&mut self, flaw: Flaw, file: &str, entries: (u64, u64)) {
        self.found.push(Found { flaw, file: file.to_owned(), entries });
    }

    fn widest(&self, kind: &str, n: u64) -> u64 {
        let key = |width| (kind.to_owned(), n, width);
        self.files.range(key(0)..=key(WIDTH)).next_back().map_or(0, |((_, _, width), _)| *width)
    }

    fn bundle(&mut self, n: u64, checkpoints: &[&Checkpoint], each: &mut dyn FnMut(u64, &Stored)) {
        // Of a bundle that is gone, the tile says how many entries it had.
        let width = match self.widest("tile/entries", n) {
            0 => self.widest("tile/0", n),
            width => width,
        };
        let first = n * WIDTH;
        let name = name("tile/entries", n, width);
        let tile = self.reader.hashes(0, n, width).unwrap_or_default();
        let bundle = self.reader.bundle(n).unwrap_or_default();
        if bundle.len() as u64 != width || width == 0 {
            self.fail(Flaw::Bundle, &name, (first, first + width.max(1)));
            // The hashes keep the tree whole, so that what follows is still looked at.
            for hash in tile {
                self.take(hash);
            }
            return;
        }
        for (at, stored) in bundle.iter().enumerate() {
            self.entry(first + at as u64, stored, Some(tile.get(at)), &name, each);
            self.checkpoints(checkpoints);
        }
    }

    /// `tile`: what the tile has at this place, where there is one.
    fn entry(
        &mut self,
        index: u64,
        stored: &Stored,
        tile: Option<Option<&[u8; 32]>>,
        file: &str,
        each: &mut dyn FnMut(u64, &Stored),
    ) {
        let hash = leaf::hash(&stored.0);
        let in_tile = tile.flatten().copied();
        let (signature, sealed) = signature_and_body(&stored.1).unwrap_or((&[], &[]));
        let signed = self.key.verify(&signed(self.origin, index, &stored.0), signature).is_ok();
        let here = (index, index + 1);
        let body = file.replace("tile/entries", "body");
        let tile_file = file.replace("tile/entries", "tile/0");
        if tile.is_some() && in_tile != Some(hash) && signed {
            self.fail(Flaw::Tile, &tile_file, here);
        }
        if !signed && in_tile != Some(hash) {
            self.fail(Flaw::Leaf, file, here);
            return self.take(in_tile.unwrap_or(hash));
        }
        if !signed {
            self.fail(Flaw::Signature, &body, here);
        }
        if !Leaf::read(&stored.0).is_some_and(|leaf| leaf.seals(sealed)) {
            self.fail(Flaw::Body, &body, here);
        }
        each(index, stored);
        self.take(hash);
    }

    fn take(&mut self, hash: [u8; 32]) {
        self.tree.push(hash);
        self.hashes.push(hash);
    }

    fn checkpoints(&mut self, expected: &[&Checkpoint]) {
        let (size, root) = (self.tree.size(), self.tree.root());
        if expected.iter().any(|c| c.size == size && c.root != root) {
            self.fail(Flaw::Other, "", (0, size));
        }
    }

    /// Tiles above level 0, from the roots of full ones.
    fn upper(&mut self) {
        let root = |hashes: &[[u8; 32]]| {
            let mut tree = Tree::default();
            hashes.iter().for_each(|hash| tree.push(*hash));
            tree.root()
        };
        let mut hashes: Vec<[u8; 32]> =
            self.hashes.as_chunks::<{ WIDTH as usize }>().0.iter().map(|tile| root(tile)).collect();
        let (mut level, mut covers) = (1, WIDTH * WIDTH);
        while !hashes.is_empty() {
            for (n, chunk) in (0u64..).zip(hashes.chunks(WIDTH as usize)) {
                let width = chunk.len() as u64;
                if self.reader.hashes(level, n, width).ok().as_deref() != Some(chunk) {
                    let file = name(&format!("tile/{level}"), n, width);
                    self.fail(Flaw::Tile, &file, (n * covers, (n + 1) * covers));
                }
            }
            hashes = hashes.as_chunks::<{ WIDTH as usize }>().0.iter().map(|tile| root(tile)).collect();
            level += 1;
            covers = covers.saturating_mul(WIDTH);
        }
    }

    /// Narrower files that a wider one replaced are its beginnings.
    fn copies(&mut self) {
        let files = self.files;
        for ((kind, n, width), path) in files {
            let widest = self.widest(kind, *n);
            if *width == widest {
                continue;
            }
            let whole = files.get(&(kind.clone(), *n, widest)).and_then(|path| std::fs::read(path).ok());
            let part = std::fs::read(path).unwrap_or_default();
            if part.is_empty() || !whole.is_some_and(|whole| whole.starts_with(&part)) {
                self.fail(Flaw::Copy, &name(kind, *n, *width), (n * WIDTH, n * WIDTH + width));
            }
        }
    }
}

/// An entry is signed for its place by this key.
#[must_use]
pub fn is_signed(stored: &Stored, index: u64, (origin, public): (&str, &[u8])) -> bool {
    let signature = signature_and_body(&stored.1).map(|(signature, _)| signature).unwrap_or_default();
    UnparsedPublicKey::new(&ED25519, public).verify(&signed(origin, index, &stored.0), signature).is_ok()
}

/// A file's name below the log's folder.
pub(crate) fn name(kind: &str, n: u64, width: u64) -> String {
    crate::tiles::path(Path::new(""), kind, n, width).to_string_lossy().into_owned()
}

/// All files that have a name of the layout.
fn files(root: &Path) -> Result<Files, Error> {
    let mut out = Files::new();
    walk(root, "", &mut |relative, path| {
        if let Some(key) = parse(relative) {
            out.insert(key, path.to_path_buf());
        }
    })?;
    Ok(out)
}

/// All that have none.
fn unknown(root: &Path) -> Result<Vec<String>, Error> {
    let mut out = Vec::new();
    walk(root, "", &mut |relative, _| {
        // What a write was interrupted at lies beside its name and is read by nobody.
        let whole = relative.strip_suffix(".tmp").unwrap_or(relative);
        if parse(whole).is_none() {
            out.push(relative.to_owned());
        }
    })?;
    Ok(out)
}

fn walk(folder: &Path, relative: &str, each: &mut dyn FnMut(&str, &Path)) -> Result<(), Error> {
    let mut entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        list => list?.collect::<std::io::Result<Vec<_>>>()?,
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let file = entry.file_name().to_string_lossy().into_owned();
        let below = if relative.is_empty() { file } else { format!("{relative}/{file}") };
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &below, each)?;
        } else {
            each(&below, &entry.path());
        }
    }
    Ok(())
}

/// `tile/0/x001/234.p/17` → (`tile/0`, 1234, 17).
fn parse(relative: &str) -> Option<(String, u64, u64)> {
    let mut parts: Vec<&str> = relative.split('/').collect();
    let words = match *parts.first()? {
        "body" => 1,
        "tile" if parts.len() > 2 => 2,
        _ => return None,
    };
    let kind = parts.drain(..words).collect::<Vec<_>>().join("/");
    let mut width = WIDTH;
    if let [.., number, last] = parts.as_slice()
        && let Some(stem) = number.strip_suffix(".p")
    {
        width = last.parse().ok().filter(|w| (1..WIDTH).contains(w))?;
        let stem = stem.to_owned();
        let mut n = 0;
        for part in parts.get(..parts.len() - 2)? {
            n = below(n, part.strip_prefix('x')?)?;
        }
        n = below(n, &stem)?;
        return (name(&kind, n, width) == relative).then_some((kind, n, width));
    }
    let (last, above) = parts.split_last()?;
    let mut n = 0;
    for part in above {
        n = below(n, part.strip_prefix('x')?)?;
    }
    n = below(n, last)?;
    (name(&kind, n, width) == relative).then_some((kind, n, width))
}

/// Three more digits, as far as entries can be counted.
fn below(n: u64, digits: &str) -> Option<u64> {
    let n = n.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    n.checked_mul(WIDTH).map(|_| n)
}

#[cfg(test)]
mod tests;
