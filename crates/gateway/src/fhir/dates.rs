//! Dates and times of FHIR R4 (§2.24.0.1, `dateTime`): `2028`, `2028-01`, `2028-01-31`, or to the second with a zone. Days are
//! UTC days.

use model::Time;
use model::time::{civil, days};

const DAY_S: i64 = 86_400;

/// The first moment of what is named.
pub fn first(text: &str) -> Option<Time> {
    span(text).map(|(first, _)| Time(0).plus_seconds(first))
}

/// The first moment after what is named.
pub fn after(text: &str) -> Option<Time> {
    span(text).map(|(_, after)| Time(0).plus_seconds(after))
}

/// A moment to the second, as FHIR says it.
pub fn moment(time: Time) -> String {
    let text = time.rfc3339();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// Seconds since 1970: first and first after.
fn span(text: &str) -> Option<(i64, i64)> {
    match text.len() {
        4 => {
            let year = number(text)?;
            dated(year, 1, 1)?;
            Some((days((year, 1, 1)) * DAY_S, days((year + 1, 1, 1)) * DAY_S))
        }
        7 => {
            let (year, month) = text.split_once('-')?;
            let (year, month) = (number(year)?, number(month)?);
            let day = dated(year, month, 1)?;
            let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            Some((day * DAY_S, dated(next_year, next, 1)? * DAY_S))
        }
        10 => day(text).map(|day| (day * DAY_S, (day + 1) * DAY_S)),
        _ => {
            let (date, rest) = text.split_at_checked(10)?;
            let second = day(date)? * DAY_S + clock(rest.strip_prefix('T')?)?;
            Some((second, second + 1))
        }
    }
}

/// `hh:mm:ss`, a fraction of nothing but zeros, and a zone.
fn clock(text: &str) -> Option<i64> {
    let (time, zone) = text.split_at_checked(8)?;
    let zone = match zone.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches('0'),
        None => zone,
    };
    let [hour, minute, second] = parts(time, ':')?;
    let offset = match zone {
        "Z" => 0,
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
            let (hours, minutes) = (number(two(hours)?)?, number(two(minutes)?)?);
            (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))?
        }
    };
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second - offset)
}

fn day(text: &str) -> Option<i64> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    dated(number(year)?, number(two(month)?)?, number(two(day)?)?)
}

/// Days since 1970 of what is a date between 1900 and 2199.
fn dated(year: i64, month: i64, day: i64) -> Option<i64> {
    let date = (year, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let known = (1900..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let number = known.then(|| days(date))?;
    (civil(number) == date).then_some(number)
}

fn parts(text: &str, by: char) -> Option<[i64; 3]> {
    let all: Vec<i64> = text.split(by).map(|part| number(two(part)?)).collect::<Option<_>>()?;
    all.try_into().ok()
}

fn two(text: &str) -> Option<&str> {
    (text.len() == 2).then_some(text)
}

fn number(text: &str) -> Option<i64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds by `date -u -d … +%s`.
    #[test]
    fn each_precision_has_its_span() {
        let cases = [
            ("2028", Some((1_830_297_600, 1_861_920_000))),
            ("2028-02", Some((1_832_976_000, 1_835_481_600))),
            ("2028-12", Some((1_859_241_600, 1_861_920_000))),
            ("2028-02-29", Some((1_835_395_200, 1_835_481_600))),
            ("2028-02-29T01:02:03Z", Some((1_835_398_923, 1_835_398_924))),
            ("2028-02-29T01:02:03.000Z", Some((1_835_398_923, 1_835_398_924))),
            ("2028-02-29T09:02:03+08:00", Some((1_835_398_923, 1_835_398_924))),
            ("2027-02-29", None),
            ("2028-13", None),
            ("2028-1-1", None),
            ("2028-02-29T01:02:03", None),
            ("2028-02-29T01:02:03.5Z", None),
            ("2028-02-29T24:00:00Z", None),
            ("2028-02-29T01:02Z", None),
            ("+028", None),
            ("1492", None),
            ("", None),
            ("二〇二八年", None),
        ];
        for (text, expected) in cases {
            assert_eq!(span(text), expected, "{text}");
        }
        assert_eq!(first("2028-02-29T01:02:03Z").map(moment).as_deref(), Some("2028-02-29T01:02:03Z"));
    }
}
