//! Streams of libjpeg-turbo's `cjpeg` (`testdata/codec/edit`), decoded by `jpeg-decoder`.

use super::*;
use crate::{Deadline, Error, decode, edit_jpeg};

/// Columns and rows of the pictures; what differs in each pair, and is hidden: left, top, right, bottom.
const SIZE: (u32, u32) = (107, 75);
const HIDDEN: [u32; 4] = [32, 16, 64, 48];
/// Name, samples, and pixels beside the mask that a decoder may mix with what lies under it: it smooths halved colours.
const WAYS: &[(&str, u8, u32)] = &[
    ("grey", 1, 0),
    ("colours", 3, 0),
    ("halved", 3, 2),
    ("quartered", 3, 2),
    ("fitted", 3, 2),
    ("restarts", 3, 2),
    ("rows", 1, 0),
    ("apart", 3, 2),
    ("rgb", 3, 0),
];

fn stream(name: &str, which: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("edit/{name}-{which}.jpg"))).unwrap()
}

fn header(samples: u8) -> ImageInfo {
    let photometric = if samples == 1 { Photometric::Monochrome2 } else { Photometric::YbrFull422 };
    ImageInfo {
        transfer_syntax: "1.2.840.10008.1.2.4.50".parse().unwrap(),
        samples,
        photometric,
        ..image(SIZE.1, SIZE.0, 8)
    }
}

fn meets(a: [u32; 4], b: [u32; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

fn edited(image: &ImageInfo, stream: &[u8], hidden: Option<[u32; 4]>) -> crate::Result<Vec<u8>> {
    let paint = |area: [u32; 4]| hidden.filter(|hidden| meets(area, *hidden)).map(|_| [200, 30, 60]);
    edit_jpeg(image, stream, &paint, &Deadline::never())
}

#[test]
fn without_a_mask_the_picture_stays() {
    for (name, samples, _) in WAYS {
        let (image, stream) = (header(*samples), stream(name, "a"));
        let out = edited(&image, &stream, None).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(decode(&image, &out).unwrap(), decode(&image, &stream).unwrap(), "{name}");
    }
}

/// The strongest word on what is hidden: two pictures that differ there only become one and the same stream, also where the
/// coder had fitted its tables to them.
#[test]
fn nothing_of_what_is_hidden_is_left() {
    for (name, samples, _) in WAYS {
        let [one, other] = ["a", "b"].map(|which| stream(name, which));
        assert_ne!(one, other);
        let [one, other] = [one, other].map(|s| edited(&header(*samples), &s, Some(HIDDEN)).unwrap());
        assert!(one == other, "{name}");
    }
}

#[test]
fn outside_nothing_changes_and_inside_all_is_flat() {
    for (name, samples, margin) in WAYS {
        let (image, stream) = (header(*samples), stream(name, "a"));
        let [before, after] = [stream.clone(), edited(&image, &stream, Some(HIDDEN)).unwrap()]
            .map(|s| small(&decode(&image, &s).unwrap()).to_vec());
        let grown = [HIDDEN[0] - margin, HIDDEN[1] - margin, HIDDEN[2] + margin, HIDDEN[3] + margin];
        let middle = [HIDDEN[0] + margin, HIDDEN[1] + margin, HIDDEN[2] - margin, HIDDEN[3] - margin];
        let n = usize::from(*samples);
        for (at, (before, after)) in before.chunks_exact(n).zip(after.chunks_exact(n)).enumerate() {
            let (x, y) = (at as u32 % SIZE.0, at as u32 / SIZE.0);
            let pixel = [x, y, x + 1, y + 1];
            if !meets(pixel, grown) {
                assert_eq!(before, after, "{name} at {x}, {y}");
            } else if meets(pixel, middle) {
                let far = after.iter().zip([200u8, 30, 60]).any(|(a, b)| a.abs_diff(b) > 12);
                assert!(!far, "{name} at {x}, {y}: {after:?}");
            }
        }
    }
}

#[test]
fn twelve_bits_are_edited_too() {
    let file = vector("made__ext12.dcm");
    let half = |area: [u32; 4]| (area[1] < file.image.rows / 2).then_some([1000, 0, 0]);
    let out = edit_jpeg(&file.image, &file.frames[0], &half, &Deadline::never()).unwrap();
    let [before, after] = [&file.frames[0], &out].map(|s| decode(&file.image, s).unwrap());
    let (Samples::U16(before), Samples::U16(after)) = (before.data, after.data) else {
        panic!("not 16 bits")
    };
    let edge = file.image.columns as usize * (file.image.rows as usize / 2).next_multiple_of(8);
    assert_eq!(before[edge..], after[edge..]);
    assert!(after[..edge - 8 * file.image.columns as usize].iter().all(|v| v.abs_diff(1000) <= 8));
}

/// Small copies in application data, words in comments, bytes behind the end (ISO 10918-1 B.2.4.5, B.2.4.6).
#[test]
fn what_stands_beside_the_picture_goes() {
    let (image, stream) = (header(1), stream("grey", "a"));
    let (start, rest) = stream.split_at(2);
    let beside = b"\xFF\xE1\x00\x0AEXIF-Doe\xFF\xFE\x00\x06Jane\xFF\xED\x00\x05IPT";
    let loud = [start, beside, rest, b"Doe^Jane"].concat();
    assert_eq!(edited(&image, &loud, Some(HIDDEN)), edited(&image, &stream, Some(HIDDEN)));
    let (jfif, name) = (&rest[..18], b"JFIF");
    assert!(jfif.windows(4).any(|w| w == name), "a JFIF header, whose own small copy goes as well");
    let mut thumb = jfif.to_vec();
    (thumb[3], thumb[16], thumb[17]) = (19, 1, 1);
    let loud = [start, &thumb, b"RGB", &rest[18..]].concat();
    assert_eq!(edited(&image, &loud, Some(HIDDEN)), edited(&image, &stream, Some(HIDDEN)));
}

#[test]
fn what_cannot_be_edited_is_refused() {
    let (image, stream) = (header(1), stream("grey", "a"));
    let signed = ImageInfo { signed: true, ..image.clone() };
    assert!(matches!(edited(&signed, &stream, None), Err(Error::Unsupported(_))));
    let taller = ImageInfo { rows: image.rows + 1, ..image.clone() };
    assert!(matches!(edited(&taller, &stream, None), Err(Error::Disagree(_))));
    let frame = stream.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    let mut progressive = stream.clone();
    progressive[frame + 1] = 0xC2;
    assert!(matches!(edited(&image, &progressive, None), Err(Error::Unsupported(_))));
    for cut in 1..stream.len() - 2 {
        assert!(edited(&image, &stream[..cut], None).is_err(), "{cut}");
    }
}
