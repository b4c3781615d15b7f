use super::*;
use crate::decide::tests::facts;
use crate::{Action, Code, Hide, Policies, decide};
use model::{Organisation, Role, Tenant, Visibility};

const NOW: Time = Time(1_795_507_200_000_000_000);
const STUDY: Id = Id([1; 16]);

fn caller(role: Role) -> Caller {
    Caller {
        user: "li".to_owned(),
        role,
        organisation: Organisation("institute".to_owned()),
        tenant: Tenant::main(),
        own_patient: None,
    }
}

fn account() -> Recipient {
    Recipient::Account("li".to_owned())
}

fn yes(recipient: Recipient) -> Consent {
    Consent {
        purpose: Purpose::Research,
        recipient,
        study: None,
        says: Some(Says::Permit),
        bounds: Bounds { abroad: true, ..Bounds::default() },
        decided: NOW.plus_seconds(-9),
    }
}

fn said(consents: &[Consent], purpose: Purpose, abroad: bool) -> ConsentFacts {
    let caller = caller(Role::Researcher);
    ConsentFacts::of(1, consents, &Asked { purpose, caller: &caller, abroad, study: STUDY, now: NOW })
}

/// What she said, and what follows for a researcher `li` of `institute`: agreed, refused. By hand from FHIR R4 Consent (a
/// provision is about its actor, purpose, period and data) and from the promise that a no beats every yes.
#[test]
fn which_words_count() {
    let bounded = |bounds: Bounds| Consent { bounds: Bounds { abroad: true, ..bounds }, ..yes(account()) };
    let no = |recipient| Consent { says: Some(Says::Deny), ..yes(recipient) };
    let at = |seconds| NOW.plus_seconds(seconds);
    let until = |seconds| bounded(Bounds { until: Some(at(seconds)), ..Bounds::default() });
    let from = |seconds| bounded(Bounds { from: Some(at(seconds)), ..Bounds::default() });
    let institute = || Recipient::Organisation("institute".to_owned());
    let later = |consent: Consent| Consent { decided: at(-1), ..consent };
    let cases: Vec<(&str, Vec<Consent>, (bool, bool))> = vec![
        ("nothing", vec![], (false, false)),
        ("her", vec![yes(account())], (true, false)),
        ("her house", vec![yes(institute())], (true, false)),
        ("her role", vec![yes(Recipient::Role(Role::Researcher))], (true, false)),
        ("somebody else", vec![yes(Recipient::Account("wu".to_owned()))], (false, false)),
        ("another house", vec![yes(Recipient::Organisation("other".to_owned()))], (false, false)),
        ("another role", vec![yes(Recipient::Role(Role::Radiologist))], (false, false)),
        ("another purpose", vec![Consent { purpose: Purpose::Ai, ..yes(account()) }], (false, false)),
        (
            "as she types it",
            vec![no(account()), later(yes(Recipient::Account(" Li".to_owned())))],
            (true, false),
        ),
        ("this study", vec![Consent { study: Some(STUDY), ..yes(account()) }], (true, false)),
        ("another study", vec![Consent { study: Some(Id([9; 16])), ..yes(account()) }], (false, false)),
        ("not yet", vec![from(1)], (false, true)),
        ("from now", vec![from(0)], (true, false)),
        ("until then", vec![until(1)], (true, false)),
        ("until now", vec![until(0)], (false, true)),
        ("over, but her role is let", vec![until(0), yes(Recipient::Role(Role::Researcher))], (true, false)),
        ("no", vec![no(account())], (false, true)),
        ("a no beats a yes", vec![yes(account()), no(institute())], (false, true)),
        ("though it is older", vec![no(institute()), later(yes(account()))], (false, true)),
        ("the later word about the same", vec![no(account()), later(yes(account()))], (true, false)),
        (
            "one film after a no to all",
            vec![no(account()), later(Consent { study: Some(STUDY), ..yes(account()) })],
            (true, false),
        ),
        (
            "a no to one film after a yes to all",
            vec![yes(account()), later(Consent { study: Some(STUDY), ..no(account()) })],
            (false, true),
        ),
        ("in whatever order", vec![later(yes(account())), no(account())], (true, false)),
        ("and back", vec![yes(account()), later(no(account()))], (false, true)),
        ("a no taken back", vec![later(Consent { says: None, ..yes(account()) })], (false, false)),
        (
            "a no taken back, after which she had said yes",
            vec![later(yes(account())), Consent { says: None, decided: at(0), ..yes(account()) }],
            (true, false),
        ),
        ("a yes that ended opens nothing", vec![no(account()), later(until(0))], (false, true)),
        (
            "a no to one film taken back, after a no to all",
            vec![no(account()), later(Consent { study: Some(STUDY), says: None, ..yes(account()) })],
            (false, true),
        ),
        (
            "a no to one film taken back, after a yes to all",
            vec![yes(account()), later(Consent { study: Some(STUDY), says: None, ..yes(account()) })],
            (true, false),
        ),
        (
            "a no to all taken back, after a no to this film",
            vec![
                Consent { study: Some(STUDY), ..no(account()) },
                later(Consent { says: None, ..yes(account()) }),
            ],
            (false, true),
        ),
        (
            "a no to all taken back, after a yes to this film",
            vec![
                Consent { study: Some(STUDY), ..yes(account()) },
                later(Consent { says: None, ..yes(account()) }),
            ],
            (true, false),
        ),
    ];
    for (name, consents, expected) in cases {
        let facts = said(&consents, Purpose::Research, false);
        assert_eq!((facts.consented, facts.refused), expected, "{name}");
        for care in Purpose::ALL.iter().filter(|purpose| !purpose.secondary()) {
            let facts = said(&consents, *care, false);
            assert!(!facts.consented && !facts.refused, "{name}: {care} never asks");
        }
    }
}

