//! Objects without a picture: reports, documents, waveforms, presentation states, plans, structures, registrations. By class, for
//! what the profile's table says of attributes does not say whether an object without them is one still; unknown classes stay.

mod structures;
mod waveform;

use crate::options::{Done, Options, ProfileOption, Sink};
use crate::{deidentify::first, deidentify_with};
use dicom::json::tag as core;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use model::{Tag, tags};

/// Why an object without a picture is not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is a tree of findings, of which the basic profile leaves nothing (Content Sequence: D); the option is not on.
    #[error("its structured content needs the option clean-structured-content")]
    StructuredContent,
    /// It holds a document, and nobody read it.
    #[error("the text of its document cannot be judged")]
    Document,
    /// A voice says whose it is.
    #[error("sound")]
    Sound,
    /// Its matter is bytes that nobody can look into: raw data, spectra, grids, surfaces.
    #[error("bytes that nobody can look into")]
    Bulk,
    /// A class that is not known here.
    #[error("its class is not known")]
    Class,
}

/// Why [`record`] gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It may not leave.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It cannot be de-identified.
    #[error(transparent)]
    Dicom(#[from] dicom::Error),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Waveform,
    Presentation,
    Structures,
    Structured,
    Document,
    Sound,
    Bulk,
}

const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";
/// Below [`STORAGE`] (PS3.4 Table B.5-1).
const KINDS: &[(&str, Kind)] = &[
    ("4.2", Kind::Bulk),
    ("9.1.1", Kind::Waveform),
    ("9.1.2", Kind::Waveform),
    ("9.1.3", Kind::Waveform),
    ("9.1.4", Kind::Waveform),
    ("9.2.1", Kind::Waveform),
    ("9.3.1", Kind::Waveform),
    ("9.4.1", Kind::Sound),
    ("9.4.2", Kind::Sound),
    ("9.5.1", Kind::Waveform),
    ("9.6.1", Kind::Waveform),
    ("9.6.2", Kind::Waveform),
    ("9.7.1", Kind::Waveform),
    ("9.7.2", Kind::Waveform),
    ("9.7.3", Kind::Waveform),
    ("9.7.4", Kind::Waveform),
    ("9.8.1", Kind::Waveform),
    ("11.1", Kind::Presentation),
    ("11.2", Kind::Presentation),
    ("11.3", Kind::Presentation),
    ("11.4", Kind::Presentation),
    ("11.5", Kind::Presentation),
    ("11.6", Kind::Presentation),
    ("11.7", Kind::Presentation),
    ("11.8", Kind::Presentation),
    ("11.9", Kind::Presentation),
    ("11.10", Kind::Presentation),
    ("11.11", Kind::Presentation),
    ("11.12", Kind::Presentation),
    ("66", Kind::Bulk),
    ("66.1", Kind::Plain),
    ("66.2", Kind::Plain),
    ("66.3", Kind::Bulk),
    ("66.5", Kind::Bulk),
    ("66.6", Kind::Bulk),
    ("67", Kind::Plain),
    ("77.1.5.3", Kind::Plain),
    ("78.1", Kind::Plain),
    ("78.2", Kind::Plain),
    ("78.3", Kind::Plain),
    ("78.4", Kind::Plain),
    ("78.5", Kind::Plain),
    ("78.6", Kind::Plain),
    ("104.1", Kind::Document),
    ("104.2", Kind::Document),
    ("104.3", Kind::Document),
    ("104.4", Kind::Document),
    ("104.5", Kind::Document),
    ("481.3", Kind::Structures),
    ("481.4", Kind::Plain),
    ("481.5", Kind::Plain),
    ("481.6", Kind::Plain),
    ("481.7", Kind::Plain),
    ("481.8", Kind::Plain),
    ("481.9", Kind::Plain),
];

const ENCAPSULATED_DOCUMENT: Tag = 0x0042_0011;
const BURNED_IN_ANNOTATION: Tag = 0x0028_0301;
/// Free words that the table has no row for.
const WAVEFORM_ANNOTATIONS: Tag = 0x0040_B020;
const GRAPHIC_ANNOTATIONS: Tag = 0x0070_0001;
const GRAPHIC_LAYERS: Tag = 0x0070_0060;
const LAYER_DESCRIPTION: Tag = 0x0070_0068;
const CONTENT_DESCRIPTION: Tag = 0x0070_0081;

