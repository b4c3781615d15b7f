//! The list of what was refused, for a spreadsheet: RFC 4180, written as it happens.

use crate::home::write_private;
use crate::wiring::{Error, io};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// The list.
pub struct Errors(File);

impl Errors {
    /// Makes the file; never replaces one.
    pub fn create(path: &Path) -> Result<Self, Error> {
        write_private(path, b"file,code,words\r\n").map_err(io("--errors"))?;
        File::options().append(true).open(path).map(Self).map_err(io("--errors"))
    }

    /// One refused file.
    pub fn add(&mut self, file: &str, code: &str, words: &str) -> Result<(), Error> {
        let line = [file, code, words].map(quoted).join(",");
        self.0.write_all(format!("{line}\r\n").as_bytes()).map_err(io("--errors"))
    }
}

/// A field; one that a spreadsheet would take for a formula gets an apostrophe before it.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_no_formulas() {
        assert_eq!(quoted("a\"b,c\n"), "\"a\"\"b,c\n\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
