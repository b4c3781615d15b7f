//! Colour profiles in finished pictures (ICC.1:2022): into JPEG as APP2 (Annex B.4), into PNG as `iCCP` (ISO 15948 §11.3.3.3).

/// Bytes of a profile in one APP2 segment: 65,535 less lengths and the name.
const SEGMENT: usize = 65_519;

/// sRGB (IEC 61966-2-1) as a matrix and a curve, made from the numbers of the standard.
#[must_use]
pub fn srgb() -> Vec<u8> {
    // Primaries adapted to D50, as in the standard's own profile; the curve is `parametricCurveType` 3.
    let curve = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045];
    let para = [b"para\0\0\0\0\0\x03\0\0".to_vec(), curve.iter().flat_map(|v| fixed(*v)).collect()].concat();
    let xyz =
        |x, y, z| [b"XYZ \0\0\0\0".to_vec(), [x, y, z].iter().flat_map(|v| fixed(*v)).collect()].concat();
    let tags: [(&[u8; 4], Vec<u8>); 9] = [
        (b"desc", text("sRGB")),
        (b"cprt", text("CC0")),
        (b"wtpt", xyz(0.9642, 1.0, 0.8249)),
        (b"rXYZ", xyz(0.436_07, 0.222_49, 0.013_92)),
        (b"gXYZ", xyz(0.385_15, 0.716_87, 0.097_08)),
        (b"bXYZ", xyz(0.143_07, 0.060_61, 0.714_10)),
        (b"rTRC", para.clone()),
        (b"gTRC", para.clone()),
        (b"bTRC", para),
    ];
    let mut table = number(tags.len());
    let mut data = Vec::new();
    let start = 128 + 4 + 12 * tags.len();
    for (name, value) in tags {
        table.extend_from_slice(name);
        table.extend(number(start + data.len()));
        table.extend(number(value.len()));
        data.extend_from_slice(&value);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut out = number(start + data.len());
    // No maker, version 4.3, a display's profile from RGB to XYZ, a date, the signature, D50.
    out.extend_from_slice(b"\0\0\0\0\x04\x30\0\0mntrRGB XYZ ");
    out.extend_from_slice(&[0x07, 0xEA, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(b"acsp");
    out.resize(68, 0);
    out.extend([0.9642, 1.0, 0.8249].iter().flat_map(|v| fixed(*v)));
    out.resize(128, 0);
    out.extend(table);
    out.extend(data);
    out
}

/// `s15Fixed16Number`.
fn fixed(value: f64) -> [u8; 4] {
    #[expect(clippy::cast_possible_truncation, reason = "small constants")]
    let value = (value * 65_536.0).round() as i32;
    value.to_be_bytes()
}

fn number(value: usize) -> Vec<u8> {
    u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes().to_vec()
}

/// `multiLocalizedUnicodeType` with one English text.
fn text(text: &str) -> Vec<u8> {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    [b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0CenUS".to_vec(), number(wide.len()), number(28), wide].concat()
}

/// Puts a profile behind the start of a JPEG.
#[must_use]
pub fn in_jpeg(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    let (start, rest) = jpeg.split_at(jpeg.len().min(2));
    let count = profile.chunks(SEGMENT).count();
    let mut out = start.to_vec();
    for (i, piece) in profile.chunks(SEGMENT).enumerate() {
        let len = u16::try_from(piece.len() + 16).unwrap_or(u16::MAX);
        out.extend_from_slice(&[0xFF, 0xE2]);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(b"ICC_PROFILE\0");
        out.extend_from_slice(&[
            u8::try_from(i + 1).unwrap_or(u8::MAX),
            u8::try_from(count).unwrap_or(u8::MAX),
        ]);
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(rest);
    out
}

/// Puts a profile behind the header of a PNG.
#[must_use]
pub fn in_png(png: &[u8], profile: &[u8]) -> Vec<u8> {
    // Signature, then IHDR: length, name, 13 bytes, check.
    let (start, rest) = png.split_at(png.len().min(8 + 25));
    let chunk = [&b"iCCPICC\0\0"[..], &zlib(profile)].concat();
    [start, &number(chunk.len() - 4), &chunk, &crc(&chunk).to_be_bytes(), rest].concat()
}

/// RFC 1950 and 1951 with stored blocks: profiles hardly shrink.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = bytes.chunks(0xFFFF).collect();
    for (i, block) in blocks.iter().enumerate() {
        let len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(i + 1 == blocks.len()));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    out.extend_from_slice(&(b << 16 | a).to_be_bytes());
    out
}

/// CRC-32 of a PNG chunk (ISO 15948 Annex D).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { 0xEDB8_8320 ^ crc >> 1 } else { crc >> 1 },
        )
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_whole() {
        let profile = srgb();
        assert_eq!(profile.len() as u32, u32::from_be_bytes(profile[..4].try_into().unwrap()));
        assert_eq!(&profile[36..40], b"acsp");
        // ICC.1:2022 §4.6: 1.0 is 0x00010000.
        assert_eq!(fixed(1.0), [0, 1, 0, 0]);
        // The standard's own check values.
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        assert_eq!(&zlib(b"Wikipedia")[zlib(b"Wikipedia").len() - 4..], [0x11, 0xE6, 0x03, 0x98]);
    }

    #[test]
    fn pictures_stay_what_they_were() {
        let picture = codec::Picture { rows: 2, columns: 2, samples: 3, data: (0..12).collect() };
        let (png, jpeg) = (codec::png(&picture).unwrap(), codec::jpeg(&picture, 90).unwrap());
        let reader = png::Decoder::new(std::io::Cursor::new(in_png(&png, &srgb()))).read_info().unwrap();
        assert_eq!(reader.info().icc_profile.as_deref(), Some(srgb().as_slice()));
        let with = in_jpeg(&jpeg, &vec![7; SEGMENT + 1]);
        assert_eq!(&with[..4], [0xFF, 0xD8, 0xFF, 0xE2]);
        assert_eq!(with.len(), jpeg.len() + SEGMENT + 1 + 2 * 18);
        assert!(with.ends_with(&jpeg[2..]));
    }
}
