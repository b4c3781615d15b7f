//! `gauze deidentify`.

use super::local::{Local, mask_of};
use super::progress::Progress;
use super::{Done, Failure, files};
use crate::home::write_private;
use crate::say;
use crate::wiring::{Error, io};
use clap::{Args, ValueEnum};
use crypto::Random;
use port::pixels::{HeadForm, HeadLease, Output, WordsPlan};
use port::{Code, Fault};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// `deidentify`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze deidentify films/ out/ --profile basic --project-key project.key\n\
Files that are in OUT already are left, so an interrupted run goes on where it was.")]
pub struct Deidentify {
    /// File or folder.
    input: PathBuf,
    /// File or folder to write.
    out: PathBuf,
    /// Profile of PS3.15 Annex E.
    #[arg(long, value_enum)]
    profile: Profile,
    /// Key of the pseudonyms (32 bytes, mode 0600); made when there is none. Without it, pseudonyms of this run fit no other.
    #[arg(long)]
    project_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// Basic Application Level Confidentiality Profile, pixels cleaned.
    Basic,
}

pub fn run(command: &Deidentify) -> Done {
    let Profile::Basic = command.profile;
    let key = key(command.project_key.as_deref())?;
    if !command.input.is_dir() {
        return one(&command.input, &command.out, key)
            .map_err(|f| Failure::Text(say::text(f.code.as_str(), &[])));
    }
    let all = files::below(&command.input);
    let progress = Progress::new("deidentify", all.len() as u64);
    let mut refused = false;
    std::fs::create_dir_all(&command.out).map_err(io("output"))?;
    for (number, path) in all.iter().enumerate() {
        // Names of files often are names of people: numbered instead.
        let out = command.out.join(format!("{:06}.dcm", number + 1));
        if !out.exists()
            && let Err(fault) = one(path, &out, key)
        {
            refused = true;
            say::note("import-refused", &[&path.display(), &say::text(fault.code.as_str(), &[])]);
        }
        progress.step();
    }
    progress.done();
    if refused { Err(Failure::Reported) } else { Ok(()) }
}

fn key(path: Option<&Path>) -> Result<[u8; 32], Error> {
    let mut key = [0; 32];
    match path {
        Some(path) if path.exists() => {
            File::open(path).and_then(|mut f| f.read_exact(&mut key)).map_err(io("project key"))?;
        }
        path => {
            keys::SystemRandom.fill(&mut key).map_err(keys::Error::from)?;
            if let Some(path) = path {
                write_private(path, &key).map_err(io("project key"))?;
            }
        }
    }
    Ok(key)
}

/// One file: head by the profile, pixels through the gate; written whole or not at all.
fn one(path: &Path, out: &Path, project_key: [u8; 32]) -> Result<(), Fault> {
    let local = Local::open(path).map_err(|_| Code::BadObject)?;
    let image = local.image()?.clone();
    let mut noise = [0; 32];
    keys::SystemRandom.fill(&mut noise).map_err(|_| Code::Internal)?;
    let examined = local.examine(noise);
    if examined.withheld || !examined.maskable {
        return Err(Code::Unsupported.into());
    }
    let sop_uid = local.parsed.facts.sop_uid.clone();
    let lease = HeadLease {
        words: WordsPlan::Pseudonymous { project_key },
        masked: true,
        form: HeadForm::File,
        image: Some(image.clone()),
        derived_uid: Some(privacy::derived_uid(&project_key, sop_uid.as_str())),
        sop_uid,
        corrections: None,
    };
    let (_, head) = pixels::head(&lease, &local.parsed.head)?;
    let temporary = out.with_extension("part");
    let write =
        |bytes: &[u8], file: &mut File| file.write_all(bytes).map_err(|_| Fault::from(Code::StorageFull));
    let mut file = File::create(&temporary).map_err(|_| Code::StorageFull)?;
    write(&head, &mut file)?;
    let mut sent = 0;
    for index in 0..image.frames {
        let frame = local.redacted(index, Some(mask_of(&examined, index)), Output::Native)?;
        sent += frame.len();
        write(&frame, &mut file)?;
    }
    if sent % 2 == 1 {
        write(&[0], &mut file)?;
    }
    std::fs::rename(&temporary, out).map_err(|_| Code::StorageFull.into())
}
