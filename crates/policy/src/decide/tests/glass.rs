//! Broken glass: for whom, for what, until when, and what it gives back.

use super::*;

/// A doctor without a relation who broke the glass, with a reason.
fn broken(role: Role, purpose: Purpose) -> Facts {
    let mut facts = facts(role, Some(purpose));
    facts.glass_until = Some(NOW.plus_seconds(900));
    facts.reason = Some("unconscious".to_owned());
    facts
}

/// Role × purpose × class, by hand from the issue: doctors, emergency; whatever the class.
#[test]
fn who_breaks_the_glass_for_what() {
    let policies = Policies::embedded().unwrap();
    for role in Role::ALL {
        for purpose in Purpose::ALL {
            for withheld in [false, true] {
                let mut facts = broken(*role, *purpose);
                facts.study.withheld_class = withheld;
                let doctor = [Role::Radiologist, Role::Referrer].contains(role);
                let decision = decide(&policies, Action::BreakGlass, &facts);
                let expected = doctor && *purpose == Purpose::Emergency;
                assert_eq!(decision.is_ok(), expected, "{role} {purpose} {withheld}");
                let Ok(grant) = decision else { continue };
                assert_eq!((grant.visibility(), grant.hide()), (Visibility::CLEAR, Hide::Nothing));
                assert_eq!(grant.rules(), ["break-glass"]);
                assert_eq!(grant.obligations(), [Obligation::Notice]);
                facts.reason = None;
                let refusal = decide(&policies, Action::BreakGlass, &facts).unwrap_err();
                assert_eq!(refusal.code, Code::ReasonNeeded);
            }
        }
    }
}

/// Until when: exclusive; and no grant outlives it.
#[test]
fn it_ends() {
    let policies = Policies::embedded().unwrap();
    for (left, expected) in [(-1, None), (0, None), (1, Some(1)), (299, Some(299)), (900, Some(300))] {
        let mut facts = broken(Role::Referrer, Purpose::Emergency);
        facts.study.withheld_class = true;
        facts.glass_until = Some(NOW.plus_seconds(left));
        for action in [Action::BreakGlass, Action::Open] {
            let ends = decide(&policies, action, &facts).map(|grant| grant.ends_at()).ok();
            assert_eq!(ends, expected.map(|s| NOW.plus_seconds(s)), "{left} {action:?}");
        }
    }
    // Without glass the masked picture is all that is left, and breaking it is refused.
    let mut facts = broken(Role::Referrer, Purpose::Emergency);
    facts.glass_until = None;
    assert_eq!(decide(&policies, Action::Open, &facts).unwrap().visibility(), Visibility::MASKED);
    assert!(decide(&policies, Action::BreakGlass, &facts).is_err());
    let mut treating = related(Role::Referrer);
    treating.reason = Some("unconscious".to_owned());
    assert!(
        decide(&policies, Action::BreakGlass, &treating).is_err(),
        "who may lift breaks nothing without a factor"
    );
}

/// What a patient drew is given back, too, as by a lift; opening alone leaves it hidden, and it may be lifted.
#[test]
fn drawn_masks_are_given_back() {
    let policies = Policies::embedded().unwrap();
    for holds_for in [HoldsFor::Strangers, HoldsFor::Related, HoldsFor::Everyone] {
        let mut facts = broken(Role::Referrer, Purpose::Emergency);
        facts.mask = Some(MaskFacts { version: 3, holds_for: Some(holds_for) });
        let grant = decide(&policies, Action::BreakGlass, &facts).unwrap();
        assert_eq!((grant.visibility(), grant.hide()), (Visibility::CLEAR, Hide::Nothing));
        assert!(grant.lifted() && !grant.may_lift(), "{holds_for:?}");
        let opened = decide(&policies, Action::Open, &facts).unwrap();
        assert_eq!((opened.hide(), opened.may_lift()), (Hide::Drawn, true), "{holds_for:?}");
    }
}

/// The rules decide: a site without the rule has no glass to break.
#[test]
fn without_the_rule_nothing_breaks() {
    let rule = single_rules().into_iter().find(|rule| rule.starts_with("@id(\"break-glass\")")).unwrap();
    let text = [&DEFAULT_RULES.replace(rule, ""), DEFAULT_RIGHTS].concat();
    let policies = Policies::parse(&text, DEFAULT_SCHEMA).unwrap();
    for withheld in [false, true] {
        let mut facts = broken(Role::Radiologist, Purpose::Emergency);
        facts.study.withheld_class = withheld;
        assert!(decide(&policies, Action::BreakGlass, &facts).is_err());
    }
}
