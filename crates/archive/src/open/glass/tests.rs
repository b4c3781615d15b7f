//! Codes of the RFC's secret at this archive's clock, by Python's hmac (RFC 4226 §5.3): of the step before, the first one, the
//! next ones.

use super::break_glass;
use crate::context::Context;
use crate::open::{self, Ask};
use crate::testing::{House, PASSWORD, arrival, facts, uid};
use crate::who::{self, authenticate};
use model::{Purpose, Role};
use policy::Action;
use port::archive::Opened;
use port::{Code, Credential, Response};

const SECRET: [u8; 20] = *b"12345678901234567890";
const CODES: Codes = Codes { before: "311543", now: "140519", next: "552293", after: "294227" };

struct Codes {
    before: &'static str,
    now: &'static str,
    next: &'static str,
    after: &'static str,
}

async fn signed_in(house: &House, user: &str) -> Context {
    let arrival = arrival("10.0.0.1:9");
    let answer = who::sign_in(&house.vault, &arrival, user, PASSWORD.to_owned()).await.unwrap();
    let Response::SignedIn { session, .. } = answer else { panic!() };
    authenticate(&house.vault, &Credential::Cookies { session, viewing: None }, &arrival).unwrap()
}

/// A doctor with a second factor, who has nothing to do with anybody, and two mammograms of one patient, one of another.
async fn house() -> (House, Context) {
    let house = House::new();
    for (study, patient) in [("1.2", "A"), ("1.3", "A"), ("1.4", "B")] {
        let mut film = facts(study, &format!("{study}.9"), patient);
        film.sop_class = uid("1.2.840.10008.5.1.4.1.1.1.2");
        film.series.set(model::tags::MODALITY, *b"CS", ["MG".to_owned()]);
        house.store(film, b"film").await.unwrap();
    }
    house.account("remy", Role::Referrer, None);
    give(&house, "remy");
    let context = signed_in(&house, "remy").await;
    (house, context)
}

fn give(house: &House, user: &str) {
    let given = tokio::task::block_in_place(|| house.vault.keep_factor(user, Some(SECRET), "second-factor"));
    assert!(given.unwrap());
}

async fn breaks(house: &House, context: &Context, study: &str, code: &str) -> Result<Opened, Code> {
    let now = house.vault.clock.now();
    let context = Context { now, ..context.clone() };
    let asked = ("unconscious".to_owned(), code);
    match break_glass(&house.vault, &context, uid(study), asked).await {
        Ok(Response::Opened(opened)) => Ok(opened),
        Ok(_) => Err(Code::Internal),
        Err(fault) => Err(fault.code),
    }
}

