//! What `xtask` shares with `fuzz/`: the fuzz targets, and the page of transfer syntaxes.

pub mod codecs;
pub mod fuzz;
