//! The flows, one folder each; the matching index in memory; the vault behind `port::Archive`.
//!
//! Invariant: parses no DICOM, knows neither HTTP nor sockets; every flow ends in the ledger, refusals too, and what is
//! acknowledged or released is durable first.

pub mod backup;
mod call;
mod catalog;
pub mod check;
mod consent;
mod context;
mod evidence;
mod examine;
mod find;
mod govern;
mod ingest;
mod journal;
mod masks;
mod object;
mod open;
mod putright;
mod relate;
mod retrieve;
mod rings;
mod schedule;
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
pub use govern::{InForce, checked, table};
pub use policy::RelationKind;
pub use setup::{NewAccount, NewOrder, NewRelation};
pub use vault::{Accept, Clock, Device, Options, Parts, Relating, Vault, fingerprint, origin};

/// Why the vault cannot do something; the door learns a [`port::Code`] only.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A sealed record that does not decode.
    #[error("a record cannot be read")]
    Record,
    /// A password that is too short, leaked or guessable.
    #[error("the password is too weak")]
    WeakPassword,
    /// A number of staff that another account has.
    #[error("a number of staff is another account's, or there are more than an account may have")]
    StaffNumber,
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
    /// Rows or wraps are not those that the last entry names.
    #[error(
        "{which} is not as entry {entry} of the ledger left it: rows were put back from an older copy, deleted or \
         changed. Put the newest copy back, or `gauze restore` the newest backup. `gauze check` names what it can; \
         `gauze check --accept tables` takes them as they are and records that"
    )]
    Tables {
        /// File or files.
        which: &'static str,
        /// Index of the last entry.
        entry: u64,
    },
    /// Rows that say what was put right do not open.
    #[error(
        "{rows} rows of what was put right, hidden, refused or put in force do not open: without them, films would be told by \
         another patient's name, shown although somebody said no, or by older rules. `gauze restore` brings a backup's back; `gauze check --accept tables` goes on without \
         them and records that"
    )]
    PutRightLost {
        /// How many.
        rows: u64,
    },
    /// The policies were replaced once.
    #[error(
        "the policies ({found}) were in force before and were replaced since: this is an older copy of them. Put the \
         newest ones back; if the older ones are meant, `gauze check --accept policies` takes them and records that"
    )]
    OlderPolicies {
        /// Their version.
        found: String,
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
