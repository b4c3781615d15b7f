//! Identifiers of C-FIND, C-GET and C-MOVE (PS3.4 §C.4.1.1.3, §C.4.2.1.4): levels, unique keys, matching keys.

use super::classes::{PATIENT_FIND, PATIENT_GET, PATIENT_MOVE, WORKLIST_FIND};
use super::dataset::{Element, Elements, Value, first};
use crate::charset::Charsets;
use crate::query::{Kind, Options, Path, kind};
use crate::{Error, bounds};
use model::{Tag, Uid, tags};

/// (0008,0052).
pub const QUERY_RETRIEVE_LEVEL: Tag = 0x0008_0052;
/// (0008,0054).
pub const RETRIEVE_AE_TITLE: Tag = 0x0008_0054;

/// Levels, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Patients.
    Patient,
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Composite object instances.
    Image,
    /// Scheduled procedure steps: the only one of a worklist, and never named (PS3.4 §K.6.1.2).
    Step,
}

impl Level {
    const ALL: [Self; 4] = [Self::Patient, Self::Study, Self::Series, Self::Image];

    /// The word in (0008,0052).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "PATIENT",
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Image => "IMAGE",
            Self::Step => "",
        }
    }

    /// Its unique key.
    #[must_use]
    pub const fn key(self) -> Tag {
        match self {
            Self::Patient => tags::PATIENT_ID,
            Self::Study => tags::STUDY_INSTANCE_UID,
            Self::Series => tags::SERIES_INSTANCE_UID,
            Self::Image => tags::SOP_INSTANCE_UID,
            Self::Step => tags::SCHEDULED_PROCEDURE_STEP_ID,
        }
    }
}

/// Why an identifier is not answered: status A900 (identifier does not match SOP class) with the offending element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch {
    /// Which element.
    pub tag: Tag,
    /// Why, for people.
    pub text: &'static str,
}

impl Mismatch {
    const fn new(tag: Tag, text: &'static str) -> Self {
        Self { tag, text }
    }
}

/// One matching key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Attribute, sequences first.
    pub path: Path,
    /// How.
    pub kind: Kind,
}

/// A query.
#[derive(Debug, Clone)]
pub struct Search {
    /// Level.
    pub level: Level,
    /// Keys.
    pub keys: Vec<Match>,
    /// The request as it came: answers have its shape.
    pub shape: Elements,
    /// Raw value of (0008,0005).
    pub charset: Vec<u8>,
}

/// What extended negotiation agreed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// Relational queries or retrieval.
    pub relational: bool,
    /// The ranges of a date and its time are one range.
    pub combined: bool,
    /// Fuzzy matching of names.
    pub fuzzy: bool,
}

impl Negotiated {
    /// From the service class application information (PS3.4 §C.5.1.1).
    #[must_use]
    pub fn of(info: &[u8]) -> Self {
        let byte = |n: usize| info.get(n) == Some(&1);
        Self { relational: byte(0), combined: byte(1), fuzzy: byte(2) }
    }
}

fn patient_root(class: &str) -> bool {
    matches!(class, PATIENT_FIND | PATIENT_GET | PATIENT_MOVE)
}

fn level(elements: &[Element], class: &str) -> Result<Level, Mismatch> {
    let word = first(elements, QUERY_RETRIEVE_LEVEL).unwrap_or_default();
    let level = Level::ALL.into_iter().find(|level| level.as_str() == word);
    let known = level.filter(|level| *level != Level::Patient || patient_root(class));
    known.ok_or(Mismatch::new(QUERY_RETRIEVE_LEVEL, "no Query/Retrieve Level of this SOP Class"))
}

/// Levels above one, in this root.
fn above(level: Level, class: &str) -> impl Iterator<Item = Level> {
    let outermost = if patient_root(class) { Level::Patient } else { Level::Study };
    Level::ALL.into_iter().filter(move |above| *above >= outermost && *above < level)
}

