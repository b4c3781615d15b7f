//! `gauze restore`: a home from a backup and a kept copy of the keys, checked before it may start.

use super::backup::{beside, bucket::Buckets, time};
use super::progress::Progress;
use super::{Done, Failure, runtime};
use crate::config::Config;
use crate::home::{Home, make_private_folder, read_text, remove, write_private, write_public};
use crate::say;
use crate::wiring::{self, Error, RESTORING, io};
use archive::backup::{Source, State, restore};
use archive::check::{self, Ask, Report, Watch, What};
use clap::Args;
use model::Id;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// `restore`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze restore /mnt/backup /srv/gauze --keys /media/safe/keys\n\
Makes a new home. Every object is opened and compared before it is done; interrupted, it goes on where it was. What came after\n\
the backup is lost: a checkpoint that knows more (of the kept keys, or given here) is told, and has to be accepted.\n\
With --bucket and --wraps-bucket the backup is first fetched from an S3 server into the folder SOURCE and that of the wraps.")]
pub struct Restore {
    /// Folder of the backup.
    source: PathBuf,
    /// The home to make.
    home: PathBuf,
    /// A kept copy of the folder `keys`.
    #[arg(long)]
    keys: PathBuf,
    /// Folder of the wrapped keys; default: `SOURCE.wraps`.
    #[arg(long)]
    wraps: Option<PathBuf>,
    #[command(flatten)]
    buckets: Buckets,
    /// A checkpoint that was kept elsewhere (`gauze checkpoint`).
    #[arg(long)]
    checkpoint: Vec<PathBuf>,
    /// What checkpoints know beyond the backup is lost; the ledger will say so.
    #[arg(long)]
    accept_loss: bool,
    /// Objects that the backup itself has damaged stay so: all others are there, and the report names these.
    #[arg(long)]
    accept_damage: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// A checkpoint or key file, bytes.
const NOTE_BYTES: u64 = 64 << 10;

pub fn run(command: &Restore) -> Done {
    wiring::harden();
    let home = Home::new(&command.home);
    let wraps = command.wraps.clone().unwrap_or_else(|| beside(&command.source));
    if let Some(pair) = command.buckets.pair()? {
        runtime()?.block_on(pair.pull([&command.source, &wraps]))?;
    }
    let source = Source::open(&command.source).map_err(Error::from)?;
    let state = source.newest().map_err(Error::from)?;
    begin(&home)?;
    keep_settings(&command.source, &home)?;
    keep_keys(&command.keys, &home)?;
    let config = Config::read(&home).map_err(Error::from)?;
    let root = wiring::root_key(&home, &config)?;
    let known = known(command, &home, &root)?;
    if known > state.manifest.entries && !command.accept_loss {
        let State { manifest, .. } = &state;
        let last = time(manifest.last_entry);
        return Err(Failure::Text(say::text("restore-loss", &[&manifest.entries, &last, &known])));
    }
    let progress = Progress::new("restore", source.files() as u64);
    let done = restore((&source, &state), &wraps, (&home.data(), &root), &mut |done, _| progress.to(done));
    progress.done();
    done.map_err(Error::from)?;
    let report = compare(&home, crypto::Key::from_bytes(*root.dangerous_expose()))?;
    super::check::tell(command.json, &report);
    match report.good() {
        false if !only_objects(&report) => return Err(Failure::Text(say::text("restore-damaged", &[]))),
        false if !command.accept_damage => return Err(Failure::Text(say::text("restore-objects", &[]))),
        _ => {}
    }
    finish(&home, (&config, root), &state, (known, report.objects))?;
    let manifest = &state.manifest;
    say::note(
        "restore-done",
        &[&report.objects, &manifest.entries, &time(manifest.time), &time(manifest.last_entry)],
    );
    Ok(())
}

/// Nothing is wrong but single films: rows, keys and the ledger are whole.
fn only_objects(report: &Report) -> bool {
    let film = |what| matches!(what, What::Object | What::ObjectMissing | What::Sidecar);
    report.findings.iter().all(|f| f.mended || f.what.is_notice() || film(f.what))
}

/// An empty folder, or one that an interrupted run has begun.
fn begin(home: &Home) -> Result<(), Error> {
    if home.exists() && !home.key(RESTORING).exists() {
        return Err(Error::Exists(home.path().into()));
    }
    make_private_folder(&home.keys()).map_err(io("keys"))?;
    make_private_folder(&home.data()).map_err(io("data"))?;
    std::fs::create_dir_all(home.policies()).map_err(io("policies"))?;
    if !home.key(RESTORING).exists() {
        write_private(&home.key(RESTORING), b"").map_err(io("keys"))?;
    }
    Ok(())
}

fn keep_settings(source: &Path, home: &Home) -> Result<(), Error> {
    let from = source.join("settings");
    let keep = |from: PathBuf, to: PathBuf| -> Result<(), Error> {
        let bytes = std::fs::read(from).map_err(io("settings"))?;
        if to.exists() { Ok(()) } else { write_public(&to, &bytes).map_err(io("settings")) }
    };
    keep(from.join("gauze.toml"), home.config())?;
    for entry in std::fs::read_dir(from.join("policies")).map_err(io("policies"))? {
        let entry = entry.map_err(io("policies"))?;
        keep(entry.path(), home.policies().join(entry.file_name()))?;
    }
    Ok(())
}

/// What belongs to the lost archive and not to this one: files that were imported after the backup are not here.
const LEFT: &[&str] = &["import.done", "check.opened", RESTORING];

/// Copies the kept keys; what they have seen is compared, never copied over.
fn keep_keys(from: &Path, home: &Home) -> Result<(), Error> {
    let mut folders = vec![(from.to_path_buf(), home.keys())];
    while let Some((from, to)) = folders.pop() {
        make_private_folder(&to).map_err(io("keys"))?;
        for entry in std::fs::read_dir(&from).map_err(io("keys"))? {
            let entry = entry.map_err(io("keys"))?;
            if LEFT.iter().any(|left| entry.file_name() == *left) {
                continue;
            }
            let (kind, to) = (entry.file_type().map_err(io("keys"))?, to.join(entry.file_name()));
            if kind.is_dir() {
                folders.push((entry.path(), to));
            } else if kind.is_file() && !to.exists() {
                let bytes = std::fs::read(entry.path()).map_err(io("keys"))?;
                write_private(&to, &bytes).map_err(io("keys"))?;
            }
        }
    }
    Ok(())
}

/// Entries that the newest known checkpoint has seen.
fn known(command: &Restore, home: &Home, root: &crypto::Key) -> Result<u64, Failure> {
    let public = crypto::Ladder::new(root).and_then(|l| l.signing_key()).map_err(archive::Error::from);
    let public = public.map_err(Error::from)?.public();
    let mut known = 0;
    for path in command.checkpoint.iter().chain([&home.key("seen")]) {
        if path.is_file() || command.checkpoint.contains(path) {
            let note = read_text(path, NOTE_BYTES).map_err(io("checkpoint"))?;
            let checkpoint = ledger::Checkpoint::open(&note, &public)
                .map_err(|_| Failure::Text(say::text("verify-checkpoint", &[&path.display()])))?;
            known = known.max(checkpoint.size);
        }
    }
    Ok(known)
}

struct Steps(Option<Progress>);

impl Watch for Steps {
    fn objects(&mut self, total: u64) {
        self.0 = Some(Progress::new("check", total));
    }

