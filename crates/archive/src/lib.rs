//! The flows, one folder each; the matching index in memory; the vault behind `port::Archive`.
//!
//! Invariant: parses no DICOM, knows neither HTTP nor sockets; every flow ends in the ledger, refusals too, and what is
//! acknowledged or released is durable first.

mod call;
mod catalog;
mod context;
mod evidence;
mod examine;
mod find;
mod ingest;
mod journal;
mod masks;
mod object;
mod open;
mod putright;
mod retrieve;
mod rings;
mod sealing;
mod seed;
mod setup;
#[cfg(test)]
mod testing;
mod transfer;
mod vault;
mod who;
mod worklist;

pub use call::Door;
pub use policy::RelationKind;
pub use setup::{NewAccount, NewOrder, NewRelation};
pub use vault::{Clock, Device, Options, Parts, Vault, origin};

/// Why the vault cannot do something; the door learns a [`port::Code`] only.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A sealed record that does not decode.
    #[error("a record cannot be read")]
    Record,
    /// A password that is too short, leaked or guessable.
    #[error("the password is too weak")]
    WeakPassword,
    /// The data are older than what this machine has seen.
    #[error(
        "the ledger has {found} entries, but {seen} were seen before: this is an older copy of the data. Put the newer \
         data folder back. If it is lost, move keys/seen away to accept the loss: what happened after entry {found} is \
         then told only by checkpoints that were kept elsewhere"
    )]
    Older {
        /// Entries found.
        found: u64,
        /// Entries seen.
        seen: u64,
    },
    /// The ledger is not the one that was seen.
    #[error("the ledger is not the one that this machine has seen before")]
    OtherLedger,
    /// Seals.
    #[error("seal: {0}")]
    Crypto(#[from] crypto::Error),
    /// Storage.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// Ledger.
    #[error("{0}")]
    Ledger(#[from] ledger::Error),
    /// Keys.
    #[error("{0}")]
    Keys(#[from] keys::Error),
    /// Policies.
    #[error("policy: {0}")]
    Policy(#[from] policy::Error),
    /// Ours.
    #[error("internal: {0}")]
    Internal(&'static str),
}

/// Results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
