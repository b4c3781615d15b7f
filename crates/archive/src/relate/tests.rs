//! Sequences of messages with the relations that a person reading chapter 3 of HL7 v2.5.1 expects of them.

use super::held::{PATIENTS, SHARE};
use super::record::{EPISODES, HEARD_S, Heard};
use super::*;
use crate::context::Context;
use crate::testing::{House, facts, uid};
use crate::vault::Device;
use model::Purpose;
use policy::Standing;
use port::ties::{ByHand, Carer, Episode, News, Part, Stamp, Step, Via};

/// The test clock's start: 2026-11-24T08:00:00Z.
const EIGHT: i64 = 1_795_507_200;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn index() -> Device {
    Device {
        name: "index".to_owned(),
        certificate: "ab".repeat(32),
        ae: "INDEX".to_owned(),
        address: String::new(),
        may: vec!["patients".to_owned(), "orders".to_owned()],
        sees: String::new(),
        purpose: Purpose::Treatment,
    }
}

fn house() -> House {
    let house = House::with(vec![index()]);
    for (user, number) in [("ada", "1"), ("bob", "2"), ("cyd", "3")] {
        house.account(user, Role::Referrer, None);
        number_of(&house, user, number);
    }
    house
}

fn number_of(house: &House, user: &str, number: &str) {
    let numbers = vec![StaffNumber::read(number).unwrap()];
    assert!(tokio::task::block_in_place(|| house.vault.number_staff(user, numbers)).unwrap());
}

fn machine(house: &House, may: &[&str]) -> Context {
    let may = may.iter().map(|word| (*word).to_owned()).collect();
    let standing = Standing { ae: "index".to_owned(), may, ..Standing::default() };
    Context { standing, ..house.context("index", Role::Device, None) }
}

fn stamp(hours: i64) -> Stamp {
    Stamp { local_s: EIGHT + hours * HOUR, offset_s: None }
}

fn carer(number: &str, part: Part) -> Carer {
    Carer { staff: StaffNumber::read(number).unwrap(), part }
}

/// News of visit V1 of patient H/7: attended by `who`.
fn visit(step: Step, hours: i64, who: &str) -> News {
    News {
        via: Via::Adt,
        patient: PatientNumber { issuer: "H".to_owned(), number: "7".to_owned() },
        others: Vec::new(),
        episode: Episode::Visit,
        number: "V1".to_owned(),
        step,
        at: Some(stamp(hours)),
        start: None,
        end: None,
        carers: if who.is_empty() { Vec::new() } else { vec![carer(who, Part::Visit)] },
        parts: if who.is_empty() { Vec::new() } else { vec![Part::Visit] },
    }
}

async fn told(house: &House, news: Vec<News>) -> Result<u64, Code> {
    let context = machine(house, &["patients", "orders"]);
    match answer(&house.vault, &context, Ask::Tell(news)).await {
        Ok(Response::Ties(Answer::Told(count))) => Ok(count),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code),
    }
}

/// Who of the three has to do with the patient of this number now.
fn who(house: &House, issuer: &str, number: &str) -> String {
    let (keys, now) = ([(issuer.to_owned(), number.to_owned())], house.vault.clock.now());
    let holds = |user: &&str| house.vault.relations_of(user, &keys, now).iter().any(|r| r.holds_at(now));
    ["ada", "bob", "cyd"].into_iter().filter(holds).collect::<Vec<_>>().join(" ")
}

use Step::{CancelClose, CancelOpen, CancelTransfer, Close, Open, Transfer, Update};

