//! Points in time: UTC nanoseconds since 1970. The clock is an argument everywhere; only `app` reads it.

use serde::{Deserialize, Serialize};

/// UTC nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Time(pub i64);

impl Time {
    /// Whole seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// This time moved by `seconds`, saturating at the ends.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000_000)))
    }

    /// `(year, month, day)` in UTC.
    #[must_use]
    pub const fn date(self) -> (i64, u32, u32) {
        civil(self.seconds().div_euclid(86_400))
    }

    /// RFC 3339 in UTC with milliseconds, e.g. `2026-11-24T08:00:00.123Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let (y, m, d) = self.date();
        let s = self.seconds().rem_euclid(86_400);
        let ms = self.0.rem_euclid(1_000_000_000) / 1_000_000;
        format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3600, s / 60 % 60, s % 60)
    }
}

/// `(year, month, day)` of the Gregorian calendar, so many days after 1970-01-01. Days-to-civil after Howard Hinnant's public-domain
/// algorithm.
#[must_use]
pub const fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + EPOCH;
    let era = days.div_euclid(146_097);
    let doe = days.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + if month <= 2 { 1 } else { 0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1..=12 and 1..=31")]
    (year, month as u32, day as u32)
}

/// The inverse of [`civil`]; of what is no date, something else.
#[must_use]
pub const fn days((year, month, day): (i64, u32, u32)) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month as i64 + 2) / 5
        + day as i64
        - 1
        - EPOCH
}

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        // Expected values from `date -u -d @N`.
        assert_eq!(Time(0).rfc3339(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Time(951_782_400 * 1_000_000_000).rfc3339(), "2000-02-29T00:00:00.000Z");
        assert_eq!(Time(1_795_507_200_123_000_000).rfc3339(), "2026-11-24T08:00:00.123Z");
        assert_eq!(Time(-1).rfc3339(), "1969-12-31T23:59:59.999Z");
    }
}
