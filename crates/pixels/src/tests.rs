//! Leases carried out by a pool, directly and through a socket pair.

mod speed;

use super::*;
use dicom::Intake;
use model::{ImageInfo, Region, RegionKind, View, Viewport};
use port::line::{Client, serve_pixels};
use port::pixels::{ColourProfile, FrameLease, Mask, Output};
use port::{Code, Fault, Item, Lease, Outcome, Part, PixelWork, Stream, stream};
use std::path::Path;
use std::sync::Arc;

struct File {
    image: ImageInfo,
    frames: Vec<Vec<u8>>,
}

fn file(name: &str) -> File {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec").join(name);
    let bytes = std::fs::read(path).unwrap();
    let mut intake = Intake::new();
    intake.push(&bytes).unwrap();
    let facts = intake.finish().unwrap().facts;
    let span = |s: &model::FrameSpan| bytes[s.offset as usize..(s.offset + s.len) as usize].to_vec();
    let frames = facts.frames.iter().map(|f| f.iter().flat_map(span).collect()).collect();
    File { image: facts.image.unwrap(), frames }
}

/// What is stored and not decoded: a header that says MPEG-4.
fn video() -> File {
    let file = file("pydicom__MR_small_RLE.dcm");
    let image = ImageInfo { transfer_syntax: "1.2.840.10008.1.2.4.102".parse().unwrap(), ..file.image };
    File { image, ..file }
}

async fn lines() -> Vec<(&'static str, Arc<dyn PixelWork>)> {
    let direct: Arc<dyn PixelWork> = Pool::new(2);
    let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
    tokio::spawn(serve_pixels(theirs, Pool::new(1)));
    let client = Client::<Lease, Outcome>::connect(ours).await.unwrap();
    vec![("direct", direct), ("socket", Arc::new(client))]
}

fn body(bytes: &[u8]) -> Stream {
    stream::of_bytes(bytes.to_vec().into())
}

fn everything(image: &ImageInfo, kind: RegionKind) -> Vec<Region> {
    vec![Region::rectangle(kind, None, [0.0, 0.0, image.columns as f32, image.rows as f32], "test/1", 1.0)]
}

fn lease(image: &ImageInfo, mask: Option<Mask>, output: Output) -> FrameLease {
    FrameLease { image: image.clone(), frame: 0, mask, output }
}

fn picture(png: bool, side: u32) -> Output {
    let view = View { window: None, viewport: Some(Viewport::within(side)) };
    let picture = port::archive::Picture { png, quality: 80, view };
    Output::Picture { picture, label: true, words: Vec::new(), profile: ColourProfile::None }
}

fn examine(file: &File, numbers: &[u32]) -> Stream {
    let (sink, body) = stream();
    let frames: Vec<(u32, Vec<u8>)> =
        numbers.iter().map(|n| (*n, file.frames[(*n as usize - 1) % file.frames.len()].clone())).collect();
    tokio::spawn(async move {
        for (number, bytes) in frames {
            let part = Part {
                media: String::new(),
                transfer_syntax: None,
                instance: None,
                frame: Some(number),
                span: None,
                derived: false,
            };
            sink.send(Item::Part(part)).await?;
            sink.bytes(bytes.into()).await?;
        }
        sink.finish().await
    });
    body
}

#[tokio::test]
async fn frames_come_back_as_leased() {
    let file = file("pydicom__MR_small_RLE.dcm");
    let plain = codec::decode(&file.image, &file.frames[0]).unwrap().to_le_bytes();
    for (name, work) in lines().await {
        let clear = lease(&file.image, None, Output::Native);
        let (outcome, back) = work.work(Lease::Frame(Box::new(clear)), body(&file.frames[0])).await.unwrap();
        assert_eq!(back.collect(1 << 20).await.unwrap(), plain, "{name}");
        let plan_digest = privacy::plan_digest(None, 0);
        assert_eq!(outcome, Outcome::Frame { plan_digest, rows: 64, columns: 64, len: 8192 }, "{name}");

        let regions = everything(&file.image, RegionKind::Face);
        let plan_digest = privacy::plan_digest(Some((&regions, None)), 0);
        let masked = lease(&file.image, Some(Mask { regions, mosaic: None }), Output::Native);
        let (outcome, back) = work.work(Lease::Frame(Box::new(masked)), body(&file.frames[0])).await.unwrap();
        assert_eq!(outcome, Outcome::Frame { plan_digest, rows: 64, columns: 64, len: 8192 }, "{name}");
        let black = i16::MIN.to_le_bytes();
        assert!(back.collect(1 << 20).await.unwrap().chunks(2).all(|v| v == black), "{name}");
    }
}

