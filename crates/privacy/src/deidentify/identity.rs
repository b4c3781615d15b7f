//! The person's own strings, taken from the data set before it is cleaned, so that none of them stays in an attribute that
//! the table keeps: a name typed into a model name, a number into a software version.

use super::number;
use dicom_core::VR;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use model::{Tag, tags};
use std::collections::BTreeSet;

/// Strings of one person; more are not gathered.
const STRINGS: usize = 4096;

/// Numbers of fewer digits are in other numbers by chance.
const SHORT: usize = 6;

/// See the module.
#[derive(Debug, Default)]
pub struct Identity {
    /// Parts of names: match whole words.
    words: BTreeSet<String>,
    /// Numbers, addresses, birth dates: match anywhere.
    values: BTreeSet<String>,
    /// Single words of all these, however short: none of them stays in a description.
    parts: BTreeSet<String>,
}

impl Identity {
    /// Of a data set, nested ones included; what is `retained` as it is gives no strings, but names always do.
    pub fn of(object: &InMemDicomObject, retained: impl Fn(Tag) -> bool) -> Self {
        let mut identity = Self::default();
        identity.gather(object, &retained);
        identity
    }

    fn gather(&mut self, object: &InMemDicomObject, retained: &impl Fn(Tag) -> bool) {
        // Her own first: a header full of other names must not crowd her out.
        object.iter().filter(|e| number(e) >> 16 == 0x0010).for_each(|e| self.take(e, retained));
        for element in object.iter() {
            if let Some(items) = element.items() {
                items.iter().for_each(|item| self.gather(item, retained));
            }
            if self.words.len() + self.values.len() < STRINGS {
                self.take(element, retained);
            }
        }
    }

    fn take(&mut self, element: &InMemElement, retained: &impl Fn(Tag) -> bool) {
        let tag = number(element);
        let named = element.vr() == VR::PN || places(tag) || identifies(tag) && !describes(tag);
        if named && !retained(tag) && self.parts.len() < STRINGS {
            self.parts.extend(words(&text(element)).map(str::to_owned));
        }
        if element.vr() == VR::PN {
            let name = text(element);
            self.words.extend(words(&name).filter(|w| w.chars().count() >= least(w)).map(str::to_owned));
        } else if identifies(tag) && !retained(tag) && !matches!(element.vr(), VR::SQ | VR::TM) {
            let whole = text(element);
            self.values.extend(whole.split('\\').map(str::trim).filter(|v| v.len() >= 4).map(str::to_owned));
        }
    }

    /// This word, in small letters, names somebody or something here; of ideographs also a part of it.
    pub fn knows(&self, word: &str) -> bool {
        self.parts.contains(word)
            || !word.is_ascii()
                && self.parts.iter().any(|part| !part.is_ascii() && word.contains(part.as_str()))
    }

    /// One of the strings stands in this value.
    pub fn occurs_in(&self, element: &InMemElement) -> bool {
        let text = text(element);
        if matches!(
            element.vr(),
            VR::DS | VR::IS | VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::FL | VR::FD
        ) {
            // A measure may be a short number by chance; a long one it is not.
            return text.split('\\').any(|n| n.trim().len() >= 6 && self.values.contains(n.trim()));
        }
        let found = |value: &String| match value.len() < SHORT && value.bytes().all(|b| b.is_ascii_digit()) {
            // Digits stand in codes and versions: they count as a word of their own only.
            true => words(&text).any(|word| word == value),
            false => text.contains(value.as_str()),
        };
        words(&text).any(|word| self.words.contains(word))
            || self.values.iter().any(found)
            || self.words.iter().any(|word| !word.is_ascii() && text.contains(word.as_str()))
    }
}

/// Patient, accession, study number, station and institution; sex and age say too little to be looked for.
fn identifies(tag: u32) -> bool {
    let group_10 =
        tag >> 16 == 0x0010 && !matches!(tag, tags::PATIENT_SEX | 0x0010_1010 | 0x0010_1020 | 0x0010_1030);
    group_10
        || matches!(
            tag,
            tags::ACCESSION_NUMBER
                | tags::STUDY_ID
                | tags::STATION_NAME
                | tags::INSTITUTION_NAME
                | 0x0008_0081
                | 0x0018_1000
                | 0x0040_0009
                | 0x0040_1001
        )
}

/// Institutions, departments, sponsors and sites.
fn places(tag: Tag) -> bool {
    matches!(
        tag,
        0x0008_1040
            | 0x0008_1010
            | 0x0008_0092
            | 0x0008_0094
            | 0x0012_0010
            | 0x0012_0030
            | 0x0012_0031
            | 0x0012_0040
            | 0x0012_0060
            | 0x0032_1033
            | 0x0040_2008
            | 0x0040_2016
            | 0x0040_2017
    )
}

/// Free words about the patient: they are cleaned themselves, and are made of words of all kinds.
fn describes(tag: Tag) -> bool {
    matches!(tag, 0x0010_2000 | 0x0010_2110 | 0x0010_2180 | 0x0010_21A0 | 0x0010_21B0 | 0x0010_4000)
}

fn text(element: &InMemElement) -> String {
    element.to_str().map(|t| t.to_lowercase()).unwrap_or_default()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
}

/// Initials and particles are in every text; ideographs say much in two.
const fn least(word: &str) -> usize {
    if word.is_ascii() { 3 } else { 2 }
}
