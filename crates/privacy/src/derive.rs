//! Objects that say that they are derived (PS3.3 C.7.6.1.1.3), and lose what would give hidden pixels away.

mod telltale;

use crate::deidentify::{code, first, number, put, sequence};
use dicom::json::tag as core;
use dicom::{Error, Result};
use dicom_core::header::Header as _;
use dicom_core::value::Value;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use model::{ImageInfo, Photometric, Tag, Uid, limits, tags};

/// How an object was derived.
#[derive(Debug, Clone, Copy, Default)]
pub struct Derivation<'a> {
    /// The pixels as the decoder gives them back ([`ImageInfo::photometric`] after decoding); nothing: no pixels follow.
    pub image: Option<&'a ImageInfo>,
    /// The new instance, for a file; nothing: the UID of the source stays (metadata that viewers ask for by it).
    pub instance: Option<&'a Uid>,
    /// Name of the source beside an instance that keeps the UID it has: a set whose other objects refer to it by that one.
    pub source: Option<&'a Uid>,
    /// Pixels are masked.
    pub masked: bool,
    /// The words were de-identified before.
    pub deidentified: bool,
    /// Private attributes that are left were found safe before (PS3.15 E.3.10).
    pub safe_private: bool,
}

/// Makes the data set that of the derived object. Call [`crate::deidentify`] before, so that the source is named by its
/// pseudonym.
///
/// # Errors
/// [`Error::Missing`] without SOP class or instance.
pub fn derive(object: &mut InMemDicomObject, derivation: &Derivation<'_>) -> Result<()> {
    let class: Uid = first(object, tags::SOP_CLASS_UID).parse().map_err(|_| Error::Missing("SOP class"))?;
    let source: Uid =
        first(object, tags::SOP_INSTANCE_UID).parse().map_err(|_| Error::Missing("SOP instance"))?;
    if derivation.masked {
        telltale::remove(object, derivation.safe_private, 0);
        declare(object, derivation.deidentified);
    }
    if let Some(image) = derivation.image {
        pixels(object, image);
    }
    if let Some(instance) = derivation.instance {
        put(object, tags::SOP_INSTANCE_UID, VR::UI, instance.as_str());
    }
    if derivation.instance.is_some() || derivation.source.is_some() {
        let source = derivation.source.cloned().unwrap_or(source);
        object.put(sequence(0x0008_2112, vec![source_image(&class, &source)]));
        if object.get(core(SHARED_GROUPS)).is_some() {
            refer(object, (&class, &source), derivation.masked);
        }
    }
    Ok(())
}

fn declare(object: &mut InMemDicomObject, deidentified: bool) {
    let primary = PRIMARY_ONLY.contains(&first(object, tags::SOP_CLASS_UID).trim_start_matches(STORAGE));
    derived_type(object, if primary { "PRIMARY" } else { "SECONDARY" }, 0);
    // A value of the sender's counter stays true of what is left; of the rest nobody knows any more.
    object.remove_element(core(0x0028_0302));
    if deidentified {
        put(object, 0x0028_0301, VR::CS, "NO");
    }
    put(object, 0x0008_2111, VR::ST, "Regions hidden by GAUZE");
    object.put(sequence(0x0008_9215, vec![mask_code()]));
}

/// CID 7203; PS3.16.
fn mask_code() -> InMemDicomObject {
    code("113047", "Pixel by pixel mask")
}

const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";
const SLIDE: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";
const SHARED_GROUPS: Tag = 0x5200_9229;
const FRAME_GROUPS: Tag = 0x5200_9230;

/// Classes whose Image Type has PRIMARY alone as value 2: enhanced CT, MR, PET, XA, XRF and 3-D ones, nuclear medicine, PET,
/// whole slides (PS3.3 C.8.16.1.2, C.8.4.9.1.1, C.8.9.4.1.1, C.8.12.4.1.1).
const PRIMARY_ONLY: &[&str] = &[
    "2.1", "2.2", "4.1", "4.3", "4.4", "6.2", "12.1.1", "12.2.1", "13.1.1", "13.1.2", "13.1.3", "13.1.4",
    "13.1.5", "14.1", "14.2", "20", "77.1.6", "128", "128.1", "130",
];

