//! One input: looked at, and made into what may leave, under a name that nobody takes for a whole output.

use super::fate::Looked;
use super::journal::{Entry, Mark};
use crate::cli::local::{Local, Unread, mask_of};
use crate::say;
use pixels::leaving::{self, Leaving};
use port::pixels::Output;
use port::{Code, Fault};
use privacy::{Account, Options, Refused};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How a run de-identifies.
pub struct Rules {
    /// Key of the pseudonyms.
    pub key: [u8; 32],
    /// Options beside the basic profile.
    pub options: Options,
    /// Encapsulated documents leave unread.
    pub documents: bool,
}

/// Why an input has no output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No DICOM file.
    NotDicom,
    /// The system does not let it be read.
    Unreadable,
    /// Somebody wrote into it meanwhile.
    Changed,
    /// Another input with the same SOP Instance UID has other content.
    OtherContent,
    /// A picture of which nobody can say that it is clean.
    Withheld,
    /// An object without a picture that may not leave.
    Refused(Refused),
    /// Output cannot be written; ends the run.
    Disk(String),
    /// Anything else.
    Fault(Code),
}

impl Reason {
    /// A word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotDicom => "not-dicom",
            Self::Unreadable => "unreadable",
            Self::Changed => "changed-meanwhile",
            Self::OtherContent => "other-content",
            Self::Withheld => "withheld",
            Self::Refused(Refused::StructuredContent) => "structured-content",
            Self::Refused(Refused::Document) => "document",
            Self::Refused(Refused::Sound) => "sound",
            Self::Refused(Refused::Bulk) => "bulk-data",
            Self::Refused(Refused::Class) => "class",
            Self::Disk(_) => "storage-full",
            Self::Fault(code) => code.as_str(),
        }
    }

    /// Words for people.
    pub fn words(&self) -> String {
        match self {
            Self::Withheld | Self::Fault(_) => say::text(self.code(), &[]),
            Self::Disk(error) => error.clone(),
            _ => say::text(&format!("deidentify-{}", self.code()), &[]),
        }
    }
}

impl From<Unread> for Reason {
    fn from(error: Unread) -> Self {
        match error {
            Unread::Io(_) => Self::Unreadable,
            Unread::Dicom(dicom::Error::NotPart10) => Self::NotDicom,
            Unread::Dicom(dicom::Error::TooLarge(_)) => Self::Fault(Code::TooLarge),
            Unread::Dicom(_) => Self::Fault(Code::BadObject),
        }
    }
}

impl From<pixels::Error> for Reason {
    fn from(error: pixels::Error) -> Self {
        Self::Fault(Fault::from(error).code)
    }
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault.code)
    }
}

impl Rules {
    /// What an output is made of: content, options, and the program, for a newer one may hide more.
    fn mark(&self, digest: &[u8; 32]) -> Mark {
        let options: Vec<&str> = self.options.iter().map(privacy::ProfileOption::name).collect();
        let options = options.join(",");
        let parts =
            [env!("CARGO_PKG_VERSION").as_bytes(), options.as_bytes(), &[u8::from(self.documents)], digest];
        let mac = crypto::Key::from_bytes(self.key).mac("gauze/deidentify", &parts);
        mac.first_chunk().copied().unwrap_or_default()
    }

    /// The key of the mosaic's noise: the same in every run, for who has many could take the mean.
    fn noise(&self, sop_uid: &str) -> [u8; 32] {
        crypto::Key::from_bytes(self.key).mac("gauze/deidentify/noise", &[sop_uid.as_bytes()])
    }
}

/// Reads an input. `held`: the digest that the journal has of the output of this name and content, if it has one, is that of the output.
///
/// # Errors
/// Why it has no output.
pub fn look(path: &Path, rules: &Rules, held: impl Fn(&str, &Mark) -> bool) -> Result<Looked, Reason> {
    let local = Local::instance(path)?;
    let uid = privacy::pseudonymous_uid(&rules.key, &local.parsed.facts.sop_uid);
    let name = format!("{uid}.dcm");
    let mark = rules.mark(&local.digest);
    let held = held(&name, &mark);
    Ok(Looked { name, mark, digest: local.digest, held })
}

/// An output under its temporary name, durable.
pub struct Made {
    /// What the journal is to say.
    pub entry: Entry,
    /// Where it is.
    pub temporary: PathBuf,
    /// What was done.
    pub account: Account,
}

/// Makes the output of an input that was looked at.
///
/// # Errors
/// Why it has none; nothing is left behind then.
pub fn make(path: &Path, looked: &Looked, out: &Path, rules: &Rules) -> Result<Made, Reason> {
    let temporary = out.join(format!("{}.part", looked.name));
    let made = Local::instance(path).map_err(Reason::from).and_then(|local| {
        if local.digest != looked.digest {
            return Err(Reason::Changed);
        }
        write(&local, &temporary, rules)
    });
    match made {
        Ok((digest, account)) => {
            let entry = Entry { name: looked.name.clone(), mark: looked.mark, digest };
            Ok(Made { entry, temporary, account })
        }
        Err(reason) => {
            // It may never have been made.
            let _ = std::fs::remove_file(&temporary);
            Err(reason)
        }
    }
}

/// Writes the output, whole and durable, and says its digest.
///
/// # Errors
/// As [`make`]; what was written so far is left.
pub fn write(local: &Local, temporary: &Path, rules: &Rules) -> Result<([u8; 32], Account), Reason> {
    let leaving = Leaving { project_key: &rules.key, options: rules.options, documents: rules.documents };
    let head = &local.parsed.head;
    let (file, account) = if let Some(image) = &local.parsed.facts.image {
        let sop_uid = &local.parsed.facts.sop_uid;
        let (head, account) = leaving::image(&leaving, image, sop_uid, head)?;
        let examined = local.examine(rules.noise(sop_uid.as_str()));
        if examined.withheld || !examined.maskable {
            return Err(Reason::Withheld);
        }
        let mut file = Written::create(temporary)?;
        file.take(&head)?;
        let mut sent = 0;
        for index in 0..image.frames {
            let frame = local.redacted(index, Some(mask_of(&examined, index)), Output::Native)?;
            sent += frame.len();
            file.take(&frame)?;
        }
        if sent % 2 == 1 {
            file.take(&[0])?;
        }
        (file, account)
    } else {
        let (bytes, account) = leaving::record(&leaving, head)?.map_err(Reason::Refused)?;
        let mut file = Written::create(temporary)?;
        file.take(&bytes)?;
        (file, account)
    };
    file.file.sync_all().map_err(disk)?;
    if !local.untouched() {
        return Err(Reason::Changed);
    }
    Ok((file.digest.finish(), account))
}

/// A file with its digest.
struct Written {
    file: File,
    digest: crypto::Digest,
}

impl Written {
    fn create(path: &Path) -> Result<Self, Reason> {
        // What a kill left, or a link that somebody put there: it is not followed.
        let _ = std::fs::remove_file(path);
        Ok(Self { file: File::create_new(path).map_err(disk)?, digest: crypto::Digest::new() })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.digest.update(bytes);
        self.file.write_all(bytes).map_err(disk)
    }
}

fn disk(error: std::io::Error) -> Reason {
    Reason::Disk(error.to_string())
}
