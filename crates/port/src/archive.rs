//! What a door may ask of the vault. Every call carries its own proof of who asks; the vault believes nothing else.

mod answers;
mod consent;
mod glass;
mod leave;
mod masks;
mod retrieve;

pub use answers::{Access, Account, Opened, Stored, StudyLine};
pub use consent::{ConsentAct, ConsentAsk, ConsentStep, ConsentView, Copies, Party, Proposal};
pub use glass::{Glass, Outcome, Review};
pub use leave::{Away, Leave, Lot};
pub use masks::{AskPlanes, BringPlanes, DRAWABLE, DrawnRegion, Redraw, ShapeOn, Standing, StandingShape};
pub use retrieve::{Annotation, ByteRange, Form, Picture, Profile, Retrieve, Syntax};

use crate::find::{Found, Query};
use crate::transfer::{Gather, Gathered, Job, Progress, Transfer};
use crate::{Fault, Stream, govern, putright, ties};
use model::{Arrival, Attributes, ConsentFault, HoldsFor, Id, MaskFault, MaskPlanes, Purpose, Uid};
use serde::{Deserialize, Serialize};

/// A call with its circumstances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Who asks.
    pub credential: Credential,
    /// From where.
    pub arrival: Arrival,
    /// What.
    pub request: Request,
}

