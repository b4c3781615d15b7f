//! What answers tell people.

use model::{Role, Time, Uid};
use serde::{Deserialize, Serialize};

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Name of the account.
    pub user: String,
    /// Name of the person.
    pub name: String,
    /// Role.
    pub role: Role,
    /// For whom.
    pub organisation: String,
    /// May bring objects in.
    pub stores: bool,
}

/// What became of a stored object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Study.
    pub study: Uid,
    /// Series.
    pub series: Uid,
    /// Instance.
    pub instance: Uid,
    /// SOP class.
    pub sop_class: Uid,
    /// 1, or 2 and up when the same UID came with other bytes.
    pub version: u32,
    /// The same bytes were here already; nothing was stored again.
    pub duplicate: bool,
}

/// An opened study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Bearer token of this grant.
    pub token: String,
    /// Value of the viewing cookie.
    pub viewing: String,
    /// Seconds.
    pub expires_in_s: u32,
    /// Name of the visibility.
    pub visibility: String,
    /// Version of the mask set.
    pub mask_version: u64,
    /// A lift is possible.
    pub may_lift: bool,
    /// This is a lift.
    pub lifted: bool,
}

/// One study in a list for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyLine {
    /// Attributes of patient and study levels, modalities, counts.
    pub attributes: model::Attributes,
    /// There is an order that asks this caller for a report.
    pub order: bool,
    /// The caller has a relation to the patient.
    pub related: bool,
    /// For patients: how often somebody else saw it.
    pub looked: u64,
    /// Version of the mask set.
    pub mask_version: u64,
}

/// One ledger entry in words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Index in the ledger.
    pub index: u64,
    /// When.
    pub time: Time,
    /// Event kind.
    pub kind: String,
    /// Who; a function instead of a name where the site's profile says so.
    pub actor: String,
    /// Role.
    pub role: String,
    /// For whom.
    pub organisation: String,
    /// Purpose, visibility, reason, what, cause: words of the event, in its order.
    pub details: Vec<(String, String)>,
    /// Which study.
    pub study: Option<Uid>,
}
