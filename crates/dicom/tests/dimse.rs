//! The acceptor against bytes laid out by hand from PS3.8 §9.3 and PS3.7 §9.3.5.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use dicom::dimse::{Acceptor, Event, Options};

fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(value.len() as u16).to_be_bytes(), value].concat()
}

fn request() -> Vec<u8> {
    let context =
        [&[1, 0, 0, 0][..], &item(0x30, b"1.2.840.10008.1.1"), &item(0x40, b"1.2.840.10008.1.2")].concat();
    let mut body = [&[0, 1, 0, 0][..], b"GAUZE           ", b"MODALITY        ", &[0; 32]].concat();
    body.extend(
        [item(0x10, b"1.2.840.10008.3.1.1.1"), item(0x20, &context), item(0x50, &item(0x51, &[0, 0, 64, 0]))]
            .concat(),
    );
    [&[1, 0][..], &(body.len() as u32).to_be_bytes(), &body].concat()
}

fn acceptor(called: Option<&str>) -> Acceptor {
    Acceptor::new(Options { called_ae: called.map(str::to_owned), private_classes: false, max_pdu: 1 << 17 })
}

#[test]
fn echo_byte_by_byte_then_release() {
    let put = |e: u8, hi: u8, v: &[u8]| [&[0, 0, e, hi][..], &(v.len() as u32).to_le_bytes(), v].concat();
    let command =
        [put(2, 0, b"1.2.840.10008.1.1\0"), put(0, 1, &[0x30, 0]), put(0x10, 1, &[7, 0]), put(0, 8, &[1, 1])]
            .concat();
    let value = [&(command.len() as u32 + 2).to_be_bytes()[..], &[1, 3], &command].concat();
    let data = [&[4, 0][..], &(value.len() as u32).to_be_bytes(), &value].concat();
    let mut acceptor = acceptor(Some("GAUZE"));
    let mut events = Vec::new();
    for byte in [request(), data, vec![5, 0, 0, 0, 0, 4, 0, 0, 0, 0]].concat() {
        events.extend(acceptor.push(&[byte]).unwrap());
    }
    assert!(
        matches!(&events[..], [Event::Associated { calling, .. }, Event::Echo, Event::Released] if calling == "MODALITY")
    );
    let out = acceptor.output();
    assert_eq!((out[0], &out[out.len() - 10..]), (2, &[6, 0, 0, 0, 0, 4, 0, 0, 0, 0][..]));
    assert!(out.windows(10).any(|w| w == [0, 0, 0, 9, 2, 0, 0, 0, 0, 0]), "status success");
}

#[test]
fn another_called_title_and_a_huge_pdu() {
    let mut other = acceptor(Some("OTHER"));
    assert_eq!(other.push(&request()), Ok(vec![Event::Rejected]));
    assert_eq!(other.output(), [3, 0, 0, 0, 0, 4, 0, 1, 1, 7]);
    let mut huge = acceptor(None);
    assert!(huge.push(&[1, 0, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    assert_eq!(huge.output().first(), Some(&7));
}
