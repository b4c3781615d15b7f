//! Law profiles: what the law of a place asks of the archive, as data (`policies/law/`). Each row says where it was read and
//! whether counsel confirmed it. What no row says is not assumed.

use serde::Deserialize;

/// Names and texts of the profiles that come with the program.
const PROFILES: &[(&str, &str)] = &[
    ("cn", include_str!("../../../policies/law/cn.toml")),
    ("eu", include_str!("../../../policies/law/eu.toml")),
    ("us", include_str!("../../../policies/law/us.toml")),
];

/// The rows that every profile has.
pub const KEYS: &[&str] = &[
    "masks-seen",
    "staff-named-to-patients",
    "guardian-consents-below-age",
    "retention-outpatient-years",
    "retention-inpatient-years",
    "breach-notice-authority-hours",
    "breach-notice-people",
    "separate-consent-for",
    "access-record-years",
];

/// One profile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// As `site.law` names it.
    pub name: String,
    /// What it asks.
    pub row: Vec<Row>,
}

/// One thing that it asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// One of [`KEYS`].
    pub key: String,
    /// What.
    pub value: Said,
    /// Act and article.
    pub source: String,
    /// Said by the site's counsel, not by us.
    pub confirmed_by_counsel: bool,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// Yes or no.
    Yes(bool),
    /// Years, hours.
    Number(u32),
    /// In words.
    Word(String),
    /// Several.
    Words(Vec<String>),
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Yes(yes) => write!(f, "{yes}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => write!(f, "{word}"),
            Self::Words(words) => write!(f, "{}", words.join(", ")),
        }
    }
}

impl Law {
    /// Names of the profiles.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PROFILES.iter().map(|(name, _)| *name)
    }

    /// The profile of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (_, text) = PROFILES.iter().find(|(known, _)| *known == name)?;
        toml::from_str(text).ok()
    }

    /// A yes; anything else, and silence, is a no.
    #[must_use]
    pub fn says(&self, key: &str) -> bool {
        self.row.iter().any(|row| row.key == key && row.value == Said::Yes(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_every_row_with_its_source_and_no_counsel() {
        for name in Law::names() {
            let law = Law::named(name).unwrap();
            assert_eq!(law.name, name);
            let keys: Vec<&str> = law.row.iter().map(|row| row.key.as_str()).collect();
            assert_eq!(keys, KEYS, "{name}");
            for row in &law.row {
                assert!(!row.source.trim().is_empty(), "{name} {}", row.key);
                assert!(!row.confirmed_by_counsel, "{name} {}: nobody's counsel has seen it", row.key);
            }
        }
        assert!(Law::named("xx").is_none());
    }

    #[test]
    fn who_may_read_names() {
        let named = |name| Law::named(name).unwrap().says("staff-named-to-patients");
        assert_eq!(["cn", "eu", "us"].map(named), [false, true, true]);
        assert!(!Law::named("cn").unwrap().says("guardian-consents-below-age"), "a number is no yes");
    }
}
