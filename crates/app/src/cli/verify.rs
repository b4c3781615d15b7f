//! `gauze verify`: no key, no running archive.

use super::progress::Progress;
use super::{Done, Failure, home};
use crate::home::Home;
use crate::say;
use crate::wiring::{Error, io};
use clap::Args;
use ledger::verify::Report;
use ledger::{Checkpoint, Reader};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};

/// `verify`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze verify /srv/gauze --checkpoint yesterday.txt\n\
An older complete copy is found by a checkpoint that was kept elsewhere.")]
pub struct Verify {
    /// The home.
    home: Option<PathBuf>,
    /// A checkpoint saved with `gauze checkpoint`; may be given several times.
    #[arg(long)]
    checkpoint: Vec<PathBuf>,
    /// The ledger's verifier key (C2SP signed-note); else `keys/ledger.vkey` of the home.
    #[arg(long)]
    key: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// A checkpoint or key file, bytes.
const NOTE_BYTES: u64 = 64 << 10;

pub fn run(command: &Verify) -> Done {
    let home = home(command.home.as_ref());
    let key = command.key.clone().unwrap_or_else(|| home.key("ledger.vkey"));
    let line = text(&key)?;
    let (origin, public) = ledger::note::read_verifier_key(line.trim())
        .ok_or_else(|| Failure::Text(say::text("verify-key", &[&key.display()])))?;
    let mut known = Vec::new();
    for path in &command.checkpoint {
        let open = Checkpoint::open(&text(path)?, &public);
        known.push(open.map_err(|_| Failure::Text(say::text("verify-checkpoint", &[&path.display()])))?);
    }
    let seen = home.key("seen");
    if seen.is_file() {
        let open = Checkpoint::open(&text(&seen)?, &public);
        known.push(open.map_err(|_| Failure::Text(say::text("verify-checkpoint", &[&seen.display()])))?);
    }
    let report = check(&home, (&origin, &public), &known)?;
    tell(command, &report, known.len())
}

fn text(path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(io("file"))?;
    file.take(NOTE_BYTES).read_to_string(&mut text).map_err(io("file"))?;
    Ok(text)
}

fn check(home: &Home, key: (&str, &[u8]), known: &[Checkpoint]) -> Result<Report, Error> {
    let reader = Reader::new(&home.data().join("ledger"));
    let size = reader.size().map_err(archive::Error::from)?;
    let tail = store::unmoved_leaves(&home.data()).map_err(archive::Error::from)?;
    let progress = Progress::new("verify", size);
    let report = ledger::verify::verify(&reader, &tail, key, known, &mut |at| progress.to(at));
    progress.done();
    Ok(report.map_err(archive::Error::from)?)
}

fn tell(command: &Verify, report: &Report, checkpoints: usize) -> Done {
    let root = super::digest::hex(&report.root);
    if command.json {
        let fault = report.fault.map(|f| json!({ "index": f.index, "what": f.what.as_str() }));
        let object = json!({ "ok": report.fault.is_none(), "entries": report.entries, "root": root,
            "checkpoints": checkpoints, "fault": fault });
        say::line(&object.to_string());
    } else if let Some(fault) = report.fault {
        say::line(&say::text("verify-fault", &[&fault.index, &say::text(fault.what.as_str(), &[])]));
    } else {
        say::line(&say::text("verify-good", &[&report.entries, &checkpoints, &root]));
    }
    if report.fault.is_some() { Err(Failure::Reported) } else { Ok(()) }
}
