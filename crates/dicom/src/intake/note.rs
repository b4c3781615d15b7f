//! Notes that reject other objects: Key Object Selection documents with a rejection's title (PS3.3 A.35.4, PS3.16 CID 7011;
//! IHE RAD TF-2, Imaging Object Change Management).

use crate::dataset::{items, text};
use crate::read_head;
use model::{Rejection, RejectionNote, Tag, Uid, limits};
use std::collections::BTreeSet;

/// Key Object Selection Document Storage.
pub const KEY_OBJECT_SELECTION: &str = "1.2.840.10008.5.1.4.1.1.88.59";
const CONCEPT_NAME: Tag = 0x0040_A043;
const CODE_VALUE: Tag = 0x0008_0100;
const CODING_SCHEME: Tag = 0x0008_0102;
/// Current Requested Procedure Evidence.
const EVIDENCE: Tag = 0x0040_A375;
const SERIES: Tag = 0x0008_1115;
const INSTANCES: Tag = 0x0008_1199;
const INSTANCE: Tag = 0x0008_1155;

/// What the object rejects; nothing when it is no such note. One that names too many names one too many: it is refused.
pub fn note(head: &[u8], sop_class: &Uid) -> Option<RejectionNote> {
    if sop_class.as_str() != KEY_OBJECT_SELECTION {
        return None;
    }
    let object = read_head(head).ok()?.object;
    let title = items(&object, CONCEPT_NAME).first()?;
    if text(title, CODING_SCHEME) != "DCM" {
        return None;
    }
    let code = Rejection::of_code(&text(title, CODE_VALUE))?;
    let series = items(&object, EVIDENCE).iter().flat_map(|study| items(study, SERIES));
    let named = series.flat_map(|series| items(series, INSTANCES));
    let named = named.filter_map(|item| text(item, INSTANCE).parse::<Uid>().ok());
    let instances: BTreeSet<Uid> = named.take(limits::REJECTED + 1).collect();
    Some(RejectionNote { code, instances: instances.into_iter().collect() })
}
