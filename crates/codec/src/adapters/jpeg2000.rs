//! JPEG 2000 and HTJ2K (ISO 15444-1, -15; PS3.5 A.4.4) by OpenJPEG in Rust.

mod header;

use super::{pixels, ratio};
use crate::samples::Raw;
use crate::{Deadline, Error, Result};
use jpeg2k::{DecodeParameters, Image, ImageComponent};
use model::{ImageInfo, Photometric, Samples};

/// An empty code block costs bits only: large black frames are small. The size itself is bounded by the header.
const RATIO: usize = 1 << 16;

/// Decodes after the SIZ and COD segments said the same as the DICOM header.
pub fn decode(image: &ImageInfo, encoded: &[u8], deadline: &Deadline<'_>) -> Result<Raw> {
    ratio(image, encoded, RATIO)?;
    let stream = header::codestream(encoded)?;
    let header = header::Header::read(stream)?;
    header.check(image)?;
    if matches!(image.photometric, Photometric::YbrFull | Photometric::YbrFull422) && !header.transform {
        return Err(Error::Unsupported("YBR without a colour transform of its own"));
    }
    // OpenJPEG cannot be asked to stop: what bounds its time are the limits on tiles, precincts, layers and pixels.
    deadline.check()?;
    let decoded = Image::from_bytes_with(stream, DecodeParameters::new().strict(true))
        .map_err(|_| Error::Malformed("JPEG 2000 codestream"))?;
    let components = decoded.components();
    if components.len() != usize::from(image.samples) || !components.iter().all(|c| fits(c, image)) {
        return Err(Error::Disagree("components"));
    }
    Ok(Raw { data: gather(image, components), as_header: false })
}

/// Size as the header says, and samples present: `ImageComponent::data` makes a slice of whatever pointer is there,
/// and shows that pointer only in its `Debug` text.
fn fits(component: &ImageComponent, image: &ImageInfo) -> bool {
    (component.height(), component.width()) == (image.rows, image.columns)
        && !format!("{component:?}").contains("data: 0x0,")
}

/// Interleaves; samples keep their two's complement bits.
fn gather(image: &ImageInfo, components: &[ImageComponent]) -> Samples {
    let samples = components.len();
    let count = pixels(image) * samples;
    if image.bits_allocated == 8 {
        let mut out = vec![0u8; count];
        for (i, component) in components.iter().enumerate() {
            let places = out.iter_mut().skip(i).step_by(samples);
            places.zip(component.data()).for_each(|(to, from)| *to = from.to_le_bytes()[0]);
        }
        return Samples::U8(out);
    }
    let mut out = vec![0u16; count];
    for (i, component) in components.iter().enumerate() {
        let places = out.iter_mut().skip(i).step_by(samples);
        places.zip(component.data()).for_each(|(to, from)| {
            let [a, b, _, _] = from.to_le_bytes();
            *to = u16::from_le_bytes([a, b]);
        });
    }
    Samples::U16(out)
}
