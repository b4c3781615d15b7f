use super::*;
use crate::policies::Policies;
use crate::{Action, MaskFacts, Relation, RelationKind, StudyFacts, decide};
use model::{Organisation, Role, Tenant};

const NOW: Time = Time(1_795_507_200_000_000_000);
const STUDY: Id = Id([1; 16]);

fn grant() -> Grant {
    decide(&Policies::embedded().unwrap(), Action::Open, &facts()).unwrap()
}

fn facts() -> Facts {
    let caller = Caller {
        user: "li".to_owned(),
        role: Role::Radiologist,
        organisation: Organisation("hospital".to_owned()),
        tenant: Tenant::main(),
        own_patient: None,
    };
    let study = StudyFacts {
        study: STUDY,
        tenant: Tenant::main(),
        patient: Id([2; 16]),
        modalities: vec![],
        body_parts: vec![],
        level: 3,
        withheld_class: false,
    };
    let visit = Relation { kind: RelationKind::Visit, source: String::new(), start: NOW, end: None };
    Facts {
        caller,
        purpose: Some(Purpose::Treatment),
        relations: vec![visit],
        order_for_report: false,
        reason: None,
        study,
        research_approval: false,
        objection: false,
        glass_until: None,
        consent: crate::ConsentFacts { version: 3, ..crate::ConsentFacts::default() },
        now: NOW,
        utc_offset_s: 0,
        standing: crate::Standing::default(),
        mask: Some(MaskFacts { version: 7, holds_for: Some(HoldsFor::Strangers) }),
    }
}

/// A grant of the first one's study that shows this.
fn showing(pixels: Pixels, words: model::Words, (hide, may_lift): (Hide, bool)) -> Grant {
    let grant = grant();
    let visibility = Visibility { pixels, words };
    Grant { content: record::Content { visibility, hide, may_lift, ..grant.content } }
}

#[test]
fn it_takes_two_to_take_all_away() {
    let policies = Policies::embedded().unwrap();
    let caller = |user: &str, role| Caller { user: user.to_owned(), role, ..grant().content.caller };
    let asked = |role, right| {
        crate::may(&policies, right, &crate::Asker { role, ..crate::Asker::default() }).unwrap()
    };
    let facts = |user| Facts { caller: caller(user, Role::Admin), ..facts() };
    let (admin, officer) = (asked(Role::Admin, Right::Leave), asked(Role::Officer, Right::Leave));
    let two = Grant::of_two(&facts("ada"), &admin, (&caller("olga", Role::Officer), &officer)).unwrap();
    assert_eq!((two.visibility(), two.covers(STUDY)), (Visibility::CLEAR, true));
    assert_eq!(two.rules(), ["admin", "officer"]);
    assert_eq!(Grant::of_two(&facts("ada"), &admin, (&caller("ada", Role::Admin), &admin)), None, "one");
    let other = asked(Role::Officer, Right::Verify);
    assert_eq!(Grant::of_two(&facts("ada"), &admin, (&caller("olga", Role::Officer), &other)), None);
    assert_eq!(Grant::of_two(&facts("ada"), &other, (&caller("olga", Role::Officer), &officer)), None);
}

#[test]
fn the_narrower_of_two_grants() {
    use model::Words::{Full, Pseudonymous};
    let clear = || showing(Pixels::Clear, Full, (Hide::Nothing, false));
    let masked = |hide, lift| showing(Pixels::Masked, Full, (hide, lift));
    // What both let out: pixels, regions hidden, whether what strangers do not get is there.
    let cases = [
        (clear(), clear(), (Pixels::Clear, Hide::Nothing, false)),
        (clear(), masked(Hide::All, true), (Pixels::Masked, Hide::All, true)),
        (clear(), masked(Hide::All, false), (Pixels::Masked, Hide::All, false)),
        (masked(Hide::All, true), clear(), (Pixels::Masked, Hide::All, true)),
        (masked(Hide::Found, true), masked(Hide::Drawn, true), (Pixels::Masked, Hide::All, true)),
        (masked(Hide::Found, true), masked(Hide::Found, false), (Pixels::Masked, Hide::Found, false)),
    ];
    for (one, other, expected) in cases {
        let both = one.narrowed(other).unwrap();
        assert_eq!((both.visibility().pixels, both.hide(), both.may_lift()), expected);
        assert!(!both.lifted() && both.rules().len() == 2 * grant().rules().len());
    }
    let research = showing(Pixels::Masked, Pseudonymous, (Hide::All, false));
    assert_eq!(clear().narrowed(research), None, "one knows the study by a name that the other must not get");
    let mut elsewhere = clear();
    elsewhere.content.studies = vec![Id([9; 16])];
    assert_eq!(clear().narrowed(elsewhere), None);
    let mut short = clear();
    short.content.ends_at = NOW.plus_seconds(3);
    assert_eq!(clear().narrowed(short).unwrap().ends_at(), NOW.plus_seconds(3));
}

fn current() -> Current {
    let policy_version = Policies::embedded().unwrap().version();
    Current {
        now: NOW.plus_seconds(1),
        study: STUDY,
        mask_version: 7,
        consent_version: 3,
        policy_version,
        session_alive: true,
    }
}

#[test]
fn a_grant_comes_back_as_it_was() {
    let grant = grant();
    let text = serde_json::to_string(&grant.to_record()).unwrap();
    let record: GrantRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(record.ends_at(), grant.ends_at());
    assert_eq!(readmit(record, &current()), Ok(grant));
}

