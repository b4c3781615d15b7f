//! Digests computed by another decoder, and values from the test picture's own description.

use super::*;
use crate::{Error, decode, decodes};
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write;

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn all_frames(file: &File) -> crate::Result<Vec<u8>> {
    let mut all = Vec::new();
    for encoded in &file.frames {
        all.extend(bytes_of(&decode(&file.image, encoded)?));
    }
    Ok(all)
}

#[test]
fn lossless_files_decode_to_the_reference() {
    let table = std::fs::read_to_string(folder().join("expected.csv")).unwrap();
    let mut compared = 0;
    for line in table.lines().skip(1) {
        let [name, _, expected] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        if expected == "-" {
            continue;
        }
        let decoded = all_frames(&vector(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(sha256(&decoded), expected, "{name}");
        compared += 1;
    }
    assert!(compared >= 43, "only {compared}");
}

/// The picture of pydicom's SC_rgb family: bars of ten rows; values as its own tests state them.
#[test]
fn colours_come_out_as_red_green_blue() {
    let bars = [[255, 0, 0], [255, 128, 128], [0, 255, 0], [128, 255, 128], [0, 0, 255]];
    for name in
        ["pydicom__SC_rgb_rle.dcm", "pydicom__SC_rgb_dcmtk_+eb+cr.dcm", "pydicom__SC_rgb_dcmtk_+eb+cy+s2.dcm"]
    {
        let file = vector(name);
        let frame = decode(&file.image, &file.frames[0]).unwrap();
        assert_eq!(frame.photometric, Photometric::Rgb, "{name}");
        for (i, bar) in bars.iter().enumerate() {
            let at = ((5 + 10 * i) * 100 + 50) * 3;
            let pixel = &small(&frame)[at..at + 3];
            let far = pixel.iter().zip(bar).any(|(a, b)| i32::from(*a).abs_diff(*b) > 6);
            assert!(!far, "{name} bar {i}: {pixel:?} instead of {bar:?}");
        }
    }
}

#[test]
fn one_bit_frames_agree_in_three_syntaxes() {
    let [native, rle, deflated] =
        ["pydicom__liver_1frame.dcm", "pydicom__liver_rle.dcm", "pydicom__liver_deflate.dcm"].map(vector);
    let native = decode(&native.image, &native.frames[0]).unwrap();
    assert!(small(&native).contains(&1) && small(&native).iter().all(|v| *v < 2));
    assert_eq!(native, decode(&rle.image, &rle.frames[0]).unwrap());
    assert_eq!(native, decode(&deflated.image, &deflated.frames[0]).unwrap());
}

#[test]
fn what_is_not_decoded_is_refused() {
    let loco = vector("pydicom__MR_small_jpeg_ls_lossless.dcm");
    let video = ImageInfo { transfer_syntax: "1.2.840.10008.1.2.4.102".parse().unwrap(), ..loco.image };
    assert!(!decodes(video.transfer_syntax.as_str()));
    assert!(matches!(decode(&video, &loco.frames[0]), Err(Error::Unsupported(_))));
}

/// Largest and mean difference of two frames' samples.
fn differences(a: &Frame, b: &Frame) -> (i64, f64) {
    let values = |frame: &Frame| -> Vec<i64> {
        match &frame.data {
            Samples::U8(data) => data.iter().map(|v| i64::from(*v)).collect(),
            Samples::U16(data) => data.iter().map(|v| i64::from(v.cast_signed())).collect(),
            Samples::U32(data) => data.iter().map(|v| i64::from(*v)).collect(),
        }
    };
    let (a, b) = (values(a), values(b));
    assert_eq!(a.len(), b.len());
    let apart: Vec<i64> = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).collect();
    let sum: i64 = apart.iter().sum();
    (*apart.iter().max().unwrap(), sum as f64 / apart.len() as f64)
}

fn first(name: &str) -> Frame {
    let file = vector(name);
    decode(&file.image, &file.frames[0]).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Inverse transforms may round differently by one (ISO 10918-2 allows it).
#[test]
fn twelve_bits_agree_with_dcmtk() {
    let (most, mean) = differences(&first("made__ext12.dcm"), &first("made__ext12_decoded.dcm"));
    assert!(most <= 1 && mean < 0.1, "{most}, {mean}");
}

/// Lossy vectors are near what they were made of.
#[test]
fn lossy_vectors_are_near_their_source() {
    let source = first("pydicom__ExplVR_BigEnd.dcm");
    for (name, far) in
        [("made__ht_lossy_rgb.dcm", 2.0), ("made__xl_lossy_rgb.dcm", 4.0), ("made__xl_jpeg_rgb.dcm", 8.0)]
    {
        let frame = first(name);
        assert_eq!(frame.photometric, Photometric::Rgb, "{name}");
        let (_, mean) = differences(&frame, &source);
        assert!(mean < far, "{name}: {mean}");
    }
}

/// A deadline that is over ends decoding; one that passes at the n-th look does so there.
#[test]
fn decoding_ends_at_its_deadline() {
    use crate::{Deadline, decode_until};
    let over = |name: &str, after: u32| {
        let file = vector(name);
        let asked = std::cell::Cell::new(0);
        let over = move || {
            asked.set(asked.get() + 1);
            asked.get() > after
        };
        decode_until(&file.image, &file.frames[0], &Deadline::new(&over)).err()
    };
    for name in ["made__ls_ct.dcm", "made__ll_p4.dcm", "made__ext12.dcm"] {
        assert_eq!(over(name, 5), Some(Error::OutOfTime), "{name}");
    }
    for name in [
        "made__xl_ct.dcm",
        "made__ht_ct.dcm",
        "pydicom__liver_deflate.dcm",
        "pydicom__SC_rgb_dcmtk_+eb+cr.dcm",
    ] {
        assert_eq!(over(name, 0), Some(Error::OutOfTime), "{name}");
        assert_eq!(over(name, u32::MAX), None, "{name}");
    }
}

/// All DICOM files of a folder with a manifest of the form of `expected.csv`'s columns, named by `GAUZE_TEST_DATA`.
#[test]
#[ignore = "needs GAUZE_TEST_DATA, a folder with manifest.csv"]
fn a_whole_folder_decodes_to_the_reference() {
    let root = PathBuf::from(std::env::var("GAUZE_TEST_DATA").unwrap());
    let manifest = std::fs::read_to_string(root.join("manifest.csv")).unwrap();
    let mut lines = manifest.lines().map(fields);
    let head = lines.next().unwrap();
    let column = |name: &str| head.iter().position(|c| c == name).unwrap();
    let (file, syntax, digest) = (column("file"), column("transfer_syntax_name"), column("decoded_sha256"));
    let (mut right, mut decoded, mut rest) = (0, 0, Vec::new());
    for row in lines.filter(|row| row[file].ends_with(".dcm") && !row[file].starts_with("malformed")) {
        let Some(image) = read(&root.join(&row[file])) else {
            if !row[digest].is_empty() {
                rest.push(format!("{} ({}): no frames", row[file], row[syntax]));
            }
            continue;
        };
        match all_frames(&image) {
            Ok(bytes) if row[digest].is_empty() => decoded += usize::from(!bytes.is_empty()),
            Ok(bytes) if sha256(&bytes) == row[digest] => right += 1,
            // A baseline DCT stream under the lossless label: decoders may round differently.
            Ok(_) if row[file].ends_with("dcmjs__sample-op.dcm") => decoded += 1,
            Ok(_) => rest.push(format!("{} ({}): other pixels", row[file], row[syntax])),
            Err(error) => rest.push(format!("{} ({}): {error}", row[file], row[syntax])),
        }
    }
    println!("{right} equal to the reference, {decoded} decoded without one, {} others:", rest.len());
    rest.iter().for_each(|line| println!("  {line}"));
    assert!(!rest.iter().any(|line| line.ends_with("other pixels")), "wrong pixels");
}

/// Comma-separated fields, quoted ones with commas inside.
fn fields(line: &str) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().unwrap().push(c),
        }
    }
    out
}