/// Source Image Evidence (PS3.3 C.8.13.2.1, C.8.14.1 and others: required when the functional groups name a source image).
fn evidence(object: &mut InMemDicomObject, series: &str, instance: InMemDicomObject) {
    if first(object, tags::SOP_CLASS_UID).starts_with(SLIDE) {
        return; // its IOD has none
    }
    let mut of_series = InMemDicomObject::new_empty();
    put(&mut of_series, tags::SERIES_INSTANCE_UID, VR::UI, series);
    of_series.put(sequence(0x0008_1199, vec![instance]));
    let mut of_study = InMemDicomObject::new_empty();
    put(&mut of_study, tags::STUDY_INSTANCE_UID, VR::UI, &first(object, tags::STUDY_INSTANCE_UID));
    of_study.put(sequence(0x0008_1115, vec![of_series]));
    let mut all =
        object.get(core(0x0008_9154)).and_then(|e| e.items()).map(<[_]>::to_vec).unwrap_or_default();
    all.push(of_study);
    object.put(sequence(0x0008_9154, all));
}

/// The source in the list of references (PS3.3 C.12.2) and in the functional groups (C.7.6.16.2.6): an object that has these
/// says there what each frame was made of.
fn refer(object: &mut InMemDicomObject, (class, source): (&Uid, &Uid), masked: bool) {
    let items = |object: &InMemDicomObject, tag: Tag| {
        object.get(core(tag)).and_then(|e| e.items()).map(<[_]>::to_vec).unwrap_or_default()
    };
    let mut instance = InMemDicomObject::new_empty();
    put(&mut instance, 0x0008_1150, VR::UI, class.as_str());
    put(&mut instance, 0x0008_1155, VR::UI, source.as_str());
    let series = first(object, tags::SERIES_INSTANCE_UID);
    evidence(object, &series, instance.clone());
    let mut all = items(object, 0x0008_1115);
    let at = all.iter().position(|one| first(one, tags::SERIES_INSTANCE_UID) == series);
    let mut own = at.map_or_else(InMemDicomObject::new_empty, |at| all.remove(at));
    put(&mut own, tags::SERIES_INSTANCE_UID, VR::UI, &series);
    let mut instances = items(&own, 0x0008_114A);
    instances.push(instance);
    own.put(sequence(0x0008_114A, instances));
    all.push(own);
    object.put(sequence(0x0008_1115, all));
    let mut derivation = InMemDicomObject::new_empty();
    if masked {
        derivation.put(sequence(0x0008_9215, vec![mask_code()]));
    }
    derivation.put(sequence(0x0008_2112, vec![source_image(class, source)]));
    let derivation = sequence(0x0008_9124, vec![derivation]);
    nested(object, FRAME_GROUPS, &mut |frame| {
        frame.remove_element(core(0x0008_9124));
    });
    nested(object, SHARED_GROUPS, &mut |shared| {
        shared.put(derivation.clone());
    });
}

/// Image Type and, in functional groups, Frame Type: no longer ORIGINAL, no longer PRIMARY; the rest stays.
fn derived_type(object: &mut InMemDicomObject, second: &str, depth: usize) {
    for tag in [0x0008_0008, 0x0008_9007] {
        let present = object.get(core(tag)).and_then(|e| e.to_str().ok()).map(|t| t.into_owned());
        let text = match present {
            Some(text) => text,
            None if depth == 0 && tag == 0x0008_0008 => String::new(),
            None => continue,
        };
        let mut out = vec!["DERIVED".to_owned(), second.to_owned()];
        out.extend(text.split('\\').skip(2).map(|t| t.trim().to_owned()));
        object.put(DataElement::new(core(tag), VR::CS, PrimitiveValue::Strs(out.into())));
    }
    if depth < limits::SEQUENCE_DEPTH {
        for group in [SHARED_GROUPS, FRAME_GROUPS] {
            let mut each = |item: &mut InMemDicomObject| derived_type(item, second, depth + 2);
            nested(object, group, &mut |item| nested_all(item, &mut each));
        }
    }
}

