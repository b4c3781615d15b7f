//! The site: its clocks, its law, and how long relations last.

use crate::law::Law;
use serde::Deserialize;

/// See [`super::Config::site`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// By how much its clocks are ahead of UTC, `+08:00`; rules about hours and days go by them.
    pub utc_offset: String,
    /// Whose law it keeps, a profile of `policies/law`: `cn`, `eu`, `us`.
    pub law: String,
}

impl Default for Site {
    fn default() -> Self {
        Self { utc_offset: "+08:00".to_owned(), law: "cn".to_owned() }
    }
}

impl Site {
    /// Why it makes no sense, if it does not.
    pub(super) fn mistake(&self) -> Option<&'static str> {
        match (offset(&self.utc_offset), Law::named(&self.law)) {
            (None, _) => Some("site.utc_offset: `+hh:mm` or `-hh:mm`"),
            (_, None) => Some("site.law: cn, eu or us"),
            _ => None,
        }
    }

    /// In seconds; what was checked when the file was read is no mistake.
    #[must_use]
    pub fn utc_offset_s(&self) -> i32 {
        offset(&self.utc_offset).unwrap_or(0)
    }
}

/// `±hh:mm` (RFC 3339 §5.6) in seconds.
fn offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let two = |part: &str, below: i32| {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i32>().ok().filter(|n| digits && *n < below)
    };
    let (hours, minutes) = rest.split_once(':')?;
    Some(sign * (two(hours, 15)? * 3600 + two(minutes, 60)? * 60))
}

/// See [`super::Config::relations`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Relations {
    /// Days that a relation lasts after a discharge or a done order, 0 to 366.
    pub discharge_grace_days: u16,
    /// Hours after which a feed counts as silent, at most 8784; 0: never.
    pub feed_silent_hours: u16,
}

impl Default for Relations {
    fn default() -> Self {
        Self { discharge_grace_days: 30, feed_silent_hours: 24 }
    }
}

impl Relations {
    pub(super) fn sound(&self) -> bool {
        self.discharge_grace_days <= 366 && self.feed_silent_hours <= 366 * 24
    }

    /// In the archive's units; senders that do not say their time zone are in the site's.
    #[must_use]
    pub fn agreed(&self, site: &Site) -> archive::Relating {
        archive::Relating {
            grace_s: i64::from(self.discharge_grace_days) * 24 * 3600,
            silent_s: i64::from(self.feed_silent_hours) * 3600,
            utc_offset_s: site.utc_offset_s(),
        }
    }
}
