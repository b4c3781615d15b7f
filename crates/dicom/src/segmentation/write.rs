//! The head of a binary segmentation: a segment for each kind of region, a frame for each plane (PS3.3 A.51, C.8.20).

use super::{SEGMENTATION, kinds};
use crate::dataset::{FRAME_GROUPS, SHARED_GROUPS, core_tag};
use crate::made::{Put as _, begin, code, date_time, item, reference};
use crate::{Error, PixelLength, Result, new_head, pixel_data_header, write_head};
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use model::{MaskPlanes, MaskedImage, Placement, Plane, RegionKind, tags};

const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
const DERIVATION: [&str; 3] = ["113076", "DCM", "Segmentation"];
const SOURCE_IMAGES: model::Tag = 0x0008_2112;
const PURPOSE: [&str; 3] = ["121322", "DCM", "Source image for image processing operation"];

/// The file up to and with the header of its pixel data; the planes follow, joined by [`super::Packer`].
///
/// # Errors
/// No plane, or more than an object takes.
pub fn head(planes: &MaskPlanes) -> Result<Vec<u8>> {
    let frames: usize = planes.images.iter().map(|image| image.planes.len()).sum();
    let bits = (frames as u64).checked_mul(u64::from(planes.rows) * u64::from(planes.columns));
    let bytes = bits.and_then(|bits| u32::try_from(bits.div_ceil(8)).ok());
    let bytes = bytes.filter(|bytes| *bytes < u32::MAX - 1).ok_or(Error::TooLarge("pixel data"))?;
    if frames == 0 {
        return Err(Error::Missing("a plane"));
    }
    let mut object = begin(planes, SEGMENTATION, "SEG")?;
    let placed = placed(planes);
    if !placed {
        // Not known: an image without a place must say so (PS3.3 C.7.6.1.1.1).
        object.put(DataElement::new(core_tag(0x0020_0020), VR::CS, PrimitiveValue::Empty));
    }
    image(&mut object, planes, frames)?;
    segments(&mut object, planes)?;
    dimensions(&mut object, planes, placed);
    shared(&mut object, planes, placed);
    object.sequence(FRAME_GROUPS, groups(planes, placed)?);
    common_references(&mut object, planes);
    let head = new_head(object, EXPLICIT_LITTLE_ENDIAN)?;
    Ok([write_head(&head)?, pixel_data_header(PixelLength::Native(bytes))].concat())
}

/// All images lie in one frame of reference: then its frames say where.
fn placed(planes: &MaskPlanes) -> bool {
    let mut places = planes.images.iter().map(|image| image.placement.as_ref());
    let Some(Some(first)) = places.next() else { return false };
    let same = |place: &Placement| {
        place.frame_of_reference == first.frame_of_reference
            && (&place.spacing, &place.thickness) == (&first.spacing, &first.thickness)
    };
    places.all(|place| place.is_some_and(same))
}

fn image(object: &mut InMemDicomObject, planes: &MaskPlanes, frames: usize) -> Result<()> {
    let (date, time) = date_time(planes.made);
    for (tag, vr, text) in [
        (0x0008_0008, VR::CS, "DERIVED\\PRIMARY"),
        (tags::CONTENT_DATE, VR::DA, &date),
        (tags::CONTENT_TIME, VR::TM, &time),
        (0x0028_0004, VR::CS, "MONOCHROME2"),
        (tags::NUMBER_OF_FRAMES, VR::IS, &frames.to_string()),
        (0x0028_2110, VR::CS, "00"),
        (0x0062_0001, VR::CS, "BINARY"),
        (0x0062_0013, VR::CS, "YES"),
    ] {
        object.text(tag, vr, text);
    }
    let numbers = [
        (0x0028_0002, 1),
        (tags::ROWS, planes.rows),
        (tags::COLUMNS, planes.columns),
        (tags::BITS_ALLOCATED, 1),
        (0x0028_0101, 1),
        (0x0028_0102, 0),
        (0x0028_0103, 0),
    ];
    numbers.into_iter().try_for_each(|(tag, value)| object.us(tag, value))
}

