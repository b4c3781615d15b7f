//! Masks as DICOM objects, through the whole door.

use super::fake::{COOKIES, Fake, JSON, get, line, send};
use bytes::Bytes;
use model::{Greys, MaskPlanes, MaskedImage, RegionKind};
use port::archive::BringPlanes;
use port::{Code, Fault, Item, Request, Response, Stream, Trailer};
use std::sync::Arc;

/// Two planes of 3 × 3 pixels.
pub const PLANES: &[u8] = &[0b1010_1010, 1, 0b0101_0101, 0];

/// One image of 3 × 3 pixels, of which two kinds are hidden.
pub fn sheet() -> MaskPlanes {
    let uid = |text: &str| text.parse().unwrap();
    let greys = Greys {
        photometric: model::Photometric::Monochrome2,
        rescale: [1.0, 0.0],
        window: Some((40.0, 400.0)),
        inverse: false,
    };
    let image = MaskedImage {
        sop_class: uid("1.2.840.10008.5.1.4.1.1.1.1"),
        sop_uid: uid("1.2.5"),
        frames: 1,
        placement: None,
        greys,
        planes: vec![(0, RegionKind::Breast), (0, RegionKind::Drawn)],
    };
    MaskPlanes {
        words: line(),
        study: uid("1.2.3"),
        series: uid("1.2.4"),
        made_as: [uid("2.25.1"), uid("2.25.2"), uid("2.25.3")],
        made: model::Time(1_795_507_200_000_000_000),
        rows: 3,
        columns: 3,
        images: vec![image],
    }
}

/// Says how many bytes came, as a version.
pub async fn brought(brought: BringPlanes, mut body: Stream) -> Result<Response, Fault> {
    let mut bytes = Vec::new();
    while let Some(item) = body.next().await? {
        match item {
            Item::Chunk(chunk) => bytes.extend_from_slice(&chunk),
            Item::Trailer(trailer) => match *trailer {
                Trailer::Unread(fault) => return Ok(Response::PlanesRefused(fault)),
                Trailer::Facts(_) => panic!("of an object"),
            },
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bytes.len(), brought.frames.len() * model::plane_bytes(brought.rows, brought.columns));
    let (regions, others) = (Vec::new(), Vec::new());
    Ok(Response::Masks { version: bytes.len() as u64, regions, others, holds_for: model::HoldsFor::Related })
}

const SERIES: &str = "/api/v1/studies/1.2.3/series/1.2.4";

/// The planes by hand: of 9 pixels each, the second begins in the second byte's second bit.
#[tokio::test(flavor = "multi_thread")]
async fn a_segmentation_goes_out() {
    let fake = Arc::new(Fake::default());
    let got = get(&fake, &format!("{SERIES}/segmentation?instance=1.2.5"), &[COOKIES]).await;
    assert_eq!(
        (got.status.as_u16(), got.header("content-type"), got.cut),
        (200, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1", false)
    );
    let Request::MaskPlanes(asked) = fake.last().request else { panic!() };
    assert_eq!((asked.instance.unwrap().as_str(), asked.joined), ("1.2.5", false));
    assert_eq!(got.body.get(got.body.len() - 4..), Some(&[0b1010_1010, 0b1010_1011, 0, 0][..]));
    assert_eq!(got.body.get(got.body.len() - 8..got.body.len() - 4), Some(&[4, 0, 0, 0][..]), "its length");
    let parsed = dicom::read_head(got.body.get(..got.body.len() - 16).unwrap()).unwrap();
    assert_eq!(parsed.meta.media_storage_sop_class_uid(), "1.2.840.10008.5.1.4.1.1.66.4");
    for bad in ["?instance=x", "?instance=1.2.5&instance=1.2.6", "?frame=1"] {
        assert_eq!(get(&fake, &format!("{SERIES}/segmentation{bad}"), &[COOKIES]).await.status, 400, "{bad}");
    }
    let gone = Arc::new(Fake::refusing(Code::NotFound));
    assert_eq!(get(&gone, &format!("{SERIES}/segmentation"), &[COOKIES]).await.status, 404);
}

const FILE: (&str, &str) = ("content-type", "application/dicom");

/// What went out comes in as the same bits, whole or in pieces; what is no segmentation is told to the vault all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_segmentation_comes_in() {
    let fake = Arc::new(Fake::default());
    let uri = format!("{SERIES}/segmentation");
    let file = get(&fake, &uri, &[COOKIES]).await.body;
    for piece in [file.len(), 100, 1] {
        let pieces = file.chunks(piece).map(Bytes::copy_from_slice).collect();
        let got = send(&fake, "POST", &uri, &[COOKIES, FILE], pieces).await;
        assert_eq!(
            (got.status.as_u16(), &got.json()["version"]),
            (200, &PLANES.len().into()),
            "{}",
            got.text()
        );
        let Request::BringPlanes(brought) = fake.last().request else { panic!() };
        assert_eq!((brought.rows, brought.columns, brought.frames.len()), (3, 3, 2));
        assert_eq!((brought.frames[0][0].0.as_str(), brought.frames[0][0].1), ("1.2.5", None));
    }
    for (body, status, reason) in [
        (&file[..file.len() - 4], 400, "truncated"),
        (&file[..400], 400, "unreadable"),
        (&b"no DICOM, nowhere near it"[..], 400, "unreadable"),
        (&[], 400, "unreadable"),
    ] {
        let got = send(&fake, "POST", &uri, &[COOKIES, FILE], vec![Bytes::copy_from_slice(body)]).await;
        assert_eq!(got.status, status);
        assert!(got.json()["detail"].as_str().unwrap().starts_with(reason), "{}", got.text());
        assert!(matches!(fake.last().request, Request::BringPlanes(_)), "recorded");
    }
    let got = send(&fake, "POST", &uri, &[COOKIES, JSON], vec![Bytes::from(file.clone())]).await;
    assert_eq!(got.status, 415);
    let stranger = Arc::new(Fake::refusing(Code::NotFound));
    let got = send(&stranger, "POST", &uri, &[COOKIES, FILE], vec![Bytes::from(file)]).await;
    assert_eq!(got.status, 404);
}

/// One plane of 9 pixels is two bytes of overlay, which end the file (PS3.3 C.9.2).
#[tokio::test(flavor = "multi_thread")]
async fn a_presentation_state_goes_out() {
    let fake = Arc::new(Fake::default());
    let uri = format!("{SERIES}/instances/1.2.5/presentation-state");
    // The fake's two planes are none of one image's shutter.
    assert_eq!(get(&fake, &uri, &[COOKIES]).await.status, 501);
    let Request::MaskPlanes(asked) = fake.last().request else { panic!() };
    assert_eq!((asked.instance.unwrap().as_str(), asked.joined), ("1.2.5", true));
    assert_eq!(get(&fake, &format!("{uri}?instance=1.2.6"), &[COOKIES]).await.status, 400);
    let mut one = sheet();
    one.images[0].planes.truncate(1);
    let head = dicom::shutter::head(&one).unwrap();
    assert!(head.ends_with(&[0, 0x60, 0, 0x30, b'O', b'W', 0, 0, 2, 0, 0, 0]));
    one.images[0].greys.photometric = model::Photometric::Rgb;
    assert!(dicom::shutter::head(&one).is_err(), "colours have other states");
}
