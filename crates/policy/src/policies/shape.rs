//! How deep and how long a rule may be. Cedar's parser and the trees that it makes go into themselves once for each bracket and each
//! operator; a text of nothing but brackets would end the process by its stack.

use super::Error;

/// Brackets in each other.
pub(super) const DEPTH: usize = 32;
/// One rule, bytes; the longest default one has 700.
pub(super) const RULE_BYTES: usize = 4 << 10;

/// Looks at a text before it is parsed. Knows strings and comments only.
pub(super) fn check(text: &str) -> Result<(), Error> {
    let (mut depth, mut length) = (0_usize, 0_usize);
    let (mut quoted, mut escaped, mut comment) = (false, false, false);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        // What stands in comments, and room between words, is no part of a rule.
        if comment {
            comment = !matches!(byte, b'\n' | b'\r');
            continue;
        }
        length += usize::from(!byte.is_ascii_whitespace());
        if quoted {
            (quoted, escaped) = (escaped || *byte != b'"', !escaped && *byte == b'\\');
        } else {
            match byte {
                b'"' => quoted = true,
                b'/' if bytes.get(at + 1) == Some(&b'/') => comment = true,
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b';' => length = 0,
                _ => {}
            }
        }
        if depth > DEPTH || length > RULE_BYTES {
            return Err(Error::Shape);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::{DEFAULT_RIGHTS, DEFAULT_RULES};

    #[test]
    fn bounds_hold() {
        let deep = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
        assert!(check(&deep(DEPTH)).is_ok());
        assert!(check(&deep(DEPTH + 1)).is_err());
        let long = |n: usize| "a".repeat(n);
        assert!(check(&long(RULE_BYTES)).is_ok());
        assert!(check(&long(RULE_BYTES + 1)).is_err());
        assert!(
            check(&format!("{} {}", long(RULE_BYTES), " ".repeat(RULE_BYTES))).is_ok(),
            "room does not count"
        );
        assert!(check(&format!("{};{}", long(RULE_BYTES), long(RULE_BYTES))).is_ok(), "each rule by itself");
        assert!(
            check(&format!("//{}\n{}", long(9 * RULE_BYTES), long(RULE_BYTES - 9))).is_ok(),
            "comments do not count"
        );
        assert!(check(&format!("//\r{}", "(".repeat(DEPTH + 1))).is_err(), "Cedar ends a comment there, too");
        assert!(check(&format!("\"{}\"", "(".repeat(DEPTH + 1))).is_ok(), "nor what stands in strings");
        assert!(
            check(&format!("\"\\\"\"{}", "(".repeat(DEPTH + 1))).is_err(),
            "an escaped quote ends no string"
        );
        assert!(check(&[DEFAULT_RULES, DEFAULT_RIGHTS].concat()).is_ok());
    }

    /// What would end the process without the bound.
    #[test]
    fn texts_of_brackets_are_refused() {
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
            let inside = format!("{}{}", open.repeat(30_000), close.repeat(30_000));
            let text = format!("@id(\"a\") permit (principal, action, resource) when {{ {inside} }};");
            let set = crate::Policies::parse(&text, crate::policies::DEFAULT_SCHEMA);
            assert!(matches!(set, Err(Error::Shape)), "{open}");
        }
        // Within the bound: an answer, whatever it is.
        for chain in ["!", "-", "1+", "1<", "true&&", "true||", "if true then ", "context."] {
            let inside = chain.repeat((RULE_BYTES - 200) / chain.len());
            let text = format!("@id(\"a\") permit (principal, action, resource) when {{ {inside} 1 }};");
            drop(crate::Policies::parse(&text, crate::policies::DEFAULT_SCHEMA));
        }
    }
}