impl Search {
    /// Reads a C-FIND's identifier.
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn read(elements: Elements, class: &str, agreed: Negotiated) -> Result<Self, Mismatch> {
        let level = if class == WORKLIST_FIND { Level::Step } else { level(&elements, class)? };
        let charset = raw(&elements, tags::SPECIFIC_CHARACTER_SET).unwrap_or_default().to_vec();
        let mut reader = Reader {
            charsets: Charsets::new(&charset),
            // Two quotation marks are the value of nothing, so they can only mean what has no value (PS3.4 §C.2.2.2.7).
            options: Options { empty_value: true, multiple_value: false },
            keys: Vec::new(),
        };
        reader.elements(&elements, &mut Vec::new())?;
        let keys = reader.keys;
        if !agreed.relational && level != Level::Step {
            for above in above(level, class) {
                let key = keys.iter().find(|k| k.path == [above.key()]);
                if !matches!(key.map(|k| &k.kind), Some(Kind::Single(_))) {
                    return Err(Mismatch::new(
                        above.key(),
                        "one value of the unique key of a level above is needed",
                    ));
                }
            }
        }
        Ok(Self { level, keys, shape: elements, charset })
    }
}

struct Reader {
    charsets: Charsets,
    options: Options,
    keys: Vec<Match>,
}

/// Not keys: they say how, not what (PS3.4 §C.4.1.1.3.1).
const NO_KEYS: &[Tag] = &[
    QUERY_RETRIEVE_LEVEL,
    RETRIEVE_AE_TITLE,
    tags::SPECIFIC_CHARACTER_SET,
    tags::INSTANCE_AVAILABILITY,
    0x0008_0053, // Query/Retrieve View
    0x0008_0201, // Timezone Offset From UTC
    0x0088_0130, // Storage Media File-Set ID
    0x0088_0140, // Storage Media File-Set UID
];

impl Reader {
    fn elements(&mut self, elements: &[Element], path: &mut Path) -> Result<(), Mismatch> {
        for element in elements {
            if path.is_empty() && NO_KEYS.contains(&element.tag) {
                continue;
            }
            path.push(element.tag);
            match &element.value {
                Value::Bytes(bytes) => {
                    let kind = self.kind(element, bytes)?;
                    self.key(path, kind)?;
                }
                // PS3.4 §C.2.2.2.6: one item; without keys in it the sequence matches anything.
                Value::Items(items) => match items.as_slice() {
                    [] => self.key(path, Kind::Universal)?,
                    [item] if item.is_empty() => self.key(path, Kind::Universal)?,
                    [item] => self.elements(item, path)?,
                    _ => return Err(Mismatch::new(element.tag, "a sequence key has one item")),
                },
            }
            path.pop();
        }
        Ok(())
    }

    fn key(&mut self, path: &Path, kind: Kind) -> Result<(), Mismatch> {
        let tag = path.last().copied().unwrap_or(0);
        if self.keys.len() >= bounds::QUERY_KEYS {
            return Err(Mismatch::new(tag, "too many keys"));
        }
        self.keys.push(Match { path: path.clone(), kind });
        Ok(())
    }

    fn kind(&self, element: &Element, bytes: &[u8]) -> Result<Kind, Mismatch> {
        let value = match &element.vr {
            b"US" | b"SS" => numbers::<2>(bytes, |b| u16::from_le_bytes(b).to_string()),
            b"UL" | b"SL" => numbers::<4>(bytes, |b| u32::from_le_bytes(b).to_string()),
            // Retrieval and matching by binary values is not defined; such a key only asks for the attribute.
            b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"UN" | b"AT" | b"FL" | b"FD" => String::new(),
            _ => self.charsets.decode(bytes).trim_matches([' ', '\0']).to_owned(),
        };
        kind(element.tag, &value, self.options).map_err(|error| match error {
            Error::Query(text) => Mismatch::new(element.tag, text),
            _ => Mismatch::new(element.tag, "the value of a key is above a limit"),
        })
    }
}

