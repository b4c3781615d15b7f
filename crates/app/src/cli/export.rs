//! `gauze export`: what an account may see, as files. It signs in, opens each study for a purpose and fetches like any viewer:
//! the policy decides what leaves, masked or clear, and the ledger has each entry before a byte is written.

mod all;
mod shelf;

use super::backup::arrival;
use super::import::archive;
use super::progress::Progress;
use super::{Done, Failure, home, runtime};
use crate::say;
use crate::wiring::{self, Error, passwords};
use clap::{Args, ValueEnum};
use model::{Purpose, Uid, View};
use port::archive::{Annotation, Form, Opened, Picture, Profile, Retrieve};
use port::{Archive, Call, Credential, Fault, Item, Request, Response};
use shelf::Shelf;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// `export`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: gauze export anna.zip --user rosa --purpose report --study 1.2.3 --home /srv/gauze\n\
Example: gauze export /mnt/all --all --user ada --second olga --home /srv/gauze\n\
What leaves is what the account may see for this purpose: masked films leave masked. Asks for the account's password. With --all two \
persons leave with everything: all films as they are, each compared with its digest; run again it goes on where it ended."
)]
pub struct Export {
    /// The ZIP file or folder to make.
    out: PathBuf,
    /// Account to sign in with.
    #[arg(long)]
    user: String,
    /// File with its password, mode 0600; without one it is asked for.
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// Why: report, treatment, second-opinion, teaching, research, own …
    #[arg(long, required_unless_present = "all")]
    purpose: Option<Purpose>,
    /// In your own words, where the policy asks for it.
    #[arg(long)]
    reason: Option<String>,
    /// Study Instance UID; may be given several times.
    #[arg(long, required_unless_present = "all")]
    study: Vec<Uid>,
    /// Everything, as it is, into a folder: to leave for another archive.
    #[arg(long, requires = "second", conflicts_with_all = ["purpose", "reason", "study", "format"])]
    all: bool,
    /// With --all: another person's account, who agrees.
    #[arg(long, requires = "all")]
    second: Option<String>,
    /// File with her password, mode 0600; without one it is asked for.
    #[arg(long, requires = "second")]
    second_password_file: Option<PathBuf>,
    /// In which form; default: by the name, .zip or a folder.
    #[arg(long)]
    format: Option<Format>,
    /// The home.
    #[arg(long)]
    home: Option<PathBuf>,
    /// One JSON line a study.
    #[arg(long)]
    json: bool,
}

/// Forms of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// DICOM files and a DICOMDIR in a ZIP file.
    Zip,
    /// DICOM files and a DICOMDIR in a folder.
    Dicomdir,
    /// Pictures in a folder.
    Png,
    /// Pictures in a folder.
    Jpeg,
}

/// Quality of JPEG pictures.
const QUALITY: u8 = 92;
/// Shorter than a viewing token lives.
const RENEWED: Duration = Duration::from_secs(60);

pub fn run(command: &Export) -> Done {
    let home = home(command.home.as_ref());
    if !home.exists() {
        return Err(Error::NoHome(home.path().into()).into());
    }
    if let Some(second) = &command.second {
        return all::run(command, &home, second);
    }
    if command.out.symlink_metadata().is_ok() {
        return Err(Failure::Usage(say::text("export-there", &[&command.out.display()])));
    }
    wiring::harden();
    let password = passwords::password(command.password_file.as_deref())?;
    let refused = runtime()?.block_on(async {
        let (archive, own) = archive(&home).await?;
        let done = export(command, &archive, password).await;
        if let Some(vault) = own {
            vault.stop().await.map_err(Error::from)?;
        }
        done
    })?;
    if refused { Err(Failure::Reported) } else { Ok(()) }
}

fn format(command: &Export) -> Format {
    let zip = command.out.extension().is_some_and(|e| e.eq_ignore_ascii_case("zip"));
    command.format.unwrap_or(if zip { Format::Zip } else { Format::Dicomdir })
}

/// Fetches all studies. True: one was refused, and said.
async fn export(command: &Export, archive: &Arc<dyn Archive>, password: String) -> Result<bool, Failure> {
    let session = sign_in(&command.user, archive, password).await?;
    let mut shelf =
        Shelf::begin(&command.out, format(command) == Format::Zip).map_err(wiring::io("export"))?;
    let progress = Progress::new("export", command.study.len() as u64);
    let mut refused = false;
    for study in &command.study {
        match fetch(command, archive, &session, study, &mut shelf).await? {
            Ok((opened, files)) => tell(command, study, &Ok((opened.visibility, files))),
            Err(fault) => {
                refused = true;
                tell(command, study, &Err(fault));
            }
        }
        progress.step();
    }
    progress.done();
    let request = Request::SignOut;
    // What leaves is written; a session that does not end now ends by itself.
    let _ = ask(archive, cookies(&session), request).await;
    let files = shelf.finish().map_err(wiring::io("export"))?;
    if !command.json {
        say::note("export-done", &[&files, &command.out.display()]);
    }
    Ok(refused)
}