/// The kinds that are there, in the order of their numbers.
fn kinds_of(planes: &MaskPlanes) -> Vec<RegionKind> {
    let mut kinds: Vec<RegionKind> =
        planes.images.iter().flat_map(|image| image.planes.iter().map(|(_, kind)| *kind)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn segments(object: &mut InMemDicomObject, planes: &MaskPlanes) -> Result<()> {
    let kinds = (1..).zip(kinds_of(planes)).map(|(number, kind)| kinds::segment(number, kind));
    object.sequence(0x0062_0002, kinds.collect::<Result<_>>()?);
    Ok(())
}

/// Frames are in order of segment, and of place or label (PS3.3 C.7.6.17).
fn dimensions(object: &mut InMemDicomObject, planes: &MaskPlanes, placed: bool) {
    let [.., organisation] = &planes.made_as;
    let named = |item: &mut InMemDicomObject| item.text(0x0020_9164, VR::UI, organisation.as_str());
    let index = |[pointer, group]: [[u16; 2]; 2]| {
        item(|item| {
            named(item);
            for (tag, [high, low]) in [(0x0020_9165, pointer), (0x0020_9167, group)] {
                let value = PrimitiveValue::from(dicom_core::Tag(high, low));
                item.put(DataElement::new(core_tag(tag), VR::AT, value));
            }
        })
    };
    object.sequence(0x0020_9221, vec![item(named)]);
    let segment = [[0x0062, 0x000B], [0x0062, 0x000A]];
    let place =
        if placed { [[0x0020, 0x0032], [0x0020, 0x9113]] } else { [[0x0020, 0x9453], [0x0020, 0x9111]] };
    object.sequence(0x0020_9222, vec![index(segment), index(place)]);
}

fn shared(object: &mut InMemDicomObject, planes: &MaskPlanes, placed: bool) {
    let first = planes.images.first().and_then(|image| image.placement.as_ref()).filter(|_| placed);
    let groups = item(|group| {
        let Some(place) = first else { return };
        group.sequence(
            0x0028_9110,
            vec![item(|item| {
                item.text(0x0028_0030, VR::DS, &place.spacing.join("\\"));
                if let Some(thickness) = &place.thickness {
                    item.text(0x0018_0050, VR::DS, thickness);
                }
            })],
        );
    });
    object.sequence(SHARED_GROUPS, vec![groups]);
    if let Some(place) = first {
        object.text(0x0020_0052, VR::UI, place.frame_of_reference.as_str());
        object.text(0x0020_1040, VR::LO, &place.position_reference);
    }
}

/// An item of the groups by frame for each plane.
fn groups(planes: &MaskPlanes, placed: bool) -> Result<Vec<InMemDicomObject>> {
    let kinds = kinds_of(planes);
    let mut out = Vec::new();
    let mut before = 0u32;
    for (at, image) in (1..).zip(&planes.images) {
        for (frame, kind) in &image.planes {
            let number = kinds.partition_point(|other| other < kind) + 1;
            let number = u32::try_from(number).map_err(|_| Error::TooLarge("segments"))?;
            let index = [number, before.saturating_add(*frame).saturating_add(1)];
            let plane = image.placement.as_ref().and_then(|place| place.planes.get(*frame as usize));
            let label = format!("{at}/{}", u64::from(*frame) + 1);
            out.push(group(image, *frame, index, if placed { Ok(plane) } else { Err(label) })?);
        }
        before = before.saturating_add(image.frames);
    }
    Ok(out)
}

fn group(
    image: &MaskedImage,
    frame: u32,
    index: [u32; 2],
    place: std::result::Result<Option<&Plane>, String>,
) -> Result<InMemDicomObject> {
    let mut source = reference(image);
    if image.frames > 1 {
        source.text(0x0008_1160, VR::IS, &(u64::from(frame) + 1).to_string());
    }
    source.text(0x0028_135A, VR::CS, "YES");
    source.sequence(0x0040_A170, vec![code(PURPOSE)]);
    let mut segment = InMemDicomObject::new_empty();
    segment.us(0x0062_000B, index[0])?;
    Ok(item(|group| {
        group.sequence(
            0x0008_9124,
            vec![item(|item| {
                item.sequence(SOURCE_IMAGES, vec![source]);
                item.sequence(0x0008_9215, vec![code(DERIVATION)]);
            })],
        );
        let content = item(|item| {
            let values = PrimitiveValue::U32(index.into_iter().collect());
            item.put(DataElement::new(core_tag(0x0020_9157), VR::UL, values));
            if let Err(label) = &place {
                item.text(0x0020_9453, VR::LO, label);
            }
        });
        group.sequence(0x0020_9111, vec![content]);
        if let Ok(Some(plane)) = place {
            let position = item(|item| item.text(0x0020_0032, VR::DS, &plane.position.join("\\")));
            let orientation = item(|item| item.text(0x0020_0037, VR::DS, &plane.orientation.join("\\")));
            group.sequence(0x0020_9113, vec![position]);
            group.sequence(0x0020_9116, vec![orientation]);
        }
        group.sequence(0x0062_000A, vec![segment]);
    }))
}

/// Every image that is named, by its series (PS3.3 C.12.2).
fn common_references(object: &mut InMemDicomObject, planes: &MaskPlanes) {
    let named = planes.images.iter().filter(|image| !image.planes.is_empty());
    let series = item(|item| {
        item.sequence(0x0008_114A, named.map(reference).collect());
        item.text(tags::SERIES_INSTANCE_UID, VR::UI, planes.series.as_str());
    });
    object.sequence(0x0008_1115, vec![series]);
}
