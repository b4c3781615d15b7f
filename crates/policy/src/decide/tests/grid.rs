//! Every cell of `grid.txt`, asked of the default rules.

use super::*;
use crate::ConsentFacts;

const CELLS: usize = 12;

/// The facts of a cell; nothing: there is no such case.
fn cell(role: Role, purpose: Option<Purpose>, column: usize) -> Facts {
    let mut facts = facts(role, purpose);
    facts.study.withheld_class = matches!(column, 1 | 3 | 5 | 7);
    let said = |consented, identified, refused| match purpose.is_some_and(Purpose::secondary) {
        true => ConsentFacts { version: 1, consented, identified, refused, ..ConsentFacts::default() },
        // Nothing is said of care (`ConsentFacts::of`).
        false => ConsentFacts::default(),
    };
    match (column, role) {
        (0 | 1, _) => {}
        (2 | 3, Role::Patient) => facts.caller.own_patient = Some(facts.study.patient),
        (2 | 3, Role::Device) => "masked".clone_into(&mut facts.standing.sees),
        (2 | 3, _) => facts.relations = vec![relation(RelationKind::Visit, None)],
        (4 | 5, Role::Device) => "clear".clone_into(&mut facts.standing.sees),
        (4 | 5, _) => facts.order_for_report = true,
        (6 | 7, _) => facts.glass_until = Some(NOW.plus_seconds(900)),
        (8, _) => facts.consent = said(true, false, false),
        (9, _) => facts.consent = said(true, true, false),
        (10, _) => facts.consent = said(false, false, true),
        _ => {}
    }
    if column >= 8 && role == Role::Device {
        "deidentified".clone_into(&mut facts.standing.sees);
    }
    facts.research_approval = column >= 10;
    facts
}

fn word(decision: &Decision) -> &'static str {
    let Ok(grant) = decision else { return "-" };
    match (grant.visibility(), grant.may_lift()) {
        (Visibility::CLEAR, _) => "c",
        (Visibility::DEIDENTIFIED, _) => "d",
        _ if grant.obligations().contains(&Obligation::Reason) => "m?",
        (_, true) => "m+",
        (_, false) => "m",
    }
}

#[test]
fn every_cell_of_the_grid() {
    let policies = Policies::embedded().unwrap();
    let (mut rows, mut cells) = (std::collections::HashSet::new(), 0);
    for line in include_str!("../grid.txt").lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words.len(), CELLS + 2, "{line}");
        let (role, purpose): (Role, Option<Purpose>) = (words[0].parse().unwrap(), words[1].parse().ok());
        assert!(rows.insert((role, purpose)), "twice: {line}");
        for (column, expected) in words[2..].iter().enumerate().filter(|(_, cell)| **cell != ".") {
            let got = decide(&policies, Action::Open, &cell(role, purpose, column));
            assert_eq!(word(&got), *expected, "{role} {} column {column}", words[1]);
            cells += 1;
        }
    }
    assert_eq!(rows.len(), Role::ALL.len() * (Purpose::ALL.len() + 1), "every role and purpose");
    assert_eq!(cells, 108 * CELLS - 12 * 2);
}

/// Promise: with 50 rules, 99 of 100 decisions take at most 1 ms. Measured loosely (×5) here, since machines are shared.
#[test]
#[expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
fn fifty_rules_are_quick() {
    let more: String = (0..38)
        .map(|n| {
            format!(
                "@id(\"r{n}\") forbid (principal, action == Action::\"see-clear\", resource) \
                 when {{ resource.body_parts.contains(\"PART{n}\") && context.hour > {} }};",
                n % 24
            )
        })
        .collect();
    let set = Policies::parse(&[DEFAULT_RULES, &more, DEFAULT_RIGHTS].concat(), DEFAULT_SCHEMA).unwrap();
    let facts = related(Role::Radiologist);
    let mut took: Vec<_> = (0..2_000)
        .map(|_| {
            let start = std::time::Instant::now();
            assert!(decide(&set, Action::Open, &facts).is_ok());
            start.elapsed()
        })
        .collect();
    took.sort();
    let (half, most) = (took[1_000], took[1_980]);
    println!("50 rules about pictures: median {half:?}, 99 of 100 within {most:?}");
    assert!(most.as_micros() < 5_000, "{most:?}");
}
