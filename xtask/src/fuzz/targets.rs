//! The targets: parsers and decoders that meet bytes of strangers.

use dicom::Intake;
use dicom::dimse::{Association, Event, Options};
use dicom::query::Level;
use model::ImageInfo;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// One target.
pub struct Target {
    /// As on the command line, and the folder of its corpus.
    pub name: &'static str,
    /// Must return, whatever it is given.
    pub run: fn(&[u8]),
    /// Inputs made from `testdata/`.
    pub(super) seeds: fn(&Path) -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "pdu", run: pdu, seeds: none },
    Target { name: "data-set", run: data_set, seeds: files },
    Target { name: "query", run: query, seeds: none },
    Target { name: "multipart", run: multipart, seeds: none },
    Target { name: "hl7", run: hl7, seeds: none },
    Target { name: "segmentation", run: segmentation, seeds: none },
    Target { name: "native", run: frame, seeds: |_| frames(NATIVE) },
    Target { name: "rle", run: frame, seeds: |_| frames(RLE) },
    Target { name: "deflated", run: frame, seeds: |_| frames(DEFLATED) },
    Target { name: "jpeg", run: frame, seeds: |_| frames(JPEG) },
    Target { name: "jpeg-12", run: frame, seeds: |_| frames(JPEG_12) },
    Target { name: "jpeg-lossless", run: frame, seeds: |_| frames(JPEG_LOSSLESS) },
    Target { name: "jpeg-ls", run: frame, seeds: |_| frames(JPEG_LS) },
    Target { name: "jpeg-2000", run: frame, seeds: |_| frames(JPEG_2000) },
    Target { name: "htj2k", run: frame, seeds: |_| frames(HTJ2K) },
    Target { name: "jpeg-xl", run: frame, seeds: |_| frames(JPEG_XL) },
];

const NATIVE: &[&str] =
    &["pydicom__MR_small_bigendian", "pydicom__ExplVR_BigEnd", "made__enc_ct", "pydicom__rtdose"];
const RLE: &[&str] = &[
    "pydicom__MR_small_RLE",
    "pydicom__SC_rgb_rle_16bit_2frame",
    "pydicom__rtdose_rle",
    "pydicom__liver_rle",
];
const DEFLATED: &[&str] = &["pydicom__liver_deflate"];
const JPEG: &[&str] = &["pydicom__SC_rgb_dcmtk_+eb+cr", "pydicom__SC_rgb_dcmtk_+eb+cy+s2"];
const JPEG_12: &[&str] = &["made__ext12"];
const JPEG_LOSSLESS: &[&str] =
    &["made__ll_p2", "made__ll_p4", "made__ll_p7", "made__ll_rgb", "made__ll_shifted"];
const JPEG_LS: &[&str] =
    &["made__ls_ct", "made__ls_rgb_line", "made__ls_rgb_sample", "made__ls_rgb_none", "made__ls_near_rgb"];
const JPEG_2000: &[&str] =
    &["pydicom__MR_small_jp2klossless", "pydicom__emri_small_jpeg_2k_lossless", "pydicom__JPEG2000"];
const HTJ2K: &[&str] = &["made__ht_ct", "made__ht_rgb", "made__ht_lossy_rgb"];
const JPEG_XL: &[&str] = &["made__xl_ct", "made__xl_rgb", "made__xl_jpeg_rgb", "made__xl_lossy_rgb"];

/// Headers that frames are decoded under, by the number before the frame. Only ever longer: kept inputs name a place.
const HEADERS: &[&[&str]] =
    &[NATIVE, RLE, DEFLATED, JPEG, JPEG_12, JPEG_LOSSLESS, JPEG_LS, JPEG_2000, HTJ2K, JPEG_XL];

struct Vector {
    name: &'static str,
    image: ImageInfo,
    first: Vec<u8>,
}

fn vectors() -> &'static [Vector] {
    static ALL: OnceLock<Vec<Vector>> = OnceLock::new();
    ALL.get_or_init(|| {
        HEADERS.iter().flat_map(|names| names.iter()).filter_map(|name| vector(name)).collect()
    })
}

fn vector(name: &'static str) -> Option<Vector> {
    let bytes = std::fs::read(root().join("testdata/codec").join(format!("{name}.dcm"))).ok()?;
    let mut intake = Intake::new();
    intake.push(&bytes).ok()?;
    let facts = intake.finish().ok()?.facts;
    let part = |s: &model::FrameSpan| -> Option<&[u8]> {
        let from = usize::try_from(s.offset).ok()?;
        bytes.get(from..from + usize::try_from(s.len).ok()?)
    };
    let first: Option<Vec<&[u8]>> = facts.frames.first()?.iter().map(part).collect();
    Some(Vector { name, image: facts.image?, first: first?.concat() })
}

/// The repository that it is called in; below `fuzz/` its parent.
fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors()
        .find(|folder| folder.join("testdata/codec").is_dir())
        .map(Path::to_path_buf)
        .unwrap_or(here)
}

fn none(_: &Path) -> Vec<Vec<u8>> {
    Vec::new()
}

