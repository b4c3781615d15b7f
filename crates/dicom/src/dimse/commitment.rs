//! Storage commitment's data sets (PS3.4 §J.3.2, §J.3.3).

use super::dataset::{Element, Elements, Value, first, text};
use crate::bounds;
use model::{Tag, Uid};

const TRANSACTION_UID: Tag = 0x0008_1195;
const FAILED_SOP_SEQUENCE: Tag = 0x0008_1198;
const REFERENCED_SOP_SEQUENCE: Tag = 0x0008_1199;
const REFERENCED_SOP_CLASS: Tag = 0x0008_1150;
const REFERENCED_SOP_INSTANCE: Tag = 0x0008_1155;
const FAILURE_REASON: Tag = 0x0008_1197;

/// Action type: request storage commitment.
pub const REQUEST: u16 = 1;
/// Event type: all is committed.
pub const COMMITTED: u16 = 1;
/// Event type: some is not.
pub const FAILURES: u16 = 2;

/// SOP class and instance.
pub type Reference = (Uid, Uid);

/// What is to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// (0008,1195).
    pub transaction: Uid,
    /// Each instance once.
    pub references: Vec<Reference>,
}

impl Commitment {
    /// Reads an N-ACTION's data set; nothing when it names no transaction, no instances, too many or bad ones.
    #[must_use]
    pub fn read(elements: &[Element]) -> Option<Self> {
        let transaction = first(elements, TRANSACTION_UID)?.parse().ok()?;
        let sequence = elements.iter().find(|e| e.tag == REFERENCED_SOP_SEQUENCE)?;
        let Value::Items(items) = &sequence.value else { return None };
        if items.is_empty() || items.len() > bounds::COMMITMENT_REFERENCES {
            return None;
        }
        let reference = |item: &Elements| -> Option<Reference> {
            let class = first(item, REFERENCED_SOP_CLASS)?.parse().ok()?;
            Some((class, first(item, REFERENCED_SOP_INSTANCE)?.parse().ok()?))
        };
        let references = items.iter().map(reference).collect::<Option<Vec<_>>>()?;
        Some(Self { transaction, references })
    }
}

/// The report's event type and data set; `failed` with failure reasons (PS3.3 §C.14.1.1).
#[must_use]
pub fn report(transaction: &Uid, committed: &[Reference], failed: &[(Reference, u16)]) -> (u16, Elements) {
    let item = |(class, instance): &Reference, reason: Option<u16>| {
        let mut item = vec![
            text(REFERENCED_SOP_CLASS, b"UI", class.as_str()),
            text(REFERENCED_SOP_INSTANCE, b"UI", instance.as_str()),
        ];
        if let Some(reason) = reason {
            let value = Value::Bytes(reason.to_le_bytes().to_vec());
            item.push(Element { tag: FAILURE_REASON, vr: *b"US", value });
        }
        item
    };
    let mut out = vec![text(TRANSACTION_UID, b"UI", transaction.as_str())];
    let mut sequence = |tag, items: Vec<Elements>| {
        if !items.is_empty() {
            out.push(Element { tag, vr: *b"SQ", value: Value::Items(items) });
        }
    };
    sequence(FAILED_SOP_SEQUENCE, failed.iter().map(|(r, reason)| item(r, Some(*reason))).collect());
    sequence(REFERENCED_SOP_SEQUENCE, committed.iter().map(|r| item(r, None)).collect());
    (if failed.is_empty() { COMMITTED } else { FAILURES }, out)
}
