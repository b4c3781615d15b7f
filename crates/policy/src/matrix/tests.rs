use super::*;
use crate::policies::Texts;

fn cell(lines: &[Line], role: Role, purpose: Purpose, (tie, withheld, part): (Tie, bool, &str)) -> String {
    let of = |line: &&Line| {
        (line.role, line.purpose, line.tie, line.withheld_class) == (role, purpose, tie, withheld)
            && (line.body_parts.is_empty() || line.body_parts.iter().any(|p| p == part))
    };
    let found: Vec<&Line> = lines.iter().filter(of).collect();
    assert!(found.len() < 2, "{found:?}");
    found.first().map_or(WITHHELD.to_owned(), |line| line.outcome.word.clone())
}

/// From the sentences of policies/default.cedar, by hand.
#[test]
fn the_default_table() {
    let lines = matrix(&Policies::embedded().unwrap(), &[]);
    for (role, purpose, tie, withheld, expected) in [
        (Role::Radiologist, Purpose::Report, Tie::Order, false, "clear"),
        (Role::Radiologist, Purpose::Report, Tie::Order, true, "clear"),
        (Role::Radiologist, Purpose::Report, Tie::None, false, "withheld"),
        (Role::Referrer, Purpose::Treatment, Tie::Relation, false, "masked"),
        (Role::Referrer, Purpose::Treatment, Tie::None, false, "reason-needed"),
        (Role::Referrer, Purpose::Treatment, Tie::None, true, "withheld"),
        (Role::Referrer, Purpose::Teaching, Tie::Relation, false, "withheld"),
        (Role::Researcher, Purpose::Research, Tie::None, false, "deidentified"),
        (Role::Patient, Purpose::Own, Tie::Own, true, "clear"),
        (Role::Officer, Purpose::Audit, Tie::Relation, false, "withheld"),
        (Role::Device, Purpose::Treatment, Tie::Agreed("masked"), false, "masked"),
    ] {
        assert_eq!(
            cell(&lines, role, purpose, (tie, withheld, "CHEST")),
            expected,
            "{role} {purpose} {tie:?}"
        );
    }
    assert!(lines.iter().all(|line| line.body_parts.is_empty()), "no default rule names a body part");
}

#[test]
fn body_parts_stand_apart_where_a_rule_tells_them_apart() {
    let mut texts = Texts::embedded();
    texts.pictures.push_str(
        "@id(\"breast\") forbid (principal == Role::\"referrer\", action, resource is Study) \
         when { resource.body_parts.contains(\"BREAST\") };",
    );
    let parts = ["BREAST", "CHEST", "HAND"].map(str::to_owned);
    let lines = matrix(&Policies::of(&texts).unwrap(), &parts);
    let ask = |role, part| cell(&lines, role, Purpose::Treatment, (Tie::Relation, false, part));
    assert_eq!(ask(Role::Referrer, "BREAST"), "withheld");
    assert_eq!(ask(Role::Referrer, "HAND"), "masked");
    assert_eq!(ask(Role::Radiologist, "BREAST"), "masked");
    let of_referrer = lines.iter().find(|l| l.role == Role::Referrer && l.tie == Tie::Relation).unwrap();
    assert_eq!(of_referrer.body_parts, ["CHEST", "HAND"]);
}
