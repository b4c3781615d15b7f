//! Jobs at rest: small, whatever they send. A move keeps its keys and the studies that it is done with.

use model::{Id, Time, Uid};
use port::transfer::{Job, Line, Peer, Report, Task, Wanted};
use serde::{Deserialize, Serialize};

/// A job's row; a slot whose job is over holds nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Place among the rows.
    pub slot: u32,
    /// The job.
    pub job: Option<Kept>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Reference.
    pub id: Id,
    /// When it was asked for.
    pub made: Time,
    /// Attempts that failed.
    pub attempts: u32,
    /// Not before.
    pub due: Time,
    /// What to do.
    pub task: TaskRecord,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum TaskRecord {
    /// C-MOVE.
    Move {
        /// What was named.
        wanted: Wanted,
        /// AE title.
        destination: String,
        /// AE title of who asked.
        originator: String,
        /// Account of who worked there, who gets no more sent than she may see; empty: nobody's.
        #[serde(default)]
        operator: String,
        /// Its Message ID.
        message: u16,
        /// Studies, as the destination knows them, that were sent.
        done: Vec<Uid>,
    },
    /// Report of a storage commitment.
    Report {
        /// Name of the machine in the address book.
        to: String,
        /// What it says.
        report: Report,
    },
}

impl TaskRecord {
    /// The machine that asked: its name, or its AE title.
    pub fn asked_by(&self) -> &str {
        match self {
            Self::Move { originator, .. } => originator,
            Self::Report { to, .. } => to,
        }
    }
}

impl Kept {
    /// As a gateway leases it.
    pub fn leased(&self, peer: Option<Peer>, lines: Vec<Line>) -> Job {
        let task = match &self.task {
            TaskRecord::Move { originator, message, .. } => {
                Task::Move { originator: originator.clone(), message: *message, lines }
            }
            TaskRecord::Report { report, .. } => Task::Report(report.clone()),
        };
        Job { id: self.id, peer, task, attempts: self.attempts }
    }
}
