//! When decoding must be over. The clock is the caller's.

use crate::{Error, Result};

/// Asked at each row, block row or read of a codestream.
#[derive(Clone, Copy)]
pub struct Deadline<'a> {
    over: &'a dyn Fn() -> bool,
}

impl std::fmt::Debug for Deadline<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deadline")
    }
}

impl<'a> Deadline<'a> {
    /// Over as soon as this says so.
    #[must_use]
    pub const fn new(over: &'a dyn Fn() -> bool) -> Self {
        Self { over }
    }

    /// Ends the work when its time is over.
    pub(crate) fn check(&self) -> Result<()> {
        if (self.over)() { Err(Error::OutOfTime) } else { Ok(()) }
    }
}

impl Deadline<'static> {
    /// No limit: for one's own files.
    #[must_use]
    pub const fn never() -> Self {
        Self { over: &|| false }
    }
}

/// A codestream that ends when its time is over: decoders that cannot be asked to stop read from it.
pub struct Timed<'a> {
    pub rest: &'a [u8],
    pub deadline: Deadline<'a>,
}

impl std::io::Read for Timed<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        // Small reads, so that a long codestream asks often.
        const STEP: usize = 4096;
        self.deadline.check().map_err(|_| std::io::ErrorKind::TimedOut)?;
        let most = into.len().min(STEP);
        self.rest.read(into.get_mut(..most).unwrap_or_default())
    }
}
