use super::Recoder;
use crate::dimse::{EXPLICIT, IMPLICIT};

/// Bytes by hand from PS3.5 §7.1: tag, VR where explicit, length.
fn explicit() -> Vec<u8> {
    [
        &b"\x08\x00\x05\x00CS\x0A\x00ISO_IR 100"[..],
        b"\x08\x00\x40\x11SQ\x00\x00\x16\x00\x00\x00", // of known length
        b"\xFE\xFF\x00\xE0\x0E\x00\x00\x00",
        b"\x08\x00\x55\x11UI\x06\x001.2.3\x00",
        b"\x09\x00\x10\x00LO\x04\x00ACME",
        b"\x09\x00\x01\x10UN\x00\x00\x04\x00\x00\x00\x01\x02\x03\x04",
        b"\x10\x00\x10\x00PN\x08\x00M\xFCller^A",
        b"\x28\x00\x03\x01US\x02\x00\x01\x00",
        b"\x28\x00\x06\x01SS\x02\x00\xFE\xFF",
        b"\xE0\x7F\x10\x00OW\x00\x00\x08\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08",
    ]
    .concat()
}

/// The same without value representations; the sequence without lengths, as it is written.
fn implicit() -> Vec<u8> {
    [
        &b"\x08\x00\x05\x00\x0A\x00\x00\x00ISO_IR 100"[..],
        b"\x08\x00\x40\x11\xFF\xFF\xFF\xFF",
        b"\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF",
        b"\x08\x00\x55\x11\x06\x00\x00\x001.2.3\x00",
        b"\xFE\xFF\x0D\xE0\x00\x00\x00\x00\xFE\xFF\xDD\xE0\x00\x00\x00\x00",
        b"\x09\x00\x10\x00\x04\x00\x00\x00ACME",
        b"\x09\x00\x01\x10\x04\x00\x00\x00\x01\x02\x03\x04",
        b"\x10\x00\x10\x00\x08\x00\x00\x00M\xFCller^A",
        b"\x28\x00\x03\x01\x02\x00\x00\x00\x01\x00",
        b"\x28\x00\x06\x01\x02\x00\x00\x00\xFE\xFF",
        b"\xE0\x7F\x10\x00\x08\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08",
    ]
    .concat()
}

fn recode(from: &str, to: &str, bytes: &[u8], piece: usize) -> crate::Result<Vec<u8>> {
    let mut recoder = Recoder::new(from, to)?;
    let mut out = Vec::new();
    for piece in bytes.chunks(piece) {
        out.extend(recoder.push(piece)?);
    }
    out.extend(recoder.finish()?);
    Ok(out)
}

#[test]
fn headers_change_and_values_stay() {
    for piece in [1, 7, 64, 1000] {
        assert_eq!(recode(EXPLICIT, IMPLICIT, &explicit(), piece).unwrap(), implicit(), "{piece}");
        let back = recode(IMPLICIT, EXPLICIT, &implicit(), piece).unwrap();
        let expected = explicit();
        // The sequence stays without lengths; all else is as it was.
        let sequence = b"\x08\x00\x40\x11SQ\x00\x00\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF\x08\x00\x55\x11UI\x06\x001.2.3\x00\xFE\xFF\x0D\xE0\x00\x00\x00\x00\xFE\xFF\xDD\xE0\x00\x00\x00\x00";
        assert_eq!(back, [&expected[..18], sequence, &expected[18 + 34..]].concat(), "{piece}");
    }
}

#[test]
fn lengths_of_groups_and_padding_go_and_what_follows_the_pixels_stays() {
    let bytes = [
        &b"\x08\x00\x00\x00\x04\x00\x00\x00\x0E\x00\x00\x00"[..],
        b"\x08\x00\x16\x00\x06\x00\x00\x001.2.3\x00",
        b"\xE0\x7F\x10\x00\x02\x00\x00\x00\x01\x02",
        b"\xFC\xFF\xFC\xFF\x02\x00\x00\x00\x00\x00",
    ]
    .concat();
    let expected =
        [&b"\x08\x00\x16\x00UI\x06\x001.2.3\x00"[..], b"\xE0\x7F\x10\x00OW\x00\x00\x02\x00\x00\x00\x01\x02"]
            .concat();
    assert_eq!(recode(IMPLICIT, EXPLICIT, &bytes, 5).unwrap(), expected);
    let after = [&b"\xE0\x7F\x10\x00\x00\x00\x00\x00"[..], b"\xE1\x7F\x10\x00\x04\x00\x00\x00ACME"].concat();
    let expected =
        [&b"\xE0\x7F\x10\x00OW\x00\x00\x00\x00\x00\x00"[..], b"\xE1\x7F\x10\x00LO\x04\x00ACME"].concat();
    assert_eq!(recode(IMPLICIT, EXPLICIT, &after, 3).unwrap(), expected);
}

#[test]
fn what_is_cut_or_lies_is_refused() {
    let whole = explicit();
    for end in [3, 20, 40, whole.len() - 1] {
        assert!(recode(EXPLICIT, IMPLICIT, &whole[..end], 9).is_err(), "{end}");
    }
    for bad in [
        &b"\x08\x00\x40\x11SQ\x00\x00\x08\x00\x00\x00\xFE\xFF\x00\xE0\xFF\x00\x00\x00"[..],
        b"\x08\x00\x16\x00UI\xFF\xFF1.2",
        b"\xE0\x7F\x10\x00OB\x00\x00\xFF\xFF\xFF\xFF",
    ] {
        assert!(recode(EXPLICIT, IMPLICIT, bad, 9).is_err());
    }
    assert!(Recoder::new(EXPLICIT, "1.2.840.10008.1.2.4.50").is_err());
    let deep = b"\x08\x00\x40\x11SQ\x00\x00\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF".repeat(40);
    assert!(recode(EXPLICIT, IMPLICIT, &deep, 64).is_err());
}

#[test]
fn a_value_that_its_vr_cannot_count_becomes_unknown() {
    let mut bytes = b"\x08\x00\x30\x10".to_vec();
    bytes.extend_from_slice(&65_536u32.to_le_bytes());
    bytes.extend(vec![b'x'; 65_536]);
    let out = recode(IMPLICIT, EXPLICIT, &bytes, 60_000).unwrap();
    assert_eq!(&out[..12], b"\x08\x00\x30\x10UN\x00\x00\x00\x00\x01\x00");
}
