//! Names: folded for comparing, with wildcards, and by the beginnings of their words; Chinese ones also by pinyin and by
//! initials (PS3.4 §C.2.2.2.1 and .4 leave both to the archive, the conformance statement says how).

use pinyin::ToPinyinMulti;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Readings of one name that are kept; a name of many characters with many readings each has thousands.
const READINGS: usize = 16;
/// Characters of a name that are read; longer ones are no Chinese name.
const READ_CHARS: usize = 8;
/// Words of a fuzzy key; more say nothing.
const WORDS: usize = 8;

/// Folds a name: compatibility forms, lower case, no accents; trailing component separators do not count
/// (`DOE^JANE^^^` is `DOE^JANE`).
pub fn name_key(name: &str) -> String {
    let folded: String =
        name.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    folded.trim_end_matches(['^', ' ']).trim().to_owned()
}

/// The words of a fuzzy key, folded. Wildcards are dropped: every word is a beginning.
pub fn words(key: &str) -> Vec<String> {
    let folded = name_key(key);
    let words = folded.split(separates).filter(|word| !word.is_empty());
    words.take(WORDS).map(str::to_owned).collect()
}

/// Every word begins a word of the name.
pub fn begins(words: &[String], name: &str) -> bool {
    let forms = forms(name);
    words.iter().all(|word| forms.iter().any(|form| form.starts_with(word.as_str())))
}

/// All words by which a name is found: those of each group, a group's words run together, and pinyin of Han characters as
/// syllables, run together and as initials.
pub fn forms(name: &str) -> Vec<String> {
    let folded = name_key(name);
    let mut out: Vec<String> = Vec::new();
    for group in folded.split('=') {
        let words: Vec<&str> = group.split(separates).filter(|word| !word.is_empty()).collect();
        if words.len() > 1 {
            out.push(words.concat());
        }
        out.extend(words.iter().map(|word| (*word).to_owned()));
        read(&words, &mut out);
    }
    out
}

/// A name and what else it is found by, for the text that is searched as a whole: what [`begins`], or is compared with
/// wildcards, has all its parts in it.
pub fn name_line(name: &str) -> String {
    let mut out = name_key(name);
    for form in forms(name) {
        if !out.contains(&form) {
            out.push('\u{1}');
            out.push_str(&form);
        }
    }
    out
}

fn separates(c: char) -> bool {
    matches!(c, '^' | '=' | ' ' | ',' | '*' | '?' | '-' | '.' | '\'')
}

fn read(words: &[&str], out: &mut Vec<String>) {
    let whole: String = words.concat();
    if !whole.chars().any(is_han) || whole.chars().count() > READ_CHARS {
        return;
    }
    for syllables in readings(&whole) {
        out.push(syllables.concat());
        out.push(syllables.iter().filter_map(|s| s.chars().next()).collect());
        out.extend(syllables);
    }
}

/// Syllables of each reading, plain: no tones, `ü` as `u` and as `v` (what a keyboard has).
fn readings(han: &str) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for c in han.chars() {
        let mut syllables: Vec<String> = Vec::new();
        for reading in c.to_pinyin_multi().into_iter().flatten() {
            let plain = reading.plain();
            for text in [name_key(plain), plain.replace('ü', "v")] {
                if !syllables.contains(&text) {
                    syllables.push(text);
                }
            }
        }
        if syllables.is_empty() {
            syllables.push(c.to_string());
        }
        let longer = all.iter().flat_map(|so_far| {
            syllables.iter().map(|syllable| [so_far.as_slice(), std::slice::from_ref(syllable)].concat())
        });
        all = longer.take(READINGS).collect();
    }
    all
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// `*` any run, `?` any one character. Linear in both lengths (no exponential back-tracking: patterns are hostile).
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (mut p, mut t) = (pattern.chars(), text.chars());
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (before_p, before_t) = (p.clone(), t.clone());
        match (p.next(), t.next()) {
            (Some('*'), _) => {
                t = before_t;
                star = Some((p.clone(), t.clone()));
            }
            (None, None) => return true,
            (Some(one), Some(c)) if one == '?' || one == c => {}
            (_, None) => return before_p.clone().all(|c| c == '*'),
            _ => {
                let Some((after, mut from)) = star else { return false };
                from.next();
                p = after.clone();
                t = from.clone();
                star = Some((after, from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_names_by_pinyin_and_initials() {
        let check = |key: &str, name: &str, expected: bool| {
            assert_eq!(begins(&words(key), name), expected, "{key} {name}");
        };
        check("zhangsan", "Zhang^San=张^三", true);
        check("zhangsan", "张^三", true);
        check("zhang san", "张^三", true);
        check("san zhang", "张三", true);
        check("zs", "=张^三", true);
        check("张", "=张^三", true);
        check("张三", "Zhang^San=张^三", true);
        check("三", "张^三", true);
        check("zhao", "张^三", false);
        check("szhang", "张^三", false);
        // 曾 and 单 are read otherwise as family names; ü is u or v.
        check("zengguofan", "曾^国藩", true);
        check("shan", "单^雄信", true);
        check("lvbu", "吕^布", true);
        check("lubu", "吕^布", true);
        check("mull", "Müller^Åsa", true);
        check("asa mul", "Müller^Åsa", true);
        check("uller", "Müller^Åsa", false);
        check("", "Doe^Jane", true);
    }

    #[test]
    fn readings_are_bounded() {
        assert_eq!(readings(&"行".repeat(READ_CHARS)).len(), READINGS);
        let long = "行".repeat(READ_CHARS + 1);
        assert_eq!(forms(&long), [long]);
        assert_eq!(words(&"a ".repeat(WORDS + 1)).len(), WORDS);
    }

    #[test]
    fn hostile_patterns_are_linear() {
        let pattern = "*a".repeat(500);
        let text = "a".repeat(499);
        assert!(!wildcard(&pattern, &text));
        for (pattern, text, expected) in [
            ("**", "", true),
            ("?", "", false),
            ("a*", "a", true),
            ("a*b?", "axbxbc", true),
            ("*王*", "小王", true),
            ("?王", "王", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(wildcard(pattern, text), expected, "{pattern} {text}");
        }
    }
}
