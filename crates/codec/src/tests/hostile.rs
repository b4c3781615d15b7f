//! Mutated frames: whatever they hold, decoding ends, and gives a frame of the header's size or an error.

use super::*;
use crate::decode;

/// Mutated frames tried on each run; about five seconds.
const TRIES: u64 = 4_000;

/// The fuzz target: the first byte chooses the header, the rest is the frame.
fn target(headers: &[ImageInfo], input: &[u8]) {
    let Some((choice, encoded)) = input.split_first() else { return };
    let image = &headers[usize::from(*choice) % headers.len()];
    if let Ok(frame) = decode(image, encoded) {
        assert_eq!(frame.len(), frame.expected_len());
        assert_eq!(Some(bytes_of(&frame).len()), image.frame_bytes());
    }
}

/// SplitMix64 (Steele et al. 2014), seeded: each run tries the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(6) {
        // Most structure is at the start.
        let reach = if random.below(2) == 0 { bytes.len().min(256) } else { bytes.len() };
        let at = random.below(reach);
        match random.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.next() as u8),
            2 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            3 if at < bytes.len() => bytes[at] = [0, 0xFF, 0x7F, 0x80, 1][random.below(5)],
            _ if at < bytes.len() => bytes[at] = random.next() as u8,
            _ => {}
        }
    }
}

#[test]
fn mutated_frames_end_in_a_frame_or_an_error() {
    let names = [
        "pydicom__MR_small_RLE.dcm",
        "pydicom__MR_small_jp2klossless.dcm",
        "pydicom__SC_rgb_dcmtk_+eb+cr.dcm",
        "pydicom__SC_rgb_dcmtk_+eb+cy+s2.dcm",
        "pydicom__liver_deflate.dcm",
        "pydicom__liver_rle.dcm",
        "pydicom__rtdose_rle.dcm",
        "pydicom__emri_small_jpeg_2k_lossless.dcm",
        "pydicom__JPEG2000.dcm",
        "pydicom__JPEG-LL.dcm",
        "made__ls_ct.dcm",
        "made__ls_rgb_sample.dcm",
        "made__ls_rgb_none.dcm",
        "made__ll_p4.dcm",
        "made__ll_rgb.dcm",
        "made__ext12.dcm",
        "made__ht_ct.dcm",
        "made__xl_ct.dcm",
        "made__xl_jpeg_rgb.dcm",
        "made__xl_lossy_rgb.dcm",
        "made__enc_ct.dcm",
    ];
    let files: Vec<File> = names.iter().map(|name| vector(name)).collect();
    let headers: Vec<ImageInfo> = files.iter().map(|f| f.image.clone()).collect();
    let mut random = Random(3);
    for i in 0..TRIES {
        let choice = i as usize % files.len();
        let mut input = files[choice].frames[0].clone();
        mutate(&mut random, &mut input);
        input.insert(0, choice as u8);
        target(&headers, &input);
    }
}