    fn whole(&mut self, _: Id) {
        if let Some(progress) = &self.0 {
            progress.step();
        }
    }
}

/// Every seal, row and entry of what was restored.
fn compare(home: &Home, root: crypto::Key) -> Result<Report, Error> {
    let ask = Ask {
        data: home.data(),
        root,
        checkpoints: vec![],
        settings: None,
        opened: HashSet::new(),
        accept: archive::Accept::default(),
    };
    let mut steps = Steps(None);
    let report = check::check(ask, &mut steps)?;
    if let Some(progress) = &steps.0 {
        progress.done();
    }
    Ok(report)
}

/// The restored archive goes on from here: what it has seen is what it has, its entry says what was lost, and the mark goes.
fn finish(
    home: &Home,
    (config, root): (&Config, crypto::Key),
    state: &State,
    (known, objects): (u64, u64),
) -> Done {
    if known > state.manifest.entries && home.key("seen").is_file() {
        let to = home.key(&format!("seen.before-{}", state.manifest.entries));
        std::fs::rename(home.key("seen"), to).map_err(io("seen"))?;
    }
    let vault = wiring::open_with(home, config, root, wiring::pixel_workers(), archive::Accept::default())?;
    let runtime = runtime()?;
    runtime
        .block_on(async { vault.record_restore(state.manifest.entries, objects, known).await })
        .map_err(Error::from)?;
    drop(vault);
    remove(&home.key(RESTORING)).map_err(io("keys"))?;
    Ok(())
}
