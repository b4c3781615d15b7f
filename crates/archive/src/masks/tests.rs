use super::draw;
use crate::catalog::DrawnRecord;
use crate::context::Context;
use crate::sealing::Kind;
use crate::testing::{House, facts, uid};
use ::model::{ImageInfo, Region, RegionKind, Role, limits};
use port::archive::{DrawnRegion, Redraw};
use port::{Code, Response};

fn region(instance: &str, frame: Option<u32>, polygon: Vec<[f32; 2]>) -> DrawnRegion {
    let kind = RegionKind::Drawn;
    let region = Region { kind, frame, polygon, source: "somebody".to_owned(), confidence: 0.1 };
    DrawnRegion { instance: uid(instance), region }
}

const TRIANGLE: [[f32; 2]; 3] = [[1.0, 1.0], [5.0, 1.0], [1.0, 5.0]];

async fn drawn(house: &House, anna: &Context, regions: Vec<DrawnRegion>, version: u64) -> Result<u64, Code> {
    let change = Redraw { wanted: regions, drop_others: false, expect_version: version };
    match draw(&house.vault, anna, &uid("1.1"), change).await {
        Ok(Response::Masks { version, .. }) => Ok(version),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code),
    }
}

/// One film of 8 × 6 pixels and 2 frames.
async fn filled() -> House {
    let house = House::new();
    let mut film = facts("1.1", "1.1.9", "A");
    film.image = Some(ImageInfo {
        rows: 6,
        columns: 8,
        frames: 2,
        ..crate::testing::image("DX", "1.2.840.10008.5.1.4.1.1.1.1")
    });
    house.store(film, b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "A"), b"a..2").await.unwrap();
    house
}

/// What makes no sense changes nothing, and is an entry each time.
#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_recorded() {
    let house = filled().await;
    let anna = house.context("anna", Role::Patient, Some("A"));
    let with = |x: f32, y: f32| vec![[1.0, 1.0], [5.0, 1.0], [x, y]];
    let cases: Vec<(&str, DrawnRegion)> = vec![
        ("another study's instance", region("1.2.9", None, TRIANGLE.to_vec())),
        ("nobody's instance", region("1.7.9", None, TRIANGLE.to_vec())),
        ("a frame that is not there", region("1.1.9", Some(2), TRIANGLE.to_vec())),
        ("two corners", region("1.1.9", None, TRIANGLE[..2].to_vec())),
        ("no corner", region("1.1.9", None, vec![])),
        ("too many corners", region("1.1.9", None, vec![[1.0, 1.0]; limits::POLYGON_CORNERS + 1])),
        ("not a number", region("1.1.9", None, with(f32::NAN, 2.0))),
        ("not finite", region("1.1.9", None, with(f32::INFINITY, 2.0))),
        ("left of the frame", region("1.1.9", None, with(-0.5, 2.0))),
        ("below the frame", region("1.1.9", None, with(2.0, 6.5))),
        ("a line", region("1.1.9", None, vec![[1.0, 1.0], [5.0, 1.0], [3.0, 1.0]])),
    ];
    for (n, (what, bad)) in (1..).zip(&cases) {
        let good = region("1.1.9", None, TRIANGLE.to_vec());
        let refused = drawn(&house, &anna, vec![good, bad.clone()], 0).await;
        assert_eq!(refused, Err(Code::BadRequest), "{what}");
        assert_eq!(house.entries("mask-refused").len(), n, "{what}");
    }
    let many = vec![region("1.1.9", None, TRIANGLE.to_vec()); limits::REGIONS + 1];
    assert_eq!(drawn(&house, &anna, many, 0).await, Err(Code::TooLarge));
    let long = [[1.0, 1.0], [5.0, 1.0], [1.0, 5.0], [2.0, 2.0]].repeat(limits::POLYGON_CORNERS / 4);
    let heavy = vec![region("1.1.9", None, long); 9];
    assert_eq!(
        drawn(&house, &anna, heavy, 0).await,
        Err(Code::TooLarge),
        "more corners than a frame can pay"
    );
    let kinds = [RegionKind::Text, RegionKind::Marker, RegionKind::Face];
    for kind in kinds {
        let mut other = region("1.1.9", None, TRIANGLE.to_vec());
        other.region.kind = kind;
        assert_eq!(drawn(&house, &anna, vec![other], 0).await, Err(Code::BadRequest), "{kind:?}");
    }
    assert_eq!(house.vault.study(&uid("1.1")).unwrap().unwrap().record.masks.version, 0, "unchanged");
    assert_eq!(house.entries("mask-changed").len(), 0);
}

/// Every version stays, sealed, with who drew it.
#[tokio::test(flavor = "multi_thread")]
async fn versions_are_kept() {
    let house = filled().await;
    let anna = house.context("anna", Role::Patient, Some("A"));
    let whole = region("1.1.9", Some(1), vec![[0.0, 0.0], [8.0, 0.0], [8.0, 6.0], [0.0, 6.0]]);
    assert_eq!(drawn(&house, &anna, vec![region("1.1.9", None, TRIANGLE.to_vec()), whole], 0).await, Ok(1));
    assert_eq!(drawn(&house, &anna, vec![], 0).await, Err(Code::VersionConflict));
    assert_eq!(drawn(&house, &anna, vec![], 1).await, Ok(2));
    let house = house.again(|_| ());
    let mut kept = Vec::new();
    house
        .vault
        .store
        .each_row(&[Kind::Drawn as u8], &mut |row| {
            kept.push(house.vault.sealing.open_row::<DrawnRecord>(&row).unwrap());
        })
        .unwrap();
    kept.sort_by_key(|record| record.masks.version);
    let told: Vec<_> = kept.iter().map(|r| (r.masks.version, r.masks.regions.len(), r.by.as_str())).collect();
    assert_eq!(told, [(1, 2, "anna"), (2, 0, "anna")]);
    assert!(kept.iter().all(|record| record.role == "patient" && record.study == uid("1.1")));
}

/// The officer takes away what doctors drew, not what the patient did; nobody else takes anything away.
#[tokio::test(flavor = "multi_thread")]
async fn the_officer_takes_away_what_others_drew() {
    let house = filled().await;
    let treats = house.treats("treats", "A");
    let one = || region("1.1.9", None, TRIANGLE.to_vec());
    let anna = house.context("anna", Role::Patient, Some("A"));
    let officer = house.context("officer", Role::Officer, None);
    let share = limits::REGIONS / 4;
    assert_eq!(drawn(&house, &treats, vec![one(); share + 1], 0).await, Err(Code::TooLarge));
    assert_eq!(drawn(&house, &treats, vec![one(); share], 0).await, Ok(1));
    assert_eq!(drawn(&house, &anna, vec![one(); limits::REGIONS], 1).await, Ok(2), "her room is her own");
    let drop = || Redraw { wanted: vec![one()], drop_others: true, expect_version: 2 };
    for who in [&anna, &treats] {
        assert_eq!(draw(&house.vault, who, &uid("1.1"), drop()).await.unwrap_err().code, Code::NotAllowed);
    }
    let done = draw(&house.vault, &officer, &uid("1.1"), drop()).await.unwrap();
    let Response::Masks { version: 3, regions, others, .. } = done else { panic!("{done:?}") };
    assert_eq!((regions.len(), others.len()), (1, limits::REGIONS));
    let said = &house.entries("masks-dropped")[0].details;
    assert!(said.contains(&("dropped".to_owned(), share.to_string())), "{said:?}");
}
