//! Sizes at and above their bounds; headers that contradict their bytes.

use super::*;
use crate::{Error, Picture, decode, decoded_photometric, jpeg, png};
use model::limits;

fn refused(image: &ImageInfo, encoded: &[u8]) -> Error {
    decode(image, encoded).unwrap_err()
}

#[test]
fn frames_above_the_limit_are_not_unpacked() {
    let side = |rows, columns| ImageInfo { rows, columns, ..image(1, 1, 16) };
    assert_eq!(refused(&side(limits::FRAME_SIDE + 1, 1), &[0; 8]), Error::TooLarge("frame"));
    // 16,384 × 16,384 × 2 bytes is the limit; one row more is above it.
    assert_eq!(refused(&side(16_384, 16_384), &[0; 8]), Error::Disagree("length"));
    assert_eq!(refused(&side(16_385, 16_384), &[0; 8]), Error::TooLarge("frame"));
    assert_eq!(refused(&side(0, 5), &[]), Error::TooLarge("frame"));
}

#[test]
fn native_lengths_must_fit() {
    let odd = image(3, 3, 8);
    for (len, fits) in [(8, false), (9, true), (10, true), (11, false)] {
        assert_eq!(decode(&odd, &vec![7; len]).is_ok(), fits, "{len} bytes");
    }
}

#[test]
fn another_size_in_the_codestream_is_refused() {
    for name in [
        "pydicom__MR_small_RLE.dcm",
        "pydicom__MR_small_jp2klossless.dcm",
        "pydicom__JPEG-LL.dcm",
        "pydicom__SC_rgb_dcmtk_+eb+cr.dcm",
    ] {
        let file = vector(name);
        assert!(decode(&file.image, &file.frames[0]).is_ok(), "{name}");
        let wider = ImageInfo { columns: file.image.columns + 1, ..file.image.clone() };
        let huge = ImageInfo { rows: 16_000, columns: 16_000, ..file.image.clone() };
        let other = ImageInfo {
            samples: 4 - file.image.samples,
            photometric: if file.image.samples == 1 { Photometric::Rgb } else { Photometric::Monochrome2 },
            ..file.image.clone()
        };
        for wrong in [wider, huge, other] {
            assert!(decode(&wrong, &file.frames[0]).is_err(), "{name}");
        }
    }
}

/// A codestream that says 65,535 × 65,535 in a header that says 64 × 64 (and the reverse above) reaches no decoder.
#[test]
fn bombs_are_refused_by_their_header() {
    let j2k = vector("pydicom__MR_small_jp2klossless.dcm");
    let mut bomb = j2k.frames[0].clone();
    let siz = bomb.windows(2).position(|w| w == [0xFF, 0x51]).unwrap();
    bomb[siz + 6..siz + 14].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
    assert_eq!(refused(&j2k.image, &bomb), Error::Disagree("size"));
    let mut tiles = j2k.frames[0].clone();
    tiles[siz + 22..siz + 30].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1]);
    assert_eq!(refused(&j2k.image, &tiles), Error::TooLarge("number of tiles, precincts or layers"));
    // A tile may say a coding of its own behind the limits: precincts of one pixel, as many as there are pixels.
    let frame = &j2k.frames[0];
    let tile = frame.windows(2).position(|w| w == [0xFF, 0x90]).unwrap();
    let own = [0xFF, 0x52, 0, 13, 1, 0, 0, 1, 0, 0, 4, 4, 0, 1, 0];
    let mut hidden = frame[..tile + 12].to_vec();
    hidden.extend(own);
    hidden.extend(&frame[tile + 12..]);
    let length = u32::from_be_bytes(hidden[tile + 6..tile + 10].try_into().unwrap());
    if length > 0 {
        hidden[tile + 6..tile + 10].copy_from_slice(&(length + own.len() as u32).to_be_bytes());
    }
    assert_eq!(refused(&j2k.image, &hidden), Error::Unsupported("a coding of its own for one tile"));

    let jpeg = vector("pydicom__SC_rgb_dcmtk_+eb+cr.dcm");
    let mut bomb = jpeg.frames[0].clone();
    let sof = bomb.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    bomb[sof + 5..sof + 9].copy_from_slice(&[0xFF; 4]);
    assert_eq!(refused(&jpeg.image, &bomb), Error::Disagree("size"));

    let rle = vector("pydicom__MR_small_RLE.dcm");
    for count in [1u32, 3, 16, u32::MAX] {
        let mut bomb = rle.frames[0].clone();
        bomb[..4].copy_from_slice(&count.to_le_bytes());
        assert_eq!(refused(&rle.image, &bomb), Error::Disagree("number of segments"));
    }
}

#[test]
fn bits_outside_the_stored_ones_are_gone() {
    let twelve = ImageInfo { bits_stored: 12, high_bit: 11, ..image(1, 2, 16) };
    let encoded = [0xFF, 0xF7, 0x01, 0xA8];
    let frame = decode(&twelve, &encoded).unwrap();
    assert_eq!(frame.data, Samples::U16(vec![0x07FF, 0x0801]));
    let signed = ImageInfo { signed: true, ..twelve.clone() };
    let frame = decode(&signed, &encoded).unwrap();
    assert_eq!(frame.data, Samples::U16(vec![0x07FF, 0xF801]), "the sign is repeated");
    let high = ImageInfo { high_bit: 15, ..twelve.clone() };
    let frame = decode(&high, &encoded).unwrap();
    assert_eq!(frame.data, Samples::U16(vec![0x0F7F, 0x0A80]), "moved down from bit 15");
    let low = ImageInfo { high_bit: 10, ..twelve };
    assert_eq!(refused(&low, &encoded), Error::Disagree("high bit"));
}

#[test]
fn planes_become_pixels() {
    let rgb = ImageInfo { samples: 3, photometric: Photometric::Rgb, planar: true, ..image(1, 2, 8) };
    let frame = decode(&rgb, &[1, 2, 11, 12, 21, 22]).unwrap();
    assert_eq!(small(&frame), [1, 11, 21, 2, 12, 22]);
}

#[test]
fn photometric_follows_from_the_header() {
    let with = |uid: &str, photometric| ImageInfo {
        transfer_syntax: uid.parse().unwrap(),
        photometric,
        ..image(1, 1, 8)
    };
    let (native, jpeg) = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50");
    for (uid, from, to) in [
        (native, Photometric::YbrFull422, Photometric::YbrFull),
        (jpeg, Photometric::YbrFull422, Photometric::Rgb),
        ("1.2.840.10008.1.2.4.90", Photometric::YbrRct, Photometric::Rgb),
        (native, Photometric::PaletteColor, Photometric::PaletteColor),
        (jpeg, Photometric::Monochrome1, Photometric::Monochrome1),
    ] {
        assert_eq!(decoded_photometric(&with(uid, from)), to, "{uid} {from}");
    }
}

#[test]
fn pictures_come_back_from_their_files() {
    let data: Vec<u8> = (0..48).map(|i| i * 5).collect();
    let picture = Picture { rows: 4, columns: 4, samples: 3, data };
    let file = png(&picture).unwrap();
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut back = vec![0; 48];
    reader.next_frame(&mut back).unwrap();
    assert_eq!(back, picture.data);
    let file = jpeg(&Picture { data: vec![200; 48], ..picture.clone() }, 90).unwrap();
    let back = jpeg_decoder::Decoder::new(&*file).decode().unwrap();
    assert!(back.iter().all(|v| v.abs_diff(200) < 3));
    let short = Picture { rows: 5, ..picture };
    assert!(png(&short).is_err() && jpeg(&short, 90).is_err());
}
