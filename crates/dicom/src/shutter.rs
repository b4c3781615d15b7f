//! A mask as a presentation state: the Bitmap Display Shutter of one image (PS3.3 A.33.1, C.7.6.15). A display that knows
//! presentation states shows black wherever a bit is set.

use crate::dataset::core_tag;
use crate::made::{Put as _, begin, date_time, item, reference};
use crate::{Error, Result, new_head, write_head};
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use model::{Greys, MaskPlanes, MaskedImage, Photometric, tags};

/// Grayscale Softcopy Presentation State Storage.
pub const GREY_STATE: &str = "1.2.840.10008.5.1.4.1.1.11.1";
const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Overlays have even groups from 6000 on (PS3.5 §7.6).
const GROUP: u16 = 0x6000;

/// The file up to and with the header of its overlay data; the one plane follows.
///
/// # Errors
/// Not one image with one plane, or one in colours: its states are others.
pub fn head(planes: &MaskPlanes) -> Result<Vec<u8>> {
    let [image] = planes.images.as_slice() else { return Err(Error::Missing("one image")) };
    let grey = matches!(image.greys.photometric, Photometric::Monochrome1 | Photometric::Monochrome2);
    if image.planes.len() != 1 || !grey {
        return Err(Error::Missing("one plane over greys"));
    }
    let bytes =
        u32::try_from(planes.plane_bytes().next_multiple_of(2)).map_err(|_| Error::TooLarge("overlay"))?;
    let mut object = begin(planes, GREY_STATE, "PR")?;
    // Of a paired part it must be there; which side it is, the image says.
    object.put(DataElement::new(core_tag(tags::LATERALITY), VR::CS, PrimitiveValue::Empty));
    let (date, time) = date_time(planes.made);
    object.text(0x0070_0082, VR::DA, &date);
    object.text(0x0070_0083, VR::TM, &time);
    let series = item(|item| {
        item.sequence(0x0008_1140, vec![reference(image)]);
        item.text(tags::SERIES_INSTANCE_UID, VR::UI, planes.series.as_str());
    });
    object.sequence(0x0008_1115, vec![series]);
    shutter(&mut object, planes)?;
    area(&mut object, planes, image);
    greys(&mut object, &image.greys);
    let head = write_head(&new_head(object, EXPLICIT_LITTLE_ENDIAN)?)?;
    let data = [&[0x00, 0x60, 0x00, 0x30, b'O', b'W', 0, 0][..], &bytes.to_le_bytes()].concat();
    Ok([head, data].concat())
}

fn shutter(object: &mut InMemDicomObject, planes: &MaskPlanes) -> Result<()> {
    object.text(0x0018_1600, VR::CS, "BITMAP");
    // Black.
    object.us(0x0018_1622, 0)?;
    object.us(0x0018_1623, GROUP.into())?;
    for (tag, value) in
        [(0x6000_0010, planes.rows), (0x6000_0011, planes.columns), (0x6000_0100, 1), (0x6000_0102, 0)]
    {
        object.us(tag, value)?;
    }
    object.text(0x6000_0040, VR::CS, "G");
    let origin = PrimitiveValue::I16([1, 1].into_iter().collect());
    object.put(DataElement::new(core_tag(0x6000_0050), VR::SS, origin));
    Ok(())
}

/// All of the image (PS3.3 C.10.4).
fn area(object: &mut InMemDicomObject, planes: &MaskPlanes, image: &MaskedImage) {
    let corner = |[column, row]: [u32; 2]| {
        PrimitiveValue::I32([column, row].into_iter().map(|v| i32::try_from(v).unwrap_or(i32::MAX)).collect())
    };
    let item = item(|item| {
        for (tag, value) in [(0x0070_0052, [1, 1]), (0x0070_0053, [planes.columns, planes.rows])] {
            item.put(DataElement::new(core_tag(tag), VR::SL, corner(value)));
        }
        item.text(0x0070_0100, VR::CS, "SCALE TO FIT");
        match &image.placement {
            Some(place) => item.text(0x0070_0101, VR::DS, &place.spacing.join("\\")),
            None => item.text(0x0070_0102, VR::IS, "1\\1"),
        }
    });
    object.sequence(0x0070_005A, vec![item]);
}

/// The image's own way to greys, which a state replaces as a whole (PS3.4 N.2.1).
fn greys(object: &mut InMemDicomObject, greys: &Greys) {
    let [slope, intercept] = greys.rescale;
    let exact = |value: f64, nothing: f64| value.to_bits() == nothing.to_bits();
    if !exact(slope, 1.0) || !exact(intercept, 0.0) {
        object.text(0x0028_1052, VR::DS, &decimal(intercept));
        object.text(0x0028_1053, VR::DS, &decimal(slope));
        object.text(0x0028_1054, VR::LO, "US");
    }
    if let Some((centre, width)) = greys.window {
        let window = item(|item| {
            item.text(0x0028_1050, VR::DS, &decimal(centre));
            item.text(0x0028_1051, VR::DS, &decimal(width));
        });
        object.sequence(0x0028_3110, vec![window]);
    }
    let inverse = greys.inverse || greys.photometric == Photometric::Monochrome1;
    object.text(0x2050_0020, VR::CS, if inverse { "INVERSE" } else { "IDENTITY" });
}

/// At most 16 characters (PS3.5 §6.2).
fn decimal(value: f64) -> String {
    let plain = value.to_string();
    if plain.len() <= 16 { plain } else { format!("{value:.8e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand.
    #[test]
    fn numbers_fit_their_strings() {
        for (value, expected) in [
            (1.0, "1"),
            (-1024.0, "-1024"),
            (0.1, "0.1"),
            (1.0 / 3.0, "3.33333333e-1"),
            (-12_345_678.901_234_567, "-1.23456789e7"),
            (1e-300, "1.00000000e-300"),
        ] {
            assert_eq!(decimal(value), expected);
            assert!(decimal(value).len() <= 16);
        }
    }
}
