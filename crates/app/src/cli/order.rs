//! `gauze order`: what is scheduled, from files, for machines that ask for it by DIMSE (PS3.4 Annex K).

use super::backup::arrival;
use super::import::archive;
use super::{Done, Failure, home, runtime};
use crate::say;
use crate::wiring::{self, Error, io};
use clap::Args;
use model::{Attributes, limits};
use port::{Archive, Call, Credential, Request};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `order`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze order today.json room1.wl --home /srv/gauze\n\
A file holds one worklist item or an array of them in DICOM JSON, as POST /api/v1/orders takes them, or one item as a DICOM\n\
file (.wl). All items of a file are taken, or none. Works with a running archive as well as with a stopped one.")]
pub struct Order {
    /// Files with worklist items.
    #[arg(required_unless_present = "end")]
    files: Vec<PathBuf>,
    /// Accession number of an order that is done, or not to be done; may be given several times.
    #[arg(long)]
    end: Vec<String>,
    /// Account that owes the report.
    #[arg(long)]
    report_by: Option<String>,
    /// The home.
    #[arg(long)]
    home: Option<PathBuf>,
}

pub fn run(command: &Order) -> Done {
    let home = home(command.home.as_ref());
    if !home.exists() {
        return Err(Error::NoHome(home.path().into()).into());
    }
    wiring::harden();
    let items = command.files.iter().map(|path| Ok((path, read(path)?)));
    let items = items.collect::<Result<Vec<_>, Failure>>()?;
    let refused = runtime()?.block_on(async {
        let (archive, own) = archive(&home).await?;
        let refused = all(command, &archive, items).await;
        if let Some(vault) = own {
            vault.stop().await.map_err(Error::from)?;
        }
        Ok::<bool, Failure>(refused)
    })?;
    if refused { Err(Failure::Reported) } else { Ok(()) }
}

/// True: something was refused, and said.
async fn all(command: &Order, archive: &Arc<dyn Archive>, files: Vec<(&PathBuf, Vec<Attributes>)>) -> bool {
    let (mut placed, mut ended, mut refused) = (0, 0, false);
    for (path, orders) in files {
        let count = orders.len();
        let request = Request::Schedule { orders, report_by: command.report_by.clone() };
        match ask(archive, request).await {
            Ok(()) => placed += count,
            Err(word) => {
                refused = true;
                say::note("order-refused", &[&path.display(), &word]);
            }
        }
    }
    for accession in &command.end {
        match ask(archive, Request::EndOrder { accession: accession.clone(), step: None }).await {
            Ok(()) => ended += 1,
            Err(word) => {
                refused = true;
                say::note("order-refused", &[accession, &word]);
            }
        }
    }
    say::note("order-done", &[&placed, &ended]);
    refused
}

async fn ask(archive: &Arc<dyn Archive>, request: Request) -> Result<(), String> {
    let call = Call { credential: Credential::Local, arrival: arrival("order"), request };
    let done = archive.call(call, port::empty()).await;
    done.map(drop).map_err(|fault| say::text(fault.code.as_str(), &[]))
}

/// The items of a file.
fn read(path: &Path) -> Result<Vec<Attributes>, Failure> {
    let mut bytes = Vec::new();
    let most = limits::JSON_BODY_BYTES as u64;
    let file = File::open(path).map_err(io("order"))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(io("order"))?;
    let wrong = || Failure::Text(say::text("order-file", &[&path.display()]));
    if bytes.len() as u64 > most {
        return Err(wrong());
    }
    if bytes.get(128..132) == Some(b"DICM") {
        return Ok(vec![dicom::worklist::file(&bytes).map_err(|_| wrong())?]);
    }
    let items = match serde_json::from_slice(&bytes).map_err(|_| wrong())? {
        serde_json::Value::Array(items) => items,
        one => vec![one],
    };
    items.iter().map(|item| dicom::worklist::item(item).map_err(|_| wrong())).collect()
}