#[test]
fn the_narrowest_of_several_counts() {
    let bounds = |bounds| Consent { bounds, ..yes(account()) };
    let one = bounds(Bounds {
        hidden: vec![RegionKind::Face],
        longest_side: Some(256),
        identified: true,
        abroad: true,
        ..Bounds::default()
    });
    let other = Consent {
        recipient: Recipient::Role(Role::Researcher),
        ..bounds(Bounds {
            hidden: vec![RegionKind::Breast],
            longest_side: Some(512),
            until: Some(NOW.plus_seconds(7)),
            ..Bounds::default()
        })
    };
    let facts = said(&[one.clone(), other.clone()], Purpose::Research, false);
    assert_eq!(facts.hidden, [RegionKind::Breast, RegionKind::Face]);
    assert_eq!((facts.longest_side, facts.identified), (Some(256), false));
    assert_eq!(facts.until, Some(NOW.plus_seconds(7)));
    let abroad = said(&[one.clone(), other.clone()], Purpose::Research, true);
    assert_eq!((abroad.longest_side, abroad.identified), (Some(256), true), "one is not for abroad");
    let none_here = said(&[other], Purpose::Research, true);
    assert!(
        !none_here.consented && none_here.refused,
        "the site's approval opens no more than she agreed to"
    );
}

/// Role, purpose, the site's approval, the patient's words (`-`, `yes`, `named`, `no`), objection, what follows. By hand from
/// the sentences over the rules.
const TABLE: &str = "
researcher   research  no   -      no   withheld
researcher   research  yes  -      no   deidentified
researcher   research  no   yes    no   deidentified
researcher   research  yes  no     no   withheld
researcher   research  no   yes    yes  withheld
researcher   teaching  yes  -      no   withheld
researcher   teaching  no   yes    no   deidentified
researcher   quality   no   yes    no   deidentified
researcher   ai        no   yes    no   deidentified
researcher   teaching  no   named  no   deidentified
radiologist  teaching  no   yes    no   deidentified
radiologist  teaching  no   named  no   masked
referrer     quality   no   named  no   masked
referrer     quality   no   named  yes  withheld
radiologist  research  no   named  no   deidentified
radiologist  ai        no   named  no   deidentified
radiologist  teaching  no   no     no   withheld
technologist teaching  no   named  no   withheld
officer      research  yes  yes    no   withheld
admin        ai        yes  named  no   withheld
vendor       ai        yes  named  no   withheld
radiologist  treatment no   no     yes  masked?
referrer     treatment no   no     no   masked?
referrer     emergency no   no     yes  masked?
";

#[test]
fn rows_about_consent() {
    let policies = Policies::embedded().unwrap();
    for row in TABLE.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = row.split_whitespace().collect();
        let purpose: Purpose = cells[1].parse().unwrap();
        let mut facts = facts(cells[0].parse().unwrap(), Some(purpose));
        facts.research_approval = cells[2] == "yes";
        facts.objection = cells[4] == "yes";
        let words = Consent {
            purpose,
            recipient: Recipient::Role(facts.caller.role),
            says: Some(if cells[3] == "no" { Says::Deny } else { Says::Permit }),
            bounds: Bounds { identified: cells[3] == "named", ..Bounds::default() },
            ..yes(account())
        };
        let words = if cells[3] == "-" { vec![] } else { vec![words] };
        let asked =
            Asked { purpose, caller: &facts.caller, abroad: false, study: facts.study.study, now: facts.now };
        let consent = ConsentFacts::of(1, &words, &asked);
        facts.consent = consent;
        let got = match decide(&policies, Action::Open, &facts) {
            Ok(grant) if !grant.obligations().is_empty() => format!("{}?", grant.visibility().name()),
            Ok(grant) => grant.visibility().name(),
            Err(refusal) => {
                assert_eq!(refusal.code, Code::NotFound);
                "withheld".to_owned()
            }
        };
        assert_eq!(got, cells[5], "{row}");
    }
}

/// A site's own rule may give more; what she agreed to takes it away again.
#[test]
fn boundaries_hold_against_a_wider_rule() {
    let wide = "@id(\"wide\") permit (principal, action in [Action::\"see-clear\", Action::\"see-masked\"], resource);";
    let policies = Policies::parse(wide, crate::policies::DEFAULT_SCHEMA).unwrap();
    let mut facts = facts(Role::Radiologist, Some(Purpose::Teaching));
    facts.consent = ConsentFacts {
        version: 4,
        consented: true,
        hidden: vec![RegionKind::Face],
        longest_side: Some(64),
        until: Some(facts.now.plus_seconds(9)),
        ..ConsentFacts::default()
    };
    let grant = decide(&policies, Action::Open, &facts).unwrap();
    assert_eq!((grant.visibility(), grant.hide()), (Visibility::DEIDENTIFIED, Hide::All));
    assert_eq!((grant.also_hidden(), grant.longest_side()), ([RegionKind::Face].as_slice(), Some(64)));
    assert_eq!((grant.consent_version(), grant.ends_at()), (4, facts.now.plus_seconds(9)));
    facts.consent.identified = true;
    assert_eq!(decide(&policies, Action::Open, &facts).unwrap().visibility(), Visibility::MASKED);
}