fn kind(class: &str) -> Option<Kind> {
    let class = class.strip_prefix(STORAGE)?;
    let listed = KINDS.iter().find(|(known, _)| *known == class).map(|(_, kind)| *kind);
    // Reports, procedure logs, dose, key object selection: all are trees of content (PS3.3 A.35).
    listed.or_else(|| class.starts_with("88.").then_some(Kind::Structured))
}

/// De-identifies an object that has no picture, in place. `documents`: encapsulated ones leave as they are, unread.
///
/// # Errors
/// [`Refused`], or what [`deidentify_with`] says.
pub fn record(
    object: &mut InMemDicomObject,
    project_key: &[u8; 32],
    (options, documents): (Options, bool),
    sink: &mut Sink<'_>,
) -> Result<(), RecordError> {
    let by_profile = |object: &mut InMemDicomObject, sink: &mut Sink<'_>| {
        deidentify_with(object, project_key, options, sink).map_err(RecordError::from)
    };
    match kind(&first(object, tags::SOP_CLASS_UID)).ok_or(Refused::Class)? {
        Kind::Plain => by_profile(object, sink),
        Kind::Waveform => {
            let signals = waveform::take(object).ok_or(Refused::Bulk)?;
            without(object, &[WAVEFORM_ANNOTATIONS], sink);
            by_profile(object, &mut |path, done| sink(path, waveform::told(path, done)))?;
            Ok(waveform::give_back(object, signals).ok_or(Refused::Bulk)?)
        }
        Kind::Presentation => {
            if !options.has(ProfileOption::CleanGraphics) {
                without(object, &[GRAPHIC_ANNOTATIONS, GRAPHIC_LAYERS], sink);
            }
            each_item(object, GRAPHIC_LAYERS, |layer| {
                layer.remove_element(core(LAYER_DESCRIPTION));
            });
            // Type 2 (PS3.3 Table C.11-1b).
            if object.get(core(CONTENT_DESCRIPTION)).is_some() {
                crate::deidentify::put(object, CONTENT_DESCRIPTION, dicom_core::VR::LO, "");
                sink(&[CONTENT_DESCRIPTION], Done::Emptied);
            }
            by_profile(object, sink)
        }
        Kind::Structures => {
            let inner = structures::inner(object);
            by_profile(object, sink)?;
            structures::keep(object, &inner, sink);
            Ok(())
        }
        Kind::Structured if options.has(ProfileOption::CleanStructuredContent) => by_profile(object, sink),
        Kind::Structured => Err(Refused::StructuredContent.into()),
        Kind::Document if documents => {
            let document = object.take_element(core(ENCAPSULATED_DOCUMENT)).map_err(|_| Refused::Document)?;
            by_profile(object, sink)?;
            sink(&[ENCAPSULATED_DOCUMENT], Done::Kept);
            object.put(document);
            // Nobody looked for words in it.
            crate::deidentify::put(object, BURNED_IN_ANNOTATION, dicom_core::VR::CS, "YES");
            Ok(())
        }
        Kind::Document => Err(Refused::Document.into()),
        Kind::Sound => Err(Refused::Sound.into()),
        Kind::Bulk => Err(Refused::Bulk.into()),
    }
}

/// Without these; a graphic layer is there for annotations only (PS3.3 C.10.7).
fn without(object: &mut InMemDicomObject, gone: &[Tag], sink: &mut Sink<'_>) {
    for tag in gone {
        if object.remove_element(core(*tag)) {
            sink(&[*tag], Done::Removed);
        }
    }
}

/// Items of a sequence.
fn items(object: &InMemDicomObject, tag: Tag) -> &[InMemDicomObject] {
    object.get(core(tag)).and_then(InMemElement::items).unwrap_or_default()
}

/// Does something to each item of a sequence.
fn each_item(object: &mut InMemDicomObject, tag: Tag, mut act: impl FnMut(&mut InMemDicomObject)) {
    object.update_value(core(tag), |value| {
        if let Some(items) = value.items_mut() {
            items.iter_mut().for_each(&mut act);
        }
    });
}

#[cfg(test)]
mod tests;
