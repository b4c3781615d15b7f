//! Where exported files go: a folder or a ZIP file, DICOM files under the names that PS3.10 §8.2 allows, with a DICOMDIR. All
//! of it has its last name only when it is whole.

use crate::home::write_private;
use dicom::Intake;
use dicom::dicomdir::{Listed, write};
use model::Uid;
use port::stream::Part;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A folder or a ZIP being filled.
enum Place {
    Folder(PathBuf),
    Zip(Box<media::zip::Writer<BufWriter<File>>>),
}

/// A file being written.
struct Open {
    /// Path below the place.
    parts: Vec<String>,
    /// Into a folder.
    file: Option<BufWriter<File>>,
    /// Reads the head of a DICOM file, for the directory.
    intake: Option<Intake>,
}

/// All of an export.
pub struct Shelf {
    out: PathBuf,
    place: Place,
    open: Option<Open>,
    listed: Vec<Listed>,
    studies: u32,
    series: HashMap<Uid, u32>,
    files: u64,
}

fn failed(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

impl Shelf {
    /// Begins beside `out`.
    pub fn begin(out: &Path, zip: bool) -> io::Result<Self> {
        let part = partial(out);
        let place = if zip {
            match std::fs::remove_file(&part) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {} // left behind by an interrupted one
            }
            let file = File::options().write(true).create_new(true).mode(0o600).open(&part)?;
            Place::Zip(Box::new(media::zip::Writer::new(BufWriter::new(file))))
        } else {
            match std::fs::remove_dir_all(&part) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            crate::home::make_private_folder(&part)?;
            Place::Folder(part)
        };
        let (listed, series) = (Vec::new(), HashMap::new());
        Ok(Self { out: out.to_path_buf(), place, open: None, listed, studies: 0, series, files: 0 })
    }

    /// Files that are written.
    pub const fn files(&self) -> u64 {
        self.files
    }

    /// Another study begins.
    pub fn study(&mut self) {
        self.studies += 1;
        self.series.clear();
    }

    /// Another file begins; the one before is whole.
    pub fn file(&mut self, part: &Part) -> io::Result<()> {
        self.end()?;
        let next = u32::try_from(self.series.len()).unwrap_or(u32::MAX) + 1;
        let series = part
            .instance
            .as_ref()
            .map_or(next, |(series, _)| *self.series.entry(series.clone()).or_insert(next));
        let number = self.files + 1;
        let dicom = part.media == "application/dicom";
        let mut parts = vec![format!("ST{:06}", self.studies), format!("SE{series:06}")];
        parts.push(match part.media.as_str() {
            "application/dicom" => format!("IM{number:06}"),
            "image/png" => format!("IM{number:06}.png"),
            _ => format!("IM{number:06}.jpg"),
        });
        let file = match &mut self.place {
            Place::Folder(folder) => {
                let path = folder.join(parts.iter().collect::<PathBuf>());
                crate::home::make_private_folder(path.parent().unwrap_or(folder))?;
                let file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
                Some(BufWriter::new(file))
            }
            Place::Zip(zip) => {
                zip.entry(&parts.join("/")).map_err(failed)?;
                None
            }
        };
        self.open = Some(Open { parts, file, intake: dicom.then(Intake::of_a_file_that_stays) });
        Ok(())
    }

    /// Its bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Err(failed("bytes before a part")) };
        if let Some(intake) = &mut open.intake
            && intake.push(bytes).is_err()
        {
            open.intake = None;
        }
        match (&mut open.file, &mut self.place) {
            (Some(file), _) => file.write_all(bytes),
            (None, Place::Zip(zip)) => zip.write(bytes).map_err(failed),
            (None, Place::Folder(_)) => Err(failed("no file")),
        }
    }

    /// The open file is whole.
    pub fn end(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if let Some(file) = open.file {
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()?;
        }
        self.files += 1;
        let head = open.intake.and_then(|intake| intake.finish().ok()).map(|parsed| parsed.head);
        if let Some(listed) = head.and_then(|head| Listed::of(&head).ok()) {
            self.listed.push(Listed { file: open.parts, ..listed });
        }
        Ok(())
    }

    /// The open file was cut; false: it stands in a ZIP, and cannot be taken out of it.
    pub fn drop_open(&mut self) -> io::Result<bool> {
        match (self.open.take(), &self.place) {
            (None, _) => Ok(true),
            (Some(open), Place::Folder(folder)) => {
                std::fs::remove_file(folder.join(open.parts.iter().collect::<PathBuf>()))?;
                Ok(true)
            }
            (Some(_), Place::Zip(_)) => Ok(false),
        }
    }

    /// Writes the directory and gives everything its last name. Answers the files.
    pub fn finish(mut self) -> io::Result<u64> {
        self.end()?;
        let directory = match self.listed.first() {
            Some(_) => Some(write(&fresh_uid()?, &self.listed).map_err(failed)?),
            None => None,
        };
        match self.place {
            Place::Folder(folder) => {
                if let Some(bytes) = directory {
                    write_private(&folder.join("DICOMDIR"), &bytes)?;
                }
            }
            Place::Zip(mut zip) => {
                if let Some(bytes) = directory {
                    zip.entry("DICOMDIR").map_err(failed)?;
                    zip.write(&bytes).map_err(failed)?;
                }
                let file = zip.finish().map_err(failed)?;
                file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            }
        }
        std::fs::rename(partial(&self.out), &self.out)?;
        Ok(self.files)
    }
}

/// A UID of its own for the directory (PS3.5 B.2).
fn fresh_uid() -> io::Result<String> {
    use crypto::Random;
    let mut bytes = [0; 16];
    keys::SystemRandom.fill(&mut bytes).map_err(failed)?;
    Ok(format!("2.25.{}", u128::from_be_bytes(bytes)))
}

/// `OUT.part`.
fn partial(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    out.with_file_name(name)
}
