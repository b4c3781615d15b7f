//! What is hidden when nothing was understood.

use model::{ImageInfo, Region, RegionKind};

const SOURCE: &str = "fallback";
/// Side of the field that stays, of the frame's (research §2: "all but a central 40 % box").
const FIELD: f32 = 0.4;

/// Columns and rows.
#[expect(clippy::cast_precision_loss, reason = "sides of a frame are bounded far below 2^24")]
pub fn size(image: &ImageInfo) -> (f32, f32) {
    (image.columns as f32, image.rows as f32)
}

/// The whole frame.
pub fn everything(image: &ImageInfo) -> Region {
    let (columns, rows) = size(image);
    Region::rectangle(RegionKind::Unsure, None, [0.0, 0.0, columns, rows], SOURCE, 0.0)
}

/// All but a central field: four bands.
pub fn around_the_centre(image: &ImageInfo) -> Vec<Region> {
    let (columns, rows) = size(image);
    let edge = (1.0 - FIELD) / 2.0;
    let (left, right) = (columns * edge, columns * (1.0 - edge));
    let (top, bottom) = (rows * edge, rows * (1.0 - edge));
    let bands = [
        [0.0, 0.0, columns, top],
        [0.0, bottom, columns, rows],
        [0.0, top, left, bottom],
        [right, top, columns, bottom],
    ];
    bands.map(|edges| Region::rectangle(RegionKind::Unsure, None, edges, SOURCE, 0.0)).into()
}