#[tokio::test]
async fn pictures_come_back_as_leased() {
    let file = file("pydicom__color-pl.dcm");
    for (name, work) in lines().await {
        for png in [true, false] {
            let output = picture(png, 100);
            let lease = lease(&file.image, None, output);
            let (outcome, back) =
                work.work(Lease::Frame(Box::new(lease)), body(&file.frames[0])).await.unwrap();
            let bytes = back.collect(1 << 20).await.unwrap();
            let magic: &[u8] = if png { b"\x89PNG" } else { b"\xFF\xD8\xFF" };
            assert!(bytes.starts_with(magic), "{name}");
            // 120 × 256 with a longer side of 100.
            let Outcome::Frame { rows, columns, len, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!((rows, columns, len), (46, 100, bytes.len() as u64), "{name}");
        }
    }
}

/// A data set deflated as a whole: the worker inflates it, and the frames are those of the same image in plain form.
#[tokio::test]
async fn deflated_data_sets_are_decoded() {
    let (plain, deflated) = (file("pydicom__MR_small_implicit.dcm"), file("made__deflated_mr.dcm"));
    for (name, work) in lines().await {
        let native = |file: &File| Lease::Frame(Box::new(lease(&file.image, None, Output::Native)));
        let (_, a) = work.work(native(&plain), body(&plain.frames[0])).await.unwrap();
        let (_, b) = work.work(native(&deflated), body(&deflated.frames[0])).await.unwrap();
        assert_eq!(a.collect(1 << 20).await.unwrap(), b.collect(1 << 20).await.unwrap(), "{name}");
        let ask = Lease::Examine { image: Box::new(deflated.image.clone()), noise: [5; 32], glance: false };
        let (outcome, _) = work.work(ask, examine(&deflated, &[1])).await.unwrap();
        let Outcome::Examined(examined) = outcome else { panic!("{outcome:?}") };
        assert!(examined.maskable, "{name}");
    }
}

/// The head that comes before a frame says how its greys are made.
#[tokio::test]
async fn a_picture_follows_its_head() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec/pydicom__MR_small_implicit.dcm");
    let mut intake = Intake::new();
    intake.push(&std::fs::read(path).unwrap()).unwrap();
    let head = intake.finish().unwrap().head;
    let mr = file("pydicom__MR_small_implicit.dcm");
    let view = View { window: None, viewport: Some(Viewport::within(64)) };
    let picture = port::archive::Picture { png: true, quality: 80, view };
    let output = Output::Picture { picture, label: false, words: Vec::new(), profile: ColourProfile::None };
    // (0028,1056) SIGMOID, put before the first element of group 5200 or higher: here at the head's end.
    let curved = [&head[..], &[0x28, 0, 0x56, 0x10, 8, 0, 0, 0], b"SIGMOID "].concat();
    for (name, work) in lines().await {
        let mut pictures = Vec::new();
        for head in [&[][..], &head, &curved, b"broken"] {
            let (sink, body) = stream();
            let part = |frame| Part {
                media: String::new(),
                transfer_syntax: None,
                instance: None,
                frame,
                span: None,
                derived: false,
            };
            sink.send(Item::Part(part(None))).await.unwrap();
            sink.bytes(head.to_vec().into()).await.unwrap();
            sink.send(Item::Part(part(Some(1)))).await.unwrap();
            sink.bytes(mr.frames[0].clone().into()).await.unwrap();
            sink.finish().await.unwrap();
            let ask = Lease::Frame(Box::new(lease(&mr.image, None, output.clone())));
            let (_, picture) = work.work(ask, body).await.unwrap();
            pictures.push(picture.collect(1 << 20).await.unwrap());
        }
        assert_eq!(pictures[0], pictures[1], "{name}: nothing but the window is in this head");
        assert_ne!(pictures[0], pictures[2], "{name}: a curve is");
        assert_eq!(pictures[0], pictures[3], "{name}: a broken head has no say");
    }
}

