//! `gauze check`: everything on the disk of a stopped archive against everything else.

mod seen;
mod tell;

pub use tell::report as tell;

use super::progress::Progress;
use super::{Done, Failure, home, runtime};
use crate::config::Config;
use crate::home::Home;
use crate::say;
use crate::wiring::{self, Error};
use archive::check::{Ask, Finding, Report, Watch, What};
use archive::{Accept, check};
use clap::{Args, ValueEnum};
use model::Id;
use seen::Opened;
use std::path::PathBuf;

/// `check`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze check /srv/gauze --repair --from /mnt/backup\n\
Works on a stopped archive. Interrupted, it goes on where it was; --afresh begins again. Exit status 1: something is damaged\n\
and was not put right. --accept is the way out when a newer copy is lost for good: it takes older tables or policies as they\n\
are, and the ledger says so for ever.")]
pub struct Check {
    /// The home.
    home: Option<PathBuf>,
    /// Put right what can be put right without guessing.
    #[arg(long)]
    repair: bool,
    /// A backup to take whole copies of damaged objects from.
    #[arg(long, requires = "repair")]
    from: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere, by a witness or on paper; may be given several times. From then on no older copy
    /// starts.
    #[arg(long)]
    checkpoint: Vec<PathBuf>,
    /// Take these as they are, although the ledger knows newer ones.
    #[arg(long)]
    accept: Vec<Taken>,
    /// Open all objects again, also those that an interrupted check has opened.
    #[arg(long)]
    afresh: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What can be taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Taken {
    /// Rows and wrapped keys.
    Tables,
    /// Policies.
    Policies,
}

/// A checkpoint file, bytes.
const NOTE_BYTES: u64 = 64 << 10;

pub fn run(command: &Check) -> Done {
    let home = home(command.home.as_ref());
    if !home.exists() {
        return Err(Error::NoHome(home.path().into()).into());
    }
    wiring::harden();
    let config = Config::read(&home).map_err(Error::from)?;
    // Once: it may have to be asked for.
    let root = wiring::root_key(&home, &config)?;
    let mut opened = Opened::begin(&home, command.afresh)?;
    remember(command, &home, &root)?;
    let mut report =
        check::check(ask(command, &home, (&config, &root), &opened)?, &mut Seen::new(&mut opened))
            .map_err(locked)?;
    verifier_key(command, &home, &root, &mut report)?;
    let mut mended = check::Mended::default();
    if command.repair && !report.findings.is_empty() {
        let spare =
            command.from.as_deref().map(archive::backup::Source::open).transpose().map_err(Error::from)?;
        let spare = spare.as_ref().map(|s| s as &dyn check::Spare);
        let asked = ask(command, &home, (&config, &root), &opened)?;
        mended = check::repair(asked, &mut report, spare).map_err(Error::from)?;
    }
    opened.end()?;
    record(command, &home, (&config, root), &report, &mended);
    tell(command.json, &report);
    if report.good() || accepted(command, &report) { Ok(()) } else { Err(Failure::Reported) }
}

/// What a witness or a printed checkpoint has seen counts at every later start, too.
fn remember(command: &Check, home: &Home, root: &crypto::Key) -> Result<(), Error> {
    if command.checkpoint.is_empty() {
        return Ok(());
    }
    let signing = crypto::Ladder::new(root).and_then(|l| l.signing_key()).map_err(archive::Error::from)?;
    let size = |note: &str| ledger::Checkpoint::open(note, &signing.public()).map_or(0, |c| c.size);
    let seen = keys::Seen::new(&home.key("seen"));
    let mut newest = seen.read()?.as_deref().map_or(0, size);
    for path in &command.checkpoint {
        let note = crate::home::read_text(path, NOTE_BYTES).map_err(wiring::io("checkpoint"))?;
        if size(&note) > newest {
            newest = size(&note);
            seen.write(&note)?;
        }
    }
    Ok(())
}

/// An archive that runs on the home is told in words: its own checks (each read is opened whole) go on meanwhile.
fn locked(error: archive::Error) -> Failure {
    match error {
        archive::Error::Store(store::Error::Locked) => Failure::Text(say::text("check-running", &[])),
        other => Error::from(other).into(),
    }
}

/// The ledger's public key beside the keys; made anew from the root key when it is another.
fn verifier_key(command: &Check, home: &Home, root: &crypto::Key, report: &mut Report) -> Result<(), Error> {
    let expected = super::init::verifier_key(root)?;
    let path = home.key("ledger.vkey");
    if std::fs::read(&path).is_ok_and(|found| found == expected.as_bytes()) {
        return Ok(());
    }
    let mut finding = Finding::new(What::VerifierKey, "keys/ledger.vkey");
    if command.repair {
        if path.exists() {
            crate::home::remove(&path).map_err(wiring::io("keys"))?;
        }
        crate::home::write_public(&path, expected.as_bytes()).map_err(wiring::io("keys"))?;
        finding.mended = true;
    }
    report.findings.push(finding);
    Ok(())
}

/// All that is left is what the operator takes as it is.
fn accepted(command: &Check, report: &Report) -> bool {
    let taken = |what| match what {
        What::RowsOlder | What::WrapsOlder | What::Row => command.accept.contains(&Taken::Tables),
        _ => false,
    };
    report.findings.iter().all(|f| f.mended || f.what.is_notice() || taken(f.what))
}

fn ask(
    command: &Check,
    home: &Home,
    (config, root): (&Config, &crypto::Key),
    opened: &Opened,
) -> Result<Ask, Failure> {
    let mut checkpoints = Vec::new();
    for path in command.checkpoint.iter().chain([&home.key("seen")]) {
        if path.is_file() || command.checkpoint.contains(path) {
            checkpoints.push(crate::home::read_text(path, NOTE_BYTES).map_err(wiring::io("checkpoint"))?);
        }
    }
    let policies = wiring::policies(home);
    if let Err(error) = &policies {
        say::note("failed", &[error]);
    }
    Ok(Ask {
        data: home.data(),
        root: crypto::Key::from_bytes(*root.dangerous_expose()),
        checkpoints,
        settings: Some((policies.ok(), config.digest)),
        opened: opened.all(),
        accept: accept(command),
    })
}

fn accept(command: &Check) -> Accept {
    Accept {
        tables: command.accept.contains(&Taken::Tables),
        policies: command.accept.contains(&Taken::Policies),
    }
}

/// Writes the entry, when the archive opens; one that does not says why.
fn record(
    command: &Check,
    home: &Home,
    (config, root): (&Config, crypto::Key),
    report: &Report,
    mended: &check::Mended,
) {
    let done = (|| -> Result<(), Error> {
        let vault = wiring::open_with(home, config, root, wiring::pixel_workers(), accept(command))?;
        let runtime = runtime()?;
        runtime.block_on(async {
            vault.examine_anew(&mended.examine).await?;
            vault.record_check(report, accept(command)).await
        })?;
        Ok(())
    })();
    if let Err(error) = done {
        say::note("check-not-recorded", &[&error]);
    }
}

/// Progress, and what need not be opened again.
struct Seen<'a> {
    opened: &'a mut Opened,
    progress: Option<Progress>,
}

impl<'a> Seen<'a> {
    const fn new(opened: &'a mut Opened) -> Self {
        Self { opened, progress: None }
    }
}

impl Watch for Seen<'_> {
    fn objects(&mut self, total: u64) {
        self.progress = Some(Progress::new("check", total));
    }

    fn whole(&mut self, object: Id) {
        self.opened.add(object);
        if let Some(progress) = &self.progress {
            progress.step();
        }
    }
}

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress {
            progress.done();
        }
    }
}
