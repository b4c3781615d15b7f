use super::{standing, wish};
use crate::context::Context;
use crate::masks::WishedRecord;
use crate::open::{Ask, facts as known};
use crate::sealing::Kind;
use crate::testing::{House, facts, image, uid};
use crate::vault::lock;
use model::{Attributes, HoldsFor, Purpose, RegionKind, Role, limits};
use policy::{Action, Grant};
use port::archive::{Redraw, ShapeOn, Standing, StandingShape};
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
    let change = Redraw { wanted, drop_others: false, expect_version: version };
    match wish(&house.vault, who, &uid(study), change).await {
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
    policy::decide(
        &house.vault.rules().policies,
        Action::Open,
        &known::gather(&house.vault, &machine, &study, &ask),
    )
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
    house.treats("treats", "A");
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
    let (change, version) = merged(&house).await;
    for study in ["1.1", "1.2", "1.3"] {
        assert!(granted(&house, study).hides_drawn(HoldsFor::Related), "{study}");
    }
    // What is wished while they are one goes with the film that it was wished of.
    let officer = house.context("officer", Role::Officer, None);
    let Ok(Response::Standing { version: at, .. }) = standing(&house.vault, &officer, &uid("1.1")).await
    else {
        panic!()
    };
    set(&house, &officer, "1.3", wished(HoldsFor::Related, &[RegionKind::Breast]), at).await.unwrap();
    let grant = granted(&house, "1.1").mask_version();
    unmerged(&house, change, version).await;
    for (study, hides) in [("1.1", false), ("1.2", false), ("1.3", true)] {
        assert_eq!(granted(&house, study).hides_drawn(HoldsFor::Related), hides, "{study}");
    }
    assert_ne!(granted(&house, "1.1").mask_version(), grant);
    let of: Vec<_> = lock(&house.vault.wishes).values().map(|record| record.of.len()).collect();
    assert_eq!(of, [2], "both said it of B's film");
}

/// What she wished under two numbers before they were merged she sees and changes as one.
#[tokio::test(flavor = "multi_thread")]
async fn older_wishes_are_changed_where_they_are() {
    use RegionKind::{Abdomen, Breast, Face};
    let house = filled().await;
    let user = |number| house.context("anna", Role::Patient, Some(number));
    set(&house, &user("A"), "1.1", wished(HoldsFor::Related, &[Face, Breast]), 0).await.unwrap();
    set(&house, &user("B"), "1.3", wished(HoldsFor::Everyone, &[Face]), 0).await.unwrap();
    let (change, version) = merged(&house).await;
    let anna = user("A");
    let told = |answer| match answer {
        Ok(Response::Standing { version, standing }) => (version, standing.holds_for, standing.parts),
        other => panic!("{other:?}"),
    };
    let mut before = told(standing(&house.vault, &anna, &uid("1.2")).await);
    before.2.sort_unstable();
    assert_eq!(before, (2, HoldsFor::Everyone, vec![Breast, Face]));
    set(&house, &anna, "1.2", wished(HoldsFor::Strangers, &[Breast, Abdomen]), 2).await.unwrap();
    let house = house.again(|_| ());
    let kept = |number: &str| {
        let anna = house.context("anna", Role::Patient, Some(number));
        let study = uid(if number == "A" { "1.1" } else { "1.3" });
        let vault = std::sync::Arc::clone(&house.vault);
        async move { told(standing(&vault, &anna, &study).await) }
    };
    assert_eq!(kept("A").await, (4, HoldsFor::Strangers, vec![Breast, Abdomen]), "Face is nowhere any more");
    unmerged(&house, change, version).await;
    assert_eq!(kept("A").await, (2, HoldsFor::Strangers, vec![Breast, Abdomen]));
    assert_eq!(kept("B").await, (2, HoldsFor::Strangers, vec![]));
    let mut states = Vec::new();
    let each = &mut |row: store::Row| {
        let said: WishedRecord = house.vault.sealing.open_row(&row).unwrap();
        states.push((said.by, said.state.version, said.state.of.len()));
    };
    house.vault.store.each_row(&[Kind::Wished as u8], each).unwrap();
    states.sort();
    let one = |version| ("anna".to_owned(), version, 1);
    assert_eq!(states, [one(1), one(1), one(2), one(2)], "every state is kept");
}

