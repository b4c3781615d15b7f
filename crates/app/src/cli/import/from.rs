//! Moving in: the studies of an older archive, one after the other: of the address book by C-MOVE to our own door, or by DICOMweb. A study of which all came
//! is remembered, so that an interrupted move goes on with the rest; one of which something failed is tried again next time.

use super::errors::Errors;
use super::remember::Remembered;
use super::{Import, report};
use crate::cli::progress::Progress;
use crate::cli::{Done, Failure};
use crate::config::{Config, Device};
use crate::home::{Home, read_text};
use crate::say;
use crate::wiring::{self, Error, operator, passwords};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use gateway::{Brought, Partner, Refused, WebPartner};
use model::Uid;
use port::transfer::Peer;
use std::collections::BTreeSet;

/// An answer of so many studies may be cut: it is asked for again in smaller pieces. Archives cut at 500, 1,000 or more.
const MAYBE_CUT: usize = 400;
/// The first year that is asked for by itself.
const FIRST_YEAR: i64 = 1900;
/// After so many studies in a row without an answer, nobody is there.
const SILENT: u32 = 3;

/// What became of the studies, and of their instances.
#[derive(Debug, Default)]
struct Counts {
    moved: u64,
    earlier: u64,
    failed: u64,
    instances: u64,
}

/// The older archive, by what it speaks.
enum Old {
    Dimse(Box<Partner>),
    Web(Box<WebPartner>),
}

impl Old {
    async fn studies(&mut self, days: &str) -> Result<Asked, Refused> {
        match self {
            Self::Dimse(partner) => all(days, async |days: &str| partner.studies(days).await).await,
            // It is asked page by page.
            Self::Web(partner) => {
                let studies = partner.studies(days).await?.into_iter().collect();
                Ok(Asked { studies, ..Asked::default() })
            }
        }
    }

    async fn bring(&mut self, study: &Uid) -> Result<Brought, Refused> {
        match self {
            Self::Dimse(partner) => partner.bring(study).await,
            Self::Web(partner) => partner.bring(study).await,
        }
    }

    /// How a study is remembered: with so many instances. One that has got more since is brought again.
    fn named(&self, study: &Uid) -> String {
        let told = match self {
            Self::Dimse(partner) => partner.told(study),
            Self::Web(partner) => partner.told(study),
        };
        told.map_or_else(|| study.to_string(), |count| format!("{study} {count}"))
    }

    /// The title under which it must know us.
    fn title(&self) -> &str {
        match self {
            Self::Dimse(partner) => partner.title(),
            Self::Web(_) => "",
        }
    }
}

pub async fn run(home: &Home, command: &Import, from: &str, errors: Option<Errors>) -> Done {
    if !command.days.as_deref().is_none_or(are_days) {
        return Err(Failure::Usage(say::text("import-from-days", &[])));
    }
    let config = Config::read(home).map_err(Error::from)?;
    let web = from.contains("://");
    let device = if web { None } else { Some(partner(&config, from)?) };
    let authorization = authorization(command)?;
    let archive = operator::connect(home).await;
    let archive = archive.ok_or_else(|| Failure::Text(say::text("import-from-stopped", &[])))?;
    let doors = wiring::doors(home, &config)?;
    let (mut old, name) = match device {
        Some(device) => {
            let peer = Peer {
                name: device.name.clone(),
                ae: device.ae.clone(),
                address: device.address.clone(),
                certificate: device.certificate.clone(),
            };
            (Old::Dimse(Box::new(Partner::new(archive, &doors, peer))), device.name.as_str())
        }
        None => {
            let authorities = command.ca.as_deref().map(|path| read_text(path, CA_BYTES)).transpose();
            let authorities = authorities.map_err(wiring::io("ca"))?;
            let partner = WebPartner::new(archive, &doors, from, (authorities.as_deref(), authorization));
            let partner = partner.map_err(|e| Failure::Usage(say::text("import-from-web", &[&from, &e])))?;
            (Old::Web(Box::new(partner)), from)
        }
    };
    let days = command.days.as_deref().unwrap_or_default();
    let asked = old.studies(days).await.map_err(|refused| told(&refused, name, old.title()))?;
    let studies = &asked.studies;
    let mut moving =
        Moving { command, remembered: Remembered::open(home)?, errors, counts: Counts::default() };
    let progress = Progress::new("import", studies.len() as u64);
    let moved = moving.all(&mut old, name, studies, &progress).await;
    progress.done();
    if let Old::Dimse(mut partner) = old {
        partner.release().await;
    }
    let Counts { moved: done, earlier, failed, instances } = &moving.counts;
    say::note("import-from-done", &[&studies.len(), done, instances, earlier, failed]);
    if asked.undated {
        say::note("import-from-undated", &[&name]);
    }
    if !asked.cut.is_empty() {
        say::note("import-from-cut", &[&name, &asked.cut.join(" ")]);
    }
    moved?;
    if *failed > 0 || !asked.cut.is_empty() { Err(Failure::Reported) } else { Ok(()) }
}

