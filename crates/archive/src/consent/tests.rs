use super::*;
use crate::context::Context;
use crate::testing::{House, facts, uid};
use model::{Bounds, Recipient};
use port::archive::{ConsentView, Proposal};

const HERS: &str = "1.1";

async fn house() -> House {
    let house = House::new();
    house.store(facts(HERS, "1.1.9", "P1"), b"abcd").await.unwrap();
    house.store(facts("1.2", "1.2.9", "P2"), b"efgh").await.unwrap();
    house
}

fn patient(house: &House) -> Context {
    house.context("anna", Role::Patient, Some("P1"))
}

fn asks(study: Option<&str>) -> Proposal {
    Proposal {
        study: study.map(uid),
        all: study.is_none(),
        patient: None,
        witnessed: false,
        dated: None,
        purpose: Purpose::Teaching,
        recipient: None,
        says: Says::Permit,
        bounds: Bounds::default(),
        text: "to teach".to_owned(),
    }
}

async fn done(house: &House, who: &Context, ask: ConsentAsk) -> Result<ConsentView, String> {
    match answer(&house.vault, who, ask).await {
        Ok(Response::Consents(mut list)) => Ok(list.remove(0)),
        Ok(Response::ConsentRefused(word)) => Err(word.as_str().to_owned()),
        Ok(other) => Err(format!("{other:?}")),
        Err(fault) => Err(fault.code.as_str().to_owned()),
    }
}

fn doctor(house: &House) -> Context {
    house.context("rui", Role::Radiologist, None)
}

fn consented(house: &House, who: &Context, study: &str) -> (bool, bool) {
    let study = house.vault.study(&uid(study)).unwrap().unwrap();
    let facts = said(&house.vault, who, &study, Purpose::Teaching);
    (facts.consented, facts.refused)
}

