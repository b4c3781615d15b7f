//! `gauze deidentify`: read all, decide what is to be made of each, make it.

mod crew;
mod fate;
mod folder;
mod journal;
mod make;
mod report;

use super::import::errors::Errors;
use super::local::Local;
use super::progress::Progress;
use super::{Done, Failure, files};
use crate::home::write_private;
use crate::say;
use crate::wiring::{Error, io};
use clap::{Args, ValueEnum};
use crypto::Random;
use fate::{Fate, Looked};
use folder::Folder;
use make::{Made, Reason, Rules};
use privacy::{Options, ProfileOption};
use report::Report;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// `deidentify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: gauze deidentify films/ out/ --profile basic --project-key keys/project.key --errors refused.csv\n\n\
Of a folder, each output is named by its new SOP Instance UID, whatever its input was called. With --project-key an interrupted run \
goes on where it was: what is in OUT, made of the same content with the same options, is left; a file that was added or changed \
is done. Beside the key lies FILE.journal, which tells what was made; neither may lie in OUT, nor may the list of errors (it \
names inputs). Without --project-key OUT must be empty, and nothing can be added to it later.\n\n\
Not delivered, and named in the list of errors: what cannot be masked, sound, raw data, unknown classes, encapsulated documents, \
and reports (SR, key objects) unless --option clean-structured-content is given. Of presentation states the graphics go, of structure sets the \
contours that may be the outline of the body; of waveforms the signal stays.\n\n\
Options (PS3.15 E.3): clean-graphics, clean-structured-content, clean-descriptors, retain-full-dates, retain-modified-dates, \
retain-patient-characteristics, retain-device-identity, retain-uids, retain-safe-private, retain-institution-identity, and, declared \
only since pixels are masked always, clean-pixel-data and clean-recognizable-visual-features."
)]
pub struct Deidentify {
    /// File or folder.
    input: PathBuf,
    /// File or folder to write.
    out: PathBuf,
    /// Profile of PS3.15 Annex E.
    #[arg(long, value_enum)]
    profile: Profile,
    /// Option of the profile; may be given several times.
    #[arg(long = "option", value_name = "OPTION")]
    options: Vec<ProfileOption>,
    /// Key of the pseudonyms (32 bytes, mode 0600); made when there is none. Without it, pseudonyms of this run fit no other.
    #[arg(long, value_name = "FILE")]
    project_key: Option<PathBuf>,
    /// Write what was done to each attribute of each output into this file: JSON lines, without any value.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write each input that was not delivered into this CSV file (RFC 4180): file, code, words.
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Make all outputs again.
    #[arg(long)]
    again: bool,
    /// Encapsulated documents (PDF, CDA, STL) leave with whatever is written in them.
    #[arg(long)]
    dangerous_documents: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// Basic Application Level Confidentiality Profile, pixels cleaned.
    Basic,
}

pub fn run(command: &Deidentify) -> Done {
    let Profile::Basic = command.profile;
    let options =
        Options::of(command.options.iter().copied()).map_err(|error| Failure::Usage(error.to_string()))?;
    let whole = command.input.is_dir() || command.out.is_dir();
    folder::apart(&command.input, &command.out)?;
    let beside = [&command.project_key, &command.errors, &command.report];
    beside.into_iter().flatten().try_for_each(|file| folder::outside(&command.out, file))?;
    let rules =
        Rules { key: key(command.project_key.as_deref())?, options, documents: command.dangerous_documents };
    let told = Told {
        report: Report::create(command.report.as_deref(), options)?,
        errors: command.errors.as_deref().map(Errors::create).transpose()?,
        refused: 0,
    };
    if whole { all(command, &rules, told) } else { one(command, &rules, told) }
}

/// The key of the project; made when there is none.
fn key(path: Option<&Path>) -> Result<[u8; 32], Failure> {
    let mut key = [0; 32];
    match path {
        Some(path) if path.exists() => {
            let mut file = File::open(path).map_err(io("project key"))?;
            let meta = file.metadata().map_err(io("project key"))?;
            if meta.len() != 32 || meta.mode() & 0o077 != 0 {
                return Err(Failure::Text(say::text("deidentify-key", &[&path.display()])));
            }
            file.read_exact(&mut key).map_err(io("project key"))?;
        }
        path => {
            keys::SystemRandom.fill(&mut key).map_err(keys::Error::from).map_err(Error::from)?;
            if let Some(path) = path {
                write_private(path, &key).map_err(io("project key"))?;
            }
        }
    }
    Ok(key)
}

/// What is said of inputs and outputs.
struct Told {
    report: Report,
    errors: Option<Errors>,
    refused: u64,
}