/// First frames of these vectors, each behind its place.
fn frames(names: &[&str]) -> Vec<Vec<u8>> {
    let places = (0u8..).zip(vectors());
    let chosen = places.filter(|(_, vector)| names.contains(&vector.name));
    chosen.map(|(place, vector)| [&[place][..], &vector.first].concat()).collect()
}

/// Broken files of other libraries, and a few whole ones.
fn files(root: &Path) -> Vec<Vec<u8>> {
    let small =
        ["pydicom__rtdose_rle", "pydicom__SC_rgb_rle", "made__ls_rgb_none", "highdicom__sm_image_jpegls"];
    let path = |name: &str| root.join("testdata/codec").join(format!("{name}.dcm"));
    let mut all: Vec<Vec<u8>> = small.iter().filter_map(|name| std::fs::read(path(name)).ok()).collect();
    let packed = std::fs::File::open(root.join("testdata/malformed/corpus.tar.gz"));
    let Ok(packed) = packed else { return all };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    for mut entry in archive.entries().into_iter().flatten().flatten() {
        let mut bytes = Vec::new();
        if entry.read_to_end(&mut bytes).is_ok() && bytes.len() < 64 << 10 {
            all.push(bytes);
        }
    }
    all
}

/// An association as a stranger speaks it, in pieces of a size that the input chooses.
pub fn pdu(input: &[u8]) {
    let Some((piece, bytes)) = input.split_first() else { return };
    let options = Options { called_ae: None, private_classes: Vec::new(), services: true, max_pdu: 16 << 10 };
    let mut side = Association::accept(options);
    let mut asked = None;
    for piece in bytes.chunks(usize::from(*piece).max(1) * 16) {
        let Ok(events) = side.push(piece) else { return };
        for event in events {
            match event {
                Event::Command { context, command } if !command.has_data => {
                    side.send(context, &command.response(0));
                }
                Event::Command { context, command } => asked = Some((context, command)),
                Event::DataEnd => {
                    if let Some((context, command)) = asked.take() {
                        side.send(context, &command.response(0));
                    }
                }
                _ => {}
            }
        }
        drop(side.output());
    }
}

/// A Part 10 file through the intake; its head read, shown as JSON, and asked for its greys.
pub fn data_set(input: &[u8]) {
    let mut intake = Intake::of_a_file_that_stays();
    if input.chunks(4099).any(|piece| intake.push(piece).is_err()) {
        return;
    }
    let Ok(parsed) = intake.finish() else { return };
    if let Some(image) = &parsed.facts.image {
        let _ = dicom::tone(&parsed.head, image, 0);
        let _ = dicom::inflated_frame(input, 0);
    }
    if let Ok(head) = dicom::read_head(&parsed.head) {
        let _ = dicom::json::from_object(&head.object, Some("/bulk/"));
        let _ = dicom::write_head(&head);
    }
}

/// A segmentation, in pieces of a size that its second byte chooses: never more planes than its head says.
pub fn segmentation(input: &[u8]) {
    let piece = usize::from(input.get(1).copied().unwrap_or(0)) * 64 + 1;
    let (mut reader, mut pieces) = (dicom::segmentation::Reader::default(), input.chunks(piece));
    let said = pieces.find_map(|piece| reader.push(piece).transpose());
    let Some(Ok((brought, mut planes, first))) = said else { return };
    let rest: usize = pieces.map(|piece| planes.push(piece).len()).sum();
    let most = model::plane_bytes(brought.rows, brought.columns).saturating_mul(brought.frames.len());
    assert!(first.len() + rest <= most, "more planes than frames");
    assert!(planes.finish().is_err() || first.len() + rest == most, "whole, and fewer");
}

/// A query string of QIDO-RS.
pub fn query(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(pairs) = gateway::hostile::query(text) else { return };
    for level in [Level::Study, Level::Series, Level::Instance] {
        let _ = dicom::Query::parse(level, pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    }
}

/// An HL7 message.
pub fn hl7(input: &[u8]) {
    gateway::hostile::hl7(input);
}

/// A multipart body with the boundary `b`, in pieces of a size that the input chooses.
pub fn multipart(input: &[u8]) {
    if let Some((piece, bytes)) = input.split_first() {
        gateway::hostile::multipart("b", bytes.chunks(usize::from(*piece).max(1)));
    }
}

/// A frame under the header that the first byte chooses.
pub fn frame(input: &[u8]) {
    let Some((place, encoded)) = input.split_first() else { return };
    let Some(vector) = vectors().get(usize::from(*place)) else { return };
    if let Ok(frame) = codec::decode(&vector.image, encoded) {
        assert_eq!(frame.len(), frame.expected_len(), "a frame is whole");
    }
    let checkered = |[left, top, ..]: codec::Area| ((left ^ top) & 16 == 0).then_some([200, 30, 60]);
    if let Ok(edited) = codec::edit_jpeg(&vector.image, encoded, &checkered, &codec::Deadline::never()) {
        let again = codec::edit_jpeg(&vector.image, &edited, &|_| None, &codec::Deadline::never());
        assert_eq!(again.as_deref(), Ok(&*edited), "what was edited is read by ourselves, and stays");
    }
}
