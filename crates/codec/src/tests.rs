//! Vectors, bounds and hostile bytes.

mod bounds;
mod edit;
mod hostile;
mod vectors;

use dicom::Intake;
use model::{Frame, ImageInfo, Photometric, Samples};
use std::path::{Path, PathBuf};

/// A file's image and the encoded bytes of its frames.
struct File {
    image: ImageInfo,
    frames: Vec<Vec<u8>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec")
}

/// Reads a file as the product does; nothing when it has no image or its frames cannot be told apart.
fn read(path: &Path) -> Option<File> {
    let bytes = std::fs::read(path).unwrap();
    let mut intake = Intake::of_a_file_that_stays();
    intake.push(&bytes).ok()?;
    let facts = intake.finish().ok()?.facts;
    let span = |s: &model::FrameSpan| bytes[s.offset as usize..(s.offset + s.len) as usize].to_vec();
    let mut frames: Vec<Vec<u8>> = facts.frames.iter().map(|f| f.iter().flat_map(span).collect()).collect();
    if facts.transfer_syntax.as_str() == "1.2.840.10008.1.2.1.99" {
        frames = (0..).map_while(|i| dicom::inflated_frame(&bytes, i).ok()).collect();
    }
    Some(File { image: facts.image?, frames }).filter(|f| !f.frames.is_empty())
}

fn vector(name: &str) -> File {
    read(&folder().join(name)).unwrap_or_else(|| panic!("{name}: no frames"))
}

/// A small image in explicit little endian.
fn image(rows: u32, columns: u32, bits: u8) -> ImageInfo {
    let file = vector("pydicom__MR_small_implicit.dcm");
    ImageInfo {
        transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
        rows,
        columns,
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        photometric: Photometric::Monochrome2,
        ..file.image
    }
}

fn bytes_of(frame: &Frame) -> Vec<u8> {
    frame.to_le_bytes()
}

fn small(frame: &Frame) -> &[u8] {
    let Samples::U8(data) = &frame.data else { panic!("not 8 bits") };
    data
}