#[test]
fn each_change_lapses_it() {
    let good = current();
    let cases = [
        (Current { session_alive: false, ..good }, Lapse::Revoked),
        (Current { now: NOW.plus_seconds(GRANT_SECONDS), ..good }, Lapse::Expired),
        (Current { now: NOW.plus_seconds(-1), ..good }, Lapse::Expired),
        (Current { study: Id([3; 16]), ..good }, Lapse::OtherStudy),
        (Current { policy_version: PolicyVersion([0; 32]), ..good }, Lapse::PolicyChanged),
        (Current { mask_version: 8, ..good }, Lapse::MaskChanged),
        (Current { mask_version: 0, ..good }, Lapse::MaskChanged),
    ];
    for (current, lapse) in cases {
        assert_eq!(readmit(grant().to_record(), &current), Err(lapse));
    }
    let last = Current { now: Time(NOW.plus_seconds(GRANT_SECONDS).0 - 1), ..good };
    assert!(readmit(grant().to_record(), &last).is_ok());
}

#[test]
fn what_she_says_of_secondary_use_ends_grants_for_it_alone() {
    let later = Current { consent_version: 4, ..current() };
    assert!(readmit(grant().to_record(), &later).is_ok(), "treatment goes on");
    let mut research = grant();
    research.content.purpose = Some(Purpose::Research);
    assert_eq!(readmit(research.to_record(), &later), Err(Lapse::ConsentChanged));
    assert!(readmit(research.to_record(), &current()).is_ok());
}

#[test]
fn a_record_that_decide_could_not_have_made_stays_out() {
    let text = serde_json::to_string(&grant().to_record()).unwrap();
    let cases = [
        ("\"version\":3", "\"version\":4"),
        ("\"version\":3", "\"version\":2"),
        ("\"hide\":\"Found\"", "\"hide\":\"Nothing\""),
        ("\"pixels\":\"Masked\"", "\"pixels\":\"Clear\""),
        ("\"pixels\":\"Masked\"", "\"pixels\":\"None\""),
        ("\"lifted\":false", "\"lifted\":true"),
    ];
    for (from, to) in cases {
        assert!(text.contains(from), "{from} in {text}");
        let record = serde_json::from_str(&text.replacen(from, to, 1)).unwrap();
        assert_eq!(readmit(record, &current()), Err(Lapse::Malformed), "{from} -> {to}");
    }
}

/// What each rule hides of what was found, and of what was drawn for whom, by hand.
#[test]
fn hide_names_kinds() {
    use HoldsFor::{Everyone, Related, Strangers};
    for hide in [Hide::Nothing, Hide::Drawn, Hide::Found, Hide::All] {
        let mut grant = grant();
        grant.content.hide = hide;
        for kind in RegionKind::ALL {
            let expected = matches!(hide, Hide::Found | Hide::All) && *kind != RegionKind::Marker;
            assert_eq!(grant.hides_found(*kind), expected, "{hide:?} {kind}");
        }
        let draws = matches!(hide, Hide::Drawn | Hide::All);
        for (drawn_for, hidden) in [
            (Strangers, [true, true, true]),
            (Related, [false, true, true]),
            (Everyone, [false, false, true]),
        ] {
            grant.content.drawn_for = drawn_for;
            let found = [Strangers, Related, Everyone].map(|holds| grant.hides_drawn(holds));
            assert_eq!(found, hidden.map(|yes| yes && draws), "{hide:?} {drawn_for}");
        }
    }
}

/// Postcard is positional, so a moved or added field needs a new version. A grant of an older one is decided anew.
#[test]
fn records_of_version_3_stay_readable() {
    let mut grant = grant();
    grant.content.policy_version = PolicyVersion([5; 32]);
    let bytes = postcard::to_stdvec(&grant.to_record()).unwrap();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, include_str!("record-v3.hex").trim());
    let record: GrantRecord = postcard::from_bytes(&bytes).unwrap();
    let current = Current { policy_version: PolicyVersion([5; 32]), ..current() };
    assert_eq!(readmit(record, &current), Ok(grant));
    let old = include_str!("record-v2.hex").trim().as_bytes();
    let old: Vec<u8> =
        old.chunks(2).map(|b| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 16).unwrap()).collect();
    let read = postcard::from_bytes::<GrantRecord>(&old);
    assert!(read.is_err() || read.is_ok_and(|old| readmit(old, &current) == Err(Lapse::Malformed)));
}

/// What is made ready under one grant flows on under another only if that one lets out the same.
#[test]
fn what_shows_the_same() {
    let with = |also_hidden: &[RegionKind], longest_side, lifted| {
        let also_hidden = also_hidden.to_vec();
        Grant { content: record::Content { also_hidden, longest_side, lifted, ..grant().content } }
    };
    let plain = with(&[], None, false);
    let cases = [
        (with(&[], None, false), true),
        (with(&[RegionKind::Face], None, false), false),
        (with(&[], Some(64), false), false),
        (with(&[], None, true), false),
    ];
    for (other, same) in cases {
        assert_eq!((plain.shows_as(&other), other.shows_as(&plain)), (same, same), "{other:?}");
    }
    let clear = showing(Pixels::Clear, model::Words::Full, (Hide::Nothing, false));
    assert!(!plain.shows_as(&clear), "masked by default here");
}