async fn act(house: &House, who: &Context, id: Id, act: ConsentAct) -> Result<ConsentView, String> {
    done(house, who, ConsentAsk::Act { id, act }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn proposed_narrowed_agreed_withdrawn_and_kept() {
    let house = house().await;
    let (anna, rui) = (patient(&house), doctor(&house));
    let begun = done(&house, &rui, ConsentAsk::Propose(asks(Some(HERS)))).await.unwrap();
    assert_eq!((begun.state.as_str(), begun.proposed, begun.own), ("proposed", true, false));
    assert_eq!(consented(&house, &rui, HERS), (false, false));
    assert_eq!(act(&house, &rui, begun.id, ConsentAct::Accept).await.unwrap_err(), "not-now");
    let stranger = house.context("wu", Role::Radiologist, None);
    assert_eq!(act(&house, &stranger, begun.id, ConsentAct::Accept).await.unwrap_err(), "not-found");
    let text = "small".to_owned();
    let wide = Bounds { abroad: true, ..Bounds::default() };
    let wider = act(&house, &anna, begun.id, ConsentAct::Counter { text: text.clone(), bounds: wide }).await;
    assert_eq!(wider.unwrap_err(), "not-narrower");
    let small = Bounds { longest_side: Some(64), ..Bounds::default() };
    act(&house, &anna, begun.id, ConsentAct::Counter { text, bounds: small.clone() }).await.unwrap();
    assert_eq!(consented(&house, &rui, HERS), (false, false), "not yet");
    let agreed = act(&house, &rui, begun.id, ConsentAct::Accept).await.unwrap();
    assert_eq!((agreed.state.as_str(), agreed.bounds), ("accepted", small));
    assert_eq!(consented(&house, &rui, HERS), (true, false));
    assert_eq!(consented(&house, &stranger, HERS), (false, false));
    assert_eq!(consented(&house, &rui, "1.2"), (false, false), "another patient's");

    let house = house.again(|_| {});
    assert_eq!(consented(&house, &rui, HERS), (true, false), "kept");
    let gone = act(&house, &anna, begun.id, ConsentAct::Withdraw { text: String::new() }).await.unwrap();
    assert_eq!(gone.state, "withdrawn");
    assert_eq!(consented(&house, &rui, HERS), (false, true));
    let entries = house.entries("consent-changed");
    let acts: Vec<&str> = entries
        .iter()
        .flat_map(|e| e.details.iter().filter(|(n, _)| n == "act").map(|(_, v)| v.as_str()))
        .collect();
    assert_eq!(acts, ["propose", "counter", "accept", "withdraw"]);
    assert_eq!(house.entries("consent-refused").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_another() {
    let house = house().await;
    let (anna, rui) = (patient(&house), doctor(&house));
    let officer = house.context("olga", Role::Officer, None);
    let whom = || Some(Recipient::Account("rui".to_owned()));
    let of = |number: &str| {
        Some(port::putright::PatientNumber { issuer: String::new(), number: number.to_owned() })
    };
    let cases = [
        (&anna, Proposal { recipient: whom(), ..asks(Some("1.2")) }, "foreign-patient"),
        (&anna, Proposal { recipient: whom(), patient: of("P2"), ..asks(None) }, "foreign-patient"),
        (&anna, asks(None), "not-representable"),
        (&rui, asks(Some("1.77")), "foreign-patient"),
        (&rui, asks(None), "foreign-patient"),
        (&rui, Proposal { patient: of("P1"), ..asks(None) }, "not-allowed"),
        (&rui, Proposal { witnessed: true, ..asks(Some(HERS)) }, "not-allowed"),
        (
            &rui,
            Proposal { recipient: Some(Recipient::Role(Role::Researcher)), ..asks(Some(HERS)) },
            "not-allowed",
        ),
        (&rui, Proposal { says: Says::Deny, ..asks(Some(HERS)) }, "not-representable"),
        (&rui, Proposal { purpose: Purpose::Treatment, ..asks(Some(HERS)) }, "unknown-code"),
        (&rui, Proposal { text: " ".to_owned(), ..asks(Some(HERS)) }, "text-length"),
        (&rui, Proposal { text: "x".repeat(TEXT_BYTES + 1), ..asks(Some(HERS)) }, "text-length"),
        (&officer, Proposal { recipient: whom(), patient: of("P9"), ..asks(None) }, "foreign-patient"),
        (&officer, Proposal { recipient: whom(), patient: of("P2"), ..asks(Some(HERS)) }, "foreign-patient"),
    ];
    let count = cases.len();
    for (who, proposal, word) in cases {
        let told = format!("{} {proposal:?}", who.caller.user);
        assert_eq!(done(&house, who, ConsentAsk::Propose(proposal)).await.unwrap_err(), word, "{told}");
    }
    assert_eq!(house.entries("consent-refused").len(), count);
    assert!(lock(&house.vault.consents).is_empty(), "nothing changed");
    let witnessed = Proposal { recipient: whom(), patient: of("P1"), witnessed: true, ..asks(None) };
    assert_eq!(done(&house, &officer, ConsentAsk::Propose(witnessed)).await.unwrap().state, "accepted");
    assert_eq!(consented(&house, &rui, HERS), (true, false));
    let technologist = house.context("tom", Role::Technologist, None);
    assert_eq!(done(&house, &technologist, ConsentAsk::List).await.unwrap_err(), "not-allowed");
}

/// Nobody fills the room of the patient.
#[tokio::test(flavor = "multi_thread")]
async fn room_is_bounded_and_shared() {
    let house = house().await;
    let (anna, rui) = (patient(&house), doctor(&house));
    for _ in 0..record::OF_ONE {
        done(&house, &rui, ConsentAsk::Propose(asks(Some(HERS)))).await.unwrap();
    }
    assert_eq!(done(&house, &rui, ConsentAsk::Propose(asks(Some(HERS)))).await.unwrap_err(), "too-many");
    let own = || Proposal { recipient: Some(Recipient::Role(Role::Researcher)), ..asks(None) };
    for _ in record::OF_ONE..record::CONSENTS {
        done(&house, &anna, ConsentAsk::Propose(own())).await.unwrap();
    }
    assert_eq!(done(&house, &anna, ConsentAsk::Propose(own())).await.unwrap_err(), "too-many");
    let no = || Proposal { says: Says::Deny, ..own() };
    let first = done(&house, &anna, ConsentAsk::Propose(no())).await.unwrap().id;
    let list = || {
        let records = lock(&house.vault.consents);
        records.values().flat_map(|record| record.consents.clone()).collect::<Vec<_>>()
    };
    assert_eq!(list().len(), record::CONSENTS + 1, "there is always room for a no");
    done(&house, &anna, ConsentAsk::Propose(no())).await.unwrap();
    let ids: Vec<Id> = list().iter().map(|one| one.id).collect();
    assert!(
        ids.len() == record::CONSENTS + 1 && !ids.contains(&first),
        "one that is said again is kept once"
    );
    let his = list().iter().find(|one| one.begun_by().user == "rui").unwrap().id;
    let refused = act(&house, &anna, his, ConsentAct::Refuse { text: "x".repeat(TEXT_BYTES) }).await;
    assert_eq!(refused.unwrap().state, "refused");
    let hers =
        list().iter().find(|one| one.begun_by().user == "anna" && one.says == Says::Permit).unwrap().id;
    let back = act(&house, &anna, hers, ConsentAct::Withdraw { text: "x".repeat(TEXT_BYTES) }).await;
    assert_eq!(back.unwrap().state, "withdrawn");
}

/// What an officer saw her say takes no room from those who ask her; what somebody declined takes none from himself.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_spent_makes_room() {
    let house = house().await;
    let (anna, rui) = (patient(&house), doctor(&house));
    let officer = house.context("olga", Role::Officer, None);
    let number = || port::putright::PatientNumber { issuer: String::new(), number: "P1".to_owned() };
    for user in 0..=record::OF_ONE {
        let recipient = Some(Recipient::Account(format!("user-{user}")));
        let seen = Proposal { recipient, patient: Some(number()), witnessed: true, ..asks(None) };
        assert_eq!(done(&house, &officer, ConsentAsk::Propose(seen)).await.unwrap().state, "accepted");
    }
    for _ in 0..=record::OF_ONE {
        let id = done(&house, &rui, ConsentAsk::Propose(asks(Some(HERS)))).await.unwrap().id;
        let counter = ConsentAct::Counter { text: "no".to_owned(), bounds: Bounds::default() };
        act(&house, &anna, id, counter).await.unwrap();
        act(&house, &rui, id, ConsentAct::Refuse { text: String::new() }).await.unwrap();
    }
}

/// A merge that one account made by itself brings no yes to another's films, and takes no no away.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_alone_brings_no_yes() {
    let house = house().await;
    let (anna, rui) = (patient(&house), doctor(&house));
    let says = |says| Proposal { recipient: Some(Recipient::Account("rui".to_owned())), says, ..asks(None) };
    done(&house, &anna, ConsentAsk::Propose(says(Says::Permit))).await.unwrap();
    let number = |n: &str| port::putright::PatientNumber { issuer: String::new(), number: n.to_owned() };
    let demographics = model::Attributes::new();
    let merge = port::putright::Act::Merge { from: number("P2"), into: number("P1"), demographics };
    let admin = house.context("adam", Role::Admin, None);
    let ask = port::putright::Ask::Make { act: merge, reason: "one person".to_owned(), expect_version: 0 };
    crate::putright::answer(&house.vault, &admin, ask).await.unwrap();
    assert_eq!(consented(&house, &rui, HERS), (true, false));
    assert_eq!(consented(&house, &rui, "1.2"), (false, false), "not what was agreed for another number");
    done(&house, &anna, ConsentAsk::Propose(says(Says::Deny))).await.unwrap();
    assert_eq!(consented(&house, &rui, "1.2"), (false, true), "a no holds for both");
}

/// Who reads the row of a patient cannot put in one of another version: it does not open, and nothing starts without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_the_past_does_not_open() {
    let house = house().await;
    let anna = patient(&house);
    let own = Proposal { recipient: Some(Recipient::Role(Role::Radiologist)), ..asks(None) };
    done(&house, &anna, ConsentAsk::Propose(own)).await.unwrap();
    let home = anna.own.and_then(crate::putright::Own::home).unwrap();
    let sealing = &house.vault.sealing;
    let record = lock(&house.vault.consents).get(&home).cloned().unwrap();
    let name = sealing.name(Kind::Consents, &[&home.0]);
    let write = sealing.row(Kind::Consents, name, 1, &*record).unwrap();
    let kind = Kind::Consents as u8;
    let row = |version| store::Row { key: name, kind, version, seq: 0, sealed: write.sealed.clone() };
    assert_eq!(sealing.open_row::<ConsentRecord>(&row(1)).unwrap(), *record);
    assert!(sealing.open_row::<ConsentRecord>(&row(2)).is_err(), "forged as newer");
}

/// As after `gauze check --accept tables`: memory has nothing, the row stands at some version.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_row_is_written_again() {
    let house = house().await;
    let anna = patient(&house);
    let own = || Proposal { recipient: Some(Recipient::Role(Role::Radiologist)), ..asks(None) };
    done(&house, &anna, ConsentAsk::Propose(own())).await.unwrap();
    lock(&house.vault.consents).clear();
    for _ in 0..2 {
        done(&house, &anna, ConsentAsk::Propose(own())).await.unwrap();
    }
    let home = anna.own.and_then(crate::putright::Own::home).unwrap();
    assert_eq!(lock(&house.vault.consents).get(&home).unwrap().version, 3);
}

