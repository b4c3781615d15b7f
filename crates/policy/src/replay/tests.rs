use super::*;
use crate::domain::{relation, usual};
use crate::{MaskFacts, RelationKind};
use model::{HoldsFor, Purpose, Role};

fn treating() -> Facts {
    let mut facts = usual(Role::Referrer, Some(Purpose::Treatment));
    facts.relations = vec![relation(RelationKind::Team)];
    facts
}

#[test]
fn facts_come_back_and_decide_alike() {
    let policies = Policies::embedded().unwrap();
    let mut facts = treating();
    facts.reason = Some("compare with the old film of the left lung".to_owned());
    facts.mask = Some(MaskFacts { version: 3, holds_for: Some(HoldsFor::Related) });
    for (action, word) in
        [(Action::Open, "masked"), (Action::Lift, "clear"), (Action::BreakGlass, "withheld")]
    {
        let text = facts.written(action);
        assert!(!text.contains("lung"), "the entry has the words already");
        let again = Asked::read(&text).unwrap();
        assert_eq!(again.outcome(&policies), outcome(&policies, action, &facts));
        assert_eq!(again.outcome(&policies).word, word);
        assert_eq!(Facts { reason: facts.reason.clone(), ..again.facts }, facts);
    }
}

/// Fields that a later program added are read as their default.
#[test]
fn an_older_entry_is_read() {
    let mut json: serde_json::Value = serde_json::from_str(&treating().written(Action::Open)).unwrap();
    assert!(json.as_object_mut().unwrap().remove("utc_offset_s").is_some());
    assert_eq!(Asked::read(&json.to_string()).unwrap().facts.utc_offset_s, 0);
    for bad in ["", "{}", "null", "[1]"] {
        assert_eq!(Asked::read(bad), None, "{bad}");
    }
}

#[test]
fn facts_are_bounded() {
    let mut facts = treating();
    facts.study.body_parts = vec!["X".repeat(FACTS_BYTES)];
    assert_eq!(facts.written(Action::Open), "");
}

#[test]
fn outcomes_have_words() {
    let policies = Policies::embedded().unwrap();
    let ask = |facts: &Facts| outcome(&policies, Action::Open, facts);
    let own = |o: Outcome| (o.word, o.hides, o.lift, o.rules.join(" "));
    assert_eq!(own(ask(&treating())), ("masked".into(), "found", true, "relation-masked".into()));
    let stranger = usual(Role::Referrer, Some(Purpose::Treatment));
    assert_eq!(own(ask(&stranger)), ("reason-needed".into(), "found", false, "treatment-masked".into()));
    let vendor = usual(Role::Vendor, Some(Purpose::Maintenance));
    assert_eq!(own(ask(&vendor)), ("withheld".into(), "", false, "no-picture".into()));
}
