use super::*;

/// What another program (the `jpeg-decoder` crate) reads.
fn read(jpeg: &[u8]) -> (jpeg_decoder::ImageInfo, Vec<u8>) {
    let mut decoder = jpeg_decoder::Decoder::new(jpeg);
    let data = decoder.decode().unwrap();
    (decoder.info().unwrap(), data)
}

fn picture(rows: u32, columns: u32, samples: u8, of: impl Fn(u32, u32, u32) -> u8) -> Picture {
    let (width, samples_) = (columns, u32::from(samples));
    let data =
        (0..rows * width * samples_).map(|n| of(n / samples_ / width, n / samples_ % width, n % samples_));
    Picture { rows, columns, samples, data: data.collect() }
}

/// Numbers that look random and are the same each time.
fn noise(n: u32) -> u8 {
    (n.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519) >> 24) as u8
}

fn largest(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// Every size around whole blocks; the hardest contents: noise, one extreme beside the other, and flat fields.
#[test]
fn at_full_quality_another_decoder_reads_nearly_the_same() {
    let contents: [fn(u32, u32, u32) -> u8; 5] = [
        |y, x, _| noise(y * 7919 + x),
        |y, x, _| if (x + y) % 2 == 0 { 255 } else { 0 },
        |y, x, _| if (y / 4 + x / 2) % 2 == 0 { 0 } else { 255 },
        |y, x, _| ((x * 5 + y * 3) % 256) as u8,
        |y, _, _| if y < 5 { 255 } else { 0 },
    ];
    for (rows, columns) in [(1, 1), (7, 9), (8, 8), (16, 24), (17, 33), (1, 64), (65, 1), (40, 300)] {
        for of in contents {
            let from = picture(rows, columns, 1, of);
            let (info, data) = read(&jpeg(&from, 100).unwrap());
            assert_eq!((u32::from(info.height), u32::from(info.width)), (rows, columns));
            assert!(largest(&from.data, &data) <= 2, "{rows} x {columns}: {}", largest(&from.data, &data));
        }
    }
}

#[test]
fn colours_are_not_subsampled() {
    let from = picture(19, 45, 3, |y, x, c| if (x + c) % 3 == 0 { 230 - y as u8 } else { 20 + 2 * y as u8 });
    let (info, data) = read(&jpeg(&from, 100).unwrap());
    assert_eq!((info.height, info.width, info.pixel_format), (19, 45, jpeg_decoder::PixelFormat::RGB24));
    assert!(largest(&from.data, &data) <= 4, "{}", largest(&from.data, &data));
}

/// The steps of the IJG's library: at quality 50 those of T.81 Annex K, at 85 each of them times 0.3, as its `jquant1` writes.
#[test]
fn quality_is_what_it_is_elsewhere() {
    let from = picture(8, 8, 1, |y, x, _| noise(y * 8 + x));
    let steps = |quality| {
        let bytes = jpeg(&from, quality).unwrap();
        let at = bytes.windows(2).position(|pair| pair == [0xFF, 0xDB]).unwrap();
        bytes[at + 5..at + 11].to_vec()
    };
    assert_eq!(steps(50), [16, 11, 12, 14, 12, 10]);
    assert_eq!(steps(85), [5, 3, 4, 4, 4, 3]);
    assert_eq!(steps(100), [1; 6]);
    assert_eq!(steps(0), steps(1));
    let sizes = [10, 50, 85, 100].map(|quality| jpeg(&from, quality).unwrap().len());
    assert!(sizes.is_sorted() && sizes[0] < sizes[3], "{sizes:?}");
}

/// A smooth field with a fine structure, as a film has: the error stays below a fraction of the steps.
#[test]
fn a_film_loses_little_at_the_usual_quality() {
    let from = picture(256, 256, 1, |y, x, _| {
        let (x, y) = (f64::from(x), f64::from(y));
        (120.0 + 80.0 * (x / 40.0).sin() * (y / 55.0).cos() + 6.0 * (x * 0.9).sin()) as u8
    });
    let bytes = jpeg(&from, 85).unwrap();
    let (_, data) = read(&bytes);
    let error: f64 = from.data.iter().zip(&data).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    assert!((error / 65536.0).sqrt() < 1.6, "{}", (error / 65536.0).sqrt());
    assert!(bytes.len() < 65536 / 4, "{}", bytes.len());
}

#[test]
fn what_is_no_picture_is_refused() {
    let good = picture(4, 4, 1, |_, _, _| 7);
    assert!(jpeg(&Picture { rows: 5, ..good.clone() }, 85).is_err());
    assert!(jpeg(&Picture { samples: 2, ..good.clone() }, 85).is_err());
    assert!(jpeg(&Picture { rows: 0, data: Vec::new(), ..good }, 85).is_err());
    let wide = picture(1, 65_536, 1, |_, _, _| 0);
    assert!(matches!(jpeg(&wide, 85), Err(Error::TooLarge(_))));
    assert!(jpeg(&picture(1, 65_535, 1, |_, _, _| 0), 85).is_ok());
}
