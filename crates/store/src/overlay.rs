//! What is durable in the log and not moved yet, for readers.

use crate::rows::Row;
use crate::segment::Meta;
use model::{Id, Tenant};
use std::collections::{BTreeMap, HashMap};

/// A leaf with its sealed body.
pub type Leaf = (Vec<u8>, Vec<u8>);

/// Bytes in a segment.
#[derive(Debug, Clone, Copy)]
pub struct Packed {
    pub segment: u64,
    pub at: u64,
    pub len: u64,
}

/// Something and the commit that brought it.
type Since<T> = (u64, T);

#[derive(Debug, Default)]
pub struct Overlay {
    pub rows: HashMap<[u8; 32], Row>,
    pub wraps: HashMap<[u8; 32], Since<Vec<u8>>>,
    /// Without a place: in its spool file.
    pub objects: HashMap<(Tenant, Id), Since<Option<Packed>>>,
    pub sidecars: HashMap<(Tenant, Id), Since<Packed>>,
    pub leaves: BTreeMap<u64, Since<Leaf>>,
}

impl Overlay {
    /// Takes in a commit that is durable in `segment`, its object and sidecars from byte `at`.
    pub fn add(&mut self, segment: u64, meta: Meta, mut at: u64) {
        let Meta { seq, object, sidecars, rows, wraps, first_leaf, leaves, gone } = meta;
        let mut packed = |len| {
            at += len;
            Packed { segment, at: at - len, len }
        };
        for name in gone {
            self.objects.remove(&name);
            self.sidecars.remove(&name);
        }
        if let Some((tenant, id, span)) = object {
            self.objects.insert((tenant, id), (seq, span.map(|span| packed(span.len))));
        }
        for (tenant, id, span) in sidecars {
            self.sidecars.insert((tenant, id), (seq, packed(span.len)));
        }
        for row in rows {
            let key = row.key;
            self.rows.insert(key, Row { key, kind: row.kind, version: row.version, seq, sealed: row.sealed });
        }
        self.wraps.extend(wraps.into_iter().map(|(key, sealed)| (key, (seq, sealed))));
        self.leaves.extend((first_leaf..).zip(leaves).map(|(index, leaf)| (index, (seq, leaf))));
    }

    /// Forgets what was moved up to commit `seq`; what a later one wrote anew stays.
    pub fn moved(&mut self, seq: u64) {
        self.rows.retain(|_, row| row.seq > seq);
        self.wraps.retain(|_, (of, _)| *of > seq);
        self.objects.retain(|_, (of, _)| *of > seq);
        self.sidecars.retain(|_, (of, _)| *of > seq);
        self.leaves.retain(|_, (of, _)| *of > seq);
    }
}
