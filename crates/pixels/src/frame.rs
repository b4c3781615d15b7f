//! One frame: Encoded → Decoded → Redacted → Native or Picture. Redaction stands before window, scale and encoder see
//! the pixels (DESIGN.md §2.3), for clear grants too: there is one way through.

use crate::{Error, Result};
use codec::Picture;
use model::{ImageInfo, limits};
use port::Outcome;
use port::pixels::{FrameLease, Output};
use privacy::Redacted;

/// Carries out a frame lease.
///
/// # Errors
/// The frame cannot be decoded within the limits, or the lease asks for a picture of no size. Nothing comes back then.
pub fn frame(lease: &FrameLease, encoded: &[u8]) -> Result<(Outcome, Vec<u8>)> {
    let image = &lease.image;
    let decoded = codec::decode(image, encoded)?;
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
            let picture = shown(&redacted, image, window, side, label);
            let bytes = if png { codec::png(&picture) } else { codec::jpeg(&picture, quality) }?;
            (picture.rows, picture.columns, bytes)
        }
    };
    Ok((Outcome::Frame { plan_digest, rows, columns, len: bytes.len() as u64 }, bytes))
}

fn shown(
    redacted: &Redacted,
    image: &ImageInfo,
    window: Option<(f64, f64)>,
    side: u32,
    label: bool,
) -> Picture {
    let shown = privacy::picture(redacted, image, window, side, label);
    Picture { rows: shown.rows, columns: shown.columns, samples: shown.samples, data: shown.data }
}
