//! What DIMSE's retrieval, its moves and storage commitment ask of the vault (PS3.4 C.4.2, C.4.3, J).

use model::{Id, Uid};
use serde::{Deserialize, Serialize};

/// What a retrieval names: unique keys of the levels, outermost first. Whatever is named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Patient ID.
    pub patient: Option<String>,
    /// Its issuer.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Studies.
    pub studies: Vec<Uid>,
    /// Series.
    pub series: Vec<Uid>,
    /// Instances.
    pub instances: Vec<Uid>,
}

/// Ask what of it would leave for this machine, or for the one it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gather {
    /// What.
    pub wanted: Wanted,
    /// C-MOVE: the AE title that it goes to; a job is made of it. C-GET: nothing.
    pub to: Option<Move>,
}

/// What a C-MOVE says beside its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// AE title of the destination.
    pub destination: String,
    /// Message ID of the request, for the sub-operations.
    pub message: u16,
}

/// Answer to [`Gather`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered {
    /// In the order in which it will leave: study by study.
    pub lines: Vec<Line>,
    /// Of a move to an AE that is in the address book; its lines are the ones above.
    pub job: Option<Job>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its study, as the receiver may know it.
    pub study: Uid,
    /// Its UID, as the receiver may know it.
    pub instance: Uid,
    /// SOP class.
    pub sop_class: Uid,
    /// Transfer syntax in which it leaves; nothing: it does not leave for this receiver.
    pub syntax: Option<Uid>,
    /// It leaves as a derived instance: its UID stands in the file only.
    pub derived: bool,
    /// It can also leave decoded, as explicit VR little endian.
    pub decodes: bool,
}

/// Send instances of one study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The move that it is part of; nothing: the caller fetches for itself.
    pub job: Option<Id>,
    /// The study, as the receiver may know it.
    pub study: Uid,
    /// Instances in this order, and whether each leaves decoded.
    pub instances: Vec<(Uid, bool)>,
}

/// An application entity that we call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its name in the address book.
    pub name: String,
    /// Its AE title.
    pub ae: String,
    /// Host and port.
    pub address: String,
    /// SHA-256 of its certificate, hexadecimal; empty: plain, on loopback.
    pub certificate: String,
}

/// Work that outlives an association. A gateway leases it, performs it and reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Reference.
    pub id: Id,
    /// Whom to call; nothing: the peer has no address, so it is reported when it calls.
    pub peer: Option<Peer>,
    /// What to do.
    pub task: Task,
    /// Attempts that failed before.
    pub attempts: u32,
}

/// What a job is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// C-STORE of what was asked for.
    Move {
        /// AE title of who asked.
        originator: String,
        /// Its Message ID.
        message: u16,
        /// What is left to send.
        lines: Vec<Line>,
    },
    /// N-EVENT-REPORT.
    Report(Report),
}

/// The result of a storage commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Transaction UID.
    pub transaction: Uid,
    /// SOP class and instance.
    pub committed: Vec<(Uid, Uid)>,
    /// The same with a failure reason (PS3.3 C.14.1.1).
    pub failed: Vec<((Uid, Uid), u16)>,
}

/// What became of a job or of a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// All of this study left, or could not.
    Study(Uid),
    /// These numbers of sub-operations; it is over.
    Done {
        /// Sent.
        completed: u32,
        /// Not sent.
        failed: u32,
    },
    /// The peer cannot be reached; try later.
    Failed,
    /// It is still worked on.
    Alive,
    /// Whoever asked has cancelled it.
    Cancelled {
        /// Sent before.
        completed: u32,
    },
}
