//! JPEG XL (ISO 18181-1; PS3.5 A.4.11 to A.4.13) by `jxl-oxide`.

use super::ratio;
use crate::samples::Raw;
use crate::{Deadline, Error, Result};
use jxl_oxide::image::BitDepth;
use jxl_oxide::{AllocTracker, InitializeResult, JxlImage, JxlThreadPool};
use model::{ImageInfo, Samples};

const BROKEN: Error = Error::Malformed("JPEG XL codestream");
/// A group of 1024 × 1024 pixels may cost a few bytes. The size itself is bounded by the header.
const RATIO: usize = 1 << 20;
/// Grids of 4 bytes for each sample, several at once, and fixed tables.
const WORKING: usize = 24;
const TABLES: usize = 64 << 20;
/// Frames of one picture: layers, patches and references, never an animation.
const FRAMES: usize = 64;
/// The codestream is given in pieces, and the deadline looked at between them.
const PIECE: usize = 64 << 10;

/// Decodes after the image header said the same as the DICOM header.
///
/// Rendering cannot be asked to stop: the limits on size, memory and frames bound its time.
pub fn decode(image: &ImageInfo, encoded: &[u8], deadline: &Deadline<'_>) -> Result<Raw> {
    ratio(image, encoded, RATIO)?;
    let picture = load(image, encoded, deadline)?;
    deadline.check()?;
    let rendered = picture.render_frame(0).map_err(|_| BROKEN)?;
    let buffer = rendered.image_all_channels();
    let samples = usize::from(image.samples);
    let size = (buffer.width(), buffer.height(), buffer.channels());
    if size != (image.columns as usize, image.rows as usize, samples) {
        return Err(Error::Disagree("size"));
    }
    let bits = picture.image_header().metadata.bit_depth.bits_per_sample();
    let most = f32::from(u16::try_from((1u32 << bits.min(16)) - 1).unwrap_or(u16::MAX));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates to 16 bits")]
    let values = buffer.buf().iter().map(|v| (v * most + 0.5).clamp(0.0, most) as u16);
    let data = if image.bits_allocated == 8 {
        Samples::U8(values.map(|v| v.to_le_bytes()[0]).collect())
    } else {
        Samples::U16(values.collect())
    };
    Ok(Raw { data, as_header: false })
}

fn load(image: &ImageInfo, encoded: &[u8], deadline: &Deadline<'_>) -> Result<JxlImage> {
    let memory = image.frame_bytes().unwrap_or(0).saturating_mul(WORKING).saturating_add(TABLES);
    let mut loading = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(memory))
        .build_uninit();
    let mut rest = encoded;
    let mut picture = loop {
        let fed = loading.feed_bytes(piece(rest)).map_err(|_| BROKEN)?;
        rest = rest.get(fed..).filter(|_| fed > 0).ok_or(BROKEN)?;
        match loading.try_init().map_err(|_| BROKEN)? {
            InitializeResult::Initialized(picture) => break picture,
            InitializeResult::NeedMoreData(more) => loading = more,
        }
    };
    check(image, &picture)?;
    while !rest.is_empty() && !picture.is_loading_done() {
        deadline.check()?;
        let fed = picture.feed_bytes(piece(rest)).map_err(|_| BROKEN)?;
        rest = rest.get(fed..).filter(|_| fed > 0).ok_or(BROKEN)?;
        if picture.num_loaded_frames() > FRAMES {
            return Err(Error::TooLarge("number of frames"));
        }
    }
    picture.finalize().map_err(|_| BROKEN)?;
    if picture.is_loading_done() && picture.num_loaded_keyframes() == 1 { Ok(picture) } else { Err(BROKEN) }
}

fn piece(rest: &[u8]) -> &[u8] {
    rest.get(..PIECE).unwrap_or(rest)
}

fn check(image: &ImageInfo, picture: &JxlImage) -> Result<()> {
    let header = picture.image_header();
    let metadata = &header.metadata;
    if (header.size.height, header.size.width) != (image.rows, image.columns) || metadata.orientation != 1 {
        return Err(Error::Disagree("size"));
    }
    let components = if metadata.grayscale() { 1 } else { 3 };
    if image.samples != components || !metadata.ec_info.is_empty() {
        return Err(Error::Disagree("samples per pixel"));
    }
    if metadata.animation.is_some() || metadata.preview.is_some() {
        return Err(Error::Unsupported("an animated JPEG XL"));
    }
    match metadata.bit_depth {
        BitDepth::IntegerSample { bits_per_sample: 1..=16 } if matches!(image.bits_allocated, 8 | 16) => {}
        _ => return Err(Error::Unsupported("this number of bits")),
    }
    if metadata.bit_depth.bits_per_sample() > image.bits_allocated.into() {
        return Err(Error::Disagree("bits"));
    }
    Ok(())
}
