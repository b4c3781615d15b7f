//! Received → Sealed while it streams: small objects in memory as ciphertext, large ones into their own file.

use crate::journal::new_id;
use crate::vault::Vault;
use crate::{Error, Result};
use crypto::Key;
use crypto::seal::{Sealer, Trailer};
use model::limits::INLINE_OBJECT_BYTES;
use model::{Id, InstanceFacts};
use port::{Code, Fault, Item, Stream};
use store::{ObjectBytes, Spool};

/// An object that came, sealed, with what the door says of it.
pub struct Received {
    pub object: Id,
    pub key: Key,
    pub facts: Box<InstanceFacts>,
    pub trailer: Trailer,
    pub bytes: ObjectBytes,
}

/// A large object is written in such pieces.
const WRITE_BYTES: usize = 1 << 20;

/// Room for a cross-section at once; pages that are not touched cost nothing.
const SEALED_BYTES: usize = 640 << 10;

struct Sink<'a> {
    vault: &'a Vault,
    object: Id,
    sealed: Vec<u8>,
    spool: Option<Spool>,
}

impl Sink<'_> {
    /// Moves what was sealed so far into a file of its own once it is too much for the log.
    fn drain(&mut self, least: usize) -> Result<()> {
        if self.spool.is_none() && self.sealed.len() > INLINE_OBJECT_BYTES {
            self.spool = Some(self.vault.store.spool(&self.vault.tenant, self.object)?);
        }
        if let Some(spool) = &mut self.spool
            && self.sealed.len() >= least
        {
            tokio::task::block_in_place(|| spool.write(&self.sealed))?;
            self.sealed.clear();
            self.sealed.shrink_to(2 * WRITE_BYTES);
        }
        Ok(())
    }
}

/// Receives. A stream that is cut leaves nothing behind.
pub async fn receive(vault: &Vault, mut body: Stream) -> std::result::Result<Received, Fault> {
    let object = new_id(&*vault.sealing.random)?;
    let key = Key::random(&*vault.sealing.random).map_err(Error::from)?;
    let mut sink = Sink { vault, object, sealed: Vec::with_capacity(SEALED_BYTES), spool: None };
    let mut sealer =
        Sealer::new(&key, vault.tenant.as_str(), object, &mut sink.sealed).map_err(Error::from)?;
    let mut facts = None;
    while let Some(item) = body.next().await? {
        match item {
            Item::Chunk(bytes) if facts.is_none() => {
                sealer.push(&bytes, &mut sink.sealed).map_err(|_| Code::TooLarge)?;
                sink.drain(WRITE_BYTES)?;
            }
            Item::Trailer(trailer) if facts.is_none() => {
                let port::Trailer::Facts(known) = *trailer else { return Err(Code::BadRequest.into()) };
                facts = Some(Box::new(known));
            }
            _ => return Err(Code::BadRequest.into()),
        }
    }
    let facts = facts.ok_or(Code::BadRequest)?;
    let trailer =
        sealer.finish(facts.head_len, facts.frames.clone(), &mut sink.sealed).map_err(|_| Code::TooLarge)?;
    sink.drain(0)?;
    let bytes = match sink.spool {
        Some(mut spool) => {
            tokio::task::block_in_place(|| spool.finish()).map_err(Error::from)?;
            ObjectBytes::Spooled(spool)
        }
        None => ObjectBytes::Inline(sink.sealed),
    };
    Ok(Received { object, key, facts, trailer, bytes })
}
