use super::*;
use crate::policies::Texts;

fn found(more: &str) -> Vec<(String, Trouble)> {
    let mut texts = Texts::embedded();
    texts.pictures.push_str(more);
    check(&Policies::of(&texts).unwrap_or_else(|e| panic!("{e}"))).findings
}

fn with(id: &str, trouble: Option<Trouble>, rule: &str) {
    let found = found(&format!("@id(\"{id}\") {rule};"));
    let of = |name: &str| found.iter().find(|(rule, _)| rule == name).map(|(_, t)| *t);
    assert_eq!(of(id), trouble, "{rule}");
    // `no-picture` is a second lock on purpose: nothing permits its roles a picture.
    assert!(found.iter().all(|(rule, _)| rule == id || rule == "no-picture"), "{rule}: {found:?}");
}

#[test]
fn the_default_rules_all_do_something() {
    assert_eq!(found(""), [("no-picture".to_owned(), Trouble::Idle)]);
}

#[test]
fn rules_that_do_not_do_what_they_say() {
    let see = |what: &str, when: &str| {
        format!("{what} (principal, action == Action::\"see-masked\", resource) when {{ {when} }}")
    };
    with("a", Some(Trouble::NeverHolds), &see("permit", "principal == Role::\"device\" && context.own"));
    with("b", Some(Trouble::Overruled), &see("permit", "principal == Role::\"officer\" && context.related"));
    with(
        "c",
        Some(Trouble::Idle),
        &see("permit", "principal == Role::\"referrer\" && context.order && context.purpose == \"report\""),
    );
    with("d", Some(Trouble::NeverHolds), &see("forbid", "context.hour > 30"));
}

/// Rules that hold for one body part, machine, hour, day or level only are found to do something.
#[test]
fn constants_of_the_rules_are_tried() {
    for when in [
        "resource.body_parts.contains(\"BREAST\")",
        "resource.modalities.contains(\"CT\")",
        "context.organisation == \"vendor inc\"",
        "context.hour >= 22",
        "context.weekday == 2",
        "resource.level == 5",
        "context.relations.contains(\"delegation\")",
        "principal == Role::\"device\" && context.ae == \"AI1\"",
    ] {
        let rule = "forbid (principal, action == Action::\"see-masked\", resource) when { X }";
        with("x", None, &rule.replace('X', when));
    }
}

#[test]
fn rights_are_tried_too() {
    let rule = "@id(\"x\") forbid (principal == Role::\"vendor\", action == Action::\"store\", resource);";
    assert!(found(rule).contains(&("x".to_owned(), Trouble::Idle)), "a vendor may not store anyway");
    let rule = "@id(\"x\") permit (principal == Role::\"vendor\", action == Action::\"verify\", resource);";
    assert!(!found(rule).iter().any(|(id, _)| id == "x"));
}
