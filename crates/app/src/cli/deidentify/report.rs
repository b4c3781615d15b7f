//! What was done to each attribute: one JSON line for each place in each output, and sums. No value of any attribute is in it.

use crate::home::write_private;
use crate::wiring::{Error, io};
use model::Tag;
use privacy::{Account, Done, Options};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// The report and its sums.
#[derive(Default)]
pub struct Report {
    file: Option<File>,
    sums: BTreeMap<Done, u64>,
    options: Options,
}

impl Report {
    /// Makes the file, when there is to be one; never replaces one.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: Option<&Path>, options: Options) -> Result<Self, Error> {
        let create = |path: &Path| {
            write_private(path, b"")
                .and_then(|()| File::options().append(true).open(path))
                .map_err(io("--report"))
        };
        Ok(Self { file: path.map(create).transpose()?, sums: BTreeMap::new(), options })
    }

    /// One output. Written before the output has its name: what is in the folder is in a report.
    ///
    /// # Errors
    /// The system's.
    pub fn add(&mut self, output: &str, account: &Account) -> Result<(), Error> {
        let mut lines = String::new();
        for (path, done, times) in account.iter() {
            *self.sums.entry(done).or_default() += times;
            if self.file.is_some() {
                lines += &self.line(output, path, (done, times)).to_string();
                lines.push('\n');
            }
        }
        match &mut self.file {
            Some(file) => file.write_all(lines.as_bytes()).map_err(io("--report")),
            None => Ok(()),
        }
    }

    /// All lines so far are durable.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.as_ref().map_or(Ok(()), |file| file.sync_data().map_err(io("--report")))
    }

    fn line(&self, output: &str, path: &[Tag], (done, times): (Done, u64)) -> serde_json::Value {
        let place: Vec<String> = path.iter().map(|tag| format!("{tag:08X}")).collect();
        let own = path.last().copied().unwrap_or_default();
        serde_json::json!({
            "output": output,
            "path": place.join("."),
            "keyword": dicom::dataset::keyword(own),
            "action": done.name(),
            "option": privacy::deciding(self.options, own).map(privacy::ProfileOption::name),
            "count": times,
        })
    }

    /// How often something was done.
    pub fn sum(&self, done: Done) -> u64 {
        self.sums.get(&done).copied().unwrap_or_default()
    }
}
