//! Entries: made here, sealed here, durable before anybody goes on.

mod broken;
mod looks;

use looks::Looks;

use crate::context::{About, Context};
use crate::sealing::fault;
use crate::vault::Vault;
use crate::{Error, Result};
use crypto::{Key, Random, SigningKey, aead};
use ledger::tiles::Stored;
use ledger::{Entry, Envelope, Event, Leaf, Receipt, Tree, Value};
use model::{Durable, Id, Time, Uid, limits};
use port::archive::Access;
use port::{Code, Fault};
use std::sync::{Arc, Mutex, PoisonError};
use store::{Commit, LeafFn, Pending, RowWrite, Slot};

/// A commit that somebody else's failure took along is tried this often.
const TRIES: usize = 4;
/// Version of the sealed body's format: `version(1) ‖ name of its key(32) ‖ nonce ‖ AES-256-GCM(salt(16) ‖ CBOR)`.
const BODY: u8 = 1;

/// The log as the vault sees it.
pub struct Journal {
    /// Names the log.
    pub origin: String,
    pub signing: Arc<SigningKey>,
    pub reader: ledger::Reader,
    live: Mutex<Tree>,
    looks: Looks,
    size: Mutex<u64>,
}

/// Randomness that was drawn before: a leaf is made on the writer's thread, where nothing may fail.
struct Drawn([u8; aead::OVERHEAD]);

impl Random for Drawn {
    fn fill(&self, out: &mut [u8]) -> std::result::Result<(), crypto::Error> {
        out.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        Ok(())
    }
}

impl Journal {
    pub fn new(origin: String, signing: SigningKey, folder: &std::path::Path, tree: Tree) -> Self {
        let size = tree.size();
        Self {
            origin,
            signing: Arc::new(signing),
            reader: ledger::Reader::new(folder),
            live: Mutex::new(tree),
            looks: Looks::default(),
            size: Mutex::new(size),
        }
    }
}

/// Plain bytes of a body: sealed, with its name and what goes before, it is within [`limits::LEDGER_BODY_BYTES`].
const BODY_BYTES: usize = limits::LEDGER_BODY_BYTES - 256;

impl Vault {
    /// Records one entry; on return it is durable.
    pub async fn record(
        &self,
        context: &Context,
        about: About,
        event: Event,
    ) -> std::result::Result<Receipt, Fault> {
        self.record_as(self.envelope(context, &about), vec![event]).await
    }

    /// The same, and writes a row in the same commit; `written` is told of it, also when the caller went away.
    pub(crate) async fn record_and_write(
        &self,
        context: &Context,
        about: About,
        (event, row): (Event, RowWrite),
        written: impl Fn(&Self, bool) + Clone + Send + 'static,
    ) -> std::result::Result<Receipt, Fault> {
        let envelope = self.envelope(context, &about);
        for _ in 0..TRIES {
            let mut commit = Commit::new(self.store.epoch());
            commit.rows.push(row.clone());
            self.entry_into(&mut commit, envelope.clone(), event.clone())?;
            let promises = promises(&commit);
            let pending = tokio::task::block_in_place(|| self.store.submit(commit)).map_err(Error::from)?;
            let written = written.clone();
            let done = self.settled(promises, pending, move |vault, durable| {
                if !matches!(durable, Err(store::Error::Stale)) {
                    written(vault, durable.is_ok());
                }
                Ok(durable)
            });
            match done.await? {
                Err(store::Error::Stale) => {}
                Err(error) => return Err(fault(&error)),
                Ok(durable) => return Ok(Receipt::of(&durable)),
            }
        }
        Err(Code::Unavailable.into())
    }

    /// Records what has too many parts for one entry, in one commit; the receipt is of the first.
    pub async fn record_all(
        &self,
        context: &Context,
        about: About,
        events: Vec<Event>,
    ) -> std::result::Result<Receipt, Fault> {
        self.record_as(self.envelope(context, &about), events).await
    }

