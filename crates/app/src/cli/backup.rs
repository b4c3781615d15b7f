//! `gauze backup`: through the running archive, or from a stopped one.

pub mod bucket;

use super::import::archive;
use super::progress::Progress;
use super::{Done, Failure, home, runtime};
use crate::say;
use crate::wiring::{self, Error};
use ::archive::backup::{Manifest, Target, copy_settings};
use clap::Args;
use model::{Arrival, Door, Time};
use port::{Archive, Call, Credential, Item, Request};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `backup`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze backup /mnt/backup --wraps /mnt/keys-of-35-days --home /srv/gauze\n\
Works while the archive runs. Only what is new is copied, sealed as it is; run again after an interruption it goes on.\n\
The root key is never in it: keep a copy of the folder `keys` yourself, elsewhere. Wrapped keys go to a folder of their own\n\
and are kept for 35 days, so that what was destroyed stays destroyed: keep no other copies of that folder.\n\
With --bucket and --wraps-bucket both folders are then copied to an S3 server; gauze restore with the same options fetches them.")]
pub struct Backup {
    /// Folder for objects, ledger and index.
    target: PathBuf,
    /// Folder for wrapped keys; default: beside the target, `TARGET.wraps`.
    #[arg(long)]
    wraps: Option<PathBuf>,
    #[command(flatten)]
    buckets: bucket::Buckets,
    /// The home.
    #[arg(long)]
    home: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What comes on the stream.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Told {
    Far { done: u64, total: u64 },
    Failed { error: String },
    Made(Manifest),
}

pub fn run(command: &Backup) -> Done {
    let home = home(command.home.as_ref());
    if !home.exists() {
        return Err(Error::NoHome(home.path().into()).into());
    }
    wiring::harden();
    // Another process writes them: their names must not depend on where it stands.
    let target = Target { data: absolute(&command.target)?, wraps: absolute(&wraps(command))? };
    if target.wraps.starts_with(&target.data) || target.data.starts_with(&target.wraps) {
        return Err(Failure::Usage(say::text("backup-apart", &[])));
    }
    let pair = command.buckets.pair()?;
    let runtime = runtime()?;
    if let Some(pair) = &pair
        && !target.data.exists()
    {
        // The folder is new and the copy may not be: it goes on from there.
        runtime.block_on(pair.pull([&target.data, &target.wraps]))?;
    }
    let manifest = runtime.block_on(async {
        let (archive, own) = archive(&home).await?;
        let made = ask(&archive, &target).await;
        if let Some(vault) = own {
            vault.stop().await.map_err(Error::from)?;
        }
        made
    })?;
    copy_settings(home.path(), &target).map_err(Error::from)?;
    if let Some(pair) = pair {
        let put = runtime.block_on(pair.push([&target.data, &target.wraps]))?;
        say::note("bucket-done", &[&put]);
    }
    tell(command, &manifest);
    Ok(())
}

fn wraps(command: &Backup) -> PathBuf {
    command.wraps.clone().unwrap_or_else(|| beside(&command.target))
}

/// `TARGET.wraps`.
pub fn beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".wraps");
    target.with_file_name(name)
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|e| wiring::io("target")(e).into())
}

async fn ask(archive: &Arc<dyn Archive>, target: &Target) -> Result<Manifest, Failure> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let request = Request::Backup { data: text(&target.data), wraps: text(&target.wraps) };
    let call = Call { credential: Credential::Local, arrival: arrival("backup"), request };
    let (_, mut stream) = archive.call(call, port::empty()).await.map_err(Error::from)?;
    let mut progress: Option<Progress> = None;
    while let Some(item) = stream.next().await.map_err(Error::from)? {
        let Item::Chunk(bytes) = item else { continue };
        match serde_json::from_slice(&bytes) {
            Ok(Told::Far { done, total }) => {
                progress.get_or_insert_with(|| Progress::new("backup", total)).to(done)
            }
            Ok(Told::Failed { error }) => return Err(Failure::Text(error)),
            Ok(Told::Made(manifest)) => {
                if let Some(progress) = &progress {
                    progress.done();
                }
                return Ok(manifest);
            }
            Err(error) => return Err(Failure::Text(error.to_string())),
        }
    }
    Err(Error::Fault(port::Code::Cut.into()).into())
}

/// A command on this machine.
pub fn arrival(request: &str) -> Arrival {
    Arrival {
        door: Door::Command,
        peer: format!("uid {}", rustix::process::getuid().as_raw()),
        certificate: String::new(),
        calling_ae: String::new(),
        called_ae: String::new(),
        software: wiring::SOFTWARE.to_owned(),
        request: request.to_owned(),
    }
}

fn tell(command: &Backup, made: &Manifest) {
    if command.json {
        let object = serde_json::json!({ "time": time(made.time), "entries": made.entries,
            "last_entry": time(made.last_entry), "files": made.files, "added": made.added, "unreadable": made.unreadable });
        return say::line(&object.to_string());
    }
    if made.unreadable > 0 {
        say::note("backup-unreadable", &[&made.unreadable]);
    }
    say::line(&say::text("backup-done", &[&made.added, &made.files, &made.entries, &time(made.last_entry)]));
}

/// RFC 3339, UTC.
pub fn time(nanoseconds: i64) -> String {
    Time(nanoseconds).rfc3339()
}
