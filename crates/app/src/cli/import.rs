//! `gauze import`: files through the archive's own door, a few at a time, from folders, ZIP files, a DICOMDIR or standard
//! input. What was stored is remembered by keyed digests of name, size and time beside the keys, so that an interrupted import
//! goes on where it was; no name is kept.

pub(in crate::cli) mod errors;
mod from;
mod items;
mod remember;
mod source;
mod standard;

pub use source::{Source, store};

use super::progress::Progress;
use super::{Done, Failure, home, runtime};
use crate::config::Config;
use crate::home::Home;
use crate::say;
use crate::wiring::{self, Error, operator};
use clap::Args;
use errors::Errors;
use port::{Archive, Code};
use remember::Remembered;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;

/// `import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: gauze import /media/cd/DICOMDIR old-films.zip --home /srv/gauze --errors refused.csv\n\
Reads folders, files, ZIP files, the files that a DICOMDIR names, and with - a ZIP, tar or single object from standard input.\n\
Works with a running archive as well as with a stopped one. Files that are not DICOM are counted and left.\n\n\
Moving in: gauze import --from OLD-PACS asks an archive of the address book for all of its studies, one after the other, by\n\
C-MOVE to this archive, which must be running; gauze import --from https://old/dicom-web --ca ca.pem does so by DICOMweb.\n\
Interrupted, it goes on with the studies that were not whole."
)]
pub struct Import {
    /// Folders, DICOM or ZIP files, DICOMDIRs, or - for standard input.
    #[arg(required_unless_present = "from")]
    sources: Vec<PathBuf>,
    /// Archive whose studies are to move here: its name in the address book (it must know this one as a destination), or the
    /// address of its DICOMweb service, https://…/dicom-web.
    #[arg(long, conflicts_with = "sources")]
    from: Option<String>,
    /// With --from: only studies of these days, YYYYMMDD-YYYYMMDD; either end may be left out.
    #[arg(long, requires = "from")]
    days: Option<String>,
    /// With an https address: PEM file of the authorities of its certificate.
    #[arg(long, requires = "from")]
    ca: Option<PathBuf>,
    /// With an address: account there (HTTP Basic).
    #[arg(long, requires = "from")]
    user: Option<String>,
    /// File with its password, mode 0600; without one it is asked for.
    #[arg(long, requires = "user")]
    password_file: Option<PathBuf>,
    /// With an address: file with a bearer token, mode 0600.
    #[arg(long, requires = "from", conflicts_with = "user")]
    token_file: Option<PathBuf>,
    /// The home.
    #[arg(long)]
    home: Option<PathBuf>,
    /// One JSON line a file.
    #[arg(long)]
    json: bool,
    /// Write what was refused into this CSV file (RFC 4180): file, code, words.
    #[arg(long)]
    errors: Option<PathBuf>,
}

/// Stores under way at once: they share a sync.
const AT_ONCE: usize = 8;

/// What became of the files.
#[derive(Debug, Default)]
struct Counts {
    stored: u64,
    duplicate: u64,
    earlier: u64,
    other: u64,
    refused: u64,
}

pub fn run(command: &Import) -> Done {
    let home = home(command.home.as_ref());
    if !home.exists() {
        return Err(Error::NoHome(home.path().into()).into());
    }
    wiring::harden();
    let errors = command.errors.as_deref().map(Errors::create).transpose()?;
    if let Some(name) = &command.from {
        return runtime()?.block_on(from::run(&home, command, name, errors));
    }
    runtime()?.block_on(async {
        let (archive, own) = archive(&home).await?;
        let counts = import(&home, command, archive, errors).await;
        if let Some(vault) = own {
            vault.stop().await.map_err(Error::from)?;
        }
        let counts = counts?;
        let Counts { stored, duplicate, earlier, other, refused } = &counts;
        say::note("import-done", &[stored, duplicate, earlier, other, refused]);
        if counts.refused > 0 { Err(Failure::Reported) } else { Ok(()) }
    })
}