fn numbers<const N: usize>(bytes: &[u8], text: impl Fn([u8; N]) -> String) -> String {
    bytes.first_chunk::<N>().map(|b| text(*b)).unwrap_or_default()
}

fn raw(elements: &[Element], tag: Tag) -> Option<&[u8]> {
    elements.iter().find(|e| e.tag == tag).and_then(|e| match &e.value {
        Value::Bytes(bytes) => Some(bytes.as_slice()),
        Value::Items(_) => None,
    })
}

/// What a C-GET or C-MOVE names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Level.
    pub level: Level,
    /// Patient ID, when named.
    pub patient: Option<String>,
    /// Issuer of Patient ID, when named beside it.
    pub issuer: Option<String>,
    /// Studies, when named.
    pub studies: Vec<Uid>,
    /// Series, when named.
    pub series: Vec<Uid>,
    /// Instances, when named.
    pub instances: Vec<Uid>,
}

impl Wanted {
    /// Reads a C-GET's or C-MOVE's identifier. Keys other than unique ones are not looked at (PS3.4 §C.4.2.1.4.1).
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn read(elements: &[Element], class: &str, agreed: Negotiated) -> Result<Self, Mismatch> {
        let level = level(elements, class)?;
        let charsets = Charsets::new(raw(elements, tags::SPECIFIC_CHARACTER_SET).unwrap_or_default());
        let text = |tag| {
            let text = raw(elements, tag).map(|bytes| charsets.decode(bytes));
            text.map(|t| t.trim_matches([' ', '\0']).to_owned()).filter(|t| !t.is_empty())
        };
        let patient = text(tags::PATIENT_ID).filter(|_| patient_root(class));
        let wanted = Self {
            level,
            issuer: text(tags::ISSUER_OF_PATIENT_ID).filter(|_| patient.is_some()),
            patient,
            studies: uids(elements, tags::STUDY_INSTANCE_UID)?,
            series: uids(elements, tags::SERIES_INSTANCE_UID)?,
            instances: uids(elements, tags::SOP_INSTANCE_UID)?,
        };
        if wanted.count(level) == 0 {
            return Err(Mismatch::new(level.key(), "the unique key of the level is needed"));
        }
        let lacks = |above: &Level| wanted.count(*above) != 1;
        if let Some(lacking) = above(level, class).find(lacks).filter(|_| !agreed.relational) {
            return Err(Mismatch::new(
                lacking.key(),
                "one value of the unique key of a level above is needed",
            ));
        }
        let below = |tag| Mismatch::new(tag, "a unique key below the level");
        match level {
            Level::Patient if !wanted.studies.is_empty() => Err(below(tags::STUDY_INSTANCE_UID)),
            Level::Patient | Level::Study if !wanted.series.is_empty() => {
                Err(below(tags::SERIES_INSTANCE_UID))
            }
            Level::Image => Ok(wanted),
            _ if !wanted.instances.is_empty() => Err(below(tags::SOP_INSTANCE_UID)),
            _ => Ok(wanted),
        }
    }

    fn count(&self, level: Level) -> usize {
        match level {
            Level::Patient => usize::from(self.patient.is_some()),
            Level::Study => self.studies.len(),
            Level::Series => self.series.len(),
            Level::Image => self.instances.len(),
            Level::Step => 0,
        }
    }
}

/// A list of unique identifiers, which retrieval allows at its own level.
fn uids(elements: &[Element], tag: Tag) -> Result<Vec<Uid>, Mismatch> {
    let text = raw(elements, tag).map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
    let text = text.trim_matches([' ', '\0']);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let words: Vec<&str> = text.split('\\').take(bounds::RETRIEVE_UIDS + 1).collect();
    if words.len() > bounds::RETRIEVE_UIDS {
        return Err(Mismatch::new(tag, "too many unique identifiers"));
    }
    let all: Result<Vec<Uid>, _> = words.iter().map(|word| word.trim().parse()).collect();
    all.map_err(|_| Mismatch::new(tag, "not a unique identifier"))
}