/// Of a file of certificates.
const CA_BYTES: u64 = 1 << 20;

/// What an older archive asks for (RFC 7617, RFC 6750); secrets come from files, for a command line is seen by others.
fn authorization(command: &Import) -> Result<Option<String>, Failure> {
    if let Some(path) = &command.token_file {
        return Ok(Some(format!("Bearer {}", passwords::password(Some(path))?)));
    }
    let Some(user) = &command.user else { return Ok(None) };
    let password = passwords::password(command.password_file.as_deref())?;
    Ok(Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))))
}

/// The archive in the address book: it can be called, and may store.
fn partner<'a>(config: &'a Config, name: &str) -> Result<&'a Device, Failure> {
    let found =
        config.device.iter().find(|d| d.name == name).or_else(|| config.device.iter().find(|d| d.ae == name));
    let device = found.ok_or_else(|| Failure::Usage(say::text("import-from-unknown", &[&name])))?;
    let fits =
        !device.address.is_empty() && !device.ae.is_empty() && device.may.iter().any(|may| may == "store");
    if fits { Ok(device) } else { Err(Failure::Usage(say::text("import-from-device", &[&name]))) }
}

fn told(refused: &Refused, name: &str, title: &str) -> Failure {
    Failure::Text(match refused {
        Refused::Gone if title.is_empty() => say::text("import-from-silent", &[&name]),
        Refused::Gone => say::text("import-from-gone", &[&name, &title]),
        Refused::Http(status) => say::text("import-from-status", &[&name, &format!("HTTP {status}"), &""]),
        Refused::Status(status, comment) => {
            say::text("import-from-status", &[&name, &format!("{status:04X}H"), comment])
        }
    })
}

struct Moving<'a> {
    command: &'a Import,
    remembered: Remembered,
    errors: Option<Errors>,
    counts: Counts,
}

impl Moving<'_> {
    async fn all(
        &mut self,
        old: &mut Old,
        name: &str,
        studies: &BTreeSet<Uid>,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let mut silent = 0;
        for study in studies {
            let mark = self.remembered.study(name, &old.named(study));
            if mark.is_some_and(|mark| self.remembered.knows(&mark)) {
                self.counts.earlier += 1;
                progress.step();
                continue;
            }
            let mut brought = old.bring(study).await;
            if brought == Err(Refused::Gone) {
                brought = old.bring(study).await; // on an association of its own
            }
            silent = if brought == Err(Refused::Gone) { silent + 1 } else { 0 };
            if silent >= SILENT {
                return Err(told(&Refused::Gone, name, old.title()));
            }
            if self.outcome(study, &brought)?
                && let Some(mark) = mark
            {
                self.remembered.add(mark)?;
            }
            progress.step();
        }
        Ok(())
    }

    /// Counts and tells; whether all of the study is here.
    fn outcome(&mut self, study: &Uid, brought: &Result<Brought, Refused>) -> Result<bool, Failure> {
        let (word, completed, words) = match brought {
            Ok(Brought { completed: 0, failed: 0 }) => ("failed", 0, say::text("import-from-nothing", &[])),
            Ok(Brought { completed, failed: 0 }) => ("stored", *completed, String::new()),
            Ok(Brought { completed, failed }) => {
                ("failed", *completed, say::text("import-from-part", &[failed, completed]))
            }
            Err(Refused::Gone) => ("gone", 0, say::text("cut", &[])),
            Err(Refused::Status(status, comment)) => ("failed", 0, format!("{status:04X}H {comment}")),
            Err(Refused::Http(status)) => ("failed", 0, format!("HTTP {status}")),
        };
        self.counts.instances += u64::from(completed);
        let whole = word == "stored";
        if whole {
            self.counts.moved += 1;
        } else {
            self.counts.failed += 1;
            if let Some(errors) = &mut self.errors {
                errors.add(study.as_str(), word, &words)?;
            }
        }
        report(self.command, study.as_str(), word, !whole);
        Ok(whole)
    }
}

/// What an archive told of.
#[derive(Debug, Default)]
struct Asked {
    studies: BTreeSet<Uid>,
    /// Single days of which it may not have told all.
    cut: Vec<String>,
    /// It may not have told of all of its studies without a date, which nobody can ask for by days.
    undated: bool,
}

/// All studies of some days: at once, and where the answer may be cut, year by year, month by month, day by day.
async fn all(
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
fn are_days(text: &str) -> bool {
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
