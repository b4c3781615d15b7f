//! Dates, times and date-times as spans of microseconds: a value that names a day is the whole of that day. Comparing text
//! would not do: `0930` lies within `09-10`, and date-times have offsets.

/// From the first to the last microsecond that a value may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: i64,
    end: i64,
    /// The value says its offset from UTC; the span is then in UTC.
    utc: bool,
    /// Microseconds that were taken off for that.
    offset: i64,
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

impl Span {
    /// Of a value of VR `DA`, `TM` or `DT`.
    pub fn of(vr: [u8; 2], text: &str) -> Option<Self> {
        match &vr {
            // ACR-NEMA's `YYYY.MM.DD` is read, not written (PS3.5 §6.2).
            b"DA" => date(&text.trim().replace('.', "")).filter(|_| text.trim().len() >= 8),
            b"TM" => time(&text.trim().replace(':', "")),
            b"DT" => date_time(text.trim()),
            _ => None,
        }
    }

    /// A day with a time of it; without one, the whole day.
    pub fn at(day: Self, time: Option<Self>) -> Self {
        match time {
            Some(time) => Self { start: day.start + time.start, end: day.start + time.end, ..day },
            None => day,
        }
    }

    /// This value lies from the beginning of one to the end of the other.
    pub fn within(self, from: Option<Self>, to: Option<Self>) -> bool {
        from.is_none_or(|from| from.alike(self).start <= self.alike(from).start)
            && to.is_none_or(|to| self.alike(to).start <= to.alike(self).end)
    }

    /// As it is compared to another: in UTC when both say their offset, else as the clocks on the walls showed it.
    const fn alike(self, other: Self) -> Self {
        if self.utc && !other.utc {
            return Self {
                start: self.start + self.offset,
                end: self.end + self.offset,
                utc: false,
                offset: 0,
            };
        }
        self
    }
}

fn digits(text: &str, range: std::ops::Range<usize>) -> Option<i64> {
    let part = text.get(range)?;
    part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten()
}

const fn span(start: i64, len: i64) -> Span {
    Span { start, end: start + len - 1, utc: false, offset: 0 }
}

fn date(text: &str) -> Option<Span> {
    let year = digits(text, 0..4)?;
    let start = |month, day| days(year, month, day).checked_mul(DAY);
    match text.len() {
        4 => Some(span(start(1, 1)?, days(year + 1, 1, 1) * DAY - start(1, 1)?)),
        6 => {
            let month = digits(text, 4..6).filter(|m| (1..=12).contains(m))?;
            let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
            Some(span(start(month, 1)?, next * DAY - start(month, 1)?))
        }
        8 => {
            let month = digits(text, 4..6).filter(|m| (1..=12).contains(m))?;
            let day = digits(text, 6..8).filter(|d| (1..=31).contains(d))?;
            Some(span(start(month, day)?, DAY))
        }
        _ => None,
    }
}

fn time(text: &str) -> Option<Span> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let hours = digits(whole, 0..2).filter(|h| *h < 24)? * 3600;
    let minutes = |at| digits(whole, at).filter(|m| *m < 60);
    match whole.len() {
        2 | 4 if text.contains('.') => None,
        2 => Some(span(hours * SECOND, 3600 * SECOND)),
        4 => Some(span((hours + minutes(2..4)? * 60) * SECOND, 60 * SECOND)),
        6 => {
            // A leap second is the last of its minute.
            let seconds = digits(whole, 4..6).filter(|s| *s <= 60)?.min(59);
            let start = (hours + minutes(2..4)? * 60 + seconds) * SECOND;
            let fraction = fraction.get(..fraction.len().min(6))?;
            let unit = 10_i64.pow(6 - u32::try_from(fraction.len()).ok()?);
            let part = if fraction.is_empty() { 0 } else { digits(fraction, 0..fraction.len())? };
            Some(span(start + part * unit, unit))
        }
        _ => None,
    }
}

fn date_time(text: &str) -> Option<Span> {
    let sign = text.rfind(['+', '-']);
    let (local, offset) = sign.and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    let (day, clock) = local.split_at_checked(8).unwrap_or((local, ""));
    let day = date(day)?;
    let local = if clock.is_empty() { day } else { Span::at(day, Some(time(clock)?)) };
    if offset.is_empty() {
        return Some(local);
    }
    let minutes = digits(offset, 1..3)? * 60 + digits(offset, 3..5).filter(|_| offset.len() == 5)?;
    let signed = if offset.starts_with('-') { -minutes } else { minutes };
    let offset = signed * 60 * SECOND;
    Some(Span { start: local.start - offset, end: local.end - offset, utc: true, offset })
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, `days_from_civil`).
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spans() {
        let lies = |vr: &[u8; 2], value, from: &str, to: &str| {
            let end = |text: &str| (!text.is_empty()).then(|| Span::of(*vr, text).unwrap());
            Span::of(*vr, value).unwrap().within(end(from), end(to))
        };
        for (vr, value, from, to, expected) in [
            (b"DA", "20200229", "20200101", "20200229", true),
            (b"DA", "20200301", "20200101", "20200229", false),
            (b"DA", "2020.03.01", "", "20200301", true),
            (b"TM", "093015.25", "0930", "0930", true),
            (b"TM", "0930", "09", "10", true),
            (b"TM", "110000", "09", "10", false),
            (b"TM", "10:59:59.999999", "09", "10", true),
            (b"DT", "20200101120000", "2020", "2020", true),
            (b"DT", "20191231230000-0500", "20200101040000+0000", "", true),
            (b"DT", "20191231230000-0500", "20200101040001+0000", "", false),
            (b"DT", "20191231230000-0500", "20200101", "", false),
            (b"DT", "20200101", "20200101+1400", "20200101+1400", true),
        ] {
            assert_eq!(lies(vr, value, from, to), expected, "{value} in {from}-{to}");
        }
        for (vr, bad) in
            [(b"DA", "2020"), (b"DA", "20201301"), (b"TM", "2500"), (b"DT", "x"), (b"TM", "09.5")]
        {
            assert_eq!(Span::of(*vr, bad), None, "{bad}");
        }
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
    }
}
