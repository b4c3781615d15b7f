//! Matching as in PS3.4 §C.2.2.2, on text that is folded once: case, width and accents do not count in names.

use model::{Attribute, Attributes, Tag};
use port::find::{Key, Matching};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// All keys hold.
pub fn matches(attributes: &Attributes, keys: &[Key]) -> bool {
    keys.iter().all(|key| {
        key.tag().is_some_and(|tag| holds(attributes.get(tag), tag, &key.matching))
    })
}

fn holds(attribute: Option<&Attribute>, tag: Tag, matching: &Matching) -> bool {
    if *matching == Matching::Universal {
        return true;
    }
    let Some(attribute) = attribute else { return false };
    let name = attribute.vr.as_str() == "PN";
    attribute.values.iter().any(|value| {
        if name {
            value.split('=').any(|group| one(group, tag, matching, true))
        } else {
            one(value, tag, matching, false)
        }
    })
}

fn one(value: &str, tag: Tag, matching: &Matching, name: bool) -> bool {
    let value = value.trim();
    match matching {
        Matching::Universal => true,
        Matching::Empty => value.is_empty(),
        Matching::Single(wanted) if name => name_key(value) == name_key(wanted),
        Matching::Single(wanted) => value == wanted.trim(),
        Matching::List(list) => list.iter().any(|wanted| value == wanted.trim()),
        Matching::Wildcard(pattern) if name => wildcard(&name_key(pattern), &name_key(value)),
        Matching::Wildcard(pattern) => wildcard(pattern, value),
        Matching::Range(from, to) => range(tag, value, from.as_deref(), to.as_deref()),
    }
}

/// Folds a name: compatibility forms, lower case, no accents; trailing component separators do not count
/// (`DOE^JANE^^^` is `DOE^JANE`).
pub fn name_key(name: &str) -> String {
    let folded: String =
        name.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    folded.trim_end_matches(['^', ' ']).trim().to_owned()
}

/// `*` any run, `?` any one character. Linear in both lengths (no exponential back-tracking: patterns are hostile).
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some('?') => {
                p += 1;
                t += 1;
            }
            Some(c) if text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((sp, st)) = star else { return false };
                star = Some((sp, st + 1));
                p = sp + 1;
                t = st + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// Dates and times compare as text of equal length: a shorter bound is widened (`2020` from = 20200101, to = 20201231).
fn range(tag: Tag, value: &str, from: Option<&str>, to: Option<&str>) -> bool {
    if value.is_empty() {
        return false;
    }
    let time = matches!(tag, model::tags::STUDY_TIME | model::tags::PERFORMED_PROCEDURE_STEP_START_TIME);
    let width = if time { 6 } else { 8 };
    let fit = |text: &str, fill: char| {
        let digits = text.trim().chars().filter(char::is_ascii_digit);
        digits.chain(std::iter::repeat(fill)).take(width).collect::<String>()
    };
    let value = fit(value, '0');
    from.is_none_or(|from| fit(from, '0') <= value) && to.is_none_or(|to| value <= fit(to, '9'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::tags;

    fn check(vr: [u8; 2], tag: Tag, value: &str, matching: Matching, expected: bool) {
        let mut attributes = Attributes::new();
        attributes.set(tag, vr, value.split('\\').map(str::to_owned));
        let got = matches(&attributes, &[Key::top(tag, matching.clone())]);
        assert_eq!(got, expected, "{value} {matching:?}");
    }

    #[test]
    fn names() {
        let pn = |value, matching, expected| check(*b"PN", tags::PATIENT_NAME, value, matching, expected);
        pn("Doe^Jane", Matching::Single("DOE^JANE".into()), true);
        pn("Doe^Jane^^^", Matching::Single("doe^jane".into()), true);
        pn("Müller^Åsa", Matching::Wildcard("MULL*".into()), true);
        pn("Wang^XiaoDong=王^小东", Matching::Wildcard("王*".into()), true);
        pn("Wang^XiaoDong=王^小东", Matching::Wildcard("*dong".into()), true);
        pn("Doe^Jane", Matching::Single("Doe".into()), false);
        pn("Doe^Jane", Matching::Wildcard("D?e^*".into()), true);
    }

    #[test]
    fn values_and_ranges() {
        let id = |value, matching, expected| check(*b"LO", tags::PATIENT_ID, value, matching, expected);
        id("A1", Matching::Single("a1".into()), false);
        id("A1", Matching::List(vec!["B".into(), "A1".into()]), true);
        id("", Matching::Universal, true);
        let date = |value, from: Option<&str>, to: Option<&str>, expected| {
            let matching = Matching::Range(from.map(str::to_owned), to.map(str::to_owned));
            check(*b"DA", tags::STUDY_DATE, value, matching, expected);
        };
        date("20200229", Some("20200101"), Some("20200229"), true);
        date("20200301", Some("20200101"), Some("20200229"), false);
        date("20200301", Some("20200101"), None, true);
        date("2020.03.01", None, Some("20200301"), true);
        date("", None, Some("20200301"), false);
    }

    #[test]
    fn hostile_patterns_are_linear() {
        let pattern = "*a".repeat(500);
        let text = "a".repeat(499);
        assert!(!wildcard(&pattern, &text));
        assert!(wildcard("**", ""));
        assert!(!wildcard("?", ""));
    }
}