async fn opens(house: &House, context: &Context, study: &str, purpose: Purpose) -> Result<String, Code> {
    let context = Context { now: house.vault.clock.now(), ..context.clone() };
    let ask = Ask { study: uid(study), action: Action::Open, purpose, reason: Some("ward".to_owned()) };
    match open::open(&house.vault, &context, ask).await {
        Ok(Response::Opened(opened)) => Ok(opened.visibility),
        Ok(_) => Err(Code::Internal),
        Err(fault) => Err(fault.code),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_opens_all_films_of_one_patient_for_minutes() {
    let (house, remy) = house().await;
    assert_eq!(opens(&house, &remy, "1.2", Purpose::Emergency).await, Err(Code::NotFound));
    let opened = breaks(&house, &remy, "1.2", CODES.now).await.unwrap();
    assert_eq!((opened.visibility.as_str(), opened.expires_in_s), ("clear", 300));
    // The same key for her other film, without a code; and the viewer's renewal.
    assert_eq!(breaks(&house, &remy, "1.3", "").await.unwrap().visibility, "clear");
    assert_eq!(opens(&house, &remy, "1.2", Purpose::Emergency).await.unwrap(), "clear");
    // Another purpose, another patient: nothing.
    assert_eq!(opens(&house, &remy, "1.2", Purpose::Treatment).await, Err(Code::NotFound));
    assert_eq!(breaks(&house, &remy, "1.4", "").await, Err(Code::SecondFactorNeeded));
    assert_eq!(opens(&house, &remy, "1.4", Purpose::Emergency).await, Err(Code::NotFound));
    // Another session of the same doctor has broken nothing.
    let other = signed_in(&house, "remy").await;
    assert_eq!(breaks(&house, &other, "1.2", "").await, Err(Code::SecondFactorNeeded));
    // One act to look into; what was opened behind it says by which rule.
    let broken = house.entries("glass-broken");
    assert_eq!(broken.len(), 1);
    assert!(broken[0].details.contains(&("reason".to_owned(), "unconscious".to_owned())));
    assert_eq!(broken[0].study, Some(uid("1.2")));
    let behind = house.entries("opened");
    assert_eq!(behind.len(), 2);
    assert!(behind.iter().all(|e| e.details.contains(&("rules".to_owned(), "break-glass".to_owned()))));
    // A grant ends with it, and so does all.
    house.pass(15 * 60 - 10);
    assert_eq!(breaks(&house, &remy, "1.2", "").await.unwrap().expires_in_s, 10);
    house.pass(10);
    assert_eq!(breaks(&house, &remy, "1.2", "").await, Err(Code::SecondFactorNeeded));
    assert_eq!(opens(&house, &remy, "1.2", Purpose::Emergency).await, Err(Code::NotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_counts_once_and_for_its_time() {
    let (house, remy) = house().await;
    for wrong in ["", "000000", "12345", CODES.after] {
        assert!(breaks(&house, &remy, "1.2", wrong).await.is_err(), "{wrong}");
    }
    assert!(breaks(&house, &remy, "1.2", CODES.now).await.is_ok());
    for spent in [CODES.now, CODES.before] {
        assert_eq!(breaks(&house, &remy, "1.4", spent).await, Err(Code::SecondFactorFailed), "{spent}");
    }
    assert!(breaks(&house, &remy, "1.4", CODES.next).await.is_ok());
    // A restart forgets no code that was spent.
    let house = house.again(|_| ());
    let remy = signed_in(&house, "remy").await;
    assert_eq!(breaks(&house, &remy, "1.2", CODES.next).await, Err(Code::SecondFactorFailed));
    house.pass(30);
    assert!(breaks(&house, &remy, "1.2", CODES.after).await.is_ok());
    let causes = house.entries("glass-refused");
    assert_eq!(causes.len(), 7, "{causes:?}");
}

/// Two at once with one code: one of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_not_spent_twice_at_once() {
    let (house, remy) = house().await;
    let (one, two) =
        tokio::join!(breaks(&house, &remy, "1.2", CODES.now), breaks(&house, &remy, "1.4", CODES.now));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
}

/// A wrong code is answered alike whether there is such a study or not; a right one is spent either way.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_other_studies_look_alike() {
    let (house, remy) = house().await;
    for (code, expected) in [("", Code::SecondFactorNeeded), ("000000", Code::SecondFactorFailed)] {
        for study in ["1.2", "1.99"] {
            assert_eq!(breaks(&house, &remy, study, code).await, Err(expected), "{study} `{code}`");
        }
    }
    assert!(house.entries("glass-refused").iter().all(|entry| entry.study.is_none()));
    assert_eq!(breaks(&house, &remy, "1.99", CODES.now).await, Err(Code::NotFound));
    assert_eq!(breaks(&house, &remy, "1.2", CODES.now).await, Err(Code::SecondFactorFailed));
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_slowed_wherever_they_come_from() {
    let (house, remy) = house().await;
    let mut slowed = 0;
    for n in 0..20 {
        let mut context = remy.clone();
        context.arrival = arrival(&format!("10.0.{n}.1:9"));
        slowed += usize::from(breaks(&house, &context, "1.2", "000000").await == Err(Code::SlowDown));
    }
    assert_eq!(slowed, 15, "five are looked at");
    assert_eq!(breaks(&house, &remy, "1.2", CODES.now).await, Err(Code::SlowDown));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_second_factor_or_no_right_opens_nothing() {
    let (house, remy) = house().await;
    tokio::task::block_in_place(|| house.vault.remove_second_factor("remy")).unwrap();
    assert_eq!(breaks(&house, &remy, "1.2", CODES.now).await, Err(Code::SecondFactorNeeded));
    for role in
        [Role::Researcher, Role::Technologist, Role::Officer, Role::Admin, Role::Vendor, Role::Patient]
    {
        let user = role.to_string();
        house.account(&user, role, (role == Role::Patient).then_some("A"));
        give(&house, &user);
        let context = signed_in(&house, &user).await;
        assert_eq!(breaks(&house, &context, "1.2", CODES.now).await, Err(Code::NotAllowed), "{role}");
    }
    assert!(!tokio::task::block_in_place(|| house.vault.remove_second_factor("nobody")).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_is_owed_and_costs_no_code() {
    let (house, remy) = house().await;
    let asked = (" . ".to_owned(), CODES.now);
    let answer = break_glass(&house.vault, &remy, uid("1.2"), asked).await;
    assert_eq!(answer.unwrap_err().code, Code::ReasonNeeded);
    assert!(breaks(&house, &remy, "1.2", CODES.now).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_it() {
    let (house, remy) = house().await;
    assert!(breaks(&house, &remy, "1.2", CODES.now).await.is_ok());
    who::sign_out(&house.vault, &remy).await.unwrap();
    let remy = signed_in(&house, "remy").await;
    assert_eq!(breaks(&house, &remy, "1.2", "").await, Err(Code::SecondFactorNeeded));
}
