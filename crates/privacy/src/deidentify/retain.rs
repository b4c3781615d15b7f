//! What options do with an attribute (PS3.15 E.3): K keeps it, C cleans it. What cannot be kept or cleaned, because it is not what
//! its VR says or because it names the patient, is given back to the profile's action.

use super::work::{Judged, Place, Work};
use super::{dates, dummy, graphics, number, references, sequence};
use crate::options::{Done, ProfileOption};
use crate::profile::Action;
use crate::pseudonym::pseudonymous_title;
use dicom_core::header::{HasLength as _, Header as _};
use dicom_core::{DataElement, Length, PrimitiveValue, VR};
use dicom_object::mem::InMemElement;
use model::Tag;

const GRAPHIC_ANNOTATIONS: Tag = 0x0070_0001;
const TIMEZONE: Tag = 0x0008_0201;
const REASON_FOR_MODIFICATION: Tag = 0x0400_0565;
/// PS3.3 C.12.1.1.9.
const REASONS: &[&str] = &["COERCE", "CORRECT"];

type OrBack = Result<Judged, InMemElement>;

impl Work<'_> {
    /// K.
    pub fn retained(&mut self, element: InMemElement, option: ProfileOption) -> OrBack {
        let (tag, vr) = (number(&element), element.vr());
        if !dummy::fits(tag, vr) {
            return Err(element);
        }
        if vr == VR::SQ {
            return self.retained_sequence(element, option);
        }
        if is_empty(&element) {
            return Ok((Done::Kept, element));
        }
        let stays = match vr {
            VR::UI => return self.uids(element.clone(), |_| true).ok_or(element),
            VR::DA | VR::DT | VR::TM => texts(&element).iter().all(|text| dates::is_one(vr, text)),
            VR::AS => texts(&element).iter().all(|text| is_age(text)),
            VR::DS | VR::IS => texts(&element).iter().all(|text| is_number(text)),
            VR::SH if tag == TIMEZONE => texts(&element).iter().all(|text| dates::is_offset(text)),
            VR::PN => false,
            _ => !self.identity.occurs_in(&element),
        };
        if stays { Ok((Done::Kept, element)) } else { Err(element) }
    }

    fn retained_sequence(&mut self, element: InMemElement, option: ProfileOption) -> OrBack {
        let tag = number(&element);
        let place = match option {
            ProfileOption::RetainDeviceIdentity | ProfileOption::RetainInstitutionIdentity => Place::Retained,
            _ => Place::Plain,
        };
        let empty = DataElement::empty(element.tag(), VR::SQ);
        let mut items: Vec<_> = element.into_value().into_items().ok_or(empty)?.into_iter().collect();
        let referring =
            self.profile.action(tag) == Some(Action::References) || option == ProfileOption::RetainUids;
        if referring {
            items = items.into_iter().map(|item| references::only(item, self.profile)).collect();
        }
        let items = self.items(items, tag, place);
        Ok((if referring { Done::Cleaned } else { Done::Kept }, sequence(tag, items)))
    }

    /// C.
    pub fn cleaned(&mut self, element: InMemElement, option: ProfileOption) -> OrBack {
        let (tag, vr) = (number(&element), element.vr());
        if !dummy::fits(tag, vr) {
            return Err(element);
        }
        if is_empty(&element) && vr != VR::SQ {
            return Ok((Done::Kept, element));
        }
        let value = match (option, vr) {
            (ProfileOption::CleanStructuredContent, VR::SQ) => return self.sequence(element, Place::Content),
            (ProfileOption::CleanGraphics, _) if tag != GRAPHIC_ANNOTATIONS => None,
            (_, VR::SQ) => return self.sequence(element, Place::Cleaned),
            (ProfileOption::RetainModifiedDates, VR::DA | VR::DT | VR::TM) => {
                let moved = texts(&element).into_iter().map(|text| dates::moved(vr, &text, self.days));
                moved.collect::<Option<Vec<String>>>()
            }
            (ProfileOption::RetainDeviceIdentity, VR::AE) => {
                let titles = texts(&element).into_iter().filter(|text| !text.is_empty());
                Some(titles.map(|text| pseudonymous_title(self.key, &text)).collect())
            }
            (_, VR::CS) if tag == REASON_FOR_MODIFICATION => {
                Some(texts(&element).into_iter().filter(|text| REASONS.contains(&text.as_str())).collect())
            }
            (_, VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT) => Some(self.words_of(&element)),
            _ => None,
        };
        match value.filter(|value| !value.is_empty()) {
            Some(value) if value == texts(&element) => Ok((Done::Kept, element)),
            Some(value) => Ok((Done::Cleaned, text_element(&element, value))),
            None => Err(element),
        }
    }

    fn sequence(&mut self, element: InMemElement, place: Place) -> OrBack {
        let tag = number(&element);
        let empty = DataElement::empty(element.tag(), VR::SQ);
        let items = element.into_value().into_items().ok_or(empty.clone())?.into_iter();
        let items: Vec<_> = match tag {
            GRAPHIC_ANNOTATIONS => items.filter_map(graphics::clean).collect(),
            _ => items.collect(),
        };
        let items = self.items(items, tag, place);
        if items.is_empty() { Err(empty) } else { Ok((Done::Cleaned, sequence(tag, items))) }
    }

    /// Values of a text with the words that stay, those of which nothing stays left out.
    fn words_of(&self, element: &InMemElement) -> Vec<String> {
        texts(element).iter().filter_map(|text| self.words.clean(text, &self.identity)).collect()
    }

    /// An attribute without a row, in a sequence that an option cleans.
    pub fn plain_words(&self, element: InMemElement) -> Option<Judged> {
        let vr = element.vr();
        let replaced = |element: InMemElement| DataElement::new(element.tag(), vr, dummy::value(vr));
        Some(match vr {
            VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT => match self.words_of(&element) {
                words if words.is_empty() => (Done::Replaced, replaced(element)),
                words if words == texts(&element) => (Done::Kept, element),
                words => (Done::Cleaned, text_element(&element, words)),
            },
            VR::AE | VR::UR => (Done::Replaced, replaced(element)),
            VR::DS | VR::IS if !texts(&element).iter().all(|text| is_number(text)) => {
                (Done::Replaced, replaced(element))
            }
            _ if self.identity.occurs_in(&element) => (Done::Emptied, DataElement::empty(element.tag(), vr)),
            _ => (Done::Kept, element),
        })
    }
}

fn text_element(element: &InMemElement, values: Vec<String>) -> InMemElement {
    DataElement::new(element.tag(), element.vr(), PrimitiveValue::Strs(values.into()))
}

/// Values as text, trimmed; those VRs that have one value only may hold a backslash.
fn texts(element: &InMemElement) -> Vec<String> {
    let text = element.to_str().unwrap_or_default();
    let trim = |text: &str| text.trim_matches([' ', '\0']).to_owned();
    match element.vr() {
        VR::LT | VR::ST | VR::UT | VR::UR => vec![trim(&text)],
        _ => text.split('\\').map(trim).collect(),
    }
}

/// PS3.5 §6.2: `048Y`.
fn is_age(text: &str) -> bool {
    let number = text.strip_suffix(['D', 'W', 'M', 'Y']);
    text.is_empty() || number.is_some_and(|n| n.len() == 3 && n.bytes().all(|b| b.is_ascii_digit()))
}

fn is_number(text: &str) -> bool {
    text.len() <= 16 && (text.is_empty() || text.parse::<f64>().is_ok_and(f64::is_finite))
}

fn is_empty(element: &InMemElement) -> bool {
    element.value().length() == Length(0)
}
