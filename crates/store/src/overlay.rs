//! What is durable in the log and not moved yet, for readers.

use crate::rows::Row;
use crate::segment::Meta;
use model::{Id, Tenant};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// A leaf with its sealed body.
pub type Leaf = (Vec<u8>, Vec<u8>);

/// An object in a segment.
#[derive(Debug, Clone)]
pub struct Location {
    pub segment: u64,
    pub path: Arc<PathBuf>,
    pub at: u64,
    pub len: u64,
    /// In its spool file instead.
    pub spooled: bool,
}

/// Something and the segment that has it.
type InSegment<T> = (u64, T);

#[derive(Debug, Default)]
pub struct Overlay {
    pub rows: HashMap<[u8; 32], (u64, Row)>,
    pub wraps: HashMap<[u8; 32], (u64, Vec<u8>)>,
    pub objects: HashMap<(Tenant, Id), Location>,
    pub sidecars: HashMap<(Tenant, Id), InSegment<Arc<Vec<u8>>>>,
    pub leaves: BTreeMap<u64, (u64, Leaf)>,
}

impl Overlay {
    /// Takes in a commit that is durable in `segment`.
    pub fn add(&mut self, segment: u64, path: &Arc<PathBuf>, meta: Meta, blob: (u64, u64)) {
        let Meta { seq, object, sidecars, rows, wraps, first_leaf, leaves } = meta;
        if let Some((tenant, id, spooled)) = object {
            let location = Location { segment, path: Arc::clone(path), at: blob.0, len: blob.1, spooled };
            self.objects.insert((tenant, id), location);
        }
        for (tenant, id, bytes) in sidecars {
            self.sidecars.insert((tenant, id), (segment, Arc::new(bytes)));
        }
        for row in rows {
            let key = row.key;
            let row = Row { key, kind: row.kind, version: row.version, seq, sealed: row.sealed };
            self.rows.insert(key, (segment, row));
        }
        self.wraps.extend(wraps.into_iter().map(|(key, sealed)| (key, (segment, sealed))));
        self.leaves.extend((first_leaf..).zip(leaves).map(|(index, leaf)| (index, (segment, leaf))));
    }

    /// Forgets what was moved with a segment; what a later one wrote anew stays.
    pub fn moved(&mut self, segment: u64) {
        self.rows.retain(|_, (of, _)| *of > segment);
        self.wraps.retain(|_, (of, _)| *of > segment);
        self.objects.retain(|_, location| location.segment > segment);
        self.sidecars.retain(|_, (of, _)| *of > segment);
        self.leaves.retain(|_, (of, _)| *of > segment);
    }
}
