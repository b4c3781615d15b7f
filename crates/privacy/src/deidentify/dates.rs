//! Dates that move by a whole number of days (PS3.15 E.3.6), and what is a date or a time at all (PS3.5 Table 6.2-1).

use dicom_core::VR;
use model::time::{civil, days};

/// One value of a date, time or both is what its VR says it is.
pub fn is_one(vr: VR, text: &str) -> bool {
    match vr {
        VR::DA => moved_date(text, 0).is_some(),
        VR::DT => moved_date_time(text, 0).is_some(),
        _ => is_time(text),
    }
}

/// A value of this VR, moved; times of day stay. Nothing: it is none.
pub fn moved(vr: VR, text: &str, by: i64) -> Option<String> {
    match vr {
        VR::DA => moved_date(text, by),
        VR::DT => moved_date_time(text, by),
        VR::TM => is_time(text).then(|| text.to_owned()),
        _ => None,
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `20261120`, or `2026.11.20` as ACR-NEMA wrote it.
fn moved_date(text: &str, by: i64) -> Option<String> {
    let plain = match text.split('.').collect::<Vec<_>>()[..] {
        [year, month, day] if (year.len(), month.len(), day.len()) == (4, 2, 2) => {
            format!("{year}{month}{day}")
        }
        [_] => text.to_owned(),
        _ => return None,
    };
    (plain.len() == 8).then(|| moved_day(&plain, by)).flatten()
}

/// `YYYY`, `YYYYMM` or `YYYYMMDD`, as precise as it came.
fn moved_day(text: &str, by: i64) -> Option<String> {
    if !digits(text) || !matches!(text.len(), 4 | 6 | 8) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to).map_or(Some(1), |part| part.parse::<u32>().ok());
    let date = (i64::from(part(0, 4)?), part(4, 6)?, part(6, 8)?);
    let number = days(date);
    if civil(number) != date {
        return None;
    }
    let (year, month, day) = civil(number + by);
    let whole = format!("{year:04}{month:02}{day:02}");
    (1..=9999).contains(&year).then(|| whole.get(..text.len()).map(str::to_owned))?
}

/// `YYYYMMDDHHMMSS.FFFFFF&ZZXX`, cut anywhere.
fn moved_date_time(text: &str, by: i64) -> Option<String> {
    let at = text.find(['+', '-']).unwrap_or(text.len());
    let (local, offset) = text.split_at_checked(at)?;
    if !offset.is_empty() && !is_offset(offset) {
        return None;
    }
    let (day, time) = local.split_at_checked(local.len().min(8))?;
    if !time.is_empty() && (day.len() < 8 || !is_time(time)) {
        return None;
    }
    Some(format!("{}{time}{offset}", moved_day(day, by)?))
}

/// `+0800` (PS3.3 C.12.1.1.1).
pub fn is_offset(text: &str) -> bool {
    text.strip_prefix(['+', '-']).is_some_and(|rest| rest.len() == 4 && digits(rest))
}

/// `HHMMSS.FFFFFF`, cut anywhere, or with colons as ACR-NEMA wrote it.
fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = clock.replace(':', "");
    digits(&plain) && matches!(plain.len(), 2 | 4 | 6) && digits(fraction) && fraction.len() <= 6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By a calendar, by hand.
    #[test]
    fn days_move_over_months_and_leap_years() {
        for (vr, text, by, expected) in [
            (VR::DA, "20261120", -20, Some("20261031")),
            (VR::DA, "2026.11.20", 1, Some("20261121")),
            (VR::DA, "20240228", 1, Some("20240229")),
            (VR::DA, "20240301", -1, Some("20240229")),
            (VR::DA, "20250301", -1, Some("20250228")),
            (VR::DA, "20000301", -1, Some("20000229")),
            (VR::DA, "19000301", -1, Some("19000228")),
            (VR::DA, "20260101", -365, Some("20250101")),
            (VR::DA, "20260230", 0, None),
            (VR::DA, "20261301", 0, None),
            (VR::DA, "00010101", -1, None),
            (VR::DA, "99991231", 1, None),
            (VR::DA, "Doe^Jane", 0, None),
            (VR::DA, "2026112", 0, None),
            (VR::DT, "20261120101112.123456+0800", -20, Some("20261031101112.123456+0800")),
            (VR::DT, "202611201011", 1, Some("202611211011")),
            (VR::DT, "2026", 365, Some("2027")),
            (VR::DT, "202611", 1, Some("202611")),
            (VR::DT, "20261120-0100", 1, Some("20261121-0100")),
            (VR::DT, "20261120101112JANE", 1, None),
            (VR::DT, "20261120+08001", 1, None),
            (VR::TM, "101112.5", 9, Some("101112.5")),
            (VR::TM, "10:11:12", 9, Some("10:11:12")),
            (VR::TM, "1", 9, None),
            (VR::TM, "Jane", 9, None),
            (VR::SH, "20261120", 9, None),
        ] {
            assert_eq!(moved(vr, text, by).as_deref(), expected, "{text} {by}");
        }
    }
}
