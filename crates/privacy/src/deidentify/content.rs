//! Content items (PS3.3 C.17.3, 10.2) by PS3.15 E.3.4: `profiles/content.txt` says what becomes of an item by the concept that it is named
//! by; of one that is not listed words are cleaned and people are taken out, whatever it is.

use super::work::Work;
use super::{codes, first, put, sequence};
use crate::options::{Done, Options, ProfileOption};
use dicom::json::tag as core;
use dicom_core::VR;
use dicom_object::InMemDicomObject;
use model::Tag;
use std::collections::HashMap;
use std::sync::OnceLock;

/// (0040,A124): the value of an item of type UIDREF.
pub const UID: Tag = 0x0040_A124;
const VALUE_TYPE: Tag = 0x0040_A040;
const RELATIONSHIP: Tag = 0x0040_A010;
const CONCEPT_NAME: Tag = 0x0040_A043;
const TEXT_VALUE: Tag = 0x0040_A160;
const CONCEPT_CODE: Tag = 0x0040_A168;

/// Types whose values are known here (PS3.3 Table C.17.3-7). Items of others go.
const TYPES: &[&str] = &[
    "CODE",
    "COMPOSITE",
    "CONTAINER",
    "DATE",
    "DATETIME",
    "IMAGE",
    "NUM",
    "PNAME",
    "SCOORD",
    "SCOORD3D",
    "TCOORD",
    "TEXT",
    "TIME",
    "UIDREF",
    "WAVEFORM",
];

/// What becomes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Remove,
    Dummy,
    Clean,
    Keep,
}

/// By concept and value type: the profile's verdict, and options with theirs.
type Rows = HashMap<String, (Verdict, Vec<(ProfileOption, Verdict)>)>;

fn table() -> Option<&'static Rows> {
    static TABLE: OnceLock<Option<Rows>> = OnceLock::new();
    TABLE.get_or_init(|| parse(include_str!("../../profiles/content.txt"))).as_ref()
}

fn parse(text: &str) -> Option<Rows> {
    let mut rows = Rows::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        let (scheme, code, kind) = (cells.next()?, cells.next()?, cells.next()?);
        let basic = match cells.next()? {
            "X" => Verdict::Remove,
            // An item that a template may ask for is there with a dummy.
            "D" | "X/D" => Verdict::Dummy,
            _ => return None,
        };
        let options = cells.map(|cell| {
            let (name, letter) = cell.split_once('=')?;
            let verdict = if letter == "K" { Verdict::Keep } else { Verdict::Clean };
            Some((name.parse().ok()?, verdict))
        });
        rows.insert(format!("{scheme} {code} {kind}"), (basic, options.collect::<Option<_>>()?));
    }
    (!rows.is_empty()).then_some(rows)
}

/// Without the table nothing stays.
fn verdict(item: &InMemDicomObject, options: Options) -> Verdict {
    let kind = first(item, VALUE_TYPE);
    let Some(table) = table().filter(|_| TYPES.contains(&kind.as_str())) else { return Verdict::Remove };
    let concepts = item.get(core(CONCEPT_NAME)).and_then(|e| e.items()).unwrap_or_default();
    let concept = concepts.first().map(codes::key).unwrap_or_default();
    let Some((basic, cells)) = table.get(&format!("{concept} {kind}")) else { return Verdict::Clean };
    let chosen = cells.iter().filter(|(option, _)| options.has(*option)).map(|(_, verdict)| *verdict);
    let chosen = chosen.max_by_key(|verdict| *verdict == Verdict::Keep);
    chosen.unwrap_or(*basic)
}

impl Work<'_> {
    /// An item of a content sequence; nothing: it goes, with all below it. What has no value type is no item but a part of one, or a
    /// reference to another by its place, which is another one now: such a reference goes.
    pub fn content_item(&mut self, mut item: InMemDicomObject, parent: Tag) -> Option<InMemDicomObject> {
        if item.get(core(VALUE_TYPE)).is_none() && item.get(core(RELATIONSHIP)).is_none() {
            return Some(self.data_set(item, parent));
        }
        let verdict = verdict(&item, self.options);
        if verdict == Verdict::Remove {
            self.tell(Done::Removed);
            return None;
        }
        if verdict == Verdict::Dummy {
            blank(&mut item);
        }
        let keeps = verdict == Verdict::Keep;
        // The vocabulary has no say in the text of an item that an option retains.
        let text = item.get(core(TEXT_VALUE)).filter(|text| keeps && !self.identity.occurs_in(text)).cloned();
        let uid = keeps && first(&item, VALUE_TYPE) == "UIDREF";
        let outer = std::mem::replace(&mut self.uid_stays, uid);
        let mut item = self.data_set(item, parent);
        self.uid_stays = outer;
        if let Some(text) = text {
            item.put(text);
        }
        Some(item)
    }
}

/// Words and codes become dummies; of the other values the table of attributes takes care.
fn blank(item: &mut InMemDicomObject) {
    if item.get(core(TEXT_VALUE)).is_some() {
        put(item, TEXT_VALUE, VR::UT, "REMOVED");
    }
    if item.get(core(CONCEPT_CODE)).is_some() {
        item.put(sequence(CONCEPT_CODE, vec![codes::nothing()]));
    }
}