    /// Records an act of the archive itself.
    pub async fn record_own(&self, event: Event) -> std::result::Result<Receipt, Fault> {
        let envelope = Envelope {
            time: self.clock.now().0,
            tenant: self.tenant.as_str().to_owned(),
            ..Envelope::default()
        };
        self.record_as(envelope, vec![event]).await
    }

    async fn record_as(&self, envelope: Envelope, events: Vec<Event>) -> std::result::Result<Receipt, Fault> {
        for _ in 0..TRIES {
            let mut commit = Commit::new(self.store.epoch());
            for event in &events {
                self.entry_into(&mut commit, envelope.clone(), event.clone())?;
            }
            let promises = promises(&commit);
            let pending = tokio::task::block_in_place(|| self.store.submit(commit)).map_err(Error::from)?;
            match self.settled(promises, pending, |_, durable| Ok(durable)).await? {
                Err(store::Error::Stale) => {}
                Err(error) => return Err(fault(&error)),
                Ok(durable) => return Ok(Receipt::of(&durable)),
            }
        }
        Err(Code::Unavailable.into())
    }

    /// What follows a submitted commit, in a task of its own: a caller who goes away while the disk syncs must not leave
    /// films pending and invisible, or wraps and entries that nobody counts as durable.
    pub async fn settled<T: Send + 'static>(
        &self,
        (names, leaves): Promises,
        pending: Pending,
        then: impl FnOnce(&Self, std::result::Result<Durable, store::Error>) -> std::result::Result<T, Fault>
        + Send
        + 'static,
    ) -> std::result::Result<T, Fault> {
        let vault = self.shared()?;
        let tail = tokio::spawn(async move {
            let durable = pending.durable().await;
            if let Ok(durable) = &durable {
                vault.kept(&names, durable.leaf() + leaves);
            }
            then(&vault, durable)
        });
        tail.await.map_err(|_| Code::Internal)?
    }

    /// Submits a commit and, once it is durable, lets memory follow, also when whoever asked has gone away meanwhile. What `then`
    /// holds (a turn) is let go after it, or with the commit's failure.
    pub async fn committed(
        &self,
        commit: Commit,
        then: impl FnOnce(&Self) + Send + 'static,
    ) -> std::result::Result<std::result::Result<(), store::Error>, Fault> {
        let promises = promises(&commit);
        let pending = tokio::task::block_in_place(|| self.store.submit(commit)).map_err(Error::from)?;
        self.settled(promises, pending, move |vault, durable| Ok(durable.map(|_| then(vault)))).await
    }

    /// After a durable commit: its wraps are known, the log is that long.
    pub fn kept(&self, names: &[[u8; 32]], size: u64) {
        self.rings.settle(names);
        let mut known = self.journal.size.lock().unwrap_or_else(PoisonError::into_inner);
        *known = size.max(*known);
    }

    /// Puts an entry into a commit.
    pub fn entry_into(&self, commit: &mut Commit, envelope: Envelope, event: Event) -> Result<()> {
        // Who reads the record takes a longer body for damage: nothing that is longer may get into it.
        if ledger::body::encode(&event, &envelope).len() > BODY_BYTES {
            return Err(Error::Internal("the body of an entry is too long"));
        }
        let whose = envelope.patient.map_or([0; 16], |p| p.0);
        let (year, _, _) = Time(envelope.time).date();
        let name = self
            .sealing
            .ladder
            .name("gauze/wrap/body", &[envelope.tenant.as_bytes(), &whose, &year.to_be_bytes()]);
        let keys = (&self.sealing.ladder, &*self.sealing.random);
        let key = self.rings.key(&self.store, keys, name, commit)?;
        let (mut salt, mut nonce) = ([0; 16], [0; aead::OVERHEAD]);
        self.sealing.random.fill(&mut salt)?;
        self.sealing.random.fill(&mut nonce)?;
        let sealer = Sealer {
            origin: self.journal.origin.clone(),
            signing: Arc::clone(&self.journal.signing),
            key,
            name,
            salt,
            nonce: Drawn(nonce),
        };
        commit.leaves.push(sealer.leaf(envelope, event));
        Ok(())
    }

    /// The envelope of a caller's act.
    pub fn envelope(&self, context: &Context, about: &About) -> Envelope {
        let (actor, machine) = (context.actor(), context.operator.as_ref().map(|_| context.name.clone()));
        let caller = &actor.caller;
        Envelope {
            time: self.clock.now().0,
            seq: 0,
            tenant: self.tenant.as_str().to_owned(),
            organisation: caller.organisation.0.clone(),
            actor: caller.user.clone(),
            role: caller.role.to_string(),
            session: actor.session.map(|(_, id)| id),
            request: context.arrival.request.clone(),
            door: context.arrival.door.to_string(),
            peer: context.arrival.peer.clone(),
            machine: machine.unwrap_or_default(),
            patient: about.patient,
            study: about.study.as_ref().map(|u| u.as_str().to_owned()).unwrap_or_default(),
            object: about.object,
        }
    }

    /// Durable entries.
    pub fn ledger_size(&self) -> u64 {
        *self.journal.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds by which the last entry is of a later time than now.
    pub(crate) fn clock_went_back(&self) -> Result<u64> {
        let Some(last) = self.ledger_size().checked_sub(1) else { return Ok(0) };
        let time = ledger::tiles::leaf_of(&self.stored_entry(last)?).map_or(0, |leaf| leaf.time());
        Ok(u64::try_from(time.saturating_sub(self.clock.now().0) / 1_000_000).unwrap_or(0))
    }

    pub(crate) fn stored_entry(&self, index: u64) -> Result<Stored> {
        match self.store.unmoved_leaf(index) {
            Some(stored) => Ok(stored),
            None => Ok(self.journal.reader.entry(index)?),
        }
    }

    /// An entry in words; nothing when its key was destroyed.
    pub fn entry(&self, index: u64) -> std::result::Result<Option<Access>, Fault> {
        let stored = self.stored_entry(index)?;
        Ok(self.opened_entry(index, &stored)?.map(|entry| access(index, entry)))
    }

    /// An entry with its fields as they are kept.
    pub fn entry_as_kept(&self, index: u64) -> std::result::Result<Option<Entry>, Fault> {
        let stored = self.stored_entry(index)?;
        Ok(self.opened_entry(index, &stored)?)
    }

    fn opened_entry(&self, index: u64, stored: &Stored) -> Result<Option<Entry>> {
        let key = |name| self.rings.find(&self.store, &self.sealing.ladder, name);
        Ok(match open_body(index, stored, &key)? {
            Body::Read(entry) => Some(*entry),
            Body::Destroyed => None,
        })
    }

    /// A signed checkpoint of all that is durable.
    pub fn checkpoint(&self) -> Result<ledger::Checkpoint> {
        let size = self.ledger_size();
        let mut live = self.journal.live.lock().unwrap_or_else(PoisonError::into_inner);
        while live.size() < size {
            let stored = self.stored_entry(live.size())?;
            live.push(ledger::leaf::hash(&stored.0));
        }
        Ok(ledger::Checkpoint { origin: self.journal.origin.clone(), size: live.size(), root: live.root() })
    }
}

