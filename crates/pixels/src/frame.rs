//! One frame: Encoded → Decoded → Redacted → Native or Picture. Redaction stands before window, scale and encoder see
//! the pixels (DESIGN.md §2.3), for clear grants too: there is one way through.

use crate::{Error, Result};
use codec::{Deadline, Picture};
use model::{Frame, ImageInfo, limits};
use port::Outcome;
use port::pixels::{FrameLease, Output};

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
    let decoded = decoded(image, lease.frame, encoded, deadline)?;
    let plan = lease.mask.as_ref().map(|mask| (&*mask.regions, mask.mosaic.as_ref()));
    if plan.is_some_and(|(regions, _)| regions.len() > limits::REGIONS * 2) {
        return Err(Error::Lease("too many regions"));
    }
    let plan_digest = privacy::plan_digest(plan, lease.frame);
    let redacted = privacy::redact(decoded, image, lease.frame, plan);
    let (rows, columns, bytes) = match lease.output {
        Output::Native => (image.rows, image.columns, redacted.into_frame().to_le_bytes()),
        Output::Picture { png, quality, window, side, label } => {
            if side == 0 || side > limits::RENDERED_SIDE {
                return Err(Error::Lease("side of the picture"));
            }
            let tone = dicom::tone(head, image, lease.frame);
            let shown = privacy::picture(&redacted, image, &tone, window, side, label);
            let picture = Picture {
                rows: shown.rows,
                columns: shown.columns,
                samples: shown.samples,
                data: shown.data,
            };
            let bytes = if png { codec::png(&picture) } else { codec::jpeg(&picture, quality) }?;
            (picture.rows, picture.columns, bytes)
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
