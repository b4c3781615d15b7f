mod model;
mod random;

use super::{put_right, undo};
use crate::context::Context;
use crate::open::{Ask, open};
use crate::retrieve::retrieve;
use crate::testing::{House, facts, uid};
use ::model::{Attributes, Id, Purpose, Rejection, RejectionNote, Role, Uid, tags};
use policy::Action;
use port::archive::{Form, Retrieve};
use port::putright::{Act, Answer, Destination, PatientNumber};
use port::{Code, Response};

const REASON: &str = "two cards, one person";

fn number(number: &str) -> PatientNumber {
    PatientNumber { issuer: String::new(), number: number.to_owned() }
}

fn merge(from: &str, into: &str) -> Act {
    Act::Merge { from: number(from), into: number(into), demographics: Attributes::new() }
}

fn words(list: &[(u32, &str)]) -> Attributes {
    let mut out = Attributes::new();
    list.iter().for_each(|(tag, text)| {
        out.set(*tag, *b"UN", Some((*text).to_owned()).filter(|text| !text.is_empty()));
    });
    out
}

fn version(house: &House) -> u64 {
    crate::vault::lock(&house.vault.righted).version()
}

/// Puts something right as the officer; the number of the change.
async fn right(house: &House, act: Act) -> Result<u64, Code> {
    let officer = house.context("officer", Role::Officer, None);
    match put_right(&house.vault, &officer, act, REASON, version(house)).await {
        Ok(Response::PutRight(Answer::Done { change, .. })) => Ok(change),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code),
    }
}

/// Another person says yes.
async fn agree(house: &House, change: u64, user: &str) -> Result<(), Code> {
    let second = house.context(user, Role::Admin, None);
    let act = Act::Confirm { change };
    put_right(&house.vault, &second, act, REASON, version(house)).await.map(drop).map_err(|fault| fault.code)
}

async fn back(house: &House, change: u64) -> Result<(), Code> {
    let officer = house.context("officer", Role::Officer, None);
    undo(&house.vault, &officer, change, REASON, version(house)).await.map(drop).map_err(|fault| fault.code)
}

/// Patient number and name, as the study leaves.
fn whose(house: &House, study: &str) -> (String, String) {
    let study = house.vault.study(&uid(study)).unwrap().unwrap();
    let attributes = &study.record.patient_attributes;
    (attributes.first(tags::PATIENT_ID).to_owned(), attributes.first(tags::PATIENT_NAME).to_owned())
}

/// What a patient's own page lists.
async fn own_films(house: &House, number: &str) -> Vec<String> {
    let own = house.context("patient", Role::Patient, Some(number));
    let Ok(Response::Studies { studies, .. }) = crate::evidence::my_studies(&house.vault, &own).await else {
        panic!("no list");
    };
    let uid = |line: &port::archive::StudyLine| line.attributes.first(tags::STUDY_INSTANCE_UID).to_owned();
    let mut uids: Vec<String> = studies.iter().map(uid).collect();
    uids.sort();
    uids
}

fn seen(house: &House, sop: &str) -> bool {
    house.vault.instance(&uid(sop)).unwrap().is_some()
}