/// Names of the wraps and number of entries that a commit brings.
pub type Promises = (Vec<[u8; 32]>, u64);

/// What a commit brings.
pub fn promises(commit: &Commit) -> Promises {
    (commit.wraps.iter().map(|w| w.key).collect(), commit.leaves.len() as u64)
}

/// A body that was looked at.
pub enum Body {
    /// It says this.
    Read(Box<Entry>),
    /// Its key is gone: nobody reads it any more.
    Destroyed,
}

/// Opens a body with the key of its name.
pub fn open_body(
    index: u64,
    stored: &Stored,
    key: &dyn Fn([u8; 32]) -> Result<Option<Arc<Key>>>,
) -> Result<Body> {
    let leaf = ledger::tiles::leaf_of(stored).ok_or(Error::Internal("leaf"))?;
    let (_, sealed) = ledger::tiles::signature_and_body(&stored.1).ok_or(Error::Internal("body"))?;
    let (name, body) = match sealed.split_first() {
        Some((&BODY, rest)) => rest.split_first_chunk::<32>().ok_or(Error::Internal("body"))?,
        _ => return Err(Error::Internal("body version")),
    };
    let Some(key) = key(*name)? else { return Ok(Body::Destroyed) };
    let plain = aead::open(&key, &context_of(name, index), body)?;
    let (salt, body) = plain.split_at_checked(16).ok_or(Error::Internal("body"))?;
    if !leaf.commits(salt, body) {
        return Err(Error::Internal("an entry's body is not its leaf's"));
    }
    Ok(Body::Read(Box::new(ledger::body::decode(body)?)))
}