fn nested(object: &mut InMemDicomObject, tag: Tag, each: &mut dyn FnMut(&mut InMemDicomObject)) {
    object.update_value(core(tag), |value| items_of(value, each));
}

fn nested_all(object: &mut InMemDicomObject, each: &mut dyn FnMut(&mut InMemDicomObject)) {
    let sequences: Vec<_> = object.iter().filter(|e| e.items().is_some()).map(|e| e.tag()).collect();
    for tag in sequences {
        object.update_value(tag, |value| items_of(value, each));
    }
}

fn items_of(value: &mut Value<InMemDicomObject, Vec<u8>>, each: &mut dyn FnMut(&mut InMemDicomObject)) {
    if let Some(items) = value.items_mut() {
        items.iter_mut().for_each(each);
    }
}

/// (0008,2112): the source, and why it is named (CID 7202).
fn source_image(class: &Uid, instance: &Uid) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    put(&mut item, 0x0008_1150, VR::UI, class.as_str());
    put(&mut item, 0x0008_1155, VR::UI, instance.as_str());
    let purpose = code("121322", "Source image for image processing operation");
    item.put(sequence(0x0040_A170, vec![purpose]));
    item
}

/// The image pixel module (PS3.3 C.7.6.3) for native samples that follow.
fn pixels(object: &mut InMemDicomObject, image: &ImageInfo) {
    let us = |object: &mut InMemDicomObject, tag: Tag, number: u16| {
        object.put(DataElement::new(core(tag), VR::US, PrimitiveValue::from(number)));
    };
    let allocated = if image.bits_allocated == 1 { 8 } else { image.bits_allocated };
    us(object, 0x0028_0002, image.samples.into());
    put(object, 0x0028_0004, VR::CS, image.photometric.as_str());
    us(object, tags::BITS_ALLOCATED, allocated.into());
    us(object, 0x0028_0101, image.bits_stored.into());
    us(object, 0x0028_0102, image.bits_stored.saturating_sub(1).into());
    us(object, 0x0028_0103, image.signed.into());
    if image.samples > 1 {
        us(object, 0x0028_0006, 0);
    } else {
        object.remove_element(core(0x0028_0006));
    }
    if image.photometric != Photometric::PaletteColor && image.samples > 1 {
        for tag in
            (0x0028_1101..=0x0028_1103).chain(0x0028_1201..=0x0028_1203).chain(0x0028_1221..=0x0028_1223)
        {
            object.remove_element(core(tag));
        }
    }
    if image.samples > 1 {
        // Colours have no values to be rescaled or windowed (PS3.3 C.7.6.3.1.2), but senders say so, and viewers do it.
        for tag in COLOURLESS {
            object.remove_element(core(*tag));
        }
    }
    // Offsets into fragments that no longer are.
    for tag in [0x7FE0_0001, 0x7FE0_0002, 0x7FE0_0003] {
        object.remove_element(core(tag));
    }
    if lossy(image.transfer_syntax.as_str()) {
        put(object, 0x0028_2110, VR::CS, "01");
    }
}

/// Modality LUT, VOI LUT and presentation LUT shape (PS3.3 C.11.1, C.11.2, C.11.6): of monochrome pixels only.
const COLOURLESS: &[Tag] = &[
    0x0028_1050,
    0x0028_1051,
    0x0028_1052,
    0x0028_1053,
    0x0028_1054,
    0x0028_1055,
    0x0028_1056,
    0x0028_3000,
    0x0028_3010,
    0x2050_0020,
];

/// Transfer syntaxes that always lose (PS3.5 §8.2); of the others the header's own word stands.
fn lossy(syntax: &str) -> bool {
    matches!(
        syntax,
        "1.2.840.10008.1.2.4.50"
            | "1.2.840.10008.1.2.4.51"
            | "1.2.840.10008.1.2.4.55"
            | "1.2.840.10008.1.2.4.81"
            | "1.2.840.10008.1.2.4.111"
    )
}

/// Tag of an element, for the table of telltales.
fn tag_of(element: &dicom_object::mem::InMemElement) -> Tag {
    number(element)
}

#[cfg(test)]
mod tests;
