//! What a person reads on the terminal, in Chinese or English by `LC_ALL`, `LC_MESSAGES` or `LANG`.
#![expect(clippy::print_stdout, reason = "this module is where commands speak")]

use std::collections::HashMap;
use std::sync::LazyLock;

const EN: &str = include_str!("../locales/en.toml");
const ZH: &str = include_str!("../locales/zh.toml");

type Texts = HashMap<String, String>;

static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|v| std::env::var(v).ok().filter(|v| !v.is_empty()));
    toml::from_str(if set.is_some_and(|l| l.starts_with("zh")) { ZH } else { EN }).unwrap_or_default()
});

/// The text of a key, its `{}` filled in order. A key without a text is shown as it is.
#[must_use]
pub fn text(key: &str, values: &[&dyn std::fmt::Display]) -> String {
    let pattern = TEXTS.get(key).map_or(key, String::as_str);
    let mut parts = pattern.split("{}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        out += &values.get(at).map(ToString::to_string).unwrap_or_default();
        out += part;
    }
    out
}

/// A line on standard output.
pub fn line(text: &str) {
    println!("{text}");
}

/// A line for people beside the output, on standard error.
pub fn note(key: &str, values: &[&dyn std::fmt::Display]) {
    eprintln!("{}", text(key, values));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same_things() {
        let (en, zh): (Texts, Texts) = (toml::from_str(EN).unwrap(), toml::from_str(ZH).unwrap());
        for (key, text) in &en {
            let other = zh.get(key).unwrap_or_else(|| panic!("{key} is missing in Chinese"));
            assert_eq!(text.matches("{}").count(), other.matches("{}").count(), "{key}");
        }
        assert_eq!(en.len(), zh.len());
        for code in port::Code::ALL {
            assert!(en.contains_key(code.as_str()), "{}", code.as_str());
        }
    }
}
