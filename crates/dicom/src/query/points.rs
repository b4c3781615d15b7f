//! Dates, times and date-times of a key, alone or as a range (PS3.4 C.2.2.2.5, PS3.5 §6.2).

use super::Kind;
use crate::{Error, Result};

/// Two date-times with fractions, offsets and a hyphen between them.
const LONGEST: usize = 54;

/// Reads a value of VR `DA`, `TM` or `DT`.
///
/// # Errors
/// [`Error::Query`] for what is neither a point nor a range.
pub fn read(vr: &str, value: &str) -> Result<Kind> {
    let bad = Error::Query("not a date or time");
    let value = value.trim();
    if value.len() > LONGEST || !value.is_ascii() {
        return Err(bad);
    }
    if point(vr, value) {
        return Ok(Kind::Single(value.to_owned()));
    }
    // A hyphen may also be the sign of an offset: the one that leaves two points is the range's.
    let hyphens = value.match_indices('-').map(|(at, _)| at);
    let split = |at: usize| Some((value.get(..at)?.trim(), value.get(at + 1..)?.trim()));
    let end = |text: &str| text.is_empty() || point(vr, text);
    let fits = |(from, to): &(&str, &str)| {
        end(from) && end(to) && !(from.is_empty() && to.is_empty()) && in_order(vr, from, to)
    };
    let (from, to) = hyphens.filter_map(split).find(fits).ok_or(bad)?;
    Ok(Kind::Range(from.to_owned(), to.to_owned()))
}

/// Times may run over midnight when they are combined with dates; date-times may have offsets.
fn in_order(vr: &str, from: &str, to: &str) -> bool {
    vr != "DA" || from.is_empty() || to.is_empty() || from <= to
}

fn point(vr: &str, text: &str) -> bool {
    match vr {
        "DA" => date(text) == Some(8),
        "TM" => time(&text.replace(':', "")),
        _ => date_time(text),
    }
}

/// Digits of a date, whole months and days only.
fn date(text: &str) -> Option<usize> {
    let digits = matches!(text.len(), 4 | 6 | 8) && text.bytes().all(|b| b.is_ascii_digit());
    let part = |range: std::ops::Range<usize>, most: u8| {
        text.get(range).is_none_or(|t| t.parse::<u8>().is_ok_and(|n| (1..=most).contains(&n)))
    };
    (digits && part(4..6, 12) && part(6..8, 31)).then_some(text.len())
}

/// `HH[MM[SS[.F{1,6}]]]`; a leap second counts.
fn time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let digits = matches!(whole.len(), 2 | 4 | 6) && whole.bytes().all(|b| b.is_ascii_digit());
    let part = |range: std::ops::Range<usize>, most: u8| {
        whole.get(range).is_none_or(|t| t.parse::<u8>().is_ok_and(|n| n <= most))
    };
    let fine = fraction.is_none_or(|f| {
        whole.len() == 6 && (1..=6).contains(&f.len()) && f.bytes().all(|b| b.is_ascii_digit())
    });
    digits && part(0..2, 23) && part(2..4, 59) && part(4..6, 60) && fine
}

/// `YYYY[MM[DD[HH[MM[SS[.F]]]]]][&ZZXX]`.
fn date_time(text: &str) -> bool {
    let (local, offset) = match text.rfind(['+', '-']).and_then(|at| text.split_at_checked(at)) {
        Some((local, offset)) => (local, Some(offset)),
        None => (text, None),
    };
    let offset_fits = offset.is_none_or(|o| {
        let digits = o.get(1..).unwrap_or_default();
        // Nowhere on earth is further than 14 hours from UTC: `2020-2021` are two years.
        digits.len() == 4 && time(digits) && digits <= "1400"
    });
    let (day, rest) = local.split_at_checked(8).unwrap_or((local, ""));
    offset_fits && date(day).is_some() && (rest.is_empty() || (day.len() == 8 && time(rest)))
}
