use super::{standing, wish};
use crate::context::Context;
use crate::open::{Ask, facts as known};
use crate::testing::{House, facts, image, uid};
use crate::vault::lock;
use model::{Attributes, HoldsFor, Purpose, RegionKind, Role, limits};
use policy::{Action, Grant};
use port::archive::{ShapeOn, Standing, StandingShape};
use port::putright::{self, Act, Answer, PatientNumber};
use port::{Code, Response};

const TRIANGLE: [[f32; 2]; 3] = [[0.1, 0.1], [0.5, 0.1], [0.1, 0.5]];

fn wished(holds_for: HoldsFor, parts: &[RegionKind]) -> Standing {
    Standing { holds_for, parts: parts.to_vec(), shapes: Vec::new() }
}

fn shape(on: ShapeOn, polygon: &[[f32; 2]]) -> Standing {
    let shapes = vec![StandingShape { on, polygon: polygon.to_vec() }];
    Standing { shapes, ..wished(HoldsFor::Related, &[]) }
}

async fn set(house: &House, who: &Context, study: &str, wanted: Standing, version: u64) -> Result<u64, Code> {
    match wish(&house.vault, who, (&uid(study), wanted), version).await {
        Ok(Response::Standing { version, .. }) => Ok(version),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code),
    }
}

/// Two films of A, one of B.
async fn filled() -> House {
    let house = House::new();
    for (study, patient) in [("1.1", "A"), ("1.2", "A"), ("1.3", "B")] {
        let mut film = facts(study, &format!("{study}.9"), patient);
        film.image = Some(image("DX", "1.2.840.10008.5.1.4.1.1.1.1"));
        house
            .store(
                film,
                format!("{}..{}", patient.to_lowercase(), &study[2..]).as_bytes().try_into().unwrap(),
            )
            .await
            .unwrap();
    }
    house
}

