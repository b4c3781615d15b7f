//! `gauze checkpoint`.

use super::{Done, Failure, home};
use crate::config::Config;
use crate::home::write_public;
use crate::say;
use crate::wiring::{self, Error, io};
use clap::Args;
use std::path::PathBuf;

/// `checkpoint`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze checkpoint /srv/gauze --out 2026-11-24.txt\n\
Keep it where who runs this machine cannot change it. Of a running archive it is the one of the last 15 seconds.")]
pub struct Checkpoint {
    /// The home.
    home: Option<PathBuf>,
    /// File to write; else standard output.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub fn run(command: &Checkpoint) -> Done {
    let home = home(command.home.as_ref());
    if !home.exists() {
        return Err(Error::NoHome(home.path().into()).into());
    }
    let config = Config::read(&home).map_err(Error::from)?;
    let note = match wiring::open_vault(&home, &config, wiring::pixel_workers()) {
        Ok(vault) => vault.keep_seen_checkpoint().map_err(Error::from)?,
        Err(Error::Vault(archive::Error::Store(store::Error::Locked))) => {
            let seen = keys::Seen::new(&home.key("seen")).read().map_err(Error::from)?;
            seen.ok_or_else(|| Failure::Text(say::text("checkpoint-none", &[])))?
        }
        Err(error) => return Err(error.into()),
    };
    match &command.out {
        Some(path) => write_public(path, note.as_bytes()).map_err(io("checkpoint"))?,
        None => say::line(note.trim_end()),
    }
    Ok(())
}
