//! The header of what leaves: read, words planned, derivation declared, written. An error sends nothing.

mod corrections;

use crate::{Error, Result};
use dicom::{Head, PixelLength, pixel_data_header, read_head, write_head};
use model::{Attributes, ImageInfo, Tag, Uid, tags};
use port::pixels::{HeadForm, HeadLease, Outcome, WordsPlan};
use privacy::Derivation;

/// Explicit VR little endian: what native samples are written in (PS3.5 A.2).
const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// (7FE0,0010) in paths and JSON.
const PIXEL_DATA: &str = "7FE00010";
const TOO_LARGE: Error = Error::Head(dicom::Error::TooLarge("pixel data"));

/// Turns a stored head into what may leave: a file's bytes up to and with the header of its pixel data, one object of
/// DICOM JSON without pixel data, or one binary value. Each is of the same data set: the one that the words plan and the
/// mask leave.
///
/// # Errors
/// The head cannot be read, lacks its identifiers, its pixels cannot follow natively, or the value is not there.
pub fn head(lease: &HeadLease, stored_head: &[u8]) -> Result<(Outcome, Vec<u8>)> {
    let mut head = read_head(stored_head)?;
    if text(&head, tags::SOP_INSTANCE_UID).parse::<Uid>().ok().as_ref() != Some(&lease.sop_uid) {
        return Err(Error::Head(dicom::Error::Malformed("object: another one's bytes")));
    }
    if lease.form == HeadForm::Corrected {
        return corrections::as_stored(lease, stored_head);
    }
    if let Some(corrections) = &lease.corrections {
        corrections::lay_over(&mut head, corrections);
    }
    let deidentified = match &lease.words {
        WordsPlan::Full => false,
        WordsPlan::Pseudonymous { project_key } => {
            privacy::deidentify(&mut head.object, project_key)?;
            true
        }
    };
    derive(lease, &mut head, deidentified)?;
    let attributes = level_attributes(&head);
    let bytes = match &lease.form {
        HeadForm::File => {
            let image = lease.image.as_ref().map(decoded);
            let image = image.ok_or(Error::Unsupported("a file without pixels that can be decoded"))?;
            part10(&mut head, Some(native_len(&image)?))?
        }
        HeadForm::Coded => coded(&mut head, lease)?,
        HeadForm::Stored(len) => part10(&mut head, *len)?,
        HeadForm::Corrected => return Err(Error::Lease("a corrected head is the stored one")),
        HeadForm::Json { bulk, pixels } => json(&head, bulk, *pixels)?,
        HeadForm::Placement => placement(&head, lease)?,
        HeadForm::Value { path } => dicom::json::value_at(&head.object, path).ok_or(Error::Absent)?,
    };
    Ok((Outcome::Head { len: bytes.len() as u64, attributes }, bytes))
}

/// Declares what happened to pixels, words and identity.
fn derive(lease: &HeadLease, head: &mut Head, deidentified: bool) -> Result<()> {
    let coded = lease.form == HeadForm::Coded;
    let image = lease.image.as_ref().map(|image| if coded { image.clone() } else { decoded(image) });
    let file = coded || lease.form == HeadForm::File;
    if matches!(lease.form, HeadForm::Stored(_)) && (lease.masked || deidentified) {
        return Err(Error::Lease("stored pixels after a header that was changed"));
    }
    // Metadata describes the pixels as they leave as well: frames of a masked grant are native samples.
    let derivation = Derivation {
        image: image.as_ref().filter(|_| file || lease.masked),
        instance: lease.derived_uid.as_ref().filter(|_| file),
        masked: lease.masked,
        deidentified,
        ..Derivation::default()
    };
    if file || lease.masked {
        privacy::derive(&mut head.object, &derivation)?;
    }
    Ok(())
}

/// Bytes of all frames as the decoder gives them. The value length has 32 bits, all ones mean fragments (PS3.5 §7.1).
pub fn native_len(image: &ImageInfo) -> Result<u64> {
    let frame = image.frame_bytes().ok_or(TOO_LARGE)?;
    (frame as u64).checked_mul(image.frames.into()).ok_or(TOO_LARGE)
}

/// A head before fragments in the stored transfer syntax.
fn coded(head: &mut Head, lease: &HeadLease) -> Result<Vec<u8>> {
    let image = lease.image.as_ref().filter(|_| lease.masked);
    let image = image.ok_or(Error::Lease("a coded file without a mask"))?;
    head.meta.transfer_syntax = image.transfer_syntax.as_str().to_owned();
    let mut out = write_head(head)?;
    out.extend(pixel_data_header(PixelLength::Encapsulated));
    Ok(out)
}

pub fn part10(head: &mut Head, pixels: Option<u64>) -> Result<Vec<u8>> {
    head.meta.transfer_syntax = EXPLICIT_LITTLE_ENDIAN.to_owned();
    let mut out = write_head(head)?;
    if let Some(pixels) = pixels {
        let len = u32::try_from(pixels).ok().filter(|len| *len < u32::MAX - 1).ok_or(TOO_LARGE)?;
        out.extend(pixel_data_header(PixelLength::Native(len)));
    }
    Ok(out)
}

fn placement(head: &Head, lease: &HeadLease) -> Result<Vec<u8>> {
    let frames = lease.image.as_ref().map_or(1, |image| image.frames);
    let placement = dicom::placement(&head.object, frames);
    serde_json::to_vec(&placement).map_err(|_| Error::Head(dicom::Error::Unreadable))
}

fn json(head: &Head, bulk: &str, pixels: Option<[u8; 2]>) -> Result<Vec<u8>> {
    let unreadable = Error::Head(dicom::Error::Unreadable);
    let mut value = dicom::json::from_object(&head.object, Some(bulk));
    if let (Some(vr), Some(object)) = (pixels, value.as_object_mut()) {
        let vr = String::from_utf8_lossy(&vr);
        let named = serde_json::json!({ "vr": vr, "BulkDataURI": format!("{bulk}{PIXEL_DATA}") });
        object.insert(PIXEL_DATA.to_owned(), named);
    }
    serde_json::to_vec(&value).map_err(|_| unreadable)
}

/// The image as its frames come back from the decoder: samples from bit 0 on, pixel by pixel.
pub fn decoded(image: &ImageInfo) -> ImageInfo {
    let photometric = codec::decoded_photometric(image);
    ImageInfo { photometric, planar: false, high_bit: image.bits_stored.saturating_sub(1), ..image.clone() }
}

fn text(head: &Head, tag: Tag) -> String {
    head.object
        .get(dicom::json::tag(tag))
        .and_then(|e| e.to_str().ok())
        .map(|t| t.into_owned())
        .unwrap_or_default()
}

/// What the index would keep of this head.
fn level_attributes(head: &Head) -> Attributes {
    let mut out = Attributes::new();
    for tag in [tags::PATIENT, tags::STUDY, tags::SERIES, tags::INSTANCE].into_iter().flatten() {
        let Some(element) = head.object.get(dicom::json::tag(*tag)) else { continue };
        let Ok(texts) = element.to_multi_str() else { continue };
        let texts = texts.iter().map(|t| t.trim_end_matches([' ', '\0']).to_owned());
        out.set(*tag, element.vr().to_bytes(), texts.filter(|t| !t.is_empty()));
    }
    out
}

#[cfg(test)]
mod tests;
