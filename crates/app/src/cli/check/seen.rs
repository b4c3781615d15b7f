//! Objects that a check has opened already: their references beside the keys, until it is done.

use crate::home::{Home, write_private};
use crate::wiring::{Error, io};
use model::Id;
use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

/// Written this many at a time: losing the last ones only means opening them again.
const AT_ONCE: usize = 64;

/// The list.
pub struct Opened {
    path: PathBuf,
    known: HashSet<Id>,
    fresh: Vec<u8>,
}

impl Opened {
    /// Reads what an interrupted check left.
    pub fn begin(home: &Home, afresh: bool) -> Result<Self, Error> {
        let path = home.key("check.opened");
        if afresh && path.exists() {
            std::fs::remove_file(&path).map_err(io("check.opened"))?;
        }
        let mut bytes = Vec::new();
        if path.exists() {
            File::open(&path).and_then(|mut f| f.read_to_end(&mut bytes)).map_err(io("check.opened"))?;
        } else {
            write_private(&path, b"").map_err(io("check.opened"))?;
        }
        let known = bytes.as_chunks::<16>().0.iter().map(|id| Id(*id)).collect();
        Ok(Self { path, known, fresh: Vec::new() })
    }

    /// All of them.
    pub fn all(&self) -> HashSet<Id> {
        self.known.clone()
    }

    /// One more.
    pub fn add(&mut self, object: Id) {
        if self.known.insert(object) {
            self.fresh.extend_from_slice(&object.0);
        }
        if self.fresh.len() >= AT_ONCE * 16 {
            let written =
                File::options().append(true).open(&self.path).and_then(|mut f| f.write_all(&self.fresh));
            if written.is_ok() {
                self.fresh.clear();
            }
        }
    }

    /// The check is done: the next one opens everything again.
    pub fn end(self) -> Result<(), Error> {
        std::fs::remove_file(&self.path).map_err(io("check.opened"))
    }
}
