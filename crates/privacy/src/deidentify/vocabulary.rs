//! Descriptions cleaned word by word (PS3.15 E.3.5): only words of a vocabulary stay, and none of them that names somebody or
//! something in this data set. What is not known to be harmless goes.

use super::identity::Identity;
use std::collections::HashSet;
use std::sync::OnceLock;

/// Of a person whose name may be a word of anatomy: such a text is not judged at all.
const TITLES: &[&str] = &[
    "dr", "prof", "mr", "mrs", "ms", "miss", "frau", "herr", "md", "sra", "mme", "dott", "nurse", "patient",
    "pat", "name", "ref",
];
const CHINESE_TITLES: &[&str] =
    &["医生", "医师", "大夫", "主任", "先生", "女士", "教授", "护士", "患者", "病人", "姓名"];

/// Longer ones are no names of protocols; reading them costs nothing.
const LONGEST: usize = 65_536;

/// Separators that may stay between words that all stay.
const BETWEEN: &[char] = &[' ', '-', '_', '/', '+', '(', ')', ',', '.', '&'];

/// The parsed `profiles/words.txt`.
#[derive(Debug)]
pub struct Vocabulary {
    words: HashSet<&'static str>,
    units: HashSet<&'static str>,
    chinese: HashSet<&'static str>,
    meanings: HashSet<&'static str>,
}

/// A run of characters of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Number(&'a str),
    Between(&'a str),
}

impl Vocabulary {
    /// The words; nothing when they are not whole.
    pub fn all() -> Option<&'static Self> {
        static ALL: OnceLock<Option<Vocabulary>> = OnceLock::new();
        ALL.get_or_init(|| Self::parse(include_str!("../../profiles/words.txt"))).as_ref()
    }

    fn parse(text: &'static str) -> Option<Self> {
        let line = |kind: &str| {
            let rest = text.lines().find_map(|line| line.strip_prefix(kind));
            rest.map(|rest| rest.split(' ').collect::<HashSet<_>>())
        };
        Some(Self { words: line("W ")?, units: line("U ")?, chinese: line("H ")?, meanings: line("M ")? })
    }

    /// What may stay of a text; nothing: no word. Line ends become spaces where a word goes.
    pub fn clean(&self, text: &str, identity: &Identity) -> Option<String> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let tokens = tokens(text);
        let lower: Vec<String> = tokens.iter().map(|t| t.text().to_lowercase()).collect();
        let title = |word: &String| {
            TITLES.contains(&word.as_str()) || CHINESE_TITLES.iter().any(|title| word.contains(title))
        };
        if lower.iter().any(title) {
            return None;
        }
        let known: Vec<bool> =
            tokens.iter().zip(&lower).map(|(token, word)| self.known(token, word, identity)).collect();
        let number = |at, word: &String| !identity.knows(word) && self.number(&tokens, &known, at);
        let stays: Vec<bool> = (lower.iter().enumerate().zip(&known))
            .map(|((at, word), known)| *known || number(at, word))
            .collect();
        let words = tokens.iter().zip(&stays).filter(|(token, _)| !matches!(token, Token::Between(_)));
        let kept: Vec<&str> =
            words.clone().filter(|(_, stays)| **stays).map(|(token, _)| token.text()).collect();
        let plain = text.chars().all(|c| c.is_alphanumeric() || BETWEEN.contains(&c));
        match kept.is_empty() {
            true => None,
            false if plain && kept.len() == words.count() => Some(text.to_owned()),
            false => Some(kept.join(" ")),
        }
    }

    /// A code's meaning in which every word is of the vocabulary of meanings.
    pub fn is_meaning(&self, text: &str, identity: &Identity) -> bool {
        let all = tokens(text);
        let mut words = all.iter().filter(|token| !matches!(token, Token::Between(_))).peekable();
        words.peek().is_some()
            && words.all(|token| {
                let word = token.text().to_lowercase();
                let listed = self.words.contains(&*word) || self.meanings.contains(&*word);
                let short = matches!(token, Token::Number(_)) && word.len() <= 2
                    || word.len() == 1 && word.is_ascii();
                !identity.knows(&word) && (listed || short)
            })
    }

    fn known(&self, token: &Token<'_>, word: &str, identity: &Identity) -> bool {
        match token {
            Token::Word(_) if identity.knows(word) => false,
            Token::Word(_) if word.is_ascii() => self.words.contains(word) || self.measure(word),
            Token::Word(_) => self.chinese(word),
            _ => false,
        }
    }

    /// `5mm`, `1.5T`; not `45y`.
    fn measure(&self, word: &str) -> bool {
        let at = word.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0);
        word.split_at_checked(at).is_some_and(|(number, unit)| measured(number) && self.units.contains(unit))
    }

    /// A run of ideographs that falls apart into terms, all of it; a single character may be a name.
    fn chinese(&self, run: &str) -> bool {
        let chars: Vec<char> = run.chars().collect();
        let mut reached = vec![false; chars.len() + 1];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        for end in 1..=chars.len() {
            let whole = (end.saturating_sub(8)..end).any(|start| {
                let term: String = chars.iter().take(end).skip(start).collect();
                reached.get(start) == Some(&true) && self.chinese.contains(&*term)
            });
            if let Some(at) = reached.get_mut(end) {
                *at = whole;
            }
        }
        chars.len() > 1 && reached.last() == Some(&true)
    }

    /// A bare number stays before a unit, or of one or two digits when words that stay are all that is beside it: else it may be a
    /// part of a date, an age or a number of the patient.
    fn number(&self, tokens: &[Token<'_>], known: &[bool], at: usize) -> bool {
        let Some(Token::Number(number)) = tokens.get(at) else { return self.unit_after_number(tokens, at) };
        let unit = tokens.get(at + 2).is_some_and(|t| self.units.contains(&*t.text().to_lowercase()));
        if unit && matches!(tokens.get(at + 1), Some(Token::Between(" "))) {
            return measured(number);
        }
        let beside = |space: Option<usize>, word: Option<usize>| match space.and_then(|at| tokens.get(at)) {
            None => None,
            Some(Token::Between(" " | "_" | "-")) => Some(word.and_then(|at| known.get(at)) == Some(&true)),
            Some(_) => Some(false),
        };
        let sides = [beside(at.checked_sub(1), at.checked_sub(2)), beside(Some(at + 1), Some(at + 2))];
        let digits = number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit());
        digits && sides.contains(&Some(true)) && !sides.contains(&Some(false))
    }

    fn unit_after_number(&self, tokens: &[Token<'_>], at: usize) -> bool {
        let number = at.checked_sub(2).and_then(|at| tokens.get(at));
        let unit = tokens.get(at).is_some_and(|t| self.units.contains(&*t.text().to_lowercase()));
        let space = at.checked_sub(1).and_then(|at| tokens.get(at)) == Some(&Token::Between(" "));
        unit && space && matches!(number, Some(Token::Number(number)) if measured(number))
    }
}

