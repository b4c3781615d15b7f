//! Slices of nobody knows what: a small body with air on both sides may be a head (or a limb); then all is hidden.

use super::plane::Plane;
use super::text::blobs;
use model::ImageInfo;

/// Heads are narrower, trunks wider (adult head 130–200 mm, thorax 260–500 mm; a child's trunk is hidden too).
const HEAD_MM: f64 = 260.0;
/// Side of the copy that is looked at.
const SIDE: usize = 256;
/// Brighter than the surrounding air by so much is body.
const BODY: u8 = 24;

/// May this slice be of a head? Without spacing: yes.
pub fn may_be(plane: &Plane, image: &ImageInfo) -> bool {
    let Some((down, across)) = image.spacing.filter(|(a, b)| *a > 0.0 && *b > 0.0) else { return true };
    let copy = plane.shrunk(plane.width.min(SIDE), plane.height.min(SIDE));
    let body = blobs::blobs(&copy, &copy, BODY).into_iter().flatten().max_by_key(|b| b.area);
    let Some(body) = body else { return true };
    #[expect(clippy::cast_precision_loss, reason = "pixel counts of a frame")]
    let (wide, tall) = (
        body.width() as f64 * plane.width as f64 / copy.width as f64 * across,
        body.height() as f64 * plane.height as f64 / copy.height as f64 * down,
    );
    wide.max(tall) < HEAD_MM
}
