//! What can happen. A kind keeps its number and word for ever; new fields may be added, none is renamed.

use crate::body::Value;
use model::{Arrival, Id};

macro_rules! events {
    ($( $(#[$doc:meta])* $number:literal $word:literal $variant:ident { $( $field:ident : $type:ty ),* $(,)? } )+) => {
        /// One thing that was done or refused.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(missing_docs, reason = "fields are named as in docs/formats/ledger.md")]
        pub enum Event { $( $(#[$doc])* $variant { $( $field: $type ),* } ),+ }

        /// Number and word of every kind.
        pub const KINDS: &[(u16, &str)] = &[ $( ($number, $word) ),+ ];

        impl Event {
            /// Its number in the leaf.
            #[must_use]
            pub const fn number(&self) -> u16 {
                match self { $( Self::$variant { .. } => $number ),+ }
            }

            /// Its word.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $( Self::$variant { .. } => $word ),+ }
            }

            /// Its fields by name.
            #[must_use]
            pub fn details(&self) -> Vec<(&'static str, Value)> {
                match self { $( Self::$variant { $( $field ),* } => vec![ $( (stringify!($field), Value::from($field.clone())) ),* ] ),+ }
            }
        }
    };
}

events! {
    /// The archive started.
    1 "started" Started { software: String, config_digest: [u8; 32], policy_version: String }
    /// It stopped in order.
    2 "stopped" Stopped { entries: u64 }
    /// The clock went back.
    3 "clock-back" ClockBack { by_ms: u64 }
    /// Accounts, relations or facts were set by the operator.
    4 "configured" Configured { what: String, whom: String }
    /// All was compared with what the ledger says; what was not as it should be.
    5 "checked" Checked { objects: u64, entries: u64, findings: u64, repaired: u64 }
    /// The operator takes the tables or policies as they are, although the ledger knows newer ones.
    6 "accepted" Accepted { what: String, found: String }
    /// A backup was made.
    7 "backed-up" BackedUp { entries: u64, objects: u64 }
    /// The archive was restored from a backup that ended with this entry.
    8 "restored" Restored { entries: u64, objects: u64, known: u64 }
    /// Records that could not be read at the start; what they told of is withheld.
    9 "damage-found" DamageFound { rows: u64 }
    /// A person signed in.
    10 "signed-in" SignedIn {}
    /// And out.
    11 "signed-out" SignedOut {}
    /// A wrong user or password, or too many attempts.
    12 "sign-in-refused" SignInRefused { user: String, cause: String }
    /// Calls without any valid proof, counted per source and minute: else anybody fills the disk.
    13 "refusals-counted" RefusalsCounted { source: String, minute: u64, count: u64 }
    /// A right that the role does not have.
    14 "not-allowed" NotAllowed { right: String, rules: Vec<String> }
    /// A query: keyed hash of its keys, number of hits.
    20 "queried" Queried { keys_hash: [u8; 32], hits: u64 }
    /// An object came.
    30 "stored" Stored {
        sop_uid: String, sop_class: String, size: u64, digest: [u8; 32], version: u64, duplicate: bool,
        certificate: String, calling_ae: String, called_ae: String, software: String, operator: String, order: String,
        contradicts: String
    }
    /// An object was not taken.
    31 "store-refused" StoreRefused { cause: String }
    /// An object was looked at.
    32 "examined" Examined { object: Id, regions: u64, fallback: bool, class: String, level: u8, mosaic_digest: [u8; 32] }
    /// What was seen on an object is forgotten, because it was damaged; it is looked at again.
    33 "examine-anew" ExamineAnew {}
    /// A study was opened.
    40 "opened" Opened {
        purpose: String, reason: String, visibility: String, mask_version: u64, policy_version: String, rules: Vec<String>,
        facts: String
    }
    /// A study was not opened.
    41 "open-refused" OpenRefused { purpose: String, rules: Vec<String>, policy_version: String, facts: String }
    /// A mask was lifted.
    42 "lifted" Lifted {
        purpose: String, reason: String, mask_version: u64, policy_version: String, rules: Vec<String>, facts: String
    }
    /// Pixels or a header left.
    50 "released" Released { what: String, objects: Vec<Id>, frames: Vec<u32>, visibility: String, mask_version: u64, corrected: u64 }
    /// They did not.
    51 "release-refused" ReleaseRefused { cause: String }
    /// A machine asked to have objects sent to another one.
    52 "move-asked" MoveAsked { destination: String, job: Id, instances: u64 }
    /// It did, and nothing is sent.
    53 "move-refused" MoveRefused { destination: String, cause: String }
    /// All was sent, or what could be.
    54 "move-ended" MoveEnded { destination: String, job: Id, completed: u64, failed: u64, how: String }
    /// A machine asked what is kept of what it stored.
    55 "commitment-asked" CommitmentAsked { transaction: String, job: Id, committed: u64, failed: u64 }
    /// It was told, or could not be.
    56 "commitment-reported" CommitmentReported { transaction: String, job: Id, how: String }
    /// A job of the archive came a step further, or was tried again.
    57 "job-went" JobWent { job: Id, attempts: u64 }
    /// Two persons took films away as they are.
    58 "taken-away" TakenAway { second: String, objects: Vec<Id>, corrected: u64 }
    /// They have all: so many files, and the digest of the list of their digests.
    59 "left" Left { second: String, files: u64, failed: u64, digest: [u8; 32] }
    /// A mask set has a new version.
    60 "mask-changed" MaskChanged { version: u64, regions: u64 }
    /// Somebody read who looked.
    61 "accesses-read" AccessesRead { of_study: bool }
    /// A checkpoint was handed out.
    62 "checkpoint-made" CheckpointMade { size: u64 }
    /// A mask set was not changed: what was drawn makes no sense, or somebody else drew first.
    63 "mask-refused" MaskRefused { cause: String }
    /// What somebody wants hidden on all films of a patient, and for whom what that account draws holds.
    64 "masks-standing" MasksStanding { version: u64, wishes: u64, holds_for: String }
    /// The privacy officer took away what others than the patient drew, or wished of her films.
    65 "masks-dropped" MasksDropped { version: u64, dropped: u64, regions: u64 }
    /// The glass was broken: a study was opened clear by who has nothing to do with its patient.
    66 "glass-broken" GlassBroken {
        purpose: String, reason: String, visibility: String, mask_version: u64, policy_version: String, rules: Vec<String>,
        facts: String
    }
    /// It was not.
    67 "glass-refused" GlassRefused { cause: String }
    /// Somebody looked into the entry of this index.
    68 "glass-reviewed" GlassReviewed { entry: u64, outcome: String, note: String }
    /// The index was put right, or a change was taken back: one entry for each study that it touched. `corrections` is a
    /// keyed hash of what is laid over headers from now on.
    70 "put-right" PutRight {
        change: u64, act: String, undone: bool, reason: String, studies: u64, objects: u64, corrections: [u8; 32],
        ignored: u64
    }
    /// It was not.
    71 "put-right-refused" PutRightRefused { act: String, cause: String }
    /// A secondary use was proposed to a patient, or what was proposed came a step further. `digest` is that of its text and
    /// boundaries (docs/consent.md).
    72 "consent-changed" ConsentChanged {
        consent: Id, act: String, state: String, purpose: String, recipient: String, version: u64, digest: [u8; 32]
    }
    /// It did not.
    73 "consent-refused" ConsentRefused { act: String, cause: String }
    /// Who has copies under a consent that ended was asked to delete them.
    74 "deletion-asked" DeletionAsked { consent: Id, whom: String, releases: u64 }
    /// And answered.
    75 "deletion-answered" DeletionAnswered { consent: Id, deleted: bool, answer: String }
    /// Somebody read consents.
    76 "consents-read" ConsentsRead { consents: u64 }
    /// Somebody has, or no longer has, to do with a patient, as a feed or a person says: `user` names accounts by hand and
    /// numbers of staff by feeds. Times are RFC 3339; empty: not known.
    77 "relation-changed" RelationChanged {
        kind: String, source: String, user: String, start: String, end: String, reason: String
    }
    /// A feed says nothing for longer than agreed.
    78 "feed-silent" FeedSilent { source: String, since: String }
    /// What a feed or a person said of relations was not taken.
    79 "relation-refused" RelationRefused { source: String, cause: String }
    /// Somebody proposed other rules of who may see and do what. `version` names them as openings will.
    80 "rules-proposed" RulesProposed { proposal: Id, version: String, base: String, reason: String }
    /// A second person put them in force.
    81 "rules-activated" RulesActivated { proposal: Id, version: String, before: String, proposed_by: String, reason: String }
    /// They were taken back.
    82 "rules-dropped" RulesDropped { proposal: Id, version: String }
    /// They were not proposed, or not put in force.
    83 "rules-refused" RulesRefused { cause: String }
    /// Somebody tried rules on what was decided before, or asked who would see a study.
    84 "rules-tried" RulesTried { how: String, entries: u64 }
}

/// The circumstances of an arrival, for [`Event::Stored`]: certificate, calling and called AE, software.
#[must_use]
pub fn circumstances(arrival: &Arrival) -> [String; 4] {
    [
        arrival.certificate.clone(),
        arrival.calling_ae.clone(),
        arrival.called_ae.clone(),
        arrival.software.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_are_unique() {
        for (i, (number, word)) in KINDS.iter().enumerate() {
            assert!(KINDS.iter().skip(i + 1).all(|(n, w)| n != number && w != word), "{word}");
        }
    }
}
