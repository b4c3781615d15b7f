//! The folder that is handed out: nothing but outputs of one key lies in it, and what tells whose they are never does.

use super::fate::Looked;
use super::journal::{Journal, Mark};
use super::make::Made;
use crate::cli::{Failure, digest};
use crate::say;
use crate::wiring::io;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The folder of the outputs.
pub struct Folder {
    path: PathBuf,
    journal: Option<Journal>,
    /// Outputs that were there at the start.
    there: HashSet<String>,
}

impl Folder {
    /// Opens or makes it. `key`: file of the project key; without one the folder must be empty, since nobody could go on in it.
    ///
    /// # Errors
    /// It holds what was not made with this key; the system's.
    pub fn open(path: &Path, key: Option<&Path>) -> Result<Self, Failure> {
        std::fs::create_dir_all(path).map_err(io("output"))?;
        if let Some(key) = key {
            outside(path, key)?;
        }
        let journal = key.map(|key| Journal::open(&journal_of(key))).transpose()?;
        let mut there = HashSet::new();
        for entry in std::fs::read_dir(path).map_err(io("output"))? {
            let entry = entry.map_err(io("output"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let file = entry.file_type().is_ok_and(|kind| kind.is_file());
            match &journal {
                // A kill left it behind.
                Some(_) if file && half_written(&name) => {
                    std::fs::remove_file(entry.path()).map_err(io("output"))?
                }
                Some(journal) if file && journal.knows(&name) => drop(there.insert(name)),
                Some(_) => {
                    return Err(Failure::Text(say::text("deidentify-foreign", &[&entry.path().display()])));
                }
                None => return Err(Failure::Text(say::text("deidentify-keyless", &[&path.display()]))),
            }
        }
        Ok(Self { path: path.to_path_buf(), journal, there })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The output of this name is there, whole, and made of this.
    pub fn holds(&self, name: &str, mark: &Mark) -> bool {
        let expected = self.journal.as_ref().and_then(|journal| journal.digest(name, mark));
        let there = || digest::of_file(&self.path.join(name)).ok();
        expected.is_some_and(|expected| self.there.contains(name) && there() == Some(expected))
    }

    /// Outputs that were there and come from none of these.
    pub fn left_over<'a>(&self, inputs: impl Iterator<Item = &'a Looked>) -> usize {
        let names: HashSet<&str> = inputs.map(|one| one.name.as_str()).collect();
        self.there.iter().filter(|name| !names.contains(name.as_str())).count()
    }

    /// Gives outputs their names: journal first, so that a kill in between makes them again. So does a power cut that takes a name
    /// away: [`Self::close`] syncs them all at once.
    ///
    /// # Errors
    /// The system's.
    pub fn take(&mut self, made: &[Made]) -> Result<(), Failure> {
        if let Some(journal) = &mut self.journal {
            journal.add(&made.iter().map(|one| one.entry.clone()).collect::<Vec<_>>())?;
        }
        for one in made {
            std::fs::rename(&one.temporary, self.path.join(&one.entry.name)).map_err(io("output"))?;
        }
        Ok(())
    }

    /// What was made by other rules (other options, an older program) of what these refuse does not stay.
    ///
    /// # Errors
    /// The system's.
    pub fn take_away(&mut self, name: &str) -> Result<(), Failure> {
        if self.there.remove(name) {
            std::fs::remove_file(self.path.join(name)).map_err(io("output"))?;
            say::note("deidentify-taken-away", &[&name]);
        }
        Ok(())
    }

    /// All names are durable.
    ///
    /// # Errors
    /// The system's.
    pub fn close(&self) -> Result<(), Failure> {
        let synced = File::open(&self.path).and_then(|folder| folder.sync_all());
        Ok(synced.map_err(io("output"))?)
    }
}

/// Beside the key, for it is of as little use to others.
fn journal_of(key: &Path) -> PathBuf {
    let mut name = key.file_name().unwrap_or_default().to_owned();
    name.push(".journal");
    key.with_file_name(name)
}

fn half_written(name: &str) -> bool {
    name.starts_with("2.25.") && name.ends_with(".dcm.part")
}

/// Refuses a file that tells whose the outputs are in the folder of the outputs.
///
/// # Errors
/// It lies there.
pub fn outside(out: &Path, file: &Path) -> Result<(), Failure> {
    let within = match (real(file), real(out)) {
        (Some(file), Some(out)) => file.starts_with(out),
        _ => false,
    };
    if within {
        return Err(Failure::Usage(say::text("deidentify-inside", &[&file.display(), &out.display()])));
    }
    Ok(())
}

/// Refuses folders that lie in each other: outputs would be inputs of the next run.
///
/// # Errors
/// They do.
pub fn apart(input: &Path, out: &Path) -> Result<(), Failure> {
    let nested = match (real(input), real(out)) {
        (Some(input), Some(out)) => input.starts_with(&out) || out.starts_with(&input),
        _ => false,
    };
    if nested {
        return Err(Failure::Usage(say::text("deidentify-nested", &[&input.display(), &out.display()])));
    }
    Ok(())
}

/// The path without links, of what may not be there yet.
fn real(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = std::fs::canonicalize(path) {
        return Some(real);
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Some(real(parent)?.join(path.file_name()?))
}