#[tokio::test]
async fn errors_give_nothing_back() {
    let video = video();
    let rle = file("pydicom__MR_small_RLE.dcm");
    let side = |side| picture(true, side);
    let short = &rle.frames[0][..900];
    for (name, work) in lines().await {
        for (image, output, bytes, code) in [
            (&video.image, Output::Native, &video.frames[0][..], Code::Unsupported),
            (&rle.image, Output::Native, short, Code::BadObject),
            (&rle.image, side(0), &rle.frames[0], Code::BadRequest),
            (&rle.image, side(model::limits::RENDERED_SIDE + 1), &rle.frames[0], Code::BadRequest),
        ] {
            let lease = lease(image, None, output);
            let fault = work.work(Lease::Frame(Box::new(lease)), body(bytes)).await.map(|_| ()).unwrap_err();
            assert_eq!(fault.code, code, "{name}");
        }
        let (sink, cut) = stream();
        drop(sink);
        let lease = lease(&rle.image, None, Output::Native);
        let fault = work.work(Lease::Frame(Box::new(lease)), cut).await.map(|_| ()).unwrap_err();
        assert_eq!(fault, Fault::from(Code::Cut), "{name}");
    }
}

#[tokio::test]
async fn layers_are_by_frame() {
    let file = file("pydicom__emri_small_jpeg_2k_lossless.dcm");
    for (name, work) in lines().await {
        let ask = || Lease::Examine { image: Box::new(file.image.clone()), noise: [5; 32], glance: false };
        let seen = |numbers: &[u32]| {
            let (work, body, ask) = (Arc::clone(&work), examine(&file, numbers), ask());
            async move {
                let (outcome, _) = work.work(ask, body).await.unwrap();
                let Outcome::Examined(examined) = outcome else { panic!("{outcome:?}") };
                *examined
            }
        };
        let all = seen(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).await;
        assert!(all.maskable && all.mosaics.len() == 10, "{name}");
        let third = codec::decode(&file.image, &file.frames[2]).unwrap();
        assert_eq!(all.mosaics[2], privacy::mosaic(&third, file.image.spacing, &[5; 32]), "{name}");
        let some = seen(&[1, 4, 7, 10]).await;
        assert!(some.fallback, "{name}: frames that were not shown are hidden");
        assert!(some.maskable && some.mosaics == all.mosaics[..1], "{name}: no frame gets another's cells");
        let none = seen(&[]).await;
        assert!(!none.maskable && none.withheld && none.mosaics.is_empty(), "{name}");
        let beyond = seen(&[1, 11]).await;
        assert!(!beyond.maskable, "{name}: bound plus one");
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_cannot_be_masked() {
    let file = video();
    for (name, work) in lines().await {
        let ask = Lease::Examine { image: Box::new(file.image.clone()), noise: [5; 32], glance: false };
        let (outcome, _) = work.work(ask, examine(&file, &[1])).await.unwrap();
        let Outcome::Examined(examined) = outcome else { panic!("{outcome:?}") };
        assert!(!examined.maskable && examined.withheld && examined.level == 5, "{name}");
    }
}

/// One object whose frames still come does not keep another from being examined.
#[tokio::test]
async fn a_long_object_does_not_hold_up_others() {
    let pool = Pool::new(1);
    let file = file("pydicom__MR_small_RLE.dcm");
    let ask = || Lease::Examine { image: Box::new(file.image.clone()), noise: [5; 32], glance: false };
    let (sink, endless) = stream();
    let (long, ours) = (Arc::clone(&pool), ask());
    let long = tokio::spawn(async move { long.work(ours, endless).await.map(|_| ()) });
    let part = Part {
        media: String::new(),
        transfer_syntax: None,
        instance: None,
        frame: Some(1),
        span: None,
        derived: false,
    };
    sink.send(Item::Part(part)).await.unwrap();
    sink.bytes(file.frames[0].clone().into()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let short = pool.work(ask(), examine(&file, &[1]));
    assert!(tokio::time::timeout(std::time::Duration::from_secs(20), short).await.unwrap().is_ok());
    sink.finish().await.unwrap();
    assert!(long.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_dropped_call_gives_its_place_back() {
    let pool = Pool::new(1);
    let file = file("pydicom__MR_small_RLE.dcm");
    let ask = || Lease::Examine { image: Box::new(file.image.clone()), noise: [5; 32], glance: false };
    for _ in 0..3 {
        // A body that never ends.
        let (_sink, endless) = stream();
        let waiting = pool.work(ask(), endless);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), waiting).await.is_err());
    }
    let answered =
        tokio::time::timeout(std::time::Duration::from_secs(20), pool.work(ask(), examine(&file, &[1])));
    assert!(answered.await.unwrap().is_ok());
}
