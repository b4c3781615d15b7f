//! Room kept for ledger entries and for what is moved when the disk is full.

use crate::disk;
use std::fs::File;
use std::path::Path;

/// It is given back in such steps.
const STEP: u64 = 4 << 20;

pub struct Reserve {
    file: Option<File>,
    left: u64,
    wanted: u64,
}

impl Reserve {
    /// Without room for it the archive still starts: it reads, and stores nothing.
    pub fn open(data: &Path, wanted: u64) -> Self {
        let path = data.join("intake/reserve");
        let file = File::options().create(true).truncate(false).write(true).open(path).ok();
        let left = match file.as_ref().map(|file| disk::reserve(file, wanted)) {
            Some(Ok(())) => wanted,
            _ => {
                tracing::warn!("no room for the ledger's reserve");
                file.as_ref().and_then(|f| f.metadata().ok()).map_or(0, |m| m.len().min(wanted))
            }
        };
        Self { file, left, wanted }
    }

    /// Of a folder that is only looked at.
    pub const fn none() -> Self {
        Self { file: None, left: 0, wanted: 0 }
    }

    /// Gives back a step; false when nothing is left or the system refuses.
    pub fn release(&mut self) -> bool {
        let Some(file) = self.file.as_ref().filter(|_| self.left > 0) else { return false };
        self.left = self.left.saturating_sub(STEP);
        file.set_len(self.left).is_ok()
    }

    /// What it gave: not for objects.
    pub fn owed(&self) -> u64 {
        if self.file.is_some() { self.wanted - self.left } else { 0 }
    }

    /// Takes back what it gave, once there is room for it and `margin` more.
    pub fn refill(&mut self, data: &Path, margin: u64) {
        if let Some(file) = &self.file
            && self.left < self.wanted
            && disk::free_bytes(data) > self.owed() + margin
            && disk::reserve(file, self.wanted).is_ok()
        {
            self.left = self.wanted;
        }
    }
}
