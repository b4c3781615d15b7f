//! One frame: Encoded → Decoded → Redacted → Native or Picture. Redaction stands before window, scale and encoder see
//! the pixels (DESIGN.md §2.3), for clear grants too: there is one way through.

use crate::{Error, Result, profile};
use codec::{Deadline, Picture};
use model::{Frame, ImageInfo, Tone, limits};
use port::Outcome;
use port::pixels::{ColourProfile, FrameLease, Output};
use privacy::Redacted;

/// Data sets deflated as a whole: the worker inflates them, nobody before it.
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// Carries out a frame lease. `head` (the stored bytes before the pixel data, or nothing) has a say in how a picture's
/// greys are made, and in nothing else.
///
/// # Errors
/// The frame cannot be decoded within the limits, or the lease asks for a picture of no size. Nothing comes back then.
pub fn frame(
    lease: &FrameLease,
    head: &[u8],
    encoded: &[u8],
    deadline: &Deadline<'_>,
) -> Result<(Outcome, Vec<u8>)> {
    let image = &lease.image;
    let plan = lease.mask.as_ref().map(|mask| (&*mask.regions, mask.mosaic.as_ref()));
    if plan.is_some_and(|(regions, _)| regions.len() > limits::PLANNED_REGIONS) {
        return Err(Error::Lease("too many regions"));
    }
    let plan_digest = privacy::plan_digest(plan, lease.frame);
    let redacted = || -> Result<Redacted> {
        let decoded = decoded(image, lease.frame, encoded, deadline)?;
        Ok(privacy::redact(decoded, image, lease.frame, plan))
    };
    let (rows, columns, bytes) = match &lease.output {
        Output::Native => (image.rows, image.columns, redacted()?.into_frame().to_le_bytes()),
        Output::Coded => {
            let plan = plan.ok_or(Error::Lease("nothing to be painted over"))?;
            let cover = privacy::cover(&crate::head::decoded(image), lease.frame, plan);
            let bytes = codec::edit_jpeg(image, encoded, &|area| cover.over(area), deadline)?;
            (image.rows, image.columns, bytes)
        }
        Output::Picture { picture, label, words, profile } => {
            let redacted = redacted()?;
            let tone = dicom::tone(head, image, lease.frame);
            let shown = shown(&redacted, (image, &tone), picture, *label, words)?;
            let bytes = if picture.png { codec::png(&shown) } else { codec::jpeg(&shown, picture.quality) }?;
            (shown.rows, shown.columns, profiled(bytes, picture.png, shown.samples, profile))
        }
    };
    Ok((Outcome::Frame { plan_digest, rows, columns, len: bytes.len() as u64 }, bytes))
}

/// Decodes one frame (0-based).
///
/// # Errors
/// It cannot be decoded within the limits.
pub fn decoded(image: &ImageInfo, frame: u32, encoded: &[u8], deadline: &Deadline<'_>) -> Result<Frame> {
    if image.transfer_syntax.as_str() == DEFLATED {
        let native = dicom::inflated_frame(encoded, frame)?;
        return Ok(codec::decode_until(image, &native, deadline)?);
    }
    Ok(codec::decode_until(image, encoded, deadline)?)
}

/// The picture with its profile. Colours only: a profile of three channels on one is an error (ICC.1 §7.2.8).
fn profiled(bytes: Vec<u8>, png: bool, samples: u8, profile: &ColourProfile) -> Vec<u8> {
    let profile = match profile {
        ColourProfile::Own(own) if samples == 3 => own.clone(),
        ColourProfile::Srgb if samples == 3 => profile::srgb(),
        _ => return bytes,
    };
    if png { profile::in_png(&bytes, &profile) } else { profile::in_jpeg(&bytes, &profile) }
}

fn shown(
    redacted: &Redacted,
    (image, tone): (&ImageInfo, &Tone),
    picture: &port::archive::Picture,
    label: bool,
    words: &[String],
) -> Result<Picture> {
    let sides = picture.view.size(image.rows, image.columns).ok_or(Error::Lease("part of the picture"))?;
    let room = picture.view.viewport.map_or((1, 1), |v| (v.height, v.width));
    let fits = |side: u32| (1..=limits::RENDERED_SIDE).contains(&side);
    if ![sides.0, sides.1, room.0, room.1].into_iter().all(fits) {
        return Err(Error::Lease("side of the picture"));
    }
    let mut shown = privacy::picture(redacted, image, tone, &picture.view, label);
    privacy::annotate(&mut shown, words);
    Ok(Picture { rows: shown.rows, columns: shown.columns, samples: shown.samples, data: shown.data })
}