struct Sealer {
    origin: String,
    signing: Arc<SigningKey>,
    key: Arc<Key>,
    name: [u8; 32],
    salt: [u8; 16],
    nonce: Drawn,
}

fn context_of(name: &[u8; 32], index: u64) -> Vec<u8> {
    [b"gauze/1/ledger-body\0".as_slice(), name, &index.to_be_bytes()].concat()
}

impl Sealer {
    fn leaf(self, mut envelope: Envelope, event: Event) -> LeafFn {
        Box::new(move |Slot { index, seq, state }| {
            envelope.seq = seq;
            let body = ledger::body::encode(&event, &envelope);
            let plain = [&self.salt[..], &body].concat();
            let mut sealed = vec![BODY];
            sealed.extend_from_slice(&self.name);
            match aead::seal(&self.key, &self.nonce, &context_of(&self.name, index), &plain) {
                Ok(mut bytes) => sealed.append(&mut bytes),
                // Cannot be with a key made here; the entry then stands without a readable body rather than not at all.
                Err(error) => tracing::error!(%error, "a ledger body could not be sealed"),
            }
            let leaf =
                Leaf::with_state(event.number(), envelope.time, (&self.salt, &body), &sealed, &state).0;
            let mut stored = self.signing.sign(&ledger::leaf::signed(&self.origin, index, &leaf));
            stored.append(&mut sealed);
            (leaf, stored)
        })
    }
}

fn access(index: u64, entry: Entry) -> Access {
    let Entry { kind, envelope, details } = entry;
    let shown = |value: &Value| match value {
        Value::List(list) if list.len() > 8 => list.len().to_string(),
        other => other.to_string(),
    };
    Access {
        index,
        time: Time(envelope.time),
        kind,
        actor: envelope.actor,
        role: envelope.role,
        organisation: envelope.organisation,
        details: details
            .iter()
            // For machines ([`crate::govern`]); what it says to people stands beside it.
            .filter(|(name, _)| name != "facts")
            .map(|(name, value)| (name.clone(), shown(value)))
            .chain((!envelope.machine.is_empty()).then(|| ("machine".to_owned(), envelope.machine)))
            .collect(),
        study: envelope.study.parse().ok(),
    }
}

/// A random reference.
pub fn new_id(random: &dyn Random) -> Result<Id> {
    let mut id = [0; 16];
    random.fill(&mut id)?;
    Ok(Id(id))
}

/// A UID of nobody else's.
pub fn new_uid(random: &dyn Random) -> Result<Uid> {
    let number = u128::from_be_bytes(new_id(random)?.0);
    // PS3.5 B.2: a UUID of version 4 as a decimal number.
    let number = (number & !(0xF << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
    format!("2.25.{number}").parse().map_err(|_| Error::Internal("uid"))
}
