use super::super::draw;
use super::bring;
use crate::context::Context;
use crate::testing::{House, facts, image, uid};
use bytes::Bytes;
use model::{ImageInfo, MaskFault, Referred, Region, RegionKind, Role, Uid, limits};
use port::archive::{BringPlanes, DrawnRegion, Redraw};
use port::{Item, Response, Stream, Trailer};

/// One film of 8 × 6 pixels and 2 frames in series 1.1.1, one of another study.
async fn filled() -> House {
    let house = House::new();
    let mut film = facts("1.1", "1.1.9", "A");
    film.image =
        Some(ImageInfo { rows: 6, columns: 8, frames: 2, ..image("DX", "1.2.840.10008.5.1.4.1.1.1.1") });
    house.store(film, b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "B"), b"b..2").await.unwrap();
    house
}

fn ask(frames: &[&[(&str, Option<u32>)]]) -> BringPlanes {
    let referred =
        |frame: &&[(&str, Option<u32>)]| -> Referred { frame.iter().map(|(u, f)| (uid(u), *f)).collect() };
    BringPlanes {
        study: uid("1.1"),
        series: uid("1.1.1"),
        rows: 6,
        columns: 8,
        frames: frames.iter().map(referred).collect(),
    }
}

fn planes(bytes: &[u8]) -> Stream {
    port::stream::of_bytes(Bytes::copy_from_slice(bytes))
}

/// Rows 1 and 2, columns 2 to 4.
const BOX: [u8; 6] = [0, 0b1_1100, 0b1_1100, 0, 0, 0];

async fn brought(
    house: &House,
    who: &Context,
    ask: BringPlanes,
    body: Stream,
) -> Result<(u64, usize), String> {
    match bring(&house.vault, who, ask, body).await {
        Ok(Response::Masks { version, regions, .. }) => Ok((version, regions.len())),
        Ok(Response::PlanesRefused(fault)) => Err(fault.to_string()),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code.as_str().to_owned()),
    }
}

fn regions(house: &House) -> Vec<(Uid, Region, String)> {
    house.vault.study(&uid("1.1")).unwrap().unwrap().record.masks.regions.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn planes_are_added_to_what_the_caller_drew() {
    let house = filled().await;
    let anna = house.context("anna", Role::Patient, Some("A"));
    let triangle = vec![[5.0, 0.0], [8.0, 0.0], [8.0, 3.0]];
    let region = Region {
        kind: RegionKind::Drawn,
        frame: None,
        polygon: triangle,
        source: String::new(),
        confidence: 1.0,
    };
    let wanted = vec![DrawnRegion { instance: uid("1.1.9"), region }];
    let change = Redraw { wanted, drop_others: false, expect_version: 0 };
    draw(&house.vault, &anna, &uid("1.1"), change).await.unwrap();
    let two = || ask(&[&[("1.1.9", Some(1))], &[("1.1.9", None)]]);
    let empty = [BOX, [0; 6]].concat();
    assert_eq!(brought(&house, &anna, two(), planes(&empty)).await, Ok((2, 2)));
    let new = &regions(&house)[1];
    assert_eq!((new.0.as_str(), new.1.frame, new.2.as_str()), ("1.1.9", Some(1), "anna"));
    assert_eq!(privacy::plane((6, 8), 1, std::slice::from_ref(&new.1), None), BOX, "by hand");
    // The same again is there already; for all frames it is another.
    assert_eq!(brought(&house, &anna, two(), planes(&empty)).await, Ok((3, 2)));
    assert_eq!(brought(&house, &anna, two(), planes(&[BOX, BOX].concat())).await, Ok((4, 3)));
    assert_eq!(house.entries("mask-changed").len(), 4);
    // The officer's are beside hers.
    let officer = house.context("officer", Role::Officer, None);
    assert_eq!(brought(&house, &officer, two(), planes(&empty)).await, Ok((5, 1)));
    assert_eq!(regions(&house).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_and_recorded() {
    let house = filled().await;
    let anna = house.context("anna", Role::Patient, Some("A"));
    let whole = || ask(&[&[("1.1.9", None)]]);
    let unread = || {
        let (sink, stream) = port::stream();
        tokio::spawn(async move {
            sink.send(Item::Chunk(Bytes::from_static(&BOX))).await.unwrap();
            sink.send(Item::Trailer(Box::new(Trailer::Unread(MaskFault::Truncated)))).await.unwrap();
            sink.finish().await.unwrap();
        });
        stream
    };
    let many = vec![&[("1.1.9", None)][..]; limits::MASK_PLANES + 1];
    let cases: Vec<(&str, BringPlanes, Stream)> = vec![
        ("other-image", ask(&[&[("1.2.9", None)]]), planes(&BOX)),
        ("other-image", ask(&[&[("1.1.9", None), ("1.7.9", None)]]), planes(&BOX)),
        ("other-image", BringPlanes { series: uid("1.1.2"), ..whole() }, planes(&BOX)),
        ("other-size", BringPlanes { rows: 7, ..whole() }, planes(&BOX)),
        ("other-size", BringPlanes { rows: 8, columns: 6, ..whole() }, planes(&BOX)),
        ("other-size", BringPlanes { rows: 0, ..whole() }, planes(&[])),
        ("too-many", BringPlanes { rows: u32::MAX, columns: u32::MAX, ..whole() }, planes(&[])),
        ("too-many", ask(&many), planes(&BOX)),
        ("no-reference", ask(&[&[]]), planes(&BOX)),
        ("no-such-frame", ask(&[&[("1.1.9", Some(2))]]), planes(&BOX)),
        ("truncated", whole(), planes(&BOX[..5])),
        ("truncated", whole(), planes(&[BOX, BOX].concat())),
        ("truncated", whole(), planes(&[])),
        ("truncated", whole(), unread()),
        ("empty", whole(), planes(&[0; 6])),
        ("empty", ask(&[]), planes(&[])),
    ];
    for (n, (cause, ask, body)) in (1..).zip(cases) {
        assert_eq!(brought(&house, &anna, ask, body).await, Err(cause.to_owned()), "{n}");
        let told = house.entries("mask-refused");
        assert_eq!(told.len(), n);
        assert!(told.iter().any(|entry| entry.details.contains(&("cause".to_owned(), cause.to_owned()))));
    }
    let (sink, cut) = port::stream();
    drop(sink);
    assert_eq!(brought(&house, &anna, whole(), cut).await, Err("cut".to_owned()));
    assert!(regions(&house).is_empty(), "nothing was changed");
    assert_eq!(brought(&house, &anna, whole(), planes(&BOX)).await, Ok((1, 1)));
    let berta = house.context("berta", Role::Patient, Some("B"));
    assert_eq!(brought(&house, &berta, whole(), planes(&BOX)).await, Err("not-found".to_owned()));
    let technologist = house.context("makes", Role::Technologist, None);
    assert_eq!(brought(&house, &technologist, whole(), planes(&BOX)).await, Err("not-allowed".to_owned()));
}
