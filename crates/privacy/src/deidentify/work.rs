//! One data set on its way through the table: the profile's action, or the option's in its place.

use super::identity::Identity;
use super::vocabulary::Vocabulary;
use super::{codes, content, dummy, number, private, references, sequence};
use crate::options::{Done, Options, ProfileOption, Sink};
use crate::profile::{Action, Cell, Cells, Profile};
use crate::pseudonymous_uid;
use crate::types::Types;
use dicom::json::tag as core;
use dicom_core::header::Header as _;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use model::{Tag, Uid, tags};
use std::collections::BTreeSet;

const SOP_CLASS_LIKE: &[Tag] = &[
    0x0008_0016, // SOP Class
    0x0008_001A, // Related General SOP Class
    0x0008_001B, // Original Specialized SOP Class
    0x0008_010C, // Coding Scheme
    0x0008_0117, // Context
    0x0008_0118, // Mapping Resource
    0x0008_1150, // Referenced SOP Class
];

/// An attribute that stays, and what was done to it.
pub type Judged = (Done, InMemElement);

/// Where a data set lies, which decides over what the table has no row for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The data set itself, and sequences that the table says nothing of.
    Plain,
    /// In a sequence that an option retains for what it says of a device or an institution: its words stay.
    Retained,
    /// In a sequence that an option cleans: words stay only when the vocabulary has them.
    Cleaned,
    /// The same, of content items.
    Content,
}

pub struct Work<'a> {
    pub profile: &'static Profile,
    pub cells: &'static Cells,
    pub types: &'static Types,
    pub words: &'static Vocabulary,
    pub options: Options,
    pub iod: Option<u16>,
    pub key: &'a [u8; 32],
    /// Days by which dates move.
    pub days: i64,
    pub identity: Identity,
    pub place: Place,
    /// Private attributes of the data set at hand that stay.
    pub safe: BTreeSet<Tag>,
    /// The content item at hand has a UID that stays.
    pub uid_stays: bool,
    pub path: Vec<Tag>,
    pub sink: &'a mut Sink<'a>,
}