/// What the caller showed at the door, unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credential {
    /// Nothing.
    None,
    /// The session cookie (`gzs_…`) and, when the browser sent it, the viewing set's (`gzv_…`).
    Cookies {
        /// Session.
        session: String,
        /// Viewing set.
        viewing: Option<String>,
    },
    /// A token of one grant (`gzt_…`). The session it belongs to is bound in the vault.
    Bearer(String),
    /// A device: the TLS layer proved possession of the certificate (SHA-256, hexadecimal) in `Arrival`, or nothing did (plain loopback).
    Device,
    /// The same, and who works at it: a session that was signed in to (PS3.7 §D.3.3.7).
    Operated {
        /// The session (`gzs_…`).
        session: String,
    },
    /// The gateway itself, for jobs that it leased: no caller waits for them any more.
    Gateway,
    /// A local command that holds the archive's keys anyway. Admitted from no socket but the operator's, among the keys.
    Local,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// A user and a password.
    SignIn {
        /// Name of the account.
        user: String,
        /// As typed.
        password: String,
    },
    /// Ends the session and all it opened.
    SignOut,
    /// Who am I.
    Whoami,
    /// Store one object; body: chunks, then [`crate::Trailer::Facts`].
    Store {
        /// STOW to one study: others are refused (PS3.18 §10.5).
        study: Option<Uid>,
    },
    /// Find.
    Find(Query),
    /// Open a study for a purpose; asks for a viewing token.
    Open {
        /// Which.
        study: Uid,
        /// Why.
        purpose: Purpose,
        /// In the caller's own words, when asked.
        reason: Option<String>,
    },
    /// See what the mask hides, under a grant that may.
    Lift {
        /// Which.
        study: Uid,
        /// Why.
        reason: String,
    },
    /// Break the glass, and look into it.
    Glass(Glass),
    /// Fetch; answers with parts.
    Retrieve(Retrieve),
    /// The studies that the caller reads or treats.
    Worklist {
        /// Name or number, as typed.
        search: String,
        /// At most.
        limit: usize,
        /// Skip.
        offset: usize,
    },
    /// The patient's own studies.
    MyStudies,
    /// Who looked: one study's (its patient) or all (the officer).
    Accesses {
        /// One study.
        study: Option<Uid>,
        /// Event kinds; empty: all.
        kinds: Vec<String>,
        /// At most.
        limit: usize,
        /// Before this ledger index.
        before: Option<u64>,
    },
    /// The mask set of a study.
    Masks {
        /// Which.
        study: Uid,
    },
    /// Replace the caller's drawn regions of a study.
    DrawMasks {
        /// Which.
        study: Uid,
        /// All regions drawn by this caller from now on.
        change: Redraw<Vec<DrawnRegion>>,
    },
    /// Masks of a series as planes of bits; they follow as chunks.
    MaskPlanes(AskPlanes),
    /// Add such planes to what the caller drew; body: the planes.
    BringPlanes(BringPlanes),
    /// What the caller wants hidden on all films of a study's patient.
    StandingMasks {
        /// One of her studies.
        study: Uid,
    },
    /// Replace that.
    WishMasks {
        /// One of her studies.
        study: Uid,
        /// All that this caller wishes from now on.
        change: Redraw<Standing>,
    },
    /// What patients are asked for and have agreed to.
    Consent(ConsentAsk),
    /// What is scheduled (PS3.4 Annex K); the level of the query says nothing here.
    Scheduled(Query),
    /// Place orders, or replace those of the same accession number and step.
    Schedule {
        /// One scheduled procedure step each, as a worklist item ([`model::tags::SCHEDULED`]).
        orders: Vec<Attributes>,
        /// The account that owes the report.
        report_by: Option<String>,
    },
    /// End the orders of an accession number: done, or not to be done.
    EndOrder {
        /// (0008,0050), or the number by which its placer or filler knows it.
        accession: String,
        /// (0040,0009) of the one step that ends; nothing: all of them.
        step: Option<String>,
    },
    /// Put something right in the index, take it back, and what is needed for that.
    PutRight(putright::Ask),
    /// Read, try, propose rules, put them in force.
    Govern(Box<govern::Ask>),
    /// Relations: what feeds tell, and what is set by hand.
    Ties(ties::Ask),
    /// Make a backup into folders of this machine; the answer's stream says how far it is, a JSON object a chunk. For the
    /// operator's own line only.
    Backup {
        /// Folder for objects, entries and rows.
        data: String,
        /// Folder for wrapped keys.
        wraps: String,
    },
    /// Take all films away as they are; two persons. For the operator's own line only.
    Leave(Leave),
    /// Ready to serve.
    Ready,
    /// What of something would leave for a machine (C-GET, C-MOVE).
    Gather(Gather),
    /// Send instances to a machine, which has a standing grant; answers with parts.
    Transfer(Transfer),
    /// Storage commitment: what of this is kept?
    Commit {
        /// Transaction UID.
        transaction: Uid,
        /// SOP class and instance.
        references: Vec<(Uid, Uid)>,
    },
    /// A job that nobody performs now.
    LeaseJob,
    /// What became of a leased job.
    JobProgress {
        /// Which.
        job: Id,
        /// What.
        progress: Progress,
    },
    /// A machine's name and secret, for a token (RFC 6749 §4.4).
    MachineToken {
        /// Name of the machine.
        client: String,
        /// As it was given to it.
        secret: String,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// What there is to take away.
    Lot(Lot),
    /// Nothing to say.
    Done,
    /// Of [`Request::SignIn`].
    SignedIn {
        /// Value of the session cookie.
        session: String,
        /// Who it is.
        account: Account,
        /// Seconds until it ends.
        expires_in_s: u32,
    },
    /// Of [`Request::Whoami`].
    Account(Account),
    /// Of [`Request::Store`].
    Stored(Stored),
    /// Of [`Request::Find`] and [`Request::Scheduled`].
    Found(Found),
    /// Of [`Request::Open`], [`Request::Lift`] and [`Glass::Break`].
    Opened(Opened),
    /// Of [`Glass::Reviews`]: the oldest first, and how many there are.
    Reviews {
        /// The oldest.
        reviews: Vec<Review>,
        /// All.
        total: usize,
    },
    /// Of [`Request::Retrieve`]; parts follow.
    Parts {
        /// Some picture hides more than it should have to: recognition was unsure or not done yet.
        fallback: bool,
        /// Names this answer: another one for other bytes, another grant, mask set or policy. It says nothing of them.
        tag: String,
    },
    /// The caller has it already: nothing leaves.
    Unchanged {
        /// The tag that it named.
        tag: String,
    },
    /// Of [`Request::Worklist`] and [`Request::MyStudies`].
    Studies {
        /// One each.
        studies: Vec<StudyLine>,
        /// Without limit and offset.
        total: usize,
    },
    /// Of [`Request::Accesses`].
    Accesses {
        /// Newest first.
        entries: Vec<Access>,
        /// Give this as `before` for the next page.
        next: Option<u64>,
    },
    /// Of [`Request::Gather`].
    Gathered(Gathered),
    /// Of [`Request::Commit`] and [`Request::LeaseJob`].
    Job(Option<Job>),
    /// Of [`Request::Masks`], [`Request::DrawMasks`] and [`Request::BringPlanes`].
    Masks {
        /// Version now.
        version: u64,
        /// Regions that the caller drew.
        regions: Vec<DrawnRegion>,
        /// Regions that others drew.
        others: Vec<DrawnRegion>,
        /// For whom those of the caller hold.
        holds_for: HoldsFor,
    },
    /// Of [`Request::MaskPlanes`]; the planes follow.
    MaskPlanes(Box<MaskPlanes>),
    /// Of [`Request::BringPlanes`]: nothing was changed.
    PlanesRefused(MaskFault),
    /// Of [`Request::StandingMasks`] and [`Request::WishMasks`].
    Standing {
        /// Version now.
        version: u64,
        /// The caller's own.
        standing: Standing,
    },
    /// Of [`Request::Consent`].
    Consents(Vec<ConsentView>),
    /// Of [`Request::Consent`]: nothing was changed.
    ConsentRefused(ConsentFault),
    /// Of [`Request::PutRight`].
    PutRight(putright::Answer),
    /// Of [`Request::Govern`].
    Governed(Box<govern::Answer>),
    /// Of [`Request::Ties`].
    Ties(ties::Answer),
    /// Of [`Request::MachineToken`].
    MachineToken {
        /// Opaque.
        token: String,
        /// Seconds until it ends.
        expires_in_s: u32,
    },
}

/// The vault as a door sees it.
///
/// Contract: every call ends in the ledger, refusals too; an answer to [`Request::Store`] comes after object, row and
/// entry are durable; no item of a [`Request::Retrieve`] comes before its entry is durable. Dropping the answer's
/// stream cancels. Calls may be repeated: storing the same bytes again is a duplicate, not an error.
#[async_trait::async_trait]
pub trait Archive: Send + Sync {
    /// Asks.
    ///
    /// # Errors
    /// A stable code; unknown and forbidden look the same to who may not know.
    async fn call(&self, call: Call, body: Stream) -> Result<(Response, Stream), Fault>;
}
