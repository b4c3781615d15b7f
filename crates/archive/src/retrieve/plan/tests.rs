use super::*;
use crate::open::Ask;
use crate::testing::{House, facts, image, uid};
use model::{HoldsFor, Role};
use policy::Action;
use port::archive::{Redraw, Standing};

/// Mammography, photographs and unknown kinds are withheld before anybody looked (DESIGN.md, Recognition); a film is not.
#[test]
fn what_examining_must_withhold_is_withheld_before_it() {
    let private = [
        image("MG", "1.2.840.10008.5.1.4.1.1.1.2"),
        image("XC", "1.2.840.10008.5.1.4.1.1.7"),
        image("MG", "1.2.840.10008.5.1.4.1.1.7"),
        image("ES", "1.2.840.10008.5.1.4.1.1.77.1.1"),
        image("", "1.2.3"),
    ];
    for image in &private {
        assert!(withheld_by_header(image, false, false) && withheld_by_header(image, true, true));
        assert!(!withheld_by_header(image, true, false), "who treats the patient sees that it is there");
    }
    assert!(!withheld_by_header(&image("DX", "1.2.840.10008.5.1.4.1.1.1.1"), false, true));
}

/// What was drawn on a film is hidden on its unprocessed twin, too; not on another view, another size or a slice.
#[test]
fn twins_of_a_film_are_the_same_view() {
    let film = |modality: &str, class: &str, view: &str, rows: u32| ImageInfo {
        rows,
        view_position: view.to_owned(),
        body_part: "CHEST".to_owned(),
        ..image(modality, class)
    };
    const SHOWN: &str = "1.2.840.10008.5.1.4.1.1.1.1";
    const FOR_PROCESSING: &str = "1.2.840.10008.5.1.4.1.1.1.1.1";
    let drawn = film("DX", SHOWN, "PA", 2500);
    for (twin, expected) in [
        (film("DX", FOR_PROCESSING, "PA", 2500), true),
        (film("CR", "1.2.840.10008.5.1.4.1.1.1", "PA", 2500), true),
        (film("DX", SHOWN, "LL", 2500), false),
        (film("DX", SHOWN, "PA", 1250), false),
        (film("CT", "1.2.840.10008.5.1.4.1.1.2", "PA", 2500), false),
    ] {
        assert_eq!(same_view(&drawn, &twin), expected, "{twin:?}");
    }
    let slice = film("CT", "1.2.840.10008.5.1.4.1.1.2", "", 512);
    assert!(!same_view(&slice, &slice.clone()), "a region of one slice says nothing of the next");
}

/// Under an order only what she drew is hidden: an image without it leaves as without a wish. What nobody can look into (a report
/// may hold icons of her films) does so only in a study of which nothing is hidden.
#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_was_drawn_nothing_is_hidden_from_who_reports() {
    const FILM: &str = "1.2.840.10008.5.1.4.1.1.1.1";
    const REPORT: &str = "1.2.840.10008.5.1.4.1.1.88.11";
    const DOCUMENT: &str = "1.2.840.10008.5.1.4.1.1.104.1";
    let house = House::new();
    let objects = [
        ("1.1", FILM, Some("CHEST"), true, "masked"),
        ("1.1", FILM, Some("HAND"), true, "clear"),
        ("1.1", FILM, Some("HAND"), false, "withheld"),
        ("1.1", REPORT, None, false, "withheld"),
        ("1.1", DOCUMENT, None, false, "withheld"),
        ("1.2", FILM, Some("HAND"), true, "clear"),
        ("1.2", REPORT, None, false, "clear"),
        ("1.2", DOCUMENT, None, false, "clear"),
    ];
    for (n, (study, class, body_part, _, _)) in objects.iter().enumerate() {
        let mut object = facts(study, &format!("{study}.{}", n + 1), "A");
        object.sop_class = uid(class);
        object.image = body_part.map(|part| ImageInfo { body_part: part.to_owned(), ..image("DX", class) });
        house.store(object, &[b'a', b'.', b'.', b'0' + n as u8]).await.unwrap();
    }
    let anna = house.context("anna", Role::Patient, Some("A"));
    let wanted = Standing { holds_for: HoldsFor::Everyone, parts: vec![RegionKind::Breast], shapes: vec![] };
    let change = Redraw { wanted, drop_others: false, expect_version: 0 };
    crate::masks::wish(&house.vault, &anna, &uid("1.1"), change).await.unwrap();
    let mut machine = house.context("ws", Role::Device, None);
    machine.standing.sees = "clear".to_owned();
    for name in ["1.1", "1.2"] {
        let mut study = (*house.vault.study(&uid(name)).unwrap().unwrap()).clone();
        let ask =
            Ask { study: uid(name), action: Action::Open, purpose: model::Purpose::Treatment, reason: None };
        let known = crate::open::facts::gather(&house.vault, &machine, &study, &ask);
        let grant = policy::decide(&house.vault.rules().policies, Action::Open, &known).unwrap();
        assert_eq!((grant.hide(), grant.visibility()), (Hide::Drawn, Visibility::MASKED));
        for instance in study.series.iter_mut().flat_map(|series| &mut series.instances) {
            let at: usize = instance.record.sop_uid.as_str().rsplit('.').next().unwrap().parse().unwrap();
            let record = std::sync::Arc::make_mut(&mut instance.record);
            record.seen = record.image.as_ref().map(|_| seen(objects[at - 1].3));
        }
        let wishes = house.vault.wishes_of(study.patient());
        let open = || untouched(&grant, &wishes, &study);
        for (series, instance) in study.instances() {
            let at: usize = instance.record.sop_uid.as_str().rsplit('.').next().unwrap().parse().unwrap();
            let told = match plan(&grant, (true, &wishes, &open), &study, (&series.uid, instance)) {
                None => "withheld",
                Some(Plan::Clear) => "clear",
                Some(Plan::Masked { .. }) => "masked",
            };
            assert_eq!(told, objects[at - 1].4, "{:?}", objects[at - 1]);
        }
    }
}

fn seen(maskable: bool) -> crate::catalog::Seen {
    crate::catalog::Seen {
        regions: Vec::new(),
        fallback: false,
        class: "projection".to_owned(),
        level: 3,
        withheld: false,
        maskable,
        mosaic: true,
    }
}