impl Work<'_> {
    pub fn data_set(&mut self, mut object: InMemDicomObject, parent: Tag) -> InMemDicomObject {
        let place = self.place;
        match place {
            Place::Plain => codes::clean(&mut object),
            Place::Retained => {}
            Place::Cleaned | Place::Content if codes::is_coded(&object) => {
                object = codes::strict(&object, |text| self.words.is_meaning(text, &self.identity));
                self.place = Place::Retained;
            }
            Place::Cleaned | Place::Content => {}
        }
        let safe = match self.options.has(ProfileOption::RetainSafePrivate) {
            true => private::safe(&object),
            false => BTreeSet::new(),
        };
        let outer = std::mem::replace(&mut self.safe, safe);
        let elements = object.into_iter().filter_map(|element| self.element(element, parent));
        let out = InMemDicomObject::from_element_iter(elements);
        (self.safe, self.place) = (outer, place);
        out
    }

    fn element(&mut self, element: InMemElement, parent: Tag) -> Option<InMemElement> {
        self.path.push(number(&element));
        let judged = self.judged(element, parent);
        self.tell(judged.as_ref().map_or(Done::Removed, |(done, _)| *done));
        self.path.pop();
        judged.map(|(_, element)| element)
    }

    pub fn tell(&mut self, done: Done) {
        (self.sink)(&self.path, done);
    }

    /// What becomes of it; nothing: it goes.
    fn judged(&mut self, element: InMemElement, parent: Tag) -> Option<Judged> {
        let tag = number(&element);
        // Group lengths lie after any change; command and file meta groups have no place here.
        if tag & 0xFFFF == 0 || tag >> 16 <= 2 || tag == tags::SPECIFIC_CHARACTER_SET {
            return None;
        }
        if tag >> 16 & 1 == 1 {
            return self.private(element);
        }
        let by_option = match self.cells.of(self.options, tag) {
            Some(Cell::Keep(option)) => self.retained(element, option),
            Some(Cell::Clean(option)) => self.cleaned(element, option),
            None => Err(element),
        };
        match by_option {
            Ok(judged) => Some(judged),
            Err(element) => self.by_profile(element, parent),
        }
    }

    fn by_profile(&mut self, element: InMemElement, parent: Tag) -> Option<Judged> {
        let tag = number(&element);
        match self.profile.action(tag).map(|action| action.of_type(self.types.of(self.iod, (tag, parent)))) {
            Some(Action::Empty) => Some((Done::Emptied, DataElement::empty(element.tag(), dummy::vr(tag)?))),
            Some(Action::Dummy) => Some((Done::Replaced, self.dummy(element)?)),
            Some(Action::Uid) if tag == content::UID && self.uid_stays => self.uids(element, |_| true),
            Some(Action::Uid) => self.uids(element, well_known_frame),
            Some(Action::References) => self.references(element),
            None => self.kept(element),
            Some(_) => None,
        }
    }

    fn private(&self, element: InMemElement) -> Option<Judged> {
        let tag = number(&element);
        if !self.safe.contains(&tag) {
            return None;
        }
        match element.vr() {
            VR::UI => {
                let stay = self.options.has(ProfileOption::RetainUids);
                self.uids(element, |_| stay)
            }
            VR::DA | VR::DT | VR::TM | VR::PN => None,
            // The creator of the block is one of the standard's list.
            _ if tag & 0xFFFF < 0x100 => Some((Done::Kept, element)),
            _ => (!self.identity.occurs_in(&element)).then_some((Done::Kept, element)),
        }
    }

    fn dummy(&self, element: InMemElement) -> Option<InMemElement> {
        let tag = number(&element);
        match dummy::vr(tag)? {
            VR::UI => self.uids(element, well_known_frame).map(|(_, element)| element),
            VR::SQ => {
                // A dummy of a sequence: the form of its first item, nothing of its values.
                let item = element.into_value().into_items().and_then(|items| items.into_iter().next());
                let hollow = item.map(|item| {
                    let parts = item.into_iter().filter_map(|e| self.hollow(e));
                    InMemDicomObject::from_element_iter(parts)
                });
                Some(sequence(tag, hollow.into_iter().collect()))
            }
            vr => Some(DataElement::new(core(tag), vr, dummy::value(vr))),
        }
    }

    fn hollow(&self, element: InMemElement) -> Option<InMemElement> {
        let tag = number(&element);
        let gone = tag & 0xFFFF == 0 || matches!(self.profile.action(tag), Some(Action::Remove));
        if gone || tag == tags::SPECIFIC_CHARACTER_SET { None } else { self.dummy(element) }
    }

    pub fn references(&mut self, element: InMemElement) -> Option<Judged> {
        let tag = number(&element);
        let items = element.into_value().into_items()?;
        let items = items.into_iter().map(|item| references::only(item, self.profile)).collect();
        let items = self.items(items, tag, Place::Plain);
        Some((Done::Cleaned, sequence(tag, items)))
    }

    /// Items of a sequence, those in the place of it.
    pub fn items(&mut self, items: Vec<InMemDicomObject>, tag: Tag, place: Place) -> Vec<InMemDicomObject> {
        let outer = std::mem::replace(&mut self.place, place);
        let items = items.into_iter().filter_map(|item| match place {
            Place::Content => self.content_item(item, tag),
            _ => Some(self.data_set(item, tag)),
        });
        let items = items.collect();
        self.place = outer;
        items
    }

    /// An attribute that stays, as far as it can be seen to carry no person.
    fn kept(&mut self, element: InMemElement) -> Option<Judged> {
        let (tag, vr) = (number(&element), element.vr());
        if !dummy::fits(tag, vr) {
            return None;
        }
        match vr {
            VR::SQ => {
                let items = element.into_value().into_items()?;
                let items = self.items(items.into_iter().collect(), tag, self.place);
                Some((Done::Kept, sequence(tag, items)))
            }
            VR::UI if SOP_CLASS_LIKE.contains(&tag) => self.uids(element, |_| true),
            VR::UI => self.uids(element, |uid| uid.starts_with("1.2.840.10008.")),
            // The table names every date and person of the standard; one that it does not know is a newer one.
            VR::DA | VR::DT | VR::TM | VR::PN => Some((Done::Emptied, DataElement::empty(element.tag(), vr))),
            VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => {
                dummy::needed_binary(tag).then_some((Done::Kept, element))
            }
            _ if matches!(self.place, Place::Cleaned | Place::Content) => self.plain_words(element),
            _ => {
                let free = matches!(vr, VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT);
                Some(match self.identity.occurs_in(&element) {
                    false => (Done::Kept, element),
                    // It may be of Type 1, and a word in its place is as good as none.
                    true if free => (Done::Replaced, DataElement::new(element.tag(), vr, dummy::value(vr))),
                    true => (Done::Emptied, DataElement::empty(element.tag(), vr)),
                })
            }
        }
    }

    pub fn uids(&self, element: InMemElement, keep: impl Fn(&str) -> bool) -> Option<Judged> {
        let texts = element.to_str().ok()?.into_owned();
        let others = texts.split('\\').filter_map(|text| text.trim_matches([' ', '\0']).parse::<Uid>().ok());
        let mut done = Done::Kept;
        let others = others.map(|uid| match keep(uid.as_str()) {
            true => uid.as_str().to_owned(),
            false => {
                done = Done::Uid;
                pseudonymous_uid(self.key, &uid).as_str().to_owned()
            }
        });
        let value = PrimitiveValue::Strs(others.collect());
        Some((done, DataElement::new(element.tag(), VR::UI, value)))
    }
}

/// Well-known frames of reference (PS3.6 Table A-2) name no patient and mean something.
fn well_known_frame(uid: &str) -> bool {
    uid.starts_with("1.2.840.10008.1.4.")
}
