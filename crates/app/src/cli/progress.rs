//! A bar when a person watches, plain lines otherwise.

use indicatif::{ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::io::IsTerminal;

/// Lines without a terminal come every so many steps.
const STEPS: u64 = 1000;

/// How far a long work is.
pub struct Progress {
    name: &'static str,
    bar: Option<ProgressBar>,
    total: u64,
    at: Cell<u64>,
}

impl Progress {
    /// Nothing done of `total`.
    pub fn new(name: &'static str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} [{wide_bar}] {pos}/{len} {eta}");
            ProgressBar::new(total)
                .with_prefix(name)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { name, bar, total, at: Cell::new(0) }
    }

    /// One more.
    pub fn step(&self) {
        self.to(self.at.get() + 1);
    }

    /// So many.
    pub fn to(&self, at: u64) {
        let before = self.at.replace(at);
        match &self.bar {
            Some(bar) => bar.set_position(at),
            None if at / STEPS > before / STEPS => eprintln!("{} {at}/{}", self.name, self.total),
            None => {}
        }
    }

    /// The bar goes away.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
