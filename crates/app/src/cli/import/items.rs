//! What there is to store: files, entries of ZIP files, files that a DICOMDIR names.

use super::source::Source;
use crate::cli::files;
use media::zip::{self, Entry};
use port::{Code, Fault};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A DICOMDIR, bytes.
const DICOMDIR_BYTES: u64 = 256 << 20;

/// One thing to store.
#[derive(Debug, Clone)]
pub enum Item {
    /// A file.
    File(PathBuf),
    /// An entry of a ZIP file.
    Entry(PathBuf, Box<Entry>),
    /// Something that cannot be read at all.
    Bad(PathBuf, Code),
}

impl Item {
    /// To show.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) | Self::Bad(path, _) => path.to_string_lossy().into_owned(),
            Self::Entry(path, entry) => format!("{}!{}", path.to_string_lossy(), entry.name),
        }
    }

    /// The file that it lies in.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Entry(path, _) | Self::Bad(path, _) => path,
        }
    }

    /// Where its bytes are.
    ///
    /// # Errors
    /// It has none.
    pub fn source(&self) -> Result<Source, Fault> {
        match self {
            Self::File(path) => Ok(Source::File(path.clone())),
            Self::Entry(path, entry) => Ok(Source::Entry(path.clone(), entry.clone())),
            Self::Bad(_, code) => Err((*code).into()),
        }
    }
}

/// Everything that the named sources hold, in order.
pub fn all(sources: &[&PathBuf]) -> Vec<Item> {
    let mut out = Vec::new();
    for source in sources {
        let directory = source.file_name().is_some_and(|name| name.eq_ignore_ascii_case("DICOMDIR"));
        if directory && source.is_file() {
            named(source, &mut out);
            continue;
        }
        for path in files::all(std::slice::from_ref(*source)) {
            if is_zip(&path) { entries(path, &mut out) } else { out.push(Item::File(path)) }
        }
    }
    out
}

fn is_zip(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    // An empty ZIP begins with its end record.
    read.is_ok() && matches!(&start, b"PK\x03\x04" | b"PK\x05\x06")
}

fn entries(path: PathBuf, out: &mut Vec<Item>) {
    match File::open(&path).map_err(media::Error::from).and_then(|mut file| zip::entries(&mut file)) {
        Ok(list) => {
            let files = list.into_iter().filter(|entry| !entry.is_folder());
            out.extend(files.map(|entry| Item::Entry(path.clone(), Box::new(entry))));
        }
        Err(media::Error::TooLarge(_)) => out.push(Item::Bad(path, Code::TooLarge)),
        Err(_) => out.push(Item::Bad(path, Code::BadObject)),
    }
}

/// Files of a DICOMDIR. Media are mounted with names in upper or in lower case.
fn named(path: &Path, out: &mut Vec<Item>) {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(DICOMDIR_BYTES).read_to_end(&mut bytes));
    let files = read.ok().and_then(|_| dicom::dicomdir::referenced_files(&bytes).ok());
    let Some(files) = files else { return out.push(Item::Bad(path.to_path_buf(), Code::BadObject)) };
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    for parts in files {
        let joined = |lower: bool| {
            let parts = parts.iter().map(|part| if lower { part.to_lowercase() } else { part.clone() });
            folder.join(parts.collect::<PathBuf>())
        };
        let (given, lower) = (joined(false), joined(true));
        // One that is missing is told as such.
        out.push(Item::File(if !given.is_file() && lower.is_file() { lower } else { given }));
    }
}
