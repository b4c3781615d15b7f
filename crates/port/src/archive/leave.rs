//! Leaving: all films, as they are, under the eyes of two persons.

use model::Uid;
use serde::{Deserialize, Serialize};

/// Two sessions, and a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// Session of who acts (`gzs_…`).
    pub first: String,
    /// Session of who agrees: another account.
    pub second: String,
    /// Which step.
    pub away: Away,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Away {
    /// UIDs of studies, newest first.
    Studies {
        /// So many are known already.
        offset: usize,
    },
    /// UIDs of a study's instances.
    Instances {
        /// Which study.
        study: Uid,
    },
    /// These files; each was compared with its digest in the index before its first byte. Answers with parts.
    Files {
        /// Which study.
        study: Uid,
        /// Which instances, at most [`Away::FILES`].
        instances: Vec<Uid>,
    },
    /// All that could be is there.
    Done {
        /// Files.
        files: u64,
        /// Instances that could not be read.
        failed: u64,
        /// SHA-256 of the list of the files' digests.
        digest: [u8; 32],
    },
}

impl Away {
    /// Files under one entry.
    pub const FILES: usize = 256;
}

/// A part of what there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// UIDs.
    pub uids: Vec<Uid>,
    /// There are more.
    pub more: bool,
    /// Of a study: objects that stay behind, for they are rejected or other content under a UID that is taken.
    pub behind: u64,
}