/// Who takes up her offer late does not speak over what she said since.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_offer_does_not_overrule_her_newer_no() {
    let house = house().await;
    let whom = || Some(Recipient::Account("rui".to_owned()));
    let number = port::putright::PatientNumber { issuer: String::new(), number: "P1".to_owned() };
    let officer = house.context("olga", Role::Officer, None);
    let of_all = Proposal { recipient: whom(), patient: Some(number), ..asks(None) };
    let of_all = done(&house, &officer, ConsentAsk::Propose(of_all)).await.unwrap().id;
    let of_one = done(&house, &doctor(&house), ConsentAsk::Propose(asks(Some(HERS)))).await.unwrap().id;
    for id in [of_all, of_one] {
        let bounds = Bounds { longest_side: Some(64), ..Bounds::default() };
        let counter = ConsentAct::Counter { text: "small".to_owned(), bounds };
        act(&house, &patient(&house), id, counter).await.unwrap();
    }
    house.pass(60);
    let no = Proposal { recipient: whom(), says: Says::Deny, ..asks(Some(HERS)) };
    done(&house, &patient(&house), ConsentAsk::Propose(no)).await.unwrap();
    house.pass(60);
    // Her no is about this film: the offer about all stands for the others, as she made it then.
    let late = act(&house, &doctor(&house), of_one, ConsentAct::Accept).await;
    assert_eq!(late.unwrap_err(), "not-now");
    let officer = house.context("olga", Role::Officer, None);
    let taken_up = act(&house, &officer, of_all, ConsentAct::Accept).await.unwrap();
    assert_eq!(taken_up.state, "accepted");
    assert_eq!(consented(&house, &doctor(&house), HERS), (false, true), "her no is newer than her offer");
}

