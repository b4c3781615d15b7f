use super::*;
use crate::segmentation::{Packer, head};
use model::{Attributes, Greys, MaskPlanes, MaskedImage, Photometric, RegionKind, Time};

/// Two images of 3 × 5 pixels: one kind on the first, two on the second's second frame.
fn sheet() -> MaskPlanes {
    let uid = |text: &str| text.parse().unwrap();
    let greys =
        Greys { photometric: Photometric::Monochrome2, rescale: [1.0, 0.0], window: None, inverse: false };
    let image = |name: &str, frames, planes| MaskedImage {
        sop_class: uid("1.2.840.10008.5.1.4.1.1.1.1"),
        sop_uid: uid(name),
        frames,
        placement: None,
        greys,
        planes,
    };
    MaskPlanes {
        words: Attributes::new(),
        study: uid("1.1"),
        series: uid("1.1.1"),
        made_as: [uid("2.25.1"), uid("2.25.2"), uid("2.25.3")],
        made: Time(0),
        rows: 3,
        columns: 5,
        images: vec![
            image("1.1.8", 1, vec![(0, RegionKind::Face)]),
            image("1.1.9", 2, vec![(1, RegionKind::Face), (1, RegionKind::Drawn)]),
        ],
    }
}

const BITS: [u8; 6] = [0b1100_1010, 0b0110_0101, 0xFF, 0x7F, 1, 0x40];

fn file(sheet: &MaskPlanes) -> Vec<u8> {
    let mut packer = Packer::new(15);
    let mut run = packer.push(&BITS);
    run.extend(packer.finish());
    [head(sheet).unwrap(), run].concat()
}

fn read(bytes: &[u8], piece: usize) -> Result<(Brought, Vec<u8>)> {
    let mut reader = Reader::default();
    let mut pieces = bytes.chunks(piece);
    let (brought, mut planes, mut out) = loop {
        match reader.push(pieces.next().ok_or(MaskFault::Unreadable)?)? {
            Some(all) => break all,
            None => continue,
        }
    };
    pieces.for_each(|piece| out.extend(planes.push(piece)));
    planes.finish()?;
    Ok((brought, out))
}

#[test]
fn what_is_written_is_read() {
    let bytes = file(&sheet());
    let uid = |text: &str| text.parse::<Uid>().unwrap();
    let expected = Brought {
        rows: 3,
        columns: 5,
        frames: vec![
            vec![(uid("1.1.8"), None)],
            vec![(uid("1.1.9"), Some(1))],
            vec![(uid("1.1.9"), Some(1))],
        ],
    };
    let len = bytes.len();
    for piece in [1, 7, len] {
        assert_eq!(read(&bytes, piece), Ok((expected.clone(), BITS.to_vec())), "{piece}");
    }
    assert_eq!(read(&bytes[..len - 1], len), Err(MaskFault::Truncated));
    assert_eq!(read(&[&bytes[..], &[0; 64]].concat(), len), Ok((expected, BITS.to_vec())), "what follows");
}

/// Puts other bytes in place of some that are there once or often.
fn with(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = bytes.to_vec();
    let places: Vec<usize> = (0..out.len() - from.len()).filter(|at| out[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| out[at..at + to.len()].copy_from_slice(to));
    out
}

#[test]
fn lies_are_refused() {
    let bytes = file(&sheet());
    let us = |tag: [u8; 4], value: u16| [&tag[..], b"US\x02\x00", &value.to_le_bytes()].concat();
    let (rows, bits) = ([0x28, 0, 0x10, 0], [0x28, 0, 0, 1]);
    let cases = [
        (b"BINARY".to_vec(), b"OTHERS".to_vec(), MaskFault::NoSegmentation),
        (b"1.4.1.1.66.4".to_vec(), b"1.4.1.1.66.3".to_vec(), MaskFault::NoSegmentation),
        (us(rows, 3), us(rows, 4), MaskFault::Truncated),
        (us(rows, 3), us(rows, 0), MaskFault::OtherSize),
        (us(bits, 1), us(bits, 8), MaskFault::Unreadable),
        (b"IS\x02\x003 ".to_vec(), b"IS\x02\x002 ".to_vec(), MaskFault::Unreadable),
        (b"IS\x02\x003 ".to_vec(), b"IS\x02\x000 ".to_vec(), MaskFault::Unreadable),
        (b"IS\x02\x002 ".to_vec(), b"IS\x02\x000 ".to_vec(), MaskFault::NoSuchFrame),
        (b"IS\x02\x002 ".to_vec(), b"IS\x02\x00x ".to_vec(), MaskFault::NoSuchFrame),
        (vec![8, 0, 0x12, 0x21], vec![8, 0, 0x13, 0x21], MaskFault::NoReference),
        (b"1.1.8\0".to_vec(), b"x.1.8\0".to_vec(), MaskFault::NoReference),
        (b"DICM".to_vec(), b"DICN".to_vec(), MaskFault::Unreadable),
    ];
    for (from, to, fault) in cases {
        let lie = with(&bytes, &from, &to);
        assert_eq!(read(&lie, lie.len()), Err(fault), "{}", String::from_utf8_lossy(&to));
    }
    let mut many = sheet();
    let first = many.images[0].clone();
    many.images = vec![MaskedImage { planes: vec![(0, RegionKind::Face); limits::MASK_PLANES + 1], ..first }];
    let head = head(&many).unwrap();
    assert_eq!(read(&head, head.len()), Err(MaskFault::TooMany));
    assert_eq!(read(&vec![0; 4096], 64), Err(MaskFault::Unreadable));
}

/// A frame that is set anywhere is set there: 1 of 255 as well as 255.
#[test]
fn fractions_count_as_set() {
    let mut planes = Planes { joined: Joined::new(3), fractional: true, left: 6, out: 2 };
    assert_eq!([planes.push(&[0, 1]), planes.push(&[255, 0, 0, 128, 9])].concat(), [0b110, 0b100]);
    assert_eq!(planes.finish(), Ok(()));
}

/// Seeded mutations: no panic, whatever comes, and never more planes than it says.
#[test]
fn hostile_bytes_never_panic() {
    let bytes = file(&sheet());
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut below = |n: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) % n as u64) as usize
    };
    for _ in 0..20_000 {
        let mut lie = bytes.clone();
        for _ in 0..1 + below(4) {
            let at = 128 + below(lie.len() - 128);
            match below(4) {
                0 => lie[at] ^= 1 << below(8),
                1 => lie[at] = [0, 0xFF, b'9', b'\\'][below(4)],
                2 => drop(lie.splice(at..at, [0xFF, 0xFE, 0xE0][..1 + below(3)].iter().copied())),
                _ => drop(lie.drain(at..(at + 1 + below(8)).min(lie.len()))),
            }
        }
        if let Ok((brought, planes)) = read(&lie, 1 + below(lie.len())) {
            assert_eq!(planes.len(), brought.frames.len() * plane_bytes(brought.rows, brought.columns));
        }
    }
}

/// Sources that name nothing cost nothing: the first of them ends it.
#[test]
fn a_source_without_a_frame_is_refused() {
    let mut source = InMemDicomObject::new_empty();
    let uid = dicom_core::PrimitiveValue::from("1.1.9");
    source.put(dicom_core::DataElement::new(core_tag(0x0008_1155), dicom_core::VR::UI, uid));
    assert_eq!(refer(&source, &mut Referred::new()), Ok(()));
    source.put(dicom_core::DataElement::empty(core_tag(0x0008_1160), dicom_core::VR::IS));
    assert_eq!(refer(&source, &mut Referred::new()), Err(MaskFault::NoSuchFrame));
}
