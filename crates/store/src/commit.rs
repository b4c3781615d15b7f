//! What one caller wants made durable, all or nothing.

use crate::{Result, Spool};
use model::{Durable, Id, Tenant};
use tokio::sync::oneshot;

/// One caller's change.
pub struct Commit {
    /// The epoch that the caller's memory agrees with; after a failed batch older ones are refused.
    pub epoch: u64,
    /// An object, if one arrives.
    pub object: Option<NewObject>,
    /// Sealed sidecars of objects, small.
    pub sidecars: Vec<(Tenant, Id, Vec<u8>)>,
    /// Rows, all or none.
    pub rows: Vec<RowWrite>,
    /// Wrapped keys.
    pub wraps: Vec<WrapWrite>,
    /// Ledger entries; each function gets its place and answers leaf and sealed body.
    pub leaves: Vec<LeafFn>,
    /// Objects whose keys are destroyed by now: their places are forgotten, their bytes counted as dead.
    pub gone: Vec<(Tenant, Id)>,
    /// Nobody waits for it: it may ride with the next commit that somebody waits for. Order stays.
    pub lazy: bool,
}

/// Makes a leaf and its sealed body once its place is known. Called on the writer's thread, in order.
pub type LeafFn = Box<dyn FnOnce(Slot) -> (Vec<u8>, Vec<u8>) + Send>;

/// Where an entry will stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Its index.
    pub index: u64,
    /// Number of its commit.
    pub seq: u64,
    /// What the tables hold behind this commit ([`crate::Fingerprint::state`]); zeros without a fingerprint.
    pub state: [u8; 32],
}

/// A new sealed object.
pub struct NewObject {
    /// Owner.
    pub tenant: Tenant,
    /// Reference.
    pub id: Id,
    /// Sealed bytes.
    pub bytes: ObjectBytes,
}

/// Where the sealed bytes are.
pub enum ObjectBytes {
    /// Here: they go through the log.
    Inline(Vec<u8>),
    /// In their own synced file already.
    Spooled(Spool),
}

/// A row to write if its version is still the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowWrite {
    /// Keyed hash of the identifier.
    pub key: [u8; 32],
    /// Kind, for scans.
    pub kind: u8,
    /// Version before; 0: not there. Afterwards it is one more.
    pub expect: u64,
    /// Sealed content.
    pub sealed: Vec<u8>,
}

/// A wrapped key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapWrite {
    /// Keyed hash of what it opens.
    pub key: [u8; 32],
    /// The wrap.
    pub sealed: Vec<u8>,
}

impl Commit {
    /// A commit of nothing yet.
    #[must_use]
    pub fn new(epoch: u64) -> Self {
        let (sidecars, rows, wraps, leaves, gone) = (vec![], vec![], vec![], vec![], vec![]);
        Self { epoch, object: None, sidecars, rows, wraps, leaves, gone, lazy: false }
    }

    /// Bytes of object and sidecars that go through the log.
    pub(crate) fn bytes(&self) -> u64 {
        let object = match self.object.as_ref().map(|o| &o.bytes) {
            Some(ObjectBytes::Inline(bytes)) => bytes.len(),
            _ => 0,
        };
        (object + self.sidecars.iter().map(|(_, _, bytes)| bytes.len()).sum::<usize>()) as u64
    }

    /// Needs room for more than rows and entries.
    pub(crate) fn stores(&self) -> bool {
        self.object.is_some() || !self.sidecars.is_empty()
    }
}

/// The answer to come.
pub struct Pending(pub(crate) oneshot::Receiver<Result<Durable>>);

impl Pending {
    /// Waits until the commit is durable, or failed.
    ///
    /// # Errors
    /// As [`crate::Error`]; nothing of a failed commit is kept.
    pub async fn durable(self) -> Result<Durable> {
        self.0.await.unwrap_or(Err(crate::Error::Stopped))
    }

    /// The same from a thread.
    ///
    /// # Errors
    /// As [`Pending::durable`].
    pub fn wait(self) -> Result<Durable> {
        self.0.blocking_recv().unwrap_or(Err(crate::Error::Stopped))
    }
}

/// Where leaves go when their segment is moved.
///
/// Contract: on return they are durable; the same leaves may come again after a crash and are then skipped.
pub trait LeafSink: Send {
    /// Appends leaves with their sealed bodies; `first` is the index of the first.
    ///
    /// # Errors
    /// The system's.
    fn append(&mut self, first: u64, leaves: &[(Vec<u8>, Vec<u8>)]) -> std::io::Result<()>;

    /// Leaves durably there.
    fn size(&self) -> u64;
}
