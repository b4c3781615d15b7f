use super::*;
use crate::policies::Texts;
use std::collections::HashSet;

#[test]
fn noon_is_noon_on_a_wednesday() {
    // `date -u -d '2026-11-25 12:00' +%s` gives 1795608000.
    let mut facts = usual(Role::Referrer, None);
    assert_eq!(facts.local(), (3, 12));
    facts.utc_offset_s = 8 * 3600;
    assert_eq!(facts.local(), (3, 20));
    facts.utc_offset_s = 13 * 3600;
    assert_eq!(facts.local(), (4, 1));
    facts.utc_offset_s = -13 * 3600;
    assert_eq!(facts.local(), (2, 23));
    facts.now = Time(-1);
    facts.utc_offset_s = 0;
    assert_eq!(facts.local(), (3, 23), "1969-12-31 was a Wednesday");
}

#[test]
fn cases_are_sound_and_come_once() {
    let constants = Constants::of(&Policies::embedded().unwrap());
    assert_eq!(constants.words, Vec::<String>::new(), "the default rules name no body part and no machine");
    let mut seen = HashSet::new();
    let all = pictures(&constants, &mut |facts| {
        assert!(facts.sound());
        assert!(seen.insert(format!("{facts:?}")), "{facts:?}");
        std::ops::ControlFlow::Continue(())
    });
    assert!(all.is_continue());
    assert!(seen.len() > 5_000, "{}", seen.len());
}

#[test]
fn constants_are_bounded() {
    let parts: Vec<String> = (0..=CONSTANTS).map(|n| format!("\"P{n}\"")).collect();
    let rule = |parts: &[String]| {
        format!(
            "@id(\"x\") forbid (principal, action == Action::\"lift\", resource) \
             when {{ resource.body_parts.containsAny([{}]) }};",
            parts.join(",")
        )
    };
    let of = |parts: &[String]| {
        let mut texts = Texts::embedded();
        texts.pictures.push_str(&rule(parts));
        Constants::of(&Policies::of(&texts).unwrap())
    };
    assert!(!of(&parts[1..]).cut);
    let cut = of(&parts);
    assert!(cut.cut && cut.words.len() == CONSTANTS);
}