/// What a machine that sees all would get of a study.
fn granted(house: &House, study: &str) -> Grant {
    let mut machine = house.context("ws", Role::Device, None);
    machine.standing.sees = "clear".to_owned();
    let study = house.vault.study(&uid(study)).unwrap().unwrap();
    let ask = Ask {
        study: study.record.uid.clone(),
        action: Action::Open,
        purpose: Purpose::Treatment,
        reason: None,
    };
    policy::decide(&house.vault.policies, Action::Open, &known::gather(&house.vault, &machine, &study, &ask))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_holds_for_all_films_and_after_a_restart() {
    let house = filled().await;
    let anna = house.context("anna", Role::Patient, Some("A"));
    let breast = wished(HoldsFor::Everyone, &[RegionKind::Breast, RegionKind::Breast]);
    assert!(!granted(&house, "1.2").hides_drawn(HoldsFor::Everyone));
    assert_eq!(set(&house, &anna, "1.1", breast.clone(), 0).await, Ok(1));
    assert_eq!(set(&house, &anna, "1.2", breast.clone(), 0).await, Err(Code::VersionConflict));
    let mut film = facts("1.4", "1.4.9", "A");
    film.image = Some(image("DX", "1.2.840.10008.5.1.4.1.1.1.1"));
    house.store(film, b"a..4").await.unwrap();
    let house = house.again(|_| ());
    for (study, version) in [("1.1", 1), ("1.2", 1), ("1.4", 1), ("1.3", 0)] {
        let grant = granted(&house, study);
        assert_eq!(
            (grant.mask_version(), grant.hides_drawn(HoldsFor::Everyone)),
            (version, version == 1),
            "{study}"
        );
    }
    let Ok(Response::Standing { version: 1, standing }) = standing(&house.vault, &anna, &uid("1.2")).await
    else {
        panic!("not kept");
    };
    assert_eq!(standing, wished(HoldsFor::Everyone, &[RegionKind::Breast]), "once");
    let told = house.entries("masks-standing");
    assert_eq!(told.len(), 1);
    assert!(told[0].details.contains(&("holds_for".to_owned(), "everyone".to_owned())), "{told:?}");
    // Taken back: a new version all the same, so that what was decided under the old one ends.
    assert_eq!(set(&house, &anna, "1.1", wished(HoldsFor::Related, &[]), 1).await, Ok(2));
    let grant = granted(&house, "1.2");
    assert_eq!((grant.mask_version(), grant.visibility().name().as_str()), (2, "clear"));
}

/// Who, and for whom at most. Whoever has nothing to do with her learns nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_wish() {
    let house = filled().await;
    house.account("treats", Role::Referrer, None);
    tokio::task::block_in_place(|| {
        house.vault.add_relation(crate::NewRelation {
            user: "treats".to_owned(),
            patient: Some((String::new(), "A".to_owned())),
            kind: policy::RelationKind::Visit,
            source: "test".to_owned(),
            end: None,
        })
    })
    .unwrap();
    let cases = [
        ("berta", Role::Patient, Some("B"), HoldsFor::Related, Err(Code::NotFound)),
        ("stranger", Role::Referrer, None, HoldsFor::Related, Err(Code::NotFound)),
        ("makes", Role::Technologist, None, HoldsFor::Related, Err(Code::NotAllowed)),
        ("runs", Role::Admin, None, HoldsFor::Related, Err(Code::NotAllowed)),
        ("studies", Role::Researcher, None, HoldsFor::Related, Err(Code::NotAllowed)),
        ("treats", Role::Referrer, None, HoldsFor::Everyone, Err(Code::NotAllowed)),
        ("officer", Role::Officer, None, HoldsFor::Everyone, Err(Code::NotAllowed)),
        ("treats", Role::Referrer, None, HoldsFor::Related, Ok(1)),
        ("officer", Role::Officer, None, HoldsFor::Strangers, Ok(2)),
        ("anna", Role::Patient, Some("A"), HoldsFor::Everyone, Ok(3)),
    ];
    for (user, role, patient, holds_for, expected) in cases {
        let who = house.context(user, role, patient);
        let version = lock(&house.vault.wishes).values().map(|record| record.version).max().unwrap_or(0);
        let wanted = wished(holds_for, &[RegionKind::Face]);
        assert_eq!(set(&house, &who, "1.1", wanted, version).await, expected, "{user} {holds_for:?}");
    }
    // Each has its own; nobody replaced another's.
    let of: Vec<usize> = lock(&house.vault.wishes).values().map(|record| record.of.len()).collect();
    assert_eq!(of, [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_recorded() {
    let house = filled().await;
    let anna = house.context("anna", Role::Patient, Some("A"));
    let film = || ShapeOn::ViewOf(uid("1.1.9"));
    let with = |x: f32| [[0.1, 0.1], [0.5, 0.1], [x, 0.5]];
    let word = "x".repeat(65);
    let cases = [
        (wished(HoldsFor::Related, &[RegionKind::Text]), Code::BadRequest),
        (wished(HoldsFor::Related, &[RegionKind::Marker]), Code::BadRequest),
        (shape(ShapeOn::ViewOf(uid("1.3.9")), &TRIANGLE), Code::BadRequest),
        (shape(ShapeOn::SeriesOf(uid("1.7.9")), &TRIANGLE), Code::BadRequest),
        (shape(film(), &TRIANGLE[..2]), Code::BadRequest),
        (shape(film(), &with(f32::NAN)), Code::BadRequest),
        (shape(film(), &with(1.5)), Code::BadRequest),
        (shape(film(), &[[0.1, 0.1], [0.5, 0.1], [0.3, 0.1]]), Code::BadRequest),
        (shape(film(), &[[0.1, 0.1]].repeat(limits::POLYGON_CORNERS + 1)), Code::BadRequest),
        (shape(ShapeOn::View([word, String::new(), String::new()]), &TRIANGLE), Code::TooLarge),
        (wished(HoldsFor::Related, &[RegionKind::Face].repeat(limits::REGIONS + 1)), Code::TooLarge),
    ];
    for (n, (wanted, code)) in (1..).zip(cases) {
        assert_eq!(set(&house, &anna, "1.1", wanted.clone(), 0).await, Err(code), "{wanted:?}");
        assert_eq!(house.entries("mask-refused").len(), n);
    }
    let heavy = TRIANGLE.repeat(limits::POLYGON_CORNERS / 3);
    let shapes = vec![StandingShape { on: film(), polygon: heavy }; 9];
    let wanted = Standing { shapes, ..wished(HoldsFor::Related, &[]) };
    assert_eq!(set(&house, &anna, "1.1", wanted, 0).await, Err(Code::TooLarge), "more than a frame can pay");
    assert_eq!(set(&house, &anna, "1.1", shape(film(), &TRIANGLE), 0).await, Ok(1), "nothing was changed");
}

/// Two numbers are found to be one person: what she wished under either holds for all her films.
#[tokio::test(flavor = "multi_thread")]
async fn wishes_follow_a_merge_and_go_back() {
    let house = filled().await;
    let berta = house.context("berta", Role::Patient, Some("B"));
    set(&house, &berta, "1.3", wished(HoldsFor::Related, &[RegionKind::Face]), 0).await.unwrap();
    let officer = house.context("officer", Role::Officer, None);
    let number = |number: &str| PatientNumber { issuer: String::new(), number: number.to_owned() };
    let act = Act::Merge { from: number("B"), into: number("A"), demographics: Attributes::new() };
    let reason = "one person".to_owned();
    let make = putright::Ask::Make { act, reason: reason.clone(), expect_version: 0 };
    let made = crate::putright::answer(&house.vault, &officer, make).await.unwrap();
    let Response::PutRight(Answer::Done { change, version, .. }) = made else { panic!() };
    for study in ["1.1", "1.2", "1.3"] {
        assert!(granted(&house, study).hides_drawn(HoldsFor::Related), "{study}");
    }
    let back = putright::Ask::Undo { change, reason, expect_version: version };
    crate::putright::answer(&house.vault, &officer, back).await.unwrap();
    for (study, hides) in [("1.1", false), ("1.2", false), ("1.3", true)] {
        assert_eq!(granted(&house, study).hides_drawn(HoldsFor::Related), hides, "{study}");
    }
}