/// The running archive of this home, or its vault opened here.
pub async fn archive(home: &Home) -> Result<(Arc<dyn Archive>, Option<Arc<archive::Vault>>), Error> {
    if let Some(running) = operator::connect(home).await {
        return Ok((running, None));
    }
    let config = Config::read(home)?;
    let vault = tokio::task::block_in_place(|| wiring::open_vault(home, &config, wiring::pixel_workers()))?;
    Ok((Arc::new(vault.start().await?), Some(vault)))
}

/// What is counted and told.
struct Tally<'a> {
    command: &'a Import,
    counts: Counts,
    remembered: Remembered,
    errors: Option<Errors>,
}

async fn import(
    home: &Home,
    command: &Import,
    archive: Arc<dyn Archive>,
    errors: Option<Errors>,
) -> Result<Counts, Failure> {
    let (standard, named): (Vec<_>, Vec<_>) = command.sources.iter().partition(|s| s.as_os_str() == "-");
    let items = tokio::task::block_in_place(|| items::all(&named));
    if items.is_empty() && standard.is_empty() {
        let first = command.sources.first().map(PathBuf::as_path).unwrap_or_else(|| Path::new("-"));
        return Err(Failure::Usage(say::text("import-nothing", &[&first.display()])));
    }
    let remembered = Remembered::open(home)?;
    let mut tally = Tally { command, counts: Counts::default(), remembered, errors };
    let progress = Progress::new("import", items.len() as u64);
    let mut running = JoinSet::new();
    for item in items {
        if running.len() >= AT_ONCE
            && let Some(done) = running.join_next().await
        {
            tally.count(done)?;
            progress.step();
        }
        let Some(mark) = tally.remembered.mark(&item) else {
            tally.outcome(&item.name(), None, Err(Code::NotFound.into()))?;
            progress.step();
            continue;
        };
        if tally.remembered.knows(&mark) {
            tally.counts.earlier += 1;
            progress.step();
            continue;
        }
        let archive = Arc::clone(&archive);
        running.spawn(async move {
            let result = match item.source() {
                Ok(source) => store(&archive, source).await,
                Err(fault) => Err(fault),
            };
            (item.name(), mark, result)
        });
    }
    while let Some(done) = running.join_next().await {
        tally.count(done)?;
        progress.step();
    }
    progress.done();
    if !standard.is_empty() {
        standard::import(&archive, &mut |name, result| tally.outcome(name, None, result)).await?;
    }
    Ok(tally.counts)
}

type Outcome = (String, remember::Mark, Result<source::Took, port::Fault>);

impl Tally<'_> {
    fn count(&mut self, done: Result<Outcome, tokio::task::JoinError>) -> Result<(), Failure> {
        let (name, mark, result) = done.map_err(|e| Failure::Text(e.to_string()))?;
        self.outcome(&name, Some(mark), result)
    }

    fn outcome(
        &mut self,
        name: &str,
        mark: Option<remember::Mark>,
        result: Result<source::Took, port::Fault>,
    ) -> Result<(), Failure> {
        let counts = &mut self.counts;
        let word = match &result {
            Ok(source::Took::Stored(stored)) if stored.duplicate => {
                counts.duplicate += 1;
                "duplicate"
            }
            Ok(source::Took::Stored(_)) => {
                counts.stored += 1;
                "stored"
            }
            Ok(source::Took::NotDicom) => {
                counts.other += 1;
                "not-dicom"
            }
            Err(fault) if matches!(fault.code, Code::StorageFull | Code::Unavailable | Code::Cut) => {
                return Err(Failure::Text(say::text(fault.code.as_str(), &[])));
            }
            Err(fault) => {
                counts.refused += 1;
                fault.code.as_str()
            }
        };
        if let (Ok(_), Some(mark)) = (&result, mark) {
            self.remembered.add(mark)?;
        }
        if result.is_err()
            && let Some(errors) = &mut self.errors
        {
            errors.add(name, word, &say::text(word, &[]))?;
        }
        report(self.command, name, word, result.is_err());
        Ok(())
    }
}

fn report(command: &Import, name: &str, word: &str, refused: bool) {
    if command.json {
        let line = serde_json::json!({ "file": name, "result": word });
        say::line(&line.to_string());
    } else if refused {
        say::note("import-refused", &[&name, &say::text(word, &[])]);
    }
}