/// Steps (hours before now are negative), and who cares for her after the last one.
#[tokio::test(flavor = "multi_thread")]
async fn sequences_of_messages() {
    type Told = &'static [(Step, i64, &'static str)];
    let cases: &[(&str, Told, &str)] = &[
        ("admitted", &[(Open, -5, "1")], "ada"),
        ("transferred", &[(Open, -5, "1"), (Transfer, -4, "2")], "bob"),
        ("twice", &[(Open, -5, "1"), (Transfer, -4, "2"), (Transfer, -3, "3")], "cyd"),
        ("not after all", &[(Open, -5, "1"), (Transfer, -4, "2"), (CancelTransfer, -3, "")], "ada"),
        ("cancelled with nothing before", &[(Open, -5, "1"), (CancelTransfer, -3, "")], "ada"),
        (
            "the same cancel twice",
            &[
                (Open, -5, "1"),
                (Transfer, -4, "2"),
                (Transfer, -3, "3"),
                (CancelTransfer, -2, ""),
                (CancelTransfer, -2, ""),
            ],
            "bob",
        ),
        ("another attending", &[(Open, -5, "1"), (Update, -4, "2")], "bob"),
        ("an update that names nobody", &[(Open, -5, "1"), (Update, -4, "")], "ada"),
        ("discharged: the grace", &[(Open, -5, "1"), (Close, -4, "")], "ada"),
        ("never admitted", &[(Open, -5, "1"), (CancelOpen, -4, "")], ""),
        ("and admitted again", &[(Open, -5, "1"), (CancelOpen, -4, ""), (Open, -3, "2")], "bob"),
        ("an update does not admit", &[(Open, -5, "1"), (CancelOpen, -4, ""), (Update, -3, "1")], ""),
        ("the same again", &[(Open, -5, "1"), (Open, -5, "1")], "ada"),
        ("the admission comes after its cancel", &[(CancelOpen, -4, ""), (Open, -5, "1")], ""),
        ("an old transfer comes late", &[(Open, -5, "1"), (Transfer, -3, "3"), (Transfer, -4, "2")], "cyd"),
        ("an old update comes late", &[(Open, -5, "1"), (Update, -3, "3"), (Update, -4, "2")], "cyd"),
        ("first heard of by an update", &[(Update, -4, "2")], "bob"),
        ("first heard of by a transfer", &[(Transfer, -4, "2")], "bob"),
        ("a number that nobody has", &[(Open, -5, "99")], ""),
        ("a day ahead at most", &[(Open, 23, "1")], "ada"),
    ];
    let house = house();
    for (at, (what, told_of, expected)) in cases.iter().enumerate() {
        let number = format!("S-{at}");
        let patient = PatientNumber { issuer: "H".to_owned(), number: number.clone() };
        for (step, hours, attending) in *told_of {
            let news = News { patient: patient.clone(), ..visit(*step, *hours, attending) };
            told(&house, vec![news]).await.unwrap();
        }
        assert_eq!(who(&house, "H", &number), *expected, "{what}");
    }
    let house = house.again(|_| {});
    for (at, (what, _, expected)) in cases.iter().enumerate() {
        assert_eq!(who(&house, "H", &format!("S-{at}")), *expected, "{what}, after a restart");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_has_a_grace_and_a_cancel_of_it_none() {
    let house = house();
    told(&house, vec![visit(Open, -5, "1")]).await.unwrap();
    told(&house, vec![visit(Close, -4, "")]).await.unwrap();
    house.pass(30 * DAY - 4 * HOUR - 1);
    assert_eq!(who(&house, "H", "7"), "ada", "thirty days after the discharge");
    house.pass(1);
    assert_eq!(who(&house, "H", "7"), "");
    // The discharge was not one: it is told within the time in which visits count without news.
    told(&house, vec![visit(CancelClose, 1, "")]).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "ada");
    told(&house, vec![visit(CancelOpen, 2, "")]).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "", "at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_without_news_and_a_feed_without_messages_end() {
    let house = house();
    told(&house, vec![visit(Open, 0, "1")]).await.unwrap();
    house.pass(DAY + HOUR);
    house.vault.tell_silence().await.unwrap();
    house.vault.tell_silence().await.unwrap();
    assert_eq!((house.entries("feed-silent").len(), house.vault.silent_feeds()), (1, 1), "said once");
    house.pass(29 * DAY - HOUR - 1);
    assert_eq!(who(&house, "H", "7"), "ada");
    house.pass(1);
    assert_eq!(who(&house, "H", "7"), "", "the feed is silent since the grace");
    // It speaks again, of somebody else: she may still lie there.
    let other = News {
        patient: PatientNumber { issuer: "H".into(), number: "8".into() },
        ..visit(Open, 30 * 24, "2")
    };
    told(&house, vec![other]).await.unwrap();
    assert_eq!((who(&house, "H", "7"), house.vault.silent_feeds()), ("ada".to_owned(), 0));
    house.pass(HEARD_S - 30 * DAY);
    told(&house, vec![]).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "", "of her nothing was heard for sixty days");
    assert_eq!(who(&house, "H", "8"), "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn appointments_and_orders_hold_around_their_time() {
    let house = house();
    let appointment = News {
        via: Via::Siu,
        episode: Episode::Appointment,
        start: Some(stamp(48)),
        end: Some(stamp(49)),
        ..visit(Open, 0, "1")
    };
    told(&house, vec![appointment.clone()]).await.unwrap();
    let at = |house: &House, hours: i64| {
        let now = Time(EIGHT * 1_000_000_000).plus_seconds(hours * HOUR);
        let keys = [("H".to_owned(), "7".to_owned())];
        house.vault.relations_of("ada", &keys, now).iter().any(|r| r.holds_at(now))
    };
    let expected = [(23, false), (24, true), (49, true), (49 + 7 * 24 - 1, true), (49 + 7 * 24, false)];
    for (hours, holds) in expected {
        assert_eq!(at(&house, hours), holds, "{hours}");
    }
    told(&house, vec![News { step: CancelOpen, at: Some(stamp(1)), ..appointment }]).await.unwrap();
    assert!(!at(&house, 30), "cancelled");
    let order = News {
        via: Via::Orm,
        episode: Episode::Order,
        carers: vec![carer("2", Part::Order)],
        ..visit(Open, 0, "")
    };
    told(&house, vec![order]).await.unwrap();
    let relations = house.vault.relations_of("bob", &[("H".into(), "7".into())], house.vault.clock.now());
    let [relation] = relations.as_slice() else { panic!("{relations:?}") };
    assert_eq!((relation.kind.as_str(), relation.source.as_str()), ("order", "orm"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_planned_goes_before_no_other_rule() {
    let house = house();
    let of = |number: &str, news: News| News {
        patient: PatientNumber { issuer: "H".into(), number: number.into() },
        ..news
    };
    let far = Some(stamp(20_000 * 24));
    let team = News { episode: Episode::CareTeam, via: Via::Fhir, ..visit(Open, 0, "1") };
    let booked = |hours: i64, end| News {
        episode: Episode::Appointment,
        via: Via::Siu,
        start: Some(stamp(hours)),
        end,
        ..visit(Open, 0, "1")
    };
    let news = vec![
        of("1", News { end: far, ..visit(Open, 0, "1") }),
        of("2", News { end: far, ..team.clone() }),
        of("3", News { end: Some(stamp(24)), ..team }),
        of("4", booked(24, far)),
        of("5", booked(24 * 90, Some(stamp(24 * 90 + 1)))),
    ];
    told(&house, news).await.unwrap();
    assert_eq!(told(&house, vec![of("6", booked(24 * 400 + 1, None))]).await, Err(Code::BadRequest));
    let holds = |number: &str, days: i64, silent: bool| {
        let at = Time(EIGHT * 1_000_000_000).plus_seconds(days * DAY);
        if !silent {
            lock(&house.vault.relate.held).spoke("index", at);
        }
        let key = ("H".to_owned(), number.to_owned());
        house.vault.relations_of("ada", &[key], at).iter().any(|r| r.holds_at(at))
    };
    // Silent for longer than a day: nothing is open after the grace.
    for (number, days, expected) in [
        ("1", 29, true),
        ("1", 30, false),
        ("2", 29, true),
        ("2", 30, false),
        ("3", 0, true),
        ("3", 1, false),
        ("4", 8, true),
        ("4", 9, false),
        ("5", 89, false),
    ] {
        assert_eq!(holds(number, days, true), expected, "{number} {days}, silent");
    }
    for (number, days, expected) in [
        ("1", 59, true),
        ("1", 60, false),
        ("2", 59, true),
        ("2", 60, false),
        ("5", 88, false),
        ("5", 89, true),
    ] {
        assert_eq!(holds(number, days, false), expected, "{number} {days}");
    }
}

/// A film's number and the feed's: who gave it decides where it is said, and a number of two patients is nobody's without it.
#[tokio::test(flavor = "multi_thread")]
async fn whose_a_number_is() {
    let house = house();
    let of = |issuer: &str, number: &str, attending: &str| News {
        patient: PatientNumber { issuer: issuer.into(), number: number.into() },
        ..visit(Open, 0, attending)
    };
    let also =
        News { others: vec![PatientNumber { issuer: "I".into(), number: "70".into() }], ..of("H", "7", "1") };
    told(&house, vec![also, of("G", "8", "2"), of("H", "8", "3"), of("", "9", "2")]).await.unwrap();
    for (issuer, number, expected) in [
        ("H", "7", "ada"),
        ("", "7", "ada"),
        ("G", "7", ""),
        ("I", "70", "ada"),
        ("", "70", "ada"),
        ("H", "70", ""),
        ("G", "8", "bob"),
        ("H", "8", "cyd"),
        ("", "8", ""),
        ("H", "9", "bob"),
        ("", "10", ""),
    ] {
        assert_eq!(who(&house, issuer, number), expected, "{issuer} {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_join_no_numbers() {
    let house = house();
    told(&house, vec![visit(Open, -5, "1")]).await.unwrap();
    let order = News {
        via: Via::Orm,
        episode: Episode::Order,
        patient: PatientNumber { issuer: "H".into(), number: "8".into() },
        others: vec![PatientNumber { issuer: "H".into(), number: "7".into() }],
        carers: vec![carer("2", Part::Order)],
        ..visit(Open, 0, "")
    };
    let ask = || Ask::Tell(vec![order.clone()]);
    answer(&house.vault, &machine(&house, &["orders"]), ask()).await.unwrap();
    assert_eq!((who(&house, "H", "7"), who(&house, "H", "8")), ("ada".to_owned(), "bob".to_owned()));
    // Who may say what patients are says it by an order, too.
    answer(&house.vault, &machine(&house, &["patients", "orders"]), ask()).await.unwrap();
    assert_eq!((who(&house, "H", "7"), who(&house, "H", "8")), ("ada bob".to_owned(), "bob".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_joins_what_is_told_of_both_numbers() {
    let house = house();
    let number = |number: &str| PatientNumber { issuer: "H".into(), number: number.into() };
    told(&house, vec![visit(Open, 0, "1")]).await.unwrap();
    let merged = |from: &str, into: &str| Ask::Same { from: number(from), into: number(into) };
    let context = machine(&house, &["patients"]);
    let nobody = answer(&house.vault, &context, merged("404", "7")).await.unwrap_err();
    assert_eq!((nobody.code, who(&house, "H", "404")), (Code::NotFound, String::new()));
    assert_eq!(house.entries("relation-refused").len(), 1);
    answer(&house.vault, &context, merged("7", "77")).await.unwrap();
    assert_eq!(
        (who(&house, "H", "7"), who(&house, "H", "77"), who(&house, "", "77")),
        ("ada".into(), "ada".into(), "ada".into())
    );
    let later = News { patient: number("77"), ..visit(Open, 0, "2") };
    told(&house, vec![later]).await.unwrap();
    assert_eq!(who(&house, "H", "77"), "ada bob");
    assert_eq!(who(&house.again(|_| {}), "H", "77"), "ada bob", "after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_changes_nothing_and_is_recorded() {
    let house = house();
    told(&house, vec![visit(Open, -5, "1")]).await.unwrap();
    let long = "x".repeat(129);
    for (what, news) in [
        ("tomorrow's", visit(CancelOpen, 25, "")),
        ("ends before", News { start: Some(stamp(-1)), end: Some(stamp(-2)), ..visit(Update, 0, "2") }),
        ("a long number", News { number: long.clone(), ..visit(CancelOpen, 0, "") }),
        (
            "a long patient",
            News { patient: PatientNumber { issuer: String::new(), number: long }, ..visit(Open, 0, "2") },
        ),
        (
            "nobody",
            News {
                patient: PatientNumber { issuer: String::new(), number: String::new() },
                ..visit(Open, 0, "2")
            },
        ),
    ] {
        let good = visit(Update, 0, "3");
        assert_eq!(told(&house, vec![good, news]).await, Err(Code::BadRequest), "{what}");
        assert_eq!(who(&house, "H", "7"), "ada", "{what}: all or none");
    }
    assert_eq!(house.entries("relation-refused").len(), 5);
    let few = machine(&house, &["orders"]);
    let refused = answer(&house.vault, &few, Ask::Tell(vec![visit(CancelOpen, 0, "")])).await.unwrap_err();
    assert_eq!((refused.code, who(&house, "H", "7")), (Code::NotAllowed, "ada".to_owned()));
    for role in [Role::Officer, Role::Admin, Role::Referrer, Role::Technologist] {
        let person = house.context("ada", role, None);
        let refused = answer(&house.vault, &person, Ask::Tell(vec![visit(Open, 0, "1")])).await.unwrap_err();
        assert_eq!(refused.code, Code::NotAllowed, "{role}: only machines tell");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_staff_are_one_accounts() {
    let house = house();
    let numbers = |list: &[&str]| list.iter().map(|n| StaffNumber::read(n).unwrap()).collect();
    let give = |user: &str, list: &[&str]| {
        tokio::task::block_in_place(|| house.vault.number_staff(user, numbers(list)))
    };
    told(&house, vec![visit(Open, 0, "50^MAIN")]).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "", "nobody has the number yet");
    assert!(matches!(give("bob", &["1"]), Err(crate::Error::StaffNumber)), "ada's");
    assert!(!give("nobody", &["51"]).unwrap());
    assert!(give("bob", &["50^OTHER"]).unwrap());
    assert_eq!(who(&house, "H", "7"), "", "the same number by another giver");
    assert!(give("bob", &["50^MAIN", "52"]).unwrap());
    assert_eq!(who(&house, "H", "7"), "bob", "known before the account had it");
    assert!(give("bob", &[]).unwrap());
    assert_eq!(who(&house, "H", "7"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_bounded() {
    let house = house();
    for visits in 0..EPISODES + 10 {
        let news = News { number: format!("V{visits}"), ..visit(Open, 0, "1") };
        told(&house, vec![news]).await.unwrap();
    }
    let key = ("H".to_owned(), "7".to_owned());
    let held = lock(&house.vault.relate.held).patient(&key).unwrap().0.episodes.len();
    assert_eq!(held, EPISODES);
    let relations = house.vault.relations_of("ada", &[key], house.vault.clock.now());
    assert_eq!(relations.len(), policy::facts::RELATIONS);
    let mut held = Held::default();
    let now = house.vault.clock.now();
    let rules = Relating::default();
    for n in 0..PATIENTS {
        held.put(PatientRecord { patient: (String::new(), n.to_string()), ..PatientRecord::default() }, 1);
    }
    assert!(held.room("index", 0, now, &rules));
    assert!(held.room("index", 1, now, &rules), "what is over makes room");
    assert!(held.patient(&(String::new(), "1".to_owned())).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_take_no_visits_place() {
    let house = house();
    let order = |number: usize| News {
        via: Via::Orm,
        episode: Episode::Order,
        number: format!("O{number}"),
        carers: vec![carer("2", Part::Order)],
        ..visit(Open, 0, "")
    };
    let visit = |number: usize| News { number: format!("V{number}"), ..visit(Open, 0, "1") };
    told(&house, (1..EPISODES).map(visit).collect()).await.unwrap();
    let kept = || {
        let held = lock(&house.vault.relate.held);
        let (record, _) = held.patient(&("H".to_owned(), "7".to_owned())).unwrap();
        let orders: Vec<_> =
            record.episodes.iter().map(|e| e.number.clone()).filter(|n| n.starts_with('O')).collect();
        (record.episodes.len(), orders.join(" "))
    };
    for number in 0..3 {
        assert_eq!(told(&house, vec![order(number)]).await, Ok(1));
        assert_eq!(kept(), (EPISODES, format!("O{number}")), "in the place of an order");
    }
    assert_eq!(told(&house, vec![visit(EPISODES)]).await, Ok(1));
    assert_eq!(kept().0, EPISODES);
    told(&house, (0..EPISODES).map(|n| visit(100 + n)).collect()).await.unwrap();
    assert_eq!(told(&house, vec![order(9)]).await, Ok(0), "nothing but visits");
    assert_eq!(kept(), (EPISODES, String::new()));
}

#[test]
fn a_feed_fills_half_at_most() {
    let (mut held, rules, now) = (Held::default(), Relating::default(), Time(EIGHT * 1_000_000_000));
    let mut one = PatientRecord::default();
    one.hear(&Heard { news: &visit(Open, 0, "1"), feed: "ris", now, rules: &rules }).unwrap();
    for n in 0..SHARE {
        assert!(n % 1000 != 0 || held.room("ris", 1, now, &rules), "{n}");
        held.put(PatientRecord { patient: (String::new(), n.to_string()), ..one.clone() }, 1);
    }
    assert!(!held.room("ris", 1, now, &rules), "one more than its share");
    assert!(held.room("ris", 0, now, &rules), "of those that it told of it may tell more");
    assert!(held.room("index", 1, now, &rules), "nobody else is kept out");
    assert!(held.room("ris", 1, now.plus_seconds(HEARD_S), &rules), "what is over makes room");
}

/// An account that signed in and opens the only film.
async fn opens(house: &House, user: &str, n: u8) {
    let (cookie, id) = ([n; 32], Id([n; 16]));
    house.vault.sessions().begin(cookie, id, user.to_owned(), house.vault.clock.monotonic());
    let context = Context { session: Some((cookie, id)), ..house.context(user, Role::Referrer, None) };
    let ask = crate::open::Ask {
        study: uid("1.1"),
        action: policy::Action::Open,
        purpose: Purpose::Treatment,
        reason: None,
    };
    crate::open::open(&house.vault, &context, ask).await.unwrap();
}

/// Whether what the n-th session opened is still open.
fn open_now(house: &House, n: u8) -> bool {
    let now = house.vault.clock.monotonic();
    let mut sessions = house.vault.sessions();
    let session = sessions.touch(&[n; 32], now).unwrap();
    assert_eq!(session.grants.len(), 1);
    session.grants.values().all(|held| held.alive(now))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_relation_opened_ends_with_it() {
    let house = house();
    let mut film = facts("1.1", "1.1.9", "7");
    film.patient.set(model::tags::ISSUER_OF_PATIENT_ID, *b"LO", ["H".to_owned()]);
    house.store(film, b"a..1").await.unwrap();
    let until = house.vault.clock.now().plus_seconds(DAY);
    let officer = |ask| asked(&house, "olga", Role::Officer, ask);
    let cover = ByHand { patient: None, covers: Some("ada".into()), ..by_hand("cyd", "cover", until) };
    officer(Ask::Make(cover)).await.unwrap();
    officer(Ask::Make(by_hand("bob", "team", until))).await.unwrap();
    told(&house, vec![visit(Open, -5, "1")]).await.unwrap();
    for (user, n) in [("ada", 1), ("bob", 2), ("cyd", 3)] {
        opens(&house, user, n).await;
    }
    let open = || [1, 2, 3].map(|n| open_now(&house, n));
    told(&house, vec![visit(Update, -4, "")]).await.unwrap();
    assert_eq!(open(), [true, true, true], "nobody lost anything");
    told(&house, vec![visit(Transfer, -3, "99")]).await.unwrap();
    assert_eq!(open(), [false, true, false], "who cared, and who covers for her");
    assert_eq!(officer(Ask::End { user: "bob".into(), number: 1 }).await, Ok(Answer::Made(1)));
    assert_eq!(open(), [false, false, false], "ended by hand");
}

fn by_hand(user: &str, kind: &str, until: Time) -> ByHand {
    ByHand {
        user: user.to_owned(),
        patient: Some(PatientNumber { issuer: "H".into(), number: "7".into() }),
        kind: kind.to_owned(),
        covers: None,
        until,
        reason: "second opinion".to_owned(),
    }
}

async fn asked(house: &House, user: &str, role: Role, ask: Ask) -> Result<Answer, Code> {
    match answer(&house.vault, &house.context(user, role, None), ask).await {
        Ok(Response::Ties(answer)) => Ok(answer),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_with_an_end() {
    let house = house();
    let in_days = |days: i64| house.vault.clock.now().plus_seconds(days * DAY);
    let officer = |ask| asked(&house, "olga", Role::Officer, ask);
    assert_eq!(officer(Ask::Make(by_hand("Bob", "team", in_days(3)))).await, Ok(Answer::Made(1)));
    assert_eq!(who(&house, "H", "7"), "bob");
    let Ok(Answer::Ties(ties)) = officer(Ask::Of { user: "bob".into() }).await else { panic!() };
    assert_eq!((ties.len(), ties[0].number, ties[0].by.as_str()), (1, Some(1), "olga"));
    assert_eq!(officer(Ask::End { user: "bob".into(), number: 9 }).await, Err(Code::NotFound));
    assert_eq!(officer(Ask::End { user: "bob".into(), number: 1 }).await, Ok(Answer::Made(1)));
    assert_eq!(who(&house, "H", "7"), "");
    assert_eq!(officer(Ask::End { user: "bob".into(), number: 1 }).await, Err(Code::NotFound), "ended");
    for (what, wrong) in [
        ("no such kind", by_hand("bob", "friend", in_days(3))),
        ("over a year", by_hand("bob", "team", in_days(367))),
        ("over before", by_hand("bob", "team", in_days(0))),
        ("no reason", ByHand { reason: " ".into(), ..by_hand("bob", "team", in_days(3)) }),
        ("nobody's", ByHand { patient: None, ..by_hand("bob", "team", in_days(3)) }),
        ("a pool of one", by_hand("bob", "pool", in_days(3))),
        ("no such account", by_hand("nobody", "team", in_days(3))),
        (
            "covers herself",
            ByHand { patient: None, covers: Some("bob".into()), ..by_hand("bob", "cover", in_days(3)) },
        ),
    ] {
        assert_eq!(officer(Ask::Make(wrong)).await, Err(Code::BadRequest), "{what}");
    }
    assert_eq!(who(&house, "H", "7"), "");
    assert_eq!((house.entries("relation-changed").len(), house.entries("relation-refused").len()), (2, 8));
    officer(Ask::Make(by_hand("cyd", "team", in_days(3)))).await.unwrap();
    let house = house.again(|_| {});
    assert_eq!(who(&house, "H", "7"), "cyd", "after a restart");
    house.pass(3 * DAY);
    assert_eq!(who(&house, "H", "7"), "");
}

/// As after `gauze check --accept tables`: memory has nothing, the row stands at some version.
#[tokio::test(flavor = "multi_thread")]
async fn lost_rows_are_written_again() {
    let house = house();
    let until = house.vault.clock.now().plus_seconds(DAY);
    let officer = |ask| asked(&house, "olga", Role::Officer, ask);
    officer(Ask::Make(by_hand("bob", "team", until))).await.unwrap();
    lock(&house.vault.relate.held).hands.clear();
    assert_eq!(who(&house, "H", "7"), "");
    officer(Ask::Make(by_hand("bob", "team", until))).await.unwrap();
    officer(Ask::Make(by_hand("bob", "visit", until))).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "bob");
    lock(&house.vault.relate.held).staff.clear();
    number_of(&house, "ada", "1");
    let name = house.vault.sealing.name(crate::sealing::Kind::Episodes, &[b"H", b"8"]);
    let lost = || house.vault.keep(crate::sealing::Kind::Lost, name, 1, &(), "lost", "");
    tokio::task::block_in_place(lost).unwrap();
    let of = |news: News| News { patient: PatientNumber { issuer: "H".into(), number: "8".into() }, ..news };
    told(&house, vec![of(visit(Open, -5, "1"))]).await.unwrap();
    told(&house, vec![of(visit(Update, -4, "1"))]).await.unwrap();
    assert_eq!(who(&house, "H", "8"), "ada");
    let house = house.again(|_| {});
    assert_eq!((who(&house, "H", "7"), who(&house, "H", "8")), ("bob".to_owned(), "ada".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctors_give_their_own_for_a_week_at_most() {
    let house = house();
    let in_days = |days: i64| house.vault.clock.now().plus_seconds(days * DAY);
    let doctor = |user: &'static str, ask| asked(&house, user, Role::Referrer, ask);
    let to_bob = || by_hand("bob", "delegation", in_days(7));
    assert_eq!(doctor("ada", Ask::Make(to_bob())).await, Err(Code::NotAllowed), "she has none");
    told(&house, vec![visit(Open, 0, "1")]).await.unwrap();
    assert_eq!(
        doctor("ada", Ask::Make(by_hand("bob", "delegation", in_days(8)))).await,
        Err(Code::BadRequest)
    );
    assert_eq!(doctor("ada", Ask::Make(by_hand("bob", "team", in_days(2)))).await, Err(Code::NotAllowed));
    assert_eq!(
        doctor("ada", Ask::Make(by_hand("ada", "delegation", in_days(2)))).await,
        Err(Code::BadRequest)
    );
    assert_eq!(doctor("ada", Ask::Make(to_bob())).await, Ok(Answer::Made(1)));
    assert_eq!(who(&house, "H", "7"), "ada bob");
    let on = by_hand("cyd", "delegation", in_days(1));
    assert_eq!(doctor("bob", Ask::Make(on)).await, Err(Code::NotAllowed), "what was given is not given on");
    assert_eq!(doctor("cyd", Ask::End { user: "bob".into(), number: 1 }).await, Err(Code::NotAllowed));
    assert_eq!(doctor("cyd", Ask::Of { user: "bob".into() }).await, Err(Code::NotAllowed));
    assert_eq!(doctor("ada", Ask::End { user: "bob".into(), number: 1 }).await, Ok(Answer::Made(1)));
    assert_eq!(who(&house, "H", "7"), "ada");
    for role in [Role::Admin, Role::Technologist, Role::Researcher, Role::Patient, Role::Vendor] {
        assert_eq!(asked(&house, "who", role, Ask::Make(to_bob())).await, Err(Code::NotAllowed), "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_gives_what_its_giver_has_now() {
    let house = house();
    house.account("olga", Role::Officer, None);
    let in_days = |days: i64| house.vault.clock.now().plus_seconds(days * DAY);
    told(&house, vec![visit(Open, 0, "1")]).await.unwrap();
    let given = Ask::Make(by_hand("bob", "delegation", in_days(7)));
    assert_eq!(asked(&house, "ada", Role::Referrer, given).await, Ok(Answer::Made(1)));
    let relations = house.vault.relations_of("bob", &[("H".into(), "7".into())], house.vault.clock.now());
    let [relation] = relations.as_slice() else { panic!("{relations:?}") };
    assert_eq!((relation.kind.as_str(), relation.end), ("delegation", Some(in_days(7))));
    told(&house, vec![visit(Transfer, 1, "99")]).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "", "she has none any more");
    told(&house, vec![visit(CancelTransfer, 2, "")]).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "ada bob");
    let set = Ask::Make(by_hand("cyd", "delegation", in_days(3)));
    assert_eq!(asked(&house, "olga", Role::Officer, set).await, Ok(Answer::Made(1)));
    assert_eq!(who(&house, "H", "7"), "ada bob cyd", "the officer gives what she has not");
    assert!(tokio::task::block_in_place(|| house.vault.disable_account("ada")).unwrap());
    assert_eq!(who(&house, "H", "7"), "ada cyd", "who has no account any more gives nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_covers_has_what_the_colleague_has_then() {
    let house = house();
    let until = house.vault.clock.now().plus_seconds(2 * DAY);
    let cover = ByHand { patient: None, covers: Some("Ada".into()), ..by_hand("bob", "cover", until) };
    asked(&house, "olga", Role::Officer, Ask::Make(cover)).await.unwrap();
    let on = ByHand { patient: None, covers: Some("bob".into()), ..by_hand("cyd", "cover", until) };
    asked(&house, "olga", Role::Officer, Ask::Make(on)).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "");
    told(&house, vec![visit(Open, 0, "1")]).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "ada bob", "and not who covers for the cover");
    told(&house, vec![visit(CancelOpen, 1, "")]).await.unwrap();
    assert_eq!(who(&house, "H", "7"), "");
    told(&house, vec![visit(Open, 2, "1")]).await.unwrap();
    house.pass(2 * DAY);
    assert_eq!(who(&house, "H", "7"), "ada", "the cover is over");
}