/// A name that she types in her own way is the name it means.
#[tokio::test(flavor = "multi_thread")]
async fn a_no_finds_whom_it_names() {
    let house = house().await;
    let (anna, rui) = (patient(&house), doctor(&house));
    let says = |recipient, says| Proposal { recipient: Some(recipient), says, ..asks(None) };
    let yes = says(Recipient::Account("rui".to_owned()), Says::Permit);
    done(&house, &anna, ConsentAsk::Propose(yes)).await.unwrap();
    let no = says(Recipient::Account(" Rui ".to_owned()), Says::Deny);
    let said = done(&house, &anna, ConsentAsk::Propose(no)).await.unwrap();
    assert_eq!(said.recipient, Recipient::Account("rui".to_owned()));
    assert_eq!(consented(&house, &rui, HERS), (false, true));
    let house_no = says(Recipient::Organisation(" Hospital".to_owned()), Says::Deny);
    let said = done(&house, &anna, ConsentAsk::Propose(house_no)).await.unwrap();
    assert_eq!(said.recipient, Recipient::Organisation("Hospital".to_owned()));
    assert_eq!(consented(&house, &house.context("wu", Role::Radiologist, None), HERS), (false, true));
}

/// What was said earlier than it is put down counts from then.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_entry_is_as_old_as_its_date() {
    let house = house().await;
    let whom = || Some(Recipient::Account("rui".to_owned()));
    let begun = house.context("olga", Role::Officer, None).now;
    house.pass(60);
    let no = Proposal { recipient: whom(), says: Says::Deny, ..asks(None) };
    done(&house, &patient(&house), ConsentAsk::Propose(no)).await.unwrap();
    house.pass(60);
    let officer = house.context("olga", Role::Officer, None);
    let paper = |first, after| {
        let number = port::putright::PatientNumber { issuer: String::new(), number: "P1".to_owned() };
        let dated = Some((begun.plus_seconds(first), begun.plus_seconds(after)));
        Proposal { recipient: whom(), patient: Some(number), witnessed: true, dated, ..asks(None) }
    };
    // Begins and ends, in seconds; her no was at 60, now is 120.
    let cases = [
        (0, 1, Some("not-now")),
        (0, 86_400, Some("not-now")),
        (60, 61, Some("not-now")),
        (121, 122, Some("contradictory-dates")),
    ];
    for (first, after, word) in cases {
        let got = done(&house, &officer, ConsentAsk::Propose(paper(first, after))).await;
        assert_eq!(got.err().as_deref(), word, "{first} {after}");
    }
    assert_eq!(consented(&house, &doctor(&house), HERS), (false, true));
    let later = done(&house, &officer, ConsentAsk::Propose(paper(61, 62))).await.unwrap();
    assert_eq!(later.state, "accepted");
    assert_eq!(consented(&house, &doctor(&house), HERS), (true, false));
    // Her own no of today is of now.
    let today = Some((begun, begun.plus_seconds(86_400)));
    let no = Proposal { recipient: whom(), says: Says::Deny, dated: today, ..asks(None) };
    done(&house, &patient(&house), ConsentAsk::Propose(no)).await.unwrap();
    assert_eq!(consented(&house, &doctor(&house), HERS), (false, true));
}