async fn merged(house: &House) -> (u64, u64) {
    let number = |number: &str| PatientNumber { issuer: String::new(), number: number.to_owned() };
    let act = Act::Merge { from: number("B"), into: number("A"), demographics: Attributes::new() };
    let ask = putright::Ask::Make { act, reason: "one person".to_owned(), expect_version: 0 };
    let officer = house.context("officer", Role::Officer, None);
    match crate::putright::answer(&house.vault, &officer, ask).await.unwrap() {
        Response::PutRight(Answer::Done { change, version, .. }) => (change, version),
        other => panic!("{other:?}"),
    }
}

async fn unmerged(house: &House, change: u64, expect_version: u64) {
    let officer = house.context("officer", Role::Officer, None);
    let ask = putright::Ask::Undo { change, reason: "two persons".to_owned(), expect_version };
    crate::putright::answer(&house.vault, &officer, ask).await.unwrap();
}

/// Nobody uses up the patient's room, one doctor not that of the others; the officer makes room again, but not of hers.
#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_apart() {
    let house = filled().await;
    let film = || ShapeOn::ViewOf(uid("1.1.9"));
    let many = |n: usize| {
        let shapes = vec![StandingShape { on: film(), polygon: TRIANGLE.to_vec() }; n];
        Standing { shapes, ..wished(HoldsFor::Related, &[]) }
    };
    let doctor = |n: usize| house.treats(&format!("doctor-{n}"), "A");
    let share = limits::REGIONS / 4;
    let doctors: Vec<Context> = (1..=5).map(doctor).collect();
    let mut version = 0;
    for (doctor, count, expected) in [
        (&doctors[0], share + 1, false),
        (&doctors[0], share, true),
        (&doctors[1], share, true),
        (&doctors[2], share, true),
        (&doctors[3], share, true),
        (&doctors[4], 1, false),
    ] {
        let done = set(&house, doctor, "1.1", many(count), version).await;
        assert_eq!(done.is_ok(), expected, "{count} {done:?}");
        version = done.unwrap_or(version);
    }
    let anna = house.context("anna", Role::Patient, Some("A"));
    version = set(&house, &anna, "1.1", many(limits::REGIONS), version).await.unwrap();
    let drop = |wanted| Redraw { wanted, drop_others: true, expect_version: version };
    for who in [&doctors[0], &anna] {
        let refused = wish(&house.vault, who, &uid("1.1"), drop(many(0))).await;
        assert_eq!(refused.unwrap_err().code, Code::NotAllowed);
    }
    let officer = house.context("officer", Role::Officer, None);
    wish(&house.vault, &officer, &uid("1.1"), drop(many(1))).await.unwrap();
    let left: Vec<_> = lock(&house.vault.wishes)
        .values()
        .flat_map(|record| record.of.iter().map(|author| (author.user.clone(), author.wishes.len())))
        .collect();
    let left: Vec<_> = left.iter().filter(|(_, wishes)| *wishes > 0).cloned().collect();
    assert_eq!(left, [("anna".to_owned(), limits::REGIONS), ("officer".to_owned(), 1)]);
    let told = house.entries("masks-dropped");
    assert!(told[0].details.contains(&("dropped".to_owned(), limits::REGIONS.to_string())), "{told:?}");
}

/// Two that fitted become one patient's: she still says what she wishes, and others take away what is too much.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_takes_no_room_from_her() {
    let house = filled().await;
    let officer = house.context("officer", Role::Officer, None);
    let anna = house.context("anna", Role::Patient, Some("A"));
    let many = |film: &str, n: usize, x: f32| {
        let polygon = vec![[0.0, 0.0], [x, 0.0], [0.0, 1.0]];
        let shapes = vec![StandingShape { on: ShapeOn::ViewOf(uid(film)), polygon }; n];
        Standing { shapes, ..wished(HoldsFor::Related, &[]) }
    };
    let share = limits::REGIONS / 4;
    set(&house, &officer, "1.1", many("1.1.9", share, 0.5), 0).await.unwrap();
    set(&house, &officer, "1.3", many("1.3.9", share, 0.7), 0).await.unwrap();
    merged(&house).await;
    let version =
        set(&house, &anna, "1.1", wished(HoldsFor::Everyone, &[RegionKind::Breast]), 2).await.unwrap();
    let both = |a: usize, b: usize| {
        let (mut all, more) = (many("1.1.9", a, 0.5), many("1.1.9", b, 0.7));
        all.shapes.extend(more.shapes);
        all
    };
    assert_eq!(set(&house, &officer, "1.1", both(share + 1, share), version).await, Err(Code::TooLarge));
    assert!(set(&house, &officer, "1.1", both(share, share - 1), version).await.is_ok());
}
