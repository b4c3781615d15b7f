//! Words that promise what no program can keep, or what nobody has examined yet: refused in documents and in the texts of
//! the pages, save in a phrase that says the opposite or names a date.

use super::files;
use std::path::{Path, PathBuf};

/// Refused, in lower case. A word counts only when no letter stands before or after it.
const REFUSED: &[&str] = &[
    "anonymous",
    "anonymised",
    "anonymized",
    "anonymisation",
    "anonymization",
    "anonymity",
    "anonymously",
    "unbreakable",
    "unhackable",
    "hack-proof",
    "bulletproof",
    "tamper-proof",
    "certified",
    "military-grade",
    "military grade",
    "bank-grade",
    "100 % secure",
    "100% secure",
    "absolutely safe",
    "absolutely secure",
    "completely secure",
    "perfectly secure",
    "zero risk",
    "risk-free",
    "hipaa compliant",
    "hipaa-compliant",
    "gdpr compliant",
    "gdpr-compliant",
    "匿名",
    "绝对安全",
    "百分之百安全",
    "军工级",
    "军用级",
    "不可破解",
    "无法破解",
    "万无一失",
    "获得认证",
    "通过认证",
];

/// Phrases that hold a refused word and may stand, with the reason.
const ALLOWED: &[(&str, &str)] = &[
    ("until certified", "says that it is not"),
    ("until they are certified", "says that they are not"),
    ("not certified", "says that it is not"),
    ("not anonymous", "says that it is not"),
    ("not anonymity", "says what a mask does not give"),
    ("no anonymity", "says what a mask does not give"),
    ("not-anonymous", "the key of such a text"),
    ("not make you anonymous", "tells a patient what a mask does not do"),
    ("never anonymous", "says that it is not"),
    ("不是匿名", "says that it is not"),
    ("并非匿名", "says that it is not"),
    ("不等于匿名", "says that it is not"),
    ("不能使您匿名", "tells a patient what a mask does not do"),
    ("不能匿名", "says that it is not"),
    ("在获得认证之前", "until certified"),
];

/// Checks what people read.
pub fn check(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for path in texts(root) {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        match std::fs::read_to_string(&path) {
            Ok(text) => faults.extend(refused(&name, &text)),
            Err(_) => faults.push(format!("{name}: cannot be read")),
        }
    }
    faults
}

/// Documents, pages' sources and the texts of commands and pages; built pages come from these.
fn texts(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "md"))
        .collect();
    found.extend(files(&root.join("docs"), "md"));
    for folder in ["locales", "crates/app/locales", "ui/src", "ui/locales"] {
        for extension in ["toml", "json", "ts", "svelte", "html"] {
            found.extend(files(&root.join(folder), extension));
        }
    }
    found.sort();
    found
}

fn refused(name: &str, text: &str) -> Vec<String> {
    let (flat, lines) = flatten(text);
    let covered: Vec<(usize, usize)> = ALLOWED
        .iter()
        .flat_map(|(phrase, _)| flat.match_indices(phrase).map(|(at, hit)| (at, at + hit.len())))
        .collect();
    let mut faults = Vec::new();
    for word in REFUSED {
        for (at, hit) in flat.match_indices(word) {
            let end = at + hit.len();
            if whole(&flat, at, end) && !covered.iter().any(|(from, to)| *from <= at && end <= *to) {
                let line = lines.get(at).copied().unwrap_or(0);
                faults.push(format!("{name}:{line}: `{word}` promises too much; say what a test shows"));
            }
        }
    }
    faults
}

/// Lower case, each run of spaces and line ends one space, with the line number of each byte: phrases cross lines.
fn flatten(text: &str) -> (String, Vec<usize>) {
    let (mut flat, mut lines) = (String::with_capacity(text.len()), Vec::with_capacity(text.len()));
    for (number, line) in text.lines().enumerate() {
        for word in line.split_whitespace() {
            let word = word.to_lowercase();
            lines.extend(std::iter::repeat_n(number + 1, word.len() + 1));
            flat.push_str(&word);
            flat.push(' ');
        }
    }
    (flat, lines)
}

/// No Latin letter touches it: `uncertified` and `certificate` are other words.
fn whole(flat: &str, at: usize, end: usize) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    let first = flat.get(at..).and_then(|s| s.chars().next());
    !letter(first)
        || (!letter(flat.get(..at).and_then(|s| s.chars().next_back()))
            && !letter(flat.get(end..).and_then(|s| s.chars().next())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_refused() {
        for bad in [
            "Our films are anonymous.",
            "It is **Certified** by us",
            "military-grade keys",
            "100 %\n secure",
            "(unbreakable)",
            "anonymised",
            "影像已匿名",
            "until it rains. Certified!",
        ] {
            assert_eq!(refused("x.md", bad).len(), 1, "{bad}");
        }
        assert_eq!(refused("x.md", "fine\nfine\nit is\ncertified")[0].split(':').nth(1), Some("4"));
    }

    #[test]
    fn honest_phrases_stand() {
        for good in [
            "not for primary diagnosis until\n    certified",
            "A chest film is not anonymous.",
            "dignity, not\nanonymity",
            "a certificate, uncertified, anonymiser",
            "蒙版不等于匿名",
        ] {
            assert!(refused("x.md", good).is_empty(), "{good}: {:?}", refused("x.md", good));
        }
    }

    #[test]
    fn every_allowed_phrase_holds_a_refused_word_and_a_reason() {
        for (phrase, reason) in ALLOWED {
            assert!(REFUSED.iter().any(|w| phrase.contains(w)), "{phrase}");
            assert!(!reason.is_empty());
        }
    }
}