async fn ids(house: &House, who: &Context) -> Vec<Id> {
    match answer(&house.vault, who, ConsentAsk::List).await.unwrap() {
        Response::Consents(list) => list.iter().map(|one| one.id).collect(),
        _ => Vec::new(),
    }
}

/// A patient's list is of hers, under whichever reference others agreed is hers.
#[tokio::test(flavor = "multi_thread")]
async fn each_reads_her_own() {
    let house = house().await;
    let bea = house.context("bea", Role::Patient, Some("P2"));
    let own = || Proposal { recipient: Some(Recipient::Role(Role::Radiologist)), ..asks(None) };
    let his = done(&house, &patient(&house), ConsentAsk::Propose(own())).await.unwrap().id;
    let hers = done(&house, &bea, ConsentAsk::Propose(own())).await.unwrap().id;
    assert_eq!((ids(&house, &patient(&house)).await, ids(&house, &bea).await), (vec![his], vec![hers]));
    let officer = house.context("olga", Role::Officer, None);
    assert_eq!(ids(&house, &officer).await.len(), 2);
    let anna = patient(&house).own.unwrap();
    let homes = [anna.home(), bea.own.and_then(crate::putright::Own::home)];
    let righted = lock(&house.vault.righted);
    for (home, is_hers) in homes.into_iter().map(Option::unwrap).zip([true, false]) {
        assert_eq!(anna.references(&righted).contains(&home), is_hers);
        assert_eq!(anna.is(&righted, home), is_hers);
    }
}

/// Whom a withdrawal that broke off did not ask is asked when she reads.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_asked_is_asked_later() {
    let house = house().await;
    let (anna, rui) = (patient(&house), doctor(&house));
    let own = Proposal { recipient: Some(Recipient::Account("rui".to_owned())), ..asks(None) };
    let id = done(&house, &anna, ConsentAsk::Propose(own)).await.unwrap().id;
    act(&house, &anna, id, ConsentAct::Withdraw { text: String::new() }).await.unwrap();
    let looked = |set: Option<bool>| {
        let mut consents = lock(&house.vault.consents);
        let mut all = consents.values_mut().flat_map(|record| Arc::make_mut(record).consents.iter_mut());
        let one = all.find(|one| one.id == id).unwrap();
        one.looked = set.unwrap_or(one.looked);
        one.looked
    };
    assert!(looked(None));
    looked(Some(false));
    answer(&house.vault, &rui, ConsentAsk::List).await.unwrap();
    assert!(!looked(None), "nobody else's reading asks");
    answer(&house.vault, &anna, ConsentAsk::List).await.unwrap();
    assert!(looked(None));
}
