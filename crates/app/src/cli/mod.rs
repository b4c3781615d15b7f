//! Commands: parse, run, exit status (0 done, 1 something was refused or failed, 2 wrong use).

mod backup;
mod check;
mod checkpoint;
mod deidentify;
mod demo;
mod digest;
mod export;
mod files;
pub(crate) mod import;
pub(crate) mod init;
mod inspect;
mod local;
mod order;
mod policy;
mod progress;
mod render;
mod restore;
mod serve;
mod user;
mod verify;

use crate::home::Home;
use crate::say;
use crate::wiring::Error;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// An archive for medical images that are usable but not visible.
#[derive(Debug, Parser)]
#[command(name = "gauze", version, disable_help_subcommand = true)]
#[command(
    after_help = "Example: gauze demo\nGAUZE_HOME (default ./.gauze-demo) says where the archive lies."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an archive: folders, root key, certificates, policies, an administrator.
    Init(init::Init),
    /// Run the archive of a home.
    Serve(serve::Serve),
    /// Make an archive with sample films, orders and accounts, and run it.
    Demo(demo::Demo),
    /// Store the DICOM files of folders, ZIP files, DICOMDIRs or standard input; goes on where it was interrupted.
    Import(import::Import),
    /// Write what an account may see as DICOM files with a DICOMDIR, a ZIP, or pictures.
    Export(export::Export),
    /// Schedule examinations from worklist items in files, or end orders: what modalities are told by DIMSE.
    Order(order::Order),
    /// Say what is private in DICOM files; needs no archive.
    Inspect(inspect::Inspect),
    /// Make a picture of a DICOM file, masked or clear; needs no archive.
    Render(render::Render),
    /// De-identify a DICOM file by a profile; needs no archive.
    Deidentify(deidentify::Deidentify),
    /// Check a ledger without a key and name the first entry that is not as it was written.
    Verify(verify::Verify),
    /// Compare everything on the disk with everything else: seals, index, ledger; repairs what can be.
    Check(check::Check),
    /// Copy what is new, sealed, into a folder; wrapped keys into another one.
    Backup(backup::Backup),
    /// Make an archive from a backup, complete and checked.
    Restore(restore::Restore),
    /// Print a signed checkpoint of the ledger, to be kept elsewhere.
    Checkpoint(checkpoint::Checkpoint),
    /// Read and try the rules of who may see and do what.
    Policy(policy::Policy),
    /// Accounts, relations and orders of a stopped archive.
    User(user::User),
}

/// Why a command ends with 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A cause with its own text.
    #[error("{0}")]
    Cause(#[from] Error),
    /// A part of the work was refused and reported already.
    #[error("")]
    Reported,
    /// A text of this command.
    #[error("{0}")]
    Text(String),
    /// Used in a way that cannot be meant.
    #[error("{0}")]
    Usage(String),
}

/// What a command answers.
pub(crate) type Done = Result<(), Failure>;

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A terminal that is gone gets no help.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    log();
    if matches!(arguments.command, Command::Serve(_) | Command::Demo(_)) {
        crate::memory::bounded();
    }
    let done = match arguments.command {
        Command::Init(command) => init::run(&command),
        Command::Serve(command) => serve::run(&command),
        Command::Demo(command) => demo::run(&command),
        Command::Import(command) => import::run(&command),
        Command::Export(command) => export::run(&command),
        Command::Order(command) => order::run(&command),
        Command::Inspect(command) => inspect::run(&command),
        Command::Render(command) => render::run(&command),
        Command::Deidentify(command) => deidentify::run(&command),
        Command::Verify(command) => verify::run(&command),
        Command::Check(command) => check::run(&command),
        Command::Backup(command) => backup::run(&command),
        Command::Restore(command) => restore::run(&command),
        Command::Checkpoint(command) => checkpoint::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::User(command) => user::run(&command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Reported) => ExitCode::FAILURE,
        Err(failure) => {
            say::note("failed", &[&failure]);
            ExitCode::from(if matches!(failure, Failure::Usage(_)) { 2 } else { 1 })
        }
    }
}

/// Events of the program itself on standard error; never a patient's word.
fn log() {
    let level = match std::env::var("GAUZE_LOG").as_deref() {
        Ok("debug") => tracing::Level::DEBUG,
        Ok("info") => tracing::Level::INFO,
        _ => tracing::Level::WARN,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false).init();
}

/// The home: an argument, else `GAUZE_HOME`, else the demo's.
fn home(argument: Option<&PathBuf>) -> Home {
    let named = || std::env::var_os("GAUZE_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    Home::new(&argument.cloned().or_else(named).unwrap_or_else(|| PathBuf::from("./.gauze-demo")))
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build().map_err(crate::wiring::io("threads"))
}