/// At most three digits and a fraction of three.
fn measured(number: &str) -> bool {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let short = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    short(whole) && short(fraction)
}

impl<'a> Token<'a> {
    const fn text(self) -> &'a str {
        match self {
            Self::Word(text) | Self::Number(text) | Self::Between(text) => text,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Latin,
    Ideograph,
    Between,
}

/// Text as runs; a full stop between digits is part of the number.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let (mut start, mut sort) = (0, None);
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|(_, c)| c.is_ascii_digit());
    for (at, (offset, c)) in chars.iter().enumerate() {
        let now = match c {
            '\u{2E80}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' => Sort::Ideograph,
            '.' if digit(at.checked_sub(1)) && digit(Some(at + 1)) => Sort::Latin,
            c if c.is_alphanumeric() => Sort::Latin,
            _ => Sort::Between,
        };
        if let Some(before) = sort.filter(|before| *before != now) {
            out.extend(text.get(start..*offset).map(|run| token(before, run)));
            start = *offset;
        }
        sort = Some(now);
    }
    out.extend(sort.and_then(|sort| text.get(start..).map(|run| token(sort, run))));
    out
}

fn token(sort: Sort, run: &str) -> Token<'_> {
    match sort {
        Sort::Between => Token::Between(run),
        _ if run.bytes().all(|b| b.is_ascii_digit() || b == b'.') => Token::Number(run),
        _ => Token::Word(run),
    }
}

#[cfg(test)]
mod tests;
