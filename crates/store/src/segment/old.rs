//! Records of version 1: sidecars stood in the metadata, and one checksum covered everything. Written until data version 1.

use super::{Meta, RowRecord, Span};
use crate::blob::Part;
use crate::{Error, Result};
use model::{Id, Tenant};
use serde::Deserialize;

pub const MAGIC: &[u8; 8] = b"GZINTAK1";

/// Bytes that go to a file of their own.
#[derive(Debug, PartialEq, Eq)]
pub struct Loose {
    pub tenant: Tenant,
    pub id: Id,
    pub part: Part,
    pub bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct OldMeta {
    seq: u64,
    object: Option<(Tenant, Id, bool)>,
    sidecars: Vec<(Tenant, Id, Vec<u8>)>,
    rows: Vec<RowRecord>,
    wraps: Vec<([u8; 32], Vec<u8>)>,
    first_leaf: u64,
    leaves: Vec<(Vec<u8>, Vec<u8>)>,
}

pub fn decode(meta: &[u8], blob: Vec<u8>) -> Result<(Meta, Vec<Loose>)> {
    let old: OldMeta = postcard::from_bytes(meta).map_err(|_| Error::Damaged("record"))?;
    let OldMeta { seq, object, sidecars, rows, wraps, first_leaf, leaves } = old;
    let sidecar = |(tenant, id, bytes)| Loose { tenant, id, part: Part::Sidecar, bytes };
    let mut loose: Vec<Loose> = sidecars.into_iter().map(sidecar).collect();
    let object = match object {
        Some((tenant, id, true)) => Some((tenant, id, None::<Span>)),
        Some((tenant, id, false)) => {
            loose.push(Loose { tenant, id, part: Part::Object, bytes: blob });
            None
        }
        None => None,
    };
    let meta = Meta { seq, object, sidecars: vec![], rows, wraps, first_leaf, leaves, gone: vec![] };
    Ok((meta, loose))
}
