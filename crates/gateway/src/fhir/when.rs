//! Times as RFC 3339 and FHIR R4 (§2.24.0.1, dateTime) write them.

use port::ties::Stamp;

/// `YYYY-MM-DD`, or `YYYY-MM-DDThh:mm:ss[.s…]` with `Z` or an offset; what is no time, or not a whole day, is none.
pub fn when(text: &str) -> Option<Stamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let days = model::time::days((year.into(), month, day));
    if model::time::civil(days) != (i64::from(year), month, day) {
        return None;
    }
    if rest.is_empty() {
        return Some(Stamp { local_s: days * 86_400, offset_s: None });
    }
    let (time, rest) = rest.strip_prefix('T')?.split_at_checked(8)?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let zone =
        rest.strip_prefix('.').map_or(rest, |part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let local_s = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Some(Stamp { local_s, offset_s: Some(offset(zone)?) })
}

fn numbers<const N: usize>(text: &str, by: char, widths: [usize; N]) -> Option<[u32; N]> {
    let mut parts = text.split(by);
    let mut out = [0; N];
    for (to, width) in out.iter_mut().zip(widths) {
        let part = parts.next().filter(|p| p.len() == width && p.bytes().all(|b| b.is_ascii_digit()))?;
        *to = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

fn offset(zone: &str) -> Option<i32> {
    if zone == "Z" {
        return Some(0);
    }
    let west = zone.starts_with('-');
    let [hours, minutes] = numbers(zone.strip_prefix(['+', '-'])?, ':', [2, 2])?;
    let east = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    (hours <= 14 && minutes <= 59).then_some(if west { -east } else { east })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_by_hand() {
        // The day by `date -u -d 2026-11-26 +%s`.
        const DAY: i64 = 1_795_651_200;
        let is = |local_s, offset_s| Some(Stamp { local_s, offset_s });
        for (text, expected) in [
            ("2026-11-26", is(DAY, None)),
            ("2026-11-26T10:30:00Z", is(DAY + 37_800, Some(0))),
            ("2026-11-26T10:30:00.250+08:00", is(DAY + 37_800, Some(28_800))),
            ("2026-11-26T10:30:00-03:30", is(DAY + 37_800, Some(-12_600))),
            ("2026-11-26T10:30:00", None),
            ("2026-11-26T10:30Z", None),
            ("2026-11", None),
            ("2026-02-29", None),
            ("2026-11-26T25:00:00Z", None),
            ("2026-11-26T10:30:00+15:00", None),
            ("２０２６-11-26", None),
            ("", None),
        ] {
            assert_eq!(when(text), expected, "{text}");
        }
    }
}
