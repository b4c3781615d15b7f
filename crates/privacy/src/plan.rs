//! The digest of what is to be hidden on a frame: a worker returns it, and the vault compares.

use aws_lc_rs::digest::{Context, SHA256};
use model::{Mosaic, Region};

/// SHA-256 over version, frame, regions and mosaic layer; `None`: nothing is hidden.
#[must_use]
pub fn plan_digest(plan: Option<(&[Region], Option<&Mosaic>)>, frame: u32) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(b"gauze plan 1\0");
    hash.update(&frame.to_be_bytes());
    let Some((regions, mosaic)) = plan else { return finish(hash) };
    hash.update(&[1]);
    hash.update(&(regions.len() as u64).to_be_bytes());
    for region in regions {
        hash.update(region.kind.as_str().as_bytes());
        hash.update(&region.frame.map_or(u64::MAX, u64::from).to_be_bytes());
        hash.update(&(region.polygon.len() as u64).to_be_bytes());
        for [column, row] in &region.polygon {
            hash.update(&column.to_be_bytes());
            hash.update(&row.to_be_bytes());
        }
    }
    if let Some(mosaic) = mosaic {
        hash.update(&[1, mosaic.samples]);
        for number in [mosaic.cell, mosaic.across, mosaic.down] {
            hash.update(&number.to_be_bytes());
        }
        mosaic.values.iter().for_each(|value| hash.update(&value.to_be_bytes()));
    }
    finish(hash)
}

fn finish(hash: Context) -> [u8; 32] {
    let mut out = [0; 32];
    out.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
    out
}