impl Told {
    fn refuse(&mut self, path: &Path, reason: &Reason) -> Result<(), Failure> {
        let words = reason.words();
        if let Reason::Disk(_) = reason {
            return Err(Failure::Text(words));
        }
        self.refused += 1;
        say::note("import-refused", &[&path.display(), &words]);
        match &mut self.errors {
            Some(errors) => Ok(errors.add(&path.to_string_lossy(), reason.code(), &words)?),
            None => Ok(()),
        }
    }

    /// What was done, in sums; a failure when something was refused.
    fn sums(&self) -> Done {
        use privacy::Done::{Cleaned, Emptied, Kept, Removed, Replaced, Uid};
        let [kept, removed, emptied, replaced, cleaned, uids] =
            [Kept, Removed, Emptied, Replaced, Cleaned, Uid].map(|done| self.report.sum(done));
        let sums: [&dyn std::fmt::Display; 6] = [&kept, &removed, &emptied, &replaced, &cleaned, &uids];
        say::line(&say::text("deidentify-actions", &sums));
        if self.refused > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}

/// One file under a name that was asked for.
fn one(command: &Deidentify, rules: &Rules, mut told: Told) -> Done {
    let mut temporary = command.out.clone().into_os_string();
    temporary.push(".part");
    let temporary = PathBuf::from(temporary);
    let written = Local::instance(&command.input)
        .map_err(Reason::from)
        .and_then(|local| make::write(&local, &temporary, rules));
    match written {
        Ok((_, account)) => {
            told.report.add(&command.out.file_name().unwrap_or_default().to_string_lossy(), &account)?;
            std::fs::rename(&temporary, &command.out).map_err(io("output"))?;
        }
        Err(reason) => {
            // It may never have been made.
            let _ = std::fs::remove_file(&temporary);
            told.refuse(&command.input, &reason)?;
        }
    }
    told.sums()
}

/// Everything below a folder, or one file, into a folder.
fn all(command: &Deidentify, rules: &Rules, mut told: Told) -> Done {
    let mut folder = Folder::open(&command.out, command.project_key.as_deref())?;
    let paths = files::all(std::slice::from_ref(&command.input));
    let looked = look(&paths, &folder, rules)?;
    let fates = fate::fates(&looked, command.again);
    let (mut work, mut earlier, mut same) = (Vec::new(), 0u64, 0u64);
    for ((path, looked), fate) in paths.iter().zip(&looked).zip(fates) {
        match (looked, fate) {
            (Ok(looked), Some(Fate::Make)) => work.push((path.as_path(), looked)),
            (Ok(_), Some(Fate::Done)) => earlier += 1,
            (Ok(_), Some(Fate::Same)) => same += 1,
            (Ok(_), _) => told.refuse(path, &Reason::OtherContent)?,
            (Err(reason), _) => told.refuse(path, reason)?,
        }
    }
    let made = make_all(&work, &mut folder, rules, &mut told)?;
    folder.close()?;
    let left = folder.left_over(looked.iter().flatten());
    say::line(&say::text("deidentify-done", &[&made, &earlier, &same, &told.refused, &left]));
    told.sums()
}

fn look(paths: &[PathBuf], folder: &Folder, rules: &Rules) -> Result<Vec<Result<Looked, Reason>>, Failure> {
    let mut looked: Vec<_> = paths.iter().map(|_| Err(Reason::Unreadable)).collect();
    let progress = Progress::new("read", paths.len() as u64);
    let held = |name: &str, mark: &journal::Mark| folder.holds(name, mark);
    let each = crew::each(
        paths,
        |path| make::look(path, rules, held),
        |batch| {
            for (at, result) in batch {
                if let Some(place) = looked.get_mut(at) {
                    *place = result;
                }
                progress.step();
            }
            Ok::<_, Failure>(())
        },
    );
    each?;
    progress.done();
    Ok(looked)
}

/// How many outputs were made.
fn make_all(
    work: &[(&Path, &Looked)],
    folder: &mut Folder,
    rules: &Rules,
    told: &mut Told,
) -> Result<u64, Failure> {
    let mut count = 0;
    let progress = Progress::new("deidentify", work.len() as u64);
    let out = folder.path().to_path_buf();
    let each = crew::each(
        work,
        |(path, looked)| make::make(path, looked, &out, rules),
        |batch| -> Result<(), Failure> {
            let mut whole: Vec<Made> = Vec::new();
            for (at, result) in batch {
                progress.step();
                match (result, work.get(at)) {
                    (Ok(made), _) => {
                        told.report.add(made.entry.name.trim_end_matches(".dcm"), &made.account)?;
                        whole.push(made);
                    }
                    (Err(reason), Some((path, looked))) => {
                        told.refuse(path, &reason)?;
                        folder.take_away(&looked.name)?;
                    }
                    (Err(_), None) => {}
                }
            }
            told.report.sync()?;
            folder.take(&whole)?;
            count += whole.len() as u64;
            Ok(())
        },
    );
    each?;
    progress.done();
    Ok(count)
}
