//! Putting a log right as far as it carries the means itself: tiles are made of entries, copies that nobody reads go, and a
//! single flipped bit is found by the hash or signature that it broke. Whatever else is damaged comes from a backup.

use crate::inspect::{Flaw, Found, name};
use crate::leaf::{self, Leaf, signed};
use crate::tiles::{Reader, WIDTH, leaf_of, path, signature_and_body};
use crate::{Error, Writer};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use std::path::Path;

/// Tries to put right what was found; answers for each whether it is.
///
/// # Errors
/// The system's.
pub fn mend(root: &Path, (origin, public): (&str, &[u8]), found: &[Found]) -> Result<Vec<bool>, Error> {
    let key = UnparsedPublicKey::new(&ED25519, public.to_vec());
    let mut done = Vec::with_capacity(found.len());
    for one in found {
        done.push(match one.flaw {
            Flaw::Leaf | Flaw::Signature | Flaw::Body => bit(root, (origin, &key), one)?,
            Flaw::Copy | Flaw::Tile => {
                // A tile is written anew below; a narrower copy is only larger than needed.
                let _ = std::fs::remove_file(root.join(&one.file));
                true
            }
            Flaw::Bundle | Flaw::Unknown | Flaw::CutOff | Flaw::Other => false,
        });
    }
    if found.iter().any(|one| one.flaw == Flaw::Tile) && Writer::open(root).is_err() {
        for (one, done) in found.iter().zip(&mut done) {
            *done &= one.flaw != Flaw::Tile;
        }
    }
    Ok(done)
}

/// Finds the one bit whose flip makes `good` hold; the bytes are changed then.
pub fn flip(bytes: &mut [u8], good: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    for bit in 0..bytes.len() * 8 {
        let mask = 1 << (bit % 8);
        let toggle = |bytes: &mut [u8]| bytes.iter_mut().skip(bit / 8).take(1).for_each(|byte| *byte ^= mask);
        toggle(bytes);
        if good(bytes) {
            return true;
        }
        toggle(bytes);
    }
    false
}

/// One entry in its files: the leaf by its tile's hash, the signature by the key, the body by the leaf.
fn bit(root: &Path, (origin, key): (&str, &UnparsedPublicKey<Vec<u8>>), one: &Found) -> Result<bool, Error> {
    let (index, at) = (one.entries.0, usize::try_from(one.entries.0 % WIDTH).unwrap_or(0));
    let n = index / WIDTH;
    let reader = Reader::new(root);
    let Ok(mut bundle) = reader.bundle(n) else { return Ok(false) };
    let width = bundle.len() as u64;
    let tile = reader.tile(n, width).unwrap_or_default().get(at).copied();
    let Some(stored) = bundle.get_mut(at) else { return Ok(false) };
    let signs = |leaf: &[u8], signature: &[u8]| key.verify(&signed(origin, index, leaf), signature).is_ok();
    let mended = match one.flaw {
        Flaw::Leaf => {
            let signature = stored.1.get(..64).unwrap_or_default().to_vec();
            flip(&mut stored.0, &mut |leaf| tile == Some(leaf::hash(leaf)) && signs(leaf, &signature))
        }
        Flaw::Signature => {
            let leaf = stored.0.clone();
            let Some((signature, _)) = stored.1.split_at_mut_checked(64) else { return Ok(false) };
            flip(signature, &mut |signature| signs(&leaf, signature))
        }
        _ => {
            let Some(leaf) = leaf_of(stored) else { return Ok(false) };
            let Some((_, sealed)) = stored.1.split_at_mut_checked(64) else { return Ok(false) };
            flip(sealed, &mut |sealed| leaf.seals(sealed))
        }
    };
    let whole = mended && Leaf::read(&stored.0).is_some() && signature_and_body(&stored.1).is_some();
    if whole {
        let (kind, bytes) = match one.flaw {
            Flaw::Leaf => ("tile/entries", crate::tiles::entries_of(&bundle)?),
            _ => ("body", crate::tiles::bodies_of(&bundle)?),
        };
        debug_assert!(!name(kind, n, width).is_empty());
        crate::tiles::write(&path(root, kind, n, width), &bytes)?;
    }
    Ok(whole)
}
