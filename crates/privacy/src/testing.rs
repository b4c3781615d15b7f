//! What the tests of this crate share.

use model::{ImageInfo, Photometric};

/// A native grey image of one frame, 8 bits, of which nothing else is said.
pub fn image((rows, columns): (u32, u32), sop_class: &str, modality: &str) -> ImageInfo {
    ImageInfo {
        transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
        sop_class: sop_class.parse().unwrap(),
        rows,
        columns,
        frames: 1,
        samples: 1,
        photometric: Photometric::Monochrome2,
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        signed: false,
        planar: false,
        rescale_slope: 1.0,
        rescale_intercept: 0.0,
        window: None,
        inverse: false,
        spacing: None,
        palette: None,
        modality: modality.to_owned(),
        body_part: String::new(),
        view_position: String::new(),
        image_type: String::new(),
        burned_in: None,
        age_years: None,
        sex: String::new(),
    }
}
