use super::*;

const RULE: &str = "@id(\"a\") permit (principal, action == Action::\"see-masked\", resource)";

fn check(text: &str, good: bool) {
    let parsed = Policies::parse(text, DEFAULT_SCHEMA);
    assert_eq!(parsed.is_ok(), good, "{text}: {:?}", parsed.err().map(|e| e.to_string()));
}

#[test]
fn only_valid_rules_are_taken_into_use() {
    check(&format!("{RULE};"), true);
    check(&format!("{RULE} when {{ context.order }};"), true);
    // An attribute that is not in the schema, a comparison of unlike types, an unknown role, an unknown action.
    check(&format!("{RULE} when {{ context.ordre }};"), false);
    check(&format!("{RULE} when {{ resource.level == \"3\" }};"), false);
    check(&format!("{RULE} when {{ principal == Role::\"root\" }};"), false);
    check("@id(\"a\") permit (principal, action == Action::\"see-al\", resource);", false);
    // A rule that can never hold, or no rule at all behind a template.
    check(&format!("{RULE} when {{ false }};"), false);
    check("@id(\"a\") permit (principal == ?principal, action, resource);", false);
    // Names.
    check("permit (principal, action == Action::\"see-masked\", resource);", false);
    check("@id(\"\") permit (principal, action == Action::\"see-masked\", resource);", false);
    check("@id(\"error\") permit (principal, action == Action::\"see-masked\", resource);", false);
    check(&format!("{RULE}; {RULE} when {{ context.own }};"), false);
    check(&format!("@obliges(\"reason notice\") {RULE};"), true);
    check(&format!("@obliges(\"dance\") {RULE};"), false);
    check("permit (", false);
}

#[test]
fn sizes_are_bounded() {
    let padded = |n: usize| format!("{RULE};{}", " ".repeat(n - RULE.len() - 1));
    check(&padded(POLICY_BYTES), true);
    check(&padded(POLICY_BYTES + 1), false);
    let many = |n: usize| -> String {
        (0..n).map(|i| format!("@id(\"{i}\")permit(principal,action==Action::\"lift\",resource);")).collect()
    };
    check(&many(RULES), true);
    check(&many(RULES + 1), false);
}

#[test]
fn a_schema_that_cannot_say_a_question_is_refused() {
    let cases = [
        ("\"lift\"", "\"lft\""),
        ("level: Long", "level: String"),
        ("purpose: String", "purpose: Bool"),
        ("withheld_class: Bool,", ""),
        ("\"device\"", "\"machine\""),
        ("entity Archive;", ""),
    ];
    for (from, to) in cases {
        assert!(DEFAULT_SCHEMA.contains(from), "{from}");
        assert!(Policies::parse("", &DEFAULT_SCHEMA.replace(from, to)).is_err(), "{from} -> {to}");
    }
    assert!(Policies::parse("", DEFAULT_SCHEMA).is_ok());
}

/// One page for an officer: at most a dozen rules about pictures, each numbered and explained above it.
#[test]
fn the_default_set_fits_a_page() {
    for text in [DEFAULT_RULES, DEFAULT_RIGHTS] {
        let set: PolicySet = text.parse().unwrap();
        let rules = set.policies().count();
        assert!(rules <= 12, "{rules}");
        let explained = (1..=rules).filter(|n| text.contains(&format!("\n// {n}. "))).count();
        assert_eq!(explained, rules);
    }
    assert!(DEFAULT_RULES.lines().count() <= 80);
}

#[test]
fn the_version_is_the_digest_of_the_text() {
    // Expected: printf '\0\0\0\0\0\0\0\1a\0\0\0\0\0\0\0\2bc' | sha256sum
    assert_eq!(digest("a", "bc").hex(), "3fafa1cf2f19a7c1129beb20cf0983f73a489a221fc0dd2f16d1be292d089205");
    assert_ne!(digest("ab", "c"), digest("a", "bc"));
    let other = Policies::parse(&[DEFAULT_RULES, DEFAULT_RIGHTS, "\n"].concat(), DEFAULT_SCHEMA).unwrap();
    assert_ne!(other.version(), Policies::embedded().unwrap().version());
}
