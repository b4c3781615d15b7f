//! Checking a log offline, without any secret: names the first entry that was changed, removed, swapped or cut off.
//!
//! Each entry is signed with its place, so a fault is found at its entry even when every hash above it was made anew;
//! each body hashes into its leaf; the root must be the signed checkpoint's. An older complete copy is told by a checkpoint
//! that was kept elsewhere.

use crate::leaf::{self, signed};
use crate::tiles::{Reader, Stored, WIDTH, leaf_of, signature_and_body};
use crate::tree::Tree;
use crate::{Checkpoint, Error};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

/// What is wrong, and from which entry on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Index of the first entry that is not as it was written.
    pub index: u64,
    /// What happened to it.
    pub what: What,
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Its leaf is not the one that was signed for this place.
    Changed,
    /// An entry is missing here: the one that stands here was signed for a later place.
    Removed,
    /// The one that stands here was signed for another place.
    Swapped,
    /// Its sealed body is not the one that its leaf commits to.
    Body,
    /// The log ends before it.
    CutOff,
    /// Tiles, bundles or root do not agree with the entries.
    Tree,
}

impl What {
    /// Stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Swapped => "swapped",
            Self::Body => "body-changed",
            Self::CutOff => "cut-off",
            Self::Tree => "tree-changed",
        }
    }
}

/// How far a look for a moved entry goes.
const NEIGHBOURS: u64 = 4096;

/// A log that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Entries that were looked at.
    pub entries: u64,
    /// Root of all of them.
    pub root: [u8; 32],
    /// The first fault, if any.
    pub fault: Option<Fault>,
}

/// Entries of the log that are not in tiles yet (the intake log's), by index.
pub type Tail = Vec<(u64, Stored)>;

/// Checks all of a log against its key and the checkpoints that are known.
///
/// # Errors
/// The system's only; what is wrong with the log is in the report.
pub fn verify(
    reader: &Reader,
    tail: &Tail,
    (origin, public): (&str, &[u8]),
    checkpoints: &[Checkpoint],
    progress: &mut dyn FnMut(u64),
) -> Result<Report, Error> {
    let mut walk = Walk {
        origin,
        key: UnparsedPublicKey::new(&ED25519, public.to_vec()),
        tree: Tree::default(),
        fault: None,
    };
    let mut expected: Vec<&Checkpoint> = checkpoints.iter().collect();
    expected.sort_by_key(|c| c.size);
    let (in_tiles, hole) = reader.extent()?;
    let mut tiles = Vec::new();
    'bundles: for n in 0..in_tiles.div_ceil(WIDTH) {
        let width = (in_tiles - n * WIDTH).min(WIDTH);
        let bundle = match reader.bundle(n) {
            // The archive may be running: what came after the size was read is not looked at.
            Ok(mut bundle) => {
                bundle.truncate(usize::try_from(width).unwrap_or(usize::MAX));
                bundle
            }
            Err(Error::Damaged(_)) => {
                walk.fail(n * WIDTH, What::Tree);
                break;
            }
            Err(error) => return Err(error),
        };
        let tile = tile(reader, 0, n, width);
        for (at, stored) in bundle.iter().enumerate() {
            let index = n * WIDTH + at as u64;
            walk.entry(index, stored);
            if walk.fault.is_none() && tile.get(at) != Some(&leaf::hash(&stored.0)) {
                walk.fail(index, What::Tree);
            }
            walk.checkpoints(&expected);
            if walk.fault.is_some() {
                break 'bundles;
            }
        }
        if width == WIDTH {
            tiles.push(root(&tile));
        }
        progress(walk.tree.size());
    }
    if walk.fault.is_none() {
        walk.upper(reader, tiles);
    }
    if hole {
        walk.fail(in_tiles, What::Removed);
    }
    for (index, stored) in tail {
        if walk.fault.is_none() && *index == walk.tree.size() {
            walk.entry(*index, stored);
            walk.checkpoints(&expected);
        }
    }
    if walk.fault.is_none() && expected.last().is_some_and(|c| c.size > walk.tree.size()) {
        walk.fail(walk.tree.size(), What::CutOff);
    }
    Ok(Report { entries: walk.tree.size(), root: walk.tree.root(), fault: walk.fault })
}

/// Looks for a tile that a running archive is about to write: entries come first.
const LOOKS: u32 = 20;

fn tile(reader: &Reader, level: u32, n: u64, width: u64) -> Vec<[u8; 32]> {
    for _ in 0..LOOKS {
        match reader.hashes(level, n, width) {
            Ok(tile) => return tile,
            Err(Error::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Err(_) => break,
        }
    }
    Vec::new()
}

fn root(tile: &[[u8; 32]]) -> [u8; 32] {
    let mut tree = Tree::default();
    tile.iter().for_each(|hash| tree.push(*hash));
    tree.root()
}

struct Walk<'a> {
    origin: &'a str,
    key: UnparsedPublicKey<Vec<u8>>,
    tree: Tree,
    fault: Option<Fault>,
}

impl Walk<'_> {
    fn fail(&mut self, index: u64, what: What) {
        self.fault.get_or_insert(Fault { index, what });
    }

    /// The tiles above level 0 from the roots of its full tiles.
    fn upper(&mut self, reader: &Reader, mut hashes: Vec<[u8; 32]>) {
        let mut level = 1;
        let mut covers = WIDTH * WIDTH;
        while !hashes.is_empty() {
            for (n, chunk) in (0u64..).zip(hashes.chunks(WIDTH as usize)) {
                if tile(reader, level, n, chunk.len() as u64) != chunk {
                    return self.fail(n * covers, What::Tree);
                }
            }
            hashes = hashes.as_chunks::<{ WIDTH as usize }>().0.iter().map(|tile| root(tile)).collect();
            level += 1;
            covers = covers.saturating_mul(WIDTH);
        }
    }

    fn entry(&mut self, index: u64, stored: &Stored) {
        let (Some(leaf), Some((signature, sealed))) = (leaf_of(stored), signature_and_body(&stored.1)) else {
            return self.fail(index, What::Changed);
        };
        if !self.signed(index, stored, signature) {
            let what = self.moved(index, stored, signature);
            return self.fail(index, what);
        }
        if !leaf.seals(sealed) {
            return self.fail(index, What::Body);
        }
        self.tree.push(leaf::hash(&stored.0));
    }

    fn signed(&self, index: u64, stored: &Stored, signature: &[u8]) -> bool {
        self.key.verify(&signed(self.origin, index, &stored.0), signature).is_ok()
    }

    /// An entry that was signed for the next place stands here when one was removed, for another when it was swapped.
    fn moved(&self, index: u64, stored: &Stored, signature: &[u8]) -> What {
        if self.signed(index + 1, stored, signature) {
            return What::Removed;
        }
        let near = index.saturating_sub(NEIGHBOURS)..index + NEIGHBOURS;
        let other = near.into_iter().any(|i| self.signed(i, stored, signature));
        if other { What::Swapped } else { What::Changed }
    }

    fn checkpoints(&mut self, expected: &[&Checkpoint]) {
        if self.fault.is_some() {
            return;
        }
        let size = self.tree.size();
        let wrong = expected.iter().any(|c| c.size == size && c.root != self.tree.root());
        if wrong {
            self.fail(size.saturating_sub(1), What::Tree);
        }
    }
}

#[cfg(test)]
mod tests;
