//! Which studies another archive has, asked for by days where it may cut its answers.

use gateway::Refused;
use model::Uid;
use std::collections::BTreeSet;

/// An answer of so many studies may be cut: it is asked for again in smaller pieces. Archives cut at 500, 1,000 or more.
const MAYBE_CUT: usize = 400;
/// The first year that is asked for by itself.
const FIRST_YEAR: i64 = 1900;

/// What an archive told of.
#[derive(Debug, Default)]
pub struct Asked {
    /// The studies.
    pub studies: BTreeSet<Uid>,
    /// Single days of which it may not have told all.
    pub cut: Vec<String>,
    /// It may not have told of all of its studies without a date, which nobody can ask for by days.
    pub undated: bool,
}

/// All studies of some days: at once, and where the answer may be cut, year by year, month by month, day by day.
pub async fn all(
    days: &str,
    mut ask: impl AsyncFnMut(&str) -> Result<Vec<Uid>, Refused>,
) -> Result<Asked, Refused> {
    let mut out = Asked::default();
    // What is left to ask for, widest first; an archive that cannot answer widely is asked narrowly.
    let mut open = vec![Span::whole(days)];
    while let Some(span) = open.pop() {
        let narrower = span.parts();
        match ask(&span.text()).await {
            Ok(some) => {
                let cut = some.len() >= MAYBE_CUT;
                out.studies.extend(some);
                if cut {
                    out.undated |= matches!(span, Span::Whole(None));
                    if narrower.is_empty() {
                        out.cut.push(span.text());
                    }
                    open.extend(narrower);
                }
            }
            Err(Refused::Status(..)) if !narrower.is_empty() => {
                out.undated |= matches!(span, Span::Whole(None));
                open.extend(narrower);
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(out)
}

/// `YYYYMMDD`, or two of them with a hyphen between them, of which one may be left out (PS3.4 §C.2.2.2.5).
pub fn are_days(text: &str) -> bool {
    let day = |text: &str| text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let open = |text: &str| text.is_empty() || day(text);
    open(from) && open(to) && (day(from) || day(to))
}

/// Days from and to, as numbers `YYYYMMDD`, within the bounds that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    /// As it was asked for; with the bounds in which years are counted.
    Whole(Option<(i64, i64)>),
    Between(i64, i64),
}

impl Span {
    fn whole(days: &str) -> Self {
        let (from, to) = days.split_once('-').unwrap_or((days, days));
        let day = |text: &str, missing: i64| text.trim().parse().unwrap_or(missing);
        if days.trim_matches(['-', ' ']).is_empty() {
            return Self::Whole(None);
        }
        Self::Whole(Some((day(from, FIRST_YEAR * 10_000 + 101), day(to, today()))))
    }

    fn text(self) -> String {
        match self {
            Self::Whole(None) => String::new(),
            Self::Whole(Some((from, to))) | Self::Between(from, to) => format!("{from:08}-{to:08}"),
        }
    }

    /// Years of all, months of a year, days of a month; none of a day.
    fn parts(self) -> Vec<Self> {
        let (from, to) = match self {
            Self::Whole(bounds) => bounds.unwrap_or((FIRST_YEAR * 10_000 + 101, today())),
            Self::Between(from, to) => (from, to),
        };
        let within = |first: i64, last: i64| Self::Between(first.max(from), last.min(to));
        let (year, month) = (from / 10_000, from / 100);
        if matches!(self, Self::Whole(_)) && year != to / 10_000 {
            return (year..=to / 10_000).map(|y| within(y * 10_000 + 101, y * 10_000 + 1231)).collect();
        }
        if month != to / 100 {
            let months = (1..=12).map(|m| year * 100 + m).filter(|m| (month..=to / 100).contains(m));
            return months.map(|m| within(m * 100 + 1, m * 100 + last_day(m))).collect();
        }
        if from != to { (from..=to).map(|day| Self::Between(day, day)).collect() } else { Vec::new() }
    }
}

fn last_day(month: i64) -> i64 {
    let (year, month) = (month / 100, month % 100);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Tomorrow's clock of a scanner is no reason to leave a film behind: the end of this year.
fn today() -> i64 {
    let (year, _, _) = ::archive::Clock::now(&crate::clock::SystemClock).date();
    year * 10_000 + 1231
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with three studies a day in 2024 and one without a date, which gives at most 500 at once.
    fn answer(days: &str) -> Result<Vec<Uid>, Refused> {
        let (from, to) =
            days.split_once('-').map_or((0, 99_999_999), |(a, b)| (a.parse().unwrap(), b.parse().unwrap()));
        let mut out: Vec<Uid> = Vec::new();
        for month in 1..=12 {
            for day in 1..=last_day(202_400 + month) {
                let date = 20_240_000 + month * 100 + day;
                if (from..=to).contains(&date) {
                    out.extend((1..=3).map(|n| format!("1.{date}.{n}").parse::<Uid>().unwrap()));
                }
            }
        }
        if days.is_empty() {
            out.push("1.9".parse().unwrap());
        }
        out.truncate(500);
        Ok(out)
    }

    #[tokio::test]
    async fn an_archive_that_cuts_its_answers_is_asked_in_pieces() {
        let mut asked = 0;
        let found = all("", async |days: &str| {
            asked += 1;
            answer(days)
        });
        let found = found.await.unwrap();
        assert_eq!((found.studies.len(), found.cut.len()), (366 * 3, 0));
        assert!(found.undated, "one without a date was cut off, and it is said that this may be");
        assert!(asked < 150, "{asked}");
        // One that refuses wide questions is asked narrowly, too; one that refuses even a day is not moved from.
        let narrow = all("20240101-20241231", async |days: &str| match answer(days)?.len() {
            300.. => Err(Refused::Status(0xA700, String::new())),
            _ => answer(days),
        });
        let narrow = narrow.await.unwrap();
        assert_eq!((narrow.studies.len(), narrow.undated), (366 * 3, false));
        let full = all("20240101", async |_: &str| {
            Ok((0..400).map(|n| format!("1.{n}").parse().unwrap()).collect())
        });
        assert_eq!(full.await.unwrap().cut, ["20240101-20240101"], "a day that may be cut is named");
        let never = all("20240101-20240101", async |_: &str| Err(Refused::Status(0xA700, String::new())));
        assert!(never.await.is_err());
    }

    #[test]
    fn days_are_days() {
        for good in ["20240101", "20240101-", "-20240101", "20240101-20240102"] {
            assert!(are_days(good), "{good}");
        }
        for bad in ["", "-", "2024-01-01", "2024", "20240101-x", "20240101-20240102-20240103"] {
            assert!(!are_days(bad), "{bad}");
        }
    }

    #[test]
    fn spans_are_cut_within_their_bounds() {
        let parts = |days: &str| Span::whole(days).parts().iter().map(|s| s.text()).collect::<Vec<_>>();
        assert_eq!(parts("20231230-20240102"), ["20231230-20231231", "20240101-20240102"]);
        assert_eq!(parts("20240228-20240301"), ["20240228-20240229", "20240301-20240301"]);
        assert_eq!(parts("20240228-20240229"), ["20240228-20240228", "20240229-20240229"]);
        assert!(parts("20240228").is_empty());
    }
}