fn corrected(house: &House, study: &str, series: &str) -> bool {
    let study = house.vault.study(&uid(study)).unwrap().unwrap();
    house.vault.corrections(&study, &uid(series)).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_brings_all_and_what_comes_later_and_goes_back() {
    let house = House::new();
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "B"), b"b..1").await.unwrap();
    let change = right(&house, merge("B", "A")).await.unwrap();
    assert_eq!(whose(&house, "1.2").0, "A");
    // A film under the old number, after the merge: hers too, and her relations and account count.
    house.store(facts("1.3", "1.3.9", "B"), b"b..2").await.unwrap();
    assert_eq!((whose(&house, "1.3").0.as_str(), corrected(&house, "1.3", "1.3.1")), ("A", true));
    let stored = house.entries("stored");
    let said = &stored.last().unwrap().details;
    assert!(said.contains(&("contradicts".to_owned(), String::new())), "{said:?}");
    assert_eq!(own_films(&house, "B").await, ["1.2", "1.3"], "one person's word adds none");
    assert_eq!(own_films(&house, "A").await, ["1.1"]);
    agree(&house, change, "second").await.unwrap();
    assert_eq!(own_films(&house, "B").await.len(), 3);
    let house = house.again(|_| ());
    assert_eq!((whose(&house, "1.2").0.as_str(), whose(&house, "1.3").0.as_str()), ("A", "A"));
    assert!(!corrected(&house, "1.1", "1.1.1"), "every byte leaves as it came");
    back(&house, change).await.unwrap();
    for (study, patient) in [("1.1", "A"), ("1.2", "B"), ("1.3", "B")] {
        assert_eq!(whose(&house, study).0, patient);
        assert!(!corrected(&house, study, &format!("{study}.1")));
    }
    assert_eq!(back(&house, change).await, Err(Code::VersionConflict), "once");
    let entries = house.entries("put-right");
    assert_eq!(entries.len(), 1 + 1 + 2, "one for each study, each time; one of the second person");
    assert!(entries.iter().all(|e| e.details.contains(&("reason".to_owned(), REASON.to_owned()))));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_some_may_and_refusals_are_recorded() {
    let house = House::new();
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "B"), b"b..1").await.unwrap();
    let act = || merge("A", "B");
    for role in Role::ALL {
        let context = house.context("somebody", *role, (*role == Role::Patient).then_some("A"));
        let may = matches!(role, Role::Officer | Role::Admin);
        let change = put_right(&house.vault, &context, act(), REASON, version(&house)).await;
        assert_eq!(change.is_ok(), may, "{role}");
        let number = house.vault.righted.lock().unwrap().changes.len() as u64;
        let taken = undo(&house.vault, &context, number, REASON, version(&house)).await;
        assert_eq!(taken.map(drop).map_err(|f| f.code), if may { Ok(()) } else { Err(Code::NotAllowed) });
        let looked = super::listed::look_up(&house.vault, &context, &number_of("A")).await;
        assert_eq!(looked.is_ok(), *role == Role::Officer, "{role}");
        assert_eq!(super::listed::changes(&house.vault, &context, 9, None).await.is_ok(), may, "{role}");
    }
    let roles = Role::ALL.len();
    assert_eq!(house.entries("not-allowed").len(), 3 * (roles - 2) + (roles - 1));
    let officer = house.context("officer", Role::Officer, None);
    for (act, reason, expected, code) in [
        (act(), REASON, 0, Code::VersionConflict),
        (act(), ".", version(&house), Code::ReasonNeeded),
        (merge("A", "nobody"), REASON, version(&house), Code::NotFound),
        (merge("A", "A"), REASON, version(&house), Code::BadRequest),
    ] {
        let refused = put_right(&house.vault, &officer, act, reason, expected).await.unwrap_err();
        assert_eq!(refused.code, code);
    }
    assert_eq!(house.entries("put-right-refused").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_alone_makes_a_strangers_film_his_own() {
    let house = House::new();
    house.store(facts("1.1", "1.1.9", "mine"), b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "hers"), b"b..1").await.unwrap();
    house.store(facts("1.3", "1.3.9", "hers"), b"b..2").await.unwrap();
    let to = |studies: &[&str]| Act::MoveStudies {
        studies: studies.iter().map(|text| uid(text)).collect(),
        to: number("mine"),
        demographics: Attributes::new(),
    };
    let series = |to| Act::MoveSeries { study: uid("1.2"), series: vec![uid("1.2.1")], to };
    let ways = [
        merge("hers", "mine"),
        merge("mine", "hers"),
        to(&["1.2"]),
        series(Destination::Study(uid("1.1"))),
        series(Destination::NewStudy(Some(number("mine")))),
    ];
    for act in ways {
        let change = right(&house, act.clone()).await.unwrap();
        let seen = own_films(&house, "mine").await;
        assert!(seen.is_empty() || seen == ["1.1"], "{act:?}: {seen:?}");
        let hers = own_films(&house, "hers").await;
        assert!(hers.iter().all(|study| ["1.2", "1.3"].contains(&study.as_str())), "{act:?}: {hers:?}");
        assert_eq!(agree(&house, change, "officer").await, Err(Code::NotAllowed), "his own second word");
        // Again after a restart; and a yes that is taken back holds no more.
        agree(&house, change, "second").await.unwrap();
        assert_eq!(agree(&house, change, "third").await, Err(Code::BadRequest), "nothing waits");
        assert_ne!(own_films(&house, "mine").await, seen, "{act:?}");
        let yes = *crate::vault::lock(&house.vault.righted).changes.last_key_value().unwrap().0;
        back(&house, yes).await.unwrap();
        assert_eq!(own_films(&house, "mine").await, seen);
        back(&house, change).await.unwrap();
        assert_eq!(own_films(&house, "mine").await, ["1.1"]);
        assert_eq!(own_films(&house, "hers").await, ["1.2", "1.3"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_drawn_while_the_study_is_put_right_takes_nothing_back() {
    let house = House::new();
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "B"), b"b..1").await.unwrap();
    let anna = house.context("anna", Role::Patient, Some("A"));
    let seen = house.vault.study(&uid("1.1")).unwrap().unwrap();
    let to = Act::MoveStudies { studies: vec![uid("1.1")], to: number("B"), demographics: Attributes::new() };
    right(&house, to).await.unwrap();
    let event = ledger::Event::MaskChanged { version: 1, regions: 0 };
    let drawn = house.vault.change_masks(&anna, &seen, event, |masks| {
        masks.version = 1;
        true
    });
    assert!(!drawn.await.unwrap(), "decided on what is no more");
    assert_eq!(whose(&house, "1.1").0, "B");
    let study = house.vault.study(&uid("1.1")).unwrap().unwrap();
    let object = study.instances().next().unwrap().1.record.object;
    house.vault.object_key(study.patient(), object).unwrap();
}

fn number_of(text: &str) -> PatientNumber {
    number(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_opened_ends_and_follows_the_patient() {
    let house = House::new();
    house.account("anna", Role::Patient, Some("A"));
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "B"), b"b..1").await.unwrap();
    let cookie = [3; 32];
    house.vault.sessions().begin(cookie, Id([1; 16]), "anna".to_owned(), house.vault.clock.monotonic());
    let anna = || Context {
        session: Some((cookie, Id([1; 16]))),
        views: true,
        ..house.context("anna", Role::Patient, Some("A"))
    };
    let opens = async |study: &str| {
        let ask = Ask { study: uid(study), action: Action::Open, purpose: Purpose::Own, reason: None };
        open(&house.vault, &anna(), ask).await.map(drop).map_err(|fault| fault.code)
    };
    let fetches = async |study: &str| {
        let ask = Retrieve {
            study: uid(study),
            series: None,
            instance: None,
            form: Form::Instances,
            first: false,
            syntaxes: Vec::new(),
            known: Vec::new(),
        };
        retrieve(&house.vault, &anna(), ask).await.map(drop).map_err(|fault| fault.code)
    };
    assert_eq!((opens("1.1").await, fetches("1.1").await), (Ok(()), Ok(())));
    let to = Act::MoveStudies { studies: vec![uid("1.1")], to: number("B"), demographics: Attributes::new() };
    let change = right(&house, to).await.unwrap();
    assert_eq!(fetches("1.1").await, Err(Code::OpenAnew), "the old grant");
    assert_eq!(opens("1.1").await, Err(Code::NotFound), "not hers any more");
    back(&house, change).await.unwrap();
    assert_eq!((opens("1.1").await, fetches("1.1").await), (Ok(()), Ok(())));
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_are_laid_over_and_taken_back() {
    let house = House::new();
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    let set = words(&[(tags::PATIENT_NAME, "Doe^Joan"), (tags::PATIENT_SEX, "")]);
    let first = right(&house, Act::CorrectPatient { patient: number("A"), set }).await.unwrap();
    let set = words(&[(tags::ACCESSION_NUMBER, "A-77")]);
    let second = right(&house, Act::CorrectStudy { study: uid("1.1"), set }).await.unwrap();
    assert_eq!(whose(&house, "1.1"), ("A".to_owned(), "Doe^Joan".to_owned()));
    let study = house.vault.study(&uid("1.1")).unwrap().unwrap();
    let laid = house.vault.corrections(&study, &uid("1.1.1")).unwrap();
    let got: Vec<_> = laid.set.iter().map(|(tag, a)| (tag, a.values.join("\\"))).collect();
    let expected =
        [(tags::ACCESSION_NUMBER, "A-77"), (tags::PATIENT_NAME, "Doe^Joan"), (tags::PATIENT_SEX, "")];
    assert_eq!(got, expected.map(|(tag, text)| (tag, text.to_owned())));
    assert!(!laid.other_patient);
    house.store(facts("1.2", "1.2.9", "A"), b"a..2").await.unwrap();
    assert_eq!(whose(&house, "1.2").1, "Doe^Joan", "a later film of hers");
    back(&house, first).await.unwrap();
    assert_eq!(whose(&house, "1.2").1, "Doe^Jane");
    back(&house, second).await.unwrap();
    assert!(!corrected(&house, "1.1", "1.1.1") && !corrected(&house, "1.2", "1.2.1"));
}

/// A study that was split off while a correction held is rid of it with the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_that_is_taken_back_leaves_a_study_made_meanwhile_too() {
    let house = House::new();
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    let set = words(&[(tags::PATIENT_NAME, "Doe^Janet")]);
    let change = right(&house, Act::CorrectPatient { patient: number("A"), set }).await.unwrap();
    let series = vec![uid("1.1.1")];
    let split = Act::MoveSeries { study: uid("1.1"), series, to: Destination::NewStudy(None) };
    right(&house, split).await.unwrap();
    let name = || {
        let (study, _) = house.vault.instance(&uid("1.1.9")).unwrap().unwrap();
        assert_ne!(study.record.uid, uid("1.1"));
        study.record.patient_attributes.first(tags::PATIENT_NAME).to_owned()
    };
    assert_eq!(name(), "Doe^Janet");
    back(&house, change).await.unwrap();
    assert_eq!(name(), "Doe^Jane");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_takes_its_masks_along() {
    let house = House::new();
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "B"), b"b..1").await.unwrap();
    let region = ::model::Region {
        kind: ::model::RegionKind::Drawn,
        frame: None,
        polygon: vec![[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
        source: "patient".to_owned(),
        confidence: 1.0,
    };
    let anna = house.context("anna", Role::Patient, Some("A"));
    let event = ledger::Event::MaskChanged { version: 1, regions: 1 };
    let study = uid("1.1");
    let study = house.vault.study(&study).unwrap().unwrap();
    let drawn = house.vault.change_masks(&anna, &study, event, |masks| {
        masks.regions.push((uid("1.1.9"), region, "anna".to_owned()));
        masks.version = 1;
        true
    });
    assert!(drawn.await.unwrap());
    let to = Destination::Study(uid("1.2"));
    let act = Act::MoveSeries { study: uid("1.1"), series: vec![uid("1.1.1")], to };
    let change = right(&house, act).await.unwrap();
    let masks = |house: &House, study: &str| {
        let catalog = house.vault.catalog_with(&uid(study)).unwrap();
        catalog.whole(&uid(study)).unwrap().record.masks.regions.len()
    };
    assert_eq!((masks(&house, "1.1"), masks(&house, "1.2")), (0, 1));
    assert!(house.vault.study(&uid("1.1")).unwrap().is_none(), "nothing is left of it");
    assert!(corrected(&house, "1.2", "1.1.1") && !corrected(&house, "1.2", "1.2.1"));
    // What still comes of the series goes where it went; the same bytes again are no contradiction.
    let mut later = facts("1.1", "1.1.10", "A");
    later.series_uid = uid("1.1.1");
    house.store(later, b"a..2").await.unwrap();
    assert!(house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap().duplicate);
    let house = house.again(|_| ());
    let home =
        |house: &House, sop: &str| house.vault.instance(&uid(sop)).unwrap().unwrap().0.record.uid.clone();
    assert_eq!((home(&house, "1.1.9"), home(&house, "1.1.10")), (uid("1.2"), uid("1.2")));
    back(&house, change).await.unwrap();
    let house = house.again(|_| ());
    assert_eq!((home(&house, "1.1.9"), home(&house, "1.1.10")), (uid("1.1"), uid("1.1")));
    assert_eq!((masks(&house, "1.1"), masks(&house, "1.2")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_rejects_what_is_its_patients() {
    let house = House::new();
    house.store(facts("1.1", "1.1.8", "A"), b"a..0").await.unwrap();
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "B"), b"b..1").await.unwrap();
    let note = |instances: &[&str]| {
        let mut note = facts("1.1", "1.1.77", "A");
        let instances = instances.iter().map(|text| uid(text)).collect();
        note.rejects = Some(RejectionNote { code: Rejection::Quality, instances });
        note
    };
    house.store(note(&["1.1.9", "1.2.9", "1.1.10"]), b"note").await.unwrap();
    assert!(!seen(&house, "1.1.9") && !seen(&house, "1.1.77"), "neither it nor the note");
    assert!(seen(&house, "1.1.8") && seen(&house, "1.2.9"), "nobody else's films");
    house.store(facts("1.1", "1.1.10", "A"), b"a..2").await.unwrap();
    assert!(!seen(&house, "1.1.10"), "named before it came");
    let said = house.entries("put-right");
    assert!(said[0].details.contains(&("ignored".to_owned(), "1".to_owned())), "{said:?}");
    let house = house.again(|_| ());
    assert!(!seen(&house, "1.1.9") && !seen(&house, "1.1.10"));
    back(&house, 1).await.unwrap();
    assert!(seen(&house, "1.1.9") && seen(&house, "1.1.10") && seen(&house, "1.1.77"));
    house.store(note(&["1.1.9", "1.2.9", "1.1.10"]), b"note").await.unwrap();
    assert!(seen(&house, "1.1.9"), "the same note again does not overrule who took it back");
    // A patient's account may not, and says so; her note is an object like others... which she may not store either.
    let study = right(
        &house,
        Act::Reject { study: uid("1.1"), series: None, instances: vec![], code: Rejection::Safety },
    );
    let study = study.await.unwrap();
    assert!(house.vault.study(&uid("1.1")).unwrap().is_none());
    back(&house, study).await.unwrap();
    assert!(house.vault.study(&uid("1.1")).unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_more_than_the_bound_is_refused() {
    let house = House::new();
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    let studies = |n: usize| vec![uid("1.1"); n];
    let act = |n| Act::MoveStudies {
        studies: studies(n),
        to: number("N"),
        demographics: words(&[(tags::PATIENT_NAME, "New^One")]),
    };
    assert_eq!(right(&house, act(::model::limits::RIGHTED_STUDIES + 1)).await, Err(Code::BadRequest));
    assert!(right(&house, act(::model::limits::RIGHTED_STUDIES)).await.is_ok());
    let mut note = facts("1.1", "1.1.77", "A");
    let instances = |n: usize| -> Vec<Uid> { (0..n).map(|i| uid(&format!("1.5.{i}"))).collect() };
    let code = Rejection::Quality;
    note.rejects = Some(RejectionNote { code, instances: instances(::model::limits::REJECTED + 1) });
    assert_eq!(house.store(note, b"note").await.unwrap_err().code, Code::TooLarge);
}

/// More than two pages of a series leave empty pages behind, fill others, and come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_series_moves_page_by_page() {
    const COUNT: usize = 2 * crate::catalog::PAGE + 6;
    let house = House::new();
    house.store(facts("1.2", "1.2.9", "B"), b"b..1").await.unwrap();
    let store = async |house: &House, n: usize| {
        let bytes = [b'a', b'.', (n / 256) as u8, (n % 256) as u8];
        house.store(facts("1.1", &format!("1.1.{}", 1000 + n), "A"), &bytes).await.unwrap();
    };
    for n in 0..COUNT {
        store(&house, n).await;
    }
    let count = |house: &House, study: &str| {
        house.vault.study(&uid(study)).unwrap().map_or(0, |study| study.instances().count())
    };
    let to = Destination::Study(uid("1.2"));
    let act = Act::MoveSeries { study: uid("1.1"), series: vec![uid("1.1.1")], to };
    let first = right(&house, act.clone()).await.unwrap();
    let house = house.again(|_| ());
    assert_eq!((count(&house, "1.1"), count(&house, "1.2")), (0, COUNT + 1));
    store(&house, COUNT).await;
    back(&house, first).await.unwrap();
    let house = house.again(|_| ());
    assert_eq!((count(&house, "1.1"), count(&house, "1.2")), (COUNT + 1, 1));
    store(&house, COUNT + 1).await;
    right(&house, act).await.unwrap();
    let house = house.again(|_| ());
    assert_eq!((count(&house, "1.1"), count(&house, "1.2")), (0, COUNT + 3));
}

/// Films that arrive while patients are merged and split end with the keys of whose they are.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_waited_for() {
    let house = std::sync::Arc::new(House::new());
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    house.store(facts("1.2", "1.2.9", "B"), b"b..1").await.unwrap();
    let sender = std::sync::Arc::clone(&house);
    // A task of its own: in one task with the other, a blocking wait of that one takes the wake-up of this one.
    let arriving = tokio::spawn(async move {
        for n in 0..40u8 {
            let sop = format!("1.2.{}", 100 + u32::from(n));
            sender.store(facts("1.2", &sop, "B"), &[b'b', b'.', b'n', n]).await.unwrap();
        }
    });
    for _ in 0..5 {
        let change = right(&house, merge("B", "A")).await.unwrap();
        back(&house, change).await.unwrap();
    }
    let change = right(&house, merge("B", "A")).await.unwrap();
    arriving.await.unwrap();
    assert_eq!(whose(&house, "1.2").0, "A");
    let study = house.vault.study(&uid("1.2")).unwrap().unwrap();
    assert_eq!(study.instances().count(), 41);
    for (_, instance) in study.instances() {
        assert!(house.vault.object_key(study.patient(), instance.record.object).is_ok(), "change {change}");
    }
}
