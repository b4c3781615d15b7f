//! Moving in: the studies of an older archive, one after the other: of the address book by C-MOVE to our own door, or by DICOMweb. A study of which all came
//! is remembered, so that an interrupted move goes on with the rest; one of which something failed is tried again next time.

mod days;

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
use days::{Asked, all, are_days};
use gateway::{Brought, Partner, Refused, WebPartner};
use model::Uid;
use port::transfer::Peer;
use std::collections::BTreeSet;

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
