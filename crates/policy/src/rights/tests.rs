use super::*;
use crate::policies::{DEFAULT_RIGHTS, DEFAULT_RULES, DEFAULT_SCHEMA};
use model::{Organisation, Tenant};

/// Who may do what, by hand: role, rights with own data and an approval.
const TABLE: &[(Role, &str)] = &[
    (Role::Technologist, "store find-reduced reject worklist schedule"),
    (Role::Radiologist, "find-full open break-glass change-masks relate propose-consent"),
    (Role::Referrer, "find-full open break-glass change-masks relate propose-consent"),
    (Role::Researcher, "find-pseudonymous open propose-consent"),
    (Role::Patient, "find-own open read-own-accesses change-masks answer-consent"),
    (
        Role::Officer,
        "read-all-accesses change-masks verify put-right look-up leave govern relate propose-consent",
    ),
    (Role::Admin, "administer import verify put-right schedule leave govern"),
    (Role::Vendor, ""),
    (Role::Device, ""),
];

#[test]
fn the_table_of_rights() {
    let policies = Policies::embedded().unwrap();
    assert_eq!(TABLE.len(), Role::ALL.len());
    for (role, expected) in TABLE {
        let has: Vec<_> =
            rights(&policies, *role).into_iter().filter(|(_, yes)| *yes).map(|(r, _)| r.as_str()).collect();
        assert_eq!(has.join(" "), *expected, "{role}");
    }
}

#[test]
fn rights_named_alike() {
    let words: Vec<_> = Right::ALL.iter().map(|r| r.as_str()).collect();
    assert_eq!(words, RIGHTS);
}

#[test]
fn own_and_approval_are_needed() {
    let policies = Policies::embedded().unwrap();
    let ask = |role, right, own, approval| {
        may(&policies, right, &Asker { role, own, approval, ..Asker::default() }).is_ok()
    };
    for right in [Right::FindOwn, Right::ReadOwnAccesses, Right::ChangeMasks] {
        assert!(
            ask(Role::Patient, right, true, false) && !ask(Role::Patient, right, false, true),
            "{right:?}"
        );
    }
    for role in Role::ALL {
        let asker = Asker { role: *role, related: true, ..Asker::default() };
        let draws = matches!(role, Role::Radiologist | Role::Referrer | Role::Officer);
        assert_eq!(may(&policies, Right::ChangeMasks, &asker).is_ok(), draws, "{role}");
        assert_eq!(may(&policies, Right::Relate, &asker).is_ok(), draws, "{role}");
    }
    assert!(!ask(Role::Radiologist, Right::ChangeMasks, true, true), "who has nothing to do with her");
    assert!(!ask(Role::Radiologist, Right::Relate, true, true), "who has nothing to do with her");
    assert!(!ask(Role::Patient, Right::Relate, true, true), "a patient names nobody");
    assert!(ask(Role::Researcher, Right::FindPseudonymous, false, true));
    assert!(!ask(Role::Researcher, Right::FindPseudonymous, true, false));
}

fn caller(role: Role, own: bool) -> Caller {
    Caller {
        user: "li".to_owned(),
        role,
        organisation: Organisation("hospital".to_owned()),
        tenant: Tenant::main(),
        own_patient: own.then_some(model::Id([1; 16])),
    }
}

#[test]
fn who_finds_what() {
    let policies = Policies::embedded().unwrap();
    let cases = [
        (Role::Technologist, false, true, Some((Words::Reduced, false))),
        (Role::Radiologist, false, false, Some((Words::Full, false))),
        (Role::Referrer, false, false, Some((Words::Full, false))),
        (Role::Researcher, false, true, Some((Words::Pseudonymous, false))),
        (Role::Researcher, false, false, None),
        (Role::Patient, true, true, Some((Words::Full, true))),
        (Role::Patient, false, true, None),
        (Role::Officer, false, true, None),
        (Role::Admin, false, true, None),
        (Role::Vendor, false, true, None),
        (Role::Device, false, true, None),
    ];
    for (role, own, approval, expected) in cases {
        let found = may_find(&policies, &caller(role, own), approval, &Standing::default());
        assert_eq!(found.as_ref().ok().map(|p| (p.words(), p.own_only())), expected, "{role}");
        assert!(found.is_ok() || found.is_err_and(|no| no.code == Code::NotAllowed));
    }
}

/// A wider find that fails does not fall through to a narrower one.
#[test]
fn a_rule_that_fails_denies() {
    let rule = "@id(\"broken\") forbid (principal, action == Action::\"find-full\", resource) \
                when { if context.own then 9223372036854775807 + 1 > 0 else true };";
    let policies = Policies::parse(&[DEFAULT_RULES, DEFAULT_RIGHTS, rule].concat(), DEFAULT_SCHEMA).unwrap();
    let refusal = may_find(&policies, &caller(Role::Patient, true), true, &Standing::default()).unwrap_err();
    assert_eq!((refusal.code, refusal.rules), (Code::NotAllowed, vec!["error".to_owned()]));
}

fn machine(may: &[&str], sees: &str) -> Standing {
    Standing {
        ae: "x".to_owned(),
        may: may.iter().map(|word| (*word).to_owned()).collect(),
        sees: sees.to_owned(),
        purpose: None,
    }
}

/// A machine has what was agreed with it, and finds by the words that go with the pictures it sees.
#[test]
fn what_was_agreed_with_a_machine() {
    let policies = Policies::embedded().unwrap();
    let all = ["store", "find", "retrieve", "move-to"];
    let cases: [(&[&str], &str, &str); 6] = [
        (&[], "clear", ""),
        (&["store"], "", "store reject"),
        (&all, "", "store retrieve receive reject"),
        (&all, "deidentified", "store find-pseudonymous retrieve receive reject"),
        (&all, "masked", "store find-full retrieve receive reject"),
        (&["find"], "clear", "find-full"),
    ];
    for (may_do, sees, expected) in cases {
        let asker = Asker { standing: machine(may_do, sees), approval: true, ..Asker::default() };
        let has: Vec<_> =
            Right::ALL.iter().filter(|r| may(&policies, **r, &asker).is_ok()).map(|r| r.as_str()).collect();
        assert_eq!(has.join(" "), expected, "{may_do:?} {sees}");
        // The words are a machine's only: a vendor who claimed them would have nothing.
        let vendor = Asker { role: Role::Vendor, ..asker };
        assert!(Right::ALL.iter().all(|r| may(&policies, *r, &vendor).is_err()));
    }
    let asker = Asker { standing: machine(&all, "deidentified"), ..Asker::default() };
    assert!(may(&policies, Right::FindPseudonymous, &asker).is_err(), "no approval");
}