async fn ask(
    archive: &Arc<dyn Archive>,
    credential: Credential,
    request: Request,
) -> Result<Response, Fault> {
    let call = Call { credential, arrival: arrival("export"), request };
    archive.call(call, port::empty()).await.map(|(response, _)| response)
}

fn cookies(session: &str) -> Credential {
    Credential::Cookies { session: session.to_owned(), viewing: None }
}

async fn sign_in(user: &str, archive: &Arc<dyn Archive>, password: String) -> Result<String, Failure> {
    let request = Request::SignIn { user: user.to_owned(), password };
    match ask(archive, Credential::None, request).await {
        Ok(Response::SignedIn { session, .. }) => Ok(session),
        Ok(_) => Err(Error::Fault(port::Code::Internal.into()).into()),
        Err(fault) => Err(Failure::Text(say::text(fault.code.as_str(), &[]))),
    }
}

/// One study: opened, fetched, written. The inner error is the policy's or the archive's; the outer one ends the export.
async fn fetch(
    command: &Export,
    archive: &Arc<dyn Archive>,
    session: &str,
    study: &Uid,
    shelf: &mut Shelf,
) -> Result<Result<(Opened, u64), Fault>, Failure> {
    let (purpose, reason) = (purpose_of(command), command.reason.clone());
    let open = Request::Open { study: study.clone(), purpose, reason };
    let opened = match ask(archive, cookies(session), open).await {
        Ok(Response::Opened(opened)) => opened,
        Ok(_) => return Ok(Err(port::Code::Internal.into())),
        Err(fault) => return Ok(Err(fault)),
    };
    let form = match format(command) {
        Format::Zip | Format::Dicomdir => Form::Instances,
        picture => Form::Rendered {
            numbers: vec![],
            picture: Picture { png: picture == Format::Png, quality: QUALITY, view: View::default() },
            annotation: Annotation::default(),
            profile: Profile::No,
        },
    };
    let retrieve = Retrieve {
        study: study.clone(),
        series: None,
        instance: None,
        form,
        first: false,
        syntaxes: Vec::new(),
        known: Vec::new(),
    };
    let credential = Credential::Bearer(opened.token.clone());
    let call = Call { credential, arrival: arrival("export"), request: Request::Retrieve(retrieve) };
    let mut stream = match archive.call(call, port::empty()).await {
        Ok((_, stream)) => stream,
        Err(fault) => return Ok(Err(fault)),
    };
    let before = shelf.files();
    shelf.study();
    let _open = kept_open(archive, session, (study, purpose_of(command), command.reason.clone()));
    loop {
        match stream.next().await {
            Ok(Some(Item::Part(part))) => shelf.file(&part).map_err(wiring::io("export"))?,
            Ok(Some(Item::Chunk(bytes))) => shelf.bytes(&bytes).map_err(wiring::io("export"))?,
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(fault) => {
                if !shelf.drop_open().map_err(wiring::io("export"))? {
                    // Half a file stands in the ZIP under its name: nobody must take it for a whole one.
                    return Err(Failure::Text(say::text("export-cut", &[study])));
                }
                return Ok(Err(fault));
            }
        }
    }
    shelf.end().map_err(wiring::io("export"))?;
    Ok(Ok((opened, shelf.files() - before)))
}

/// A viewing token ends after minutes, and what flows under it: as a viewer does, the study is opened anew while it is fetched.
fn kept_open(
    archive: &Arc<dyn Archive>,
    session: &str,
    (study, purpose, reason): (&Uid, Purpose, Option<String>),
) -> JoinSet<()> {
    let (archive, shown, study) = (Arc::clone(archive), cookies(session), study.clone());
    let mut task = JoinSet::new();
    task.spawn(async move {
        loop {
            tokio::time::sleep(RENEWED).await;
            let open = Request::Open { study: study.clone(), purpose, reason: reason.clone() };
            // Refused now, the release ends by itself.
            let _ = ask(&archive, shown.clone(), open).await;
        }
    });
    task
}

fn purpose_of(command: &Export) -> Purpose {
    command.purpose.unwrap_or(Purpose::Maintenance)
}

fn tell(command: &Export, study: &Uid, result: &Result<(String, u64), Fault>) {
    if command.json {
        let line = match result {
            Ok((visibility, files)) => {
                serde_json::json!({ "study": study.as_str(), "visibility": visibility, "files": files })
            }
            Err(fault) => serde_json::json!({ "study": study.as_str(), "refused": fault.code.as_str() }),
        };
        return say::line(&line.to_string());
    }
    match result {
        Ok((visibility, files)) => say::line(&say::text("export-study", &[study, files, visibility])),
        Err(fault) => {
            say::note("export-refused", &[study, &say::text(fault.code.as_str(), &[])]);
        }
    }
}
