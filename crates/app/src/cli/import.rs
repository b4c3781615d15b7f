//! `gauze import`: a folder's files through the archive's own door, a few at a time. What was stored is remembered by keyed
//! digests of name, size and time beside the keys, so that an interrupted import goes on where it was; no name is kept.

mod remember;
mod source;

pub use source::{Source, store};

use super::progress::Progress;
use super::{Done, Failure, files, home, runtime};
use crate::config::Config;
use crate::home::Home;
use crate::say;
use crate::wiring::{self, Error, operator};
use clap::Args;
use port::{Archive, Code};
use remember::Remembered;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;

/// `import`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze import /media/cd --home /srv/gauze\n\
Works with a running archive as well as with a stopped one. Files that are not DICOM are counted and left.")]
pub struct Import {
    /// The folder, or one file.
    folder: PathBuf,
    /// The home.
    #[arg(long)]
    home: Option<PathBuf>,
    /// One JSON line a file.
    #[arg(long)]
    json: bool,
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
    runtime()?.block_on(async {
        let (archive, own) = archive(&home).await?;
        let counts = import(&home, command, archive).await;
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
async fn archive(home: &Home) -> Result<(Arc<dyn Archive>, Option<Arc<archive::Vault>>), Error> {
    if let Some(running) = operator::connect(home).await {
        return Ok((running, None));
    }
    let config = Config::read(home)?;
    let vault = tokio::task::block_in_place(|| wiring::open_vault(home, &config, wiring::pixel_workers()))?;
    Ok((Arc::new(vault.start().await?), Some(vault)))
}

async fn import(home: &Home, command: &Import, archive: Arc<dyn Archive>) -> Result<Counts, Failure> {
    let root = command.folder.clone();
    let files = tokio::task::block_in_place(|| files::all(std::slice::from_ref(&root)));
    if files.is_empty() {
        return Err(Failure::Usage(say::text("import-nothing", &[&root.display()])));
    }
    let mut remembered = Remembered::open(home)?;
    let progress = Progress::new("import", files.len() as u64);
    let (mut counts, mut running) = (Counts::default(), JoinSet::new());
    for path in files {
        if running.len() >= AT_ONCE
            && let Some(done) = running.join_next().await
        {
            count(command, &mut counts, &mut remembered, done)?;
            progress.step();
        }
        let Some(mark) = remembered.mark(&path) else { continue };
        if remembered.knows(&mark) {
            counts.earlier += 1;
            progress.step();
            continue;
        }
        let archive = Arc::clone(&archive);
        running.spawn(async move {
            let result = store(&archive, Source::File(path.clone())).await;
            (path, mark, result)
        });
    }
    while let Some(done) = running.join_next().await {
        count(command, &mut counts, &mut remembered, done)?;
        progress.step();
    }
    progress.done();
    Ok(counts)
}

type Outcome = (PathBuf, remember::Mark, Result<source::Took, port::Fault>);

fn count(
    command: &Import,
    counts: &mut Counts,
    remembered: &mut Remembered,
    done: Result<Outcome, tokio::task::JoinError>,
) -> Result<(), Failure> {
    let (path, mark, result) = done.map_err(|e| Failure::Text(e.to_string()))?;
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
    if result.is_ok() {
        remembered.add(mark)?;
    }
    report(command, &path, word, result.is_err());
    Ok(())
}

fn report(command: &Import, path: &Path, word: &str, refused: bool) {
    if command.json {
        let line = serde_json::json!({ "file": path.to_string_lossy(), "result": word });
        say::line(&line.to_string());
    } else if refused {
        say::note("import-refused", &[&path.display(), &say::text(word, &[])]);
    }
}
